//! Negative cases of our own certificate: outside its validity, with a foreign key, half-written.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use gladhand_documents::error::{Code, Sent};
use http::Method;

use super::{Change, FileIdentity, Identity, Material};
use crate::auth::{Authorized, Caller, Profile, Request};
use crate::clock::{Clock, SharedClock, TestClock};
use crate::config::{PemIdentity, PemSource};
use crate::identity::rotation::Rotation;
use crate::testing::{Authority, Ca, Carrier, Issued, Knobs, Leaf, List, Party};

fn clock() -> TestClock {
    TestClock::at("2026-02-20T08:00:00Z".parse().unwrap())
}

#[tokio::test]
async fn negative_n02_an_own_certificate_outside_its_validity_fails_before_anything_is_dialled() {
    let root = Authority::root("root");
    let carrier = Carrier::start(&Ca::new(), Knobs::default()).await;
    for leaf in
        [Leaf { until: 2021, ..Leaf::svid(&["spiffe://a/b"]) }, Leaf { from: 2080, ..Leaf::svid(&["spiffe://a/b"]) }]
    {
        let party = Party { pair: root.issue(&leaf).pair(), ..Party::of(&root, &carrier.server.url) };
        let error = party.generation().unwrap_err();
        assert_eq!((error.code(), error.sent_state()), (Code::CertificateExpired, Sent::NotSent));
        assert!(error.message().contains("client certificate"), "{error}");
    }
    assert_eq!(carrier.server.connections(), 0);
}

#[tokio::test]
async fn negative_n02_a_certificate_that_expires_in_use_fails_before_anything_is_dialled() {
    let ca = Ca::new();
    let carrier = Carrier::start(&ca, Knobs::default()).await;
    let root = Authority::root("root");
    let clock = TestClock::at("2029-12-31T12:00:00Z".parse().unwrap());
    let pair = ca.client_valid("spiffe://sandbox.gladhand.test/tms/acme", (2020, 1, 1), (2030, 1, 1));
    let party =
        Party { pair, trust: ca.pem(), clock: Arc::new(clock.clone()), ..Party::of(&root, &carrier.server.url) };
    let config = party.config().unwrap();
    let material = Arc::new(Material::load(&config.identity, &clock).unwrap());
    let caller = Authorized::new(&party.carrier(), material, party.clock.clone(), party.security.clone()).unwrap();
    let read =
        || Request::new("capacity.get", Method::GET, "/v1/capacity/a", Profile::CertificateBound, "capacity:read");
    caller.call(read()).await.unwrap();
    let before = carrier.server.seen().len();
    clock.advance(Duration::from_secs(86_400));
    let error = caller.call(read()).await.unwrap_err();
    assert_eq!((error.code(), error.sent_state()), (Code::CertificateExpired, Sent::NotSent));
    assert_eq!(carrier.server.seen().len(), before);
}

#[test]
fn negative_n02_a_key_of_another_certificate_is_refused_at_load() {
    let root = Authority::root("root");
    let url = "https://carrier.example/".parse().unwrap();
    let pair = (root.client().chain, root.client().key);
    let error = Party { pair, ..Party::of(&root, &url) }.generation().unwrap_err();
    assert_eq!(error.code(), Code::KeyMismatch);
}

/// A folder with an identity in it, and what watches it.
struct Folder {
    place: tempfile::TempDir,
    root: Authority,
    clock: TestClock,
    identity: Arc<FileIdentity>,
}

