//! A TMS in raw HTTP: its own TLS, tokens, proofs and documents, none of it shared with the SDK or with the sandbox.
#![allow(dead_code, unreachable_pub, reason = "each test file uses a part of it")]

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gladhand_sandbox::{Options, Sandbox};
use http::HeaderMap;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// The offer with a thousand slots.
pub const POOL: &str = "aurora-dal-hou-pool";

pub struct Answer {
    pub status: StatusCode,
    pub headers: reqwest::header::HeaderMap,
    pub text: String,
}

impl Answer {
    pub async fn of(request: RequestBuilder) -> Self {
        let answer = request.send().await.expect("an answer");
        Self { status: answer.status(), headers: answer.headers().clone(), text: answer.text().await.unwrap() }
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("not JSON: {}", self.text))
    }

    pub fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default()
    }
}

pub struct Tms {
    pub url: String,
    pub control: String,
    pub client_id: String,
    pub http: Client,
    /// The key of assertions, its algorithm and the `kid` they name.
    pub assertion_key: (Algorithm, EncodingKey, Option<String>),
    /// The key of proofs and its algorithm.
    pub dpop_key: (Algorithm, EncodingKey),
}

pub fn start() -> (Sandbox, Tms) {
    start_with(Options::default())
}

pub fn start_with(options: Options) -> (Sandbox, Tms) {
    let sandbox = Sandbox::start(options).expect("the sandbox starts");
    let tms = Tms::connect(&sandbox, "client", "assertion-key", "tms-acme");
    (sandbox, tms)
}

/// A fresh key for an algorithm.
pub fn key_for(algorithm: Algorithm) -> EncodingKey {
    let made = |algorithm| rcgen::KeyPair::generate_for(algorithm).unwrap().serialize_der();
    match algorithm {
        Algorithm::EdDSA => {
            let random = aws_lc_rs::rand::SystemRandom::new();
            let pair = aws_lc_rs::signature::Ed25519KeyPair::generate_pkcs8v1(&random).unwrap();
            EncodingKey::from_ed_der(pair.as_ref())
        }
        // RFC 5958 wraps RFC 8017's key, which jsonwebtoken wants bare: 26 bytes of head for 2048 bits.
        Algorithm::PS256 | Algorithm::RS256 => EncodingKey::from_rsa_der(&made(&rcgen::PKCS_RSA_SHA256)[26..]),
        Algorithm::ES384 => EncodingKey::from_ec_der(&made(&rcgen::PKCS_ECDSA_P384_SHA384)),
        _ => EncodingKey::from_ec_der(&made(&rcgen::PKCS_ECDSA_P256_SHA256)),
    }
}

/// The public half, with a `kid`.
pub fn public(algorithm: Algorithm, key: &EncodingKey, kid: &str) -> Value {
    let mut jwk = Jwk::from_encoding_key(key, algorithm).unwrap();
    jwk.common.key_id = Some(kid.to_owned());
    serde_json::to_value(jwk).unwrap()
}

pub fn http(dir: &Path, certificate: &str) -> Client {
    http_over(tls(dir, Some(certificate)))
}

