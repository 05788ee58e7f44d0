//! The authorization server and the gate: algorithms, rotating keys of both sides, what tokens and answers can get wrong,
//! consent, several clients, and what the security log says of it.

mod support;

use axum::Router;
use axum::routing::get;
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};
use support::{Answer, Tms, hash, http, key, key_for, public, start, tender};

async fn kinds(tms: &Tms) -> Vec<String> {
    let facts = tms.look("/security").await;
    facts["facts"].as_array().unwrap().iter().map(|fact| fact["kind"].as_str().unwrap().to_owned()).collect()
}

async fn set(tms: &Tms) -> Answer {
    Answer::of(tms.http.get(format!("{}/oauth/jwks", tms.url))).await
}

fn refused(answer: &Answer, status: u16, code: &str) {
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (status, code), "{}", answer.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn proofs_and_assertions_of_three_algorithms_are_taken_and_no_others() {
    let (_sandbox, mut tms) = start();
    let algorithms = [Algorithm::ES256, Algorithm::EdDSA, Algorithm::PS256];
    let keys: Vec<Value> = Vec::new();
    let mut registered = json!({"clientId": "tms-acme", "jwks": {"keys": keys}});
    for (n, algorithm) in algorithms.into_iter().enumerate() {
        let assertion = key_for(algorithm);
        registered["jwks"]["keys"].as_array_mut().unwrap().push(public(algorithm, &assertion, &format!("key-{n}")));
        tms.control("/clients", registered.clone()).await;
        tms.assertion_key = (algorithm, assertion, Some(format!("key-{n}")));
        tms.dpop_key = (algorithm, key_for(algorithm));
        let id = format!("t-{n}");
        let created = tms.create(&tender(&id, &id, "express", "aurora-dal-hou-pool"), 0).await;
        assert_eq!(created.status, 200, "{algorithm:?}: {}", created.text);
    }
    // The last key, which is an RSA key, with the algorithm that FAPI 2.0 forbids.
    let (_, rsa, kid) = tms.assertion_key.clone();
    tms.assertion_key = (Algorithm::RS256, rsa, kid);
    assert_eq!(tms.token(&tms.form(""), None).await.json()["error"], "invalid_client");
    let curve = key_for(Algorithm::ES384);
    registered["jwks"]["keys"].as_array_mut().unwrap().push(public(Algorithm::ES384, &curve, "key-3"));
    tms.control("/clients", registered).await;
    tms.assertion_key = (Algorithm::ES384, curve, Some("key-3".to_owned()));
    assert_eq!(tms.token(&tms.form(""), None).await.json()["error"], "invalid_client");
    for algorithm in [Algorithm::RS256, Algorithm::ES384] {
        tms.dpop_key = (algorithm, key_for(algorithm));
        let plain = [("grant_type", "client_credentials"), ("client_id", "tms-acme")];
        let plain: Vec<_> = plain.map(|(k, v)| (k.to_owned(), v.to_owned())).to_vec();
        let address = format!("{}/oauth/token", tms.url);
        let answer = tms.token(&plain, Some(tms.proof("POST", &address, &json!({})))).await;
        assert_eq!(answer.json()["error"], "invalid_dpop_proof", "{algorithm:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_rotates_its_assertion_keys_inline_and_by_its_published_set() {
    let (_sandbox, mut tms) = start();
    let next = key_for(Algorithm::ES256);
    let next_public = public(Algorithm::ES256, &next, "next");
    tms.assertion_key = (Algorithm::ES256, next, Some("next".to_owned()));
    assert_eq!(tms.token(&tms.form(""), None).await.json()["error"], "invalid_client", "not known yet");

    // The host serves the set of its SDK.
    let asked = std::sync::Arc::new(std::sync::atomic::AtomicU32::new(0));
    let counted = asked.clone();
    let served = get(move || {
        counted.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        async move { axum::Json(json!({"keys": [next_public]})) }
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/jwks", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().route("/jwks", served)).await });
    tms.control("/clients", json!({"clientId": "tms-acme", "jwksUri": address})).await;
    for _ in 0..3 {
        assert_eq!(tms.token(&tms.form(""), None).await.status, 200);
    }
    assert_eq!(asked.load(std::sync::atomic::Ordering::SeqCst), 1, "a known key is not asked for again");
    let seen = tms.look("/clients").await;
    assert_eq!(seen["clients"][2]["keys"], json!(["next"]), "{seen}");
    // Somebody else's key under the known name.
    tms.assertion_key.1 = key_for(Algorithm::ES256);
    assert_eq!(tms.token(&tms.form(""), None).await.json()["error"], "invalid_client");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_servers_keys_rotate_and_the_published_set_has_decoys_or_nothing() {
    let (_sandbox, tms) = start();
    let old = tms.bearer("").await;
    let read = async |token: &str| {
        Answer::of(tms.http.get(format!("{}/v1/tenders", tms.url)).bearer_auth(token)).await.status.as_u16()
    };
    for algorithm in ["EdDSA", "PS256", "ES256"] {
        let rotated = tms.control("/jwks", json!({"rotate": true, "algorithm": algorithm})).await;
        let token = tms.bearer("").await;
        let header = jsonwebtoken::decode_header(&token).unwrap();
        assert_eq!((json!(header.kid), json!(header.alg)), (rotated["kid"].clone(), json!(algorithm)));
        assert_eq!((read(&token).await, read(&old).await), (200, 200));
    }
    let published = set(&tms).await;
    assert_eq!(published.header("cache-control"), "public, max-age=300");
    assert_eq!(published.json()["keys"].as_array().unwrap().len(), 4);
    assert!(!published.text.contains("\"d\""), "public halves only");
    let kid = tms.control("/jwks", json!({"retire": true, "decoys": true, "maxAgeS": 5})).await;
    assert_eq!(kid["published"], 4);
    let published = set(&tms).await;
    assert_eq!(published.header("cache-control"), "public, max-age=5");
    let keys = published.json()["keys"].as_array().unwrap().clone();
    assert!(keys.iter().all(|key| key["kid"] == keys[0]["kid"]));
    let fits = |key: &&Value| key["kty"] == "EC" && key["crv"] == "P-256" && key["use"] == "sig";
    assert_eq!(keys.iter().filter(fits).count(), 1, "one key is the true one");
    assert!(!fits(&&keys[0]), "and not the first");
    assert_eq!(read(&old).await, 401, "the key was withdrawn");
    tms.control("/jwks", json!({"empty": true})).await;
    assert_eq!(set(&tms).await.json()["keys"], json!([]));
    tms.control("/jwks", json!({"empty": false, "decoys": false})).await;
    let requests = tms.control("/jwks", json!({})).await;
    assert_eq!((&requests["published"], &requests["requests"]), (&json!(1), &json!(3)));
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_forged_hidden_short_lived_and_revoked_on_request() {
    let (_sandbox, tms) = start();
    for signature in ["none", "hs256", "foreign"] {
        tms.control("/oauth", json!({"signature": signature})).await;
        refused(&tms.get("/v1/tenders").await, 401, "token_invalid");
    }
    tms.control("/oauth", json!({"signature": "good", "opaque": true})).await;
    assert!(tms.bearer("").await.starts_with("opaque-"));
    assert_eq!(tms.get("/v1/tenders").await.status, 200);
    tms.control("/oauth", json!({"opaque": false, "claims": {"cnf": {"x5t#S256": "of-another"}}})).await;
    refused(&tms.get("/v1/tenders").await, 401, "token_invalid");
    tms.control("/oauth", json!({"claims": {"cnf": null}})).await;
    refused(&tms.get("/v1/tenders").await, 401, "token_invalid");
    tms.control("/oauth", json!({"reset": true})).await;
    let token = tms.bearer("").await;
    let read = async |token: &str| Answer::of(tms.http.get(format!("{}/v1/tenders", tms.url)).bearer_auth(token)).await;
    assert_eq!(read(&token).await.status, 200);
    tms.control("/oauth", json!({"revokeTokens": true})).await;
    refused(&read(&token).await, 401, "token_invalid");
    assert_eq!(tms.get("/v1/tenders").await.status, 200, "a new one is in order");
    tms.control("/oauth", json!({"lifetimeS": 0})).await;
    refused(&tms.get("/v1/tenders").await, 401, "token_expired");
    tms.control("/oauth", json!({"lifetimeS": 7, "response": {"expires_in": null, "x": [1]}})).await;
    let answer = tms.token(&tms.form(""), None).await.json();
    assert_eq!((&answer["expires_in"], &answer["x"]), (&Value::Null, &json!([1])));
    tms.control("/oauth", json!({"metadata": {"issuer": "https://elsewhere.invalid", "jwks_uri": null}})).await;
    let metadata = Answer::of(tms.http.get(format!("{}/.well-known/oauth-authorization-server", tms.url))).await.json();
    assert_eq!((&metadata["issuer"], &metadata["jwks_uri"]), (&json!("https://elsewhere.invalid"), &Value::Null));
    let wanted =
        ["invalid_token", "invalid_token", "invalid_token", "binding", "invalid_token", "revoked_token", "expired"];
    assert_eq!(kinds(&tms).await, wanted);
}

#[tokio::test(flavor = "multi_thread")]
async fn nonces_are_wanted_always_withheld_spoilt_or_dropped() {
    let (_sandbox, tms) = start();
    let address = format!("{}/oauth/token", tms.url);
    let challenge = async |nonce: Option<String>| {
        let claims = nonce.map_or_else(|| json!({}), |nonce| json!({"nonce": nonce}));
        tms.token(&tms.form(""), Some(tms.proof("POST", &address, &claims))).await
    };
    let nonce = challenge(None).await.header("dpop-nonce").to_owned();
    assert_eq!(challenge(Some(nonce.clone())).await.status, 200);
    tms.control("/oauth", json!({"serverNonce": "always"})).await;
    let again = challenge(Some(nonce.clone())).await;
    assert_eq!((again.json()["error"].as_str(), again.header("dpop-nonce")), (Some("use_dpop_nonce"), nonce.as_str()));
    tms.control("/oauth", json!({"serverNonce": "missing"})).await;
    let bare = challenge(None).await;
    assert_eq!((bare.json()["error"].as_str(), bare.header("dpop-nonce")), (Some("use_dpop_nonce"), ""));
    tms.control("/oauth", json!({"serverNonce": "illegal"})).await;
    assert!(challenge(None).await.header("dpop-nonce").contains('"'));
    tms.control("/oauth", json!({"serverNonce": "off"})).await;
    let plain = challenge(None).await;
    assert_eq!((plain.status.as_u16(), plain.header("dpop-nonce")), (200, ""));
    tms.control("/oauth", json!({"serverNonce": "normal", "resourceNonce": "always"})).await;
    let created = tms.create(&tender("t-1", "L-1", "express", "aurora-dal-hou-pool"), 0).await;
    refused(&created, 401, "use_dpop_nonce");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_call_is_of_the_certificates_own_client() {
    let (sandbox, tms) = start();
    let (bearer, bound) = (tms.bearer("").await, tms.bound("").await);
    let thief = http(sandbox.dir(), "other");
    // HTTP with a certificate-bound token, HTTP with a proof of the right key, and gRPC.
    let read = Answer::of(thief.get(format!("{}/v1/tenders", tms.url)).bearer_auth(&bearer)).await;
    refused(&read, 401, "cert_mismatch");
    let body = tender("t-1", "L-1", "express", "aurora-dal-hou-pool").to_string();
    let address = format!("{}/v1/tenders", tms.url);
    let proof = tms.proof("POST", &address, &json!({"ath": hash(bound.as_bytes()), "gh_body": hash(body.as_bytes())}));
    let post = |client: &reqwest::Client| {
        let request = client.post(&address).header("authorization", format!("DPoP {bound}")).header("dpop", &proof);
        request.header("content-type", "application/json").header("idempotency-key", key("t-1")).body(body.clone())
    };
    refused(&Answer::of(post(&thief)).await, 401, "cert_mismatch");
    for service in ["TelemetryFollowService/Follow", "TelemetryIngestService/Stream"] {
        let path = format!("{}/gladhand.telemetry.v1.{service}", tms.url);
        let request = thief.post(path).header("content-type", "application/grpc").bearer_auth(&bearer);
        let answer = Answer::of(request.body(vec![0_u8; 5])).await;
        assert_eq!(
            (answer.header("grpc-status"), answer.header("gladhand-code")),
            ("16", "cert_mismatch"),
            "{service}"
        );
    }
    assert_eq!(kinds(&tms).await, ["mismatch"; 4]);
    assert_eq!(Answer::of(post(&tms.http)).await.status, 200, "the proof was not used up by the thief");
    refused(&Answer::of(post(&tms.http)).await, 401, "pop_replayed");
    let facts = tms.look("/security?after=4").await;
    let replay = &facts["facts"][0];
    assert_eq!(
        (&replay["kind"], &replay["code"], &replay["client"]),
        (&json!("replay"), &json!("pop_replayed"), &json!("tms-acme"))
    );
    assert_eq!(replay["fingerprint"], support::fingerprint(sandbox.dir(), "client"));
    // A new certificate of the same identity with a token that is bound to the old one.
    tms.control("/identity", json!({"issue": "client"})).await;
    let renewed = http(sandbox.dir(), "client");
    let read = Answer::of(renewed.get(format!("{}/v1/tenders", tms.url)).bearer_auth(&bearer)).await;
    refused(&read, 401, "token_invalid");
    assert_eq!(kinds(&tms).await.last().unwrap(), "binding");
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_of_several_tenants_are_known_by_uri_dns_or_subject() {
    let (sandbox, tms) = start();
    let clients = [
        json!({"clientId": "tms-initech", "uri": "spiffe://sandbox.gladhand.test/tms/initech", "tenant": "initech"}),
        json!({"clientId": "tms-hooli", "dns": "tms.hooli.test", "tenant": "hooli", "scopes": ["tender:read"]}),
        json!({"clientId": "tms-umbrella", "subject": "CN=umbrella", "partnerId": "u", "consent": {"analytics": true}}),
    ];
    for client in clients {
        tms.control("/clients", client.clone()).await;
        let id = client["clientId"].as_str().unwrap();
        tms.control("/identity", json!({"issue": id})).await;
        let mut own = Tms::connect(&sandbox, id, "assertion-key", id);
        let form = [("grant_type", "client_credentials"), ("client_id", id)].map(|(k, v)| (k.to_owned(), v.to_owned()));
        let token = own.token(&form, None).await;
        assert_eq!(token.status, 200, "{}", token.text);
        let token = token.json()["access_token"].as_str().unwrap().to_owned();
        let claims: Value = jsonwebtoken::dangerous::insecure_decode_claims(&token).unwrap();
        assert_eq!(claims["tenant"], client.get("tenant").cloned().unwrap_or_else(|| json!(id)));
        assert_eq!(claims["partner_id"], client.get("partnerId").unwrap_or(&claims["tenant"]).clone());
        if id == "tms-hooli" {
            assert_eq!(claims["scope"], "tender:read");
        }
        if id == "tms-umbrella" {
            assert_eq!(claims["consent"], json!({"position": false, "driver_pii": false, "analytics": true}));
        }
        let list = Answer::of(own.http.get(format!("{}/v1/tenders", own.url)).bearer_auth(&token)).await;
        assert_eq!(list.status, 200, "{}", list.text);
        own.http = http(sandbox.dir(), "client");
        assert_eq!(own.token(&form, None).await.json()["error"], "invalid_client", "another's certificate");
        own.control("/clients", json!({"clientId": id, "remove": true})).await;
        own.http = http(sandbox.dir(), id);
        refused(
            &Answer::of(own.http.get(format!("{}/v1/tenders", own.url)).bearer_auth(&token)).await,
            401,
            "token_invalid",
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_agreement_does_not_cover_is_not_said() {
    let (_sandbox, tms) = start();
    tms.create(&tender("t-1", "L-1", "express", "aurora-dal-hou-pool"), 5).await;
    let manual = json!({"tenderId": "t-1", "to": "dispatched", "driverRef": "driver-7f3a"});
    let dispatch = tms.control("/progress", manual).await["dispatchId"].as_str().unwrap().to_owned();
    let driver = async || {
        let answer = tms.get(&format!("/v1/dispatches/{dispatch}")).await;
        gladhand_documents::model::dispatch::Dispatch::parse(&answer.text).unwrap();
        let leg = answer.json()["assignments"][1].clone();
        assert_eq!(leg["driveMode"], "manual");
        leg["driverRef"].clone()
    };
    assert_eq!(driver().await, Value::Null);
    tms.control("/oauth", json!({"consent": {"position": true, "driver_pii": true}})).await;
    assert_eq!(driver().await, "driver-7f3a");
    // Absent is not given: the claim, and each of its members.
    for claims in [json!({"consent": null}), json!({"consent": {"driver_pii": null, "position": null}})] {
        tms.control("/oauth", json!({"claims": claims})).await;
        assert_eq!(driver().await, Value::Null);
        refused_to_follow(&tms).await;
    }
    tms.control("/oauth", json!({"claims": {}, "consent": {"driver_pii": true}})).await;
    refused_to_follow(&tms).await;
    assert_eq!(driver().await, "driver-7f3a");
    // A client's own agreement goes before the usual one.
    tms.control("/clients", json!({"clientId": "tms-acme", "consent": {"position": true}})).await;
    assert_eq!(driver().await, Value::Null);
    assert_eq!(kinds(&tms).await, ["consent"; 3]);
}

/// A follower without consent for positions is denied.
async fn refused_to_follow(tms: &Tms) {
    let path = format!("{}/gladhand.telemetry.v1.TelemetryFollowService/Follow", tms.url);
    let token = tms.bearer("telemetry:read").await;
    let request = tms.http.post(path).header("content-type", "application/grpc").header("te", "trailers");
    let answer = Answer::of(request.bearer_auth(token).body(vec![0_u8; 5])).await;
    assert_eq!((answer.header("grpc-status"), answer.header("gladhand-code")), ("7", "data_sharing_denied"));
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_redirected_swollen_and_garbled_on_request() {
    let (sandbox, tms) = start();
    let redirect = json!({
        "operation": "oauth.jwks", "when": "before", "how": "redirect", "status": 308, "location": "https://x.invalid/",
    });
    tms.control("/fail", redirect).await;
    let direct = reqwest::redirect::Policy::none();
    let tls = support::tls(sandbox.dir(), Some("client"));
    let client = reqwest::Client::builder().tls_backend_preconfigured(tls).redirect(direct).no_proxy().build().unwrap();
    let answer = Answer::of(client.get(format!("{}/oauth/jwks", tms.url))).await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (308, "https://x.invalid/"));
    for (how, read) in [("oversize", true), ("garbage", false), ("duplicate", true)] {
        tms.control("/fail", json!({"operation": "oauth.jwks", "when": "before", "how": how})).await;
        let answer = set(&tms).await;
        assert_eq!((answer.status.as_u16(), serde_json::from_str::<Value>(&answer.text).is_ok()), (200, read), "{how}");
        assert_eq!(answer.text.len() > 1 << 20, how == "oversize");
    }
    assert_eq!(set(&tms).await.json()["keys"].as_array().unwrap().len(), 1);
}
