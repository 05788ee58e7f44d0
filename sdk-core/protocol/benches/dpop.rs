//! What a DPoP proof costs beside the bare signature that it cannot do without, and beside `jsonwebtoken`: `cargo bench -p
//! gladhand-protocol`. All of it alternates in one run, so that a busy machine is busy for all alike; what counts is the
//! ratio. No test asserts on it.
//!
//! With `--lines` it prints `name<TAB>microseconds` for `cargo xtask bench --suite dpop`.
// A bench reads the machine's clock.
#![allow(clippy::disallowed_methods)]

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, RSA_PSS_SHA256, RsaKeyPair};
use gladhand_protocol::proof::dpop::{DpopKey, Proof};
use gladhand_protocol::proof::rsa_key::Ps256Key;
use gladhand_protocol::proof::signer::{Ed25519Key, Es256Key};
use gladhand_protocol::proof::{base64url, base64url_sha256};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::json;

const HTU: &str = "https://api.carrier.example/v1/tenders";
const NONCE: &str = "eyJ7S_zG.eyJH0-Z.HX4w-7v";
const ISSUED_AT: i64 = 1_771_574_400;

/// As long as the signed part of a proof.
const MESSAGE: [u8; 500] = [b'm'; 500];

/// How many rounds; in each, every subject has a batch of its own.
const ROUNDS: usize = 60;

/// Something that is measured.
struct Subject {
    name: &'static str,
    /// How many make a batch of some milliseconds.
    batch: usize,
    once: Box<dyn Fn()>,
    /// Microseconds each, per batch.
    measured: Vec<f64>,
}

fn subject(name: &'static str, batch: usize, once: impl Fn() + 'static) -> Subject {
    Subject { name, batch, once: Box::new(once), measured: Vec::with_capacity(ROUNDS) }
}

/// 128 random bits, as the client makes a `jti`.
fn jti() -> String {
    let mut bytes = [0; 16];
    SystemRandom::new().fill(&mut bytes).expect("the system has randomness");
    base64url(bytes)
}

/// A proof as every call carries one: fresh `jti`, the token hashed, a nonce.
fn proof(key: &DpopKey, token: &str, body: Option<&[u8]>) {
    let proof = Proof {
        method: "POST",
        htu: HTU,
        jti: &jti(),
        issued_at: ISSUED_AT,
        access_token: Some(token),
        nonce: Some(NONCE),
        body,
    };
    black_box(proof.sign(black_box(key)).expect("it signs"));
}

fn subjects() -> Vec<Subject> {
    let es256 = || EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key");
    let ed25519 = || Ed25519KeyPair::generate().expect("a key");
    let rsa = || RsaKeyPair::generate(KeySize::Rsa2048).expect("a key");
    let token: &'static str = String::leak("a".repeat(900));
    let body: &'static [u8] = Vec::leak(vec![b'b'; 2000]);
    let random = SystemRandom::new();

    let (raw_es256, raw_ed25519, raw_rsa) = (es256(), ed25519(), rsa());
    let for_jsonwebtoken = es256().to_pkcs8v1().expect("PKCS#8").as_ref().to_vec();
    let ours_es256 = DpopKey::new(Arc::new(Es256Key::new(es256()).expect("P-256")));
    let with_body = ours_es256.clone();
    let ours_ed25519 = DpopKey::new(Arc::new(Ed25519Key::new(ed25519())));
    let ours_rsa = DpopKey::new(Arc::new(Ps256Key::new(rsa()).expect("2048 bits")));
    vec![
        subject("raw ES256 signature (aws-lc-rs)", 200, move || {
            black_box(raw_es256.sign(&random, black_box(&MESSAGE)).expect("it signs"));
        }),
        subject("gladhand proof, ES256", 200, move || proof(&ours_es256, token, None)),
        subject("gladhand proof, ES256, 2000 bytes of body", 200, move || proof(&with_body, token, Some(body))),
        subject("jsonwebtoken proof, ES256", 200, of_jsonwebtoken(&for_jsonwebtoken, token)),
        subject("raw Ed25519 signature (aws-lc-rs)", 200, move || {
            black_box(raw_ed25519.sign(black_box(&MESSAGE)));
        }),
        subject("gladhand proof, Ed25519", 200, move || proof(&ours_ed25519, token, None)),
        subject("raw PS256 signature (aws-lc-rs)", 8, move || {
            let mut signature = [0; 256];
            let random = SystemRandom::new();
            raw_rsa.sign(&RSA_PSS_SHA256, &random, black_box(&MESSAGE), &mut signature).expect("it signs");
            black_box(signature);
        }),
        subject("gladhand proof, PS256", 8, move || proof(&ours_rsa, token, None)),
    ]
}

/// The same proof by the crate that verifies for us.
fn of_jsonwebtoken(pkcs_8: &[u8], token: &'static str) -> impl Fn() + 'static {
    let key = EncodingKey::from_ec_der(pkcs_8);
    let jwk = jsonwebtoken::jwk::Jwk::from_encoding_key(&key, Algorithm::ES256).expect("a JWK");
    let mut header = Header::new(Algorithm::ES256);
    (header.typ, header.jwk) = (Some("dpop+jwt".to_owned()), Some(jwk));
    move || {
        let claims = json!({
            "jti": jti(), "htm": "POST", "htu": HTU, "iat": ISSUED_AT, "ath": base64url_sha256(token), "nonce": NONCE,
        });
        black_box(jsonwebtoken::encode(&header, &claims, &key).expect("it signs"));
    }
}

fn main() {
    let mut subjects = subjects();
    for round in 0..=ROUNDS {
        for subject in &mut subjects {
            let start = Instant::now();
            (0..subject.batch).for_each(|_| (subject.once)());
            // The first round warms up.
            if round > 0 {
                subject.measured.push(start.elapsed().as_secs_f64() * 1e6 / subject.batch as f64);
            }
        }
    }
    let lines = std::env::args().any(|argument| argument == "--lines");
    let mut raw = 1.0;
    for subject in subjects {
        let mut measured = subject.measured;
        measured.sort_by(f64::total_cmp);
        let median = measured[measured.len() / 2];
        if subject.name.starts_with("raw") {
            raw = median;
        }
        if lines {
            println!("{}\t{median:.2}", subject.name);
        } else {
            println!("{:44} {median:8.2} us {:6.2}x of its raw signature", subject.name, median / raw);
        }
    }
}
