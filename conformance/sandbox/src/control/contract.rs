//! Control over the contract: versions, deprecation, simulated versions, and how many calls a client may make.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use gladhand_documents::error::Code;
use serde::Deserialize;
use serde_json::json;

use super::{Answer, Refused, body};
use crate::carrier::Carrier;
use crate::contract::{Deprecated, Served, Simulation};
use crate::problem::Problem;

/// The routes.
pub fn router() -> Router<Arc<Carrier>> {
    Router::new().route("/contract", post(contract)).route("/limit", post(limit)).route("/latency", post(latency))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Wanted {
    #[serde(default)]
    reset: bool,
    versions: Option<Vec<Served>>,
    operation: Option<String>,
    event: Option<String>,
    deprecated: Option<Deprecated>,
    simulate: Option<Simulation>,
}

async fn contract(State(carrier): State<Arc<Carrier>>, bytes: Bytes) -> Answer {
    let wanted: Wanted = body(&bytes)?;
    let refused = |detail: &str| Refused(Problem::new(Code::SchemaInvalid, detail));
    if wanted.reset {
        carrier.contract.reset();
        carrier.store().reset_contract();
    }
    if let Some(versions) = wanted.versions {
        if versions.is_empty() {
            return Err(refused("versions must have one"));
        }
        carrier.contract.serve(versions);
    }
    if let Some(deprecated) = wanted.deprecated {
        if deprecated.sunset < deprecated.at {
            return Err(refused("sunset must not be before at (RFC 9745)"));
        }
        match (wanted.operation, wanted.event) {
            (Some(operation), None) => {
                carrier.store().announce_deprecation(&operation, &deprecated, carrier.clock.now());
                carrier.contract.deprecate(&operation, deprecated);
            }
            (None, Some(event)) => carrier.store().deprecate_event(event, deprecated),
            _ => return Err(refused("deprecated wants an operation or an event")),
        }
    }
    if let Some(simulation) = wanted.simulate {
        carrier.contract.simulate(simulation);
        carrier.store().simulation = simulation;
    }
    carrier.notify();
    Ok(Json(json!({ "versions": carrier.contract.versions() })))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Calls {
    per_minute: Option<u32>,
}

async fn limit(State(carrier): State<Arc<Carrier>>, bytes: Bytes) -> Answer {
    let wanted: Calls = body(&bytes)?;
    carrier.limit.set(wanted.per_minute);
    Ok(Json(json!({})))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Latency {
    ms: u32,
}

async fn latency(State(carrier): State<Arc<Carrier>>, bytes: Bytes) -> Answer {
    let wanted: Latency = body(&bytes)?;
    carrier.latency_ms.store(wanted.ms, Ordering::Relaxed);
    Ok(Json(json!({})))
}
