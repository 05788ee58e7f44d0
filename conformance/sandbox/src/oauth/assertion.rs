//! `private_key_jwt` (RFC 7523) as FAPI 2.0 narrows it: ES256, EdDSA or PS256 by a registered key, `aud` is the issuer as
//! one string, sixty seconds at most, `jti` used once.

use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{DecodingKey, Validation, decode, decode_header};
use serde::Deserialize;
use serde_json::Value;

use crate::oauth::clients::Client;
use crate::oauth::keys::ALGORITHMS;
use crate::oauth::proof::family;
use crate::oauth::replay::Seen;

/// The only `client_assertion_type`.
pub const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

const MAX_LIFETIME_S: u64 = 60;
const SKEW_S: u64 = 10;

#[derive(Deserialize)]
struct Assertion {
    iss: String,
    sub: String,
    aud: Value,
    exp: u64,
    #[serde(default)]
    nbf: Option<u64>,
    #[serde(default)]
    iat: Option<u64>,
    jti: String,
}

/// Why an assertion is refused.
#[derive(Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It is none of this client's, or not for us, or not now; for `error_description`.
    Invalid(String),
    /// It was used before.
    Replayed,
}

/// Checks an assertion of `client` against its keys.
pub fn verify(
    assertion: &str,
    client: &Client,
    keys: &[Jwk],
    issuer: &str,
    now: u64,
    seen: &Seen,
) -> Result<(), Refusal> {
    let invalid = |why: &str| Err(Refusal::Invalid(why.to_owned()));
    let claims = match signed(assertion, keys) {
        Ok(claims) => claims,
        Err(why) => return invalid(&why),
    };
    if claims.iss != client.id || claims.sub != client.id {
        return invalid("iss and sub of the assertion must be the client_id");
    }
    if claims.aud.as_str() != Some(issuer) {
        return invalid("aud of the assertion must be the issuer, as one string");
    }
    if claims.exp + SKEW_S <= now {
        return invalid("the assertion has expired");
    }
    if claims.exp > now + MAX_LIFETIME_S + SKEW_S {
        return invalid("the assertion lives longer than 60 seconds");
    }
    if claims.nbf.or(claims.iat).is_some_and(|from| from > now + SKEW_S) {
        return invalid("the assertion is not valid yet");
    }
    if claims.jti.is_empty() || claims.jti.len() > 128 {
        return invalid("jti of the assertion must have 1 to 128 characters");
    }
    if !seen.first(&format!("assertion {}", client.id), &claims.jti, now, claims.exp + SKEW_S) {
        return Err(Refusal::Replayed);
    }
    Ok(())
}

/// Whether the client's keys have the one that an assertion names; one that names none is tried against all.
pub fn known(assertion: &str, keys: &JwkSet) -> bool {
    decode_header(assertion).ok().and_then(|header| header.kid).is_none_or(|kid| keys.find(&kid).is_some())
}

/// The claims, if one of the keys signed them with an algorithm of its own.
fn signed(assertion: &str, keys: &[Jwk]) -> Result<Assertion, String> {
    let header = decode_header(assertion).map_err(|e| format!("the assertion is no JWT: {e}"))?;
    if !ALGORITHMS.contains(&header.alg) {
        return Err("the assertion is signed with an algorithm that is not offered".to_owned());
    }
    let named = |key: &&Jwk| header.kid.is_none() || key.common.key_id.is_none() || key.common.key_id == header.kid;
    let mut refusal = "the assertion names no key of this client".to_owned();
    for key in keys.iter().filter(named) {
        let Ok(decoding) = DecodingKey::from_jwk(key) else { continue };
        if decoding.family() != family(header.alg) {
            continue;
        }
        let mut validation = Validation::new(header.alg);
        validation.validate_exp = false; // By our own rules.
        validation.validate_aud = false;
        validation.required_spec_claims.clear();
        match decode::<Assertion>(assertion, &decoding, &validation) {
            Ok(decoded) => return Ok(decoded.claims),
            Err(error) => refusal = format!("the assertion is refused: {error}"),
        }
    }
    Err(refusal)
}
