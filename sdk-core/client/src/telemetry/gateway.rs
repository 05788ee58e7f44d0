//! The vehicle side: takes records and sees to it that each is acknowledged or declared lost.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use gladhand_documents::error::{Code, Error, Result, Retry};
use gladhand_documents::telemetry::{Lane, Record};
use gladhand_protocol::telemetry::{Admission, Conservation, LANES, Now, Policies, Published, Sender, Stream};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::connector::{Connector, SharedConnector};
use super::keeper;
use super::spool::{Condition, Folder, Spool, SpoolStorage};
use super::status::{self, GatewayStatus};
use super::stream;
use crate::auth::{Authorized, random};
use crate::clock::{SharedClock, SystemClock};
use crate::config::{Config, GatewayConfig};
use crate::identity;
use crate::identity::rotation::Rotation;
use crate::observe::SecurityLog;

/// What a gateway may be told beside its configuration.
#[derive(Clone, Debug, Default)]
pub struct GatewayOptions {
    /// The carrier, where the configuration has several.
    pub carrier: Option<String>,
    /// Budgets, drop policies and latencies of the lanes, in place of those that `gateway.spool_bytes` and
    /// `gateway.linger_ms` give.
    pub policies: Option<Policies>,
    /// The spool's folder, in place of `gateway.spool`.
    pub spool: Option<PathBuf>,
}

/// A vehicle gateway. Connects by itself, again and again, and keeps what is not acknowledged within the budgets of its lanes:
/// on disk with a spool, else in memory. Dropped, it stops as if it had been killed; [`Gateway::close`] sends what waits first.
pub struct Gateway {
    pub(super) shared: Arc<Shared>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

/// What the gateway, its streams and its keeper share.
pub(super) struct Shared {
    pub(super) connector: SharedConnector,
    pub(super) clock: SharedClock,
    sender: Mutex<Sender>,
    pub(super) condition: Option<Arc<Condition>>,
    /// Rings when there may be something to send on a stream.
    wakes: [Notify; 2],
    /// Rings when there is something to keep.
    pub(super) keep: Notify,
    /// The streams; watched by those who wait for the end of the backlog too.
    pub(super) progress: watch::Sender<[Link; 2]>,
    pub(super) stop: CancellationToken,
    /// The collector does not want this gateway back.
    pub(super) ended: CancellationToken,
}

/// One connection as the gateway sees it.
#[derive(Clone, Debug, Default)]
pub(super) struct Link {
    pub(super) connected: bool,
    pub(super) error: Option<Error>,
}

impl Gateway {
    /// A gateway with the identity and the producer of this configuration. Returns as soon as the spool has been read: the
    /// collector may be out of reach for hours.
    ///
    /// Errors: `config_missing` without `gateway.producer` or with several carriers and none chosen; `journal_busy` if
    /// another process has the spool; those of the identity ([`identity::Identity::load`]). Not for a spool that is damaged
    /// or cannot be written: the status says so. Needs a Tokio runtime.
    pub async fn connect(config: &Config, options: GatewayOptions) -> Result<Self> {
        let clock: SharedClock = Arc::new(SystemClock::new());
        let missing = |what: &str| Error::new(Code::ConfigMissing, what);
        let section = config.gateway.as_ref().ok_or_else(|| missing("`gateway.producer` is not set"))?;
        let name = match (&options.carrier, config.carriers.len()) {
            (Some(name), _) => name.clone(),
            (None, 1) => config.carriers.keys().next().cloned().unwrap_or_default(),
            (None, _) => return Err(missing("the gateway's carrier is not chosen among several `carriers`")),
        };
        let source = identity::source(&config.identity, &clock)?;
        let material = source.load().await?;
        let security = SecurityLog::new(clock.clone());
        let authorized = Authorized::new(config.carrier(&name)?, material.clone(), clock.clone(), security.clone())?;
        let rotation = Rotation::new(source, material, vec![authorized.clone()], clock.clone(), security);
        let policies = options.policies.unwrap_or_else(|| policies(section));
        let connector: SharedConnector = Arc::new(authorized);
        let gateway = match options.spool.or_else(|| section.spool.clone()) {
            None => Self::with_connector(connector, clock, &section.producer, policies)?,
            Some(folder) => {
                let (producer, clock) = (section.producer.clone(), clock.clone());
                let now = now(&clock);
                let opened = tokio::task::spawn_blocking(move || {
                    let folder = Folder::open(&folder).map(|folder| Arc::new(folder) as Arc<dyn SpoolStorage>);
                    sender(&producer, policies, folder, now)
                });
                let (sender, condition) = opened.await.map_err(|error| {
                    Error::new(Code::InternalPanic, "opening the spool panicked").caused_by(&error)
                })??;
                Self::start(connector, clock, sender, condition)
            }
        };
        tokio::spawn(rotation.run(gateway.shared.stop.clone()));
        Ok(gateway)
    }

