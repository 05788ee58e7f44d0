//! What all parts of a client share: configuration, clock, journal, carriers, and the end of it all.

use std::collections::{BTreeMap, HashSet};
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use gladhand_documents::error::{Code, Error, Result, Sent};
use gladhand_protocol::tender::ids::Scope;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::carrier::{Carrier, Published};
use crate::clock::{Clock, SharedClock};
use crate::config::Config;
use crate::identity::rotation::Rotation;
use crate::journal::rows::{CarrierRow, Intent};
use crate::journal::{Journal, Owner};
use crate::observe::SecurityLog;
use crate::trace::{self, TraceContext};

/// How often a waiting reader looks for what another process wrote into the same journal.
const GLANCE: Duration = Duration::from_millis(250);

/// Shared state of one client.
#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) config: Config,
    pub(crate) clock: SharedClock,
    pub(crate) security: SecurityLog,
    pub(crate) journal: Journal,
    pub(crate) owner: Owner,
    pub(crate) carriers: BTreeMap<String, Arc<Carrier>>,
    /// What renews the identity; none in a simulation.
    pub(crate) rotation: Option<Arc<Rotation>>,
    pub(crate) stop: CancellationToken,
    pub(crate) tasks: TaskTracker,
    /// Counts the changes that this process made to the journal.
    changes: watch::Sender<u64>,
    /// Rings when the driver has something to do.
    pub(crate) wake: Notify,
    /// Intents that somebody in this process is at work on.
    busy: Mutex<HashSet<u64>>,
    /// Intents that the foreground gave up on, each with the trace of its call.
    handed: Mutex<Vec<(Intent, Option<TraceContext>)>>,
    /// Carriers whose feed is being followed.
    pub(crate) following: Mutex<HashSet<String>>,
    /// Carriers whose feed is being read up to its head, once.
    pub(crate) catching_up: Mutex<HashSet<String>>,
}

impl Core {
    pub(crate) fn new(
        config: Config,
        clock: SharedClock,
        security: SecurityLog,
        journal: Journal,
        owner: Owner,
        carriers: BTreeMap<String, Arc<Carrier>>,
        rotation: Option<Arc<Rotation>>,
    ) -> Self {
        Self {
            config,
            clock,
            security,
            journal,
            owner,
            carriers,
            rotation,
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
            changes: watch::Sender::new(0),
            wake: Notify::new(),
            busy: Mutex::default(),
            handed: Mutex::default(),
            following: Mutex::default(),
            catching_up: Mutex::default(),
        }
    }

    /// The carrier of this name. Error: `carrier_unknown`.
    pub(crate) fn carrier(&self, name: &str) -> Result<&Arc<Carrier>> {
        self.carriers.get(name).ok_or_else(|| match self.config.carrier(name) {
            Err(error) => error,
            Ok(_) => Error::new(Code::CarrierUnknown, format!("carrier {name} is not connected")),
        })
    }

    /// Where ids and keys of this carrier are derived in.
    pub(crate) fn scope<'a>(&'a self, carrier: &'a str) -> Scope<'a> {
        Scope { environment: &self.config.environment, tenant: &self.config.tenant, carrier }
    }

    /// Fails once the client is closed.
    pub(crate) fn open(&self) -> Result<()> {
        if self.stop.is_cancelled() { Err(closed()) } else { Ok(()) }
    }

    /// Runs a piece of work to its end even if the caller stops waiting, but not beyond the end of the client.
    pub(crate) async fn detached<T, F>(self: &Arc<Self>, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
    {
        self.open()?;
        let stop = self.stop.clone();
        let task = self.tasks.spawn(trace::resume(trace::current(), async move {
            tokio::select! {
                biased;
                out = work => out,
                () = stop.cancelled() => Err(closed().sent(Sent::MaybeSent)),
            }
        }));
        let early = |e| Error::new(Code::InternalPanic, "a task ended early").sent(Sent::MaybeSent).caused_by(&e);
        task.await.unwrap_or_else(|e| Err(early(e)))
    }

    /// Tells the waiting readers of this process that the journal changed.
    pub(crate) fn changed(&self) {
        self.changes.send_modify(|count| *count += 1);
    }

    /// A reader that is about to look into the journal: nothing that changes from now on escapes it.
    pub(crate) fn look(&self) -> Look {
        Look(self.changes.subscribe())
    }

    /// Waits until this process changed the journal after the look began, or long enough for another process to have.
    /// `false` at the end.
    pub(crate) async fn news(&self, mut look: Look) -> bool {
        tokio::select! {
            () = self.stop.cancelled() => false,
            _ = look.0.changed() => true,
            () = self.clock.sleep(GLANCE) => true,
        }
    }

    /// Waits, unless the client ends first. `false` at the end.
    pub(crate) async fn pause(&self, wait: Duration) -> bool {
        tokio::select! {
            () = self.stop.cancelled() => false,
            () = self.clock.sleep(wait) => true,
        }
    }

    /// Notes the log epoch of an answer. A changed one is told once, loudly.
    pub(crate) async fn epoch(&self, carrier: &str, epoch: &str) -> Result<CarrierRow> {
        let (name, epoch) = (carrier.to_owned(), epoch.to_owned());
        let row = self.journal.run(move |store| store.note_epoch(&name, &epoch)).await?;
        if row.frozen {
            tracing::error!(target: "gladhand::tender", carrier, "the carrier's log epoch changed: frozen until reconciled");
        }
        Ok(row)
    }

    /// What the carrier publishes. Fails with `epoch_changed` while nothing may be sent to it.
    pub(crate) async fn may_send(&self, carrier: &Carrier) -> Result<Arc<Published>> {
        let published = carrier.of_environment(&self.config.environment).await?;
        let name = carrier.name().to_owned();
        // Every answer that names the log epoch was noted when it came, that of discovery too.
        self.journal.run(move |store| store.sendable(&name)).await?;
        Ok(published)
    }

    /// Marks an intent as being worked on; `None` if somebody is at it already.
    pub(crate) fn work_on(self: &Arc<Self>, id: u64) -> Option<Working> {
        self.busy().insert(id).then(|| Working { core: self.clone(), id })
    }

    fn busy(&self) -> MutexGuard<'_, HashSet<u64>> {
        self.busy.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Leaves an intent to the driver, which goes on in the trace of this call.
    pub(crate) fn hand_over(&self, intent: Intent) {
        self.handed.lock().unwrap_or_else(PoisonError::into_inner).push((intent, trace::current()));
        self.wake.notify_one();
    }

    pub(crate) fn handed_over(&self) -> Vec<(Intent, Option<TraceContext>)> {
        std::mem::take(&mut *self.handed.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A look into the journal; see [`Core::look`].
#[derive(Debug)]
pub(crate) struct Look(watch::Receiver<u64>);

/// While it lives, no other task of this process works on the intent.
#[derive(Debug)]
pub(crate) struct Working {
    core: Arc<Core>,
    id: u64,
}

impl Drop for Working {
    fn drop(&mut self) {
        self.core.busy().remove(&self.id);
    }
}

pub(crate) fn closed() -> Error {
    Error::new(Code::ClientClosed, "the client is closed")
}

/// 64 random bits, for jitter.
pub(crate) fn jitter(clock: &dyn Clock) -> u64 {
    (clock.share() * u64::MAX as f64) as u64
}
