//! Server nonces (RFC 9449 §8, §9): a time bucket under a MAC, so nothing is stored and two instances of a carrier that
//! share the key accept each other's. The nonce of the current and of the previous bucket is accepted.

use std::sync::Mutex;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use crate::{canaries, random};

/// How long a bucket lasts, in seconds.
const BUCKET_S: u64 = 150;

/// How a server deals with nonces; all but the first are faults.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// As it should.
    #[default]
    Normal,
    /// Every proof is challenged, whatever nonce it carries.
    Always,
    /// It challenges and sends no nonce.
    Missing,
    /// It challenges with a nonce of characters that RFC 9449 §8.1 does not allow.
    Illegal,
    /// It wants no nonce and sends none: a downgrade (RFC 9449 §11.3).
    Off,
}

/// Makes and checks nonces.
pub struct Nonces {
    key: Mutex<hmac::Key>,
    mode: Mutex<Mode>,
}

impl Default for Nonces {
    fn default() -> Self {
        Self::new()
    }
}

impl Nonces {
    /// Nonces under a fresh key.
    pub fn new() -> Self {
        Self { key: Mutex::new(key()), mode: Mutex::default() }
    }

    /// Nonces under the key that `secret` gives for `purpose`: the same at every instance that knows the secret.
    pub fn derived(secret: &[u8], purpose: &str) -> Self {
        let derived = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), purpose.as_bytes());
        Self { key: Mutex::new(hmac::Key::new(hmac::HMAC_SHA256, derived.as_ref())), mode: Mutex::default() }
    }

    /// Chooses a fault, or none.
    pub fn set_mode(&self, mode: Mode) {
        *self.mode.lock().expect("nonce mode") = mode;
    }

    fn mode(&self) -> Mode {
        *self.mode.lock().expect("nonce mode")
    }

    /// What to send in `DPoP-Nonce` at `now`.
    pub fn offered(&self, now: u64) -> Option<String> {
        match self.mode() {
            Mode::Normal | Mode::Always => Some(self.current(now)),
            Mode::Illegal => Some(format!("\"{} \\", self.current(now))),
            Mode::Missing | Mode::Off => None,
        }
    }

    /// Whether a proof without a nonce is challenged, where one is `required`.
    pub fn required(&self, required: bool) -> bool {
        match self.mode() {
            Mode::Normal => required,
            Mode::Always | Mode::Missing | Mode::Illegal => true,
            Mode::Off => false,
        }
    }

    /// The nonce to hand out at `now` (Unix seconds).
    pub fn current(&self, now: u64) -> String {
        let nonce = self.of(now / BUCKET_S);
        canaries::note("nonce", &nonce);
        nonce
    }

    /// Whether a presented nonce is still good.
    pub fn accepts(&self, nonce: &str, now: u64) -> bool {
        let bucket = now / BUCKET_S;
        let always = self.mode() == Mode::Always;
        !always && [bucket, bucket.wrapping_sub(1)].iter().any(|bucket| self.of(*bucket) == nonce)
    }

    /// Makes every nonce handed out so far stale, at this instance.
    pub fn rotate(&self) {
        *self.key.lock().expect("nonce key") = key();
    }

    fn of(&self, bucket: u64) -> String {
        let tag = hmac::sign(&self.key.lock().expect("nonce key"), &bucket.to_be_bytes());
        URL_SAFE_NO_PAD.encode(&tag.as_ref()[..18])
    }
}

fn key() -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, &random::bytes::<32>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_lives_between_one_and_two_buckets() {
        let nonces = Nonces::new();
        let nonce = nonces.current(10 * BUCKET_S);
        assert!(nonces.accepts(&nonce, 11 * BUCKET_S + BUCKET_S - 1));
        assert!(!nonces.accepts(&nonce, 12 * BUCKET_S));
        nonces.rotate();
        assert!(!nonces.accepts(&nonce, 10 * BUCKET_S));
    }

    #[test]
    fn instances_with_one_secret_accept_each_other_and_purposes_do_not_mix() {
        let (a, b) = (Nonces::derived(b"secret", "server"), Nonces::derived(b"secret", "server"));
        assert!(b.accepts(&a.current(1000), 1000));
        assert!(!Nonces::derived(b"secret", "resource").accepts(&a.current(1000), 1000));
        assert!(!Nonces::derived(b"other", "server").accepts(&a.current(1000), 1000));
    }
}
