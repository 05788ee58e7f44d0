//! Control over webhooks: hold them back, and release them as a bad network would.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use gladhand_documents::error::Code;
use serde::Deserialize;
use serde_json::json;

use super::{Answer, Refused, body};
use crate::carrier::Carrier;
use crate::problem::Problem;
use crate::state::Store;
use crate::webhook::keys::Step;
use crate::webhook::message::{Tamper, message};
use crate::webhook::network::{Network, Rates};
use crate::webhook::{self, Delivery};

/// The routes.
pub fn router() -> Router<Arc<Carrier>> {
    Router::new()
        .route("/webhooks", post(mode))
        .route("/webhooks/release", post(release))
        .route("/webhooks/messages", post(messages))
        .route("/webhooks/network", post(network))
        .route("/webhooks/replay", post(replay))
        .route("/webhooks/keys", post(keys))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Mode {
    mode: String,
}

/// `hold` keeps events back, `deliver` lets them go.
async fn mode(State(carrier): State<Arc<Carrier>>, bytes: Bytes) -> Answer {
    let wanted: Mode = body(&bytes)?;
    let hold = match wanted.mode.as_str() {
        "hold" => true,
        "deliver" => false,
        other => {
            let detail = format!("mode {other} is neither deliver nor hold");
            return Err(Refused(Problem::new(Code::SchemaInvalid, detail)));
        }
    };
    carrier.store().subscriptions.hold = hold;
    carrier.notify();
    Ok(Json(json!({})))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Release {
    tender_id: Option<String>,
    order: Option<Vec<u64>>,
    #[serde(default)]
    duplicate: u32,
    #[serde(default)]
    tamper: bool,
}

/// Posts events at once, whether or not deliveries are held, and answers with what the receivers said.
///
/// Without `order`: everything not delivered yet, of `tenderId` or of all tenders, in the order of commits. With `order`
/// (sequences of `tenderId`): those, in that order, delivered before or not. Each goes out once, and `duplicate` times
/// more. With `tamper` one byte is changed after signing, and the event still counts as not delivered.
async fn release(State(carrier): State<Arc<Carrier>>, bytes: Bytes) -> Answer {
    let wanted: Release = body(&bytes)?;
    let planned = plan(&carrier.store(), &wanted);
    let mut deliveries = Vec::new();
    for (name, generation, sequence, tender_id, delivery) in planned {
        for attempt in 0..=wanted.duplicate {
            let status = webhook::post(&carrier, &delivery, wanted.tamper).await;
            let taken = status.is_some_and(|s| (200..300).contains(&s));
            if taken && !wanted.tamper {
                webhook::note(&carrier, &name, generation, delivery.place, true);
            }
            deliveries.push(json!({
                "subscriptionId": name.1, "tenderId": tender_id, "sequence": sequence,
                "attempt": attempt + 1, "status": status, "body": delivery.body.len(),
            }));
        }
    }
    Ok(Json(json!({ "deliveries": deliveries })))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Messages {
    tender_id: String,
    #[serde(default)]
    tamper: Tamper,
    #[serde(default)]
    age_s: u64,
}

/// The events of a tender as webhooks would bring them, in order, for a receiver that has no address: header fields and
/// body of each. `tamper` is `body` (one byte changed after signing) or `key` (signed by a stranger); with `ageS` they were
/// signed so many seconds ago.
async fn messages(State(carrier): State<Arc<Carrier>>, bytes: Bytes) -> Answer {
    let wanted: Messages = body(&bytes)?;
    let unknown = || Problem::new(Code::NotFound, format!("there is no tender {}", wanted.tender_id));
    let events: Vec<(String, Bytes)> = {
        let store = carrier.store();
        let key = store.key_of(&wanted.tender_id).ok_or_else(unknown)?;
        store.tender(&key)?.history.after(0).iter().map(|event| (event.id.clone(), event.bytes.clone())).collect()
    };
    let messages: Vec<serde_json::Value> = events
        .iter()
        .filter_map(|(id, event)| message(&carrier, id, event, wanted.tamper, wanted.age_s))
        .map(|message| json!({"headers": message.headers, "body": String::from_utf8_lossy(&message.body)}))
        .collect();
    Ok(Json(json!({ "messages": messages })))
}

/// `loss` and `duplication` of messages on their way, from 0 to 1, by the dice of `seed`; nothing given is a good network.
async fn network(State(carrier): State<Arc<Carrier>>, bytes: Bytes) -> Answer {
    let rates: Rates = body(&bytes)?;
    carrier.store().subscriptions.network = Network::new(rates);
    Ok(Json(json!({})))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Replay {
    subscription_id: String,
    tender_id: Option<String>,
}

/// Delivers the whole feed again, or from the first event of a tender on; ends a subscription's being disabled.
async fn replay(State(carrier): State<Arc<Carrier>>, bytes: Bytes) -> Answer {
    let wanted: Replay = body(&bytes)?;
    let mut store = carrier.store();
    let from = match &wanted.tender_id {
        None => Some(0),
        Some(id) => store.feed.all().iter().position(|committed| committed.key.tender_id == *id),
    };
    let from = from.ok_or_else(|| Problem::new(Code::NotFound, "the feed has nothing of that tender"))?;
    if !store.subscriptions.replay(&wanted.subscription_id, from) {
        return Err(Problem::new(Code::NotFound, "there is no such subscription").into());
    }
    drop(store);
    carrier.notify();
    Ok(Json(json!({ "from": from })))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Rotation {
    step: Option<Step>,
    /// `whsec_` and base64; nothing of it ends it.
    hmac: Option<String>,
}

/// One step of a key rotation; a shared secret beside the keys.
async fn keys(State(carrier): State<Arc<Carrier>>, bytes: Bytes) -> Answer {
    let wanted: Rotation = body(&bytes)?;
    if let Some(secret) = wanted.hmac {
        let secret = (!secret.is_empty()).then_some(secret.as_str());
        carrier.webhook_keys.share(secret).map_err(Problem::from)?;
    }
    if let Some(step) = wanted.step {
        carrier.webhook_keys.rotate(step).map_err(Problem::from)?;
    }
    Ok(Json(json!({ "webhookKeys": carrier.webhook_keys.published() })))
}

type Planned = ((String, String), u64, u64, String, Delivery);

fn plan(store: &Store, wanted: &Release) -> Vec<Planned> {
    let (mut planned, feed) = (Vec::new(), store.feed.all());
    for (name, subscription) in &store.subscriptions.all {
        let of_tender = |place: &usize| {
            let key = &feed[*place].key;
            wanted.tender_id.as_ref().is_none_or(|id| *id == key.tender_id)
        };
        let places: Vec<usize> = match &wanted.order {
            None => (subscription.from..feed.len())
                .filter(|place| !subscription.done.contains(place))
                .filter(of_tender)
                .collect(),
            Some(order) => order
                .iter()
                .filter_map(|sequence| {
                    (0..feed.len()).filter(of_tender).find(|place| feed[*place].sequence == *sequence)
                })
                .collect(),
        };
        for place in places {
            if let Some(delivery) = webhook::delivery(store, name, place) {
                let committed = &feed[place];
                let tender_id = committed.key.tender_id.clone();
                planned.push((name.clone(), subscription.generation, committed.sequence, tender_id, delivery));
            }
        }
    }
    planned
}
