//! The telemetry collector: a reference of the carrier's ingest, and what lets a TMS follow its loads.
//!
//! * `ingest`, `session`: one stream of one vehicle gateway; what it may send, what it is answered.
//! * `ledger`: per producer, epoch and lane, what arrived: duplicates, gaps, reused sequences.
//! * `follow`, `hub`, `queue`: who sees which load, the latest record of each, and followers that are slow.
//! * `security`: what a SIEM would be told.
//! * `stub`: the services' server side, generated.
//!
//! It holds everything in memory and says so: its acknowledgements are of level MEMORY. The rules are written here from
//! the contract, independently of the SDK's own.

mod follow;
mod hub;
mod ingest;
mod ledger;
mod queue;
mod security;
mod session;
#[rustfmt::skip]
mod stub;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

pub use hub::Update;
pub use ledger::LaneReport;
pub use security::SecurityEvent;

use follow::FollowService;
use hub::Hub;
use ingest::IngestService;
use ledger::Ledger;
use security::SecurityLog;
use stub::telemetry_follow_service_server::TelemetryFollowServiceServer;
use stub::telemetry_ingest_service_server::TelemetryIngestServiceServer;

/// The largest payload of a frame, as sent and uncompressed.
pub const MAX_FRAME_PAYLOAD: usize = 64 * 1024;
/// The largest gRPC message that is read: a frame and its header.
const MAX_MESSAGE: usize = MAX_FRAME_PAYLOAD + 64 * 1024;

/// What the collector asks the rest of the carrier.
pub trait LoadAccess: Send + Sync + 'static {
    /// Whether the tenant may see records of this load that were observed at this time: its own load, from dispatch to one
    /// hour after delivery. `observed` is by the machine's clock, as vehicles have no other.
    fn may_follow(&self, tenant: &str, load_id: &str, observed: Timestamp) -> bool;

    /// Whether the producer may report this vehicle.
    fn vehicle_registered(&self, producer: &str, vehicle_id: &str) -> bool;
}

/// The collector, shared by its two services and by whoever wants to look at it.
#[derive(Clone)]
pub struct Collector(Arc<Shared>);

struct Shared {
    access: Arc<dyn LoadAccess>,
    clock: Box<dyn Fn() -> Timestamp + Send + Sync>,
    ledger: Ledger,
    hub: Hub,
    security: SecurityLog,
}

impl Collector {
    /// A collector that knows nothing yet. `clock` is the machine's clock: what vehicles and followers compare theirs with.
    pub fn new(access: Arc<dyn LoadAccess>, clock: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self(Arc::new(Shared {
            access,
            clock: Box::new(clock),
            ledger: Ledger::default(),
            hub: Hub::default(),
            security: SecurityLog::default(),
        }))
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

    /// What a SIEM would have been told, oldest first.
    pub fn security_events(&self) -> Vec<SecurityEvent> {
        self.0.security.all()
    }

    /// Forgets every watermark and ends every ingest stream, as a crash would. Followers stay.
    pub fn lose_state(&self) {
        self.0.ledger.lose_state();
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

/// The instant of Unix nanoseconds; the end of time beyond it.
fn instant(nanos: u64) -> Timestamp {
    Timestamp::from_nanosecond(i128::from(nanos)).unwrap_or(Timestamp::MAX)
}
