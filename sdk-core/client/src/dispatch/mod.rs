//! Dispatches and commands (contract 4f). A command is a request to the carrier's operations centre: the carrier decides,
//! nothing is actuated, and no answer in time is a no.
//!
//! * [`CommandRequest`]: what is asked for, and by whom. * `command`: asks, reads, takes back.
//! * `record`: who asked for what, and what became of it, from the journal alone.

mod command;
mod record;
#[cfg(test)]
mod tests;
mod wish;

use std::sync::Arc;

use gladhand_documents::error::{Code, Error, Result};
use gladhand_documents::json::Document;
use gladhand_documents::model::dispatch::Dispatch;
use gladhand_protocol::tender::state::terminal;

use crate::carrier::{Carrier, segment};
use crate::core::Core;

pub(crate) use command::{request, revoke, status};
pub(crate) use record::records;
pub use wish::{CommandRequest, Requester};

/// The carrier that a dispatch belongs to: the journal knows, or there is only one. Each carrier names its dispatches by
/// itself: where two have one of this id under way, nothing says which is meant, and a guess could stop the wrong truck.
async fn carrier_of(core: &Core, dispatch: &str) -> Result<(Arc<Carrier>, Option<String>)> {
    let id = dispatch.to_owned();
    let mut rows = core.journal.run(move |store| store.tenders_of_dispatch(&id)).await?;
    if rows.iter().any(|row| !terminal(&row.state())) {
        rows.retain(|row| !terminal(&row.state()));
    }
    if let Some(row) = rows.first() {
        if let Some(other) = rows.iter().find(|other| other.carrier != row.carrier) {
            let why = format!("the carriers {} and {} both have a dispatch {dispatch}", row.carrier, other.carrier);
            return Err(Error::new(Code::InvalidArgument, why));
        }
        return Ok((core.carrier(&row.carrier)?.clone(), Some(row.tender_id.clone())));
    }
    let mut carriers = core.carriers.values();
    match (carriers.next(), carriers.next()) {
        (Some(only), None) => Ok((only.clone(), None)),
        _ => Err(Error::new(Code::InvalidArgument, format!("no tender in the journal has the dispatch {dispatch}"))),
    }
}

/// The dispatch, fresh from the carrier.
pub(crate) async fn get(core: &Core, id: &str) -> Result<Document> {
    core.open()?;
    let (carrier, _) = carrier_of(core, id).await?;
    read(&carrier, id).await
}

async fn read(carrier: &Carrier, id: &str) -> Result<Document> {
    let path = format!("/v1/dispatches/{}", segment(id));
    carrier.read::<Dispatch>("dispatches.get", path, "dispatch:read", None).await
}
