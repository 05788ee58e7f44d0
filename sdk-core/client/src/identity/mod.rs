//! Who we are and whom we trust, and how both change while calls go on (identity §1; architecture, decision 6).
//!
//! * [`Identity`]: a source that yields [`Material`] again and again: [`FileIdentity`], [`InlineIdentity`] and, with the
//!   feature `spiffe`, `SpiffeIdentity`.
//! * [`Material`]: chain, key, [`Trust`] and [`RevocationLists`]: loaded, matched, inside its validity, never changing.
//! * [`CertificateFacts`]: what may be shown of a certificate.
//! * [`Generation`]: material, TLS configuration, connections, DPoP key and tokens of one carrier, published together.
//! * [`Epochs`]: the generation in use, those that drain, and how one takes the other's place.
//! * [`SpiffeId`]: whom a SPIFFE certificate names.
//! * `rotation`: watches the source and publishes. `pem`: reads texts. `tls`: the TLS configuration.
//! * [`PeerVerifier`]: path, revocation and name of a peer. [`tls_policy`]: what may be negotiated.

pub(crate) mod epochs;
mod facts;
mod file;
mod generation;
mod inline;
#[cfg(feature = "spiffe")]
mod list_file;
mod material;
mod pem;
mod policy;
mod revocation;
pub(crate) mod rotation;
mod spiffe_id;
mod svid;
mod tls;
mod trust;
pub(crate) mod verifier;
#[cfg(feature = "spiffe")]
mod workload;

use std::fmt;
use std::sync::Arc;

use gladhand_documents::error::{Code, Error, Result};

pub use epochs::Epochs;
pub use facts::CertificateFacts;
pub use file::FileIdentity;
pub use generation::Generation;
pub use inline::InlineIdentity;
pub use material::Material;
pub(crate) use policy::name_of as suite_name;
pub use policy::{TlsPolicy, tls_policy};
pub use revocation::{ListFacts, RevocationLists};
pub use spiffe_id::SpiffeId;
pub use trust::{Anchors, Trust};
pub use verifier::{Authorizer, PeerVerifier};
#[cfg(feature = "spiffe")]
pub use workload::SpiffeIdentity;

use crate::clock::SharedClock;
use crate::config::{IdentityConfig, IdentitySource, PemIdentity, PemSource};
use crate::transport::BoxFuture;

/// Where an identity comes from. One client has one source and one reader of it.
pub trait Identity: fmt::Debug + Send + Sync + 'static {
    /// The material to begin with.
    ///
    /// Codes: `certificate_unreadable`, `key_mismatch`, `certificate_expired`, `identity_unavailable`.
    fn load(&self) -> BoxFuture<'_, Result<Arc<Material>>>;

    /// Waits until something differs from what was last given out. Cancel-safe. Never ends for a source that never
    /// changes.
    fn change(&self) -> BoxFuture<'_, Change>;

    /// Takes another certificate, key, trust or list, where the source is in memory. [`Identity::change`] tells of it too.
    ///
    /// Codes: `invalid_argument` for a source that is not in memory; `certificate_unreadable`, `key_mismatch`,
    /// `certificate_expired`: then the old ones stay.
    fn update(&self, _pem: PemUpdate) -> Result<Arc<Material>> {
        Err(Error::new(
            Code::InvalidArgument,
            "the identity is not in memory: replace its files, or let the Workload API rotate it",
        ))
    }
}

/// What a source tells of itself.
#[derive(Clone, Debug)]
pub enum Change {
    /// There is another material.
    Renewed(Arc<Material>),
    /// There is something that cannot be used; the last good material stays.
    Unusable(Error),
    /// The identity was taken away; nothing may use it any more.
    Withdrawn(Error),
}

/// PEM texts that take the place of present ones; `None` keeps what there is.
#[derive(Clone, Debug, Default)]
pub struct PemUpdate {
    /// The certificate chain and its key: they change together.
    pub pair: Option<(PemSource, PemSource)>,
    /// The trust roots.
    pub trust: Option<PemSource>,
    /// The revocation lists.
    pub crl: Option<PemSource>,
}

/// The source that a configuration names.
///
/// Errors: `config_invalid` for the Workload API where this build has not the feature `spiffe`.
pub fn source(config: &IdentityConfig, clock: &SharedClock) -> Result<Arc<dyn Identity>> {
    match &config.source {
        IdentitySource::Pem(pem) => {
            let crl = config.crl.clone();
            Ok(if on_disk(pem, crl.as_ref()) {
                Arc::new(FileIdentity::new(pem.clone(), crl, clock.clone()))
            } else {
                Arc::new(InlineIdentity::new(pem.clone(), crl, clock.clone()))
            })
        }
        #[cfg(feature = "spiffe")]
        IdentitySource::Spiffe { endpoint, id } => {
            Ok(Arc::new(SpiffeIdentity::new(endpoint.clone(), id.clone(), config.crl.clone(), clock.clone())))
        }
        #[cfg(not(feature = "spiffe"))]
        IdentitySource::Spiffe { .. } => Err(Error::new(
            Code::ConfigInvalid,
            "`identity.source` is spiffe, and this build of Gladhand has no Workload API",
        )),
    }
}

fn on_disk(pem: &PemIdentity, crl: Option<&PemSource>) -> bool {
    let sources = [Some(&pem.certificate), Some(&pem.private_key), Some(&pem.trust), crl];
    sources.into_iter().flatten().any(|source| matches!(source, PemSource::File(_)))
}

#[cfg(test)]
mod negative_own;
#[cfg(test)]
mod negative_revocation;
#[cfg(test)]
mod negative_rotation;
#[cfg(test)]
mod negative_spiffe;
#[cfg(all(test, feature = "spiffe", unix))]
mod negative_workload;
#[cfg(test)]
mod pkits;
#[cfg(test)]
mod tests;
