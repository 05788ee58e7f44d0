//! Calls through the real transport to a carrier that checks every proof, and misbehaves as told.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use gladhand_documents::error::{Code, Error, Sent};
use http::Method;

use super::*;
use crate::clock::{SharedClock, TestClock};
use crate::config::{CarrierSettings, Config};
use crate::identity::Material;
use crate::observe::SecurityLog;
use crate::testing::{Ca, Carrier, Knobs, Nonce};

pub(super) struct World {
    pub(super) carrier: Carrier,
    pub(super) caller: Authorized,
    pub(super) clock: TestClock,
    security: SecurityLog,
}

impl World {
    pub(super) async fn new(knobs: Knobs) -> Self {
        Self::with(knobs, true).await
    }

    async fn with(knobs: Knobs, assertions: bool) -> Self {
        let change = |settings: CarrierSettings| if assertions { settings } else { settings.tls_client_auth() };
        Self::set(knobs, change).await
    }

    /// With these settings on top.
    pub(super) async fn set(knobs: Knobs, change: impl FnOnce(CarrierSettings) -> CarrierSettings) -> Self {
        let ca = Ca::new();
        let carrier = Carrier::start(&ca, knobs).await;
        Self::at(&ca, carrier, change)
    }

    /// A caller of this carrier.
    pub(super) fn at(ca: &Ca, carrier: Carrier, change: impl FnOnce(CarrierSettings) -> CarrierSettings) -> Self {
        let (certificate, key) = ca.client_valid("spiffe://sandbox.gladhand.test/tms/acme", (2020, 1, 1), (2030, 1, 1));
        let settings = CarrierSettings::new(carrier.origin(), "tms-acme").private_key_jwt(assertion_pem());
        let settings = change(settings);
        let builder = Config::builder().environment("sandbox").tenant("acme").journal_path("j");
        let builder = builder.certificate(certificate).private_key(key).trust(ca.pem());
        let config = builder.carrier("aurora", settings).build().unwrap();
        let clock = TestClock::at("2026-02-20T08:00:00Z".parse().unwrap());
        let shared: SharedClock = Arc::new(clock.clone());
        let identity = Material::load(&config.identity, &*shared).unwrap();
        let security = SecurityLog::new(shared.clone());
        let caller =
            Authorized::new(config.carrier("aurora").unwrap(), identity.into(), shared, security.clone()).unwrap();
        Self { carrier, caller, clock, security }
    }

    pub(super) fn security(&self) -> &SecurityLog {
        &self.security
    }

    pub(super) async fn read(&self) -> Result<Response, Error> {
        let request =
            Request::new("capacity.get", Method::GET, "/v1/capacity/a?x=1", Profile::CertificateBound, "capacity:read");
        self.caller.call(request).await
    }

    pub(super) async fn tender(&self) -> Result<Response, Error> {
        let request = Request::new("tenders.create", Method::POST, "/v1/tenders", Profile::Dpop, "tender:write");
        self.caller.call(request.body(&b"{\"rate\":1250.00}"[..])).await
    }

    pub(super) fn count(&self, path: &str) -> usize {
        self.carrier.server.seen_at(path).len()
    }
}

pub(super) fn assertion_pem() -> String {
    let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let der = key.to_pkcs8v1().unwrap();
    let body = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, der.as_ref());
    format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n")
}

pub(super) fn fixed(path: &str, status: u16, media: &str, body: &str) -> Knobs {
    let mut knobs = Knobs::default();
    knobs.fixed.insert(path.to_owned(), (status, vec![("content-type", media.to_owned())], body.to_owned()));
    knobs
}

pub(super) const TOKEN: &str = "/oauth/token";
pub(super) const METADATA: &str = "/.well-known/oauth-authorization-server";

