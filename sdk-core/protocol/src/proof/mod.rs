//! Proofs: what shows a peer who we are, and what shows us who a peer is. Pure: the time, the `jti` and the nonce are
//! arguments, and nothing here reads a socket, a clock or a file. Signing is ours, on aws-lc-rs, and touches no global
//! state (identity §4).
//!
//! * [`dpop`]: DPoP proofs (RFC 9449), with the body claim `gh_body` of contract 4f.
//! * [`assertion`]: client assertions (RFC 7523).
//! * [`jwk`]: public keys and their thumbprints (RFC 7517, 7638, 8037).
//! * [`signer`]: the private keys that sign; [`rsa_key`]: those of RSA.
//! * [`jws`]: the compact serialization (RFC 7515 §7.1).
//! * [`htu`]: the address that a proof names.
//! * [`nonce`]: the nonces that servers gave, per origin.
//! * [`challenge`]: what `WWW-Authenticate` says.
//! * [`compact`]: a signed token taken apart. [`keyset`]: published keys; `roca`: those that can be factored.
//! * [`schedule`]: when our assertion keys are published, sign and go.
//! * [`token`]: what a client checks in an access token before it uses it.
//! * [`webhook`]: Standard Webhooks signatures.

pub mod assertion;
pub mod challenge;
pub mod compact;
pub mod dpop;
pub mod htu;
pub mod jwk;
pub mod jws;
pub mod keyset;
pub mod nonce;
mod roca;
pub mod rsa_key;
pub mod schedule;
pub mod signer;
pub mod token;
pub mod webhook;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

/// base64url without padding (RFC 7515 §2).
pub fn base64url(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// base64url of the SHA-256: the form of `ath`, `gh_body`, `x5t#S256` and `jkt`.
pub fn base64url_sha256(bytes: impl AsRef<[u8]>) -> String {
    base64url(Sha256::digest(bytes.as_ref()))
}

/// A text as a JSON string, quotes included.
fn json_string(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    push_json_string(&mut out, text);
    out
}

/// Appends a text as a JSON string, quotes included.
fn push_json_string(out: &mut String, text: &str) {
    // What every proof has needs no escaping (RFC 8259 §7).
    if text.bytes().all(|b| b >= 0x20 && b != b'"' && b != b'\\') {
        out.push('"');
        out.push_str(text);
        out.push('"');
    } else {
        out.push_str(&serde_json::Value::from(text).to_string());
    }
}

/// Appends base64url of the SHA-256.
fn push_base64url_sha256(out: &mut String, bytes: &[u8]) {
    URL_SAFE_NO_PAD.encode_string(Sha256::digest(bytes), out);
}
