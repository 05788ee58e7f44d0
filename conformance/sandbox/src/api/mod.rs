//! The carrier's HTTP interface: the table of operations (contract 4.0) and what happens to every call of one.
//!
//! The order is the same for all: body, authentication, scope, version, faults *before*, idempotency key, the operation
//! itself, faults *after*. A mutation runs in a task of its own, so a client that hangs up never leaves half an effect.

pub mod call;
pub mod capacity;
pub mod discovery;
pub mod run;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use gladhand_documents::error::Code;
use http::{HeaderMap, Uri};

use crate::api::call::Operation;
use crate::api::run::{decorate, operation};
use crate::auth::Binding;
use crate::carrier::Carrier;
use crate::oauth::{metadata, token};
use crate::problem::Problem;
use crate::random;

static DISCOVERY: Operation = Operation { name: "discovery", binding: Binding::None, scope: None, mutates: false };
static SEARCH: Operation = Operation::read("capacity.search", "capacity:read");
static CAPACITY: Operation = Operation::read("capacity.get", "capacity:read");

/// Every HTTP route of the carrier.
pub fn router(carrier: Arc<Carrier>) -> Router {
    Router::new()
        .route("/.well-known/oauth-authorization-server", get(metadata::metadata))
        .route("/oauth/jwks", get(metadata::jwks))
        .route("/oauth/token", post(token::endpoint))
        .route("/.well-known/gladhand", get(operation(&DISCOVERY, discovery::get)))
        .route("/v1/capacity/search", post(operation(&SEARCH, capacity::search)))
        .route("/v1/capacity/{id}", get(operation(&CAPACITY, capacity::get)))
        .fallback(unknown_route)
        .with_state(carrier)
}

/// A path that is no operation. Without `tenderId` and `logEpoch`, so it never counts as the absence of a tender.
async fn unknown_route(headers: HeaderMap, uri: Uri) -> axum::response::Response {
    let problem = Problem::new(Code::NotFound, format!("{} is no operation of this carrier", uri.path()));
    decorate(problem.answer(&random::hex32()), &headers)
}
