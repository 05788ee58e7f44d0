//! Negative cases of revocation, each against a TLS server, for peers known by host name and for peers known by SPIFFE ID.

use std::sync::Arc;
use std::time::Duration;

use gladhand_documents::error::{Code, Sent};
use http::Method;

use super::Material;
use crate::auth::{Authorized, Caller as _, Profile, Request};
use crate::clock::{Clock as _, TestClock};
use crate::testing::{Authority, Carrier, Issued, Knobs, Leaf, List, Party, Reply, Seen, Server, Tls};

const ID: &str = "spiffe://carrier.example/api";
const POINT: &str = "http://crl.example/a.crl";

fn ok(_: &Seen) -> Reply {
    Reply::Answer(200, vec![], "fine".to_owned())
}

/// How the peer is known.
#[derive(Clone, Copy, Debug)]
enum Mode {
    Host,
    Spiffe,
}

const MODES: [Mode; 2] = [Mode::Host, Mode::Spiffe];

/// A root, an intermediate, a server below it, and a list of each that revokes nobody.
struct World {
    mode: Mode,
    root: Authority,
    intermediate: Authority,
}

impl World {
    fn new(mode: Mode) -> Self {
        let root = Authority::root("root");
        Self { mode, intermediate: root.intermediate("intermediate"), root }
    }

    fn leaf(&self) -> Leaf {
        match self.mode {
            Mode::Host => Leaf::default(),
            Mode::Spiffe => Leaf::svid(&[ID]),
        }
    }

    async fn server(&self, leaf: &Leaf) -> (Server, Issued) {
        let issued = self.intermediate.issue(leaf);
        (Server::start(Tls::with(issued.pair(), self.root.pem()), ok).await, issued)
    }

    fn party(&self, server: &Server, lists: &[String]) -> Party {
        let mut party = Party { crl: Some(lists.concat()), ..Party::of(&self.root, &server.url) };
        if matches!(self.mode, Mode::Spiffe) {
            party.settings = party.settings.clone().spiffe_id([ID]);
        }
        party
    }

    /// The refusal with these lists, which must come before a byte of the request.
    async fn refused(&self, server: &Server, lists: &[String]) -> Code {
        let before = server.seen().len();
        let error = self.party(server, lists).refusal().await;
        assert_eq!(error.sent_state(), Sent::NotSent, "{:?}", self.mode);
        assert_eq!(server.seen().len(), before);
        error.code()
    }
}

#[tokio::test]
async fn negative_n04_a_revoked_leaf_is_refused_and_others_of_its_authority_are_not() {
    for mode in MODES {
        let world = World::new(mode);
        let (server, issued) = world.server(&world.leaf()).await;
        let (other, _) = world.server(&world.leaf()).await;
        let lists = [world.root.revoke(&[]), world.intermediate.revoke(&[issued.serial, 1, 2])];
        assert_eq!(world.refused(&server, &lists).await, Code::ServerCertificateRevoked, "{mode:?}");
        assert!(world.party(&other, &lists).ask().await.is_ok(), "{mode:?}: the neighbour works on");
        let party = world.party(&server, &lists);
        let mut events = party.security.stream();
        party.code().await;
        assert_eq!(events.next().await.unwrap().text("/message").unwrap(), "peer_revoked");
    }
}

#[tokio::test]
async fn negative_n04_a_revoked_intermediate_is_refused() {
    for mode in MODES {
        let world = World::new(mode);
        let (server, _) = world.server(&world.leaf()).await;
        let lists = [world.root.revoke(&[world.intermediate.serial]), world.intermediate.revoke(&[])];
        assert_eq!(world.refused(&server, &lists).await, Code::ServerCertificateRevoked, "{mode:?}");
    }
}

#[tokio::test]
async fn negative_n04_an_expired_list_denies() {
    for mode in MODES {
        let world = World::new(mode);
        let (server, _) = world.server(&world.leaf()).await;
        let old = List { next_update: 2021, ..List::default() };
        for lists in [
            [world.root.revoke(&[]), world.intermediate.list(&old)],
            [world.root.list(&old), world.intermediate.revoke(&[])],
        ] {
            assert_eq!(world.refused(&server, &lists).await, Code::RevocationUnknown, "{mode:?}");
        }
        // A newer one beside it counts.
        let lists = [
            world.intermediate.list(&old),
            world.root.revoke(&[]),
            world.intermediate.list(&List { this_update: 2021, ..List::default() }),
        ];
        assert!(world.party(&server, &lists).ask().await.is_ok(), "{mode:?}");
    }
}

#[tokio::test]
async fn negative_n04_a_list_signed_by_another_authority_denies() {
    for mode in MODES {
        let world = World::new(mode);
        let (server, _) = world.server(&world.leaf()).await;
        // It has the intermediate's name and another key.
        let impostor = world.root.intermediate("intermediate");
        let lists = [world.root.revoke(&[]), impostor.revoke(&[])];
        assert_eq!(world.refused(&server, &lists).await, Code::RevocationUnknown, "{mode:?}");
    }
}

