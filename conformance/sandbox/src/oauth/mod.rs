//! The carrier's authorization server: client credentials only (RFC 6749 §4.4), certificate-bound (RFC 8705) or
//! DPoP-bound (RFC 9449) access tokens of five minutes (RFC 9068), and what the resource server needs to check them.
//!
//! * [`metadata`]: RFC 8414 metadata and the JWKS.
//! * [`clients`]: who is registered, with which certificate identity, keys, scopes and agreement.
//! * [`token`]: the token endpoint. [`assertion`]: `private_key_jwt`. [`proof`]: DPoP proofs.
//! * [`keys`]: the signing keys and the tokens they make. [`nonce`] and [`replay`]: freshness.

pub mod assertion;
pub mod clients;
pub mod keys;
pub mod metadata;
pub mod nonce;
pub mod proof;
pub mod replay;
pub mod token;

use std::collections::VecDeque;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, RwLock};

use gladhand_documents::error::Result;
use serde_json::{Map, Value};

use crate::oauth::clients::{Client, Consent};
use crate::oauth::keys::Signature;
use crate::shared::{KeyOf, Shared};

/// Lifetime of an access token, in seconds.
pub const LIFETIME_S: u64 = 300;
/// Opaque tokens that are remembered.
const OPAQUE: usize = 4096;

/// What the authorization server does wrong, or otherwise than usual, on request.
#[derive(Clone, Debug)]
pub struct Faults {
    /// Tokens are issued for another audience than asked for.
    pub wrong_audience: bool,
    /// `token_type` of every answer, whatever was asked for.
    pub token_type: Option<String>,
    /// Lifetime of new tokens, in seconds.
    pub lifetime_s: u64,
    /// How tokens are signed.
    pub signature: Signature,
    /// Tokens say nothing to the client: it cannot look into them.
    pub opaque: bool,
    /// Merged over the metadata (RFC 7396).
    pub metadata: Value,
    /// Merged over the answer of the token endpoint.
    pub response: Value,
    /// Merged over the claims of new tokens.
    pub claims: Value,
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            wrong_audience: false,
            token_type: None,
            lifetime_s: LIFETIME_S,
            signature: Signature::Good,
            opaque: false,
            metadata: Value::Object(Map::new()),
            response: Value::Object(Map::new()),
            claims: Value::Object(Map::new()),
        }
    }
}

/// What the authorization server remembers, and the switches that make it misbehave.
pub struct OAuth {
    /// The keys that sign access tokens.
    pub keys: keys::TokenKeys,
    /// Nonces of the token endpoint.
    pub server_nonce: nonce::Nonces,
    /// Nonces of the API.
    pub resource_nonce: nonce::Nonces,
    /// `jti` values seen, of assertions and proofs.
    pub seen: replay::Seen,
    /// The consent that new tokens carry, until control changes it; a client's own goes first.
    pub consent: Mutex<Consent>,
    clients: RwLock<Vec<Arc<Client>>>,
    faults: Mutex<Faults>,
    opaque: Mutex<VecDeque<(String, String)>>,
    /// Tokens of an earlier generation are revoked.
    generation: AtomicU64,
    key_requests: AtomicU64,
    shared: Option<Arc<Shared>>,
}

impl OAuth {
    /// An authorization server for these clients; one of several instances if there is a folder they share. With a folder
    /// that is kept it signs with the key that an earlier run left there.
    pub fn new(clients: Vec<Client>, shared: Option<Arc<Shared>>, kept: Option<&Path>) -> Result<Self> {
        let (server_nonce, resource_nonce, seen) = match &shared {
            None => (nonce::Nonces::new(), nonce::Nonces::new(), replay::Seen::default()),
            Some(shared) => {
                let secret = shared.agree("nonce-secret", &crate::random::bytes::<32>())?;
                let nonces = |purpose| nonce::Nonces::derived(&secret, purpose);
                (nonces("authorization server"), nonces("resource server"), replay::Seen::Shared(shared.clone()))
            }
        };
        let oauth = Self {
            keys: keys::TokenKeys::new(shared.clone(), kept)?,
            server_nonce,
            resource_nonce,
            seen,
            consent: Mutex::new(Consent::USUAL),
            clients: RwLock::default(),
            faults: Mutex::default(),
            opaque: Mutex::default(),
            generation: AtomicU64::new(0),
            key_requests: AtomicU64::new(0),
            shared,
        };
        for client in clients {
            oauth.register(client);
        }
        Ok(oauth)
    }

