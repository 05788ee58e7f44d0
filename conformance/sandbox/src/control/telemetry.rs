//! Control over the telemetry collector: what arrived, what it loses, what it does wrong.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::routing::{get, post};
use axum::{Json, Router};
use gladhand_documents::error::Code;
use gladhand_documents::telemetry::Lane;
use gladhand_documents::telemetry::wire::NackReason;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answer, body};
use crate::carrier::Carrier;
use crate::clock::rfc3339;
use crate::collector::{Collector, LaneReport};
use crate::problem::{Problem, Result};

/// The routes.
pub fn router() -> Router<Arc<Carrier>> {
    Router::new()
        .route("/telemetry", get(look))
        .route("/telemetry/faults", post(faults))
        .route("/telemetry/lose-state", post(lose))
        .route("/telemetry/go-away", post(go_away))
        .route("/telemetry/replays", get(replays).post(ask_again))
}

/// What `/state` says of telemetry: counts and security events.
pub fn summary(carrier: &Carrier) -> Value {
    let Some(collector) = carrier.collector.get() else { return Value::Null };
    let lanes: Vec<Value> = collector.report().iter().map(counts).collect();
    let security: Vec<Value> = collector
        .security_events()
        .iter()
        .map(|e| json!({"at": rfc3339(e.at), "kind": e.kind, "identity": e.identity, "detail": e.detail}))
        .collect();
    json!({ "lanes": lanes, "securityEvents": security })
}

fn counts(lane: &LaneReport) -> Value {
    json!({
        "producer": lane.producer, "epoch": hex::encode(lane.epoch), "lane": name(lane.lane),
        "throughSequence": lane.through_sequence, "records": lane.records,
        "declaredLost": lane.declared_lost, "duplicates": lane.duplicates, "possibleDuplicates": lane.flagged,
    })
}

fn name(lane: Lane) -> String {
    format!("{lane:?}").to_lowercase()
}

/// `GET /telemetry`: per producer, epoch and lane, every range that arrived and every loss that was declared.
async fn look(State(carrier): State<Arc<Carrier>>) -> Answer {
    let lanes = collector(&carrier)?.report().into_iter().map(|lane| {
        let mut entry = counts(&lane);
        let gap = |gap: &crate::collector::Gap| {
            let reason = gap.reason.as_str_name().trim_start_matches("DROP_REASON_").to_lowercase();
            json!({ "first": gap.first, "last": gap.last, "reason": reason })
        };
        entry["arrived"] = json!(lane.arrived);
        entry["gaps"] = lane.gaps.iter().map(gap).collect();
        entry
    });
    Ok(Json(json!({ "lanes": lanes.collect::<Vec<Value>>() })))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Wanted {
    ack_delay_ms: Option<u32>,
    starve: Option<Vec<String>>,
    refuse: Option<bool>,
    corrupt: Option<u32>,
    nack: Option<Nacks>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Nacks {
    reason: String,
    #[serde(default = "one")]
    frames: u32,
}

fn one() -> u32 {
    1
}

/// What is absent stays.
async fn faults(State(carrier): State<Arc<Carrier>>, bytes: Bytes) -> Answer {
    let wanted: Wanted = body(&bytes)?;
    let faults = collector(&carrier)?.faults();
    let starved = wanted.starve.map(|names| names.iter().map(|name| starvable(name)).collect()).transpose()?;
    if let Some(Nacks { reason, frames }) = wanted.nack {
        let known = NackReason::from_str_name(&format!("NACK_REASON_{}", reason.to_uppercase()));
        let reason = known.ok_or_else(|| invalid(format!("{reason:?} is no reason to refuse a frame")))?;
        faults.nack(reason, frames);
    }
    if let Some(frames) = wanted.corrupt {
        faults.corrupt(frames);
    }
    faults.set(|settings| {
        settings.ack_delay_ms = wanted.ack_delay_ms.map_or(settings.ack_delay_ms, u64::from);
        settings.refuse = wanted.refuse.unwrap_or(settings.refuse);
        if let Some(starved) = starved {
            settings.starved = starved;
        }
    });
    Ok(Json(json!({})))
}

/// A lane that may go without credit: SAFETY always has some.
fn starvable(name: &str) -> Result<Lane> {
    let lane = Lane::from_str_name(&format!("LANE_{}", name.to_uppercase()));
    lane.filter(|lane| !matches!(lane, Lane::Unspecified | Lane::Safety))
        .ok_or_else(|| invalid(format!("`starve` names operational, routine and diagnostic, not {name:?}")))
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Loss {
    Memory,
    Store,
    #[default]
    Both,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Lose {
    #[serde(default)]
    what: Loss,
}

async fn lose(State(carrier): State<Arc<Carrier>>, bytes: Bytes) -> Answer {
    let Lose { what } = body(&bytes)?;
    let collector = collector(&carrier)?.clone();
    let (memory, store) = (!matches!(what, Loss::Store), !matches!(what, Loss::Memory));
    // It waits for the disk.
    let lost = tokio::task::spawn_blocking(move || collector.lose(memory, store));
    lost.await.map_err(|e| Problem::new(Code::InternalPanic, e.to_string()))?;
    Ok(Json(json!({})))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SendAway {
    #[serde(default)]
    retry_after_ms: u32,
}

/// Every open stream ends, as at a planned stop.
async fn go_away(State(carrier): State<Arc<Carrier>>, bytes: Bytes) -> Answer {
    let wanted: SendAway = body(&bytes)?;
    collector(&carrier)?.faults().send_away(wanted.retry_after_ms);
    Ok(Json(json!({})))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Again {
    producer: String,
    lane: String,
    first_sequence: u64,
    last_sequence: u64,
}

/// Asks a gateway for sequences once more.
async fn ask_again(State(carrier): State<Arc<Carrier>>, bytes: Bytes) -> Answer {
    let wanted: Again = body(&bytes)?;
    let lane = Lane::from_str_name(&format!("LANE_{}", wanted.lane.to_uppercase())).unwrap_or_default();
    if !collector(&carrier)?.ask_again(&wanted.producer, lane, wanted.first_sequence, wanted.last_sequence) {
        let detail = "these sequences did not all arrive, so nobody can have them once more";
        return Err(invalid(detail.to_owned()).into());
    }
    Ok(Json(json!({})))
}

/// What was asked for once more, and what was answered.
async fn replays(State(carrier): State<Arc<Carrier>>) -> Answer {
    let replays = collector(&carrier)?.replays().into_iter().map(|wanted| {
        json!({
            "producer": wanted.producer, "epoch": hex::encode(wanted.epoch), "lane": name(wanted.lane),
            "firstSequence": wanted.first, "lastSequence": wanted.last, "answered": wanted.is_answered(),
            "arrived": wanted.arrived, "missing": wanted.missing,
        })
    });
    Ok(Json(json!({ "replays": replays.collect::<Vec<Value>>() })))
}

fn collector(carrier: &Carrier) -> Result<&Collector> {
    carrier.collector.get().ok_or_else(|| invalid("this carrier has no telemetry".to_owned()))
}

fn invalid(detail: String) -> Problem {
    Problem::new(Code::SchemaInvalid, detail)
}
