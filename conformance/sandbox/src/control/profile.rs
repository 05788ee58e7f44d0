//! Control over the profile in force.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::json;

use super::{Answer, body};
use crate::carrier::Carrier;
use crate::profile::{self, LAG, Profile};

/// The routes.
pub fn router() -> Router<Arc<Carrier>> {
    Router::new().route("/profile", get(current).post(set))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Wanted {
    name: Profile,
    lag_ms: Option<u32>,
    #[serde(default = "one")]
    lose: usize,
}

fn one() -> usize {
    1
}

async fn current(State(carrier): State<Arc<Carrier>>) -> Answer {
    Ok(Json(json!({ "name": carrier.profiles.current() })))
}

async fn set(State(carrier): State<Arc<Carrier>>, bytes: Bytes) -> Answer {
    let wanted: Wanted = body(&bytes)?;
    let lag = wanted.lag_ms.map_or(LAG, |ms| SignedDuration::from_millis(ms.into()));
    let lost = profile::set(&carrier, wanted.name, lag, wanted.lose);
    Ok(Json(json!({ "name": wanted.name, "lost": lost, "logEpoch": carrier.store().log_epoch })))
}
