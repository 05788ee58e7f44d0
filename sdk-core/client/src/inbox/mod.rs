//! Incoming webhooks: verify, store, apply (contract 4e). The web framework gives the headers and the raw body, and answers
//! with the status of the receipt.
//!
//! * `signer`: whose message it is. * `handshake`: whether a carrier may send here at all. * `heartbeat`: how far the feed is.
//! * `subscribe`: asks a carrier for webhooks.

mod handshake;
mod heartbeat;
mod signer;
mod subscribe;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use gladhand_documents::error::{Code, Error, Kind, Result};
use gladhand_documents::json::{Document, quote};
use gladhand_protocol::proof::webhook::Headers;
use gladhand_protocol::tender::event::Incoming;

use crate::carrier::Carrier;
use crate::core::Core;
use crate::events::accept;
use crate::observe::{Activity, SecurityEvent};
pub(crate) use handshake::handshake;
pub(crate) use subscribe::{Subscription, subscribe, subscription, unsubscribe};

/// A larger body is refused unread, in bytes.
const MAX_BODY: usize = 256 << 10;
/// CloudEvents in structured mode (HTTP binding 1.0, §3.2): the one form whose bytes are signed whole.
const STRUCTURED: &str = "application/cloudevents+json";

/// Verifies the raw bytes, stores the event and applies what is in order. A refusal that names an attack, or a message from
/// another time, is a security event.
pub(crate) async fn receive(core: &Arc<Core>, fields: &[(String, String)], body: &[u8]) -> Result<Document> {
    core.open()?;
    let mut carrier = None;
    let stored = store(core, fields, body, &mut carrier).await;
    if let Err(error) = &stored
        && (error.kind() == Kind::Security || error.code() == Code::ClockSkew)
    {
        let event = SecurityEvent::failed(Activity::WebhookRefused, error);
        core.security.emit(&match &carrier {
            Some(carrier) => event.carrier(carrier.name()),
            None => event,
        });
    }
    stored.map_err(answerable)
}

/// With the HTTP status to answer with: the contract's, or 503 where the fault is ours, so that the carrier sends it again.
fn answerable(error: Error) -> Error {
    let status = match error.code().http_status() {
        _ if error.http_status().is_some() => return error,
        0 => 503,
        status => status,
    };
    error.with_status(status)
}

async fn store(
    core: &Arc<Core>,
    fields: &[(String, String)],
    body: &[u8],
    by: &mut Option<Arc<Carrier>>,
) -> Result<Document> {
    if body.len() > MAX_BODY {
        return Err(Error::new(
            Code::TooLarge,
            format!("the webhook has {} bytes, the limit is {MAX_BODY}", body.len()),
        ));
    }
    // The raw bytes are verified before anything parses them.
    let carrier = by.insert(signer::signer(core, Headers::find(fields)?, body).await?).clone();
    structured(fields)?;
    let document = Document::parse(body)?;
    if heartbeat::is_one(&document) {
        return heartbeat::heard(core, &carrier, &document).await;
    }
    let event = Incoming::of(document)?;
    if !event.from_base(&carrier.base()) {
        let why = format!("the event's source is not below the address of carrier {}", carrier.name());
        return Err(Error::new(Code::WebhookSourceForeign, why).with_tender_id(&event.tender_id));
    }
    let (sequence, kind, tender) = (event.sequence, event.event_type.clone(), event.tender_id.clone());
    let accepted = match accept(core, event, carrier.name(), "webhook").await {
        // Of another TMS of the account, or of nobody: nothing that this journal sent.
        Err(error) if error.code() == Code::TenderUnknown => {
            let why = format!("the event is of a tender that was not sent to carrier {}", carrier.name());
            return Err(Error::new(Code::WebhookSourceForeign, why).with_tender_id(&tender));
        }
        accepted => accepted?,
    };
    Document::parse(format!(
        r#"{{"outcome":{},"status":202,"carrier":{},"tenderId":{},"sequence":{sequence},"type":{}}}"#,
        quote(accepted.outcome.as_str()),
        quote(carrier.name()),
        quote(&tender),
        quote(&kind),
    ))
}

/// A sequenced event travels in structured mode only (contract 4e). A framework that keeps the field from us has chosen by it.
fn structured(fields: &[(String, String)]) -> Result<()> {
    let media = fields.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-type")).map(|(_, value)| value);
    let Some(media) = media.and_then(|value| value.split(';').next()) else { return Ok(()) };
    if media.trim().eq_ignore_ascii_case(STRUCTURED) {
        return Ok(());
    }
    Err(Error::new(Code::UnsupportedMedia, format!("the webhook's content-type must be {STRUCTURED}")))
}
