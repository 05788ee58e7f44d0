//! [`Material`]: one identity, loaded and checked: certificate chain, key, trust and revocation lists. It never changes;
//! a renewed certificate, bundle or list is another material.

use std::fmt;
use std::sync::Arc;

use gladhand_documents::error::{Code, Error, Result};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SigningKey};

use super::facts::CertificateFacts;
use super::pem::Contents;
use super::revocation::RevocationLists;
use super::trust::Trust;
use crate::clock::Clock;
use crate::config::{IdentityConfig, IdentitySource};
use crate::observe::{Expiry, Subject};

/// Our certificate chain, the key that belongs to it, whom we trust, and what is revoked.
pub struct Material {
    certified: Arc<CertifiedKey>,
    trust: Trust,
    revocation: RevocationLists,
    facts: CertificateFacts,
}

impl Material {
    /// Puts a material together. `chain`: leaf first. The key may be any signer, so that one in a token or a key service
    /// serves too; whether it belongs to the certificate is checked where it tells its public key.
    ///
    /// Codes: `certificate_unreadable`, `key_mismatch`.
    pub fn new(
        chain: Vec<CertificateDer<'static>>,
        key: Arc<dyn SigningKey>,
        trust: Trust,
        revocation: RevocationLists,
    ) -> Result<Self> {
        let facts = CertificateFacts::read(chain.first().map_or(&[], |leaf| leaf.as_ref()))?;
        let certified = CertifiedKey::new(chain, key);
        match certified.keys_match() {
            Ok(()) | Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::Unknown)) => {}
            Err(_) => {
                let why = format!("the key does not belong to the certificate {}", facts.fingerprint());
                return Err(Error::new(Code::KeyMismatch, why));
            }
        }
        Ok(Self { certified: Arc::new(certified), trust, revocation, facts })
    }

    /// Loads the files or texts of this configuration once, without watching them.
    ///
    /// Codes: `certificate_unreadable`, `key_mismatch`, `certificate_expired`; `config_invalid` if the identity does not
    /// come from PEM.
    pub fn load(config: &IdentityConfig, clock: &dyn Clock) -> Result<Self> {
        let IdentitySource::Pem(source) = &config.source else {
            return Err(Error::new(Code::ConfigInvalid, "`identity.source` is spiffe, which is no PEM to load"));
        };
        Self::of_pem(&Contents::read(source, config.crl.as_ref())?, clock)
    }

    /// The material of these texts. Codes as [`Material::load`].
    pub(super) fn of_pem(contents: &Contents, clock: &dyn Clock) -> Result<Self> {
        let key = signing_key(&contents.key()?, &contents.key_name())?;
        let material = Self::new(contents.chain()?, key, contents.trust()?, contents.revocation()?)?;
        material.check_validity(clock)?;
        Ok(material)
    }

    /// What may be shown of the certificate.
    pub fn facts(&self) -> &CertificateFacts {
        &self.facts
    }

    /// Whom we trust.
    pub fn trust(&self) -> &Trust {
        &self.trust
    }

    /// What is revoked.
    pub fn revocation(&self) -> &RevocationLists {
        &self.revocation
    }

    pub(super) fn certified(&self) -> &Arc<CertifiedKey> {
        &self.certified
    }

    /// Fails with `certificate_expired` outside the certificate's validity: asked before every connection, so that an
    /// expired certificate is our error and not a puzzling refusal by the peer.
    pub fn check_validity(&self, clock: &dyn Clock) -> Result<()> {
        let (now, facts) = (clock.now(), &self.facts);
        let why = if now < facts.not_before() {
            format!("the client certificate {} is valid only from {}", facts.fingerprint(), facts.not_before())
        } else if now > facts.not_after() {
            format!("the client certificate {} was valid until {}", facts.fingerprint(), facts.not_after())
        } else {
            return Ok(());
        };
        Err(Error::new(Code::CertificateExpired, why))
    }

    /// What of it ends: the certificate, the trust anchors, the revocation lists.
    pub fn expiries(&self) -> Vec<Expiry> {
        let certificate = Expiry {
            subject: Subject::Certificate,
            id: self.facts.fingerprint().to_owned(),
            carrier: None,
            from: self.facts.not_before(),
            until: self.facts.not_after(),
        };
        let mut out = vec![certificate];
        out.extend(self.trust.expiries());
        out.extend(self.revocation.expiries());
        out
    }
}

impl fmt::Debug for Material {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Material")
            .field("facts", &self.facts)
            .field("trust", &self.trust)
            .field("revocation", &self.revocation)
            .finish_non_exhaustive()
    }
}

/// The signer of a key in memory.
pub(super) fn signing_key(key: &PrivateKeyDer<'static>, name: &str) -> Result<Arc<dyn SigningKey>> {
    rustls::crypto::aws_lc_rs::sign::any_supported_type(key).map_err(|error| {
        Error::new(Code::CertificateUnreadable, format!("the key {name} is of no supported type")).caused_by(&error)
    })
}
