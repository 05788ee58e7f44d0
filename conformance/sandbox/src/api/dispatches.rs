//! Dispatches and the commands on them.

use gladhand_documents::error::Code;
use gladhand_documents::json::Document;
use gladhand_documents::model::dispatch::{Command, CommandRevocation};
use http::StatusCode;
use http::header::{ETAG, HeaderName, LOCATION};
use sha2::{Digest as _, Sha256};

use crate::api::call::Call;
use crate::api::tenders::{checked, names};
use crate::problem::{Answer, Problem, Result};
use crate::state::Store;
use crate::state::command;
use crate::state::tender::Tender;

const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// `GET /v1/dispatches/{id}`.
pub async fn get(call: Call) -> Result<Answer> {
    let store = call.carrier.store();
    let tender = store.read().dispatched(call.tenant()?, call.id(0)).ok_or_else(|| unknown(call.id(0)))?;
    let dispatch = tender.dispatch.as_ref().ok_or_else(|| unknown(call.id(0)))?;
    let consent = call.caller()?.consent;
    Ok(Answer::json(StatusCode::OK, dispatch.document(consent)).with(ETAG, format!("\"{}\"", dispatch.revision)))
}

/// `PUT /v1/dispatches/{id}/commands/{commandId}`: 202, and then the carrier decides.
pub async fn request(call: Call) -> Result<Answer> {
    let document = call.document()?;
    let kind = document.text("/type").unwrap_or_default();
    call.caller()?.require(command::scope(&kind))?;
    checked::<Command>(&document)?;
    names(&document, "/dispatchId", call.id(0))?;
    names(&document, "/commandId", call.id(1))?;
    let content = Sha256::digest(&call.body).into();
    let mut store = call.carrier.store();
    let key = tender(&store, &call)?.key.clone();
    let requested = store.request_command(&key, &document, content, call.carrier.clock.now());
    call.carrier.notify();
    let replayed = requested?;
    let answer = status(store.tender(&key)?, &call, StatusCode::ACCEPTED)?;
    let answer = answer.with(LOCATION, format!("/v1/dispatches/{}/commands/{}", call.id(0), call.id(1)));
    Ok(if replayed { answer.with(REPLAYED, "true") } else { answer })
}

/// `GET /v1/dispatches/{id}/commands/{commandId}`.
pub async fn command(call: Call) -> Result<Answer> {
    let store = call.carrier.store();
    let tender = store.read().dispatched(call.tenant()?, call.id(0)).ok_or_else(|| unknown(call.id(0)))?;
    let kind = tender.command_kind(call.id(1)).ok_or_else(|| unknown(call.id(1)))?;
    call.caller()?.require(command::scope(&kind))?;
    status(tender, &call, StatusCode::OK)
}

/// `POST /v1/dispatches/{id}/commands/{commandId}/revocation`: possible until it is executed. Who takes it back and why is
/// kept, if it is said.
pub async fn revoke(call: Call) -> Result<Answer> {
    let said = revocation(&call)?;
    let mut store = call.carrier.store();
    let key = tender(&store, &call)?.key.clone();
    let kind = store.tender(&key)?.command_kind(call.id(1)).ok_or_else(|| unknown(call.id(1)))?;
    call.caller()?.require(command::scope(&kind))?;
    let revoked = store.revoke_command(&key, call.id(1), said, call.carrier.clock.now());
    call.carrier.notify();
    revoked?;
    status(store.tender(&key)?, &call, StatusCode::OK)
}

fn revocation(call: &Call) -> Result<Option<Document>> {
    if call.body.is_empty() {
        return Ok(None);
    }
    let document = call.document()?;
    checked::<CommandRevocation>(&document)?;
    names(&document, "/commandId", call.id(1))?;
    Ok(Some(document))
}

fn tender<'a>(store: &'a Store, call: &Call) -> Result<&'a Tender> {
    store.dispatched(call.tenant()?, call.id(0)).ok_or_else(|| unknown(call.id(0)))
}

fn status(tender: &Tender, call: &Call, status: StatusCode) -> Result<Answer> {
    let body = tender.command_status(call.id(1)).ok_or_else(|| unknown(call.id(1)))?;
    Ok(Answer::json(status, body))
}

fn unknown(id: &str) -> Problem {
    Problem::new(Code::NotFound, format!("there is nothing of the id {id}"))
}
