//! Asking a carrier for webhooks (contract 4.0, 4e). The address is set only here.

use std::sync::Arc;

use gladhand_documents::error::{Code, Error, Result, Sent, Violation};
use gladhand_documents::json::{Document, quote};
use gladhand_documents::model::{self, Model as _, SCHEMA_VERSION, wire::WebhookSubscription};
use gladhand_protocol::tender::ids;
use http::Method;
use jiff::{SignedDuration, Timestamp};
use url::{Host, Url};

use crate::auth::random::unique;
use crate::auth::{Profile, Request};
use crate::carrier::{Carrier, document_of, segment};
use crate::core::Core;
use crate::journal::rows::NewIntent;
use crate::tender::{Ending, mutate};

/// How many glances at the journal a change waits for the one before it.
const PATIENCE: u32 = 20;

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
    address(&wanted.url, &wanted.mtls)?;
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
    change(core, &carrier, &wanted.id, "webhooks.put", "PUT", body).await
}

/// Ends the subscription and answers with what it was.
pub(crate) async fn unsubscribe(core: &Arc<Core>, carrier: &str, id: &str) -> Result<Document> {
    let carrier = core.carrier(carrier)?.clone();
    change(core, &carrier, id, "webhooks.delete", "DELETE", Document::object()).await
}

/// The subscription as the carrier has it.
pub(crate) async fn subscription(core: &Arc<Core>, carrier: &str, id: &str) -> Result<Document> {
    core.open()?;
    let carrier = core.carrier(carrier)?;
    let request = Request::new("webhooks.get", Method::GET, path_of(id), Profile::Dpop, "webhooks:write");
    document_of::<WebhookSubscription>("webhooks.get", &carrier.call(request).await?)
}

/// https, and nothing in it that would go to a log as a secret. Plain http is for a receiver on this machine that relies on the
/// signature alone.
fn address(text: &str, mtls: &str) -> Result<()> {
    let refuse = |why: &str| {
        let violation = Violation { path: "/url".to_owned(), code: "url".to_owned(), message: why.to_owned() };
        Err(Error::new(Code::SchemaInvalid, format!("/url {why}")).with_violations(vec![violation]))
    };
    let Ok(url) = Url::parse(text) else { return refuse("must be an absolute address") };
    if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
        return refuse("must have no user, password or fragment");
    }
    let here = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    };
    match url.scheme() {
        "https" => Ok(()),
        "http" if here && mtls == "signature_only" => Ok(()),
        _ => refuse("must be https; http is for a loopback address with signature_only"),
    }
}

fn path_of(id: &str) -> String {
    format!("/v1/webhook-subscriptions/{}", segment(id))
}

async fn change(
    core: &Arc<Core>,
    carrier: &Arc<Carrier>,
    id: &str,
    operation: &'static str,
    method: &'static str,
    body: Document,
) -> Result<Document> {
    settle(core, carrier, id).await?;
    // Each change is an operation of its own: the key of an earlier one must not answer for it, whatever the content.
    let operation_id = format!("{id}/{}", unique()?);
    let intent = NewIntent {
        operation,
        key: ids::idempotency_key(&core.scope(carrier.name()), operation, &operation_id),
        operation_id,
        tender_id: None,
        carrier: carrier.name().to_owned(),
        origin: carrier.base(),
        method,
        path: path_of(id),
        body,
        prefer: None,
        resend_until: core.clock.now().saturating_add(SignedDuration::from_mins(10)).unwrap_or(Timestamp::MAX),
        owner: core.owner.id.clone(),
    };
    match mutate(core, carrier, intent).await? {
        Ending::Answered(subscription) => Ok(subscription),
        Ending::Refused(error) | Ending::NotExecuted(error) | Ending::Unproven(error) => Err(error),
        Ending::Created(_) | Ending::Resolved => {
            Err(Error::new(Code::ConnectionLost, "the subscription is still being changed"))
        }
    }
}

/// Lets an earlier change of the same subscription come to its end: sent again later, it would undo the next one.
async fn settle(core: &Arc<Core>, carrier: &Carrier, id: &str) -> Result<()> {
    let (name, prefix) = (carrier.name().to_owned(), format!("{id}/"));
    for _ in 0..PATIENCE {
        let look = core.look();
        let open = core.journal.run(|store| store.open_intents(None)).await?.into_iter().find(|intent| {
            intent.operation.starts_with("webhooks.")
                && intent.carrier == name
                && intent.operation_id.starts_with(&prefix)
        });
        match open {
            None => return Ok(()),
            Some(intent) if intent.owner == core.owner.id => core.hand_over(intent),
            Some(_) => {}
        }
        if !core.news(look).await {
            break;
        }
    }
    Err(Error::new(Code::ConnectionLost, format!("an earlier change of the subscription {id} is not settled yet"))
        .sent(Sent::NotSent))
}
