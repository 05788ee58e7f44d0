//! The carrier's authorization server: client credentials only (RFC 6749 §4.4), certificate-bound (RFC 8705) or
//! DPoP-bound (RFC 9449) access tokens of five minutes (RFC 9068), and what the resource server needs to check them.
//!
//! * [`metadata`]: RFC 8414 metadata and the JWKS.
//! * [`clients`]: who is registered, with which certificate identity, key and scopes.
//! * [`token`]: the token endpoint. [`assertion`]: `private_key_jwt`. [`proof`]: DPoP proofs.
//! * [`keys`]: the signing key and the tokens it makes. [`nonce`] and [`replay`]: freshness.

pub mod assertion;
pub mod clients;
pub mod keys;
pub mod metadata;
pub mod nonce;
pub mod proof;
pub mod replay;
pub mod token;

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::oauth::clients::Consent;

/// What the authorization server remembers, and the switches that make it misbehave.
pub struct OAuth {
    /// The key that signs access tokens.
    pub keys: keys::TokenKeys,
    /// Who may ask.
    pub clients: Vec<clients::Client>,
    /// Nonces of the token endpoint.
    pub server_nonce: nonce::Nonces,
    /// Nonces of the API.
    pub resource_nonce: nonce::Nonces,
    /// `jti` values seen, of assertions and proofs.
    pub seen: replay::Seen,
    /// The consent that new tokens carry, until control changes it.
    pub consent: Mutex<Consent>,
    wrong_audience: AtomicBool,
    always_bearer: AtomicBool,
}

impl OAuth {
    /// An authorization server for these clients.
    pub fn new(clients: Vec<clients::Client>) -> Self {
        Self {
            keys: keys::TokenKeys::generate(),
            clients,
            server_nonce: nonce::Nonces::new(),
            resource_nonce: nonce::Nonces::new(),
            seen: replay::Seen::default(),
            consent: Mutex::new(Consent::default()),
            wrong_audience: AtomicBool::new(false),
            always_bearer: AtomicBool::new(false),
        }
    }

    /// The registered client of this id.
    pub fn client(&self, id: &str) -> Option<&clients::Client> {
        self.clients.iter().find(|client| client.id == id)
    }

    /// Issues tokens for another audience than asked for (a misconfigured server).
    pub fn set_wrong_audience(&self, on: bool) {
        self.wrong_audience.store(on, Ordering::SeqCst);
    }

    /// Answers `token_type: Bearer` to DPoP requests (a downgrade).
    pub fn set_always_bearer(&self, on: bool) {
        self.always_bearer.store(on, Ordering::SeqCst);
    }

    fn wrong_audience(&self) -> bool {
        self.wrong_audience.load(Ordering::SeqCst)
    }

    fn always_bearer(&self) -> bool {
        self.always_bearer.load(Ordering::SeqCst)
    }
}
