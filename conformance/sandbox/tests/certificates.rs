//! Certificates over real TLS: chains, rotation, revocation, faults of the listener, and the record of who came as whom.

mod support;

use std::path::Path;
use std::sync::Arc;

use gladhand_documents::telemetry::wire::FollowRequest;
use gladhand_sandbox::Options;
use prost::Message as _;
use rustls::client::WebPkiServerVerifier;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use serde_json::{Value, json};
use support::{Answer, Tms, fingerprint, http, http_over, start, start_with, tls};

/// A client that checks the server's whole chain against `crl.pem`, as strictly as rustls can.
fn checking(dir: &Path) -> rustls::ClientConfig {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut roots = rustls::RootCertStore::empty();
    for root in CertificateDer::pem_file_iter(dir.join("ca.pem")).unwrap() {
        roots.add(root.unwrap()).unwrap();
    }
    let lists = CertificateRevocationListDer::pem_file_iter(dir.join("crl.pem")).unwrap().map(Result::unwrap);
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone())
        .with_crls(lists)
        .enforce_revocation_expiration()
        .build()
        .unwrap();
    let chain = CertificateDer::pem_file_iter(dir.join("client.pem")).unwrap().map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_file(dir.join("client-key.pem")).unwrap();
    rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_webpki_verifier(verifier)
        .with_client_auth_cert(chain, key)
        .unwrap()
}

async fn reach(tms: &Tms, tls: rustls::ClientConfig) -> Result<u16, String> {
    let sent = http_over(tls).get(format!("{}/oauth/jwks", tms.url)).send().await;
    sent.map(|answer| answer.status().as_u16()).map_err(|error| format!("{error:?}"))
}

