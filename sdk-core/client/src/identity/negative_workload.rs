//! Negative cases of the Workload API: down, refusing, withdrawing, empty, and in another order.

use std::sync::Arc;
use std::time::Duration;

use gladhand_documents::error::Code;

use super::{Change, Identity, Material, SpiffeId, SpiffeIdentity, Trust};
use crate::auth::Authorized;
use crate::clock::{SharedClock, SystemClock};
use crate::config::PemSource;
use crate::identity::rotation::Rotation;
use crate::secret::Secret;
use crate::testing::{Authority, Party, Svid, WorkloadApi};

const OURS: &str = "spiffe://partner.example/tms/acme";

struct World {
    folder: tempfile::TempDir,
    root: Authority,
    carrier: Authority,
}

impl World {
    fn new() -> Self {
        let (root, carrier) = (Authority::root("partner.example"), Authority::root("carrier.example"));
        Self { folder: tempfile::tempdir().unwrap(), root, carrier }
    }

    fn api(&self) -> WorkloadApi {
        WorkloadApi::start(self.folder.path().join("api.sock"))
    }

    fn identity(&self, id: Option<&str>) -> SpiffeIdentity {
        let endpoint = format!("unix://{}", self.folder.path().join("api.sock").display());
        let id = id.map(|id| SpiffeId::parse(id).unwrap());
        SpiffeIdentity::new(Some(endpoint), id, None, clock())
    }

    fn svid(&self, id: &str) -> Svid {
        Svid::of(&self.root, id)
    }

    /// An API that gives our SVID and the carrier's bundle, and an identity that has loaded it.
    async fn running(&self) -> (WorkloadApi, SpiffeIdentity, Arc<Material>) {
        let api = self.api();
        api.give(&[&self.svid(OURS)], &[("carrier.example", &self.carrier)]);
        let identity = self.identity(None);
        let material = identity.load().await.unwrap();
        (api, identity, material)
    }
}

fn clock() -> SharedClock {
    Arc::new(SystemClock::new())
}

fn domains(material: &Material) -> Vec<&str> {
    match material.trust() {
        Trust::Bundles(bundles) => bundles.keys().map(String::as_str).collect(),
        Trust::Roots(_) => vec![],
    }
}

async fn change(identity: &SpiffeIdentity) -> Change {
    tokio::time::timeout(Duration::from_secs(20), identity.change()).await.expect("nothing changed")
}

async fn renewed(identity: &SpiffeIdentity) -> Arc<Material> {
    loop {
        match change(identity).await {
            Change::Renewed(material) => return material,
            Change::Unusable(_) => {}
            Change::Withdrawn(why) => panic!("withdrawn: {why}"),
        }
    }
}

#[tokio::test]
async fn negative_n05_an_svid_that_rotates_and_a_federated_bundle_that_goes_are_followed() {
    let world = World::new();
    let (api, identity, first) = world.running().await;
    assert_eq!(first.facts().uris(), [OURS]);
    assert_eq!(domains(&first), ["carrier.example", "partner.example"]);
    let next = world.svid(OURS);
    api.give(&[&next], &[("carrier.example", &world.carrier)]);
    let second = renewed(&identity).await;
    assert_ne!(second.facts().fingerprint(), first.facts().fingerprint());
    api.give(&[&next], &[]);
    let third = renewed(&identity).await;
    assert_eq!(third.facts().fingerprint(), second.facts().fingerprint());
    assert_eq!(domains(&third), ["partner.example"]);
    assert_eq!(api.endpoint(), format!("unix://{}", world.folder.path().join("api.sock").display()));
}

#[tokio::test]
async fn negative_n05_a_workload_api_that_is_down_at_start_is_an_error_that_says_so() {
    let world = World::new();
    let identity = world.identity(None);
    let error = identity.load().await.unwrap_err();
    assert_eq!(error.code(), Code::IdentityUnavailable);
    assert!(!error.causes().is_empty());
    // The same identity works once there is one.
    let api = world.api();
    api.give(&[&world.svid(OURS)], &[]);
    assert!(identity.load().await.is_ok());
}

#[tokio::test]
async fn negative_n05_an_agent_that_starts_a_moment_later_is_waited_for() {
    let world = World::new();
    let identity = world.identity(None);
    let starting = async {
        tokio::time::sleep(Duration::from_millis(600)).await;
        let api = world.api();
        api.give(&[&world.svid(OURS)], &[]);
        api
    };
    let (material, _api) = tokio::join!(identity.load(), starting);
    assert_eq!(material.unwrap().facts().uris(), [OURS]);
}

#[tokio::test]
async fn negative_n05_a_workload_api_that_goes_down_leaves_the_last_good_identity() {
    let world = World::new();
    let (api, identity, first) = world.running().await;
    drop(api);
    let Change::Unusable(error) = change(&identity).await else { panic!("not reported") };
    assert_eq!(error.code(), Code::IdentityUnavailable);
    let api = world.api();
    api.give(&[&world.svid(OURS)], &[]);
    assert_ne!(renewed(&identity).await.facts().fingerprint(), first.facts().fingerprint());
}

