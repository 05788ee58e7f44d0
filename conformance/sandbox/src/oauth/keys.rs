//! The ES256 key of the authorization server, the access tokens it signs, and their verification at the API.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use gladhand_documents::error::Code;
use jsonwebtoken::jwk::{Jwk, JwkSet, PublicKeyUse, ThumbprintHash};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, decode_header, encode};
use serde::{Deserialize, Serialize};

use crate::oauth::clients::Consent;
use crate::problem::{Problem, Result};

/// Lifetime of an access token, in seconds.
pub const LIFETIME_S: u64 = 300;

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

/// The signing key and its public half.
pub struct TokenKeys {
    signing: EncodingKey,
    verifying: DecodingKey,
    public: Jwk,
    kid: String,
}

impl TokenKeys {
    /// A fresh key.
    pub fn generate() -> Self {
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
            .expect("the operating system has randomness");
        let signing = EncodingKey::from_ec_der(pkcs8.as_ref());
        let mut public = Jwk::from_encoding_key(&signing, Algorithm::ES256).expect("a fresh P-256 key has a JWK");
        let kid = public.thumbprint(ThumbprintHash::SHA256).expect("a P-256 key has a thumbprint");
        public.common.key_id = Some(kid.clone());
        public.common.public_key_use = Some(PublicKeyUse::Signature);
        let verifying = DecodingKey::from_jwk(&public).expect("its own JWK verifies");
        Self { signing, verifying, public, kid }
    }

    /// The key set to publish.
    pub fn jwks(&self) -> JwkSet {
        JwkSet { keys: vec![self.public.clone()] }
    }

    /// Signs an access token.
    pub fn sign(&self, claims: &Claims) -> String {
        let mut header = Header::new(Algorithm::ES256);
        header.typ = Some("at+jwt".to_owned());
        header.kid = Some(self.kid.clone());
        encode(&header, claims, &self.signing).expect("claims serialise and a P-256 key signs")
    }

    /// Checks signature, type, issuer, audience and lifetime of a presented token.
    pub fn verify(&self, token: &str, issuer: &str, audience: &str, now: u64) -> Result<Claims> {
        let invalid = |detail: &str| Problem::new(Code::TokenInvalid, detail);
        let header = decode_header(token).map_err(|_| invalid("the access token is no JWT"))?;
        if header.typ.as_deref() != Some("at+jwt") {
            return Err(invalid("the token is not of type at+jwt"));
        }
        let mut validation = Validation::new(Algorithm::ES256);
        validation.validate_exp = false; // Below, with the sandbox's own clock.
        validation.set_issuer(&[issuer]);
        validation.set_audience(&[audience]);
        let claims = decode::<Claims>(token, &self.verifying, &validation)
            .map_err(|e| invalid(&format!("the access token is refused: {e}")))?
            .claims;
        if claims.exp <= now {
            return Err(Problem::new(Code::TokenExpired, "the access token has expired"));
        }
        Ok(claims)
    }
}
