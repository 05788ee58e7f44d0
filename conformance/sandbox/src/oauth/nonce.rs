//! Server nonces (RFC 9449 §8, §9): a time bucket under a MAC, so nothing is stored and two instances of a carrier that
//! share the key accept each other's. The nonce of the current and of the previous bucket is accepted.

use std::sync::Mutex;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::{canaries, random};

/// How long a bucket lasts, in seconds.
const BUCKET_S: u64 = 150;

/// Makes and checks nonces.
pub struct Nonces(Mutex<hmac::Key>);

impl Default for Nonces {
    fn default() -> Self {
        Self::new()
    }
}

impl Nonces {
    /// Nonces under a fresh key.
    pub fn new() -> Self {
        Self(Mutex::new(key()))
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
        [bucket, bucket.wrapping_sub(1)].iter().any(|bucket| self.of(*bucket) == nonce)
    }

    /// Makes every nonce handed out so far stale.
    pub fn rotate(&self) {
        *self.0.lock().expect("nonce key") = key();
    }

    fn of(&self, bucket: u64) -> String {
        let tag = hmac::sign(&self.0.lock().expect("nonce key"), &bucket.to_be_bytes());
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
}