    /// The registered client of this id.
    pub fn client(&self, id: &str) -> Option<Arc<Client>> {
        self.clients.read().expect("the registry").iter().find(|client| client.id == id).cloned()
    }

    /// Every registered client.
    pub fn clients(&self) -> Vec<Arc<Client>> {
        self.clients.read().expect("the registry").clone()
    }

    /// Registers a client, in place of the one of the same id.
    pub fn register(&self, client: Client) {
        if let Some(shared) = &self.shared {
            for key in &client.keys.lock().expect("a client's keys").keys {
                let name = key.common.key_id.clone().unwrap_or_else(|| crate::random::id(""));
                if let Err(error) = shared.publish(KeyOf::Client(&client.id), &name, key) {
                    tracing::error!(%error, "the other instances do not see the client's key");
                }
            }
        }
        let mut clients = self.clients.write().expect("the registry");
        clients.retain(|known| known.id != client.id);
        clients.push(Arc::new(client));
    }

    /// Takes a client off the registry: its tokens are worth nothing from then on.
    pub fn forget(&self, id: &str) {
        self.clients.write().expect("the registry").retain(|known| known.id != id);
    }

    /// The keys that may have signed a client's assertions: those registered here and at the other instances.
    pub fn assertion_keys(&self, client: &Client) -> Vec<jsonwebtoken::jwk::Jwk> {
        let own = client.keys.lock().expect("a client's keys").keys.clone();
        let others = self.shared.iter().flat_map(|shared| shared.keys(KeyOf::Client(&client.id)));
        own.into_iter().chain(others).collect()
    }

    /// What it does wrong at the moment.
    pub fn faults(&self) -> Faults {
        self.faults.lock().expect("the faults").clone()
    }

    /// Changes what it does wrong.
    pub fn change(&self, change: impl FnOnce(&mut Faults)) {
        change(&mut self.faults.lock().expect("the faults"));
    }

    /// Revokes every token issued so far, at this instance.
    pub fn revoke_tokens(&self) {
        self.generation.fetch_add(1, Ordering::SeqCst);
    }

    /// The id of a new token: its generation and a random part.
    fn token_id(&self) -> String {
        crate::random::id(&format!("{}.", self.generation.load(Ordering::SeqCst)))
    }

    /// Whether a token of this id was revoked.
    pub fn revoked(&self, jti: &str) -> bool {
        let generation = jti.split('.').next().and_then(|n| n.parse::<u64>().ok());
        generation.is_some_and(|generation| generation < self.generation.load(Ordering::SeqCst))
    }

    /// Another name for a token, which tells the client nothing.
    fn hide(&self, token: String) -> String {
        let name = crate::random::id("opaque-");
        let mut opaque = self.opaque.lock().expect("the opaque tokens");
        if opaque.len() == OPAQUE {
            opaque.pop_front();
        }
        opaque.push_back((name.clone(), token));
        name
    }

    /// The token behind an opaque one, or the token itself.
    pub fn reveal(&self, token: &str) -> String {
        let opaque = self.opaque.lock().expect("the opaque tokens");
        opaque.iter().find(|(name, _)| name == token).map_or_else(|| token.to_owned(), |(_, token)| token.clone())
    }

    fn note_key_request(&self) {
        self.key_requests.fetch_add(1, Ordering::SeqCst);
    }

    /// How often the key set was asked for.
    pub fn key_requests(&self) -> u64 {
        self.key_requests.load(Ordering::SeqCst)
    }
}

/// JSON Merge Patch (RFC 7396): members of `patch` replace, `null` removes.
pub fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(members) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(target) = target else { return };
    for (name, value) in members {
        if value.is_null() {
            target.shift_remove(name);
        } else {
            merge(target.entry(name).or_insert(Value::Null), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_patch_replaces_adds_and_removes() {
        let mut target = json!({"a": {"b": 1, "c": 2}, "d": "e"});
        merge(&mut target, &json!({"a": {"b": null, "x": {"y": 3}}, "d": [1]}));
        assert_eq!(target, json!({"a": {"c": 2, "x": {"y": 3}}, "d": [1]}));
    }
}
