//! One offer, and holding a slot of it for a while before a load is tendered (contract 3b, 4.0).

use std::sync::Arc;

use gladhand_documents::error::{Code, Error, Result, Sent};
use gladhand_documents::json::Document;
use gladhand_documents::model::capacity::CapacityOffer;
use gladhand_protocol::tender::{ids, recovery};

use crate::auth::random::unique;
use crate::carrier::{Carrier, segment};
use crate::core::Core;
use crate::journal::rows::NewIntent;
use crate::tender::{Ending, mutate};

/// One offer, fresh from the carrier.
pub(crate) async fn get(core: &Core, carrier: &str, capacity: &str) -> Result<Document> {
    core.open()?;
    let carrier = core.carrier(carrier)?;
    let offer = read(carrier, capacity).await?;
    // What is published of it may fail; then the default is assumed.
    let _ = carrier.published().await;
    carrier.offered([&offer]);
    Ok(offer)
}

async fn read(carrier: &Carrier, capacity: &str) -> Result<Document> {
    let path = format!("/v1/capacity/{}", segment(capacity));
    carrier.read::<CapacityOffer>("capacity.get", path, "capacity:read", None).await
}

/// Holds a slot. The same hold id again is the same hold.
pub(crate) async fn hold(core: &Arc<Core>, carrier: &str, capacity: &str, hold: Option<&str>) -> Result<Document> {
    let hold = match hold {
        Some(hold) => hold.to_owned(),
        None => format!("h-{}", unique()?),
    };
    change(core, carrier, capacity, &hold, "capacity.hold").await
}

/// Lets a slot go. A hold that is used by a tender or has lapsed is refused with `hold_expired`.
pub(crate) async fn release(core: &Arc<Core>, carrier: &str, capacity: &str, hold: &str) -> Result<Document> {
    change(core, carrier, capacity, hold, "capacity.release").await
}

async fn change(
    core: &Arc<Core>,
    carrier: &str,
    capacity: &str,
    hold: &str,
    operation: &'static str,
) -> Result<Document> {
    let carrier = core.carrier(carrier)?.clone();
    let operation_id = format!("{capacity}/{hold}");
    let intent = NewIntent {
        operation,
        key: ids::idempotency_key(&core.scope(carrier.name()), operation, &operation_id),
        operation_id,
        tender_id: None,
        carrier: carrier.name().to_owned(),
        origin: carrier.base(),
        method: if operation == "capacity.hold" { "PUT" } else { "DELETE" },
        path: format!("/v1/capacity/{}/holds/{}", segment(capacity), segment(hold)),
        // The path says it all, and how long it holds is the carrier's to say: neither has content.
        body: Document::object(),
        prefer: None,
        resend_until: recovery::resend_until(None, core.clock.now()),
        owner: core.owner.id.clone(),
    };
    match mutate(core, &carrier, intent).await? {
        Ending::Answered(offer) => Ok(offer),
        Ending::Created(_) | Ending::Resolved => read(&carrier, capacity).await,
        Ending::Refused(error) | Ending::NotExecuted(error) => Err(error),
        Ending::Unproven(error) => {
            Err(Error::new(Code::ConnectionLost, format!("nobody knows yet whether {operation} arrived"))
                .sent(Sent::MaybeSent)
                .caused_by(&error))
        }
    }
}
