//! Tendering: hold the load, journal the intent, send it (contract 4c). Returns a tender for every business answer.

use std::sync::Arc;

use gladhand_documents::error::{Error, Result};
use gladhand_documents::json::Document;
use gladhand_documents::model::sdk::Sync;
use gladhand_protocol::tender::state::terminal;

use super::prepare::{Prepared, prepare};
use super::send::{Ending, perform};
use super::{CreateOptions, follow_up, read, view};
use crate::core::Core;
use crate::journal::Store;
use crate::journal::rows::{Opened, TenderRow};

/// Creates, or joins what holds the load. `again`: starts the next attempt of a load that is released.
pub(crate) async fn create(core: &Arc<Core>, load: Document, options: CreateOptions, again: bool) -> Result<Document> {
    let carrier = core.carrier(&options.carrier)?.clone();
    // Nearly every load is new at its carrier, which is known: what that needs is looked up in the visit that journals it.
    let mut attempt = 1 + u32::from(again);
    let mut published = carrier.known_of_environment(&core.config.environment);
    let (row, intent) = loop {
        let ready = |published| prepare(core, &carrier, load.clone(), &options, attempt, again, published);
        let ready = published.as_deref().map(ready);
        let (name, load_id) = (options.carrier.clone(), load.text("/loadId").unwrap_or_default());
        let visit = move |store: &mut dyn Store| visit(store, &name, &load_id, attempt, again, ready);
        match core.journal.run(visit).await? {
            Visit::Opened(Opened::Existing(row)) => return view(&row, true),
            Visit::Opened(Opened::New(new)) => break *new,
            Visit::Again(other) => attempt = other,
        }
        if published.is_none() {
            published = Some(carrier.of_environment(&core.config.environment).await?);
        }
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

/// What one look at the journal came to.
enum Visit {
    Opened(Opened),
    /// Nobody holds the load; this attempt is to be made ready.
    Again(u32),
}

/// Journals what is ready if it is the attempt that the load is at. A held load is joined whether or not the carrier can be
/// reached, and whatever is wrong with this tender of it.
fn visit(
    store: &mut dyn Store,
    carrier: &str,
    load: &str,
    attempt: u32,
    again: bool,
    ready: Option<Result<Prepared>>,
) -> Result<Visit> {
    // That of the latest tender of the load at the carrier, or the next one.
    let next = store.latest(carrier, load)?.map_or(1, |row| row.attempt + u32::from(again));
    if let Some(Ok(ready)) = &ready
        && next == attempt
    {
        return store.open_tender(&ready.tender, &ready.intent).map(Visit::Opened);
    }
    if !again && let Some(holder) = store.holder(load)? {
        return Ok(Visit::Opened(Opened::Existing(Box::new(holder))));
    }
    match ready {
        Some(Err(error)) if next == attempt => Err(error),
        _ => Ok(Visit::Again(next)),
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
