//! The negative cases of proofs (identity §3), by their numbers, through the real transport.

use std::collections::HashSet;
use std::sync::Arc;

use gladhand_documents::error::{Code, Error};
use http::{HeaderName, HeaderValue, Method};
use serde_json::Value;

use super::tests::{TOKEN, World, fixed};
use super::{Caller as _, Profile, Request, Response, random};
use crate::observe::Activity;
use crate::testing::{Knobs, Nonce, payload};

const TENDERS: &str = "/v1/tenders";

/// The claims of each proof that arrived at this path.
fn proofs(world: &World, path: &str) -> Vec<Value> {
    world.carrier.server.seen_at(path).iter().map(|seen| payload(seen.header("dpop").unwrap())).collect()
}

async fn command(world: &World) -> Result<Response, Error> {
    let request = Request::new("commands.request", Method::POST, TENDERS, Profile::Dpop, "command:stop");
    world.caller.call(request.body(&b"{}"[..]).require_nonce()).await
}

#[test]
fn negative_n22_a_million_jtis_are_a_million() {
    let threads: Vec<_> = (0..4)
        .map(|_| std::thread::spawn(|| (0..250_000).map(|_| random::unique().unwrap()).collect::<Vec<_>>()))
        .collect();
    let all: HashSet<String> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
    assert_eq!(all.len(), 1_000_000);
    assert!(all.iter().all(|jti| jti.len() == 22), "128 bits in base64url");
}

#[test]
fn negative_n22_processes_that_start_alike_have_jtis_of_their_own() {
    const CHILD: &str = "GLADHAND_TEST_JTI";
    if std::env::var_os(CHILD).is_some() {
        for _ in 0..1000 {
            println!("jti {}", random::unique().unwrap());
        }
        return;
    }
    let name = "auth::negative_nonce_tests::negative_n22_processes_that_start_alike_have_jtis_of_their_own";
    let mut all = HashSet::new();
    for _ in 0..4 {
        let mut child = std::process::Command::new(std::env::current_exe().unwrap());
        let output = child.args(["--exact", name, "--nocapture"]).env(CHILD, "1").output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        all.extend(text.lines().filter_map(|line| Some(line.split_once("jti ")?.1.to_owned())));
    }
    assert_eq!(all.len(), 4000);
}

#[tokio::test]
async fn negative_n23_the_nonces_of_the_two_kinds_of_server_are_kept_apart() {
    let world = World::new(Knobs { token_nonce: Nonce::Wanted, call_nonce: Nonce::Wanted, ..Knobs::default() }).await;
    world.tender().await.unwrap();
    let at = |path| proofs(&world, path).iter().map(|claims| claims["nonce"].clone()).collect::<Vec<_>>();
    assert_eq!(at(TOKEN), [Value::Null, "as-nonce-1".into()]);
    assert_eq!(at(TENDERS), [Value::Null, "rs-nonce-1".into()], "at one origin, and not the other's");
}

#[tokio::test]
async fn negative_n23_a_nonce_is_taken_from_a_success_and_from_the_answer_to_a_retry() {
    let world = World::new(Knobs { call_nonce: Nonce::Rotating, ..Knobs::default() }).await;
    for _ in 0..4 {
        world.tender().await.unwrap();
    }
    // One challenge at the very beginning; from then on each answer brought the nonce of the next call.
    assert_eq!(world.count(TENDERS), 5);
    let nonces: Vec<Value> = proofs(&world, TENDERS).iter().map(|claims| claims["nonce"].clone()).collect();
    let numbered = |n: usize| Value::from(format!("rs-nonce-{n}"));
    assert_eq!(nonces, [Value::Null, numbered(1), numbered(2), numbered(3), numbered(4)]);
    world.carrier.is_content();
}

