//! The journal behind a thread of its own: no worker of the runtime ever blocks on a disk, and what waits while one commit
//! is on its way to the disk becomes the next one together (group commit). In a simulation it works in the caller's thread
//! instead, so that the order of everything is the simulation's.

use std::collections::VecDeque;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::RecvTimeoutError;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Duration;

use gladhand_documents::error::{Code, Error, Result};
use tracing::dispatcher::{DefaultGuard, Dispatch, set_default};
use tracing::subscriber::NoSubscriber;

use super::Store;
use super::sqlite::SqliteStore;
use crate::clock::SharedClock;
use crate::fork;

/// How many pieces of work share a commit at most.
const GROUP: usize = 256;
/// For how long, and for how many groups, what a power cut could still take stays so.
const QUIET: Duration = Duration::from_millis(10);
const OWING: u32 = 64;
/// How soon it is tried again where it could not be brought to disk: a full disk stays full, and its log is read by people.
const AGAIN: Duration = Duration::from_secs(1);

/// A piece of work that has been done, and waits to be told whether its group became durable.
type Reply = Box<dyn FnOnce(Result<()>) + Send>;
type Work = Box<dyn FnOnce(&mut dyn Store) -> Reply + Send>;

/// What must be on disk before whoever asked is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Wait {
    Nothing,
    /// What was written.
    Log,
    /// And the mirrored head.
    Head,
}

struct Job {
    work: Work,
    wait: Wait,
}

/// Where the work is done.
#[derive(Clone)]
enum Place {
    Thread(mpsc::Sender<Job>),
    /// In the thread of whoever asks; nothing once the process has died.
    Here(Arc<Mutex<Option<SqliteStore>>>),
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Thread(_) => "Thread",
            Self::Here(_) => "Here",
        })
    }
}

/// A [`Store`] on a thread of its own.
#[derive(Clone, Debug)]
pub struct Journal {
    place: Place,
    path: PathBuf,
    commits: Arc<AtomicU64>,
}

impl Journal {
    /// Opens the SQLite journal at `path`, or makes it.
    ///
    /// Errors: `config_missing` for an empty path; `journal_unsupported` on a network file system, for another
    /// program's file or another version's journal, and where another copy of this library in the process has it open;
    /// `config_invalid` where it belongs to another environment; `journal_truncated`; `journal_corrupt`;
    /// `journal_unwritable`.
    pub async fn open(path: &Path, environment: &str, tenant: &str, clock: SharedClock) -> Result<Self> {
        let (jobs, inbox) = mpsc::channel::<Job>();
        let (ready, opened) = tokio::sync::oneshot::channel();
        let (place, environment, tenant) = (path.to_owned(), environment.to_owned(), tenant.to_owned());
        let commits = Arc::new(AtomicU64::new(0));
        let count = commits.clone();
        let log = tracing::dispatcher::get_default(Clone::clone);
        std::thread::Builder::new()
            .name("gladhand-journal".to_owned())
            .spawn(move || {
                let _log = heard(&log);
                let opening = fork::at_work();
                let opened = SqliteStore::open(&place, &environment, &tenant, clock);
                drop(opening);
                let mut store = match opened {
                    Ok(store) => {
                        let _ = ready.send(Ok(()));
                        store
                    }
                    Err(error) => {
                        let _ = ready.send(Err(error));
                        return;
                    }
                };
                work(&mut store, &inbox, &count);
                let _closing = fork::at_work();
                settle(&mut store);
                drop(store);
            })
            .map_err(|e| Error::new(Code::JournalUnwritable, "no thread for the journal").caused_by(&e))?;
        opened.await.map_err(|_| gone())??;
        Ok(Self { place: Place::Thread(jobs), path: path.to_owned(), commits })
    }

    /// [`Journal::open`] without a thread: every piece of work is done at once, by whoever asks, and is a group by itself.
    pub(crate) fn open_here(path: &Path, environment: &str, tenant: &str, clock: SharedClock) -> Result<Self> {
        let store = SqliteStore::open(path, environment, tenant, clock)?;
        let place = Place::Here(Arc::new(Mutex::new(Some(store))));
        Ok(Self { place, path: path.to_owned(), commits: Arc::default() })
    }

    /// The end of a simulated process: what was not asked before is never done.
    pub(crate) fn die(&self) {
        if let Place::Here(store) = &self.place {
            *store.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
    }

    async fn give(&self, job: Job) -> Result<()> {
        match &self.place {
            Place::Thread(jobs) => jobs.send(job).map_err(|_| gone()),
            Place::Here(store) => {
                do_here(store, job)?;
                // As with the thread, others go on before the answer is there.
                tokio::task::yield_now().await;
                Ok(())
            }
        }
    }

    /// Runs one piece of work on the store. The work is done even if the caller stops waiting. What it wrote is durable
    /// when this returns; the pieces that wait together share that.
    pub async fn run<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut dyn Store) -> Result<T> + Send + 'static,
    {
        self.ask(work, Wait::Log).await
    }

