//! The gate over real TLS: certificates, the token endpoint, tokens of both kinds, proofs.

mod support;

use gladhand_sandbox::Sandbox;
use reqwest::Method;
use serde_json::json;
use support::{Answer, Tms, hash, http, key, random, start, tender};

fn refused(answer: &Answer, status: u16, code: &str) {
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (status, code), "{}", answer.text);
}

fn oauth_error(answer: &Answer, status: u16, error: &str) {
    assert_eq!((answer.status.as_u16(), answer.json()["error"].as_str()), (status, Some(error)), "{}", answer.text);
}

fn claims(token: &str) -> serde_json::Value {
    jsonwebtoken::dangerous::insecure_decode_claims(token).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn metadata_and_discovery_name_this_origin_and_tokens_carry_their_binding() {
    let (_sandbox, tms) = start();
    let metadata = Answer::of(tms.http.get(format!("{}/.well-known/oauth-authorization-server", tms.url))).await;
    assert_eq!(metadata.json()["issuer"], tms.url.as_str());
    assert_eq!((metadata.header("api-version"), metadata.header("x-request-id").is_empty()), ("1.0.0", false));
    let metadata = metadata.json();
    assert_eq!(metadata["token_endpoint"], format!("{}/oauth/token", tms.url));
    let discovery = Answer::of(tms.http.get(format!("{}/.well-known/gladhand", tms.url))).await;
    assert_eq!(discovery.header("api-version"), "1.0.0");
    assert!(!discovery.header("x-request-id").is_empty());
    gladhand_documents::model::wire::Discovery::parse(&discovery.text).expect("discovery is of the contract");

    let bearer = tms.bearer("capacity:read tender:read").await;
    let keys: jsonwebtoken::jwk::JwkSet =
        serde_json::from_str(&Answer::of(tms.http.get(format!("{}/oauth/jwks", tms.url))).await.text).unwrap();
    let header = jsonwebtoken::decode_header(&bearer).unwrap();
    let public = keys.find(header.kid.as_deref().unwrap()).expect("the key is published");
    let mut validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::ES256);
    validation.set_audience(&[&tms.url]);
    validation.set_issuer(&[&tms.url]);
    let verifying = jsonwebtoken::DecodingKey::from_jwk(public).unwrap();
    let token = jsonwebtoken::decode::<serde_json::Value>(&bearer, &verifying, &validation).unwrap().claims;
    assert_eq!((&token["scope"], &token["tenant"]), (&json!("capacity:read tender:read"), &json!("acme")));
    assert_eq!(token["exp"].as_u64().unwrap() - token["iat"].as_u64().unwrap(), 300);
    assert_eq!(token["consent"], json!({"position": true, "driver_pii": false, "analytics": false}));
    assert!(token["cnf"]["x5t#S256"].is_string() && token["cnf"]["jkt"].is_null());
    let bound = claims(&tms.bound("tender:write").await);
    assert!(bound["cnf"]["jkt"].is_string() && bound["cnf"]["x5t#S256"].is_null());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_without_a_certificate_of_the_authority_does_not_get_in() {
    let (sandbox, _tms) = start();
    let stranger = Sandbox::start(gladhand_sandbox::Options::default()).unwrap();
    // The stranger's client certificate, but trusting our sandbox: only the server can refuse.
    for file in ["client.pem", "client-key.pem"] {
        std::fs::copy(stranger.dir().join(file), sandbox.dir().join(format!("stranger-{file}"))).unwrap();
    }
    std::fs::rename(sandbox.dir().join("stranger-client.pem"), sandbox.dir().join("stranger.pem")).unwrap();
    std::fs::rename(sandbox.dir().join("stranger-client-key.pem"), sandbox.dir().join("stranger-key.pem")).unwrap();
    let client = http(sandbox.dir(), "stranger");
    assert!(client.get(format!("{}/.well-known/gladhand", sandbox.url())).send().await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_certificate_can_be_spoiled_and_mended() {
    let (sandbox, tms) = start();
    let probe = || async { http(sandbox.dir(), "client").get(format!("{}/oauth/jwks", tms.url)).send().await };
    for spoiled in ["expired", "wrong_ca"] {
        tms.control("/tls", json!({"certificate": spoiled})).await;
        assert!(probe().await.is_err(), "{spoiled}");
    }
    tms.control("/tls", json!({"certificate": "good"})).await;
    assert_eq!(probe().await.unwrap().status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_endpoint_refuses_what_is_not_the_client() {
    let (sandbox, tms) = start();
    let mut form = tms.form("tender:write");
    let replace = |form: &mut Vec<(String, String)>, name: &str, value: String| {
        form.iter_mut().filter(|(n, _)| n == name).for_each(|(_, v)| v.clone_from(&value));
    };
    assert_eq!(tms.token(&form, None).await.status, 200);
    oauth_error(&tms.token(&form, None).await, 401, "invalid_client"); // The same jti again.
    replace(&mut form, "client_assertion", tms.assertion(&json!([tms.url]), &random(), 50));
    oauth_error(&tms.token(&form, None).await, 401, "invalid_client"); // aud as an array.
    replace(&mut form, "client_assertion", tms.assertion(&json!(format!("{}/oauth/token", tms.url)), &random(), 50));
    oauth_error(&tms.token(&form, None).await, 401, "invalid_client"); // aud is the endpoint.
    replace(&mut form, "client_assertion", tms.assertion(&json!(tms.url), &random(), 300));
    oauth_error(&tms.token(&form, None).await, 401, "invalid_client"); // Lives too long.
    oauth_error(&tms.token(&tms.form("telemetry:write"), None).await, 400, "invalid_scope");
    let mut elsewhere = tms.form("tender:write");
    replace(&mut elsewhere, "resource", "https://elsewhere.invalid".to_owned());
    oauth_error(&tms.token(&elsewhere, None).await, 400, "invalid_target");

    // Another tenant's certificate with our assertion, and the other way round.
    let mixed = Tms::connect(&sandbox, "other", "assertion-key", "tms-acme");
    oauth_error(&mixed.token(&mixed.form(""), None).await, 401, "invalid_client");
    let forged = Tms::connect(&sandbox, "client", "other-assertion-key", "tms-acme");
    oauth_error(&forged.token(&forged.form(""), None).await, 401, "invalid_client");

    // tls_client_auth: the certificate alone.
    let plain = [("grant_type", "client_credentials"), ("client_id", "tms-acme")];
    let plain: Vec<_> = plain.map(|(k, v)| (k.to_owned(), v.to_owned())).to_vec();
    assert_eq!(tms.token(&plain, None).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stolen_token_is_useless_with_another_certificate() {
    let (sandbox, tms) = start();
    let token = tms.bearer("").await;
    let thief = http(sandbox.dir(), "other");
    let answer = Answer::of(thief.get(format!("{}/v1/tenders", tms.url)).bearer_auth(&token)).await;
    refused(&answer, 401, "cert_mismatch");
    let answer = Answer::of(tms.http.get(format!("{}/v1/tenders", tms.url)).bearer_auth(&token)).await;
    assert_eq!(answer.status, 200);
    let broken = format!("{}A", &token[..token.len() - 4]);
    let answer = Answer::of(tms.http.get(format!("{}/v1/tenders", tms.url)).bearer_auth(broken)).await;
    refused(&answer, 401, "token_invalid");
    let narrow = tms.bearer("capacity:read").await;
    let answer = Answer::of(tms.http.get(format!("{}/v1/tenders", tms.url)).bearer_auth(narrow)).await;
    refused(&answer, 403, "scope_missing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proof_fits_one_request_and_is_used_once() {
    let (_sandbox, tms) = start();
    let body = tender("t-1", "L-1", "express", "aurora-dal-hou-pool").to_string();
    let address = format!("{}/v1/tenders", tms.url);
    let token = tms.bound("").await;
    let post = |proof: Option<String>, scheme: &str, token: &str| {
        let mut request = tms.http.post(&address).header("authorization", format!("{scheme} {token}"));
        if let Some(proof) = proof {
            request = request.header("dpop", proof);
        }
        request.header("content-type", "application/json").header("idempotency-key", key("t-1")).body(body.clone())
    };
    let good = json!({"ath": hash(token.as_bytes()), "gh_body": hash(body.as_bytes())});
    let with = |name: &str, value: serde_json::Value| {
        let mut claims = good.clone();
        claims[name] = value;
        tms.proof("POST", &address, &claims)
    };
    let bearer = tms.bearer("").await;
    refused(&Answer::of(post(None, "Bearer", &bearer)).await, 401, "pop_missing");
    refused(&Answer::of(post(None, "DPoP", &token)).await, 401, "pop_missing");
    let wrong = [
        with("ath", json!(hash(b"another token"))),
        with("gh_body", json!(hash(b"another body"))),
        with("gh_body", json!(null)),
        with("htm", json!("PUT")),
        with("htu", json!(format!("{}/v1/other", tms.url))),
        with("iat", json!(jsonwebtoken::get_current_timestamp() - 1000)),
        with("jti", json!("x")),
    ];
    for proof in wrong {
        refused(&Answer::of(post(Some(proof), "DPoP", &token)).await, 401, "pop_invalid");
    }
    refused(&Answer::of(post(Some(with("nonce", json!("stale"))), "DPoP", &token)).await, 401, "use_dpop_nonce");
    let proof = with("jti", json!(random()));
    assert_eq!(Answer::of(post(Some(proof.clone()), "DPoP", &token)).await.status, 200);
    refused(&Answer::of(post(Some(proof), "DPoP", &token)).await, 401, "pop_replayed");
    // An honest retry: a fresh proof, the same body.
    let retry = Answer::of(post(Some(with("jti", json!(random()))), "DPoP", &token)).await;
    assert_eq!((retry.status.as_u16(), retry.header("idempotency-replayed")), (200, "true"));
    // Somebody else's key.
    let (_other, thief) = start();
    let foreign = thief.proof("POST", &address, &good);
    refused(&Answer::of(post(Some(foreign), "DPoP", &token)).await, 401, "token_invalid");
}

#[tokio::test(flavor = "multi_thread")]
async fn control_makes_the_authorization_server_misbehave() {
    let (_sandbox, tms) = start();
    tms.control("/oauth", json!({"audience": "wrong"})).await;
    assert_eq!(claims(&tms.bearer("").await)["aud"], "https://elsewhere.invalid");
    refused(&tms.get("/v1/tenders").await, 401, "token_invalid");
    tms.control("/oauth", json!({"audience": "good", "tokenType": "Bearer"})).await;
    let endpoint = format!("{}/oauth/token", tms.url);
    let first = tms.token(&tms.form(""), Some(tms.proof("POST", &endpoint, &json!({})))).await;
    oauth_error(&first, 400, "use_dpop_nonce");
    let proof = tms.proof("POST", &endpoint, &json!({"nonce": first.header("dpop-nonce")}));
    assert_eq!(tms.token(&tms.form(""), Some(proof)).await.json()["token_type"], "Bearer");
    tms.control("/fail", json!({"operation": "oauth.token", "when": "before", "how": "503"})).await;
    assert_eq!(tms.token(&tms.form(""), None).await.status, 503);
    assert_eq!(tms.token(&tms.form(""), None).await.status, 200);
    tms.control("/oauth", json!({"tokenType": "normal", "consent": {"position": false}})).await;
    assert_eq!(claims(&tms.bearer("").await)["consent"]["position"], false);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_canonical_offer_is_served_byte_for_byte_and_unknown_members_survive() {
    let (_sandbox, tms) = start();
    let day = r#"{"origin":{"lat":41.9,"lon":-87.6},"destination":{"lat":34.1,"lon":-118.2},
        "window":{"start":"2026-02-20T00:00:00Z","end":"2026-02-21T00:00:00Z"}}"#;
    let found = tms.search(day).await;
    assert_eq!(support::raw_items(&found.text, "offers"), [gladhand_sandbox::state::capacity::CANONICAL]);
    let own = gladhand_sandbox::state::capacity::CANONICAL
        .replace("aurora-12345", "own-1")
        .replace("1250.00}", "0.10, \"x\": 12345678901234567890123}");
    let published = Answer::of(tms.http.post(format!("{}/capacity", tms.control)).body(own.clone())).await;
    assert_eq!(published.status, 200, "{}", published.text);
    assert_eq!(tms.get("/v1/capacity/own-1").await.text, own);
    refused(&tms.get("/v1/capacity/own-2").await, 404, "not_found");
    let unversioned =
        tms.call(Method::POST, "/v1/tenders", &key("v"), "{}", None).await.header("accept-version", "2.x; min=2.1");
    refused(&Answer::of(unversioned).await, 400, "unsupported_version");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_collector_stands_behind_the_same_gate() {
    let (_sandbox, tms) = start();
    let call = |token: Option<String>| {
        let path = "/gladhand.telemetry.v1.TelemetryFollowService/Follow";
        let request = tms.http.post(format!("{}{path}", tms.url)).header("content-type", "application/grpc");
        // An empty message: five bytes of header, nothing else.
        let request = request.header("te", "trailers").body(vec![0_u8; 5]);
        token.map_or_else(|| request.try_clone().unwrap(), |token| request.try_clone().unwrap().bearer_auth(token))
    };
    let refused = Answer::of(call(None)).await;
    assert_eq!((refused.status.as_u16(), refused.header("grpc-status")), (200, "16"));
    assert_eq!(refused.header("gladhand-code"), "token_invalid");
    let narrow = Answer::of(call(Some(tms.bearer("tender:read").await))).await;
    assert_eq!(narrow.header("grpc-status"), "7", "no scope for telemetry");
}
