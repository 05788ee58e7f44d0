//! Certificate revocation lists (RFC 5280 §5). Where a source of them is configured, every certificate of a peer's chain
//! but the root must be covered by a list that is signed by its issuer and not past its next update.

use std::fmt;
use std::sync::Arc;

use gladhand_documents::error::{Code, Error, Result};
use rustls::pki_types::CertificateRevocationListDer;
use webpki::{CertRevocationList, OwnedCertRevocationList};
use x509_parser::prelude::{CertificateRevocationList, FromDer as _};

use super::facts::hex_sha256;
use crate::observe::{Expiry, Subject};

/// What may be shown of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListFacts {
    /// SHA-256 of the DER, hexadecimal.
    pub fingerprint: String,
    /// The issuer's name.
    pub issuer: String,
    /// When it was issued.
    pub this_update: jiff::Timestamp,
    /// When the next one is due; after that it denies.
    pub next_update: jiff::Timestamp,
    /// How many certificates it revokes.
    pub revoked: usize,
}

/// The lists in use. `none()` is another thing than an empty set: the first checks nothing, the second denies everyone.
#[derive(Clone, Default)]
pub struct RevocationLists(Option<Arc<Lists>>);

struct Lists {
    /// Newest first: the verifier takes the first that speaks for a certificate.
    lists: Vec<CertRevocationList<'static>>,
    facts: Vec<ListFacts>,
}

impl RevocationLists {
    /// No source of lists is configured: nothing is checked.
    pub fn none() -> Self {
        Self(None)
    }

    /// These lists. Error: `certificate_unreadable` for one that is none, has a critical extension that is not
    /// understood (a delta list, an indirect list), or does not say when the next is due.
    pub fn new(lists: &[CertificateRevocationListDer<'_>]) -> Result<Self> {
        let mut read = lists.iter().map(|der| read(der)).collect::<Result<Vec<_>>>()?;
        read.sort_by_key(|(_, facts)| std::cmp::Reverse(facts.this_update));
        let (lists, facts) = read.into_iter().unzip();
        Ok(Self(Some(Arc::new(Lists { lists, facts }))))
    }

    /// What may be shown of the lists.
    pub fn facts(&self) -> &[ListFacts] {
        self.0.as_ref().map_or(&[], |lists| &lists.facts)
    }

    /// The lists to check against; `None` if nothing is to be checked.
    pub(super) fn lists(&self) -> Option<&[CertRevocationList<'static>]> {
        self.0.as_ref().map(|lists| lists.lists.as_slice())
    }

    pub(super) fn expiries(&self) -> impl Iterator<Item = Expiry> {
        self.facts().iter().map(|facts| Expiry {
            subject: Subject::RevocationList,
            id: facts.fingerprint.clone(),
            carrier: None,
            from: facts.this_update,
            until: facts.next_update,
        })
    }
}

impl fmt::Debug for RevocationLists {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            None => f.write_str("none"),
            Some(lists) => f.debug_list().entries(&lists.facts).finish(),
        }
    }
}

fn read(der: &[u8]) -> Result<(CertRevocationList<'static>, ListFacts)> {
    let unreadable = |why: &str| Error::new(Code::CertificateUnreadable, format!("a revocation list {why}"));
    let list = OwnedCertRevocationList::from_der(der)
        .map_err(|error| unreadable("is of no supported form").caused_by(&error))?;
    let (_, parsed) =
        CertificateRevocationList::from_der(der).map_err(|error| unreadable("is not of RFC 5280").caused_by(&error))?;
    let time = |at: x509_parser::time::ASN1Time| {
        jiff::Timestamp::from_second(at.timestamp()).map_err(|error| unreadable("has no valid dates").caused_by(&error))
    };
    let facts = ListFacts {
        fingerprint: hex_sha256(der),
        issuer: parsed.issuer().to_string(),
        this_update: time(parsed.last_update())?,
        // RFC 5280 §5.1.2.5: required.
        next_update: time(parsed.next_update().ok_or_else(|| unreadable("has no next update"))?)?,
        revoked: parsed.iter_revoked_certificates().count(),
    };
    Ok((list.into(), facts))
}