    /// A gateway over another connector, that keeps everything in memory.
    ///
    /// Errors: `internal_panic` if the system has no randomness. Needs a Tokio runtime.
    pub fn with_connector(
        connector: Arc<dyn Connector>,
        clock: SharedClock,
        producer: &str,
        policies: Policies,
    ) -> Result<Self> {
        Ok(Self::start(connector, clock, Sender::new(producer, random::bytes()?, policies), None))
    }

    /// A gateway over another connector, with a spool in this storage.
    ///
    /// Errors: `journal_busy` if another process has the spool; `internal_panic` if the system has no randomness. Needs a
    /// Tokio runtime.
    pub fn with_storage(
        connector: Arc<dyn Connector>,
        clock: SharedClock,
        producer: &str,
        policies: Policies,
        storage: Arc<dyn SpoolStorage>,
    ) -> Result<Self> {
        let (sender, condition) = sender(producer, policies, Ok(storage), now(&clock))?;
        Ok(Self::start(connector, clock, sender, condition))
    }

    fn start(
        connector: SharedConnector,
        clock: SharedClock,
        sender: Sender,
        condition: Option<Arc<Condition>>,
    ) -> Self {
        let shared = Arc::new(Shared {
            connector,
            clock,
            sender: Mutex::new(sender),
            condition,
            wakes: Default::default(),
            keep: Notify::new(),
            progress: watch::Sender::new(Default::default()),
            stop: CancellationToken::new(),
            ended: CancellationToken::new(),
        });
        let mut tasks = vec![tokio::spawn(keeper::keep(shared.clone()))];
        tasks.extend(Stream::BOTH.map(|stream| tokio::spawn(stream::drive(shared.clone(), stream))));
        Self { shared, tasks: Mutex::new(tasks) }
    }

    /// Takes a record: into the safety lane if it [is one](Record::is_safety), else into the routine lane. Never waits for the
    /// network; a safety record waits for one sync of the disk if there is a spool. An `event_sequence` of 0 is replaced by
    /// the next one.
    ///
    /// Errors: `schema_invalid`, `record_too_large`; `client_closed` after [`Gateway::close`]; `telemetry_refused` once
    /// another gateway took over this producer.
    pub fn publish(&self, record: Record) -> Result<Admission> {
        self.publish_in(lane_of(&record), record)
    }

    /// Takes a record into this lane. Errors as [`Gateway::publish`].
    pub fn publish_in(&self, lane: Lane, record: Record) -> Result<Admission> {
        let now = self.shared.now();
        let (admission, keep) = {
            let mut sender = self.shared.sender();
            // Under the lock: `close` ends the backlog under it.
            self.shared.usable()?;
            (sender.admit(lane, record, now)?, sender.wants_poll())
        };
        // A record that waits for company is nothing to send yet. Woken for each, the stream would contend for the lock with
        // whoever publishes the next one, which may be the thread of an event loop.
        if keep || !admission.accepted {
            self.shared.wake(Stream::of(lane));
        }
        if keep {
            self.shared.keep.notify_one();
        }
        Ok(admission)
    }

    /// Takes many records in their order, each into the lane that [`Gateway::publish`] would choose: all of them or, if one is
    /// broken, none. Other publishers wait meanwhile.
    ///
    /// Errors: as [`Gateway::publish`].
    pub fn publish_batch(&self, records: Vec<Record>) -> Result<Published> {
        let now = self.shared.now();
        let (published, keep) = {
            let mut sender = self.shared.sender();
            self.shared.usable()?;
            (sender.admit_all(records, lane_of, now)?, sender.wants_poll())
        };
        self.shared.wake_all();
        if keep {
            self.shared.keep.notify_one();
        }
        Ok(published)
    }

    /// Waits until everything that was published is acknowledged or its loss is, at most `limit`.
    ///
    /// Errors: `deadline_exceeded` with what still waits; the reason at once if the collector refuses this gateway for
    /// good.
    pub async fn flush(&self, limit: Duration) -> Result<Conservation> {
        let mut progress = self.shared.progress.subscribe();
        self.shared.sender().seal(self.shared.now())?;
        self.shared.keep.notify_one();
        self.shared.wake_all();
        let sleep = self.shared.clock.sleep(limit);
        tokio::pin!(sleep);
        loop {
            let links = progress.borrow_and_update().clone();
            {
                let sender = self.shared.sender();
                if sender.is_settled() {
                    return Ok(sender.conservation());
                }
            }
            self.shared.usable()?;
            if let Some(error) = links.into_iter().filter_map(|link| link.error).find(|e| e.retry() == Retry::Never) {
                return Err(error);
            }
            tokio::select! {
                _ = progress.changed() => {}
                () = self.shared.stop.cancelled() => {}
                () = &mut sleep => {
                    let pending = self.shared.sender().conservation().pending;
                    let problem = format!("{pending} record(s) wait for {}", self.shared.connector.peer());
                    return Err(Error::new(Code::DeadlineExceeded, problem));
                }
            }
        }
    }

