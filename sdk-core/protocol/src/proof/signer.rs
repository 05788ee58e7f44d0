//! Private keys that sign. A trait, so that a PKCS#11 token or a KMS can stand behind it later (identity §1).

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _};
use gladhand_documents::error::{Code, Error, Result};

use super::base64url;
use super::jwk::Jwk;
use super::rsa_key::Ps256Key;

/// A signature algorithm by its JOSE name (RFC 7518 §3.1, RFC 9864).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Algorithm {
    /// ECDSA on P-256 with SHA-256: the default.
    Es256,
    /// Ed25519 (RFC 8037), named `EdDSA` on the wire, which servers of both generations know.
    EdDsa,
    /// RSASSA-PSS with SHA-256.
    Ps256,
}

impl Algorithm {
    /// The value of `alg`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
            Self::Ps256 => "PS256",
        }
    }

    /// The algorithm of this JOSE name; `Ed25519` (RFC 9864) is another name of `EdDSA`. `None` for one that we do not sign
    /// with.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "ES256" => Some(Self::Es256),
            "EdDSA" | "Ed25519" => Some(Self::EdDsa),
            "PS256" => Some(Self::Ps256),
            _ => None,
        }
    }
}

/// A private key that signs, with its public half. `Debug` shows the public half only.
pub trait Signer: fmt::Debug + Send + Sync {
    /// The algorithm.
    fn algorithm(&self) -> Algorithm;

    /// The public half.
    fn jwk(&self) -> &Jwk;

    /// The signature of `message` in JOSE form (RFC 7518 §3.4: r and s side by side, not DER).
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>>;
}

/// A P-256 key.
pub struct Es256Key {
    pair: EcdsaKeyPair,
    jwk: Jwk,
}

impl Es256Key {
    /// Takes a key pair over. It must be on P-256 and sign in the fixed form, as `ECDSA_P256_SHA256_FIXED_SIGNING` makes.
    pub fn new(pair: EcdsaKeyPair) -> Result<Self> {
        // SEC1 uncompressed: 0x04, x, y.
        let point = pair.public_key().as_ref();
        match point {
            [4, rest @ ..] if rest.len() == 64 && *pair.algorithm() == ECDSA_P256_SHA256_FIXED_SIGNING => {
                let jwk = Jwk::Ec { crv: "P-256".to_owned(), x: base64url(&rest[..32]), y: base64url(&rest[32..]) };
                Ok(Self { pair, jwk })
            }
            _ => Err(unusable("is not a P-256 key for ES256")),
        }
    }

    /// Reads a private key: PKCS#8 or SEC1, DER.
    pub fn from_der(der: &[u8]) -> Result<Self> {
        let pair = EcdsaKeyPair::from_private_key_der(&ECDSA_P256_SHA256_FIXED_SIGNING, der)
            .map_err(|error| unusable("is not a P-256 key in PKCS#8 or SEC1").caused_by(&error))?;
        Self::new(pair)
    }
}

impl fmt::Debug for Es256Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Es256Key").field("jwk", &self.jwk).finish_non_exhaustive()
    }
}

impl Signer for Es256Key {
    fn algorithm(&self) -> Algorithm {
        Algorithm::Es256
    }

    fn jwk(&self) -> &Jwk {
        &self.jwk
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>> {
        // The per-signature secret is aws-lc's own; it ignores the generator that its interface asks for.
        let signature = self.pair.sign(&SystemRandom::new(), message).map_err(|error| cannot_sign(&error))?;
        Ok(signature.as_ref().to_vec())
    }
}

/// An Ed25519 key.
pub struct Ed25519Key {
    pair: Ed25519KeyPair,
    jwk: Jwk,
}

impl Ed25519Key {
    /// Takes a key pair over.
    pub fn new(pair: Ed25519KeyPair) -> Self {
        let jwk = Jwk::Okp { crv: "Ed25519".to_owned(), x: base64url(pair.public_key().as_ref()) };
        Self { pair, jwk }
    }

    /// Reads a private key: PKCS#8 v1 or v2, DER.
    pub fn from_der(der: &[u8]) -> Result<Self> {
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der)
            .map_err(|error| unusable("is not an Ed25519 key in PKCS#8").caused_by(&error))?;
        Ok(Self::new(pair))
    }
}

impl fmt::Debug for Ed25519Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ed25519Key").field("jwk", &self.jwk).finish_non_exhaustive()
    }
}

impl Signer for Ed25519Key {
    fn algorithm(&self) -> Algorithm {
        Algorithm::EdDsa
    }

    fn jwk(&self) -> &Jwk {
        &self.jwk
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>> {
        Ok(self.pair.sign(message).as_ref().to_vec())
    }
}

/// Reads a private key of any kind that signs: P-256 (PKCS#8, SEC1), Ed25519 (PKCS#8) or RSA (PKCS#8, PKCS#1).
pub fn from_der(der: &[u8]) -> Result<Arc<dyn Signer>> {
    if let Ok(key) = Es256Key::from_der(der) {
        return Ok(Arc::new(key));
    }
    if let Ok(key) = Ed25519Key::from_der(der) {
        return Ok(Arc::new(key));
    }
    match Ps256Key::from_der(der) {
        Ok(key) => Ok(Arc::new(key)),
        Err(_) => Err(unusable("is neither P-256, nor Ed25519, nor RSA of at least 2048 bits")),
    }
}

pub(super) fn unusable(what: &str) -> Error {
    Error::new(Code::ConfigInvalid, format!("the signing key {what}"))
}

pub(super) fn cannot_sign(cause: &dyn std::error::Error) -> Error {
    Error::new(Code::InternalPanic, "the cryptographic library could not sign").caused_by(cause)
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::encoding::{AsDer as _, EcPrivateKeyRfc5915Der};
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED_SIGNING, UnparsedPublicKey};

    use super::*;

    #[test]
    fn a_p_256_key_is_read_from_pkcs_8_and_from_sec_1() {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let sec_1: EcPrivateKeyRfc5915Der<'_> = pair.private_key().as_der().unwrap();
        for der in [pair.to_pkcs8v1().unwrap().as_ref(), sec_1.as_ref()] {
            let key = Es256Key::from_der(der).unwrap();
            let signature = key.sign(b"message").unwrap();
            assert_eq!(signature.len(), 64, "r and s side by side");
            let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, pair.public_key().as_ref());
            assert!(public.verify(b"message", &signature).is_ok());
        }
    }

    #[test]
    fn a_key_of_another_curve_is_refused() {
        let pair = EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).unwrap();
        assert!(Es256Key::from_der(pair.to_pkcs8v1().unwrap().as_ref()).is_err());
        assert!(Es256Key::new(pair).is_err());
        assert!(Ed25519Key::from_der(b"").is_err());
    }
}
