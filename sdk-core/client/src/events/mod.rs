//! Events towards the application and from the carrier, in order, once each (contract 4e).
//!
//! * [`EventReader`]: a durable cursor of the application. * [`SafetyStream`]: at once, out of band.
//! * `feed`: reads the account's feed, with or without a webhook. * `pull`: fetches a tender's history.
//! * [`Alarms`]: what does not mend itself.

mod alarms;
mod feed;
mod pull;
mod reader;
mod safety;
#[cfg(test)]
mod tests;

pub(crate) use alarms::Alarms;
pub(crate) use feed::{catch_up, follow, follow_all};
pub(crate) use pull::pull;
pub use reader::{Acknowledger, Delivery, EventReader};
pub use safety::SafetyStream;

use std::sync::Arc;

use gladhand_documents::error::{Code, Error, Result};
use gladhand_documents::model::sdk::{InboxOutcome, Sync};
use gladhand_protocol::tender::event::Incoming;

use crate::core::Core;
use crate::journal::Store;
use crate::journal::rows::Accepted;
use crate::observe::{Activity, SecurityEvent};

/// Stores and applies one event, and tells who waits for it. Errors: `tender_unknown`; `webhook_source_foreign` for an event
/// of a tender that went to another carrier, or of another load: a carrier moves only what it was given (contract 4e).
pub(crate) async fn accept(core: &Core, event: Incoming, carrier: &str, via: &'static str) -> Result<Accepted> {
    let name = carrier.to_owned();
    let (event, accepted) = core
        .journal
        .run(move |store| {
            let accepted = accept_one(store, &event, &name, via)?;
            Ok((event, accepted))
        })
        .await?;
    tell(core, &event, &accepted, carrier, via);
    Ok(accepted)
}

/// [`accept`] for several in their order, which wait for the disk together. Returns what was refused for its own sake
/// (`tender_unknown`, `webhook_source_foreign`). Ends with the first other failure; what came before it stays accepted.
pub(crate) async fn accept_all(
    core: &Core,
    events: Vec<Incoming>,
    carrier: &str,
    via: &'static str,
) -> Result<Vec<Error>> {
    let name = carrier.to_owned();
    let (accepted, refused, ended) = core
        .journal
        .run(move |store| {
            let (mut accepted, mut refused) = (Vec::with_capacity(events.len()), Vec::new());
            for event in events {
                match accept_one(store, &event, &name, via) {
                    Ok(one) => accepted.push((event, one)),
                    Err(error) if matches!(error.code(), Code::TenderUnknown | Code::WebhookSourceForeign) => {
                        refused.push(error);
                    }
                    Err(error) => return Ok((accepted, refused, Err(error))),
                }
            }
            Ok((accepted, refused, Ok(())))
        })
        .await?;
    for (event, one) in &accepted {
        tell(core, event, one, carrier, via);
    }
    ended.map(|()| refused)
}

fn tell(core: &Core, event: &Incoming, accepted: &Accepted, carrier: &str, via: &'static str) {
    if accepted.outcome == InboxOutcome::Quarantined {
        let reused = SecurityEvent::new(Activity::SequenceReused).code(Code::HistoryDiverged).carrier(carrier);
        let reused = reused.fact("tender", &event.tender_id).fact("sequence", event.sequence);
        core.security.emit(&reused.fact("via", via));
    }
    if accepted.outcome != InboxOutcome::Duplicate {
        if accepted.tender.sync == Sync::Diverged {
            // Whoever must decide hears of it now.
            core.wake.notify_one();
        }
        core.changed();
    }
}

fn accept_one(store: &mut dyn Store, event: &Incoming, carrier: &str, via: &'static str) -> Result<Accepted> {
    match store.tender(&event.tender_id)? {
        Some(row) if row.carrier != carrier || row.load_id != event.load_id => Err(Error::new(
            Code::WebhookSourceForeign,
            format!("the event is of a tender that was not sent to carrier {carrier}"),
        )
        .with_status(403)
        .with_tender_id(&event.tender_id)),
        Some(_) => store.accept(event, carrier, via),
        // Found without taking the head of the chain: an account's feed may hold many of another TMS.
        None => Err(Error::new(Code::TenderUnknown, format!("the journal has no tender {}", event.tender_id))
            .with_tender_id(&event.tender_id)),
    }
}

/// Follows the feed of one tender's carrier, or of all, once.
pub(crate) fn ensure_following(core: &Arc<Core>, carrier: Option<&str>) {
    match carrier {
        Some(name) => follow(core, name),
        None => follow_all(core),
    }
}
