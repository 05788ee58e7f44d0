//! Webhook subscriptions.

use gladhand_documents::error::Code;
use gladhand_documents::model::wire::WebhookSubscription;
use http::StatusCode;

use crate::api::call::Call;
use crate::api::tenders::{checked, names};
use crate::problem::{Answer, Problem, Result};
use crate::webhook;

/// `PUT /v1/webhook-subscriptions/{id}`: events committed from now on are delivered there.
pub async fn put(call: Call) -> Result<Answer> {
    let document = call.document()?;
    checked::<WebhookSubscription>(&document)?;
    names(&document, "/subscriptionId", call.id(0))?;
    let tenant = call.tenant()?.to_owned();
    let generation = {
        let mut store = call.carrier.store();
        let head = store.feed.len();
        store.subscriptions.put(&tenant, &document, head)?
    };
    if let Some(generation) = generation {
        webhook::deliver(&call.carrier, tenant, call.id(0).to_owned(), generation);
    }
    Ok(Answer::json(StatusCode::OK, document.as_str().to_owned()))
}

/// `GET /v1/webhook-subscriptions/{id}`.
pub async fn get(call: Call) -> Result<Answer> {
    let store = call.carrier.store();
    let subscription = store.subscriptions.all.get(&name(&call)?).ok_or_else(|| unknown(&call))?;
    Ok(Answer::json(StatusCode::OK, subscription.document.as_str().to_owned()))
}

/// `DELETE /v1/webhook-subscriptions/{id}`.
pub async fn delete(call: Call) -> Result<Answer> {
    let removed = call.carrier.store().subscriptions.all.remove(&name(&call)?).ok_or_else(|| unknown(&call))?;
    call.carrier.notify();
    Ok(Answer::json(StatusCode::OK, removed.document.as_str().to_owned()))
}

fn name(call: &Call) -> Result<(String, String)> {
    Ok((call.tenant()?.to_owned(), call.id(0).to_owned()))
}

fn unknown(call: &Call) -> Problem {
    Problem::new(Code::NotFound, format!("there is no subscription {}", call.id(0)))
}
