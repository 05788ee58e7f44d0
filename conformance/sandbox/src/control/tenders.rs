//! Control over tenders: decide, progress, overlays, commands, policy, stock.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use gladhand_documents::error::Code;
use gladhand_documents::json::Document;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answer, Refused, body};
use crate::carrier::Carrier;
use crate::problem::Problem;
use crate::state::capacity::Capacity;
use crate::state::command;
use crate::state::decide::{By, Outcome};
use crate::state::policy::{CommandDecision, Decision, Rule};
use crate::state::record::Poison;
use crate::state::tender::Key;
use crate::state::transitions::State as TenderState;
use crate::state::{Store, progress};

/// The routes.
pub fn router() -> Router<Arc<Carrier>> {
    Router::new()
        .route("/decide", post(decide))
        .route("/policy", post(policy))
        .route("/progress", post(advance))
        .route("/status", post(status))
        .route("/exception", post(exception))
        .route("/control-mode", post(control_mode))
        .route("/cancellation", post(cancellation))
        .route("/amendment", post(amendment))
        .route("/command-policy", post(command_policy))
        .route("/command", post(move_command))
        .route("/capacity", post(capacity))
        .route("/epoch", post(epoch))
        .route("/keys/forget", post(forget_keys))
        .route("/archive", post(archive))
        .route("/cursors/expire", post(expire_cursors))
        .route("/poison", post(poison))
}

/// Runs one step on a tender and answers with its snapshot.
fn on_tender(carrier: &Carrier, tender_id: &str, step: impl FnOnce(&mut Store, &Key) -> Result<(), Problem>) -> Answer {
    let mut store = carrier.store();
    let unknown = || Problem::new(Code::NotFound, format!("there is no tender {tender_id}"));
    let key = store.key_of(tender_id).ok_or_else(unknown)?;
    let done = step(&mut store, &key);
    carrier.notify();
    done?;
    let snapshot = store.tender(&key)?.snapshot(&store.log_epoch);
    Ok(Json(serde_json::from_str(&snapshot).unwrap_or_default()))
}

