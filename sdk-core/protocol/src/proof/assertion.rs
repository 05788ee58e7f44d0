//! Client assertions (RFC 7523 §2.2): a short-lived statement, signed by the client's registered key, that the one who
//! asks for a token is the client.

use gladhand_documents::error::Result;

use super::signer::Signer;
use super::{base64url, json_string, jws};

/// The value of `client_assertion_type` (RFC 7523 §2.2).
pub const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// The longest life of an assertion, in seconds (identity §2).
pub const MAX_LIFETIME_S: i64 = 60;

/// What one assertion says.
#[derive(Clone, Copy, Debug)]
pub struct Assertion<'a> {
    /// The client, which is both issuer and subject (RFC 7523 §3).
    pub client_id: &'a str,
    /// The authorization server's **issuer**, as one string. Never the token endpoint: an endpoint comes from metadata,
    /// and a hostile server could name another's (CVE-2025-27370, CVE-2025-27371).
    pub issuer: &'a str,
    /// Unique per assertion, fresh on every attempt.
    pub jti: &'a str,
    /// When it is made: seconds since 1970.
    pub issued_at: i64,
}

impl Assertion<'_> {
    /// The assertion as the value of `client_assertion`. It expires [`MAX_LIFETIME_S`] after it was made; `kid` is the
    /// key's thumbprint.
    pub fn sign(&self, signer: &dyn Signer) -> Result<String> {
        let header =
            format!(r#"{{"typ":"JWT","alg":"{}","kid":"{}"}}"#, signer.algorithm().as_str(), signer.jwk().thumbprint());
        let client = json_string(self.client_id);
        let claims = format!(
            r#"{{"iss":{client},"sub":{client},"aud":{},"jti":{},"iat":{},"exp":{}}}"#,
            json_string(self.issuer),
            json_string(self.jti),
            self.issued_at,
            self.issued_at.saturating_add(MAX_LIFETIME_S)
        );
        jws::sign(&base64url(header), claims.as_bytes(), signer)
    }
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
    use serde_json::Value;

    use super::super::dpop::tests::{key, public_jwk};
    use super::*;

    #[test]
    fn another_implementation_accepts_it() {
        let signer = key();
        let jwt =
            Assertion { client_id: "tms-\"acme\"", issuer: "https://as.example", jti: "j-1", issued_at: 1_771_574_400 }
                .sign(&*signer)
                .unwrap();
        let mut rules = Validation::new(Algorithm::ES256);
        rules.set_audience(&["https://as.example"]);
        rules.set_issuer(&["tms-\"acme\""]);
        rules.validate_exp = false;
        let token = decode::<Value>(&jwt, &DecodingKey::from_jwk(&public_jwk(&*signer)).unwrap(), &rules).unwrap();
        assert_eq!(token.header.kid, Some(signer.jwk().thumbprint()));
        assert_eq!(token.claims["sub"], "tms-\"acme\"");
        assert_eq!(token.claims["aud"], "https://as.example", "one string, not a list");
        assert_eq!(token.claims["exp"].as_i64().unwrap() - token.claims["iat"].as_i64().unwrap(), 60);
    }
}