#[tokio::test]
async fn each_profile_has_its_token_and_every_call_its_proof() {
    let world = World::new(Knobs::default()).await;
    let answer = world.read().await.unwrap();
    assert_eq!(answer.request_id(), Some("r-1"));
    for _ in 0..3 {
        world.tender().await.unwrap();
    }
    world.read().await.unwrap();
    world.carrier.is_content();
    assert_eq!((world.count(METADATA), world.count(TOKEN)), (1, 2));
    assert_eq!(&world.carrier.server.seen_at("/v1/tenders")[0].body[..], b"{\"rate\":1250.00}");
    let read = &world.carrier.server.seen_at("/v1/capacity/a?x=1")[0];
    assert!(read.header("authorization").unwrap().starts_with("Bearer "));
    let form: Vec<(String, String)> =
        url::form_urlencoded::parse(&world.carrier.server.seen_at(TOKEN)[0].body).into_owned().collect();
    assert!(form.contains(&("resource".to_owned(), world.carrier.origin())));
    assert!(form.contains(&("scope".to_owned(), "capacity:read".to_owned())));
}

#[tokio::test]
async fn the_certificate_alone_can_authenticate() {
    let world = World::with(Knobs::default(), false).await;
    world.tender().await.unwrap();
    world.carrier.is_content();
    let body = String::from_utf8(world.carrier.server.seen_at(TOKEN)[0].body.to_vec()).unwrap();
    assert!(body.contains("client_id=tms-acme") && !body.contains("assertion"), "{body}");
}

#[tokio::test]
async fn many_calls_at_once_ask_for_one_token() {
    let world = Arc::new(World::new(Knobs::default()).await);
    let calls: Vec<_> = (0..50)
        .map(|_| {
            let world = world.clone();
            tokio::spawn(async move { world.tender().await.map(|_| ()) })
        })
        .collect();
    for call in calls {
        call.await.unwrap().unwrap();
    }
    assert_eq!((world.count(METADATA), world.count(TOKEN), world.count("/v1/tenders")), (1, 1, 50));
    world.carrier.is_content();
}

#[tokio::test]
async fn negative_n16_a_token_that_is_not_the_one_asked_for_is_never_used() {
    for (knobs, code) in [
        (Knobs { token_type: Some("Bearer"), ..Knobs::default() }, Code::TokenTypeDowngraded),
        (Knobs { audience: Some("https://other.example"), ..Knobs::default() }, Code::TokenAudienceMismatch),
        (Knobs { binding: Some("another-key"), ..Knobs::default() }, Code::TokenBindingMismatch),
        (Knobs { issuer: Some("https://evil.example"), ..Knobs::default() }, Code::IssuerMismatch),
        (Knobs { scope: Some("tender:read"), ..Knobs::default() }, Code::ScopeMissing),
    ] {
        let world = World::new(knobs).await;
        let error = world.tender().await.unwrap_err();
        assert_eq!((error.code(), error.sent_state()), (code, Sent::NotSent));
        assert_eq!(world.count("/v1/tenders"), 0);
    }
    let world = World::new(Knobs { token_type: Some("DPoP"), ..Knobs::default() }).await;
    assert_eq!(world.read().await.unwrap_err().code(), Code::TokenTypeDowngraded);
    let world = World::new(Knobs { token_type: Some("dpop"), ..Knobs::default() }).await;
    assert!(world.tender().await.is_ok(), "the case of token_type does not matter");
}

#[tokio::test]
async fn negative_n23_a_nonce_is_taken_once_and_kept_per_kind_of_server() {
    let world = World::new(Knobs { token_nonce: Nonce::Wanted, call_nonce: Nonce::Wanted, ..Knobs::default() }).await;
    world.tender().await.unwrap();
    assert_eq!((world.count(TOKEN), world.count("/v1/tenders")), (2, 2));
    world.tender().await.unwrap();
    assert_eq!((world.count(TOKEN), world.count("/v1/tenders")), (2, 3), "the nonce is known now");
    // Also: the jti of assertion and proof were fresh on each retry, and the body the same.
    world.carrier.is_content();
    let bodies: Vec<_> = world.carrier.server.seen_at("/v1/tenders").into_iter().map(|seen| seen.body).collect();
    assert!(bodies.windows(2).all(|pair| pair[0] == pair[1]));
}