fn refused(message: String) -> Refused {
    Refused(Problem::new(Code::SchemaInvalid, message))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Decide {
    tender_id: String,
    outcome: String,
    reason_code: Option<String>,
    reason_text: Option<String>,
    decided_by: Option<String>,
    counter: Option<Box<serde_json::value::RawValue>>,
}

async fn decide(State(carrier): State<Arc<Carrier>>, bytes: Bytes) -> Answer {
    let wanted: Decide = body(&bytes)?;
    let outcome = match wanted.outcome.as_str() {
        "accepted" | "accept" => Outcome::Accept,
        "rejected" | "reject" => {
            Outcome::Reject(wanted.reason_code.unwrap_or_else(|| "other".to_owned()), wanted.reason_text)
        }
        "countered" | "counter" => Outcome::Counter(document(wanted.counter.as_deref())?),
        other => return Err(refused(format!("outcome {other} is none of accepted, rejected, countered"))),
    };
    let by = By::human(wanted.decided_by.as_deref().unwrap_or("dispatcher"));
    on_tender(&carrier, &wanted.tender_id, |store, key| store.conclude(key, outcome, &by, carrier.clock.now()))
}

fn document(raw: Option<&serde_json::value::RawValue>) -> Result<Option<Document>, Refused> {
    raw.map(|raw| Document::parse(raw.get())).transpose().map_err(|e| Refused(e.into()))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Policy {
    decision: Option<Decision>,
    reason_code: Option<String>,
    reason_text: Option<String>,
    counter: Option<Box<serde_json::value::RawValue>>,
    #[serde(default)]
    delay_ms: u64,
    capacity_id: Option<String>,
    mode: Option<String>,
    decision_sla_seconds: Option<u64>,
    max_wait_seconds: Option<u64>,
    contracted: Option<bool>,
    tags_required: Option<bool>,
}

/// Sets the rule of one capacity, of one mode, or of both modes.
async fn policy(State(carrier): State<Arc<Carrier>>, bytes: Bytes) -> Answer {
    let wanted: Policy = body(&bytes)?;
    let mut store = carrier.store();
    store.policy.max_wait_s = wanted.max_wait_seconds.unwrap_or(store.policy.max_wait_s);
    if let Some(seconds) = wanted.decision_sla_seconds {
        store.policy.decision_sla_s = seconds;
    }
    store.policy.tags_required = wanted.tags_required.unwrap_or(store.policy.tags_required);
    if let (Some(contracted), Some(capacity)) = (wanted.contracted, &wanted.capacity_id) {
        if contracted {
            store.policy.uncontracted.remove(capacity);
        } else {
            store.policy.uncontracted.insert(capacity.clone());
        }
    }
    let Some(decision) = wanted.decision else { return Ok(Json(json!({}))) };
    let rule = Rule {
        decision,
        reason_code: wanted.reason_code,
        reason_text: wanted.reason_text,
        counter: document(wanted.counter.as_deref())?,
        delay: Duration::from_millis(wanted.delay_ms),
    };
    match (wanted.capacity_id, wanted.mode.as_deref()) {
        (Some(capacity), _) => {
            store.policy.by_capacity.insert(capacity, rule);
        }
        (None, Some("express")) => store.policy.express = rule,
        (None, Some("standard")) => store.policy.standard = rule,
        (None, Some(other)) => return Err(refused(format!("mode {other} is neither express nor standard"))),
        (None, None) => {
            store.policy.express = rule.clone();
            store.policy.standard = rule;
        }
    }
    Ok(Json(json!({})))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Advance {
    tender_id: String,
    to: String,
    vehicle_id: Option<String>,
    driver_ref: Option<String>,
}

async fn advance(State(carrier): State<Arc<Carrier>>, bytes: Bytes) -> Answer {
    let wanted: Advance = body(&bytes)?;
    let to = TenderState::parse(&wanted.to).ok_or_else(|| refused(format!("{} is no state", wanted.to)))?;
    let vehicle = wanted.vehicle_id.unwrap_or_else(|| carrier.vehicles[0].clone());
    if !carrier.vehicles.contains(&vehicle) {
        return Err(refused(format!("{vehicle} is not one of {}", carrier.vehicles.join(", "))));
    }
    on_tender(&carrier, &wanted.tender_id, |store, key| {
        store.progress(key, to, &vehicle, carrier.clock.now())?;
        wanted.driver_ref.as_deref().map_or(Ok(()), |driver| store.assign_driver(key, driver))
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Report {
    tender_id: String,
    status: String,
    stop_id: Option<String>,
}

async fn status(State(carrier): State<Arc<Carrier>>, bytes: Bytes) -> Answer {
    let wanted: Report = body(&bytes)?;
    on_tender(&carrier, &wanted.tender_id, |store, key| {
        store.status(key, &wanted.status, wanted.stop_id.as_deref(), carrier.clock.now())
    })
}

/// Opens or updates an exception of a tender; with `"clear": true` it ends.
async fn exception(State(carrier): State<Arc<Carrier>>, bytes: Bytes) -> Answer {
    let given = Document::parse(&bytes).map_err(Problem::from)?;
    let now = carrier.clock.now();
    let tender_id = given.text("/tenderId").unwrap_or_default();
    let exception = progress::exception_document(&given, now);
    on_tender(&carrier, &tender_id, |store, key| store.exception(key, exception, now))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Mode {
    tender_id: String,
    mode: String,
}

async fn control_mode(State(carrier): State<Arc<Carrier>>, bytes: Bytes) -> Answer {
    let wanted: Mode = body(&bytes)?;
    on_tender(&carrier, &wanted.tender_id, |store, key| store.control_mode(key, &wanted.mode, carrier.clock.now()))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Cancellation {
    tender_id: String,
    confirm: bool,
}

async fn cancellation(State(carrier): State<Arc<Carrier>>, bytes: Bytes) -> Answer {
    let wanted: Cancellation = body(&bytes)?;
    on_tender(&carrier, &wanted.tender_id, |store, key| store.answer_cancel(key, wanted.confirm, carrier.clock.now()))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Amendment {
    tender_id: String,
    outcome: String,
}

async fn amendment(State(carrier): State<Arc<Carrier>>, bytes: Bytes) -> Answer {
    let wanted: Amendment = body(&bytes)?;
    let outcomes = ["confirmed", "declined", "withdrawn"];
    let outcome = outcomes.into_iter().find(|known| *known == wanted.outcome);
    let outcome = outcome.ok_or_else(|| refused(format!("outcome is none of {}", outcomes.join(", "))))?;
    on_tender(&carrier, &wanted.tender_id, |store, key| store.answer_amendment(key, outcome, carrier.clock.now()))
}

/// `{"stop": "grant" | "refuse" | "hold"}`, and the same for any other type of command by its name.
async fn command_policy(State(carrier): State<Arc<Carrier>>, bytes: Bytes) -> Answer {
    let wanted: std::collections::HashMap<String, CommandDecision> = body(&bytes)?;
    let mut store = carrier.store();
    for (kind, decision) in wanted {
        let kind = if kind == "stop" { "conditional_stop".to_owned() } else { kind };
        store.policy.commands.insert(kind, decision);
    }
    store.replan_commands(carrier.clock.now());
    carrier.notify();
    Ok(Json(json!({})))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct MoveCommand {
    tender_id: String,
    command_id: String,
    to: String,
}

async fn move_command(State(carrier): State<Arc<Carrier>>, bytes: Bytes) -> Answer {
    let wanted: MoveCommand = body(&bytes)?;
    let to = command::State::parse(&wanted.to).ok_or_else(|| refused(format!("{} is no state", wanted.to)))?;
    on_tender(&carrier, &wanted.tender_id, |store, key| {
        store.move_command(key, &wanted.command_id, to, carrier.clock.now())
    })
}

/// Publishes an offer, byte for byte as given.
async fn capacity(State(carrier): State<Arc<Carrier>>, bytes: Bytes) -> Answer {
    let document = Document::parse(&bytes).map_err(Problem::from)?;
    super::super::api::tenders::checked::<gladhand_documents::model::capacity::CapacityOffer>(&document)?;
    let capacity = Capacity::of(document)?;
    let id = capacity.id.clone();
    carrier.store().stock.publish(capacity);
    Ok(Json(json!({ "capacityId": id })))
}

/// The carrier restored from a backup: a new log epoch, cursors of the old one are void.
async fn epoch(State(carrier): State<Arc<Carrier>>) -> Json<Value> {
    let mut store = carrier.store();
    store.new_epoch();
    carrier.notify();
    Json(json!({ "logEpoch": store.log_epoch }))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Archive {
    tender_id: String,
}

/// Puts a tender that has ended away: its record is kept, and reads of it are 410 from then on.
async fn archive(State(carrier): State<Arc<Carrier>>, bytes: Bytes) -> Answer {
    let wanted: Archive = body(&bytes)?;
    on_tender(&carrier, &wanted.tender_id, Store::archive)
}

/// Every cursor that was handed out is void (a reset of the feed); logs and epoch stay.
async fn expire_cursors(State(carrier): State<Arc<Carrier>>) -> Json<Value> {
    carrier.store().expire_cursors();
    Json(json!({}))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Poisoned {
    tender_id: String,
    event: Poison,
}

/// Puts an event into a tender's log that no consumer can digest.
async fn poison(State(carrier): State<Arc<Carrier>>, bytes: Bytes) -> Answer {
    let wanted: Poisoned = body(&bytes)?;
    on_tender(&carrier, &wanted.tender_id, |store, key| store.poison(key, wanted.event, carrier.clock.now()))
}

/// The carrier lost its key store: the business layer of idempotency must hold by itself.
async fn forget_keys(State(carrier): State<Arc<Carrier>>) -> Json<Value> {
    carrier.store().keys.forget();
    Json(json!({}))
}
