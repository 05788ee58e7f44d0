//! The keys that a test's authorization server signs tokens with, and how it publishes and abuses them.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

use super::carrier::{Knobs, Published, Signed};

/// Two keys: the one in use and the next.
pub(super) struct TokenKeys([(EncodingKey, Value); 2], usize);

impl Default for TokenKeys {
    fn default() -> Self {
        Self(["k1", "k2"].map(key), 0)
    }
}

fn key(id: &str) -> (EncodingKey, Value) {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let signing = EncodingKey::from_ec_der(pair.to_pkcs8v1().unwrap().as_ref());
    let mut public = serde_json::to_value(Jwk::from_encoding_key(&signing, Algorithm::ES256).unwrap()).unwrap();
    (public["kid"], public["use"], public["alg"]) = (id.into(), "sig".into(), "ES256".into());
    (signing, public)
}

impl TokenKeys {
    pub(super) fn set(&mut self, knobs: &Knobs) -> Value {
        // The next key is published from the second reading on.
        self.1 += 1;
        let published = if knobs.signed == Signed::ByTheNext && self.1 > 1 { 2 } else { 1 };
        let good = self.0[..published].iter().map(|(_, public)| public.clone());
        let keys: Vec<Value> = match knobs.published {
            Published::Empty | Published::Nothing => Vec::new(),
            Published::Key => good.collect(),
            Published::Decoys => decoys().into_iter().chain(good).collect(),
        };
        json!({ "keys": keys })
    }

    pub(super) fn sign(&self, how: Signed, claims: &Value) -> String {
        let [(first, public), (second, _)] = &self.0;
        let mut header = Header::new(Algorithm::ES256);
        header.typ = Some("at+jwt".to_owned());
        header.kid = Some("k1".to_owned());
        match how {
            Signed::Well => encode(&header, claims, first).unwrap(),
            Signed::ByAnother => encode(&header, claims, second).unwrap(),
            Signed::ByTheNext => {
                header.kid = Some("k2".to_owned());
                encode(&header, claims, second).unwrap()
            }
            Signed::Not => {
                let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
                format!("{}.{}.", part(&json!({"alg": "none", "typ": "at+jwt"})), part(claims))
            }
            Signed::ByPublicKey => {
                header.alg = Algorithm::HS256;
                encode(&header, claims, &EncodingKey::from_secret(public.to_string().as_bytes())).unwrap()
            }
            Signed::WithPointers(address) => {
                let (foreign, jwk) = key("foreign");
                (header.kid, header.jku) = (Some("foreign".to_owned()), Some(address.to_owned()));
                (header.x5u, header.x5c) = (Some(address.to_owned()), Some(vec!["AA==".to_owned()]));
                header.jwk = Some(serde_json::from_value(jwk).unwrap());
                encode(&header, claims, &foreign).unwrap()
            }
        }
    }
}

/// Keys of the right name and the wrong kind.
fn decoys() -> Vec<Value> {
    let point = key("k1").1;
    let mut for_encryption = point.clone();
    for_encryption["use"] = "enc".into();
    let mut of_another_algorithm = key("k1").1;
    of_another_algorithm["alg"] = "ES384".into();
    let modulus = URL_SAFE_NO_PAD.encode([0xb5; 256]);
    vec![
        json!({"kty": "RSA", "kid": "k1", "alg": "RS256", "use": "sig", "e": "AQAB", "n": modulus}),
        json!({"kty": "OKP", "kid": "k1", "crv": "Ed25519", "x": point["x"]}),
        json!({"kty": "oct", "kid": "k1", "alg": "HS256", "k": "AAAA"}),
        for_encryption,
        of_another_algorithm,
        key("k1").1,
    ]
}
