//! Who we are: the state of our credentials, their rotation, and the security events.

use gladhand::config::PemSource;
use gladhand::identity::PemUpdate;
use gladhand::secret::Secret;
use gladhand_documents::error::{Code, Error, Result};
use gladhand_documents::json::Document;

use crate::client::Client;
use crate::stream::{SecurityEvents, SecurityLogReader};
use crate::task::{CancelToken, Task, guard};

/// PEM texts that take the place of present ones. `None` keeps what there is. `Debug` shows none of them.
#[derive(Clone, Default)]
pub struct Pem {
    /// The certificate chain, leaf first; with its key.
    pub certificate: Option<String>,
    /// The key of the certificate.
    pub private_key: Option<String>,
    /// The trust roots.
    pub trust: Option<String>,
    /// The revocation lists.
    pub crl: Option<String>,
}

impl std::fmt::Debug for Pem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pem")
    }
}

impl Pem {
    fn update(self) -> Result<PemUpdate> {
        let source = |text: String| PemSource::Inline(Secret::new(text));
        let pair = match (self.certificate, self.private_key) {
            (Some(certificate), Some(key)) => Some((source(certificate), source(key))),
            (None, None) => None,
            _ => return Err(Error::new(Code::InvalidArgument, "`certificate` and `private_key` change together")),
        };
        Ok(PemUpdate { pair, trust: self.trust.map(source), crl: self.crl.map(source) })
    }
}

impl Client {
    /// What we are known by, when it ends, and how often which security event happened: an IdentityStatus. No IO.
    pub fn identity_status(&self) -> Result<Document> {
        let core = self.core()?;
        guard(|| core.identity_status())
    }

    /// What is negotiated with a carrier on a new connection: a ConnectionFacts.
    pub fn connection_facts(&self, carrier: String, cancel: &CancelToken) -> Task<Document> {
        self.run(cancel, |core| async move { core.connection_facts(&carrier).await })
    }

    /// Takes other PEM where the identity is in memory; ends when every carrier is called with it.
    pub fn identity_replace(&self, pem: Pem, cancel: &CancelToken) -> Task<()> {
        self.run(cancel, |core| async move { core.update_identity(pem.update()?).await })
    }

    /// A new generation of the present identity: new connections, tokens and DPoP key.
    pub fn identity_rotate(&self, cancel: &CancelToken) -> Task<()> {
        self.run(cancel, |core| async move { core.rotate().await })
    }

    /// Takes the identity away at once; calls fail with `identity_revoked` until there is a new one.
    pub fn identity_revoke_now(&self) -> Result<()> {
        let core = self.core()?;
        guard(|| core.revoke_now())
    }

    /// The public keys of our assertions, for the host to serve at its registered address: a JwkSet.
    pub fn jwks(&self, cancel: &CancelToken) -> Task<Document> {
        self.run(cancel, |core| async move { core.jwks().await })
    }

    /// Security events from now on, each an OCSF 1.6 document; ends with the client.
    pub fn security_events(&self) -> Result<SecurityEvents> {
        let core = self.core()?;
        guard(|| Ok(SecurityEvents::new(SecurityLogReader::new(core.security_events(), self.closed()))))
    }
}
