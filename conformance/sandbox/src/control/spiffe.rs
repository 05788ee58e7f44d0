//! The SPIFFE agent under control.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use gladhand_documents::error::Code;
use serde::Deserialize;

use super::{Answer, body};
use crate::carrier::Carrier;
use crate::problem::Problem;
use crate::spiffe::Agent;

/// The routes.
pub fn router() -> Router<Arc<Carrier>> {
    Router::new().route("/spiffe", get(look).post(change))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    #[serde(default)]
    rotate: bool,
    withdraw: Option<bool>,
    unavailable: Option<bool>,
    #[serde(alias = "emptyBundle")]
    empty_bundle: Option<bool>,
    #[serde(alias = "removeFederated")]
    remove_federated: Option<bool>,
    reversed: Option<bool>,
    frozen: Option<bool>,
    #[serde(rename = "lifetimeS")]
    lifetime_s: Option<u32>,
}

fn agent(carrier: &Carrier) -> Result<&Arc<Agent>, Problem> {
    carrier.agent.as_ref().ok_or_else(|| Problem::new(Code::SchemaInvalid, "it was started without --spiffe-socket"))
}

async fn look(State(carrier): State<Arc<Carrier>>) -> Answer {
    Ok(Json(agent(&carrier)?.to_json()))
}

async fn change(State(carrier): State<Arc<Carrier>>, bytes: Bytes) -> Answer {
    let wanted: Change = body(&bytes)?;
    let agent = agent(&carrier)?;
    if wanted.lifetime_s.is_some_and(|seconds| seconds < 2) {
        return Err(Problem::new(Code::SchemaInvalid, "lifetimeS must be 2 or more").into());
    }
    agent.change(|state| {
        state.withdrawn = wanted.withdraw.unwrap_or(state.withdrawn);
        state.unavailable = wanted.unavailable.unwrap_or(state.unavailable);
        state.empty_bundle = wanted.empty_bundle.unwrap_or(state.empty_bundle);
        state.remove_federated = wanted.remove_federated.unwrap_or(state.remove_federated);
        state.frozen = wanted.frozen.unwrap_or(state.frozen);
        state.reversed = wanted.reversed.unwrap_or(state.reversed);
        state.lifetime_s = wanted.lifetime_s.unwrap_or(state.lifetime_s);
    });
    if wanted.rotate || wanted.lifetime_s.is_some() {
        agent.rotate().map_err(Problem::from)?;
    }
    Ok(Json(agent.to_json()))
}
