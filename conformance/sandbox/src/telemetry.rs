//! What ties the telemetry collector to the rest of the carrier: who may follow which load, which vehicle belongs to
//! whom, and its routes behind the gate.

use std::fs::File;
use std::path::Path;
use std::sync::{Arc, Weak};

use axum::Router;
use gladhand_documents::error::{Code, Error, Result};
use gladhand_documents::telemetry::Record;
use jiff::{SignedDuration, Timestamp};

use crate::carrier::Carrier;
use crate::collector::{Collector, LoadAccess};
use crate::state::dispatch::Dispatch;
use crate::{auth, credentials};

/// How long after delivery a load may still be followed (telemetry §1).
const AFTER_DELIVERY: SignedDuration = SignedDuration::from_hours(1);

/// Weak: the carrier holds the collector.
struct Access(Weak<Carrier>);

impl LoadAccess for Access {
    fn may_follow(&self, tenant: &str, load_id: &str, at: Timestamp) -> bool {
        self.0.upgrade().is_some_and(|carrier| carrier.store().carried(tenant, load_id, at, AFTER_DELIVERY, |_| true))
    }

    fn may_see(&self, tenant: &str, record: &Record) -> bool {
        let Ok(at) = Timestamp::from_nanosecond(i128::from(record.observed_unix_nanos)) else { return false };
        let ids = &record.context;
        // A gateway may not know the dispatch; if it names one, it is this one.
        let fits = |dispatch: &Dispatch| {
            dispatch.vehicle == ids.vehicle_id && (ids.dispatch_id.is_empty() || dispatch.id == ids.dispatch_id)
        };
        self.0.upgrade().is_some_and(|carrier| carrier.store().carried(tenant, &ids.load_id, at, AFTER_DELIVERY, fits))
    }

    fn vehicle_registered(&self, producer: &str, vehicle_id: &str) -> bool {
        self.0.upgrade().is_some_and(|carrier| {
            producer == credentials::producer(&carrier.name) && carrier.vehicles.iter().any(|v| v == vehicle_id)
        })
    }
}

/// Makes the carrier's collector, which keeps what arrives in the folder `telemetry`; its gRPC routes take certificate-bound
/// tokens. `delivered` names a file for what followers are given ([`Collector::open`]).
///
/// Errors: `sandbox_failed` if the folder or the file cannot be used.
pub fn routes(carrier: &Arc<Carrier>, delivered: Option<&Path>) -> Result<Router> {
    let failed = |e: std::io::Error| Error::new(Code::SandboxFailed, "the folder of the telemetry").caused_by(&e);
    let clock = {
        let carrier = Arc::downgrade(carrier);
        move || carrier.upgrade().map_or(Timestamp::UNIX_EPOCH, |carrier| carrier.clock.wall())
    };
    let delivered = delivered.map(|path| File::options().create(true).append(true).open(path));
    let delivered = delivered.transpose().map_err(failed)?;
    let folder = carrier.dir.join("telemetry");
    let access = Arc::new(Access(Arc::downgrade(carrier)));
    let collector = Collector::open(access, clock, Some(&folder), delivered).map_err(failed)?;
    let routes = collector.routes();
    let _ = carrier.collector.set(collector);
    // Unknown paths are answered by the API's own fallback.
    Ok(routes.reset_fallback().layer(axum::middleware::from_fn_with_state(carrier.clone(), auth::grpc)))
}
