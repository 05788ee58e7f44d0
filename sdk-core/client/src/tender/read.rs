//! Reading tenders: what the journal knows, refreshed from the carrier where that can change it.

use std::sync::Arc;

use gladhand_documents::error::{Code, Error, Result};
use gladhand_documents::json::Document;
use gladhand_documents::model::wire::TenderState;
use gladhand_protocol::tender::answer::absent;
use gladhand_protocol::tender::{recovery, state};

use super::resolve::snapshot;
use super::{follow_up, view};
use crate::core::Core;
use crate::journal::rows::TenderRow;

/// The journal's row of a tender. Error: `tender_unknown`.
pub(crate) async fn row(core: &Core, id: &str) -> Result<TenderRow> {
    let name = id.to_owned();
    core.journal.run(move |store| store.tender(&name)).await?.ok_or_else(|| unknown(id))
}

pub(super) fn unknown(id: &str) -> Error {
    Error::new(Code::TenderUnknown, format!("the journal has no tender {id}")).with_tender_id(id)
}

/// A tender as the journal has it.
pub(crate) async fn local(core: &Core, id: &str) -> Result<Document> {
    let row = row(core, id).await?;
    view(&row, false)
}

/// A tender, asked of the carrier unless it is finished. If the carrier cannot be reached, what the journal knows.
pub(crate) async fn get(core: &Arc<Core>, id: &str) -> Result<Document> {
    let known = row(core, id).await?;
    if !state::terminal(&known.state()) || known.held() {
        refresh(core, &known).await?;
    }
    local(core, id).await
}

async fn refresh(core: &Arc<Core>, known: &TenderRow) -> Result<()> {
    let carrier = core.carrier(&known.carrier)?;
    let id = known.tender_id.clone();
    match snapshot(carrier, &id).await {
        Ok(snapshot) => {
            if let Some(epoch) = snapshot.text("/logEpoch") {
                core.epoch(carrier.name(), &epoch).await?;
            }
            let name = id.clone();
            core.journal.run(move |store| store.snapshot(&name, &snapshot)).await?;
            core.changed();
            follow_up(core, &id).await;
        }
        Err(error) if known.proven && absent(&error, &id).is_some() => {
            if !recovery::lost(known.updated_at, core.clock.now()) {
                // The read lags behind an answer or an event.
                return Ok(());
            }
            let name = id.clone();
            let why = "the carrier acknowledged the tender and has lost it";
            core.journal.run(move |store| store.diverge(&name, why)).await?;
            core.changed();
        }
        Err(error) => {
            tracing::debug!(target: "gladhand::tender", tender = %id, %error, "the journal answers for the carrier");
        }
    }
    Ok(())
}

/// Every tender in the journal, newest first. Error: `invalid_argument` for a state that there is none of.
pub(crate) async fn list(core: &Core, state: Option<&str>) -> Result<Vec<Document>> {
    if let Some(TenderState::Unknown(other)) = state.map(TenderState::from) {
        return Err(Error::new(Code::InvalidArgument, format!("{other} is no state of a tender")));
    }
    let state = state.map(str::to_owned);
    let rows = core.journal.run(move |store| store.tenders(state.as_deref())).await?;
    rows.iter().map(|row| view(row, false)).collect()
}
