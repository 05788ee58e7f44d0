//! Bad proofs and captured ones at a real carrier, which must refuse them; and the key set that a host serves.

mod support;

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::Engine as _;
use gladhand::auth::Authorized;
use gladhand::clock::{Clock as _, SharedClock, SystemClock};
use gladhand::identity::{Generation, Material};
use gladhand::observe::SecurityLog;
use gladhand::transport::{HttpRequest, HttpResponse};
use gladhand::{Client, Config};
use gladhand_documents::json::Document;
use gladhand_documents::model;
use gladhand_protocol::proof::signer::{Es256Key, Signer};
use gladhand_protocol::proof::{base64url, base64url_sha256, jws};
use http::{HeaderMap, HeaderValue, Method};
use serde_json::{Value, json};
use support::{Bench, text};

/// A call that must be proven, of a command that does not exist: with a good proof it is not found.
const PATH: &str = "/v1/dispatches/d-none/commands/c-none";
const SCOPE: &str = "command:stop";

fn key() -> (Es256Key, String) {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let body = base64::engine::general_purpose::STANDARD.encode(pair.to_pkcs8v1().unwrap().as_ref());
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n");
    (Es256Key::new(pair).unwrap(), pem)
}

/// A partner whose DPoP key the test holds.
struct Partner {
    key: Es256Key,
    caller: Authorized,
    generation: Arc<Generation>,
    clock: SystemClock,
    base: String,
}

impl Partner {
    fn new(bench: &Bench) -> Self {
        let (key, pem) = key();
        let text = std::fs::read_to_string(bench.sandbox.config_path()).unwrap();
        let builder = Config::builder().toml(&text, bench.sandbox.dir());
        let name = bench.config("journal.db").carriers.keys().next().unwrap().clone();
        let config = builder.set(&format!("carriers.{name}.dpop_key"), pem).build().unwrap();
        let clock = SystemClock::new();
        let shared: SharedClock = Arc::new(clock);
        let material = Arc::new(Material::load(&config.identity, &clock).unwrap());
        let carrier = config.carrier(&name).unwrap();
        let caller = Authorized::new(carrier, material, shared.clone(), SecurityLog::new(shared)).unwrap();
        let generation = caller.generation();
        Self { key, caller, generation, clock, base: carrier.base_url.origin().ascii_serialization() }
    }

    async fn token(&self) -> String {
        let metadata = self.caller.grpc_proof(&self.generation, "/a.B/C", SCOPE).await.unwrap();
        metadata.authorization.to_str().unwrap().trim_start_matches("DPoP ").to_owned()
    }

    fn header(&self) -> Value {
        let jwk: Value = serde_json::from_str(&self.key.jwk().to_json()).unwrap();
        json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": jwk})
    }

    fn claims(&self, token: &str) -> Value {
        json!({
            "htm": "GET", "htu": format!("{}{PATH}", self.base), "iat": self.clock.now().as_second(),
            "jti": base64url(format!("{:?}", self.clock.monotonic())), "ath": base64url_sha256(token),
        })
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
        jws::sign(&base64url(header.to_string()), claims.to_string().as_bytes(), &self.key).unwrap()
    }