/// TLS of a client that trusts the sandbox, with a certificate or without.
pub fn tls(dir: &Path, certificate: Option<&str>) -> rustls::ClientConfig {
    let mut roots = rustls::RootCertStore::empty();
    for root in CertificateDer::pem_file_iter(dir.join("ca.pem")).unwrap() {
        roots.add(root.unwrap()).unwrap();
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let Some(certificate) = certificate else { return builder.with_no_client_auth() };
    let chain = CertificateDer::pem_file_iter(dir.join(format!("{certificate}.pem"))).unwrap();
    let key = PrivateKeyDer::from_pem_file(dir.join(format!("{certificate}-key.pem"))).unwrap();
    builder.with_client_auth_cert(chain.map(Result::unwrap).collect(), key).unwrap()
}

/// A client that opens a connection for every request.
pub fn http_over(tls: rustls::ClientConfig) -> Client {
    Client::builder()
        .tls_backend_preconfigured(tls)
        .no_proxy()
        .pool_max_idle_per_host(0)
        .timeout(Duration::from_secs(40))
        .build()
        .unwrap()
}

/// SHA-256 of the first certificate of a file, in hex.
pub fn fingerprint(dir: &Path, certificate: &str) -> String {
    let der = CertificateDer::from_pem_file(dir.join(format!("{certificate}.pem"))).unwrap();
    hex::encode(Sha256::digest(&der))
}

impl Tms {
    pub fn connect(sandbox: &Sandbox, certificate: &str, assertion: &str, client_id: &str) -> Self {
        let pem = std::fs::read(sandbox.dir().join(format!("{assertion}.pem"))).unwrap();
        Self {
            url: sandbox.url().to_owned(),
            control: sandbox.control_url().to_owned(),
            client_id: client_id.to_owned(),
            http: http(sandbox.dir(), certificate),
            assertion_key: (Algorithm::ES256, EncodingKey::from_ec_pem(&pem).unwrap(), None),
            dpop_key: (Algorithm::ES256, key_for(Algorithm::ES256)),
        }
    }

    pub fn assertion(&self, audience: &Value, jti: &str, seconds: u64) -> String {
        let now = jsonwebtoken::get_current_timestamp();
        let claims = json!({
            "iss": self.client_id, "sub": self.client_id, "aud": audience, "jti": jti, "iat": now, "exp": now + seconds,
        });
        let (algorithm, key, kid) = &self.assertion_key;
        encode(&Header { kid: kid.clone(), ..Header::new(*algorithm) }, &claims, key).unwrap()
    }

    pub fn form(&self, scope: &str) -> Vec<(String, String)> {
        let assertion = self.assertion(&json!(self.url), &random(), 50);
        [
            ("grant_type", "client_credentials"),
            ("client_id", &self.client_id),
            ("scope", scope),
            ("resource", &self.url),
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
            ("client_assertion", &assertion),
        ]
        .map(|(k, v)| (k.to_owned(), v.to_owned()))
        .to_vec()
    }

    pub async fn token(&self, form: &[(String, String)], proof: Option<String>) -> Answer {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let mut request = self
            .http
            .post(format!("{}/oauth/token", self.url))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body);
        if let Some(proof) = proof {
            request = request.header("dpop", proof);
        }
        Answer::of(request).await
    }

    pub async fn bearer(&self, scope: &str) -> String {
        let answer = self.token(&self.form(scope), None).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(answer.json()["token_type"], "Bearer");
        answer.json()["access_token"].as_str().unwrap().to_owned()
    }

    pub async fn bound(&self, scope: &str) -> String {
        let address = format!("{}/oauth/token", self.url);
        let first = self.token(&self.form(scope), Some(self.proof("POST", &address, &json!({})))).await;
        assert_eq!(first.json()["error"], "use_dpop_nonce");
        let nonce = first.header("dpop-nonce");
        let proof = self.proof("POST", &address, &json!({ "nonce": nonce }));
        let answer = self.token(&self.form(scope), Some(proof)).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(answer.json()["token_type"], "DPoP");
        answer.json()["access_token"].as_str().unwrap().to_owned()
    }

    /// A proof; `more` is added to the claims or replaces them.
    pub fn proof(&self, method: &str, address: &str, more: &Value) -> String {
        let mut claims = json!({
            "htm": method, "htu": address, "iat": jsonwebtoken::get_current_timestamp(), "jti": random(),
        });
        for (name, value) in more.as_object().unwrap() {
            claims[name] = value.clone();
        }
        let (algorithm, key) = &self.dpop_key;
        let mut header = Header::new(*algorithm);
        header.typ = Some("dpop+jwt".to_owned());
        let mut jwk = Jwk::from_encoding_key(key, *algorithm).unwrap();
        jwk.common.key_algorithm = None;
        header.jwk = Some(jwk);
        encode(&header, &claims, key).unwrap()
    }

    /// A certificate-bound read.
    pub async fn get(&self, path: &str) -> Answer {
        self.get_waiting(path, None).await
    }

    pub async fn get_waiting(&self, path: &str, prefer: Option<&str>) -> Answer {
        let token = self.bearer("").await;
        let mut request = self.http.get(format!("{}{path}", self.url)).bearer_auth(token);
        if let Some(prefer) = prefer {
            request = request.header("prefer", prefer);
        }
        Answer::of(request).await
    }

    /// A certificate-bound search.
    pub async fn search(&self, body: &str) -> Answer {
        let token = self.bearer("capacity:read").await;
        let request = self.http.post(format!("{}/v1/capacity/search", self.url)).bearer_auth(token);
        Answer::of(request.header("content-type", "application/json").body(body.to_owned())).await
    }

    /// The request of a DPoP-bound call, to be sent.
    pub async fn call(&self, method: Method, path: &str, key: &str, body: &str, nonce: Option<&str>) -> RequestBuilder {
        let token = self.bound("").await;
        let address = format!("{}{path}", self.url);
        let mut claims = json!({ "ath": hash(token.as_bytes()) });
        if !body.is_empty() {
            claims["gh_body"] = json!(hash(body.as_bytes()));
        }
        if let Some(nonce) = nonce {
            claims["nonce"] = json!(nonce);
        }
        let proof = self.proof(method.as_str(), &address, &claims);
        let mut request = self
            .http
            .request(method, address)
            .header("authorization", format!("DPoP {token}"))
            .header("dpop", proof)
            .body(body.to_owned());
        if !body.is_empty() {
            request = request.header("content-type", "application/json");
        }
        if !key.is_empty() {
            request = request.header("idempotency-key", format!("\"{key}\""));
        }
        request
    }

    pub async fn post(&self, path: &str, key: &str, body: &str) -> Answer {
        Answer::of(self.call(Method::POST, path, key, body, None).await).await
    }

    /// A proved call with header fields of one's own.
    pub async fn send(&self, method: Method, path: &str, key: &str, body: &str, fields: &[(&str, &str)]) -> Answer {
        let mut request = self.call(method, path, key, body, None).await;
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        Answer::of(request).await
    }

    pub async fn put(&self, path: &str, key: &str, body: &str) -> Answer {
        self.send(Method::PUT, path, key, body, &[]).await
    }

    /// A control call that may be refused.
    pub async fn try_control(&self, path: &str, body: Value) -> Answer {
        Answer::of(self.http.post(format!("{}{path}", self.control)).body(body.to_string())).await
    }

    /// A command call: asks for the nonce first, as an honest client has to.
    pub async fn command(&self, method: Method, path: &str, key: &str, body: &str) -> Answer {
        let first = Answer::of(self.call(method.clone(), path, key, body, None).await).await;
        assert_eq!((first.status.as_u16(), first.code().as_str()), (401, "use_dpop_nonce"));
        assert!(first.header("www-authenticate").starts_with("DPoP error=\"use_dpop_nonce\""));
        Answer::of(self.call(method, path, key, body, Some(first.header("dpop-nonce"))).await).await
    }

    pub async fn create(&self, tender: &Value, wait: u64) -> Answer {
        let id = tender["tenderId"].as_str().unwrap();
        let body = tender.to_string();
        let mut request = self.call(Method::POST, "/v1/tenders", &key(&format!("create {id}")), &body, None).await;
        if wait > 0 {
            request = request.header("prefer", format!("wait={wait}"));
        }
        Answer::of(request).await
    }

    pub async fn withdraw(&self, tender_id: &str, load_id: &str) -> Answer {
        let body = json!({
            "schemaVersion": "1.0.0", "tenderId": tender_id, "withdrawalId": "w-1", "loadId": load_id, "reason": "covered",
        });
        let path = format!("/v1/tenders/{tender_id}/withdrawals/w-1");
        self.post(&path, &key(&format!("withdraw {tender_id}")), &body.to_string()).await
    }

    pub async fn control(&self, path: &str, body: Value) -> Value {
        let request = Client::builder().no_proxy().tls_backend_preconfigured(no_tls()).build().unwrap();
        let answer = Answer::of(request.post(format!("{}{path}", self.control)).body(body.to_string())).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        answer.json()
    }

    pub async fn state(&self) -> Value {
        self.look("/state").await
    }

    /// A GET of the control interface.
    pub async fn look(&self, path: &str) -> Value {
        let request = Client::builder().no_proxy().tls_backend_preconfigured(no_tls()).build().unwrap();
        Answer::of(request.get(format!("{}{path}", self.control))).await.json()
    }
}

