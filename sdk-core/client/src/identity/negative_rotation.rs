//! Negative cases of rotation: what a rotation must not do to calls, tokens and connections. The server tells which
//! certificate each request came with.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use gladhand_documents::error::{Code, Sent};
use http::Method;
use rustls::HandshakeKind;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::rotation::Rotation;
use super::{Epochs, Generation, Identity, InlineIdentity, Material, PemUpdate};
use crate::auth::{Authorized, Caller as _, Profile, Request};
use crate::clock::{Clock as _, SharedClock, TestClock};
use crate::config::{IdentitySource, PemSource};
use crate::secret::Secret;
use crate::testing::{Authority, Ca, Carrier, Knobs, Leaf, Party, Reply, Server, Tls, get};

const WORKERS: usize = 16;
const ROTATIONS: usize = 8;

/// A carrier, a caller of it, and what rotates the caller's identity.
struct World {
    ca: Ca,
    carrier: Carrier,
    caller: Authorized,
    rotation: Arc<Rotation>,
    party: Party,
    stop: CancellationToken,
}

impl World {
    async fn new(knobs: Knobs, clock: Option<TestClock>) -> Self {
        let ca = Ca::new();
        let carrier = Carrier::start(&ca, knobs).await;
        let mut party = Party::of(&Authority::root("unused"), &carrier.server.url);
        (party.pair, party.trust) = (ca.client("spiffe://sandbox.gladhand.test/tms/acme"), ca.pem());
        if let Some(clock) = clock {
            party.clock = Arc::new(clock);
        }
        let config = party.config().unwrap();
        let IdentitySource::Pem(pem) = config.identity.source else { panic!("PEM") };
        let source = Arc::new(InlineIdentity::new(pem, None, party.clock.clone()));
        let material = source.load().await.unwrap();
        let caller =
            Authorized::new(&party.carrier(), material.clone(), party.clock.clone(), party.security.clone()).unwrap();
        let rotation =
            Rotation::new(source, material, vec![caller.clone()], party.clock.clone(), party.security.clone());
        Self { ca, carrier, caller, rotation, party, stop: CancellationToken::new() }
    }

    fn pair(&self) -> PemUpdate {
        let (certificate, key) = self.ca.client("spiffe://sandbox.gladhand.test/tms/acme");
        let inline = |text| PemSource::Inline(Secret::new(text));
        PemUpdate { pair: Some((inline(certificate), inline(key))), ..PemUpdate::default() }
    }

    /// base64url of the SHA-256 of the certificate in use.
    fn thumbprint(&self) -> String {
        self.caller.generation().identity().facts().thumbprint().to_owned()
    }
}

fn read(path: &str) -> Request {
    Request::new("capacity.get", Method::GET, path, Profile::CertificateBound, "capacity:read")
}

