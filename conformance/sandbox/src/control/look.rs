//! What the carrier holds and saw, for tests to look at from outside the contract.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State};
use axum::response::IntoResponse;
use http::header::CONTENT_TYPE;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::carrier::Carrier;
use crate::clock::rfc3339;

/// Everything, as one document.
pub async fn state(State(carrier): State<Arc<Carrier>>) -> Json<Value> {
    let store = carrier.store();
    let mut loads: BTreeMap<&str, (u64, u64, u64)> = BTreeMap::new();
    let mut tenders = Vec::new();
    for tender in store.tenders() {
        let counts = loads.entry(&tender.load_id).or_default();
        counts.0 += u64::from(!tender.is_tombstone());
        counts.1 += u64::from(tender.state.is_live());
        counts.2 += u64::from(tender.accepted_rate.is_some());
        let commands = tender.dispatch.iter().flat_map(|d| &d.commands);
        let commands = commands.map(|c| {
            let revoked_by = c.revocation().and_then(|said| said.text("/requestedBy/principal"));
            json!({"commandId": c.id, "type": c.kind, "state": c.state.as_str(), "revokedBy": revoked_by})
        });
        let commands: Vec<Value> = commands.collect();
        let types: Vec<&str> = tender.history.after(0).iter().map(|e| e.kind.as_str()).collect();
        tenders.push(json!({
            "tenant": tender.key.tenant,
            "tenderId": tender.key.tender_id,
            "loadId": tender.load_id,
            "capacityId": tender.capacity_id,
            "revision": tender.revision,
            "state": tender.state.as_str(),
            "tombstone": tender.is_tombstone(),
            "archived": tender.archived,
            "amendment": tender.amendment,
            "dispatchId": tender.dispatch.as_ref().map(|d| &d.id),
            "lastSequence": tender.history.last_sequence(),
            "historyDigest": tender.history.digest(),
            "events": types,
            "commands": commands,
        }));
    }
    let loads: BTreeMap<&str, Value> = loads
        .into_iter()
        .map(|(load, (creates, live, accepted))| {
            (load, json!({"creates": creates, "live": live, "accepted": accepted}))
        })
        .collect();
    let capacity: Vec<Value> = store
        .stock
        .iter()
        .map(|c| json!({"capacityId": c.id, "quantity": c.quantity, "committed": c.committed, "left": c.left()}))
        .collect();
    let subscriptions: Vec<Value> = store
        .subscriptions
        .all
        .values()
        .map(|s| {
            json!({
                "tenant": s.tenant, "subscriptionId": s.id, "url": s.url.as_str(), "verified": s.verified,
                "disabled": s.disabled,
                "attempts": s.attempts.0, "failures": s.attempts.1,
            })
        })
        .collect();
    Json(json!({
        "now": rfc3339(carrier.clock.now()),
        "logEpoch": store.log_epoch,
        "tenders": tenders,
        "loads": loads,
        "capacity": capacity,
        "subscriptions": subscriptions,
        "requests": carrier.requests.to_json(),
        "telemetry": super::telemetry::summary(&carrier),
    }))
}

/// Events in one answer of the ledger.
const LEDGER_PAGE: usize = 10_000;

/// `GET /ledger?after=number`: events that were ever recorded, with the instant by the machine's clock.
pub async fn ledger(State(carrier): State<Arc<Carrier>>, Query(page): Query<Page>) -> Json<Value> {
    let store = carrier.store();
    let page = store.ledger.page(page.after, LEDGER_PAGE);
    let events = page.events.iter().map(|event| {
        json!({
            "atUs": event.at.as_microsecond(), "loadId": event.load_id, "tenderId": event.key.tender_id,
            "sequence": event.sequence, "type": event.kind,
        })
    });
    Json(json!({ "events": events.collect::<Vec<Value>>(), "next": page.next, "lost": page.lost }))
}

/// Where to go on reading.
#[derive(Deserialize)]
pub struct Page {
    #[serde(default)]
    after: u64,
}

/// `GET /fingerprints?after=index`: which identity came with each request.
pub async fn fingerprints(State(carrier): State<Arc<Carrier>>, Query(page): Query<Page>) -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], carrier.fingerprints.to_json(page.after))
}

/// `GET /handshakes`: the latest connections and what was negotiated on them.
pub async fn handshakes(State(carrier): State<Arc<Carrier>>) -> Json<Value> {
    Json(carrier.fingerprints.handshakes())
}

/// `GET /security?after=number`: what was refused.
pub async fn security(State(carrier): State<Arc<Carrier>>, Query(page): Query<Page>) -> Json<Value> {
    Json(carrier.security.to_json(page.after))
}