impl Folder {
    /// Plain files, or as Kubernetes mounts a secret: links through `..data`, which is a link to a folder.
    async fn new(projected: bool) -> (Self, Issued) {
        let (place, root, clock) = (tempfile::tempdir().unwrap(), Authority::root("root"), clock());
        let path = |name: &str| PemSource::File(place.path().join(name));
        let pem = PemIdentity { certificate: path("tls.crt"), private_key: path("tls.key"), trust: path("ca.crt") };
        let shared: SharedClock = Arc::new(clock.clone());
        let identity = Arc::new(FileIdentity::new(pem, Some(path("ca.crl")), shared));
        let this = Self { place, root, clock, identity };
        let first = this.root.client();
        if projected {
            this.project("..v1", &first);
            for name in ["tls.crt", "tls.key", "ca.crt", "ca.crl"] {
                link(&Path::new("..data").join(name), &this.place.path().join(name));
            }
        } else {
            this.all(this.place.path(), &first);
        }
        let material = this.identity.load().await.unwrap();
        assert_eq!(material.facts().uris(), ["spiffe://sandbox.gladhand.test/tms/acme"]);
        (this, first)
    }

    fn all(&self, folder: &Path, issued: &Issued) {
        std::fs::create_dir_all(folder).unwrap();
        for (name, text) in [
            ("tls.crt", &issued.chain),
            ("tls.key", &issued.key),
            ("ca.crt", &self.root.pem()),
            ("ca.crl", &self.root.list(&List::default())),
        ] {
            std::fs::write(folder.join(name), text).unwrap();
        }
    }

    /// A new version of the whole folder, taken into use by one rename, as the kubelet does.
    fn project(&self, version: &str, issued: &Issued) {
        self.all(&self.place.path().join(version), issued);
        link(Path::new(version), &self.place.path().join("..data_tmp"));
        std::fs::rename(self.place.path().join("..data_tmp"), self.place.path().join("..data")).unwrap();
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.place.path().join(name), text).unwrap();
    }

    fn rename_over(&self, name: &str, text: &str) {
        self.write("new", text);
        std::fs::rename(self.place.path().join("new"), self.place.path().join(name)).unwrap();
    }

    /// The next change, in virtual time; nothing if there is none in a minute of it.
    async fn change(&self) -> Option<Change> {
        let change = self.identity.change();
        tokio::pin!(change);
        let from = self.clock.monotonic();
        while self.clock.monotonic() < from + Duration::from_secs(15) {
            tokio::select! {
                biased;
                change = &mut change => return Some(change),
                () = tokio::time::sleep(Duration::from_millis(1)) => {}
            }
            if self.clock.sleepers() > 0 {
                self.clock.advance(Duration::from_millis(250));
            }
        }
        None
    }

    async fn renewed(&self) -> String {
        match self.change().await {
            Some(Change::Renewed(material)) => material.facts().fingerprint().to_owned(),
            other => panic!("not renewed: {other:?}"),
        }
    }
}

#[cfg(unix)]
fn link(to: &Path, at: &Path) {
    std::os::unix::fs::symlink(to, at).unwrap();
}

fn fingerprint(issued: &Issued) -> String {
    use rustls::pki_types::pem::PemObject as _;
    let der = rustls::pki_types::CertificateDer::from_pem_slice(issued.chain.as_bytes()).unwrap();
    super::CertificateFacts::read(&der).unwrap().fingerprint().to_owned()
}

#[tokio::test]
async fn negative_n03_a_half_written_pair_keeps_the_last_good_one_and_is_reported_once() {
    let (folder, _) = Folder::new(false).await;
    let next = folder.root.client();
    folder.write("tls.crt", &next.chain);
    let Some(Change::Unusable(error)) = folder.change().await else { panic!("not reported") };
    assert_eq!(error.code(), Code::KeyMismatch);
    assert!(folder.change().await.is_none(), "reported once");
    // Cut off in the middle of a line.
    folder.write("tls.key", &next.key[..next.key.len() / 2]);
    let Some(Change::Unusable(error)) = folder.change().await else { panic!("another bad content is reported") };
    assert_eq!(error.code(), Code::CertificateUnreadable);
    assert!(folder.change().await.is_none());
    // And gone for a moment.
    std::fs::remove_file(folder.place.path().join("tls.key")).unwrap();
    assert!(matches!(folder.change().await, Some(Change::Unusable(_))));
    folder.write("tls.key", &next.key);
    assert_eq!(folder.renewed().await, fingerprint(&next));
    assert!(folder.change().await.is_none(), "nothing changes without a change");
}

