//! Asking a carrier for webhooks (contract 4.0, 4e). The address is set only here.

use std::sync::Arc;

use gladhand_documents::error::{Code, Error, Result};
use gladhand_documents::json::{Document, quote};
use gladhand_documents::model::{self, Model as _, SCHEMA_VERSION, wire::WebhookSubscription};
use gladhand_protocol::tender::{history, ids};
use jiff::{SignedDuration, Timestamp};

use crate::carrier::segment;
use crate::core::Core;
use crate::journal::rows::NewIntent;
use crate::tender::{Ending, mutate};

/// What is asked for.
pub(crate) struct Subscription {
    pub(crate) carrier: String,
    pub(crate) id: String,
    pub(crate) url: String,
    pub(crate) types: Vec<String>,
    pub(crate) mtls: String,
}

/// Puts the subscription; saying the same again changes nothing.
pub(crate) async fn subscribe(core: &Arc<Core>, wanted: Subscription) -> Result<Document> {
    let carrier = core.carrier(&wanted.carrier)?.clone();
    let types: Vec<String> = wanted.types.iter().map(|kind| quote(kind)).collect();
    let body = Document::parse(format!(
        r#"{{"schemaVersion":{},"subscriptionId":{},"url":{},"types":[{}],"mtls":{}}}"#,
        quote(SCHEMA_VERSION),
        quote(&wanted.id),
        quote(&wanted.url),
        types.join(","),
        quote(&wanted.mtls),
    ))?;
    model::validate(WebhookSubscription::entity(), &body)?;
    // Another content is another operation: the key of the first must not answer for the second.
    let operation_id = format!("{}/{}", wanted.id, &history::hex(&history::digest(body.as_bytes()))[..16]);
    let intent = NewIntent {
        operation: "webhooks.put",
        key: ids::idempotency_key(&core.scope(carrier.name()), "webhooks.put", &operation_id),
        operation_id,
        tender_id: None,
        carrier: carrier.name().to_owned(),
        origin: carrier.base(),
        method: "PUT",
        path: format!("/v1/webhook-subscriptions/{}", segment(&wanted.id)),
        body,
        prefer: None,
        resend_until: core.clock.now().saturating_add(SignedDuration::from_mins(10)).unwrap_or(Timestamp::MAX),
        owner: core.owner.id.clone(),
    };
    match mutate(core, &carrier, intent).await? {
        Ending::Answered(subscription) => Ok(subscription),
        Ending::Refused(error) | Ending::NotExecuted(error) | Ending::Unproven(error) => Err(error),
        Ending::Resolved => Err(Error::new(Code::ConnectionLost, "the subscription is still being put")),
    }
}
