//! What a client checks in an access token before it uses it (identity §2): issuer, audience and binding. An opaque token
//! passes, since only the resource server can look inside. The signature is the resource server's to check: the token came
//! from the authorization server itself, over a connection that proved who it is.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gladhand_documents::error::{Code, Error, Result};
use serde_json::Value;

/// What a token must be bound to.
#[derive(Clone, Copy, Debug)]
pub enum Binding<'a> {
    /// The client certificate with this thumbprint (`cnf` `x5t#S256`, RFC 8705 §3.1).
    Certificate(&'a str),
    /// The key with this thumbprint (`cnf` `jkt`, RFC 9449 §6.1).
    Key(&'a str),
}

/// What a token must say of itself.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// The issuer.
    pub issuer: &'a str,
    /// The audience: the resource that was asked for.
    pub audience: &'a str,
    /// The binding.
    pub binding: Binding<'a>,
}

/// What was read of a token that is a JWT.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Seconds from `iat` to `exp`, where the token has both.
    pub lifetime_s: Option<i64>,
}

/// Checks a token. `None` for an opaque one.
///
/// Codes: `issuer_mismatch`, `token_audience_mismatch`, `token_binding_mismatch`. A JWT without `iss` or `aud` is refused:
/// RFC 9068 §2.2 requires both. Further members of `cnf` are tolerated, since some servers send two (A§0.2).
pub fn check(token: &str, expected: Expected<'_>) -> Result<Option<Seen>> {
    let Some(claims) = claims(token) else { return Ok(None) };
    if claims.get("iss").and_then(Value::as_str) != Some(expected.issuer) {
        return Err(Error::new(Code::IssuerMismatch, format!("the token is not of issuer `{}`", expected.issuer)));
    }
    let meant_for_us = match claims.get("aud") {
        Some(Value::String(audience)) => audience == expected.audience,
        Some(Value::Array(list)) => list.iter().any(|audience| audience.as_str() == Some(expected.audience)),
        _ => false,
    };
    if !meant_for_us {
        return Err(Error::new(
            Code::TokenAudienceMismatch,
            format!("the token is not for `{}`, which was asked for", expected.audience),
        ));
    }
    let (member, thumbprint, what) = match expected.binding {
        Binding::Certificate(thumbprint) => ("x5t#S256", thumbprint, "client certificate"),
        Binding::Key(thumbprint) => ("jkt", thumbprint, "DPoP key"),
    };
    if claims.get("cnf").and_then(|cnf| cnf.get(member)).and_then(Value::as_str) != Some(thumbprint) {
        return Err(Error::new(Code::TokenBindingMismatch, format!("the token is not bound to our {what}")));
    }
    let time = |name: &str| claims.get(name).and_then(Value::as_i64);
    Ok(Some(Seen { lifetime_s: time("exp").zip(time("iat")).map(|(exp, iat)| exp.saturating_sub(iat)) }))
}

/// The claims of a compact JWS whose header and payload are JSON objects; everything else is opaque.
fn claims(token: &str) -> Option<Value> {
    let mut parts = token.split('.');
    let (header, payload, _signature) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let object = |part: &str| -> Option<Value> {
        let value: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()?;
        value.is_object().then_some(value)
    };
    object(header)?.get("alg")?;
    object(payload)
}

#[cfg(test)]
mod tests {
    use super::super::base64url;
    use super::*;

    const EXPECTED: Expected<'_> =
        Expected { issuer: "https://as.example", audience: "https://api.example", binding: Binding::Key("k") };

    fn jwt(claims: &str) -> String {
        format!("{}.{}.c2ln", base64url(r#"{"alg":"ES256","typ":"at+jwt"}"#), base64url(claims))
    }

    fn outcome(claims: &str) -> Option<Code> {
        check(&jwt(claims), EXPECTED).err().map(|error| error.code())
    }

    #[test]
    fn a_token_for_us_passes() {
        let claims =
            r#"{"iss":"https://as.example","aud":"https://api.example","cnf":{"jkt":"k"},"iat":100,"exp":400}"#;
        assert_eq!(check(&jwt(claims), EXPECTED).unwrap(), Some(Seen { lifetime_s: Some(300) }));
        let both = r#"{"iss":"https://as.example","aud":["x","https://api.example"],"cnf":{"jkt":"k","x5t#S256":"c"}}"#;
        assert_eq!(outcome(both), None);
        let bound_to_certificate = Expected { binding: Binding::Certificate("c"), ..EXPECTED };
        assert!(check(&jwt(both), bound_to_certificate).is_ok());
    }

    #[test]
    fn a_token_of_another_is_refused() {
        for (claims, code) in [
            (r#"{"iss":"https://evil.example","aud":"https://api.example","cnf":{"jkt":"k"}}"#, Code::IssuerMismatch),
            (r#"{"aud":"https://api.example","cnf":{"jkt":"k"}}"#, Code::IssuerMismatch),
            (
                r#"{"iss":"https://as.example","aud":"https://other.example","cnf":{"jkt":"k"}}"#,
                Code::TokenAudienceMismatch,
            ),
            (r#"{"iss":"https://as.example","aud":[],"cnf":{"jkt":"k"}}"#, Code::TokenAudienceMismatch),
            (r#"{"iss":"https://as.example","cnf":{"jkt":"k"}}"#, Code::TokenAudienceMismatch),
            (
                r#"{"iss":"https://as.example","aud":"https://api.example","cnf":{"jkt":"z"}}"#,
                Code::TokenBindingMismatch,
            ),
            (
                r#"{"iss":"https://as.example","aud":"https://api.example","cnf":{"x5t#S256":"k"}}"#,
                Code::TokenBindingMismatch,
            ),
            (r#"{"iss":"https://as.example","aud":"https://api.example"}"#, Code::TokenBindingMismatch),
        ] {
            assert_eq!(outcome(claims), Some(code), "{claims}");
        }
    }

    #[test]
    fn an_opaque_token_passes_unseen() {
        for token in ["opaque", "a.b.c", "", "a.b", "e30.e30.e30", "e30.e30.e30.e30"] {
            assert_eq!(check(token, EXPECTED).unwrap(), None, "{token}");
        }
    }
}
