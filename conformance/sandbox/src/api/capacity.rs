//! Capacity: search, one offer by id, and holds; an offer goes out as the bytes it came in as until a hold changes it.

use gladhand_documents::error::Code;
use gladhand_documents::json::Document;
use gladhand_documents::model::capacity::CapacityHold;
use http::StatusCode;
use http::header::ETAG;
use sha2::{Digest as _, Sha256};

use crate::api::call::Call;
use crate::api::headers::{fits, if_match};
use crate::api::tenders::{REPLAYED, checked, names};
use crate::problem::{Answer, Problem, Result};
use crate::state::Store;
use crate::state::capacity::{Capacity, Search};
use crate::state::hold::Wanted;

/// `POST /v1/capacity/search`.
pub async fn search(call: Call) -> Result<Answer> {
    let search = Search::of(&call.document()?)?;
    let store = call.carrier.store();
    let (page, next) = store.stock.search(&search);
    let offers: Vec<Document> = page.iter().map(|c| c.shown(call.tenant()?)).collect::<Result<_>>()?;
    let offers: Vec<&str> = offers.iter().map(Document::as_str).collect();
    // Joined by hand: an offer goes out as the bytes it came in as.
    let cursor = next.map_or_else(String::new, |next| format!(r#","cursor":"{next}""#));
    let body = format!(r#"{{"schemaVersion":"1.0.0","offers":[{}]{cursor}}}"#, offers.join(","));
    Ok(Answer::json(StatusCode::OK, body))
}

/// `GET /v1/capacity/{id}`.
pub async fn get(call: Call) -> Result<Answer> {
    offer(&call, &call.carrier.store())
}

/// `PUT /v1/capacity/{id}/holds/{holdId}`: keeps a slot until the `heldUntil` of the body, or for a quarter of an hour.
pub async fn hold(call: Call) -> Result<Answer> {
    let body = if call.body.is_empty() { Document::object() } else { call.document()? };
    if !call.body.is_empty() {
        checked::<CapacityHold>(&body)?;
        names(&body, "/holdId", call.id(1))?;
    }
    let mut store = call.carrier.store();
    let tag = store.stock.get(call.id(0)).map(Capacity::tag).unwrap_or_default();
    let current = if_match(&call.headers).is_none_or(|listed| fits(&listed, &tag));
    let wanted = Wanted { current, ..wanted(&call)? };
    let content = Sha256::digest(&call.body).into();
    let replayed = store.hold(&wanted, &body, content, call.carrier.clock.now())?;
    call.carrier.notify();
    let answer = offer(&call, &store)?;
    Ok(if replayed { answer.with(REPLAYED, "true") } else { answer })
}

/// `DELETE /v1/capacity/{id}/holds/{holdId}`.
pub async fn release(call: Call) -> Result<Answer> {
    let mut store = call.carrier.store();
    let replayed = store.release_hold(&wanted(&call)?)?;
    call.carrier.notify();
    let answer = offer(&call, &store)?;
    Ok(if replayed { answer.with(REPLAYED, "true") } else { answer })
}

fn wanted(call: &Call) -> Result<Wanted<'_>> {
    let caller = call.caller()?;
    Ok(Wanted {
        tenant: &caller.tenant,
        client_id: &caller.client_id,
        capacity_id: call.id(0),
        hold_id: call.id(1),
        current: true,
    })
}

fn offer(call: &Call, store: &Store) -> Result<Answer> {
    let absent = || Problem::new(Code::NotFound, format!("there is no capacity {}", call.id(0)));
    let capacity = store.stock.get(call.id(0)).ok_or_else(absent)?;
    let document = capacity.shown(call.tenant()?)?;
    Ok(Answer::json(StatusCode::OK, document.as_str().to_owned()).with(ETAG, capacity.tag()))
}
