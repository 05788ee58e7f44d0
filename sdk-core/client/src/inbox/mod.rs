//! Incoming webhooks: verify, store, apply (contract 4e). The web framework gives the headers and the raw body, and answers
//! with the status of the receipt.
//!
//! * `subscribe`: asks a carrier for them.

mod subscribe;

use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use gladhand_documents::error::{Code, Error, Result};
use gladhand_documents::json::{Document, quote};
use gladhand_protocol::proof::webhook::{Headers, verify};
use gladhand_protocol::tender::event::Incoming;

use crate::carrier::Carrier;
use crate::core::Core;
use crate::events::accept;
pub(crate) use subscribe::{Subscription, subscribe};

/// A larger body is refused unread, in bytes.
const MAX_BODY: usize = 256 << 10;

/// Verifies the raw bytes, stores the event and applies what is in order. Errors that name an attack are also told to the
/// target `gladhand::security` of `tracing`.
pub(crate) async fn receive(core: &Arc<Core>, fields: &[(String, String)], body: &[u8]) -> Result<Document> {
    let stored = store(core, fields, body).await;
    if let Err(error) = &stored
        && error.kind() == gladhand_documents::error::Kind::Security
    {
        tracing::warn!(target: "gladhand::security", event = "webhook_refused", code = error.code().as_str(), "{}", error.message());
    }
    stored
}

async fn store(core: &Arc<Core>, fields: &[(String, String)], body: &[u8]) -> Result<Document> {
    core.open()?;
    if body.len() > MAX_BODY {
        return Err(Error::new(
            Code::TooLarge,
            format!("the webhook has {} bytes, the limit is {MAX_BODY}", body.len()),
        ));
    }
    // The raw bytes are verified before anything parses them.
    let carrier = signer(core, Headers::find(fields)?, body).await?;
    let event = Incoming::parse(body)?;
    if !event.from_base(&carrier.base()) {
        return Err(Error::new(
            Code::WebhookSourceForeign,
            format!("the event's source is not below the address of carrier {}", carrier.name()),
        )
        .with_tender_id(&event.tender_id));
    }
    let id = event.tender_id.clone();
    let known = core.journal.run(move |store| store.tender(&id)).await?;
    if known.is_none_or(|row| row.carrier != carrier.name() || row.load_id != event.load_id) {
        return Err(Error::new(
            Code::WebhookSourceForeign,
            format!("the event is of a tender that was not sent to carrier {}", carrier.name()),
        )
        .with_status(403)
        .with_tender_id(&event.tender_id));
    }
    let (sequence, kind, tender) = (event.sequence, event.event_type.clone(), event.tender_id.clone());
    let accepted = accept(core, event, carrier.name(), "webhook").await?;
    Document::parse(format!(
        r#"{{"outcome":{},"status":202,"carrier":{},"tenderId":{},"sequence":{sequence},"type":{}}}"#,
        quote(accepted.outcome.as_str()),
        quote(carrier.name()),
        quote(&tender),
        quote(&kind),
    ))
}

/// The carrier whose key signed the message: a key belongs to one carrier. Keys that are unknown may be new, so the
/// carriers' keys are read again before the message is refused. All are asked at once: one that is down keeps nobody
/// else's message waiting.
async fn signer(core: &Arc<Core>, headers: Headers<'_>, body: &[u8]) -> Result<Arc<Carrier>> {
    let now = core.clock.now().as_second();
    let mut refused = None;
    for anew in [false, true] {
        let ask = |carrier: &Arc<Carrier>| {
            let carrier = carrier.clone();
            async move {
                let published = if anew { carrier.published_anew().await } else { carrier.published().await };
                (carrier, published)
            }
        };
        let mut asked: FuturesUnordered<_> = core.carriers.values().map(ask).collect();
        while let Some((carrier, published)) = asked.next().await {
            let keys = match published {
                Ok(published) => published,
                Err(error) => {
                    refused.get_or_insert(error);
                    continue;
                }
            };
            match verify(headers, body, &keys.webhook_keys, now) {
                Ok(_) => return Ok(carrier),
                Err(error) if error.code() == Code::WebhookSignatureInvalid => refused = Some(error),
                // Signed by this carrier, but too old; or not signed at all.
                Err(error) => return Err(error),
            }
        }
    }
    Err(refused.unwrap_or_else(|| Error::new(Code::WebhookSignatureInvalid, "no carrier is configured")))
}