    /// How it is.
    pub fn status(&self) -> GatewayStatus {
        let links = self.shared.progress.borrow().clone();
        let now_ms = self.shared.now().ms;
        status::of(&self.shared.sender(), &links, self.shared.condition.as_deref(), now_ms)
    }

    /// The same numbers as Prometheus text (exposition format 0.0.4). No label names a vehicle or a load.
    pub fn metrics(&self) -> String {
        self.status().prometheus()
    }

    /// Sends what waits, at most for `limit`, and ends. What is then still unacknowledged waits in the spool for the next
    /// start, or is lost with this process if there is none; the counts say how much. A second call does nothing more.
    ///
    /// Errors: as [`Gateway::flush`], and `journal_unwritable` if the spool could not be closed; it is closed all the same.
    pub async fn close(&self, limit: Duration) -> Result<Conservation> {
        let flushed = if self.shared.stop.is_cancelled() {
            Ok(self.shared.sender().conservation())
        } else {
            self.flush(limit).await
        };
        self.shared.stop.cancel();
        let tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        for task in tasks {
            let _ = task.await;
        }
        let closed = self.shared.sender().close(self.shared.now());
        flushed.and_then(|counts| closed.map(|()| counts))
    }
}

fn lane_of(record: &Record) -> Lane {
    if record.is_safety() { Lane::Safety } else { Lane::Routine }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.shared.stop.cancel();
    }
}

impl fmt::Debug for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gateway").field("status", &self.status()).finish_non_exhaustive()
    }
}

/// The lanes as the configuration wants them.
fn policies(section: &GatewayConfig) -> Policies {
    let mut policies = section.spool_bytes.map_or_else(Policies::default, |bytes| Policies::within(bytes as usize));
    if let Some(linger) = section.linger {
        policies.routine.linger_ms = linger.as_millis() as u64;
        policies.diagnostic.linger_ms = policies.routine.linger_ms;
    }
    policies
}

/// A sender that goes on where the spool ends, and how the spool is. A spool that cannot be used is no reason not to start:
/// records go on in memory, and the status says why.
pub(super) fn sender(
    producer: &str,
    policies: Policies,
    storage: std::io::Result<Arc<dyn SpoolStorage>>,
    now: Now,
) -> Result<(Sender, Option<Arc<Condition>>)> {
    let budgets = LANES.map(|lane| policies.of(lane).budget_bytes as u64);
    let (fresh, spare) = (random::bytes()?, random::bytes()?);
    let opened = storage
        .map_err(|error| Error::new(Code::JournalUnwritable, "`gateway.spool` cannot be made").caused_by(&error))
        .and_then(|storage| Spool::open(storage, budgets, fresh));
    match opened {
        Ok((spool, found)) => {
            let condition = spool.condition();
            Ok((Sender::resume(producer, Box::new(spool), found, spare, policies, now), Some(condition)))
        }
        Err(error) if error.code() == Code::JournalBusy => Err(error),
        Err(error) => {
            tracing::error!(target: "gladhand::telemetry", %error, "the spool cannot be used; records are kept in memory");
            let mut sender = Sender::new(producer, spare, policies);
            sender.without_backlog(error);
            Ok((sender, Some(Arc::default())))
        }
    }
}

fn now(clock: &SharedClock) -> Now {
    Now { ms: clock.monotonic().as_millis() as u64, unix_ms: u64::try_from(clock.now().as_millisecond()).unwrap_or(0) }
}

impl Shared {
    pub(super) fn sender(&self) -> MutexGuard<'_, Sender> {
        self.sender.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn now(&self) -> Now {
        now(&self.clock)
    }

    pub(super) fn wake(&self, stream: Stream) {
        self.wakes[stream as usize].notify_one();
    }

    pub(super) fn wake_all(&self) {
        self.wakes.iter().for_each(Notify::notify_one);
    }

    pub(super) async fn woken(&self, stream: Stream) {
        self.wakes[stream as usize].notified().await;
    }

    /// What is to be said of a stream.
    pub(super) fn link(&self, stream: Stream, link: Link) {
        self.progress.send_modify(|links| links[stream as usize] = link);
    }

    /// Fails once nothing will be sent any more.
    fn usable(&self) -> Result<()> {
        if self.stop.is_cancelled() {
            return Err(Error::new(Code::ClientClosed, "the gateway was closed"));
        }
        if !self.ended.is_cancelled() {
            return Ok(());
        }
        let links = self.progress.borrow();
        let error =
            links.iter().filter_map(|link| link.error.clone()).find(|error| error.code() == Code::TelemetryRefused);
        Err(error.unwrap_or_else(|| Error::new(Code::TelemetryRefused, "another gateway took over this producer")))
    }
}
