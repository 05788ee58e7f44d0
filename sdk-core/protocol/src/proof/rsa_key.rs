//! RSA keys that sign PS256 (RFC 7518 §3.5). About thirty times dearer than ES256 (docs/performance.md): for carriers that
//! register nothing else.

use std::fmt;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{KeyPair as _, RSA_PSS_SHA256, RsaKeyPair, RsaPublicKeyComponents};
use gladhand_documents::error::Result;

use super::base64url;
use super::jwk::Jwk;
use super::signer::{Algorithm, Signer, cannot_sign, unusable};

/// The shortest modulus that signs, in bytes (FAPI 2.0 §5.4.1: at least 2048 bits).
const MIN_MODULUS_BYTES: usize = 256;

/// An RSA key of at least 2048 bits.
pub struct Ps256Key {
    pair: RsaKeyPair,
    jwk: Jwk,
}

impl Ps256Key {
    /// Takes a key pair over.
    pub fn new(pair: RsaKeyPair) -> Result<Self> {
        if pair.public_modulus_len() < MIN_MODULUS_BYTES {
            return Err(unusable("is an RSA key of less than 2048 bits"));
        }
        let public = RsaPublicKeyComponents::<Vec<u8>>::from(pair.public_key());
        let jwk = Jwk::Rsa { e: base64url(public.e), n: base64url(public.n) };
        Ok(Self { pair, jwk })
    }

    /// Reads a private key: PKCS#8 or PKCS#1, DER.
    pub fn from_der(der: &[u8]) -> Result<Self> {
        let pair = RsaKeyPair::from_pkcs8(der)
            .or_else(|_| RsaKeyPair::from_der(der))
            .map_err(|error| unusable("is not an RSA key in PKCS#8 or PKCS#1").caused_by(&error))?;
        Self::new(pair)
    }
}

impl fmt::Debug for Ps256Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ps256Key").field("jwk", &self.jwk).finish_non_exhaustive()
    }
}

impl Signer for Ps256Key {
    fn algorithm(&self) -> Algorithm {
        Algorithm::Ps256
    }

    fn jwk(&self) -> &Jwk {
        &self.jwk
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>> {
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair
            .sign(&RSA_PSS_SHA256, &SystemRandom::new(), message, &mut signature)
            .map_err(|error| cannot_sign(&error))?;
        Ok(signature)
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::encoding::AsDer as _;
    use aws_lc_rs::rsa::KeySize;
    use aws_lc_rs::signature::RSA_PSS_2048_8192_SHA256;

    use super::*;

    #[test]
    fn an_rsa_key_is_read_and_signs_what_another_check_accepts() {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let pkcs_8: aws_lc_rs::encoding::Pkcs8V1Der<'_> = pair.as_der().unwrap();
        let key = Ps256Key::from_der(pkcs_8.as_ref()).unwrap();
        let signature = key.sign(b"message").unwrap();
        let public = RsaPublicKeyComponents::<Vec<u8>>::from(pair.public_key());
        assert!(public.verify(&RSA_PSS_2048_8192_SHA256, b"message", &signature).is_ok());
        assert!(!format!("{key:?}").contains("pair"));
        assert!(Ps256Key::from_der(b"no key").is_err());
    }
}