#[tokio::test]
async fn negative_n23_sixty_four_calls_at_once_with_a_stale_nonce_are_each_challenged_at_most_once() {
    let world = Arc::new(World::new(Knobs { call_nonce: Nonce::Wanted, ..Knobs::default() }).await);
    world.tender().await.unwrap();
    world.carrier.turn(|knobs| knobs.call_nonce = Nonce::Replaced);
    let before = world.count(TENDERS);
    let calls: Vec<_> = (0..64)
        .map(|_| {
            let world = world.clone();
            tokio::spawn(async move { world.tender().await.map(|_| ()) })
        })
        .collect();
    for call in calls {
        call.await.unwrap().unwrap();
    }
    let sent = world.count(TENDERS) - before;
    assert!((65..=128).contains(&sent), "{sent}");
    world.carrier.is_content();
}

#[tokio::test]
async fn negative_n23_a_challenge_without_a_usable_nonce_is_not_retried() {
    for nonce in [None, Some("with space"), Some("quo\"te"), Some("back\\slash"), Some("")] {
        let body = r#"{"code":"use_dpop_nonce"}"#;
        let mut knobs = fixed(TENDERS, 401, "application/problem+json", body);
        let headers = &mut knobs.fixed.get_mut(TENDERS).unwrap().1;
        headers.push(("www-authenticate", r#"DPoP error="use_dpop_nonce""#.to_owned()));
        headers.extend(nonce.map(|nonce| ("dpop-nonce", nonce.to_owned())));
        let world = World::new(knobs).await;
        assert_eq!(world.tender().await.unwrap_err().code(), Code::UseDpopNonce, "{nonce:?}");
        assert_eq!(world.count(TENDERS), 1, "{nonce:?}");

        let mut knobs = fixed(TOKEN, 400, "application/json", r#"{"error":"use_dpop_nonce"}"#);
        knobs.fixed.get_mut(TOKEN).unwrap().1.extend(nonce.map(|nonce| ("dpop-nonce", nonce.to_owned())));
        let world = World::new(knobs).await;
        assert_eq!(world.tender().await.unwrap_err().code(), Code::TokenRequestRefused, "{nonce:?}");
        assert_eq!(world.count(TOKEN), 1, "{nonce:?}");
    }
}

#[tokio::test]
async fn negative_n23_a_command_that_is_taken_without_a_nonce_is_reported() {
    let world = World::new(Knobs { silent: true, ..Knobs::default() }).await;
    command(&world).await.unwrap();
    let counted = world.security().counts().get(&(Activity::Downgrade.as_str(), false)).copied();
    assert_eq!(counted, Some(1), "{:?}", world.security().counts());
    let world = World::new(Knobs { call_nonce: Nonce::Wanted, ..Knobs::default() }).await;
    command(&world).await.unwrap();
    assert!(!world.security().counts().contains_key(&(Activity::Downgrade.as_str(), false)));
}

#[tokio::test]
async fn negative_n24_a_challenged_command_is_repeated_with_the_same_bytes_and_key() {
    // Bodies are always whole in memory, so every attempt can be the same; there is no stream that could not.
    let world = World::new(Knobs { call_nonce: Nonce::Wanted, ..Knobs::default() }).await;
    let request = Request::new("tenders.create", Method::POST, TENDERS, Profile::Dpop, "tender:write");
    let key = HeaderName::from_static("idempotency-key");
    let request = request.body(&b"{\"rate\":1250.00}"[..]).header(key, HeaderValue::from_static("\"k-1\""));
    world.caller.call(request).await.unwrap();
    let seen = world.carrier.server.seen_at(TENDERS);
    assert_eq!(seen.len(), 2);
    assert_eq!(seen[0].body, seen[1].body);
    assert_eq!(seen[0].header("idempotency-key"), seen[1].header("idempotency-key"));
    let claims = proofs(&world, TENDERS);
    assert_ne!(claims[0]["jti"], claims[1]["jti"]);
    assert_eq!(claims[0]["gh_body"], claims[1]["gh_body"]);
    world.carrier.is_content();
}

#[tokio::test]
async fn negative_n25_there_is_exactly_one_proof_whatever_the_caller_adds() {
    let world = World::new(Knobs::default()).await;
    let request = Request::new("tenders.create", Method::POST, TENDERS, Profile::Dpop, "tender:write");
    let request = request
        .header(HeaderName::from_static("dpop"), HeaderValue::from_static("forged"))
        .header(http::header::AUTHORIZATION, HeaderValue::from_static("Bearer forged"));
    world.caller.call(request).await.unwrap();
    let seen = &world.carrier.server.seen_at(TENDERS)[0];
    assert_eq!(seen.headers.get_all("dpop").iter().count(), 1);
    assert_eq!(seen.headers.get_all("authorization").iter().count(), 1);
    assert!(seen.header("authorization").unwrap().starts_with("DPoP "));
    world.carrier.is_content();

    let read = Request::new("capacity.get", Method::GET, "/v1/capacity/a", Profile::CertificateBound, "capacity:read");
    world.caller.call(read.header(HeaderName::from_static("dpop"), HeaderValue::from_static("x"))).await.unwrap();
    assert_eq!(world.carrier.server.seen_at("/v1/capacity/a")[0].header("dpop"), None, "none where none belongs");
}

#[tokio::test]
async fn negative_n26_the_proof_names_the_address_without_its_query_as_it_was_sent() {
    let world = World::new(Knobs::default()).await;
    for path in ["/v1/tenders/?state=offer", "/v1/a%2Fb%7Ec/", "/v1/x;y=1/z"] {
        let request = Request::new("tenders.list", Method::GET, path, Profile::Dpop, "tender:read");
        world.caller.call(request).await.unwrap();
        let expected = format!("{}{}", world.carrier.origin(), path.split('?').next().unwrap());
        assert_eq!(proofs(&world, path)[0]["htu"], expected);
    }
    world.carrier.is_content();
}

#[tokio::test]
async fn negative_n26_behind_a_gateway_that_rewrites_the_proof_names_the_configured_address() {
    let world =
        World::set(Knobs::default(), |settings| settings.htu_base("https://API.carrier.example:443/public/")).await;
    world.tender().await.unwrap();
    assert_eq!(proofs(&world, TENDERS)[0]["htu"], "https://api.carrier.example/public/v1/tenders");
}

#[tokio::test]
async fn negative_n26_grpc_proves_a_post_of_the_full_method_path() {
    let world = World::new(Knobs::default()).await;
    let generation = world.caller.generation();
    let method = "/gladhand.telemetry.v1.Telemetry/Follow";
    let metadata = world.caller.grpc_proof(&generation, method, "telemetry:read").await.unwrap();
    assert!(metadata.authorization.is_sensitive() && metadata.dpop.is_sensitive());
    let token = metadata.authorization.to_str().unwrap().strip_prefix("DPoP ").unwrap();
    let claims = payload(metadata.dpop.to_str().unwrap());
    assert_eq!(claims["htm"], "POST");
    assert_eq!(claims["htu"], format!("{}{method}", world.carrier.origin()));
    assert_eq!(claims["ath"], gladhand_protocol::proof::base64url_sha256(token));
    assert_eq!(claims.get("gh_body"), None, "a stream has no content that could be named");
    let again = world.caller.grpc_proof(&generation, method, "telemetry:read").await.unwrap();
    assert_ne!(payload(again.dpop.to_str().unwrap())["jti"], claims["jti"]);
    assert_eq!(world.count(TOKEN), 1);
    for method in ["Follow", "/a/../b", "", "/a/b?c=d"] {
        let error = world.caller.grpc_proof(&generation, method, "telemetry:read").await.unwrap_err();
        assert_eq!(error.code(), Code::InvalidArgument, "{method}");
    }
    // A nonce that comes with the answer is for the next one.
    world.caller.take_grpc_nonce("n-1");
    let third = world.caller.grpc_proof(&generation, method, "telemetry:read").await.unwrap();
    assert_eq!(payload(third.dpop.to_str().unwrap())["nonce"], "n-1");
}
