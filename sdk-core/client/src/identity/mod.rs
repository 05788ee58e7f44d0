//! Who we are and whom we trust: the client certificate, its key and the trust roots, as one object that never changes.
//! A renewed certificate is a new [`Identity`] in a new [`Generation`] (architecture, decision 6).
//!
//! * [`Identity`]: loaded, matched and inside its validity.
//! * [`CertificateFacts`]: what may be shown of a certificate.
//! * [`Generation`]: certificate, TLS configuration, connections, DPoP key and tokens, published together.
//! * `pem`: reads the files. `tls`: the TLS policy.

mod facts;
mod generation;
mod pem;
mod tls;

use std::fmt;
use std::sync::Arc;

use gladhand_documents::error::{Code, Error, Result};
use rustls::RootCertStore;
use rustls::pki_types::PrivateKeyDer;
use rustls::sign::CertifiedKey;

pub use facts::CertificateFacts;
pub use generation::Generation;

use crate::clock::{Clock, SharedClock};
use crate::config::IdentityConfig;

/// Our certificate chain, the key that belongs to it, and the roots that peers must lead to.
pub struct Identity {
    certified: Arc<CertifiedKey>,
    roots: Arc<RootCertStore>,
    facts: CertificateFacts,
}

impl Identity {
    /// Loads and checks. Codes: `certificate_unreadable`, `key_mismatch`, `certificate_expired`.
    pub fn load(config: &IdentityConfig, clock: &dyn Clock) -> Result<Self> {
        let chain = pem::certificates(&config.certificate, "identity.certificate")?;
        let key = pem::private_key(&config.private_key, "identity.private_key")?;
        let roots = pem::roots(&config.trust, "identity.trust")?;
        let facts = CertificateFacts::read(chain.first().map_or(&[], |leaf| leaf.as_ref()))?;
        let certified = CertifiedKey::new(chain, signing_key(&key, &config.private_key.name())?);
        if certified.keys_match().is_err() {
            let why = format!(
                "the key {} does not belong to the certificate {} ({})",
                config.private_key.name(),
                config.certificate.name(),
                facts.thumbprint()
            );
            return Err(Error::new(Code::KeyMismatch, why));
        }
        let identity = Self { certified: Arc::new(certified), roots: Arc::new(roots), facts };
        identity.check_validity(clock)?;
        Ok(identity)
    }

    /// What may be shown of the certificate.
    pub fn facts(&self) -> &CertificateFacts {
        &self.facts
    }

    /// Fails with `certificate_expired` outside the certificate's validity: asked before every connection, so that an
    /// expired certificate is our error and not a puzzling refusal by the peer.
    pub fn check_validity(&self, clock: &dyn Clock) -> Result<()> {
        let (now, facts) = (clock.now(), &self.facts);
        let why = if now < facts.not_before() {
            format!("the client certificate {} is valid only from {}", facts.thumbprint(), facts.not_before())
        } else if now > facts.not_after() {
            format!("the client certificate {} was valid until {}", facts.thumbprint(), facts.not_after())
        } else {
            return Ok(());
        };
        Err(Error::new(Code::CertificateExpired, why))
    }

    /// The TLS configuration for a peer, whose certificate must carry `server_name` where one is given and else the host
    /// that is dialled.
    pub(crate) fn tls(&self, server_name: Option<&str>, clock: &SharedClock) -> Result<Arc<rustls::ClientConfig>> {
        tls::client(self.certified.clone(), self.roots.clone(), server_name, clock)
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").field("facts", &self.facts).finish_non_exhaustive()
    }
}

fn signing_key(key: &PrivateKeyDer<'static>, name: &str) -> Result<Arc<dyn rustls::sign::SigningKey>> {
    rustls::crypto::aws_lc_rs::sign::any_supported_type(key).map_err(|error| {
        Error::new(Code::CertificateUnreadable, format!("the key {name} is of no supported type")).caused_by(&error)
    })
}

#[cfg(test)]
mod tests;