    async fn get(&self, token: &str, proofs: &[&str]) -> (u16, String) {
        let mut headers = HeaderMap::new();
        headers.insert("authorization", HeaderValue::from_str(&format!("DPoP {token}")).unwrap());
        for proof in proofs {
            headers.append("dpop", HeaderValue::from_str(proof).unwrap());
        }
        let request = HttpRequest {
            method: Method::GET,
            url: format!("{}{PATH}", self.base).parse().unwrap(),
            headers,
            body: bytes::Bytes::new(),
            deadline: Duration::from_secs(20),
            max_answer: 1 << 20,
        };
        let answer: HttpResponse = self.generation.http().send(request).await.unwrap();
        let problem = Document::parse(&answer.body).unwrap();
        (answer.status.as_u16(), text(&problem, "/code"))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn negative_n21_a_real_carrier_refuses_each_wrong_proof() {
    let bench = Bench::start();
    let partner = Partner::new(&bench);
    let token = partner.token().await;
    let good = partner.sign(&partner.header(), &partner.claims(&token));
    assert_eq!(partner.get(&token, &[&good]).await, (404, "not_found".to_owned()), "the good one is taken");

    let changed = |base: Value, member: &str, value: Value| {
        let mut changed = base;
        match value {
            Value::Null => drop(changed.as_object_mut().unwrap().remove(member)),
            value => changed[member] = value,
        }
        changed
    };
    let claims =
        |member: &str, value: Value| partner.sign(&partner.header(), &changed(partner.claims(&token), member, value));
    let header =
        |member: &str, value: Value| partner.sign(&changed(partner.header(), member, value), &partner.claims(&token));
    let mut private = partner.header();
    private["jwk"]["d"] = "AAAA".into();
    let mut other = partner.header();
    other["jwk"] = serde_json::from_str(&key().0.jwk().to_json()).unwrap();
    let unsigned = {
        let header = changed(partner.header(), "alg", "none".into());
        format!("{}.{}.", base64url(header.to_string()), base64url(partner.claims(&token).to_string()))
    };
    let by_secret = {
        let header = changed(partner.header(), "alg", "HS256".into());
        let key = jsonwebtoken::EncodingKey::from_secret(partner.key.jwk().to_json().as_bytes());
        let signed = format!("{}.{}", base64url(header.to_string()), base64url(partner.claims(&token).to_string()));
        let mac = jsonwebtoken::crypto::sign(signed.as_bytes(), &key, jsonwebtoken::Algorithm::HS256).unwrap();
        format!("{signed}.{mac}")
    };
    for (what, proof) in [
        ("htm", claims("htm", "POST".into())),
        ("htm in another case", claims("htm", "get".into())),
        ("htu of another path", claims("htu", format!("{}{PATH}/x", partner.base).into())),
        ("htu of another host", claims("htu", format!("https://evil.example{PATH}").into())),
        ("ath of another token", claims("ath", base64url_sha256("other").into())),
        ("no ath", claims("ath", Value::Null)),
        ("no jti", claims("jti", Value::Null)),
        ("an empty jti", claims("jti", "".into())),
        ("an old iat", claims("iat", (partner.clock.now().as_second() - 3600).into())),
        ("a future iat", claims("iat", (partner.clock.now().as_second() + 3600).into())),
        ("typ JWT", header("typ", "JWT".into())),
        ("no typ", header("typ", Value::Null)),
        ("no jwk", header("jwk", Value::Null)),
        ("a crit", header("crit", json!(["exp"]))),
        ("a private jwk", partner.sign(&private, &partner.claims(&token))),
        ("the jwk of another key", partner.sign(&other, &partner.claims(&token))),
        ("alg none", unsigned),
        ("alg HS256 with the public key", by_secret),
        ("rubbish", "rubbish".to_owned()),
    ] {
        let (status, code) = partner.get(&token, &[&proof]).await;
        assert_eq!((status, code.as_str()), (401, "pop_invalid"), "{what}");
    }
    assert_eq!(partner.get(&token, &[]).await, (401, "pop_missing".to_owned()));
    let (one, two) = (claims("x", 1.into()), claims("x", 2.into()));
    assert_eq!(partner.get(&token, &[&one, &two]).await.0, 401, "two proofs are none");
}

#[tokio::test(flavor = "multi_thread")]
async fn negative_n28_what_was_captured_is_worth_nothing() {
    let bench = Bench::start();
    let (victim, thief) = (Partner::new(&bench), Partner::new(&bench));
    let token = victim.token().await;
    let proof = victim.sign(&victim.header(), &victim.claims(&token));
    assert_eq!(victim.get(&token, &[&proof]).await.0, 404);
    // The same bytes again, from whomever.
    assert_eq!(victim.get(&token, &[&proof]).await, (401, "pop_replayed".to_owned()));
    assert_eq!(thief.get(&token, &[&proof]).await, (401, "pop_replayed".to_owned()));
    // The token with a proof by the thief's own key.
    let own = thief.sign(&thief.header(), &thief.claims(&token));
    assert_eq!(thief.get(&token, &[&own]).await.0, 401);
    // And the thief's own token with the victim's proof.
    let fresh = victim.sign(&victim.header(), &victim.claims(&token));
    assert_eq!(thief.get(&thief.token().await, &[&fresh]).await.0, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn negative_n31_the_published_key_set_is_public_and_is_that_of_the_assertions() {
    let bench = Bench::start();
    let client = Client::connect(bench.config("journal.db")).await.unwrap();
    let set = client.jwks().await.unwrap();
    let keys: Vec<Value> = serde_json::from_str::<Value>(set.as_str()).unwrap()["keys"].as_array().unwrap().clone();
    assert_eq!(keys.len(), 1);
    let members = keys[0].as_object().unwrap();
    for private in ["d", "p", "q", "dp", "dq", "qi", "k", "oth"] {
        assert!(!members.contains_key(private), "{private}");
    }
    let thumbprint = format!(r#"{{"crv":"P-256","kty":"EC","x":{},"y":{}}}"#, members["x"], members["y"]);
    assert_eq!(members["kid"], base64url_sha256(thumbprint), "RFC 7638");
    model::validate(model::entity_named("JwkSet").unwrap(), &set).unwrap();

    // A key that is appended to the file is published at once, and the old one goes on signing.
    let carrier = client.config().carriers.values().next().unwrap().clone();
    let gladhand::config::ClientAuth::PrivateKeyJwt { assertion_key } = &carrier.client_auth else { panic!() };
    let gladhand::config::PemSource::File(path) = assertion_key else { panic!() };
    let both = format!("{}{}", std::fs::read_to_string(path).unwrap(), key().1);
    std::fs::write(path, both).unwrap();
    let set: Value = serde_json::from_str(client.jwks().await.unwrap().as_str()).unwrap();
    assert_eq!(set["keys"].as_array().unwrap().len(), 2);
    client.tender_create(bench.load("L-keys"), support::express()).await.unwrap();
    client.close().await;
}