/// reqwest wants a TLS backend even for plain HTTP.
fn no_tls() -> rustls::ClientConfig {
    rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth()
}

pub fn hash(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(bytes))
}

pub fn random() -> String {
    gladhand_sandbox::random::id("")
}

/// An idempotency key from anything.
pub fn key(text: &str) -> String {
    hash(text.as_bytes())
}

/// A well-formed tender for one of the Dallas to Houston offers.
pub fn tender(tender_id: &str, load_id: &str, mode: &str, capacity_id: &str) -> Value {
    let now = jiff::Timestamp::now();
    let after = |hours: i64| format!("{:.0}", now + jiff::SignedDuration::from_hours(hours));
    let stop = |id: &str, sequence: u32, kind: &str, city: &str, hours: i64| {
        json!({
            "stopId": id, "sequence": sequence, "type": kind,
            "location": {"name": city, "address": {"city": city}, "timeZone": "UTC"},
            "appointment": {"kind": "window", "start": after(hours), "end": after(hours + 2), "timeZone": "UTC"},
        })
    };
    json!({
        "schemaVersion": "1.0.0", "tenderId": tender_id, "revision": 1, "loadId": load_id,
        "capacityId": capacity_id, "mode": mode, "respondBy": after(1),
        "parties": [{"role": "bill_to", "name": "Acme Freight"}],
        "stops": [stop("p", 1, "pickup", "Dallas", 6), stop("d", 2, "delivery", "Houston", 14)],
        "commodities": [{
            "lineId": "1", "description": "paper", "quantity": 20, "packaging": "PLT",
            "weight": {"value": 38000, "unit": "lb"}, "pickupStopId": "p", "deliveryStopId": "d",
        }],
        "references": [{"type": "PO", "value": "4711", "scope": "load"}],
        "rate": {"currency": "USD", "amount": 780},
        "equipmentRequired": {"trailerType": "van"},
    })
}

