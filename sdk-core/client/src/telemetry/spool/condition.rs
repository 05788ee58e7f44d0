//! How a spool is, for whoever watches it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use gladhand_documents::error::{Code, Error, Result};

use super::storage::SpoolFile;

/// Shared by a spool and those who watch it or write its files out.
#[derive(Debug, Default)]
pub struct Condition {
    pub(super) disk_bytes: AtomicU64,
    pub(super) quarantined_bytes: AtomicU64,
    pub(super) abandoned_epochs: AtomicU64,
    unsynced: Mutex<Vec<Arc<dyn SpoolFile>>>,
}

impl Condition {
    /// What the segments take on disk, bytes.
    pub fn disk_bytes(&self) -> u64 {
        self.disk_bytes.load(Ordering::Relaxed)
    }

    /// Damaged bytes that were set aside since the spool was made, as far as they are still kept.
    pub fn quarantined_bytes(&self) -> u64 {
        self.quarantined_bytes.load(Ordering::Relaxed)
    }

    /// Epochs whose end is unknown: every copy of the leases was lost.
    pub fn abandoned_epochs(&self) -> u64 {
        self.abandoned_epochs.load(Ordering::Relaxed)
    }

    /// Whether [`Condition::commit`] has something to do.
    pub fn is_unsynced(&self) -> bool {
        !self.files().is_empty()
    }

    /// Makes everything durable that was appended before this call. Needs no lock on the spool: a slow disk holds up nobody
    /// who publishes.
    ///
    /// Errors: `journal_unwritable`; what was to be synced may be lost in a power cut.
    pub fn commit(&self) -> Result<()> {
        let files = std::mem::take(&mut *self.files());
        let mut done = Ok(());
        for file in files {
            done = done.and(file.sync());
        }
        done.map_err(|error| unwritable("cannot be synced", &error))
    }

    pub(super) fn unsynced(&self, file: &Arc<dyn SpoolFile>) {
        let mut files = self.files();
        if !files.iter().any(|known| Arc::ptr_eq(known, file)) {
            files.push(Arc::clone(file));
        }
    }

    fn files(&self) -> std::sync::MutexGuard<'_, Vec<Arc<dyn SpoolFile>>> {
        self.unsynced.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) fn unwritable(what: &str, error: &std::io::Error) -> Error {
    Error::new(Code::JournalUnwritable, format!("the spool {what}; free space or repair `gateway.spool`"))
        .caused_by(error)
}
