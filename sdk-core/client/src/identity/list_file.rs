//! Revocation lists that somebody else renews, where the identity itself comes from elsewhere: looked at like
//! [`super::FileIdentity`] looks at its files.

use gladhand_documents::error::{Code, Error, Result};

use super::RevocationLists;
use super::facts::sha256;
use super::file::{SETTLE, Stamp, stamp};
use super::pem;
use crate::config::PemSource;

/// The source of the lists, and what was last seen of it.
#[derive(Clone)]
pub(super) struct ListFile {
    source: PemSource,
    stamp: Option<Stamp>,
    settling: u8,
    seen: [u8; 32],
    lists: Option<RevocationLists>,
}

impl ListFile {
    pub(super) fn new(source: PemSource) -> Self {
        Self { source, stamp: None, settling: 0, seen: [0; 32], lists: None }
    }

    /// The lists in use; reads them where there are none yet.
    pub(super) async fn load(&mut self) -> Result<RevocationLists> {
        if let Some(lists) = &self.lists {
            return Ok(lists.clone());
        }
        match self.look().await {
            Some(Ok(lists)) => Ok(lists),
            Some(Err(error)) => Err(error),
            None => Err(Error::new(Code::CertificateUnreadable, "`identity.crl` has no usable list")),
        }
    }

    /// What changed, if something did. What is not usable is told once; the last good lists stay.
    pub(super) async fn look(&mut self) -> Option<Result<RevocationLists>> {
        let mut other = self.clone();
        let (other, outcome) = tokio::task::spawn_blocking(move || {
            let outcome = other.look_now();
            (other, outcome)
        })
        .await
        .ok()?;
        *self = other;
        outcome
    }

    fn look_now(&mut self) -> Option<Result<RevocationLists>> {
        let now = match &self.source {
            PemSource::File(path) => stamp(path),
            PemSource::Inline(_) => None,
        };
        if now != self.stamp || self.lists.is_none() {
            self.stamp = now;
            self.settling = SETTLE;
        } else if self.settling == 0 {
            return None;
        } else {
            self.settling -= 1;
        }
        let outcome = pem::lists(&self.source);
        let seen = match &outcome {
            Ok((_, digest)) => *digest,
            Err(error) => sha256(error.message().as_bytes()),
        };
        if std::mem::replace(&mut self.seen, seen) == seen {
            return None;
        }
        Some(outcome.map(|(lists, _)| {
            self.lists = Some(lists.clone());
            lists
        }))
    }
}
