//! Public keys as JSON Web Keys, and their thumbprints.

use serde_json::Value;

use super::base64url_sha256;

/// A public key (RFC 7517). Only what identifies it: no `kid`, no `use`, and never a private member.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Jwk {
    /// An elliptic curve key (RFC 7518 §6.2); coordinates in base64url.
    Ec {
        /// The curve, such as `P-256`.
        crv: String,
        /// The x coordinate.
        x: String,
        /// The y coordinate.
        y: String,
    },
    /// An octet key pair (RFC 8037 §2).
    Okp {
        /// The curve, such as `Ed25519`.
        crv: String,
        /// The public key.
        x: String,
    },
    /// An RSA key (RFC 7518 §6.3).
    Rsa {
        /// The exponent.
        e: String,
        /// The modulus.
        n: String,
    },
}

impl Jwk {
    /// Reads a key, ignoring members that do not identify it. `None` for an unknown type or one with a missing member.
    pub fn from_value(value: &Value) -> Option<Self> {
        let text = |name: &str| value.get(name)?.as_str().map(str::to_owned);
        match value.get("kty")?.as_str()? {
            "EC" => Some(Self::Ec { crv: text("crv")?, x: text("x")?, y: text("y")? }),
            "OKP" => Some(Self::Okp { crv: text("crv")?, x: text("x")? }),
            "RSA" => Some(Self::Rsa { e: text("e")?, n: text("n")? }),
            _ => None,
        }
    }

    /// The JSON text with the required members in lexicographic order and no white space: at once the header member
    /// `jwk` and the input of the thumbprint (RFC 7638 §3.2, RFC 8037 §2).
    pub fn to_json(&self) -> String {
        // base64url and curve names need no escaping; anything else that a peer put there is escaped all the same.
        let members: &[(&str, &str)] = match self {
            Self::Ec { crv, x, y } => &[("crv", crv), ("kty", "EC"), ("x", x), ("y", y)],
            Self::Okp { crv, x } => &[("crv", crv), ("kty", "OKP"), ("x", x)],
            Self::Rsa { e, n } => &[("e", e), ("kty", "RSA"), ("n", n)],
        };
        let members: Vec<String> =
            members.iter().map(|(name, value)| format!("\"{name}\":{}", super::json_string(value))).collect();
        format!("{{{}}}", members.join(","))
    }

    /// The SHA-256 thumbprint in base64url (RFC 7638): `jkt` of a DPoP-bound token, and `kid` of what we publish.
    pub fn thumbprint(&self) -> String {
        base64url_sha256(self.to_json())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn thumbprint(json: &str) -> String {
        Jwk::from_value(&serde_json::from_str(json).unwrap()).unwrap().thumbprint()
    }

    #[test]
    fn rfc_7638_section_3_1() {
        let key = r#"{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"}"#;
        assert_eq!(thumbprint(key), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    }

    #[test]
    fn rfc_8037_appendix_a_3() {
        let key = r#"{"crv":"Ed25519","kty":"OKP","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
        assert_eq!(thumbprint(key), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }

    #[test]
    fn rfc_9449_section_4_1() {
        let key = r#"{"kty":"EC","x":"l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs","y":"9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA","crv":"P-256"}"#;
        assert_eq!(thumbprint(key), "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I");
    }

    #[test]
    fn a_key_of_unknown_type_or_with_a_missing_member_is_none() {
        for json in [r#"{"kty":"oct","k":"AA"}"#, r#"{"kty":"EC","crv":"P-256","x":"AA"}"#, "[]", r#"{"kty":7}"#] {
            assert_eq!(Jwk::from_value(&serde_json::from_str(json).unwrap()), None, "{json}");
        }
    }

    #[test]
    fn a_private_member_never_comes_out() {
        let key = r#"{"kty":"OKP","crv":"Ed25519","x":"AA","d":"canary"}"#;
        assert!(!Jwk::from_value(&serde_json::from_str(key).unwrap()).unwrap().to_json().contains("canary"));
    }
}
