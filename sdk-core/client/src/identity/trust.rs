//! Whom we trust: the roots of one private PKI, or the bundle of each SPIFFE trust domain.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use gladhand_documents::error::{Code, Error, Result};
use rustls::RootCertStore;
use rustls::pki_types::{CertificateDer, TrustAnchor};

use super::facts::CertificateFacts;
use crate::observe::{Expiry, Subject};

/// Trust anchors, and what may be shown of them.
#[derive(Clone)]
pub struct Anchors {
    store: Arc<RootCertStore>,
    facts: Vec<CertificateFacts>,
}

impl Anchors {
    /// The anchors in these certificates. Error: `certificate_unreadable` for one that is no trust root, and for none.
    pub fn new(certificates: Vec<CertificateDer<'static>>) -> Result<Self> {
        let (mut store, mut facts) = (RootCertStore::empty(), Vec::new());
        for certificate in certificates {
            facts.push(CertificateFacts::read(&certificate)?);
            store.add(certificate).map_err(|error| {
                Error::new(Code::CertificateUnreadable, "a certificate is no trust root").caused_by(&error)
            })?;
        }
        if facts.is_empty() {
            return Err(Error::new(Code::CertificateUnreadable, "there is no trust root"));
        }
        Ok(Self { store: Arc::new(store), facts })
    }

    pub(super) fn anchors(&self) -> &[TrustAnchor<'static>] {
        &self.store.roots
    }

    /// The SHA-256 fingerprints, hexadecimal.
    pub fn fingerprints(&self) -> impl Iterator<Item = &str> {
        self.facts.iter().map(CertificateFacts::fingerprint)
    }
}

/// Whom we trust. A SPIFFE peer is verified against its own trust domain's bundle alone (X509-SVID §5.2).
#[derive(Clone)]
pub enum Trust {
    /// The roots that every peer's certificate must lead to.
    Roots(Anchors),
    /// Bundles by trust domain, our own and the federated ones.
    Bundles(BTreeMap<String, Anchors>),
}

impl Trust {
    /// Whether both trust the same certificates.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Roots(a), Self::Roots(b)) => a.facts == b.facts,
            (Self::Bundles(a), Self::Bundles(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.0 == b.0 && a.1.facts == b.1.facts)
            }
            _ => false,
        }
    }

    pub(super) fn expiries(&self) -> Vec<Expiry> {
        let of = |anchors: &Anchors| -> Vec<Expiry> {
            let expiry = |facts: &CertificateFacts| Expiry {
                subject: Subject::TrustAnchor,
                id: facts.fingerprint().to_owned(),
                carrier: None,
                from: facts.not_before(),
                until: facts.not_after(),
            };
            anchors.facts.iter().map(expiry).collect()
        };
        match self {
            Self::Roots(anchors) => of(anchors),
            Self::Bundles(bundles) => bundles.values().flat_map(of).collect(),
        }
    }
}

impl fmt::Debug for Anchors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.fingerprints()).finish()
    }
}

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Roots(anchors) => f.debug_tuple("Roots").field(anchors).finish(),
            Self::Bundles(bundles) => f.debug_tuple("Bundles").field(bundles).finish(),
        }
    }
}
