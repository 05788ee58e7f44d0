//! The negative cases of tokens (identity §2 and §4), by their numbers, through the real transport.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::encoding::AsDer as _;
use base64::Engine as _;
use gladhand_documents::error::{Code, Sent};
use serde_json::Value;

use super::tests::{METADATA, TOKEN, World, fixed};
use crate::clock::Clock as _;
use crate::testing::{Ca, Carrier, Knobs, Nonce, Published, Server, Signed, Tls};

const JWKS: &str = "/oauth/jwks";

/// The claims of the assertion in a token request.
fn assertion(body: &[u8]) -> Value {
    let form: Vec<(String, String)> = url::form_urlencoded::parse(body).into_owned().collect();
    let (_, jwt) = form.into_iter().find(|(name, _)| name == "client_assertion").unwrap();
    let part = jwt.split('.').nth(1).unwrap();
    serde_json::from_slice(&base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

#[tokio::test]
async fn negative_n11_metadata_of_another_issuer_is_not_used() {
    let world = World::new(Knobs { issuer: Some("https://evil.example"), ..Knobs::default() }).await;
    let error = world.tender().await.unwrap_err();
    assert_eq!((error.code(), error.sent_state()), (Code::IssuerMismatch, Sent::NotSent));
    assert_eq!(world.count(TOKEN), 0);
}

#[tokio::test]
async fn negative_n11_answers_that_are_too_large_or_not_json_are_not_used() {
    let large = format!(r#"{{"x":"{}"}}"#, "x".repeat(1 << 20));
    for path in [METADATA, JWKS, TOKEN] {
        for body in ["<html>", large.as_str(), "", "{}{}"] {
            let world = World::new(fixed(path, 200, "application/json", body)).await;
            let error = world.tender().await.unwrap_err();
            assert_eq!(
                (error.code(), error.sent_state()),
                (Code::UnexpectedAnswer, Sent::NotSent),
                "{path} {body:.20}"
            );
            assert_eq!(world.count("/v1/tenders"), 0);
        }
    }
}

#[tokio::test]
async fn negative_n11_endpoints_elsewhere_or_without_tls_are_not_asked() {
    for (member, address) in [
        ("token_endpoint", "https://evil.example/token"),
        ("token_endpoint", "http://127.0.0.1/token"),
        ("jwks_uri", "https://evil.example/jwks"),
        ("jwks_uri", "http://127.0.0.1/jwks"),
    ] {
        let ca = Ca::new();
        let carrier = Carrier::start(&ca, Knobs::default()).await;
        let origin = carrier.origin();
        let mut metadata = serde_json::json!({"issuer": origin, "token_endpoint": format!("{origin}{TOKEN}")});
        metadata[member] = address.into();
        carrier.turn(|knobs| *knobs = fixed(METADATA, 200, "application/json", &metadata.to_string()));
        let world = World::at(&ca, carrier, |settings| settings);
        assert_eq!(world.tender().await.unwrap_err().code(), Code::EndpointNotAllowed, "{member} {address}");
        assert_eq!(world.count(TOKEN), 0);
    }
}

#[tokio::test]
async fn negative_n12_the_mtls_alias_is_asked_where_there_is_one() {
    let ca = Ca::new();
    let carrier = Carrier::start(&ca, Knobs::default()).await;
    let origin = carrier.origin();
    let metadata = serde_json::json!({
        "issuer": origin, "token_endpoint": "https://no.mtls.example/token",
        "mtls_endpoint_aliases": {"token_endpoint": format!("{origin}{TOKEN}")},
    });
    carrier.turn(|knobs| *knobs = fixed(METADATA, 200, "application/json", &metadata.to_string()));
    let world = World::at(&ca, carrier, |settings| settings);
    world.tender().await.unwrap();
    assert_eq!(world.count(TOKEN), 1);
}

#[tokio::test]
async fn negative_n13_an_assertion_for_one_issuer_is_worth_nothing_at_another() {
    // A hostile issuer, at whose metadata the token endpoint of an honest one stands (CVE-2025-27370).
    let ca = Ca::new();
    let honest = Carrier::start(&ca, Knobs::default()).await;
    let endpoint = format!("{}{TOKEN}", honest.origin());
    let hostile = Server::start(Tls::of(&ca), move |seen| {
        let metadata = serde_json::json!({"issuer": format!("https://{}", seen.authority), "token_endpoint": endpoint});
        crate::testing::Reply::Answer(200, vec![], metadata.to_string())
    })
    .await;
    let issuer = hostile.url.origin().ascii_serialization();
    let world = World::at(&ca, honest, |settings| settings.issuer(&issuer));
    world.tender().await.unwrap_err();
    let seen = world.carrier.server.seen_at(TOKEN);
    let claims = assertion(&seen[0].body);
    assert_eq!(claims["aud"], issuer, "the issuer that was configured, as one string, never the endpoint");
    assert_ne!(claims["aud"], world.carrier.origin());
}

#[tokio::test]
async fn negative_n14_every_attempt_has_a_fresh_assertion_that_lives_a_minute() {
    let world = World::new(Knobs { token_nonce: Nonce::Wanted, ..Knobs::default() }).await;
    world.tender().await.unwrap();
    let seen = world.carrier.server.seen_at(TOKEN);
    assert_eq!(seen.len(), 2, "the second answers the challenge");
    let (first, second) = (assertion(&seen[0].body), assertion(&seen[1].body));
    assert_ne!(first["jti"], second["jti"]);
    for claims in [first, second] {
        assert!(claims["aud"].is_string());
        assert!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap() <= 60);
    }
    world.carrier.is_content();
}

#[tokio::test]
async fn negative_n15_another_token_type_is_a_hard_error_and_no_longer_than_it_lasts() {
    for said in ["Bearer", "bearer", "N_A", "mac", "DPoP ", ""] {
        let world = World::new(Knobs { token_type: Some(said), ..Knobs::default() }).await;
        let error = world.tender().await.unwrap_err();
        assert_eq!((error.code(), error.sent_state()), (Code::TokenTypeDowngraded, Sent::NotSent), "{said}");
        assert_eq!(world.count("/v1/tenders"), 0);
        // The server is good again, and no time has passed.
        world.carrier.turn(|knobs| knobs.token_type = None);
        world.tender().await.unwrap();
    }
    for said in ["DPoP", "dpop", "DPOP", "dPoP"] {
        World::new(Knobs { token_type: Some(said), ..Knobs::default() }).await.tender().await.unwrap();
    }
}

#[tokio::test]
async fn negative_n15_a_life_that_is_none_is_refused_and_every_other_is_believed_within_reason() {
    for said in ["0", "-1", "\"0\"", "\"soon\"", "true", "[]", "0.2", "\"-5\""] {
        let world = World::new(Knobs { expires_in: Some(said), ..Knobs::default() }).await;
        assert_eq!(world.tender().await.unwrap_err().code(), Code::UnexpectedAnswer, "{said}");
    }
    // Which life is used shows in when the next token is asked for while the server is down.
    let day = 86_400;
    for (said, seconds) in [
        ("", 60),
        ("null", 60),
        ("100", 100),
        ("\"100\"", 100),
        ("100.0", 100),
        ("99999999999", day),
        ("1e30", day),
        ("18446744073709551615", day),
    ] {
        let world = World::new(Knobs { expires_in: Some(said), ..Knobs::default() }).await;
        world.tender().await.unwrap();
        world.carrier.turn(|knobs| *knobs = fixed(TOKEN, 503, "text/html", ""));
        let margin = 10.min(seconds / 10);
        world.clock.advance(Duration::from_millis((seconds - margin) * 1000 - 1));
        world.tender().await.unwrap();
        world.clock.advance(Duration::from_millis(1));
        assert_eq!(world.tender().await.unwrap_err().code(), Code::TokenUnavailable, "{said}");
    }
}

#[tokio::test]
async fn negative_n15_a_narrowed_scope_is_noticed() {
    let world = World::new(Knobs { scope: Some("tender:read"), ..Knobs::default() }).await;
    assert_eq!(world.tender().await.unwrap_err().code(), Code::ScopeMissing);
    let world = World::new(Knobs { scope: Some("tender:read tender:write"), ..Knobs::default() }).await;
    world.tender().await.unwrap();
}

#[tokio::test]
async fn negative_n16_both_members_of_cnf_are_tolerated_and_ours_must_be_right() {
    let world = World::new(Knobs { both_bindings: true, ..Knobs::default() }).await;
    world.tender().await.unwrap();
    world.read().await.unwrap();
    for binding in ["another-key", ""] {
        let world = World::new(Knobs { binding: Some(binding), ..Knobs::default() }).await;
        assert_eq!(world.tender().await.unwrap_err().code(), Code::TokenBindingMismatch);
        assert_eq!(world.read().await.unwrap_err().code(), Code::TokenBindingMismatch);
    }
}

#[tokio::test]
async fn negative_n17_two_partners_at_one_issuer_never_share_a_token() {
    let ca = Ca::new();
    let one = World::at(&ca, Carrier::start(&ca, Knobs::default()).await, |settings| settings);
    let other = Carrier::start(&ca, Knobs::default()).await;
    // The same client at two resources, and another certificate: each has its own handle, generation and cache.
    let two = World::at(&ca, other, |settings| settings.resource("https://two.example"));
    one.tender().await.unwrap();
    two.tender().await.unwrap();
    one.read().await.unwrap();
    two.read().await.unwrap();
    let tokens = |world: &World| -> Vec<String> {
        let seen = world.carrier.server.seen();
        seen.iter().filter_map(|seen| seen.header("authorization").map(str::to_owned)).collect()
    };
    assert_eq!((tokens(&one).len(), tokens(&two).len()), (2, 2));
    assert!(tokens(&one).iter().all(|token| !tokens(&two).contains(token)));
    let all: std::collections::HashSet<String> = tokens(&one).into_iter().chain(tokens(&two)).collect();
    assert_eq!(all.len(), 4, "neither partner nor profile shares one");
}

#[tokio::test]
async fn negative_n18_a_server_that_asks_to_slow_down_is_left_alone_for_so_long() {
    let mut knobs = fixed(TOKEN, 429, "application/json", r#"{"error":"slow_down"}"#);
    knobs.fixed.get_mut(TOKEN).unwrap().1.push(("retry-after", "30".to_owned()));
    let world = World::new(knobs).await;
    assert_eq!(world.tender().await.unwrap_err().retry_after_ms(), Some(30_000));
    world.carrier.turn(|knobs| knobs.fixed.clear());
    world.clock.advance(Duration::from_secs(29));
    assert_eq!(world.tender().await.unwrap_err().retry_after_ms(), Some(1000));
    assert_eq!(world.read().await.unwrap_err().code(), Code::TokenUnavailable, "for no other scope either");
    assert_eq!(world.count(TOKEN), 1);
    world.clock.advance(Duration::from_secs(1));
    world.tender().await.unwrap();
}

#[tokio::test]
async fn negative_n19_ten_minutes_of_skew_change_no_expiry_and_are_named_when_something_is_refused() {
    for (date, side) in
        [("Fri, 20 Feb 2026 08:10:00 GMT", "600 s ahead of"), ("Fri, 20 Feb 2026 07:50:00 GMT", "600 s behind")]
    {
        let mut knobs = fixed(TOKEN, 401, "application/json", r#"{"error":"invalid_client"}"#);
        knobs.fixed.get_mut(TOKEN).unwrap().1.push(("date", date.to_owned()));
        let world = World::new(knobs).await;
        let error = world.tender().await.unwrap_err();
        assert!(error.message().contains(side), "{error}");
        // Nothing was moved by it: the next proof and assertion are of our own clock.
        world.carrier.turn(|knobs| knobs.fixed.clear());
        world.tender().await.unwrap();
        let claims = assertion(&world.carrier.server.seen_at(TOKEN)[1].body);
        assert_eq!(claims["iat"].as_i64().unwrap(), world.clock.now().as_second());
        // Wall time jumps; the token's life is measured on the monotonic clock.
        world.clock.step_wall("2026-02-21T08:00:00Z".parse().unwrap());
        world.tender().await.unwrap();
        world.clock.step_wall("2026-02-19T08:00:00Z".parse().unwrap());
        world.tender().await.unwrap();
        assert_eq!(world.count(TOKEN), 2);
    }
}

#[tokio::test]
async fn negative_n19_an_offset_that_is_configured_is_added() {
    let world = World::set(Knobs::default(), |settings| settings.clock_offset(-600)).await;
    world.tender().await.unwrap();
    let claims = assertion(&world.carrier.server.seen_at(TOKEN)[0].body);
    assert_eq!(claims["iat"].as_i64().unwrap(), world.clock.now().as_second() - 600);
}

#[tokio::test]
async fn negative_n20_a_revoked_token_is_renewed_once_and_then_told() {
    let refused = r#"{"code":"token_invalid","detail":"revoked"}"#;
    for body in [refused, "not ours"] {
        let mut knobs = fixed("/v1/tenders", 401, "application/problem+json", body);
        let challenge = ("www-authenticate", r#"DPoP error="invalid_token""#.to_owned());
        knobs.fixed.get_mut("/v1/tenders").unwrap().1.push(challenge);
        let world = World::new(knobs).await;
        assert_eq!(world.tender().await.unwrap_err().code(), Code::TokenInvalid);
        assert_eq!((world.count(TOKEN), world.count("/v1/tenders")), (2, 2));
    }
}

#[tokio::test]
async fn negative_n29_a_token_whose_signature_does_not_hold_is_never_used() {
    for signed in [Signed::ByAnother, Signed::Not, Signed::ByPublicKey] {
        let world = World::new(Knobs { signed, ..Knobs::default() }).await;
        for _ in 0..3 {
            let error = world.tender().await.unwrap_err();
            assert_eq!((error.code(), error.sent_state()), (Code::TokenSignatureInvalid, Sent::NotSent));
        }
        assert_eq!(world.count("/v1/tenders"), 0);
        assert!(world.count(JWKS) <= 1, "and the issuer is asked for its keys once");
    }
}

#[tokio::test]
async fn negative_n29_headers_that_point_to_keys_are_not_followed() {
    // Anybody could have written the address into the token: a canary that must hear nothing.
    let canary = Server::start(Tls::of(&Ca::new()), |_| crate::testing::Reply::Cut).await;
    let address: &'static str = String::leak(canary.url.to_string());
    let world = World::new(Knobs { signed: Signed::WithPointers(address), ..Knobs::default() }).await;
    assert_eq!(world.tender().await.unwrap_err().code(), Code::TokenSignatureInvalid);
    assert_eq!(canary.connections(), 0);
}

#[tokio::test]
async fn negative_n29_decoys_in_the_key_set_do_no_harm() {
    let world = World::new(Knobs { published: Published::Decoys, ..Knobs::default() }).await;
    world.tender().await.unwrap();
    let world = World::new(Knobs { published: Published::Decoys, signed: Signed::ByAnother, ..Knobs::default() }).await;
    assert_eq!(world.tender().await.unwrap_err().code(), Code::TokenSignatureInvalid);
}

#[tokio::test]
async fn negative_n30_a_new_key_is_found_and_an_empty_set_asked_once() {
    let world = World::new(Knobs::default()).await;
    world.tender().await.unwrap();
    world.carrier.turn(|knobs| knobs.signed = Signed::ByTheNext);
    world.clock.advance(Duration::from_secs(280));
    world.read().await.unwrap();
    assert_eq!(world.count(JWKS), 2);

    let world = World::new(Knobs { published: Published::Empty, ..Knobs::default() }).await;
    for _ in 0..10 {
        assert_eq!(world.tender().await.unwrap_err().code(), Code::TokenSignatureInvalid);
    }
    assert_eq!(world.count(JWKS), 1);
}

#[tokio::test]
async fn an_issuer_that_publishes_no_keys_is_believed_by_its_connection() {
    let world =
        World::new(Knobs { published: Published::Nothing, signed: Signed::ByAnother, ..Knobs::default() }).await;
    world.tender().await.unwrap();
    assert_eq!(world.count(JWKS), 0);
    // Not even then is an unsigned one taken.
    let world = World::new(Knobs { published: Published::Nothing, signed: Signed::Not, ..Knobs::default() }).await;
    assert_eq!(world.tender().await.unwrap_err().code(), Code::TokenSignatureInvalid);
}

#[tokio::test]
async fn what_ends_is_told() {
    let world = World::new(Knobs::default()).await;
    assert!(world.caller.expiries().is_empty());
    world.tender().await.unwrap();
    world.read().await.unwrap();
    let told: Vec<(String, String)> =
        world.caller.expiries().into_iter().map(|expiry| (expiry.id, expiry.until.to_string())).collect();
    let at = "2026-02-20T08:05:00Z".to_owned();
    let expected = [
        ("certificate_bound capacity:read".to_owned(), at.clone()),
        ("dpop_bound tender:write".to_owned(), at.clone()),
        (world.carrier.origin(), at),
    ];
    assert_eq!(told, expected);
    world.clock.advance(Duration::from_secs(300));
    assert_eq!(world.caller.expiries().len(), 1, "tokens that nobody used are gone");
}

#[tokio::test]
async fn proofs_of_every_algorithm_are_accepted() {
    use aws_lc_rs::signature::{Ed25519KeyPair, RsaKeyPair};
    for (algorithm, pem) in [
        ("ES256", None),
        ("EdDSA", None),
        ("PS256", None),
        ("EdDSA", Some(pkcs_8(Ed25519KeyPair::generate().unwrap().to_pkcs8v1().unwrap().as_ref()))),
        ("PS256", {
            let key = RsaKeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048).unwrap();
            let der: aws_lc_rs::encoding::Pkcs8V1Der<'_> = key.as_der().unwrap();
            Some(pkcs_8(der.as_ref()))
        }),
    ] {
        let world = World::set(Knobs::default(), |settings| {
            let settings = settings.dpop_algorithm(algorithm);
            match pem {
                Some(pem) => settings.dpop_key(pem),
                None => settings,
            }
        });
        let world = world.await;
        world.tender().await.unwrap();
        world.carrier.is_content();
    }
}

fn pkcs_8(der: &[u8]) -> String {
    let body = base64::engine::general_purpose::STANDARD.encode(der);
    format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n")
}

#[tokio::test]
async fn negative_n35_what_holds_a_token_is_overwritten_when_it_goes() {
    // The types say so: what a token, an assertion or a key lives in is wiped on drop.
    fn wiped<T: zeroize::ZeroizeOnDrop>() {}
    wiped::<crate::secret::Secret>();
    wiped::<zeroize::Zeroizing<String>>();
    let world = Arc::new(World::new(Knobs::default()).await);
    world.tender().await.unwrap();
    let shown = format!("{:?} {:?}", world.caller, world.caller.generation());
    let seen = &world.carrier.server.seen_at("/v1/tenders")[0];
    assert!(!shown.contains(seen.header("authorization").unwrap().trim_start_matches("DPoP ")));
}
