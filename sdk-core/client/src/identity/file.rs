//! An identity in PEM files that somebody else renews: by an atomic rename, by the swap of Kubernetes' `..data` symlink,
//! or by writing over them. Looked at every quarter of a second: first at what `stat` tells, then at the content.

use std::collections::VecDeque;
use std::fmt;
use std::fs::Metadata;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use gladhand_documents::error::{Code, Error, Result};

use super::facts::sha256;
use super::pem::Contents;
use super::{Change, Identity, Material};
use crate::clock::SharedClock;
use crate::config::{PemIdentity, PemSource};
use crate::transport::BoxFuture;

/// How often the files are looked at.
const LOOK: Duration = Duration::from_millis(250);
/// How many further looks read the content after `stat` told of a change: a second write within one tick of the file
/// system's clock, of the same length, changes nothing that `stat` tells.
pub(super) const SETTLE: u8 = 4;
/// How many bad contents are remembered as reported.
const REPORTED: usize = 16;

/// PEM files.
pub struct FileIdentity(Arc<Inner>);

struct Inner {
    pem: PemIdentity,
    crl: Option<PemSource>,
    clock: SharedClock,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    stamps: Vec<Option<Stamp>>,
    settling: u8,
    good: [u8; 32],
    /// Seen bad once: perhaps somebody is in the middle of writing.
    suspect: Option<[u8; 32]>,
    reported: VecDeque<[u8; 32]>,
}

/// What tells two states of a file apart without reading it. `stat` follows links, so the swap of a folder that a link on
/// the way leads to shows too.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Stamp {
    file: (u64, u64),
    bytes: u64,
    modified: Option<SystemTime>,
}

impl FileIdentity {
    /// An identity in these files; some of the texts may be in memory.
    pub fn new(pem: PemIdentity, crl: Option<PemSource>, clock: SharedClock) -> Self {
        Self(Arc::new(Inner { pem, crl, clock, state: Mutex::default() }))
    }

    /// Reading blocks; a file system that hangs must not hold up a worker of the runtime.
    async fn blocking<T: Send + 'static>(&self, work: impl FnOnce(&Inner) -> T + Send + 'static) -> Result<T> {
        let inner = self.0.clone();
        tokio::task::spawn_blocking(move || work(&inner)).await.map_err(|error| {
            Error::new(Code::InternalPanic, "the identity's files could not be looked at").caused_by(&error)
        })
    }
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        // Every change of it is complete before anything can panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stamps(&self) -> Vec<Option<Stamp>> {
        let sources =
            [Some(&self.pem.certificate), Some(&self.pem.private_key), Some(&self.pem.trust), self.crl.as_ref()];
        let stamp = |source: Option<&PemSource>| match source {
            Some(PemSource::File(path)) => stamp(path),
            _ => None,
        };
        sources.into_iter().map(stamp).collect()
    }

    fn load(&self) -> Result<Arc<Material>> {
        // Before the content: what changes in between shows at the next look.
        let stamps = self.stamps();
        let contents = Contents::read(&self.pem, self.crl.as_ref())?;
        let material = Material::of_pem(&contents, &*self.clock)?;
        *self.state() = State { stamps, settling: SETTLE, good: contents.digest(), ..State::default() };
        Ok(Arc::new(material))
    }

    fn look(&self) -> Option<Change> {
        let stamps = self.stamps();
        let mut state = self.state();
        if stamps != state.stamps {
            state.stamps = stamps;
            state.settling = SETTLE;
        } else if state.settling == 0 {
            return None;
        } else {
            state.settling -= 1;
        }
        let contents = Contents::read(&self.pem, self.crl.as_ref());
        let digest = match &contents {
            Ok(contents) => contents.digest(),
            Err(error) => sha256(error.message().as_bytes()),
        };
        if digest == state.good {
            state.suspect = None;
            return None;
        }
        // What is bad may become good without a change: a certificate whose time comes.
        match contents.and_then(|contents| Material::of_pem(&contents, &*self.clock)) {
            Ok(material) => {
                state.good = digest;
                state.suspect = None;
                state.reported.clear();
                Some(Change::Renewed(Arc::new(material)))
            }
            Err(error) => state.bad(digest).then_some(Change::Unusable(error)),
        }
    }
}

impl State {
    /// Whether to report this bad content: at its second sight, and once.
    fn bad(&mut self, digest: [u8; 32]) -> bool {
        // Look again until it is good.
        self.settling = SETTLE;
        if self.suspect.replace(digest) != Some(digest) || self.reported.contains(&digest) {
            return false;
        }
        if self.reported.len() == REPORTED {
            self.reported.pop_front();
        }
        self.reported.push_back(digest);
        true
    }
}

pub(super) fn stamp(path: &Path) -> Option<Stamp> {
    let metadata = std::fs::metadata(path).ok()?;
    Some(Stamp { file: file_number(&metadata), bytes: metadata.len(), modified: metadata.modified().ok() })
}

#[cfg(unix)]
fn file_number(metadata: &Metadata) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt as _;
    (metadata.dev(), metadata.ino())
}

#[cfg(not(unix))]
fn file_number(_metadata: &Metadata) -> (u64, u64) {
    (0, 0)
}

impl Identity for FileIdentity {
    fn load(&self) -> BoxFuture<'_, Result<Arc<Material>>> {
        Box::pin(async move { self.blocking(Inner::load).await? })
    }

    fn change(&self) -> BoxFuture<'_, Change> {
        Box::pin(async move {
            loop {
                self.0.clock.sleep(LOOK).await;
                match self.blocking(Inner::look).await {
                    Ok(None) => {}
                    Ok(Some(change)) => return change,
                    Err(error) => return Change::Unusable(error),
                }
            }
        })
    }
}

impl fmt::Debug for FileIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileIdentity").field("certificate", &self.0.pem.certificate.name()).finish_non_exhaustive()
    }
}