    async fn ask<T, F>(&self, work: F, wait: Wait) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut dyn Store) -> Result<T> + Send + 'static,
    {
        let (answer, answered) = tokio::sync::oneshot::channel();
        let work = Box::new(move |store: &mut dyn Store| {
            let out = work(store);
            Box::new(move |committed: Result<()>| {
                let _ = answer.send(committed.and(out));
            }) as Reply
        });
        self.give(Job { work, wait }).await?;
        answered.await.map_err(|_| gone())?
    }

    /// [`Journal::run`] that answers before it is durable, for what a power cut may take back because the journal finds it
    /// out again. A commit that fails is nobody's failure here.
    pub(crate) async fn run_early<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut dyn Store) -> Result<T> + Send + 'static,
    {
        let (answer, answered) = tokio::sync::oneshot::channel();
        let work = move |store: &mut dyn Store| {
            let _ = answer.send(work(store));
        };
        self.leave(work, Wait::Nothing);
        answered.await.map_err(|_| gone())?
    }

    /// Waits until a power cut can take nothing of what was written before.
    pub(crate) async fn settled(&self) {
        let _ = self.ask(|_| Ok(()), Wait::Head).await;
    }

    /// Leaves one piece of work to the store without waiting for it; nothing if the journal is closed.
    pub(crate) fn post(&self, work: impl FnOnce(&mut dyn Store) + Send + 'static) {
        self.leave(work, Wait::Log);
    }

    fn leave(&self, work: impl FnOnce(&mut dyn Store) + Send + 'static, wait: Wait) {
        let work = Box::new(move |store: &mut dyn Store| {
            work(store);
            Box::new(|_| {}) as Reply
        });
        let job = Job { work, wait };
        let _ = match &self.place {
            Place::Thread(jobs) => jobs.send(job).map_err(|_| gone()),
            Place::Here(store) => do_here(store, job),
        };
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How many transactions this client committed. Each waits for the disk once, unless it had only what a power cut may take.
    pub fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }
}

/// What this thread logs is heard by the subscriber of the thread that made it. Where that has none, a global one may yet come.
fn heard(log: &Dispatch) -> Option<DefaultGuard> {
    (!log.is::<NoSubscriber>()).then(|| set_default(log))
}

fn do_here(store: &Mutex<Option<SqliteStore>>, job: Job) -> Result<()> {
    let mut store = store.lock().unwrap_or_else(PoisonError::into_inner);
    let store = store.as_mut().ok_or_else(gone)?;
    group(store, job, &mpsc::channel().1);
    Ok(())
}

/// Does what comes, until the last handle is gone.
fn work(store: &mut SqliteStore, inbox: &mpsc::Receiver<Job>, commits: &AtomicU64) {
    let (mut owing, mut quiet) = (0, QUIET);
    loop {
        let next = if store.owes() { inbox.recv_timeout(quiet) } else { inbox.recv().map_err(Into::into) };
        let _at_work = fork::at_work();
        match next {
            Ok(job) => group(store, job, inbox),
            Err(RecvTimeoutError::Timeout) => quiet = if settle(store) { QUIET } else { AGAIN },
            Err(RecvTimeoutError::Disconnected) => return,
        }
        owing = if store.owes() { owing + 1 } else { 0 };
        if owing >= OWING {
            settle(store);
            owing = 0;
        }
        commits.store(store.commits(), Ordering::Relaxed);
    }
}

/// Whether nothing is owed any more. A head or log that cannot be synced is the failure of whatever is written next.
fn settle(store: &mut dyn Store) -> bool {
    let settled = store.settle();
    if let Err(error) = &settled {
        tracing::warn!(target: "gladhand::journal", %error, "the head of the journal lags");
    }
    settled.is_ok()
}

/// Does what waits, in order, and answers once it is durable. What did not write, and saw nothing that waits for the
/// commit, is answered at once. Only where nothing that waits must last, nobody waits for the disk.
fn group(store: &mut dyn Store, first: Job, inbox: &mpsc::Receiver<Job>) {
    let mut jobs: VecDeque<Job> = std::iter::once(first).chain(inbox.try_iter().take(GROUP - 1)).collect();
    let mut wait = jobs.iter().map(|job| job.wait).max().unwrap_or(Wait::Nothing);
    store.group(wait > Wait::Nothing);
    let mut waiting = Vec::new();
    for _ in 0..GROUP {
        // What came meanwhile belongs to this group as well, unless it waits for the disk and the group does not.
        let more = || if wait > Wait::Nothing { inbox.try_recv().ok() } else { None };
        let Some(job) = jobs.pop_front().or_else(more) else { break };
        wait = wait.max(job.wait);
        let reply = (job.work)(store);
        if store.pending() || job.wait == Wait::Head {
            waiting.push(reply);
        } else {
            reply(Ok(()));
        }
    }
    let committed = store.commit();
    if wait == Wait::Head {
        settle(store);
    }
    for reply in waiting {
        reply(committed.clone());
    }
}

fn gone() -> Error {
    Error::new(Code::ClientClosed, "the journal is closed")
}
