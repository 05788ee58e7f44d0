//! Events: the log of one tender and the feed of the account, verbatim; and digests for reconciliation.

use gladhand_documents::error::Code;
use http::StatusCode;

use crate::api::call::Call;
use crate::api::headers::sequence;
use crate::api::tenders::{key, place};
use crate::object::Object;
use crate::problem::{Answer, Problem, Result};
use crate::state::Store;
use crate::state::feed::Committed;

const PAGE: usize = 200;

/// `GET /v1/tenders/{id}/events?after=N`.
pub async fn of_tender(call: Call) -> Result<Answer> {
    let after = call.query("after").map_or(Ok(0), |text| sequence("after", text))?;
    let store = call.carrier.store();
    let tender = store.read().tender(&key(&call)?)?;
    let events = tender.history.after(after).iter().map(|e| std::str::from_utf8(&e.bytes).unwrap_or("null"));
    let body = Object::new()
        .list("events", events)
        .number("lastSequence", tender.history.last_sequence())
        .text("historyDigest", &tender.history.digest())
        .text("logEpoch", &store.log_epoch);
    Ok(Answer::json(StatusCode::OK, body.finish()))
}

/// `GET /v1/events?cursor` with `Prefer: wait`: from the start without a cursor; waits while there is nothing new.
pub async fn of_account(call: Call) -> Result<Answer> {
    let tenant = call.tenant()?.to_owned();
    let from = place(&call, &call.carrier.store(), "events")?;
    let answer = call
        .until(call.wait(), |last| {
            let store = call.carrier.store();
            let (events, next) = page(&store, &tenant, from);
            (last || !events.is_empty()).then(|| {
                let body = Object::new()
                    .list("events", events)
                    .text("cursor", &store.cursor("events", next))
                    .text("logEpoch", &store.log_epoch);
                Answer::json(StatusCode::OK, body.finish())
            })
        })
        .await;
    answer.ok_or_else(|| Problem::new(Code::Maintenance, "the carrier is stopping").retry_after(1))
}

fn page(store: &Store, tenant: &str, from: usize) -> (Vec<String>, usize) {
    let mut mine = store.read().events(tenant, from);
    let text = |committed: &Committed| {
        let event = store.find(&committed.key)?.history.get(committed.sequence)?;
        Some(String::from_utf8_lossy(&event.bytes).into_owned())
    };
    let events = mine.by_ref().take(PAGE).filter_map(|(_, committed)| text(committed)).collect();
    let next = mine.next().map_or_else(|| store.read().end().max(from), |(place, _)| place);
    (events, next)
}

/// `GET /v1/reconciliation/digests?cursor`.
pub async fn digests(call: Call) -> Result<Answer> {
    let tenant = call.tenant()?;
    let store = call.carrier.store();
    let from = place(&call, &store, "digests")?;
    let mut mine = store.read().tenders(tenant, from);
    let items: Vec<String> = mine.by_ref().take(PAGE).map(|(_, t)| t.digest_item()).collect();
    let next = mine.next().map(|(at, _)| store.cursor("digests", at));
    let body = Object::new()
        .text("asOf", &store.head())
        .text("logEpoch", &store.log_epoch)
        .list("items", items)
        .text_if("cursor", next.as_deref());
    Ok(Answer::json(StatusCode::OK, body.finish()))
}

/// `GET /v1/tenders/{id}/digests?at=N`.
pub async fn digest_at(call: Call) -> Result<Answer> {
    let store = call.carrier.store();
    let tender = store.read().tender(&key(&call)?)?;
    let at = call.query("at").map_or(Ok(tender.history.last_sequence()), |text| sequence("at", text))?;
    let wrong = || Problem::violation(Code::SchemaInvalid, "/at", "range", "must be a sequence of the tender's log");
    let digest = tender.history.digest_at(at).ok_or_else(wrong)?;
    let body = Object::new()
        .text("tenderId", &tender.key.tender_id)
        .number("sequence", at)
        .text("historyDigest", &digest)
        .text("logEpoch", &store.log_epoch);
    Ok(Answer::json(StatusCode::OK, body.finish()))
}
