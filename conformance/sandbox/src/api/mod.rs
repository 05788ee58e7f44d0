//! The carrier's HTTP interface: the table of operations (contract 4.0) and what happens to every call of one.
//!
//! The order is the same for all: body, authentication, scope, version, faults *before*, idempotency key, the operation
//! itself, faults *after*. A mutation runs in a task of its own, so a client that hangs up never leaves half an effect.

pub mod call;
pub mod capacity;
pub mod discovery;
pub mod dispatches;
pub mod documents;
pub mod events;
pub mod headers;
pub mod run;
pub mod strike;
pub mod subscriptions;
pub mod tenders;

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::routing::{get, post, put};
use gladhand_documents::error::Code;
use http::{HeaderMap, Uri};

use crate::api::call::Operation;
use crate::api::headers::decorate;
use crate::api::run::operation;
use crate::api::strike::authorization_server;
use crate::auth::Binding;
use crate::carrier::Carrier;
use crate::oauth::{metadata, token};
use crate::problem::Problem;
use crate::random;

static DISCOVERY: Operation = Operation { name: "discovery", binding: Binding::None, scope: None, mutates: false };
static SEARCH: Operation = Operation::read("capacity.search", "capacity:read");
static CAPACITY: Operation = Operation::read("capacity.get", "capacity:read");
static HOLD: Operation = Operation::mutation("capacity.hold", "capacity:hold");
static RELEASE: Operation = Operation::mutation("capacity.release", "capacity:hold");
static CREATE: Operation = Operation::mutation("tenders.create", "tender:write");
static LIST: Operation = Operation::read("tenders.list", "tender:read");
static GET: Operation = Operation::read("tenders.get", "tender:read");
static REVISE: Operation = Operation::mutation("tenders.revise", "tender:write");
static WITHDRAW: Operation = Operation::mutation("tenders.withdraw", "tender:write");
static ACCEPT_COUNTER: Operation = Operation::mutation("tenders.accept_counter", "tender:write");
static DECLINE_COUNTER: Operation = Operation::mutation("tenders.decline_counter", "tender:write");
static CANCEL: Operation = Operation::mutation("tenders.request_cancel", "tender:write");
static TENDER_EVENTS: Operation = Operation::read("events.tender", "events:read");
static EVENTS: Operation = Operation::read("events.account", "events:read");
static PUT_WEBHOOK: Operation = Operation::mutation("webhooks.put", "webhooks:write");
static GET_WEBHOOK: Operation =
    Operation { name: "webhooks.get", binding: Binding::Proof, scope: Some("webhooks:write"), mutates: false };
static DELETE_WEBHOOK: Operation = Operation::mutation("webhooks.delete", "webhooks:write");
static DISPATCH: Operation = Operation::read("dispatches.get", "dispatch:read");
static COMMAND: Operation = command("commands.request", true);
static COMMAND_STATUS: Operation = command("commands.get", false);
static REVOKE: Operation = command("commands.revoke", true);
static DOCUMENTS: Operation = Operation::read("documents.list", "documents:read");
static DOCUMENT: Operation = Operation::read("documents.get", "documents:read");
static DIGESTS: Operation = Operation::read("reconciliation.digests", "reconcile:read");
static DIGEST: Operation = Operation::read("reconciliation.digest", "reconcile:read");

/// Commands take the scope of their type, so none is named here, and a server nonce where they change something.
const fn command(name: &'static str, mutates: bool) -> Operation {
    let binding = if mutates { Binding::ProofWithNonce } else { Binding::Proof };
    Operation { name, binding, scope: None, mutates }
}

/// Every HTTP route of the carrier.
pub fn router(carrier: Arc<Carrier>) -> Router {
    let oauth = Router::new()
        .route("/.well-known/oauth-authorization-server", get(metadata::metadata))
        .route("/oauth/jwks", get(metadata::jwks))
        .route("/oauth/token", post(token::endpoint))
        .layer(axum::middleware::from_fn_with_state(carrier.clone(), authorization_server));
    Router::new()
        .merge(oauth)
        .route("/.well-known/gladhand", get(operation(&DISCOVERY, discovery::get)))
        .route("/v1/capacity/search", post(operation(&SEARCH, capacity::search)))
        .route("/v1/capacity/{capacityId}", get(operation(&CAPACITY, capacity::get)))
        .route(
            "/v1/capacity/{capacityId}/holds/{holdId}",
            put(operation(&HOLD, capacity::hold)).delete(operation(&RELEASE, capacity::release)),
        )
        .route("/v1/tenders", post(operation(&CREATE, tenders::create)).get(operation(&LIST, tenders::list)))
        .route("/v1/tenders/{tenderId}", get(operation(&GET, tenders::get)))
        .route("/v1/tenders/{tenderId}/revisions/{revision}", put(operation(&REVISE, tenders::revise)))
        .route("/v1/tenders/{tenderId}/withdrawals/{withdrawalId}", post(operation(&WITHDRAW, tenders::withdraw)))
        .route(
            "/v1/tenders/{tenderId}/counters/{counterId}/acceptance",
            post(operation(&ACCEPT_COUNTER, tenders::accept_counter)),
        )
        .route(
            "/v1/tenders/{tenderId}/counters/{counterId}/refusal",
            post(operation(&DECLINE_COUNTER, tenders::decline_counter)),
        )
        .route(
            "/v1/tenders/{tenderId}/cancellations/{cancellationId}",
            post(operation(&CANCEL, tenders::request_cancel)),
        )
        .route("/v1/tenders/{tenderId}/events", get(operation(&TENDER_EVENTS, events::of_tender)))
        .route("/v1/tenders/{tenderId}/digests", get(operation(&DIGEST, events::digest_at)))
        .route("/v1/tenders/{tenderId}/documents", get(operation(&DOCUMENTS, documents::list)))
        .route("/v1/tenders/{tenderId}/documents/{documentId}", get(operation(&DOCUMENT, documents::get)))
        .route("/v1/tenders/{tenderId}/documents/{documentId}/content", get(operation(&DOCUMENT, documents::content)))
        .route("/v1/events", get(operation(&EVENTS, events::of_account)))
        .route("/v1/reconciliation/digests", get(operation(&DIGESTS, events::digests)))
        .route(
            "/v1/webhook-subscriptions/{subscriptionId}",
            put(operation(&PUT_WEBHOOK, subscriptions::put))
                .get(operation(&GET_WEBHOOK, subscriptions::get))
                .delete(operation(&DELETE_WEBHOOK, subscriptions::delete)),
        )
        .route("/v1/dispatches/{dispatchId}", get(operation(&DISPATCH, dispatches::get)))
        .route(
            "/v1/dispatches/{dispatchId}/commands/{commandId}",
            put(operation(&COMMAND, dispatches::request)).get(operation(&COMMAND_STATUS, dispatches::command)),
        )
        .route(
            "/v1/dispatches/{dispatchId}/commands/{commandId}/revocation",
            post(operation(&REVOKE, dispatches::revoke)),
        )
        .fallback(unknown_route)
        .with_state(carrier)
}

/// A path that is no operation. Without `tenderId` and `logEpoch`, so it never counts as the absence of a tender.
async fn unknown_route(State(carrier): State<Arc<Carrier>>, headers: HeaderMap, uri: Uri) -> axum::response::Response {
    let problem = Problem::new(Code::NotFound, format!("{} is no operation of this carrier", uri.path()));
    decorate(problem.answer(&random::hex32()), &carrier, &headers)
}
