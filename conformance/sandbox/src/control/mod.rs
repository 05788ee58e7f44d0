//! The control interface: plain HTTP on loopback, for tests and demos only. It never answers a page of another origin.
//!
//! Here: faults, clock, shutdown. `tenders`: decisions, progress, policy, stock. `webhooks`: hold and release.
//! `certificates`: TLS, identities, revocation. `tokens`: the authorization server and its clients.
//! `contract`: versions, deprecation, limits. `profile`: how it fails as a whole. `spiffe`: the SPIFFE agent. `telemetry`: the collector. `look`: the whole state, fingerprints, security facts. `load`: a load that fits.

pub mod certificates;
pub mod contract;
pub mod load;
pub mod look;
pub mod profile;
pub mod spiffe;
pub mod telemetry;
pub mod tenders;
pub mod tokens;
pub mod webhooks;

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use gladhand_documents::error::Code;
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::carrier::Carrier;
use crate::faults::Fault;
use crate::problem::{Problem, Result};

/// Every control route.
pub fn router(carrier: Arc<Carrier>) -> Router {
    Router::new()
        .merge(tenders::router())
        .merge(webhooks::router())
        .merge(certificates::router())
        .merge(tokens::router())
        .merge(spiffe::router())
        .merge(profile::router())
        .merge(contract::router())
        .merge(telemetry::router())
        .route("/state", get(look::state))
        .route("/ledger", get(look::ledger))
        .route("/fingerprints", get(look::fingerprints))
        .route("/handshakes", get(look::handshakes))
        .route("/security", get(look::security))
        .route("/load", get(load::load))
        .route("/fail", post(fail))
        .route("/clock", post(clock))
        .route("/shutdown", post(shutdown))
        .layer(axum::middleware::from_fn(local_only))
        .with_state(carrier)
}

/// The answer of a control route.
pub type Answer = Result<Json<Value>, Refused>;

/// A refusal, as a problem document.
pub struct Refused(pub Problem);

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        Self(problem)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let answer = self.0.answer("control");
        (answer.status, answer.headers, answer.body).into_response()
    }
}

/// A browser sends `Origin`; nothing that may use this interface does.
async fn local_only(request: Request, next: Next) -> Response {
    if request.headers().contains_key(http::header::ORIGIN) {
        return StatusCode::FORBIDDEN.into_response();
    }
    next.run(request).await
}

/// Reads a body, whatever its content type says (`curl -d` is enough).
pub fn body<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T, Refused> {
    let text = if bytes.is_empty() { b"{}" } else { bytes };
    serde_json::from_slice(text).map_err(|e| Refused(Problem::new(Code::SchemaInvalid, e.to_string())))
}

async fn fail(State(carrier): State<Arc<Carrier>>, bytes: axum::body::Bytes) -> Answer {
    carrier.faults.add(body::<Fault>(&bytes)?);
    Ok(Json(json!({})))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Advance {
    advance_s: f64,
}

async fn clock(State(carrier): State<Arc<Carrier>>, bytes: axum::body::Bytes) -> Answer {
    let advance: Advance = body(&bytes)?;
    let by = Duration::try_from_secs_f64(advance.advance_s)
        .map_err(|_| Problem::new(Code::SchemaInvalid, "advanceS must be a number of seconds, not below 0"))?;
    carrier.clock.advance(by);
    // Taking the state lets what is due happen; then everyone who waits looks again.
    drop(carrier.store());
    carrier.notify();
    Ok(Json(json!({ "now": crate::clock::rfc3339(carrier.clock.now()) })))
}

async fn shutdown(State(carrier): State<Arc<Carrier>>) -> Json<Value> {
    carrier.stop.cancel();
    Json(json!({}))
}
