//! The telemetry collector: a reference of the carrier's ingest, and what lets a TMS follow its loads.
//!
//! * `ingest`, `session`: one stream of one vehicle gateway; what it may send, what it is answered. `payload`: opening frames.
//! * `ledger`, `lane`: per producer, epoch and lane, what arrived: duplicates, gaps, reused sequences.
//! * `keeper`, `store`, `entry`: written down and synced before it is delivered and acknowledged.
//! * `follow`, `hub`, `queue`: who sees which load, the latest record of each, and followers that are slow.
//! * `replay`: what gateways are asked for once more. `faults`: what it does wrong on request. `security`: what a SIEM would be told.
//! * `stub`: the services' server side, generated.
//!
//! With a folder its acknowledgements are of level FSYNC, without one of level MEMORY. The rules are written here from the
//! contract, independently of the SDK's own.
//!
//! Memory is bounded: per lane 4096 frames (16 bytes each), 4096 ranges and gaps, of 16 epochs per producer; per stream 4096
//! contexts, one message of 12 MiB, and 8 MiB of decoded records that wait for the disk; 4096 loads; per follower 256
//! updates or two per load; 64 requests for sequences once more. On disk: four files of 16 MiB.

mod entry;
mod faults;
mod follow;
mod hub;
mod ingest;
mod keeper;
mod lane;
mod ledger;
mod payload;
mod queue;
mod replay;
mod security;
mod session;
mod store;
#[rustfmt::skip]
mod stub;
#[cfg(test)]
mod kept_tests;
#[cfg(test)]
mod tests;

use std::fmt;
use std::fs::File;
use std::io::{Error, ErrorKind, Result};
use std::path::Path;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;

use gladhand_documents::telemetry::{Lane, Record};
use jiff::Timestamp;

pub use faults::{Faults, Settings};
pub use hub::Update;
pub use lane::Gap;
pub use ledger::LaneReport;
pub use replay::Wanted;
pub use security::SecurityEvent;

use follow::FollowService;
use hub::Hub;
use ingest::IngestService;
use keeper::{Keeper, Work};
use ledger::Ledger;
use replay::Replays;
use security::SecurityLog;
use stub::telemetry_follow_service_server::TelemetryFollowServiceServer;
use stub::telemetry_ingest_service_server::TelemetryIngestServiceServer;

/// The largest payload of a frame, as sent and uncompressed.
pub const MAX_FRAME_PAYLOAD: usize = 64 * 1024;
/// The largest gRPC message that is read. Much larger than a frame may be: one that is too large is refused by name, and its
/// stream goes on.
const MAX_MESSAGE: usize = 12 << 20;

/// What the collector asks the rest of the carrier.
pub trait LoadAccess: Send + Sync + 'static {
    /// Whether the tenant may follow this load at this time: its own load, from dispatch to one hour after delivery. By the
    /// machine's clock, as vehicles have no other.
    fn may_follow(&self, tenant: &str, load_id: &str, at: Timestamp) -> bool;

    /// Whether the tenant may see this record: its load at the time of observation, on the vehicle that was dispatched for
    /// it. Load ids are each tenant's own, so the id alone says nothing.
    fn may_see(&self, tenant: &str, record: &Record) -> bool;

    /// Whether the producer may report this vehicle.
    fn vehicle_registered(&self, producer: &str, vehicle_id: &str) -> bool;
}

/// The collector, shared by its two services and by whoever wants to look at it.
#[derive(Clone)]
pub struct Collector(Arc<Shared>);

struct Shared {
    access: Arc<dyn LoadAccess>,
    clock: Box<dyn Fn() -> Timestamp + Send + Sync>,
    hub: Hub,
    security: SecurityLog,
    faults: Faults,
    replays: Replays,
    keeper: Keeper,
    // In this order: the keeper's thread ends when nobody can queue anything for it.
    ledger: Ledger,
    thread: Thread,
}

/// The keeper's thread, which is waited for: it holds the files.
#[derive(Default)]
struct Thread(std::sync::OnceLock<JoinHandle<()>>);

impl Drop for Thread {
    fn drop(&mut self) {
        if let Some(thread) = self.0.take()
            && thread.thread().id() != std::thread::current().id()
        {
            let _ = thread.join();
        }
    }
}

