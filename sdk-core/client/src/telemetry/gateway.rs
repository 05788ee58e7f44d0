//! The vehicle side: takes records and sees to it that each is acknowledged or declared lost.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use gladhand_documents::error::{Code, Error, Result, Retry};
use gladhand_documents::telemetry::wire::Heartbeat;
use gladhand_documents::telemetry::{Lane, Record};
use gladhand_protocol::telemetry::{Admission, Conservation, Policies, Published, Sender};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::connector::{Connector, SharedConnector};
use super::stream;
use crate::auth::{Authorized, random};
use crate::clock::{SharedClock, SystemClock};
use crate::config::Config;
use crate::identity;
use crate::identity::rotation::Rotation;
use crate::observe::SecurityLog;

/// What a gateway may be told beside its configuration.
#[derive(Clone, Debug, Default)]
pub struct GatewayOptions {
    /// The carrier, where the configuration has several.
    pub carrier: Option<String>,
    /// Budgets, drop policies and latencies of the lanes.
    pub policies: Policies,
}

/// How a gateway is.
#[derive(Clone, Debug)]
pub struct GatewayStatus {
    /// Whether a stream is open.
    pub connected: bool,
    /// Why there is none, where there was an attempt.
    pub error: Option<Error>,
    /// produced = acknowledged + dropped + pending.
    pub conservation: Conservation,
    /// Occupancy, age, drops and waits of each lane.
    pub lanes: Heartbeat,
}

/// A vehicle gateway. Connects by itself, again and again, and keeps what is not acknowledged, in memory, within the
/// budgets of its lanes. Dropped, it stops; [`Gateway::close`] sends what waits first.
pub struct Gateway {
    shared: Arc<Shared>,
    driver: Mutex<Option<JoinHandle<()>>>,
}

/// What the gateway and its stream share.
pub(super) struct Shared {
    pub(super) connector: SharedConnector,
    pub(super) clock: SharedClock,
    sender: Mutex<Sender>,
    /// Rings when there may be something to send.
    pub(super) wake: Notify,
    /// Counts what happened; watched by those who wait for the end of the backlog.
    pub(super) progress: watch::Sender<Link>,
    pub(super) stop: CancellationToken,
}

/// The connection as the gateway sees it.
#[derive(Clone, Debug, Default)]
pub(super) struct Link {
    pub(super) connected: bool,
    pub(super) error: Option<Error>,
    /// The collector does not want this gateway back.
    pub(super) ended: bool,
}

impl Gateway {
    /// A gateway with the identity and the producer of this configuration. Returns at once: the collector may be out of
    /// reach for hours.
    ///
    /// Errors: `config_missing` without `gateway.producer` or with several carriers and none chosen; those of
    /// the identity ([`identity::Identity::load`]). Needs a Tokio runtime.
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
        let gateway = Self::with_connector(Arc::new(authorized), clock, &section.producer, options.policies)?;
        tokio::spawn(rotation.run(gateway.shared.stop.clone()));
        Ok(gateway)
    }

    /// A gateway over another connector.
    ///
    /// Errors: `internal_panic` if the system has no randomness. Needs a Tokio runtime.
    pub fn with_connector(
        connector: Arc<dyn Connector>,
        clock: SharedClock,
        producer: &str,
        policies: Policies,
    ) -> Result<Self> {
        let sender = Sender::new(producer, random::bytes()?, policies);
        let shared = Arc::new(Shared {
            connector,
            clock,
            sender: Mutex::new(sender),
            wake: Notify::new(),
            progress: watch::Sender::new(Link::default()),
            stop: CancellationToken::new(),
        });
        let driver = tokio::spawn(stream::drive(shared.clone()));
        Ok(Self { shared, driver: Mutex::new(Some(driver)) })
    }

    /// Takes a record: into the safety lane if it [is one](Record::is_safety), else into the routine lane. Never waits. An
    /// `event_sequence` of 0 is replaced by the next one.
    ///
    /// Errors: `schema_invalid`, `record_too_large`; `client_closed` after [`Gateway::close`]; `telemetry_refused` once
    /// another gateway took over this producer.
    pub fn publish(&self, record: Record) -> Result<Admission> {
        self.publish_in(lane_of(&record), record)
    }

    /// Takes a record into this lane. Errors as [`Gateway::publish`].
    pub fn publish_in(&self, lane: Lane, record: Record) -> Result<Admission> {
        self.shared.usable()?;
        let now = self.shared.now_ms();
        let admission = self.shared.sender().admit(lane, record, now)?;
        self.shared.wake.notify_one();
        Ok(admission)
    }

    /// Takes many records in their order, each into the lane that [`Gateway::publish`] would choose: all of them or, if one is
    /// broken, none. Other publishers wait meanwhile.
    ///
    /// Errors: as [`Gateway::publish`].
    pub fn publish_batch(&self, records: Vec<Record>) -> Result<Published> {
        self.shared.usable()?;
        let now = self.shared.now_ms();
        let published = self.shared.sender().admit_all(records, lane_of, now)?;
        self.shared.wake.notify_one();
        Ok(published)
    }

    /// Waits until everything that was published is acknowledged or its loss is, at most `limit`.
    ///
    /// Errors: `deadline_exceeded` with what still waits; the reason at once if the collector refuses this gateway for
    /// good.
    pub async fn flush(&self, limit: Duration) -> Result<Conservation> {
        let mut progress = self.shared.progress.subscribe();
        self.shared.sender().seal()?;
        self.shared.wake.notify_one();
        let sleep = self.shared.clock.sleep(limit);
        tokio::pin!(sleep);
        loop {
            let link = progress.borrow_and_update().clone();
            {
                let sender = self.shared.sender();
                if sender.is_settled() {
                    return Ok(sender.conservation());
                }
            }
            self.shared.usable()?;
            if let Some(error) = link.error.filter(|error| error.retry() == Retry::Never) {
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
        let link = self.shared.progress.borrow().clone();
        let sender = self.shared.sender();
        GatewayStatus {
            connected: link.connected,
            error: link.error,
            conservation: sender.conservation(),
            lanes: sender.heartbeat(self.shared.now_ms()),
        }
    }

    /// Sends what waits, at most for `limit`, and ends. What is then still unacknowledged is lost with this process; the
    /// counts say how much. A second call does nothing more.
    ///
    /// Errors: as [`Gateway::flush`]; it is closed all the same.
    pub async fn close(&self, limit: Duration) -> Result<Conservation> {
        let flushed = if self.shared.stop.is_cancelled() {
            Ok(self.shared.sender().conservation())
        } else {
            self.flush(limit).await
        };
        self.shared.stop.cancel();
        let driver = self.driver.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(driver) = driver {
            let _ = driver.await;
        }
        flushed
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

impl Shared {
    pub(super) fn sender(&self) -> MutexGuard<'_, Sender> {
        self.sender.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn now_ms(&self) -> u64 {
        self.clock.monotonic().as_millis() as u64
    }

    /// Fails once nothing will be sent any more.
    fn usable(&self) -> Result<()> {
        if self.stop.is_cancelled() {
            return Err(Error::new(Code::ClientClosed, "the gateway was closed"));
        }
        let link = self.progress.borrow();
        match &link.error {
            Some(error) if link.ended => Err(error.clone()),
            _ => Ok(()),
        }
    }
}
