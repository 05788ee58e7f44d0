//! The keys that sign webhooks, and their rotation: announced, both sign, the old one retires (Standard Webhooks). One shared
//! secret on top for tests of receivers that know no other (contract 4e: HMAC only for tests).

use std::sync::Mutex;

use aws_lc_rs::hmac;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gladhand_documents::error::{Code, Error, Result};
use serde::Deserialize;
use serde_json::{Value, json};

/// A step of a rotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Step {
    /// A new key is published and signs nothing yet.
    Announce,
    /// Both sign.
    Both,
    /// The old one is published no more and signs nothing.
    Retire,
}

struct Key {
    id: String,
    pair: Ed25519KeyPair,
}

impl Key {
    fn new(number: u32) -> Result<Self> {
        let failed = |_| Error::new(Code::SandboxFailed, "the webhook key could not be made");
        Ok(Self { id: format!("whk-{number}"), pair: Ed25519KeyPair::generate().map_err(failed)? })
    }
}

struct Inner {
    made: u32,
    /// The oldest first; published in discovery.
    published: Vec<Key>,
    /// How many of them, from the oldest, sign.
    signing: usize,
    secret: Option<Vec<u8>>,
}

/// The keys.
pub struct Keys(Mutex<Inner>);

impl Keys {
    /// One key.
    pub fn new() -> Result<Self> {
        Ok(Self(Mutex::new(Inner { made: 1, published: vec![Key::new(1)?], signing: 1, secret: None })))
    }

    /// Goes one step on in a rotation. Error: a step out of turn.
    pub fn rotate(&self, step: Step) -> Result<()> {
        let mut inner = self.0.lock().expect("the webhook keys");
        match (step, inner.published.len(), inner.signing) {
            (Step::Announce, 1, _) => {
                inner.made += 1;
                let key = Key::new(inner.made)?;
                inner.published.push(key);
            }
            (Step::Both, 2, 1) => inner.signing = 2,
            (Step::Retire, 2, 2) => {
                inner.published.remove(0);
                inner.signing = 1;
            }
            _ => return Err(Error::new(Code::SchemaInvalid, "a rotation is announce, both, retire, in this order")),
        }
        Ok(())
    }

    /// Signs by HMAC with this secret as well (`whsec_` and base64), or no more.
    pub fn share(&self, secret: Option<&str>) -> Result<()> {
        let decoded = secret.map(|text| STANDARD.decode(text.strip_prefix("whsec_").unwrap_or(text))).transpose();
        let decoded = decoded.map_err(|_| Error::new(Code::SchemaInvalid, "the secret is whsec_ and base64"))?;
        self.0.lock().expect("the webhook keys").secret = decoded;
        Ok(())
    }

    /// `webhookKeys` of discovery.
    pub fn published(&self) -> Vec<Value> {
        let inner = self.0.lock().expect("the webhook keys");
        let public = |key: &Key| format!("whpk_{}", STANDARD.encode(key.pair.public_key().as_ref()));
        inner.published.iter().map(|key| json!({"keyId": key.id, "publicKey": public(key)})).collect()
    }

    /// `webhook-signature`: one signature for each key that signs, in a list.
    pub fn sign(&self, message: &[u8]) -> String {
        let inner = self.0.lock().expect("the webhook keys");
        let keys = inner.published.iter().take(inner.signing);
        let mut signatures: Vec<String> =
            keys.map(|key| format!("v1a,{}", STANDARD.encode(key.pair.sign(message)))).collect();
        if let Some(secret) = &inner.secret {
            let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), message);
            signatures.push(format!("v1,{}", STANDARD.encode(tag)));
        }
        signatures.join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rotation_goes_step_by_step() {
        let keys = Keys::new().unwrap();
        let look = || (keys.published().len(), keys.sign(b"m").split(' ').count());
        assert_eq!(look(), (1, 1));
        assert!(keys.rotate(Step::Both).is_err() && keys.rotate(Step::Retire).is_err());
        let old = keys.published()[0].clone();
        keys.rotate(Step::Announce).unwrap();
        assert_eq!(look(), (2, 1));
        keys.rotate(Step::Both).unwrap();
        assert_eq!(look(), (2, 2));
        keys.rotate(Step::Retire).unwrap();
        assert_eq!(look(), (1, 1));
        assert_ne!(keys.published()[0], old);
        assert_eq!(keys.published()[0]["keyId"], "whk-2");
    }
}