/// The security facts so far, as pairs of kind and fingerprint.
async fn facts(tms: &Tms) -> Vec<(String, Value)> {
    let facts = tms.look("/security").await;
    let facts = facts["facts"].as_array().unwrap().iter();
    facts.map(|fact| (fact["kind"].as_str().unwrap().to_owned(), fact["fingerprint"].clone())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn both_sides_send_their_intermediate_and_the_lists_cover_the_whole_chain() {
    let (sandbox, tms) = start();
    for file in ["client.pem", "gateway.pem", "other.pem"] {
        assert_eq!(CertificateDer::pem_file_iter(sandbox.dir().join(file)).unwrap().count(), 2, "{file}");
    }
    assert_eq!(reach(&tms, checking(sandbox.dir())).await, Ok(200));
    // The leaf without its intermediate is nobody.
    let leaf = CertificateDer::from_pem_file(sandbox.dir().join("client.pem")).unwrap();
    let pem = gladhand_sandbox::pki::pem("CERTIFICATE", &leaf);
    std::fs::write(sandbox.dir().join("bare.pem"), pem).unwrap();
    std::fs::copy(sandbox.dir().join("client-key.pem"), sandbox.dir().join("bare-key.pem")).unwrap();
    assert!(reach(&tms, tls(sandbox.dir(), Some("bare"))).await.is_err());
    let expected = ("unknown_issuer".to_owned(), json!(fingerprint(sandbox.dir(), "client")));
    assert_eq!(facts(&tms).await, [expected]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_certificate_rotates_without_a_restart_and_goes_wrong_in_many_ways() {
    let (sandbox, tms) = start();
    let dir = sandbox.dir();
    let first = tms.control("/tls", json!({"certificate": "good"})).await["fingerprint"].clone();
    let second = tms.control("/tls", json!({"certificate": "rotate"})).await["fingerprint"].clone();
    assert_ne!(first, second);
    assert_eq!(reach(&tms, tls(dir, Some("client"))).await, Ok(200));
    for spoilt in ["expired", "not_yet_valid", "wrong_ca", "wrong_host", "client_only", "ca_leaf"] {
        tms.control("/tls", json!({"certificate": spoilt})).await;
        assert!(reach(&tms, tls(dir, Some("client"))).await.is_err(), "{spoilt}");
    }
    // What only a check of SPIFFE IDs finds.
    for unnoticed in ["wrong_trust_domain", "wrong_path", "two_uris", "dns_only", "two_distribution_points"] {
        tms.control("/tls", json!({"certificate": unnoticed})).await;
        assert_eq!(reach(&tms, tls(dir, Some("client"))).await, Ok(200), "{unnoticed}");
    }
    let good = tms.control("/tls", json!({"certificate": "good"})).await;
    assert_eq!(good["fingerprint"], second, "the rotated one is the good one now");
    let short = tms.control("/tls", json!({"certificate": "rotate", "lifetimeS": 20})).await;
    let left = short["notAfter"].as_i64().unwrap() - jiff::Timestamp::now().as_millisecond();
    assert!((1..=20_000).contains(&left), "{left}");
}

#[tokio::test(flavor = "multi_thread")]
async fn revoked_servers_are_refused_by_who_reads_the_lists() {
    let (sandbox, tms) = start();
    let dir = sandbox.dir().to_owned();
    let verdict = || async { reach(&tms, checking(&dir)).await.map_err(|text| verdict_of(&text)) };
    tms.control("/tls", json!({"certificate": "revoked"})).await;
    assert_eq!(verdict().await, Err("Revoked"));
    assert_eq!(reach(&tms, tls(&dir, Some("client"))).await, Ok(200), "who does not look does not know");
    tms.control("/tls", json!({"certificate": "good"})).await;
    assert_eq!(verdict().await, Ok(200));
    tms.control("/crl", json!({"revoke": "server"})).await;
    assert_eq!(verdict().await, Err("Revoked"));
    tms.control("/tls", json!({"certificate": "rotate"})).await;
    assert_eq!(verdict().await, Ok(200));
    tms.control("/crl", json!({"revoke": "intermediate"})).await;
    assert_eq!(verdict().await, Err("Revoked"));
    tms.control("/crl", json!({"forgive": true})).await;
    assert_eq!(verdict().await, Ok(200));
    tms.control("/crl", json!({"missing": true})).await;
    assert_eq!(verdict().await, Err("UnknownRevocationStatus"));
    tms.control("/crl", json!({"expired": true})).await;
    assert_eq!(verdict().await, Err("ExpiredRevocationList"));
    tms.control("/crl", json!({"nextUpdateS": -1})).await;
    assert_eq!(verdict().await, Err("ExpiredRevocationList"));
    tms.control("/crl", json!({"forged": true})).await;
    assert_eq!(verdict().await, Err("BadSignature"));
    tms.control("/crl", json!({"nextUpdateS": 60})).await;
    assert_eq!(verdict().await, Ok(200));
}

fn verdict_of(text: &str) -> &'static str {
    let known = ["UnknownRevocationStatus", "ExpiredRevocationList", "Revoked", "BadSignature"];
    known.into_iter().find(|verdict| text.contains(verdict)).unwrap_or_else(|| panic!("{text}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_client_is_refused_and_the_others_go_on() {
    let (sandbox, tms) = start_with(Options { crl: true, ..Options::default() });
    let toml = std::fs::read_to_string(sandbox.config_path()).unwrap();
    assert!(toml.contains("crl = \"crl.pem\""), "{toml}");
    let dir = sandbox.dir();
    let victim = fingerprint(dir, "client");
    assert_eq!(reach(&tms, tls(dir, Some("client"))).await, Ok(200));
    let stale = tls(dir, Some("client"));
    tms.control("/crl", json!({"revoke": victim})).await;
    assert!(reach(&tms, stale).await.is_err());
    assert_eq!(facts(&tms).await, [("revoked".to_owned(), json!(victim))]);
    assert_eq!(reach(&tms, tls(dir, Some("other"))).await, Ok(200));
    // A new certificate of the same identity is in order.
    let issued = tms.control("/identity", json!({"issue": "client"})).await;
    assert_eq!(issued["fingerprint"], fingerprint(dir, "client"));
    assert_eq!(reach(&tms, tls(dir, Some("client"))).await, Ok(200));
    tms.control("/crl", json!({"revoke": "client_intermediate"})).await;
    for certificate in ["client", "other", "gateway"] {
        assert!(reach(&tms, tls(dir, Some(certificate))).await.is_err(), "{certificate}");
    }
    let other = start();
    let unknown = other.1.control("/tls", json!({"certificate": "good"})).await["fingerprint"].clone();
    let request = reqwest_control(&tms, "/crl", &json!({"revoke": unknown})).await;
    assert_eq!(request, 400, "certificates of others cannot be revoked");
}

async fn reqwest_control(tms: &Tms, path: &str, body: &Value) -> u16 {
    let sent = tms.http.post(format!("{}{path}", tms.control)).body(body.to_string());
    Answer::of(sent).await.status.as_u16()
}

#[tokio::test(flavor = "multi_thread")]
async fn identities_are_issued_short_lived_half_written_and_spoilt() {
    let (sandbox, tms) = start();
    let dir = sandbox.dir();
    let short = tms.control("/identity", json!({"issue": "client", "lifetimeS": 1, "as": "brief"})).await;
    assert_eq!(short["fingerprint"], fingerprint(dir, "brief"));
    assert_ne!(short["fingerprint"], fingerprint(dir, "client"));
    let brief = tls(dir, Some("brief"));
    assert_eq!(reach(&tms, brief.clone()).await, Ok(200));
    tms.control("/identity", json!({"issue": "client", "fault": "expired", "as": "old"})).await;
    tms.control("/identity", json!({"issue": "client", "fault": "not_yet_valid", "as": "early"})).await;
    tms.control("/identity", json!({"issue": "client", "fault": "wrong_ca", "as": "foreign"})).await;
    for (certificate, kind) in [("old", "expired"), ("early", "not_yet_valid"), ("foreign", "unknown_issuer")] {
        assert!(reach(&tms, tls(dir, Some(certificate))).await.is_err(), "{certificate}");
        let expected = (kind.to_owned(), json!(fingerprint(dir, certificate)));
        assert_eq!(facts(&tms).await.last(), Some(&expected));
    }
    let key = std::fs::read(dir.join("gateway-key.pem")).unwrap();
    let before = fingerprint(dir, "gateway");
    let half = tms.control("/identity", json!({"issue": "gateway", "fault": "half"})).await;
    assert_eq!(half["fingerprint"], fingerprint(dir, "gateway"));
    assert_ne!(half["fingerprint"], before);
    assert_eq!(std::fs::read(dir.join("gateway-key.pem")).unwrap(), key);
    assert_eq!(reqwest_control(&tms, "/identity", &json!({"issue": "nobody"})).await, 400);
    assert_eq!(reqwest_control(&tms, "/identity", &json!({"issue": "client", "as": "../x"})).await, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_listener_offers_old_versions_forgets_to_ask_and_hangs_up() {
    let (sandbox, tms) = start();
    let dir = sandbox.dir();
    let shake = || async {
        assert_eq!(reach(&tms, tls(dir, Some("client"))).await, Ok(200));
        let handshakes = tms.look("/handshakes").await;
        handshakes["handshakes"].as_array().unwrap().last().unwrap().clone()
    };
    let usual = shake().await;
    assert_eq!((&usual["version"], &usual["keyExchange"]), (&json!("TLSv1_3"), &json!("X25519MLKEM768")));
    tms.control("/tls", json!({"maximum": "1.2"})).await;
    let old = shake().await;
    assert_eq!(old["version"], "TLSv1_2");
    assert!(old["cipherSuite"].as_str().unwrap().contains("GCM"), "{old}");
    tms.control("/tls", json!({"minimum": "1.2", "maximum": "1.3"})).await;
    assert_eq!(shake().await["version"], "TLSv1_3");
    tms.control("/tls", json!({"minimum": "1.3", "clientAuth": "none"})).await;
    let unasked = shake().await;
    assert_eq!(unasked["fingerprint"], "", "the certificate was not asked for");
    let form = [("grant_type", "client_credentials"), ("client_id", "tms-acme")];
    let form: Vec<_> = form.map(|(k, v)| (k.to_owned(), v.to_owned())).to_vec();
    assert_eq!(tms.token(&form, None).await.json()["error"], "invalid_client");
    tms.control("/tls", json!({"clientAuth": "optional"})).await;
    assert_eq!(reach(&tms, tls(dir, None)).await, Ok(200));
    assert_eq!(shake().await["fingerprint"], fingerprint(dir, "client"));
    tms.control("/tls", json!({"clientAuth": "required"})).await;
    assert!(reach(&tms, tls(dir, None)).await.is_err());
    tms.control("/tls", json!({"closeAfterHandshake": true})).await;
    assert!(reach(&tms, tls(dir, Some("client"))).await.is_err());
    tms.control("/tls", json!({"closeAfterHandshake": false})).await;
    assert_eq!(shake().await["version"], "TLSv1_3");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_request_is_recorded_with_the_identity_it_came_with() {
    let (sandbox, tms) = start();
    let dir = sandbox.dir();
    let first = fingerprint(dir, "client");
    let before = jiff::Timestamp::now().as_millisecond();
    assert_eq!(tms.get("/v1/tenders").await.status, 200);
    let seen = tms.look("/fingerprints").await;
    let requests = seen["requests"].as_array().unwrap();
    let paths: Vec<&str> = requests.iter().map(|r| r["path"].as_str().unwrap()).collect();
    assert_eq!(paths, ["/oauth/token", "/v1/tenders"]);
    let read = &requests[1];
    assert_eq!((&read["fingerprint"], &read["boundTo"]), (&json!(first), &json!(first)));
    assert_eq!((&read["clientId"], &read["resumed"]), (&json!("tms-acme"), &json!(false)));
    let at = read["at"].as_i64().unwrap();
    assert!((before..=jiff::Timestamp::now().as_millisecond()).contains(&at));

    let issued = tms.control("/identity", json!({"issue": "client"})).await["fingerprint"].clone();
    let mut renewed = tms;
    renewed.http = http(dir, "client");
    let next = seen["next"].as_u64().unwrap();
    let tender = support::tender("t-1", "L-1", "express", "aurora-dal-hou-pool");
    assert_eq!(renewed.create(&tender, 0).await.status, 200);
    let seen = renewed.look(&format!("/fingerprints?after={next}")).await;
    let requests = seen["requests"].as_array().unwrap();
    assert_eq!((requests.len(), &requests[0]["index"]), (3, &json!(next)));
    assert!(requests.iter().all(|r| r["fingerprint"] == issued));
    // The proofs of one key: at the token endpoint and at the API.
    assert_eq!(requests[2]["jkt"], requests[1]["jkt"]);
    assert!(requests[2]["jkt"].is_string() && requests[2]["boundTo"].is_null());
    assert_eq!((&seen["resumptions"], &seen["streams"]), (&json!(0), &json!([])));
}

#[tokio::test(flavor = "multi_thread")]
async fn open_streams_are_listed_with_the_identity_they_were_opened_with() {
    let (sandbox, tms) = start();
    let dir = sandbox.dir();
    tms.create(&support::tender("t-1", "L-1", "express", "aurora-dal-hou-pool"), 5).await;
    tms.control("/progress", json!({"tenderId": "t-1", "to": "dispatched"})).await;
    let wanted = FollowRequest { load_ids: vec!["L-1".to_owned()], ..FollowRequest::default() };
    let mut frame = vec![0_u8];
    frame.extend(u32::try_from(wanted.encoded_len()).unwrap().to_be_bytes());
    frame.extend(wanted.encode_to_vec());
    let open = async |tms: &Tms| {
        let path = format!("{}/gladhand.telemetry.v1.TelemetryFollowService/Follow", tms.url);
        let request = tms.http.post(path).bearer_auth(tms.bearer("telemetry:read").await).body(frame.clone());
        let answer = request.header("content-type", "application/grpc").send().await.unwrap();
        assert!(answer.headers().get("grpc-status").is_none(), "{answer:?}");
        answer
    };
    let first = fingerprint(dir, "client");
    let old = open(&tms).await;
    tms.control("/identity", json!({"issue": "client"})).await;
    let mut renewed = tms;
    renewed.http = http(dir, "client");
    let new = open(&renewed).await;
    let seen = renewed.look("/fingerprints").await;
    let opened = seen["requests"].as_array().unwrap().iter().filter(|r| r["stream"] == true).count();
    let streams = seen["streams"].as_array().unwrap();
    let fingerprints: Vec<&Value> = streams.iter().map(|stream| &stream["fingerprint"]).collect();
    assert_eq!(fingerprints, [&json!(first), &json!(fingerprint(dir, "client"))]);
    assert_eq!((opened, &streams[0]["clientId"]), (2, &json!("tms-acme")));
    // One ends, the other stays; however long the loopback takes to say so.
    drop(old);
    while renewed.look("/fingerprints").await["streams"].as_array().unwrap().len() > 1 {
        tokio::task::yield_now().await;
    }
    let left = renewed.look("/fingerprints").await["streams"].clone();
    assert_eq!(left[0]["fingerprint"], fingerprint(dir, "client"));
    renewed.control("/tls", json!({"hangUp": true})).await;
    while !renewed.look("/fingerprints").await["streams"].as_array().unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    drop(new);
    assert_eq!(renewed.get("/v1/tenders").await.status, 200, "new connections are welcome");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_resumes_is_seen_to() {
    let (sandbox, tms) = start();
    let patient = tls(sandbox.dir(), Some("client"));
    assert_eq!(reach(&tms, patient.clone()).await, Ok(200));
    assert_eq!(reach(&tms, patient.clone()).await, Ok(200));
    assert_eq!(tms.look("/fingerprints").await["resumptions"], 0, "there are no tickets by default");
    tms.control("/tls", json!({"resumption": true})).await;
    let client = http_over(patient);
    for _ in 0..3 {
        let answer = client.get(format!("{}/oauth/jwks", tms.url)).header("connection", "close").send().await.unwrap();
        assert_eq!(answer.status(), 200);
        // The ticket comes behind the answer.
        answer.bytes().await.unwrap();
        tms.control("/tls", json!({"certificate": "rotate"})).await;
    }
    let seen = tms.look("/fingerprints").await;
    assert!(seen["resumptions"].as_u64().unwrap() >= 1, "{seen}");
    let resumed = seen["requests"].as_array().unwrap().iter().filter(|r| r["resumed"] == true).count();
    assert_eq!(json!(resumed), seen["resumptions"]);
    tms.control("/tls", json!({"resumption": false})).await;
    let before = tms.look("/fingerprints").await["resumptions"].clone();
    assert_eq!(client.get(format!("{}/oauth/jwks", tms.url)).send().await.unwrap().status(), 200);
    assert_eq!(tms.look("/fingerprints").await["resumptions"], before, "a full handshake");
}
