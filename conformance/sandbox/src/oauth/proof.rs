//! DPoP proofs (RFC 9449 §4.3), checked rule by rule and without any code of the client.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderMap;
use jsonwebtoken::jwk::{Jwk, ThumbprintHash};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use url::Url;

use crate::canaries;
use crate::oauth::keys::ALGORITHMS;
use crate::oauth::nonce::Nonces;
use crate::oauth::replay::Seen;

/// A proof without a nonce may be this old or this far ahead, in seconds.
const WINDOW_S: u64 = 300;

/// The request that a proof must fit.
pub struct Expected<'a> {
    /// The HTTP method.
    pub method: &'a str,
    /// The address, without query and fragment.
    pub url: &'a str,
    /// The access token it accompanies; none at the token endpoint.
    pub token: Option<&'a str>,
    /// The body, where the proof must bind it (`gh_body`).
    pub body: Option<&'a [u8]>,
    /// Whether a server nonce is required.
    pub nonce_required: bool,
}

/// Why a proof is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is none.
    Missing,
    /// It does not fit; the text says how.
    Invalid(String),
    /// A (fresh) server nonce is wanted.
    Nonce,
    /// Its `jti` was used before.
    Replayed,
}

#[derive(Deserialize)]
struct Header {
    #[serde(default)]
    typ: String,
    jwk: serde_json::Map<String, serde_json::Value>,
    #[serde(default)]
    crit: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct Claims {
    htm: String,
    htu: String,
    iat: u64,
    jti: String,
    ath: Option<String>,
    nonce: Option<String>,
    gh_body: Option<String>,
}

/// Checks the proof in `headers`; the answer is the thumbprint of its key (RFC 7638).
pub fn verify(
    headers: &HeaderMap,
    expected: &Expected<'_>,
    now: u64,
    nonces: &Nonces,
    seen: &Seen,
) -> Result<String, Refusal> {
    let mut proofs = headers.get_all("dpop").iter();
    let proof = match (proofs.next(), proofs.next()) {
        (None, _) => return Err(Refusal::Missing),
        (Some(proof), None) => proof.to_str().map_err(|_| invalid("it is not ASCII"))?,
        (Some(_), Some(_)) => return Err(invalid("there is more than one")),
    };
    canaries::note("proof", proof);
    let (key, thumbprint) = key_of(proof)?;
    let mut validation = Validation::new(Algorithm::ES256);
    validation.algorithms = ALGORITHMS.into_iter().filter(|a| key.family() == family(*a)).collect();
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    let claims = decode::<Claims>(proof, &key, &validation).map_err(|e| invalid(&e.to_string()))?.claims;
    check(&claims, expected)?;
    match &claims.nonce {
        Some(nonce) if nonces.accepts(nonce, now) => {}
        Some(_) => return Err(Refusal::Nonce),
        None if nonces.required(expected.nonce_required) => return Err(Refusal::Nonce),
        // Without a nonce the client's clock is all there is (with one, skew does not stop a stop: identity §3).
        None if now.abs_diff(claims.iat) > WINDOW_S => return Err(invalid("iat is outside the window")),
        None => {}
    }
    if claims.jti.len() < 8 || claims.jti.len() > 128 {
        return Err(invalid("jti must have 8 to 128 characters"));
    }
    if !seen.first(&format!("proof {thumbprint}"), &claims.jti, now, now + 2 * WINDOW_S) {
        return Err(Refusal::Replayed);
    }
    Ok(thumbprint)
}

fn key_of(proof: &str) -> Result<(DecodingKey, String), Refusal> {
    let head = proof.split('.').next().unwrap_or_default();
    let head = URL_SAFE_NO_PAD.decode(head).map_err(|_| invalid("its header is not base64url"))?;
    let head: Header = serde_json::from_slice(&head).map_err(|_| invalid("its header has no jwk"))?;
    if head.typ != "dpop+jwt" {
        return Err(invalid("typ is not dpop+jwt"));
    }
    if head.crit.is_some() {
        return Err(invalid("it has critical headers"));
    }
    if ["d", "p", "q", "dp", "dq", "qi", "k"].iter().any(|member| head.jwk.contains_key(*member)) {
        return Err(invalid("its jwk is not a public key"));
    }
    let jwk: Jwk = serde_json::from_value(head.jwk.into()).map_err(|_| invalid("its jwk is malformed"))?;
    let key = DecodingKey::from_jwk(&jwk).map_err(|_| invalid("its jwk is no key"))?;
    let thumbprint = jwk.thumbprint(ThumbprintHash::SHA256).map_err(|_| invalid("its jwk has no thumbprint"))?;
    Ok((key, thumbprint))
}

fn check(claims: &Claims, expected: &Expected<'_>) -> Result<(), Refusal> {
    if claims.htm != expected.method {
        return Err(invalid("htm is not the method of the request"));
    }
    if normalised(&claims.htu).is_none() || normalised(&claims.htu) != normalised(expected.url) {
        return Err(invalid("htu is not the address of the request"));
    }
    match (expected.token, &claims.ath) {
        (Some(token), Some(ath)) if *ath == hash(token.as_bytes()) => {}
        (Some(_), _) => return Err(invalid("ath is not the hash of the access token")),
        (None, _) => {}
    }
    match (expected.body, &claims.gh_body) {
        (Some(body), Some(digest)) if *digest == hash(body) => {}
        (Some(_), None) => return Err(invalid("gh_body is missing: a request with a body is bound to it")),
        (Some(_), Some(_)) => return Err(invalid("gh_body is not the hash of the body")),
        (None, _) => {}
    }
    Ok(())
}

/// Scheme, authority and path by RFC 3986 normalisation; query and fragment do not count (RFC 9449 §4.3).
fn normalised(address: &str) -> Option<String> {
    let mut url = Url::parse(address).ok()?;
    url.set_query(None);
    url.set_fragment(None);
    Some(url.into())
}

fn hash(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(bytes))
}

/// The kind of key that an algorithm takes.
pub fn family(algorithm: Algorithm) -> jsonwebtoken::AlgorithmFamily {
    match algorithm {
        Algorithm::ES256 => jsonwebtoken::AlgorithmFamily::Ec,
        Algorithm::EdDSA => jsonwebtoken::AlgorithmFamily::Ed,
        _ => jsonwebtoken::AlgorithmFamily::Rsa,
    }
}

fn invalid(detail: &str) -> Refusal {
    Refusal::Invalid(detail.to_owned())
}