#[tokio::test]
async fn negative_n03_an_atomic_rename_is_seen() {
    let (folder, _) = Folder::new(false).await;
    for _ in 0..3 {
        let next = folder.root.client();
        folder.rename_over("tls.key", &next.key);
        folder.rename_over("tls.crt", &next.chain);
        assert_eq!(folder.renewed().await, fingerprint(&next));
    }
}

#[tokio::test]
async fn negative_n03_the_swap_of_the_data_link_of_kubernetes_is_seen() {
    let (folder, _) = Folder::new(true).await;
    for version in ["..v2", "..v3"] {
        let next = folder.root.client();
        folder.project(version, &next);
        assert_eq!(folder.renewed().await, fingerprint(&next));
        assert!(folder.change().await.is_none());
    }
}

#[tokio::test]
async fn negative_n03_a_second_write_within_one_tick_of_the_same_length_is_seen() {
    let (folder, first) = Folder::new(false).await;
    let path = folder.place.path().join("ca.crl");
    let (a, b) = (folder.root.revoke(&[1]), folder.root.revoke(&[2]));
    folder.write("ca.crl", &a);
    let stamp = std::fs::metadata(&path).unwrap().modified().unwrap();
    assert_eq!(folder.renewed().await, fingerprint(&first));
    folder.write("ca.crl", &b);
    let file = std::fs::OpenOptions::new().append(true).open(&path).unwrap();
    file.set_modified(stamp).unwrap();
    assert_eq!(folder.renewed().await, fingerprint(&first), "the list is another");
}

#[tokio::test]
async fn negative_n03_the_client_keeps_calling_with_the_last_good_pair_and_says_so() {
    let (folder, first) = Folder::new(false).await;
    let url = "https://carrier.example/".parse().unwrap();
    let party = Party::of(&folder.root, &url);
    let material = folder.identity.load().await.unwrap();
    let clock: SharedClock = Arc::new(folder.clock.clone());
    let caller = Authorized::new(&party.carrier(), material.clone(), clock.clone(), party.security.clone()).unwrap();
    let rotation =
        Rotation::new(folder.identity.clone(), material, vec![caller.clone()], clock, party.security.clone());
    let mut events = party.security.stream();
    let stop = tokio_util::sync::CancellationToken::new();
    let running = tokio::spawn(rotation.run(stop.clone()));
    let turn = async |folder: &Folder, message: &str, events: &mut crate::observe::SecurityStream| {
        loop {
            tokio::select! {
                biased;
                event = events.next() => {
                    let event = event.unwrap();
                    if event.text("/message").unwrap() == message {
                        return event;
                    }
                }
                () = tokio::time::sleep(Duration::from_millis(1)) => folder.clock.advance(Duration::from_millis(250)),
            }
        }
    };
    let next = folder.root.client();
    folder.write("tls.crt", &next.chain);
    let event = turn(&folder, "rotation_failed", &mut events).await;
    assert_eq!(event.text("/status_code").unwrap(), "key_mismatch");
    assert_eq!(event.text("/unmapped/kept").unwrap(), fingerprint(&first));
    assert!(!event.as_str().contains("PRIVATE"), "a fingerprint and nothing else");
    assert_eq!(caller.generation().identity().facts().fingerprint(), fingerprint(&first));
    folder.write("tls.key", &next.key);
    let event = turn(&folder, "identity_rotated", &mut events).await;
    assert_eq!(event.text("/unmapped/fingerprint").unwrap(), fingerprint(&next));
    assert_eq!(caller.generation().identity().facts().fingerprint(), fingerprint(&next));
    stop.cancel();
    running.await.unwrap();
}