#[tokio::test]
async fn negative_n05_a_workload_that_is_not_registered_is_an_error_at_once() {
    let world = World::new();
    let _api = world.api();
    let started = tokio::time::timeout(Duration::from_secs(4), world.identity(None).load()).await;
    let error = started.expect("a refusal is not outwaited").unwrap_err();
    assert_eq!(error.code(), Code::IdentityUnavailable);
}

#[tokio::test]
async fn negative_n05_an_identity_that_is_withdrawn_is_used_no_more_until_there_is_one() {
    let world = World::new();
    let (api, identity, material) = world.running().await;
    let identity = Arc::new(identity);
    let mut party = Party::of(&world.root, &"https://carrier.example/".parse().unwrap());
    party.settings = party.settings.clone().spiffe_id(["spiffe://carrier.example"]);
    let caller =
        Authorized::new(&party.carrier(), material.clone(), party.clock.clone(), party.security.clone()).unwrap();
    let rotation = Rotation::new(identity, material, vec![caller.clone()], party.clock.clone(), party.security.clone());
    let mut events = party.security.stream();
    let stop = tokio_util::sync::CancellationToken::new();
    let running = tokio::spawn(rotation.run(stop.clone()));
    let old = caller.generation();
    api.withdraw();
    let event = events.next().await.unwrap();
    assert_eq!(event.text("/message").unwrap(), "identity_revoked");
    assert_eq!(event.text("/status_code").unwrap(), "identity_unavailable");
    assert!(old.cut().is_cancelled(), "what runs on it ends");
    let error = caller.generation().usable(&*party.clock).unwrap_err();
    assert_eq!(error.code(), Code::IdentityUnavailable);
    api.give(&[&world.svid(OURS)], &[]);
    while caller.generation().number() == old.number() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    caller.generation().usable(&*party.clock).unwrap();
    stop.cancel();
    running.await.unwrap();
}

#[tokio::test]
async fn negative_n05_an_empty_bundle_keeps_the_last_good_identity() {
    let world = World::new();
    let (api, identity, first) = world.running().await;
    api.give(&[&Svid { bundle: String::new(), ..world.svid(OURS) }], &[]);
    let Change::Unusable(error) = change(&identity).await else { panic!("not reported") };
    assert!(error.causes().iter().any(|cause| cause.contains("bundle")), "{error:?}");
    // The stream goes on: the next good update counts.
    api.give(&[&world.svid(OURS)], &[]);
    assert_ne!(renewed(&identity).await.facts().fingerprint(), first.facts().fingerprint());
}

#[tokio::test]
async fn negative_n05_another_order_of_svids_does_not_change_who_we_are() {
    let world = World::new();
    let (ours, other) = (world.svid(OURS), world.svid("spiffe://partner.example/batch"));
    let api = world.api();
    api.give(&[&ours, &other], &[]);
    let identity = world.identity(None);
    assert_eq!(identity.load().await.unwrap().facts().uris(), [OURS]);
    let renewed_ours = world.svid(OURS);
    api.give(&[&other, &renewed_ours], &[]);
    assert_eq!(renewed(&identity).await.facts().uris(), [OURS]);
    // And without ours, there is none.
    api.give(&[&other], &[]);
    let Change::Withdrawn(why) = change(&identity).await else { panic!("not withdrawn") };
    assert_eq!(why.code(), Code::IdentityUnavailable);
    assert!(why.message().contains(OURS), "{why}");
}

#[tokio::test]
async fn negative_n05_the_configured_svid_is_taken_whatever_the_default_is() {
    let world = World::new();
    let api = world.api();
    api.give(&[&world.svid("spiffe://partner.example/batch"), &world.svid(OURS)], &[]);
    assert_eq!(world.identity(Some(OURS)).load().await.unwrap().facts().uris(), [OURS]);
    let error = world.identity(Some("spiffe://partner.example/none")).load().await.unwrap_err();
    assert_eq!(error.code(), Code::IdentityUnavailable);
}

#[tokio::test]
async fn negative_n04_lists_of_a_file_count_beside_the_workload_api_and_reload() {
    let world = World::new();
    let api = world.api();
    api.give(&[&world.svid(OURS)], &[]);
    let path = world.folder.path().join("ca.crl");
    std::fs::write(&path, world.carrier.revoke(&[])).unwrap();
    let identity = SpiffeIdentity::new(Some(api.endpoint()), None, Some(PemSource::File(path.clone())), clock());
    assert_eq!(identity.load().await.unwrap().revocation().facts()[0].revoked, 0);
    std::fs::write(&path, world.carrier.revoke(&[7, 8])).unwrap();
    assert_eq!(renewed(&identity).await.revocation().facts()[0].revoked, 2);
    std::fs::write(&path, "half a li").unwrap();
    assert!(matches!(change(&identity).await, Change::Unusable(_)));
    // A source that cannot be read at the start is an error, not "nothing is revoked".
    let inline = Some(PemSource::Inline(Secret::new("no list")));
    let error = SpiffeIdentity::new(Some(api.endpoint()), None, inline, clock()).load().await.unwrap_err();
    assert_eq!(error.code(), Code::CertificateUnreadable);
}
