//! The keys of the authorization server: signing access tokens, rotating, publishing them (with decoys, if asked), and
//! the verification of tokens at the API.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
    Ed25519KeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gladhand_documents::error::{Code, Error};
use jsonwebtoken::jwk::{Jwk, JwkSet, PublicKeyUse, ThumbprintHash};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, decode_header, encode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::files;
use crate::oauth::clients::Consent;
use crate::problem::{Problem, Result};
use crate::shared::{KeyOf, Shared};

/// The algorithms of proofs, assertions and tokens (identity §4): nothing else is accepted anywhere.
pub const ALGORITHMS: [Algorithm; 3] = [Algorithm::ES256, Algorithm::EdDSA, Algorithm::PS256];

/// The claims of an access token (RFC 9068, contract 4.0).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Claims {
    pub iss: String,
    pub aud: String,
    pub sub: String,
    pub client_id: String,
    pub scope: String,
    pub partner_id: String,
    pub tenant: String,
    /// The environment that it is for; ours if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// Absent means that nothing is given.
    #[serde(default)]
    pub consent: Consent,
    pub iat: u64,
    pub exp: u64,
    pub jti: String,
    pub cnf: Confirmation,
}

/// What the token is bound to: exactly one of the two.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirmation {
    /// The certificate's thumbprint (RFC 8705).
    #[serde(rename = "x5t#S256", skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
    /// The DPoP key's thumbprint (RFC 9449).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jkt: Option<String>,
}

/// How tokens are signed; all but the first are faults.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Signature {
    /// By the current key.
    #[default]
    Good,
    /// `alg: none`, no signature.
    None,
    /// HS256 with the published key as the secret: the algorithm confusion of RFC 8725 §2.1.
    Hs256,
    /// By a key of somebody else under our `kid`.
    Foreign,
}

/// The signing key, those before it, and what is published of them.
pub struct TokenKeys {
    state: Mutex<State>,
    shared: Option<Arc<Shared>>,
}

struct State {
    /// The last one signs.
    keys: Vec<Arc<Key>>,
    /// Published already, and the next one to sign.
    next: Option<Arc<Key>>,
    decoys: bool,
    empty: bool,
    max_age_s: u64,
}

struct Key {
    algorithm: Algorithm,
    signing: EncodingKey,
    verifying: DecodingKey,
    public: Jwk,
    kid: String,
}

impl Key {
    fn generate(algorithm: Algorithm) -> Self {
        Self::of(private(algorithm), algorithm)
    }

    /// The key in a folder; made, if there is none.
    fn kept(folder: &Path) -> std::result::Result<Self, Error> {
        const FILE: &str = "token-key.pem";
        let failed = |e: rcgen::Error| Error::new(Code::SandboxFailed, "the key of the tokens").caused_by(&e);
        let pair = match std::fs::read_to_string(folder.join(FILE)) {
            Ok(kept) => rcgen::KeyPair::from_pem(&kept).map_err(failed)?,
            Err(_) => rcgen::KeyPair::generate().map_err(failed)?,
        };
        files::write(folder, FILE, &pair.serialize_pem())?;
        Ok(Self::of(EncodingKey::from_ec_der(pair.serialized_der()), Algorithm::ES256))
    }

    fn of(signing: EncodingKey, algorithm: Algorithm) -> Self {
        let public = public(&signing, algorithm);
        let kid = public.common.key_id.clone().unwrap_or_default();
        let verifying = DecodingKey::from_jwk(&public).expect("its own JWK verifies");
        Self { algorithm, signing, verifying, public, kid }
    }
}

/// A fresh private key for an algorithm.
fn private(algorithm: Algorithm) -> EncodingKey {
    let (random, made) = (SystemRandom::new(), "the operating system has randomness");
    let elliptic = |curve: &'static EcdsaSigningAlgorithm| {
        EncodingKey::from_ec_der(EcdsaKeyPair::generate_pkcs8(curve, &random).expect(made).as_ref())
    };
    match algorithm {
        Algorithm::EdDSA => EncodingKey::from_ed_der(Ed25519KeyPair::generate_pkcs8v1(&random).expect(made).as_ref()),
        Algorithm::PS256 => {
            let pair = rsa::KeyPair::generate(rsa::KeySize::Rsa2048).expect(made);
            EncodingKey::from_rsa_der(pkcs1(pair.as_der().expect("an RSA key has a DER form").as_ref()))
        }
        Algorithm::ES384 => elliptic(&ECDSA_P384_SHA384_FIXED_SIGNING),
        _ => elliptic(&ECDSA_P256_SHA256_FIXED_SIGNING),
    }
}

