//! Tendering: hold the load, journal the intent, send it (contract 4c). Returns a tender for every business answer.

use std::sync::Arc;

use gladhand_documents::error::{Error, Result};
use gladhand_documents::json::Document;
use gladhand_documents::model::sdk::Sync;
use gladhand_protocol::tender::state::terminal;

use super::prepare::prepare;
use super::send::{Ending, perform};
use super::{CreateOptions, follow_up, read, view};
use crate::core::Core;
use crate::journal::rows::Opened;

/// Creates, or joins what holds the load. `again`: starts the next attempt of a load that is released.
pub(crate) async fn create(core: &Arc<Core>, load: Document, options: CreateOptions, again: bool) -> Result<Document> {
    let carrier = core.carrier(&options.carrier)?.clone();
    // A held load is joined whether or not the carrier can be reached.
    let load_id = load.text("/loadId").unwrap_or_default();
    if !again && let Some(holder) = core.journal.run(move |store| store.holder(&load_id)).await? {
        return view(&holder, true);
    }
    let attempt = attempt(core, &load, &options.carrier, again).await?;
    core.may_send(&carrier).await?;
    let prepared = prepare(core, &carrier, load, &options, attempt, again).await?;
    let (tender, intent) = (prepared.tender, prepared.intent);
    let opened = core.journal.run(move |store| store.open_tender(&tender, &intent)).await?;
    let (row, intent) = match opened {
        Opened::Existing(row) => return view(&row, true),
        Opened::New(new) => *new,
    };
    core.changed();
    let (ending, key) = (perform(core, &carrier, intent.clone()).await?, intent.key);
    match ending {
        // A definite failure: nothing was executed, the load is free again.
        Ending::NotExecuted(error) => Err(explained(error, &key, &row.tender_id)),
        Ending::Answered(_) | Ending::Refused(_) | Ending::Resolved | Ending::Unproven(_) => {
            let mut row = read::row_early(core, &row.tender_id).await?;
            if !row.held() || terminal(&row.state()) {
                // Only a whole history releases a load: whoever may tender it elsewhere must not be told too early.
                follow_up(core, &row.tender_id).await;
                return read::local(core, &row.tender_id).await;
            }
            // The answer says all that the caller needs, with the carrier's own sequence and digest. A gap is what stays open.
            follow_up_later(core, &row.tender_id);
            if row.sync == Sync::Gap && row.ahead().is_some() {
                row.sync = Sync::InSync;
            }
            view(&row, false)
        }
    }
}

/// Pulls the events behind an answer while the caller goes on.
fn follow_up_later(core: &Arc<Core>, id: &str) {
    let (core, id) = (core.clone(), id.to_owned());
    core.tasks.clone().spawn(async move {
        let stop = core.stop.clone();
        tokio::select! {
            () = stop.cancelled() => {}
            () = follow_up(&core, &id) => core.changed(),
        }
    });
}

fn explained(error: Error, key: &str, tender: &str) -> Error {
    error.with_idempotency_key(key).with_tender_id(tender)
}

/// The number of this attempt: that of the latest tender of the load at the carrier, or the next one.
async fn attempt(core: &Arc<Core>, load: &Document, carrier: &str, again: bool) -> Result<u32> {
    let (load, carrier) = (load.text("/loadId").unwrap_or_default(), carrier.to_owned());
    let latest = core.journal.run(move |store| store.latest(&carrier, &load)).await?;
    Ok(latest.map_or(1, |row| row.attempt + u32::from(again)))
}
