//! Papers: the list, each document, and the paper that a document's `uri` names.

use gladhand_documents::error::Code;
use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderValue};

use crate::api::call::Call;
use crate::api::tenders::key;
use crate::object::Object;
use crate::problem::{Answer, Problem, Result};
use crate::state::documents::{self, Filed};

/// `GET /v1/tenders/{id}/documents`.
pub async fn list(call: Call) -> Result<Answer> {
    let store = call.carrier.store();
    let tender = store.read().tender(&key(&call)?)?;
    let body = Object::new()
        .text("schemaVersion", "1.0.0")
        .text("tenderId", &tender.key.tender_id)
        .list("documents", tender.documents.iter().map(Filed::entry));
    Ok(Answer::json(StatusCode::OK, body.finish()))
}

/// `GET /v1/tenders/{id}/documents/{docId}`.
pub async fn get(call: Call) -> Result<Answer> {
    Ok(Answer::json(StatusCode::OK, filed(&call)?.document))
}

/// `GET /v1/tenders/{id}/documents/{docId}/content`.
pub async fn content(call: Call) -> Result<Answer> {
    let mut answer = Answer::json(StatusCode::OK, filed(&call)?.content);
    answer.headers.insert(CONTENT_TYPE, HeaderValue::from_static(documents::CONTENT_TYPE));
    Ok(answer)
}

fn filed(call: &Call) -> Result<Filed> {
    let store = call.carrier.store();
    let tender = store.read().tender(&key(call)?)?;
    let filed = tender.documents.iter().find(|filed| filed.id == call.id(1));
    filed.cloned().ok_or_else(|| Problem::new(Code::NotFound, format!("there is no document {}", call.id(1))))
}
