//! The key that proves possession: a new one per process and generation, so that there is nothing to store and nothing to
//! share, or one of our own where the carrier registers keys (identity §3).

use std::sync::Arc;

use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, RsaKeyPair};
use gladhand_documents::error::{Code, Error, Result};
use gladhand_protocol::proof::dpop::DpopKey;
use gladhand_protocol::proof::rsa_key::Ps256Key;
use gladhand_protocol::proof::signer::{Algorithm, Ed25519Key, Es256Key, Signer};

use super::private_pem;
use crate::config::DpopConfig;

/// The key of a carrier's generation. Errors: `config_invalid` where the key file is of another algorithm than
/// `dpop_algorithm`, `certificate_unreadable`.
pub(crate) fn dpop_key(config: &DpopConfig, carrier: &str) -> Result<DpopKey> {
    let Some(source) = &config.key else { return generate(config.algorithm).map(DpopKey::new) };
    let setting = format!("carriers.{carrier}.dpop_key");
    let keys = private_pem::signers(source, &setting)?;
    match keys.as_slice() {
        [key] if key.algorithm() == config.algorithm => Ok(DpopKey::new(key.clone())),
        [key] => {
            let (found, asked) = (key.algorithm().as_str(), config.algorithm.as_str());
            let why = format!("`{setting}` signs {found}, and `carriers.{carrier}.dpop_algorithm` is {asked}");
            Err(Error::new(Code::ConfigInvalid, why))
        }
        _ => Err(Error::new(Code::ConfigInvalid, format!("`{setting}` holds several keys; a proof is made with one"))),
    }
}

fn generate(algorithm: Algorithm) -> Result<Arc<dyn Signer>> {
    let failed = |error: Unspecified| Error::new(Code::InternalPanic, "no DPoP key could be made").caused_by(&error);
    Ok(match algorithm {
        Algorithm::EdDsa => Arc::new(Ed25519Key::new(Ed25519KeyPair::generate().map_err(failed)?)),
        Algorithm::Ps256 => Arc::new(Ps256Key::new(RsaKeyPair::generate(KeySize::Rsa2048).map_err(failed)?)?),
        _ => Arc::new(Es256Key::new(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(failed)?)?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::tests::assertion_pem;
    use crate::config::PemSource;
    use crate::secret::Secret;

    fn config(algorithm: Algorithm, pem: Option<String>) -> DpopConfig {
        DpopConfig { algorithm, key: pem.map(|pem| PemSource::Inline(Secret::new(pem))) }
    }

    #[test]
    fn a_key_of_each_algorithm_is_made_and_none_twice() {
        for algorithm in [Algorithm::Es256, Algorithm::EdDsa, Algorithm::Ps256] {
            let key = || dpop_key(&config(algorithm, None), "aurora").unwrap();
            assert_ne!(key().thumbprint(), key().thumbprint());
        }
    }

    #[test]
    fn a_persisted_key_stays_the_same_and_must_be_of_the_algorithm() {
        let pem = assertion_pem();
        let key = || dpop_key(&config(Algorithm::Es256, Some(pem.clone())), "aurora").unwrap();
        assert_eq!(key().thumbprint(), key().thumbprint());
        let error = dpop_key(&config(Algorithm::Ps256, Some(pem.clone())), "aurora").unwrap_err();
        assert_eq!(error.code(), Code::ConfigInvalid);
        assert!(error.message().contains("carriers.aurora.dpop_algorithm"), "{error}");
        let two = format!("{pem}{}", assertion_pem());
        assert_eq!(dpop_key(&config(Algorithm::Es256, Some(two)), "aurora").unwrap_err().code(), Code::ConfigInvalid);
    }
}
