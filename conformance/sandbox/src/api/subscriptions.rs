//! Webhook subscriptions.

use gladhand_documents::error::Code;
use gladhand_documents::json::Value;
use gladhand_documents::model::wire::WebhookSubscription;
use http::StatusCode;
use http::header::ETAG;

use crate::api::call::Call;
use crate::api::headers::{fits, if_match};
use crate::api::tenders::{checked, names};
use crate::problem::{Answer, Problem, Result};
use crate::state::subscriptions::Subscription;
use crate::webhook;

/// `PUT /v1/webhook-subscriptions/{id}`: events committed from now on are delivered there.
pub async fn put(call: Call) -> Result<Answer> {
    let document = call.document()?;
    checked::<WebhookSubscription>(&document)?;
    names(&document, "/subscriptionId", call.id(0))?;
    let mut types = document.at("/types").into_iter().flat_map(Value::items);
    if types.any(|t| t.text().as_deref() == Some("gladhand.shipment.position.v1")) && !call.caller()?.consent.position {
        return Err(Problem::new(Code::DataSharingDenied, "the data sharing agreement does not cover positions"));
    }
    let (tenant, name) = (call.tenant()?.to_owned(), name(&call)?);
    let (generation, answer) = {
        let mut store = call.carrier.store();
        let required = store.policy.tags_required;
        if let Some(existing) = store.subscriptions.all.get(&name)
            && existing.document != document
        {
            current(&call, existing, required)?;
        }
        let head = store.feed.len();
        let generation = store.subscriptions.put(&tenant, &document, head)?;
        (generation, store.subscriptions.all.get(&name).map(answer))
    };
    if let Some(generation) = generation {
        webhook::deliver(&call.carrier, tenant, call.id(0).to_owned(), generation);
        call.carrier.notify();
    }
    answer.ok_or_else(|| unknown(&call))
}

/// `GET /v1/webhook-subscriptions/{id}`.
pub async fn get(call: Call) -> Result<Answer> {
    let store = call.carrier.store();
    store.subscriptions.all.get(&name(&call)?).map(answer).ok_or_else(|| unknown(&call))
}

/// `DELETE /v1/webhook-subscriptions/{id}`.
pub async fn delete(call: Call) -> Result<Answer> {
    let name = name(&call)?;
    let mut store = call.carrier.store();
    let required = store.policy.tags_required;
    current(&call, store.subscriptions.all.get(&name).ok_or_else(|| unknown(&call))?, required)?;
    let removed = store.subscriptions.all.remove(&name).ok_or_else(|| unknown(&call))?;
    drop(store);
    call.carrier.notify();
    Ok(answer(&removed))
}

/// Refuses unless `If-Match` names the subscription as it is, or is absent where it may be.
fn current(call: &Call, existing: &Subscription, required: bool) -> Result<()> {
    match if_match(&call.headers) {
        Some(listed) if fits(&listed, &existing.tag()) => Ok(()),
        Some(_) => Err(Problem::new(Code::EtagMismatch, format!("the subscription has the ETag {}", existing.tag()))),
        None if required => Err(Problem::new(Code::EtagRequired, "send If-Match with its ETag")),
        None => Ok(()),
    }
}

fn answer(subscription: &Subscription) -> Answer {
    Answer::json(StatusCode::OK, subscription.document.as_str().to_owned()).with(ETAG, subscription.tag())
}

fn name(call: &Call) -> Result<(String, String)> {
    Ok((call.tenant()?.to_owned(), call.id(0).to_owned()))
}

fn unknown(call: &Call) -> Problem {
    Problem::new(Code::NotFound, format!("there is no subscription {}", call.id(0)))
}
