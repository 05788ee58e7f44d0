//! The account's feed, followed by long poll: for a program that cannot take webhooks, such as a desktop application, and
//! as the second way beside them (contract 4e). Push and pull collapse on the digest.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use gladhand_documents::error::{Code, Result};
use gladhand_documents::json::Document;
use gladhand_documents::model::wire::EventFeed;
use gladhand_protocol::tender::event::Incoming;
use gladhand_protocol::tender::retry::Backoff;

use super::accept_all;
use crate::carrier::{Carrier, segment};
use crate::core::{Core, jitter};
use crate::observe::{Activity, SecurityEvent};

/// How long the carrier may hold back an answer without news.
const POLL: Duration = Duration::from_secs(20);

/// Follows every carrier's feed from now on.
pub(crate) fn follow_all(core: &Arc<Core>) {
    for name in core.carriers.keys() {
        follow(core, name);
    }
}

/// Follows one carrier's feed from now on; once only.
pub(crate) fn follow(core: &Arc<Core>, name: &str) {
    let Some(carrier) = core.carriers.get(name) else { return };
    let first = core.following.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned());
    if !first || core.stop.is_cancelled() {
        return;
    }
    let (core, carrier) = (core.clone(), carrier.clone());
    core.tasks.clone().spawn(async move {
        let stop = core.stop.clone();
        tokio::select! {
            () = stop.cancelled() => {}
            () = forever(&core, &carrier) => {}
        }
    });
}

async fn forever(core: &Arc<Core>, carrier: &Arc<Carrier>) {
    let mut failures = 1;
    loop {
        match page(core, carrier, POLL).await {
            Ok(_) => failures = 1,
            Err(error) => {
                tracing::debug!(target: "gladhand::events", carrier = carrier.name(), %error, "the feed is not there");
                if error.code() == Code::CursorExpired && restart(core, carrier).await.is_ok() {
                    continue;
                }
                failures += 1;
                let wait = Backoff::READ_BACK.delay(failures, jitter(&*core.clock)).unwrap_or(Backoff::READ_BACK.cap);
                if !core.pause(wait).await {
                    return;
                }
            }
        }
    }
}

/// Reads a carrier's feed up to its head, once, unless it is followed anyway: a heartbeat said that there is news.
pub(crate) fn catch_up(core: &Arc<Core>, name: &str) {
    let held = |set: &std::sync::Mutex<std::collections::HashSet<String>>| {
        set.lock().unwrap_or_else(PoisonError::into_inner).contains(name)
    };
    let Some(carrier) = core.carriers.get(name).filter(|_| !held(&core.following)) else { return };
    if !core.catching_up.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned()) {
        return;
    }
    let (core, carrier) = (core.clone(), carrier.clone());
    core.tasks.clone().spawn(async move {
        let stop = core.stop.clone();
        tokio::select! {
            () = stop.cancelled() => {}
            read = to_the_head(&core, &carrier) => {
                if let Err(error) = read {
                    // The next heartbeat says it again.
                    tracing::warn!(target: "gladhand::events", carrier = carrier.name(), %error, "the feed is not there");
                }
            }
        }
        core.catching_up.lock().unwrap_or_else(PoisonError::into_inner).remove(carrier.name());
    });
}

async fn to_the_head(core: &Arc<Core>, carrier: &Arc<Carrier>) -> Result<()> {
    loop {
        match page(core, carrier, Duration::ZERO).await {
            Ok(true) => {}
            Ok(false) => return Ok(()),
            Err(error) if error.code() == Code::CursorExpired => return restart(core, carrier).await,
            Err(error) => return Err(error),
        }
    }
}

/// Reads one page and applies it; the cursor moves only after that. Whether anything was in it.
async fn page(core: &Arc<Core>, carrier: &Arc<Carrier>, wait: Duration) -> Result<bool> {
    let name = carrier.name().to_owned();
    let known = core.journal.run(move |store| store.carrier(&name)).await?;
    let path = match &known.cursor {
        Some(cursor) => format!("/v1/events?cursor={}", segment(cursor)),
        None => "/v1/events".to_owned(),
    };
    let wait = wait.min(carrier.published().await?.max_wait);
    let wait = Some(wait).filter(|wait| !wait.is_zero());
    let page = carrier.read::<EventFeed>("events.account", path, "events:read", wait).await?;
    if let Some(epoch) = page.text("/logEpoch") {
        core.epoch(carrier.name(), &epoch).await?;
    }
    let base = carrier.base();
    let mut events = Vec::new();
    for event in page.at("/events").into_iter().flat_map(gladhand_documents::json::Value::items) {
        match Document::parse(event.raw()).and_then(Incoming::of) {
            Ok(event) if event.from_base(&base) => events.push(event),
            Ok(event) => foreign(core, carrier.name(), &event.tender_id),
            Err(error) => {
                tracing::error!(target: "gladhand::events", carrier = carrier.name(), %error, "an event is none of the contract");
            }
        }
    }
    for refused in accept_all(core, events, carrier.name(), "feed").await? {
        // One of a tender from before this journal: reconciliation lists it.
        if refused.code() == Code::WebhookSourceForeign {
            foreign(core, carrier.name(), refused.tender_id().unwrap_or_default());
        }
    }
    let (name, cursor) = (carrier.name().to_owned(), page.text("/cursor").unwrap_or_default());
    if known.cursor.as_deref() != Some(&cursor) {
        core.journal.run(move |store| store.set_cursor(&name, &cursor)).await?;
    }
    Ok(page.at("/events").is_some_and(|events| !events.is_empty()))
}

/// The feed no longer reaches back to our cursor: reconcile, then go on from there.
async fn restart(core: &Arc<Core>, carrier: &Arc<Carrier>) -> Result<()> {
    let cursor = crate::reconcile::catch_up(core, carrier).await?;
    let name = carrier.name().to_owned();
    core.journal.run(move |store| store.set_cursor(&name, &cursor)).await
}

/// The feed holds an event of a source that is not this carrier's.
fn foreign(core: &Core, carrier: &str, tender: &str) {
    let event = SecurityEvent::new(Activity::EventForeign).code(Code::WebhookSourceForeign);
    core.security.emit(&event.carrier(carrier).fact("tender", tender));
}
