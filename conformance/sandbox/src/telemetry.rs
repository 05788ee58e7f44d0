//! What ties the telemetry collector to the rest of the carrier: who may follow which load, which vehicle belongs to
//! whom, and its routes behind the gate.

use std::sync::{Arc, Weak};

use axum::Router;
use jiff::{SignedDuration, Timestamp};

use crate::carrier::Carrier;
use crate::collector::{Collector, LoadAccess};
use crate::{auth, credentials};

/// How long after delivery a load may still be followed (telemetry §1).
const AFTER_DELIVERY: SignedDuration = SignedDuration::from_hours(1);

/// Weak: the carrier holds the collector.
struct Access(Weak<Carrier>);

impl LoadAccess for Access {
    fn may_follow(&self, tenant: &str, load_id: &str, observed: Timestamp) -> bool {
        self.0.upgrade().is_some_and(|carrier| carrier.store().carried(tenant, load_id, observed, AFTER_DELIVERY))
    }

    fn vehicle_registered(&self, producer: &str, vehicle_id: &str) -> bool {
        self.0.upgrade().is_some_and(|carrier| {
            producer == credentials::producer(&carrier.name) && carrier.vehicles.iter().any(|v| v == vehicle_id)
        })
    }
}

/// Makes the carrier's collector; its gRPC routes take certificate-bound tokens.
pub fn routes(carrier: &Arc<Carrier>) -> Router {
    let clock = {
        let carrier = Arc::downgrade(carrier);
        move || carrier.upgrade().map_or(Timestamp::UNIX_EPOCH, |carrier| carrier.clock.wall())
    };
    let collector =
        carrier.collector.get_or_init(|| Collector::new(Arc::new(Access(Arc::downgrade(carrier))), clock)).clone();
    // Unknown paths are answered by the API's own fallback.
    collector.routes().reset_fallback().layer(axum::middleware::from_fn_with_state(carrier.clone(), auth::grpc))
}