impl Collector {
    /// A collector that knows what its folder tells; without one it knows nothing and keeps everything in memory. `clock` is
    /// the machine's clock: what vehicles and followers compare theirs with. `delivered` gets a line for each record that
    /// followers are given (`record`, producer, epoch, lane, sequence, event sequence, 1 if it may be a duplicate) and for
    /// each declared loss (`gap`, producer, epoch, lane, first and last sequence, reason).
    ///
    /// Errors: the folder cannot be read or written, or another process has it.
    pub fn open(
        access: Arc<dyn LoadAccess>,
        clock: impl Fn() -> Timestamp + Send + Sync + 'static,
        folder: Option<&Path>,
        delivered: Option<File>,
    ) -> Result<Self> {
        let (keeper, bench, queue) = keeper::prepare(folder, delivered)?;
        let shared = Arc::new(Shared {
            access,
            clock: Box::new(clock),
            hub: Hub::default(),
            security: SecurityLog::default(),
            faults: Faults::default(),
            replays: Replays::default(),
            keeper,
            ledger: Ledger::new(queue),
            thread: Thread::default(),
        });
        let (ready, begun) = mpsc::channel();
        let weak = Arc::downgrade(&shared);
        let thread =
            std::thread::Builder::new().name("collector".to_owned()).spawn(move || bench.run(&weak, &ready))?;
        let _ = shared.thread.0.set(thread);
        begun.recv().map_err(|_| Error::new(ErrorKind::BrokenPipe, "the keeper ended as it began"))??;
        Ok(Self(shared))
    }

    /// The gRPC routes. They need an [`crate::auth::Caller`] among the request's extensions ([`crate::auth::grpc`]).
    pub fn routes(&self) -> axum::Router {
        let ingest =
            TelemetryIngestServiceServer::new(IngestService(self.clone())).max_decoding_message_size(MAX_MESSAGE);
        let follow =
            TelemetryFollowServiceServer::new(FollowService(self.clone())).max_decoding_message_size(MAX_MESSAGE);
        tonic::service::Routes::new(ingest).add_service(follow).into_axum_router()
    }

    /// The latest record of a load.
    pub fn latest(&self, load_id: &str) -> Option<Update> {
        self.0.hub.latest(load_id)
    }

    /// What arrived, per producer, epoch and lane.
    pub fn report(&self) -> Vec<LaneReport> {
        self.0.ledger.report()
    }

    /// Asks a gateway for sequences once more, on its present stream or its next one. `false` if they did not all arrive or were
    /// not all declared lost.
    pub fn ask_again(&self, producer: &str, lane: Lane, first: u64, last: u64) -> bool {
        let known = self.0.ledger.newest(producer, lane).filter(|(_, through)| last <= *through);
        let Some((epoch, _)) = known.filter(|_| (1..=last).contains(&first)) else { return false };
        self.0.replays.ask(producer, epoch, lane, first, last);
        true
    }

    /// What was asked for once more, and what was answered; the newest 64.
    pub fn replays(&self) -> Vec<Wanted> {
        self.0.replays.all()
    }

    /// What a SIEM would have been told, oldest first.
    pub fn security_events(&self) -> Vec<SecurityEvent> {
        self.0.security.all()
    }

    /// What it does wrong.
    pub fn faults(&self) -> &Faults {
        &self.0.faults
    }

    /// Loses what is only in `memory`, as a crash would, and ends every ingest stream; or what is in the `store`, which is
    /// noticed at the next start; or both, and then every watermark. Followers stay.
    pub fn lose(&self, memory: bool, store: bool) {
        let (done, lost) = mpsc::channel();
        self.0.ledger.state().send(Work::Lose { memory, store, done });
        let _ = lost.recv();
    }

    fn now(&self) -> Timestamp {
        (self.0.clock)()
    }

    fn now_nanos(&self) -> u64 {
        nanos(self.now())
    }
}

impl fmt::Debug for Collector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Collector").finish_non_exhaustive()
    }
}

/// Unix nanoseconds; 0 before 1970.
fn nanos(at: Timestamp) -> u64 {
    u64::try_from(at.as_nanosecond()).unwrap_or(0)
}