/// The RSA key within PKCS#8, which for 2048 bits starts after a head of 26 bytes.
fn pkcs1(pkcs8: &[u8]) -> &[u8] {
    pkcs8.get(26..).unwrap_or_default()
}

/// The public half with `kid` (RFC 7638), `alg` and `use`.
fn public(signing: &EncodingKey, algorithm: Algorithm) -> Jwk {
    let mut public = Jwk::from_encoding_key(signing, algorithm).expect("a fresh key has a JWK");
    public.common.key_id = Some(public.thumbprint(ThumbprintHash::SHA256).expect("a JWK has a thumbprint"));
    public.common.public_key_use = Some(PublicKeyUse::Signature);
    public
}

impl TokenKeys {
    /// A fresh key, published to the other instances if there are any; or, with a folder that is kept, the one that an
    /// earlier run left there: a server that starts again knows its tokens.
    pub fn new(shared: Option<Arc<Shared>>, kept: Option<&Path>) -> std::result::Result<Self, Error> {
        let state = State { keys: Vec::new(), next: None, decoys: false, empty: false, max_age_s: 300 };
        let keys = Self { state: Mutex::new(state), shared };
        match kept {
            Some(folder) => {
                let key = keys.published(Key::kept(folder)?);
                keys.state().keys.push(key);
            }
            None => {
                keys.rotate(Algorithm::ES256);
            }
        }
        Ok(keys)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("the token keys")
    }

    /// A new key signs from now on, the one announced before if there is one; those before it stay published and go on
    /// verifying. The answer is its `kid`.
    pub fn rotate(&self, algorithm: Algorithm) -> String {
        let announced = self.state().next.take();
        let key = announced.unwrap_or_else(|| self.made(algorithm));
        let kid = key.kid.clone();
        self.state().keys.push(key);
        kid
    }

    /// Publishes a key that does not sign yet: the next rotation takes it, when every cache has it. The answer is its
    /// `kid`.
    pub fn announce(&self, algorithm: Algorithm) -> String {
        let key = self.made(algorithm);
        let kid = key.kid.clone();
        self.state().next = Some(key);
        kid
    }

    fn made(&self, algorithm: Algorithm) -> Arc<Key> {
        self.published(Key::generate(algorithm))
    }

    fn published(&self, key: Key) -> Arc<Key> {
        if let Some(shared) = &self.shared
            && let Err(error) = shared.publish(KeyOf::Tokens, &key.kid, &key.public)
        {
            tracing::error!(%error, "the other instances do not see the new key");
        }
        Arc::new(key)
    }

    /// Withdraws every key but the signing one: their tokens are refused.
    pub fn retire(&self) {
        let mut state = self.state();
        let last = state.keys.len() - 1;
        state.keys.drain(..last);
    }

    /// Publishes decoys: keys with the same `kid` of other types, algorithms or uses.
    pub fn set_decoys(&self, on: bool) {
        self.state().decoys = on;
    }

    /// Publishes nothing.
    pub fn set_empty(&self, on: bool) {
        self.state().empty = on;
    }

    /// `Cache-Control: max-age` of the key set, in seconds.
    pub fn set_max_age(&self, seconds: u64) {
        self.state().max_age_s = seconds;
    }

    /// The lifetime that the key set has in caches, in seconds.
    pub fn max_age(&self) -> u64 {
        self.state().max_age_s
    }

