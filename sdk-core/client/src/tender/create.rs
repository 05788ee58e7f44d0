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
use crate::journal::rows::{Opened, TenderRow};

/// Creates, or joins what holds the load. `again`: starts the next attempt of a load that is released.
pub(crate) async fn create(core: &Arc<Core>, load: Document, options: CreateOptions, again: bool) -> Result<Document> {
    let carrier = core.carrier(&options.carrier)?.clone();
    // A held load is joined whether or not the carrier can be reached.
    let (load_id, name) = (load.text("/loadId").unwrap_or_default(), options.carrier.clone());
    let (holder, latest) = core
        .journal
        .run(move |store| {
            let holder = if again { None } else { store.holder(&load_id)? };
            Ok((holder, store.latest(&name, &load_id)?))
        })
        .await?;
    if let Some(holder) = holder {
        return view(&holder, true);
    }
    // That of the latest tender of the load at the carrier, or the next one.
    let attempt = latest.map_or(1, |row| row.attempt + u32::from(again));
    let published = carrier.of_environment(&core.config.environment).await?;
    let prepared = prepare(core, &carrier, load, &options, attempt, again, &published)?;
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
        Ending::Created(row) => answered(core, *row).await,
        Ending::Answered(_) | Ending::Refused(_) | Ending::Resolved | Ending::Unproven(_) => {
            answered(core, read::row(core, &row.tender_id).await?).await
        }
    }
}

/// What the caller is told of a tender that was sent.
async fn answered(core: &Arc<Core>, mut row: TenderRow) -> Result<Document> {
    if !row.held() || terminal(&row.state()) {
        // Only a whole history releases a load: whoever may tender it elsewhere must not be told too early.
        follow_up(core, &row.tender_id).await;
        return read::local(core, &row.tender_id).await;
    }
    // The answer says all that the caller needs, with the carrier's own sequence and digest. The events behind it are on their
    // way, pushed or by the feed; what does not come is a gap, and the driver pulls it. A gap is what stays open.
    if row.sync == Sync::Gap && row.ahead().is_some() {
        row.sync = Sync::InSync;
    }
    view(&row, false)
}

fn explained(error: Error, key: &str, tender: &str) -> Error {
    error.with_idempotency_key(key).with_tender_id(tender)
}