#[tokio::test]
async fn negative_n23_a_server_that_always_wants_another_nonce_gets_one_retry() {
    let world = World::new(Knobs { call_nonce: Nonce::Never, ..Knobs::default() }).await;
    let error = world.tender().await.unwrap_err();
    assert_eq!(error.code(), Code::UseDpopNonce);
    assert_eq!((world.count(TOKEN), world.count("/v1/tenders")), (1, 2));

    let world = World::new(Knobs { token_nonce: Nonce::Never, ..Knobs::default() }).await;
    let error = world.tender().await.unwrap_err();
    assert_eq!((error.code(), error.sent_state()), (Code::TokenRequestRefused, Sent::NotSent));
    assert_eq!((world.count(TOKEN), world.count("/v1/tenders")), (2, 0));
}

#[tokio::test]
async fn negative_n20_an_expired_token_is_renewed_once() {
    let world = World::new(Knobs { expire: 1, ..Knobs::default() }).await;
    world.tender().await.unwrap();
    assert_eq!((world.count(TOKEN), world.count("/v1/tenders")), (2, 2));
    world.carrier.turn(|knobs| knobs.expire = 10);
    let error = world.tender().await.unwrap_err();
    assert_eq!((error.code(), error.sent_state()), (Code::TokenExpired, Sent::Acknowledged));
    assert_eq!((world.count(TOKEN), world.count("/v1/tenders")), (3, 4));
}

#[tokio::test]
async fn nonce_and_token_may_be_challenged_in_one_call_each_once() {
    let world = World::new(Knobs { call_nonce: Nonce::Wanted, expire: 1, ..Knobs::default() }).await;
    world.tender().await.unwrap();
    assert_eq!((world.count(TOKEN), world.count("/v1/tenders")), (2, 3));
    world.carrier.is_content();
}

#[tokio::test]
async fn negative_n11_no_redirect_is_followed_anywhere() {
    for (path, code) in [METADATA, TOKEN, "/oauth/jwks", "/v1/tenders"].map(|path| (path, Code::UnexpectedAnswer)) {
        let elsewhere = Carrier::start(&Ca::new(), Knobs::default()).await;
        let mut knobs = Knobs::default();
        knobs.fixed.insert(path.to_owned(), (307, vec![("location", elsewhere.origin() + path)], String::new()));
        let world = World::new(knobs).await;
        assert_eq!(world.tender().await.unwrap_err().code(), code, "{path}");
        assert_eq!(elsewhere.server.connections(), 0, "{path}");
    }
}

#[tokio::test]
async fn a_refusal_of_the_carrier_is_told_from_a_proxys() {
    let body = r#"{"code":"capacity_committed","detail":"gone","tenderId":"t-1"}"#;
    let world = World::new(fixed("/v1/tenders", 409, "application/problem+json", body)).await;
    let error = world.tender().await.unwrap_err();
    assert_eq!((error.code(), error.sent_state()), (Code::CapacityCommitted, Sent::Acknowledged));
    assert_eq!(error.tender_id(), Some("t-1"));

    let world = World::new(fixed("/v1/tenders", 404, "text/html", "<h1>nothing here</h1>")).await;
    let error = world.tender().await.unwrap_err();
    assert_eq!((error.code(), error.sent_state()), (Code::UnexpectedAnswer, Sent::MaybeSent));
}

#[tokio::test]
async fn negative_n18_an_authorization_server_that_fails_or_refuses() {
    let mut knobs = fixed(TOKEN, 503, "text/html", "down");
    knobs.fixed.get_mut(TOKEN).unwrap().1.push(("retry-after", "7".to_owned()));
    let world = World::new(knobs).await;
    let error = world.tender().await.unwrap_err();
    assert_eq!((error.code(), error.sent_state()), (Code::TokenUnavailable, Sent::NotSent));
    assert_eq!(error.retry_after_ms(), Some(7000));
    world.carrier.turn(|knobs| knobs.fixed.clear());
    assert_eq!(world.tender().await.unwrap_err().code(), Code::TokenUnavailable, "it asked for seven seconds");
    assert_eq!(world.count(TOKEN), 1);
    world.clock.advance(Duration::from_secs(7));
    world.tender().await.unwrap();

    let refusal = r#"{"error":"invalid_client","error_description":"unknown \u0007 key"}"#;
    let world = World::new(fixed(TOKEN, 401, "application/json", refusal)).await;
    let error = world.tender().await.unwrap_err();
    assert_eq!(error.code(), Code::TokenRequestRefused);
    assert!(error.message().contains("`invalid_client` unknown  key"), "{error}");

    for answer in [
        "not json",
        r#"{"token_type":"DPoP"}"#,
        r#"{"access_token":"canary x","token_type":"DPoP"}"#,
        r#"{"access_token":"canary","token_type":"DPoP","expires_in":0}"#,
        r#"{"access_token":"canary","token_type":"DPoP","expires_in":-5}"#,
        r#"{"access_token":"canary","token_type":"DPoP","expires_in":true}"#,
        r#"{"access_token":"canary","access_token":"canary","token_type":"DPoP"}"#,
    ] {
        let world = World::new(fixed(TOKEN, 200, "application/json", answer)).await;
        let error = world.tender().await.unwrap_err();
        assert_eq!(error.code(), Code::UnexpectedAnswer, "{answer}");
        assert!(!format!("{error:?}").contains("canary"), "{error:?}");
    }
}