#[tokio::test]
async fn negative_n04_a_missing_list_denies() {
    for mode in MODES {
        let world = World::new(mode);
        let (server, _) = world.server(&world.leaf()).await;
        let elsewhere = Authority::root("elsewhere");
        for lists in [vec![world.root.revoke(&[])], vec![world.intermediate.revoke(&[])], vec![elsewhere.revoke(&[])]] {
            assert_eq!(world.refused(&server, &lists).await, Code::RevocationUnknown, "{mode:?}");
        }
        let both = [world.root.revoke(&[]), world.intermediate.revoke(&[])];
        assert!(world.party(&server, &both).ask().await.is_ok(), "{mode:?}: with both it is known");
        let mut party = world.party(&server, &both);
        party.crl = Some("no list here".to_owned());
        let error = party.config().err().map_or_else(|| party.generation().unwrap_err().code(), |error| error.code());
        assert_eq!(error, Code::CertificateUnreadable, "a source that names no list is an error, not an empty set");
    }
}

#[tokio::test]
async fn negative_n04_a_list_of_another_distribution_point_does_not_speak_for_the_certificate() {
    for mode in MODES {
        let world = World::new(mode);
        let several = |points: &[&[&str]]| {
            points.iter().map(|uris| uris.iter().map(|uri| (*uri).to_owned()).collect()).collect::<Vec<Vec<String>>>()
        };
        let list_of = |point: &str, revoked: &[u64]| {
            let point = Some(vec![point.to_owned()]);
            world.intermediate.list(&List { point, revoked: revoked.to_vec(), ..List::default() })
        };
        // The certificate names two points; the one that counts is the second (RUSTSEC-2026-0049: only the first was
        // looked at, and a list of the second was taken for unknown or not at all).
        let distribution_points = several(&[&["http://crl.example/other.crl"], &["http://crl.example/b.crl", POINT]]);
        let leaf = Leaf { distribution_points, ..world.leaf() };
        let (server, issued) = world.server(&leaf).await;
        let root = world.root.revoke(&[]);
        let lists = [root.clone(), list_of(POINT, &[issued.serial])];
        assert_eq!(world.refused(&server, &lists).await, Code::ServerCertificateRevoked, "{mode:?}");
        let lists = [root.clone(), list_of(POINT, &[])];
        assert!(world.party(&server, &lists).ask().await.is_ok(), "{mode:?}");
        let lists = [root.clone(), list_of("http://crl.example/stranger.crl", &[])];
        assert_eq!(world.refused(&server, &lists).await, Code::RevocationUnknown, "{mode:?}");
    }
}

#[tokio::test]
async fn negative_n04_a_list_that_changes_counts_without_a_restart() {
    let root = Authority::root("root");
    let issued = root.issue(&Leaf::default());
    let carrier = Carrier::start_with(Tls::with(issued.pair(), root.pem()), Knobs::default()).await;
    let clock = TestClock::at("2026-02-20T08:00:00Z".parse().unwrap());
    let mut party =
        Party { crl: Some(root.revoke(&[])), clock: Arc::new(clock.clone()), ..Party::of(&root, &carrier.server.url) };
    let material = |party: &Party| Arc::new(Material::load(&party.config().unwrap().identity, &*party.clock).unwrap());
    let caller =
        Authorized::new(&party.carrier(), material(&party), party.clock.clone(), party.security.clone()).unwrap();
    let read =
        || Request::new("capacity.get", Method::GET, "/v1/capacity/a", Profile::CertificateBound, "capacity:read");
    caller.call(read()).await.unwrap();
    party.crl = Some(root.revoke(&[issued.serial]));
    // The issuer is the revoked server too, so no token can be had: the new list must not wait for one.
    let renewal = caller.renew(material(&party), false);
    tokio::pin!(renewal);
    let from = clock.now();
    loop {
        tokio::select! {
            biased;
            outcome = &mut renewal => break drop(outcome.unwrap()),
            () = tokio::time::sleep(Duration::from_millis(1)) => clock.advance(Duration::from_millis(50)),
        }
    }
    assert!(clock.now().duration_since(from).as_secs() <= 6, "within seconds");
    assert_eq!(caller.call(read()).await.unwrap_err().code(), Code::ServerCertificateRevoked);
    party.crl = Some(root.revoke(&[]));
    caller.renew(material(&party), false).await.unwrap();
    caller.call(read()).await.unwrap();
}

#[tokio::test]
async fn negative_n04_one_revoked_workload_of_three_leaves_the_others_working() {
    let world = World::new(Mode::Spiffe);
    let mut servers = Vec::new();
    for _ in 0..3 {
        servers.push(world.server(&world.leaf()).await);
    }
    let lists = [world.root.revoke(&[]), world.intermediate.revoke(&[servers[1].1.serial])];
    for (index, (server, _)) in servers.iter().enumerate() {
        let outcome = world.party(server, &lists).ask().await.map_err(|error| error.code());
        match index {
            1 => assert_eq!(outcome.unwrap_err(), Code::ServerCertificateRevoked),
            _ => assert!(outcome.is_ok()),
        }
    }
}
