//! Tenders that a carrier has and this journal did not make: of an earlier journal, of another installation of the same
//! TMS (contract 4e, 4g). They are imported as they are and hold their loads. Never withdrawn or cancelled from here.

use std::sync::Arc;

use gladhand_documents::error::{Code, Error, Result};
use gladhand_documents::json::{Document, Value};
use gladhand_documents::model::wire::{TenderPage, TenderState};
use gladhand_protocol::tender::{ids, state};

use super::follow_up;
use super::resolve::snapshot;
use crate::carrier::{Carrier, segment};
use crate::core::Core;
use crate::journal::rows::NewTender;

/// A derived id names its attempt; so many are tried. One that the TMS named itself counts as the first.
const ATTEMPTS: u32 = 64;
/// Pages read in search of a tender.
const PAGES: usize = 50;

/// A carrier's tender and its snapshot, ready for the journal.
pub(crate) type Found = (NewTender, Document);

/// Takes one tender over, and its history.
pub(crate) async fn import(core: &Arc<Core>, carrier: &Carrier, id: &str) -> Result<()> {
    let found = found(core, carrier, snapshot(carrier, id).await?);
    core.journal.run(move |store| store.import(&found.0, &found.1)).await?;
    core.changed();
    follow_up(core, id).await;
    Ok(())
}

/// The live tender that covers a load at a carrier, other than `own`: the one that a refusal names, or else the one that
/// the carrier lists. `None` where there is none.
pub(super) async fn covering(
    core: &Core,
    carrier: &Carrier,
    load_id: &str,
    own: &str,
    named: Option<String>,
) -> Result<Option<Found>> {
    let live = |found: &Document| {
        let state = TenderState::from(found.text("/state").unwrap_or_default().as_str());
        found.text("/loadId").as_deref() == Some(load_id)
            && found.text("/tenderId").as_deref() != Some(own)
            && !state::terminal(&state)
    };
    if let Some(id) = named {
        let there = snapshot(carrier, &id).await?;
        return Ok(live(&there).then(|| found(core, carrier, there)));
    }
    let mut path = "/v1/tenders".to_owned();
    for _ in 0..PAGES {
        let page = carrier.read::<TenderPage>("tenders.list", path, "tender:read", None).await?;
        for item in page.at("/tenders").into_iter().flat_map(Value::items) {
            let item = Document::parse(item.raw())?;
            if live(&item) {
                return Ok(Some(found(core, carrier, item)));
            }
        }
        match page.text("/cursor") {
            Some(cursor) => path = format!("/v1/tenders?cursor={}", segment(&cursor)),
            None => return Ok(None),
        }
    }
    Err(Error::new(Code::UnexpectedAnswer, "the carrier lists more tenders than are read"))
}

fn found(core: &Core, carrier: &Carrier, snapshot: Document) -> Found {
    let text = |pointer: &str| snapshot.text(pointer).unwrap_or_default();
    let (tender_id, load_id) = (text("/tenderId"), text("/loadId"));
    let scope = core.scope(carrier.name());
    let tender = NewTender {
        attempt: ids::attempt_of(&scope, &load_id, &tender_id, ATTEMPTS).unwrap_or(1),
        tender_id,
        load_id,
        carrier: carrier.name().to_owned(),
        // The history that is pulled afterwards begins with the first.
        revision: 1,
        again: false,
    };
    (tender, snapshot)
}