fn tender(path: &str) -> Request {
    Request::new("tenders.create", Method::POST, path, Profile::Dpop, "tender:write").body(&b"{}"[..])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn negative_n07_eight_rotations_under_load_fail_no_call_and_leave_no_old_identity() {
    // Tokens that live for a second: they are renewed all the time, before, during and after each rotation.
    let world = World::new(Knobs { expires_in: Some("1"), ..Knobs::default() }, None).await;
    let running = Arc::new(AtomicBool::new(true));
    let mut workers = Vec::new();
    for worker in 0..WORKERS {
        let (caller, running) = (world.caller.clone(), running.clone());
        workers.push(tokio::spawn(async move {
            let mut calls = 0;
            while running.load(Ordering::SeqCst) {
                // The generation that was in use when the request began.
                let path = format!("/v1/x?g={}", caller.generation().number());
                let request = if worker % 2 == 0 { read(&path) } else { tender(&path) };
                caller.call(request).await.unwrap();
                calls += 1;
            }
            calls
        }));
    }
    let mut generations = HashMap::from([(world.thumbprint(), 1_u64)]);
    let done = async |count: usize| {
        while world.carrier.server.seen().len() < count {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    done(50).await;
    for _ in 0..ROTATIONS {
        world.rotation.update(world.pair()).await.unwrap();
        generations.insert(world.thumbprint(), world.caller.generation().number());
        done(world.carrier.server.seen().len() + 50).await;
    }
    running.store(false, Ordering::SeqCst);
    let mut calls = 0;
    for worker in workers {
        calls += worker.await.expect("no call failed");
    }
    assert!(calls > 400, "{calls} calls are no load");
    assert_eq!(generations.len(), ROTATIONS + 1);
    // A token of another certificate than the connection's would be a complaint of the carrier.
    world.carrier.is_content();
    for seen in world.carrier.server.seen_below("/v1/x?g=") {
        let began: u64 = seen.path.rsplit('=').next().unwrap().parse().unwrap();
        assert!(generations[&seen.client] >= began, "a request that began on {began} came with an older identity");
    }
    let handshakes = world.carrier.server.handshakes();
    assert!(handshakes.iter().all(|handshake| handshake.kind == HandshakeKind::Full));
    let last = world.thumbprint();
    let newest = handshakes.iter().position(|handshake| handshake.client == last).unwrap();
    assert!(handshakes[newest..].iter().all(|handshake| handshake.client == last), "the old identity came back");
    assert!(world.caller.epochs().draining().is_empty(), "nothing holds the old generations");
}

#[tokio::test]
async fn negative_n07_a_call_in_flight_finishes_on_the_identity_that_it_began_with() {
    let root = Authority::root("root");
    let ring = Arc::new(Notify::new());
    let held = ring.clone();
    let tls = Tls::with(root.issue(&Leaf::default()).pair(), root.pem());
    let server = Server::start(tls, move |_| Reply::Held(held.clone())).await;
    let party = Party::of(&root, &server.url);
    let epochs = Epochs::new(party.generation().unwrap(), party.clock.clone());
    let old = epochs.current();
    let thumbprint = old.identity().facts().thumbprint().to_owned();
    let (call, url) = (old.clone(), server.url.clone());
    let calling = tokio::spawn(async move { call.http().send(get(&url)).await });
    while server.seen().is_empty() {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let next = Party { pair: root.client().pair(), ..party };
    epochs.publish(Arc::new(next.generation().unwrap()));
    assert!(old.retired().is_cancelled() && !old.cut().is_cancelled(), "told, not cut");
    assert_eq!(epochs.draining().len(), 1);
    ring.notify_one();
    assert_eq!(calling.await.unwrap().unwrap().status.as_u16(), 200);
    assert_eq!(server.seen()[0].client, thumbprint);
}

/// A generation whose request the server never answers, a minute and a bit before its certificate ends.
async fn stuck(now: &str) -> (Epochs, TestClock, tokio::task::JoinHandle<(Code, Sent)>, Authority, Party) {
    let root = Authority::root("root");
    let clock = TestClock::at(now.parse().unwrap());
    let tls = Tls::with(root.issue(&Leaf::default()).pair(), root.pem());
    let server = Server::start(tls, |_| Reply::Silence).await;
    let leaf = Leaf { until: 2030, ..Leaf::svid(&["spiffe://a/b"]) };
    let party =
        Party { pair: root.issue(&leaf).pair(), clock: Arc::new(clock.clone()), ..Party::of(&root, &server.url) };
    let epochs = Epochs::new(party.generation().unwrap(), party.clock.clone());
    let (call, mut request) = (epochs.current(), get(&server.url));
    request.deadline = Duration::from_secs(6000);
    let calling = tokio::spawn(async move {
        let error = call.http().send(request).await.unwrap_err();
        (error.code(), error.sent_state())
    });
    while server.seen().is_empty() {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    (epochs, clock, calling, root, party)
}

/// Advances until the call has ended; gives how long that took.
async fn until_ended(clock: &TestClock, calling: &tokio::task::JoinHandle<(Code, Sent)>) -> Duration {
    let from = clock.monotonic();
    while !calling.is_finished() {
        clock.advance(Duration::from_secs(1));
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    clock.monotonic().saturating_sub(from)
}

#[tokio::test]
async fn negative_n07_what_drains_is_cut_before_its_certificate_ends() {
    let (epochs, clock, calling, root, party) = stuck("2029-12-31T23:57:00Z").await;
    let next = Party { pair: root.client().pair(), ..party };
    epochs.publish(Arc::new(next.generation().unwrap()));
    let took = until_ended(&clock, &calling).await;
    assert_eq!(calling.await.unwrap(), (Code::ConnectionLost, Sent::MaybeSent));
    assert!((110..=130).contains(&took.as_secs()), "a minute before the end: {took:?}");
}

#[tokio::test]
async fn negative_n07_what_drains_too_long_is_cut() {
    let (epochs, clock, calling, root, party) = stuck("2026-02-20T08:00:00Z").await;
    let next = Party { pair: root.client().pair(), ..party };
    epochs.publish(Arc::new(next.generation().unwrap()));
    let took = until_ended(&clock, &calling).await;
    assert_eq!(calling.await.unwrap(), (Code::ConnectionLost, Sent::MaybeSent));
    assert!((595..=620).contains(&took.as_secs()), "ten minutes: {took:?}");
}

#[tokio::test]
async fn negative_n07_revoke_now_cuts_at_once_and_calls_fail_until_there_is_a_new_identity() {
    let (epochs, _, calling, root, party) = stuck("2026-02-20T08:00:00Z").await;
    epochs.revoke_now();
    assert_eq!(calling.await.unwrap(), (Code::IdentityRevoked, Sent::MaybeSent));
    let error = epochs.current().usable(&*party.clock).unwrap_err();
    assert_eq!(error.code(), Code::IdentityRevoked);
    let error = epochs.current().http().send(get(&party.url)).await.unwrap_err();
    assert_eq!((error.code(), error.sent_state()), (Code::IdentityRevoked, Sent::NotSent));
    let next = Party { pair: root.client().pair(), ..party };
    epochs.publish(Arc::new(next.generation().unwrap()));
    epochs.current().usable(&*next.clock).unwrap();
}

#[tokio::test]
async fn negative_n07_after_revoke_now_the_same_identity_does_not_come_back() {
    let world = World::new(Knobs::default(), None).await;
    world.caller.call(read("/v1/x")).await.unwrap();
    let mut events = world.party.security.stream();
    let why = gladhand_documents::error::Error::new(Code::IdentityRevoked, "taken away");
    world.rotation.take_away(&why);
    let error = world.caller.call(read("/v1/x")).await.unwrap_err();
    assert_eq!((error.code(), error.sent_state()), (Code::IdentityRevoked, Sent::NotSent));
    assert_eq!(world.rotation.rotate().await.unwrap_err().code(), Code::IdentityRevoked);
    assert_eq!(events.next().await.unwrap().text("/message").unwrap(), "identity_revoked");
    world.rotation.update(world.pair()).await.unwrap();
    world.caller.call(read("/v1/x")).await.unwrap();
    assert_eq!(world.carrier.server.seen_at("/v1/x").last().unwrap().client, world.thumbprint());
}

#[tokio::test]
async fn negative_n07_a_rotation_that_waits_does_not_bring_a_revoked_identity_back() {
    let world = World::new(Knobs::default(), None).await;
    world.caller.call(read("/v1/x")).await.unwrap();
    let asked = world.carrier.server.seen_at("/oauth/token").len();
    world.carrier.turn(|knobs| drop(knobs.fixed.insert("/oauth/token".to_owned(), (503, vec![], "{}".to_owned()))));
    let rotation = world.rotation.clone();
    let rotating = tokio::spawn(async move { rotation.rotate().await });
    while world.carrier.server.seen_at("/oauth/token").len() == asked {
        tokio::task::yield_now().await;
    }
    let why = gladhand_documents::error::Error::new(Code::IdentityRevoked, "taken away");
    world.rotation.take_away(&why);
    assert_eq!(rotating.await.unwrap().unwrap_err().code(), Code::IdentityRevoked);
    assert_eq!(world.caller.call(read("/v1/x")).await.unwrap_err().code(), Code::IdentityRevoked);
}

#[tokio::test]
async fn negative_n07_tokens_are_there_before_the_identity_is_published() {
    let world = World::new(Knobs::default(), None).await;
    world.caller.call(read("/v1/x")).await.unwrap();
    world.caller.call(tender("/v1/x")).await.unwrap();
    let before = world.carrier.server.seen_at("/oauth/token").len();
    world.rotation.update(world.pair()).await.unwrap();
    let fetched = world.carrier.server.seen_at("/oauth/token").len();
    assert_eq!(fetched, before + 2, "both tokens, before any call");
    assert_eq!(world.carrier.server.seen_at("/oauth/token").last().unwrap().client, world.thumbprint());
    world.caller.call(read("/v1/x")).await.unwrap();
    world.caller.call(tender("/v1/x")).await.unwrap();
    assert_eq!(world.carrier.server.seen_at("/oauth/token").len(), fetched);
    world.carrier.is_content();
}

#[tokio::test]
async fn negative_n07_an_issuer_that_is_down_holds_the_publication_until_the_old_certificate_is_about_to_end() {
    let clock = TestClock::at("2029-12-31T23:50:00Z".parse().unwrap());
    let mut world = World::new(Knobs::default(), Some(clock.clone())).await;
    // A present certificate that ends at midnight.
    let pair = world.ca.client_valid("spiffe://a/b", (2020, 1, 1), (2030, 1, 1));
    world.party.pair = pair;
    let shared: SharedClock = Arc::new(clock.clone());
    let material = Arc::new(Material::load(&world.party.config().unwrap().identity, &clock).unwrap());
    let caller = Authorized::new(&world.party.carrier(), material, shared, world.party.security.clone()).unwrap();
    caller.call(read("/v1/x")).await.unwrap();
    let down = (503, vec![], "{}".to_owned());
    world.carrier.turn(|knobs| drop(knobs.fixed.insert("/oauth/token".to_owned(), down)));
    world.party.pair = world.ca.client("spiffe://a/b");
    let next = Arc::new(Material::load(&world.party.config().unwrap().identity, &clock).unwrap());
    let (renewing, expected) = (caller.clone(), next.clone());
    let renewal = tokio::spawn(async move { renewing.renew(next, false).await });
    let published = async || {
        while !renewal.is_finished() {
            clock.advance(Duration::from_millis(500));
            tokio::time::sleep(Duration::from_millis(1)).await;
            // The old identity serves with the token it has.
            if caller.generation().number() == 1 {
                caller.call(read("/v1/x")).await.map_err(|error| error.code()).or_else(expired).unwrap();
            }
        }
    };
    published().await;
    assert_eq!(caller.generation().identity().facts(), expected.facts());
    let at = clock.now().to_string();
    assert!(at.starts_with("2029-12-31T23:59:0"), "published at {at}");
    // Calls wait on the token from now on.
    world.carrier.turn(|knobs| drop(knobs.fixed.remove("/oauth/token")));
    clock.advance(Duration::from_secs(30));
    caller.call(read("/v1/x")).await.unwrap();
}

/// The old token lives for five minutes; after that the issuer that is down is what calls fail for.
fn expired(code: Code) -> Result<crate::auth::Response, Code> {
    match code {
        Code::TokenUnavailable | Code::BreakerOpen => Ok(crate::auth::Response {
            status: http::StatusCode::OK,
            headers: http::HeaderMap::new(),
            body: bytes::Bytes::new(),
        }),
        other => Err(other),
    }
}

#[tokio::test]
async fn negative_n07_a_newer_identity_overtakes_one_that_waits() {
    let world = World::new(Knobs::default(), None).await;
    world.caller.call(read("/v1/x")).await.unwrap();
    let down = (503, vec![], "{}".to_owned());
    world.carrier.turn(|knobs| drop(knobs.fixed.insert("/oauth/token".to_owned(), down)));
    let material = |world: &World| {
        let party =
            Party { pair: world.ca.client("spiffe://a/b"), ..Party::of(&Authority::root("unused"), &world.party.url) };
        let config = Party { trust: world.ca.pem(), ..party }.config().unwrap();
        Arc::new(Material::load(&config.identity, &*world.party.clock).unwrap())
    };
    let (first, second) = (material(&world), material(&world));
    let caller = world.caller.clone();
    let waiting = tokio::spawn(async move { caller.renew(first, false).await });
    tokio::time::sleep(Duration::from_millis(50)).await;
    let caller = world.caller.clone();
    let newest = second.clone();
    let newer = tokio::spawn(async move { caller.renew(newest, false).await });
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(!waiting.is_finished(), "it returns when the newer one is in use");
    world.carrier.turn(|knobs| drop(knobs.fixed.remove("/oauth/token")));
    for outcome in [waiting.await.unwrap().unwrap(), newer.await.unwrap().unwrap()] {
        assert_eq!(outcome.identity().facts(), second.facts());
    }
    assert_eq!(world.caller.generation().identity().facts(), second.facts());
}

#[tokio::test]
async fn negative_n07_the_task_that_watches_ends_with_the_client() {
    let world = World::new(Knobs::default(), None).await;
    let watching = tokio::spawn(world.rotation.clone().run(world.stop.clone()));
    world.stop.cancel();
    watching.await.unwrap();
}

#[tokio::test]
async fn negative_n07_an_update_is_published_once_and_is_in_use_when_it_returns() {
    let world = World::new(Knobs::default(), None).await;
    let watching = tokio::spawn(world.rotation.clone().run(world.stop.clone()));
    for turn in 1..5 {
        let before = world.thumbprint();
        world.rotation.update(world.pair()).await.unwrap();
        assert_ne!(world.thumbprint(), before);
        assert_eq!(world.party.security.counts()[&("identity_rotated", true)], turn);
        world.caller.call(read("/v1/x")).await.unwrap();
        assert_eq!(world.carrier.server.seen_at("/v1/x").last().unwrap().client, world.thumbprint());
    }
    // The same identity again, on purpose: another generation with another DPoP key.
    let (before, key) = (world.thumbprint(), world.caller.generation().dpop().thumbprint().to_owned());
    world.rotation.rotate().await.unwrap();
    assert_eq!(world.thumbprint(), before);
    assert_ne!(world.caller.generation().dpop().thumbprint(), key);
    world.stop.cancel();
    watching.await.unwrap();
}

#[tokio::test]
async fn negative_n07_a_connection_that_is_fifteen_minutes_old_takes_no_further_request() {
    let root = Authority::root("root");
    let clock = TestClock::at("2026-02-20T08:00:00Z".parse().unwrap());
    let tls = Tls::with(root.issue(&Leaf::default()).pair(), root.pem());
    let server = Server::start(tls, |_| Reply::Answer(200, vec![], "fine".to_owned())).await;
    let party = Party { clock: Arc::new(clock.clone()), ..Party::of(&root, &server.url) };
    let generation: Generation = party.generation().unwrap();
    let ask = async || generation.http().send(get(&server.url)).await.unwrap();
    ask().await;
    clock.advance(Duration::from_secs(14 * 60));
    ask().await;
    assert_eq!(server.handshakes().len(), 1);
    clock.advance(Duration::from_secs(60));
    ask().await;
    assert_eq!(server.handshakes().len(), 1, "the request that found it old still went over it");
    ask().await;
    assert_eq!(server.handshakes().len(), 2);
}