/// The digest chain of contract 4e, written once more.
pub fn digest(tender_id: &str, events: &[String]) -> String {
    let mut digest: Vec<u8> = Sha256::digest(tender_id.as_bytes()).to_vec();
    for (position, event) in events.iter().enumerate() {
        let mut input = digest;
        input.extend((position as u64 + 1).to_be_bytes());
        input.extend(Sha256::digest(event.as_bytes()));
        digest = Sha256::digest(&input).to_vec();
    }
    hex::encode(digest)
}

/// The elements of an array member of a JSON text, as they stand there.
pub fn raw_items(text: &str, member: &str) -> Vec<String> {
    let document = gladhand_documents::json::Document::parse(text).unwrap();
    document.at(&format!("/{member}")).unwrap().items().map(|item| item.raw().to_owned()).collect()
}

pub async fn dispatched(tms: &Tms, tender_id: &str, load_id: &str) -> String {
    let accepted = tms.create(&tender(tender_id, load_id, "express", POOL), 5).await;
    assert_eq!(accepted.json()["state"], "accepted", "{}", accepted.text);
    let snapshot = tms.control("/progress", json!({"tenderId": tender_id, "to": "dispatched"})).await;
    snapshot["dispatchId"].as_str().unwrap().to_owned()
}

/// A command with what its type needs; what one undoes is `cmd-1`.
pub fn command(dispatch: &str, id: &str, sequence: u64, kind: &str) -> Value {
    let now = jiff::Timestamp::now();
    let params = match kind {
        "conditional_stop" => json!({"condition": "next_safe_location"}),
        "manual_intervention" => json!({"kind": "human_takeover"}),
        "route_change" => json!({"detourId": "i45-i35"}),
        "hold_at_terminal" => json!({}),
        _ => json!({"commandRef": "cmd-1"}),
    };
    let mut command = json!({
        "schemaVersion": "1.0.0", "commandId": id, "type": kind, "dispatchId": dispatch,
        "expectedDispatchRevision": 1, "commandSequence": sequence, "reason": "weather ahead",
        "requestedBy": {"principal": "maria", "role": "dispatcher"},
        "issuedAt": format!("{now:.3}"), "expiresAt": format!("{:.3}", now + jiff::SignedDuration::from_mins(10)),
        "params": params,
    });
    if kind == "hold_at_terminal" {
        command["leaseS"] = json!(60);
    }
    command
}

pub async fn request(tms: &Tms, command: &Value) -> Answer {
    let (dispatch, id) = (command["dispatchId"].as_str().unwrap(), command["commandId"].as_str().unwrap());
    let path = format!("/v1/dispatches/{dispatch}/commands/{id}");
    tms.command(Method::PUT, &path, &key(&format!("command {id} {}", command["reason"])), &command.to_string()).await
}

pub type Received = Arc<Mutex<Vec<(HeaderMap, Bytes)>>>;

/// A receiver that answers the handshake and keeps what it is sent; the first `failures` posts get a 500.
pub async fn receiver(failures: usize) -> (String, Received) {
    let received = Received::default();
    let kept = received.clone();
    let left = Arc::new(Mutex::new(failures));
    let app = Router::new().route(
        "/hook",
        axum::routing::post(move |headers: HeaderMap, body: Bytes| async move {
            let mut left = left.lock().unwrap();
            if *left > 0 {
                *left -= 1;
                return StatusCode::INTERNAL_SERVER_ERROR;
            }
            kept.lock().unwrap().push((headers, body));
            StatusCode::ACCEPTED
        })
        .options(|headers: HeaderMap| async move {
            ([("webhook-allowed-origin", headers["webhook-request-origin"].to_str().unwrap().to_owned())], "")
        }),
    );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    (url, received)
}

pub async fn subscribe(tms: &Tms, id: &str, url: &str, mtls: &str) -> Answer {
    let body =
        json!({"schemaVersion": "1.0.0", "subscriptionId": id, "url": url, "types": [], "mtls": mtls}).to_string();
    let path = format!("/v1/webhook-subscriptions/{id}");
    Answer::of(tms.call(Method::PUT, &path, &key(&body), &body, None).await).await
}

pub async fn until(mut done: impl FnMut() -> bool) {
    tokio::time::timeout(std::time::Duration::from_secs(20), async {
        while !done() {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    })
    .await
    .expect("it happens");
}
