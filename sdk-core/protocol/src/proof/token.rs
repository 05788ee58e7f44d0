//! What a client checks in an access token before it uses it (identity §2): issuer, audience and binding. An opaque token
//! passes, since only the resource server can look inside. Whether the signature holds is checked with the issuer's published
//! keys, by whoever has read them ([`super::keyset`]).

use gladhand_documents::error::{Code, Error, Result};
use gladhand_documents::json::Value;

use super::compact::{Compact, means_to_be_jwt};
use super::keyset::Verification;

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
    /// Whether RS256 is taken.
    pub allow_rs256: bool,
}

/// A token that is a JWT and says what was expected. Its signature is not verified yet.
#[derive(Clone, Debug)]
pub struct Checked<'a> {
    /// Its parts.
    pub token: Compact<'a>,
    /// How it says that it is signed.
    pub algorithm: Verification,
    /// Seconds from `iat` to `exp`, where the token has both.
    pub lifetime_s: Option<i64>,
}

/// Checks a token. `None` for an opaque one.
///
/// Codes: `issuer_mismatch`, `token_audience_mismatch`, `token_binding_mismatch`; `token_signature_invalid` for an algorithm
/// that is not taken, `none` above all; `unexpected_answer` for a malformed JWT. One without `iss` or `aud` is refused:
/// RFC 9068 §2.2 requires both. Further members of `cnf` are tolerated, since some servers send two (A§0.2).
pub fn check<'a>(token: &'a str, expected: Expected<'_>) -> Result<Option<Checked<'a>>> {
    if !means_to_be_jwt(token) {
        return Ok(None);
    }
    let token =
        Compact::parse(token).map_err(|why| Error::new(Code::UnexpectedAnswer, format!("the access token {why}")))?;
    let claims = token.claims().root();
    let Some(algorithm) = Verification::parse(token.parts().algorithm(), expected.allow_rs256) else {
        let why = "the access token is signed by an algorithm that is not taken (RS256 only with `allow_rs256`)";
        return Err(Error::new(Code::TokenSignatureInvalid, why));
    };
    if claims.get("iss").and_then(Value::text).as_deref() != Some(expected.issuer) {
        return Err(Error::new(Code::IssuerMismatch, format!("the token is not of issuer `{}`", expected.issuer)));
    }
    let is_ours = |audience: Value<'_>| audience.text().as_deref() == Some(expected.audience);
    let meant_for_us =
        claims.get("aud").is_some_and(|aud| if aud.is_array() { aud.items().any(is_ours) } else { is_ours(aud) });
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
    let bound_to = claims.get("cnf").and_then(|cnf| cnf.get(member)).and_then(Value::text);
    if bound_to.as_deref() != Some(thumbprint) {
        return Err(Error::new(Code::TokenBindingMismatch, format!("the token is not bound to our {what}")));
    }
    let time = |name: &str| claims.get(name)?.number()?.parse::<f64>().ok().map(|seconds| seconds as i64);
    let lifetime_s = time("exp").zip(time("iat")).map(|(exp, iat)| exp.saturating_sub(iat));
    Ok(Some(Checked { token, algorithm, lifetime_s }))
}

#[cfg(test)]
mod tests {
    use super::super::base64url;
    use super::*;

    const EXPECTED: Expected<'_> = Expected {
        issuer: "https://as.example",
        audience: "https://api.example",
        binding: Binding::Key("k"),
        allow_rs256: false,
    };

    fn jwt(claims: &str) -> String {
        format!("{}.{}.c2ln", base64url(r#"{"alg":"ES256","typ":"at+jwt"}"#), base64url(claims))
    }

    fn outcome(claims: &str) -> Option<Code> {
        check(&jwt(claims), EXPECTED).err().map(|error| error.code())
    }

    #[test]
    fn negative_n16_both_members_of_cnf_are_tolerated() {
        let claims =
            r#"{"iss":"https://as.example","aud":"https://api.example","cnf":{"jkt":"k"},"iat":100,"exp":400}"#;
        assert_eq!(check(&jwt(claims), EXPECTED).unwrap().unwrap().lifetime_s, Some(300));
        let both = r#"{"iss":"https://as.example","aud":["x","https://api.example"],"cnf":{"jkt":"k","x5t#S256":"c"}}"#;
        assert_eq!(outcome(both), None);
        let bound_to_certificate = Expected { binding: Binding::Certificate("c"), ..EXPECTED };
        assert!(check(&jwt(both), bound_to_certificate).is_ok());
    }

    #[test]
    fn negative_n16_a_token_of_another_is_refused() {
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
    fn negative_n16_an_opaque_token_passes_unseen() {
        for token in ["opaque", "a.b.c", "", "a.b", "e30.e30.e30", "e30.e30.e30.e30"] {
            assert!(check(token, EXPECTED).unwrap().is_none(), "{token}");
        }
    }

    #[test]
    fn negative_n29_an_algorithm_that_is_not_taken_is_refused_before_any_key_is_looked_for() {
        let claims = r#"{"iss":"https://as.example","aud":"https://api.example","cnf":{"jkt":"k"}}"#;
        let signed_by =
            |alg: &str| format!("{}.{}.c2ln", base64url(format!(r#"{{"alg":"{alg}"}}"#)), base64url(claims));
        for alg in ["none", "HS256", "HS512", "RS256", "RS1", "ES384"] {
            assert_eq!(check(&signed_by(alg), EXPECTED).unwrap_err().code(), Code::TokenSignatureInvalid, "{alg}");
        }
        assert!(check(&signed_by("RS256"), Expected { allow_rs256: true, ..EXPECTED }).is_ok());
        let unsigned = format!("{}.{}.", base64url(r#"{"alg":"none"}"#), base64url(claims));
        assert_eq!(check(&unsigned, EXPECTED).unwrap_err().code(), Code::TokenSignatureInvalid);
    }

    #[test]
    fn negative_n29_a_malformed_jwt_is_not_taken_for_an_opaque_token() {
        let padded = base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE, r#"{"alg":"ES256"  }"#);
        let token = format!("{padded}.{}.c2ln", base64url("{}"));
        assert_eq!(check(&token, EXPECTED).unwrap_err().code(), Code::UnexpectedAnswer);
    }
}