#[tokio::test]
async fn an_opaque_token_serves_as_long_as_it_says() {
    for (answer, seconds) in [
        (r#"{"access_token":"opaque","token_type":"DPoP","expires_in":"120"}"#, 110),
        (r#"{"access_token":"opaque","token_type":"DPoP"}"#, 54),
    ] {
        let world = World::new(fixed(TOKEN, 200, "application/json", answer)).await;
        world.tender().await.unwrap();
        world.carrier.turn(|knobs| *knobs = fixed(TOKEN, 503, "text/html", ""));
        world.clock.advance(Duration::from_secs(seconds - 1));
        world.tender().await.unwrap();
        world.clock.advance(Duration::from_secs(1));
        assert_eq!(world.tender().await.unwrap_err().code(), Code::TokenUnavailable, "{answer}");
    }
}

#[tokio::test]
async fn an_expired_certificate_of_ours_fails_before_dialling() {
    let world = World::new(Knobs::default()).await;
    world.clock.advance(Duration::from_secs(5 * 366 * 86_400));
    let error = world.tender().await.unwrap_err();
    assert_eq!((error.code(), error.sent_state()), (Code::CertificateExpired, Sent::NotSent));
    assert_eq!(world.carrier.server.connections(), 0);
}

#[tokio::test]
async fn an_open_call_carries_nothing() {
    let world = World::new(Knobs::default()).await;
    let request = Request::new("discovery", Method::GET, "/.well-known/gladhand", Profile::Open, "");
    world.caller.call(request).await.unwrap();
    let seen = &world.carrier.server.seen()[0];
    assert_eq!(seen.header("authorization"), None);
    assert_eq!(world.count(TOKEN), 0);
}

#[tokio::test]
async fn a_path_that_climbs_is_refused() {
    let world = World::new(Knobs::default()).await;
    let request = Request::new("tenders.get", Method::GET, "/v1/tenders/../admin", Profile::Open, "");
    assert_eq!(world.caller.call(request).await.unwrap_err().code(), Code::InvalidArgument);
    assert_eq!(world.carrier.server.connections(), 0);
}

#[tokio::test]
async fn a_stream_gets_its_authorization_and_a_new_one_after_it_was_forgotten() {
    let world = World::new(Knobs::default()).await;
    let generation = world.caller.generation();
    let first = world.caller.authorization(&generation, "telemetry:write").await.unwrap();
    assert!(first.is_sensitive() && first.to_str().unwrap().starts_with("Bearer "));
    assert_eq!(world.caller.authorization(&generation, "telemetry:write").await.unwrap(), first);
    world.caller.forget_authorization(&generation, "telemetry:write").await;
    assert_ne!(world.caller.authorization(&generation, "telemetry:write").await.unwrap(), first);
    assert_eq!(world.count(TOKEN), 2);
}

#[tokio::test]
async fn nothing_secret_is_shown() {
    let world = World::new(Knobs { call_nonce: Nonce::Wanted, ..Knobs::default() }).await;
    let answer = world.tender().await.unwrap();
    let seen = &world.carrier.server.seen_at("/v1/tenders")[1];
    let token = seen.header("authorization").unwrap().trim_start_matches("DPoP ");
    let shown = format!("{:?} {:?} {answer:?}", world.caller, world.caller.generation());
    for secret in [token, seen.header("dpop").unwrap(), "rs-nonce-1", "PRIVATE"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}
