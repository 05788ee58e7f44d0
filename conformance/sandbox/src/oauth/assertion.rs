//! `private_key_jwt` (RFC 7523) as FAPI 2.0 narrows it: ES256, `aud` is the issuer as one string, sixty seconds at most,
//! `jti` used once.

use jsonwebtoken::{Algorithm, Validation, decode};
use serde::Deserialize;
use serde_json::Value;

use crate::oauth::clients::Client;
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

/// Checks an assertion of `client`; the error is for `error_description`.
pub fn verify(assertion: &str, client: &Client, issuer: &str, now: u64, seen: &Seen) -> Result<(), String> {
    let mut validation = Validation::new(Algorithm::ES256);
    validation.validate_exp = false; // Below, by our own rules.
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    let claims = decode::<Assertion>(assertion, &client.assertion_key, &validation)
        .map_err(|e| format!("the assertion is refused: {e}"))?
        .claims;
    if claims.iss != client.id || claims.sub != client.id {
        return Err("iss and sub of the assertion must be the client_id".to_owned());
    }
    if claims.aud.as_str() != Some(issuer) {
        return Err("aud of the assertion must be the issuer, as one string".to_owned());
    }
    if claims.exp + SKEW_S <= now {
        return Err("the assertion has expired".to_owned());
    }
    if claims.exp > now + MAX_LIFETIME_S + SKEW_S {
        return Err("the assertion lives longer than 60 seconds".to_owned());
    }
    if claims.nbf.or(claims.iat).is_some_and(|from| from > now + SKEW_S) {
        return Err("the assertion is not valid yet".to_owned());
    }
    if claims.jti.is_empty() || claims.jti.len() > 128 {
        return Err("jti of the assertion must have 1 to 128 characters".to_owned());
    }
    if !seen.first(&format!("assertion {}", client.id), &claims.jti, now, claims.exp + SKEW_S) {
        return Err("the assertion was used before".to_owned());
    }
    Ok(())
}
