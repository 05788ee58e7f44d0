//! Heartbeats: every 60 seconds each subscription is told where the account's feed stands (contract 4e). A last event that got
//! lost leaves no gap in any sequence; the cursor shows it.

use std::sync::Arc;

use gladhand_documents::error::{Code, Error, Result};
use gladhand_documents::json::{Document, quote};
use gladhand_documents::model::{self, Model as _, event::Heartbeat};

use crate::carrier::Carrier;
use crate::core::Core;
use crate::events::catch_up;

/// The type of a heartbeat.
const TYPE: &str = "gladhand.subscription.heartbeat.v1";

/// Whether a verified message is a heartbeat.
pub(super) fn is_one(document: &Document) -> bool {
    document.text("/type").as_deref() == Some(TYPE)
}

/// Takes note: where the feed is ahead of what was read, it is read.
pub(super) async fn heard(core: &Arc<Core>, carrier: &Arc<Carrier>, document: &Document) -> Result<Document> {
    model::validate(Heartbeat::entity(), document)?;
    let text = |pointer: &str| document.text(pointer).unwrap_or_default();
    if text("/source") != format!("{}/webhook-subscriptions/{}", carrier.base(), text("/data/subscriptionId")) {
        let why = format!("the heartbeat's source is no subscription at carrier {}", carrier.name());
        return Err(Error::new(Code::WebhookSourceForeign, why));
    }
    core.epoch(carrier.name(), &text("/data/logEpoch")).await?;
    let name = carrier.name().to_owned();
    let known = core.journal.run(move |store| store.carrier(&name)).await?;
    if known.cursor != document.text("/data/cursor") {
        catch_up(core, carrier.name());
    }
    Document::parse(format!(
        r#"{{"outcome":"heartbeat","status":202,"carrier":{},"type":{}}}"#,
        quote(carrier.name()),
        quote(TYPE)
    ))
}