    /// The key set to publish.
    pub fn jwks(&self) -> JwkSet {
        let state = self.state();
        if state.empty {
            return JwkSet { keys: Vec::new() };
        }
        let mut keys: Vec<Jwk> = state.keys.iter().chain(&state.next).map(|key| key.public.clone()).collect();
        for other in self.shared.iter().flat_map(|shared| shared.keys(KeyOf::Tokens)) {
            if !keys.iter().any(|known| known.common.key_id == other.common.key_id) {
                keys.push(other);
            }
        }
        if state.decoys {
            let kids: Vec<Option<String>> = keys.iter().map(|key| key.common.key_id.clone()).collect();
            // Before the true ones, so that whoever takes the first of a kid takes a decoy.
            for kid in kids {
                for mut decoy in decoys() {
                    decoy.common.key_id.clone_from(&kid);
                    keys.insert(0, decoy);
                }
            }
        }
        JwkSet { keys }
    }

    /// Signs an access token.
    pub fn sign(&self, claims: &Value, signature: Signature) -> String {
        let key = self.state().keys.last().cloned().expect("there is always a key");
        let header = |algorithm| {
            let mut header = Header::new(algorithm);
            header.typ = Some("at+jwt".to_owned());
            header.kid = Some(key.kid.clone());
            header
        };
        let signed = match signature {
            Signature::Good => encode(&header(key.algorithm), claims, &key.signing),
            Signature::Foreign => encode(&header(key.algorithm), claims, &private(key.algorithm)),
            Signature::Hs256 => {
                let secret = serde_json::to_vec(&key.public).unwrap_or_default();
                encode(&header(Algorithm::HS256), claims, &EncodingKey::from_secret(&secret))
            }
            Signature::None => {
                let head = json!({"alg": "none", "typ": "at+jwt", "kid": key.kid}).to_string();
                let part = |text: String| URL_SAFE_NO_PAD.encode(text);
                Ok(format!("{}.{}.", part(head), part(claims.to_string())))
            }
        };
        signed.expect("claims serialise and the key fits its algorithm")
    }

    /// Checks signature, type, issuer, audience and lifetime of a presented token.
    pub fn verify(&self, token: &str, issuer: &str, audience: &str, now: u64) -> Result<Claims> {
        let invalid = |detail: &str| Problem::new(Code::TokenInvalid, detail);
        let header = decode_header(token).map_err(|_| invalid("the access token is no JWT"))?;
        if header.typ.as_deref() != Some("at+jwt") {
            return Err(invalid("the token is not of type at+jwt"));
        }
        let (key, algorithm) = header
            .kid
            .and_then(|kid| self.verifier(&kid))
            .ok_or_else(|| invalid("the token is signed by a key that is none of ours"))?;
        let mut validation = Validation::new(algorithm);
        validation.validate_exp = false; // Below, with the sandbox's own clock.
        validation.set_issuer(&[issuer]);
        validation.set_audience(&[audience]);
        let claims = decode::<Claims>(token, &key, &validation)
            .map_err(|e| invalid(&format!("the access token is refused: {e}")))?
            .claims;
        if claims.exp <= now {
            return Err(Problem::new(Code::TokenExpired, "the access token has expired"));
        }
        Ok(claims)
    }

    fn verifier(&self, kid: &str) -> Option<(DecodingKey, Algorithm)> {
        if let Some(key) = self.state().keys.iter().find(|key| key.kid == kid) {
            return Some((key.verifying.clone(), key.algorithm));
        }
        let others = self.shared.as_ref()?.keys(KeyOf::Tokens);
        let key = others.into_iter().find(|key| key.common.key_id.as_deref() == Some(kid))?;
        let algorithm = Algorithm::try_from(key.common.key_algorithm?).ok()?;
        Some((DecodingKey::from_jwk(&key).ok()?, algorithm))
    }
}

/// Keys that look like a published one to whoever selects by `kid` alone.
fn decoys() -> [Jwk; 3] {
    let mut encryption = public(&private(Algorithm::ES256), Algorithm::ES256);
    encryption.common.public_key_use = Some(PublicKeyUse::Encryption);
    let curve = public(&private(Algorithm::ES384), Algorithm::ES384);
    let kind = public(&private(Algorithm::EdDSA), Algorithm::EdDSA);
    [encryption, curve, kind]
}
