//! Fetches a tender's history behind what is applied (contract 4e): closes gaps, proves the digest.

use std::sync::Arc;

use gladhand_documents::error::{Code, Error, Result};
use gladhand_documents::json::Document;
use gladhand_documents::model::sdk::Sync;
use gladhand_documents::model::wire::EventPage;
use gladhand_protocol::tender::answer::absent;
use gladhand_protocol::tender::event::Incoming;
use gladhand_protocol::tender::history;

use super::accept_all;
use crate::carrier::segment;
use crate::core::Core;
use crate::tender::row;

/// At most so many pages of one history are read in a row.
const MAX_PAGES: u32 = 1000;

/// Pulls and applies everything after the last applied event, page by page.
///
/// Errors: those of the call; `history_diverged` where the carrier's digest is not ours, which freezes the tender.
pub(crate) async fn pull(core: &Arc<Core>, id: &str) -> Result<()> {
    for _ in 0..MAX_PAGES {
        if !page(core, id).await? {
            break;
        }
    }
    Ok(())
}

/// Reads one page. Whether there is more, and this brought us nearer to it.
async fn page(core: &Arc<Core>, id: &str) -> Result<bool> {
    let before = row(core, id).await?;
    let carrier = core.carrier(&before.carrier)?.clone();
    let path = format!("/v1/tenders/{}/events?after={}", segment(id), before.fold.last_sequence);
    let page = match carrier.read::<EventPage>("events.tender", path, "events:read", None).await {
        Ok(page) => page,
        // The carrier has no log of it: what rests on an answer alone stays as it is.
        Err(error) if before.fold.last_sequence == 0 && absent(&error, id).is_some() => return Ok(false),
        Err(error) => return Err(error),
    };
    if let Some(epoch) = page.text("/logEpoch") {
        core.epoch(carrier.name(), &epoch).await?;
    }
    let base = carrier.base();
    let mut events = Vec::new();
    for event in page.at("/events").into_iter().flat_map(gladhand_documents::json::Value::items) {
        let event = Incoming::of(Document::parse(event.raw())?)?;
        if event.tender_id != id || !event.from_base(&base) {
            return Err(Error::new(Code::WebhookSourceForeign, "the tender's feed holds an event of another source")
                .with_tender_id(id));
        }
        events.push(event);
    }
    if let Some(refused) = accept_all(core, events, carrier.name(), "pull").await?.into_iter().next() {
        return Err(refused);
    }
    prove(core, id, &page).await?;
    let last = row(core, id).await?.fold.last_sequence;
    Ok(last > before.fold.last_sequence && told(&page) > Some(last))
}

fn told(page: &Document) -> Option<u64> {
    page.number("/lastSequence").and_then(|n| n.parse().ok())
}

/// The same length must mean the same digest.
async fn prove(core: &Core, id: &str, page: &Document) -> Result<()> {
    let after = row(core, id).await?;
    let same_length = told(page) == Some(after.fold.last_sequence) && after.sync != Sync::Diverged;
    if !same_length || page.text("/historyDigest") == Some(history::hex(&after.fold.history_digest)) {
        return Ok(());
    }
    let (name, why) = (id.to_owned(), "the history digests differ at the same sequence");
    core.journal.run(move |store| store.diverge(&name, why)).await?;
    core.changed();
    Err(Error::new(Code::HistoryDiverged, why).with_tender_id(id))
}
