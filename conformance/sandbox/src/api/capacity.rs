//! Capacity: search and one offer by id, the offers verbatim.

use gladhand_documents::error::Code;
use http::StatusCode;

use crate::api::call::Call;
use crate::problem::{Answer, Problem, Result};
use crate::state::capacity::Search;

/// `POST /v1/capacity/search`.
pub async fn search(call: Call) -> Result<Answer> {
    let search = Search::of(&call.document()?)?;
    let store = call.carrier.store();
    let (page, next) = store.stock.search(&search);
    let offers: Vec<&str> = page.iter().map(|c| c.document.as_str()).collect();
    // Joined by hand: an offer goes out as the bytes it came in as.
    let cursor = next.map_or_else(String::new, |next| format!(r#","cursor":"{next}""#));
    let body = format!(r#"{{"schemaVersion":"1.0.0","offers":[{}]{cursor}}}"#, offers.join(","));
    Ok(Answer::json(StatusCode::OK, body))
}

/// `GET /v1/capacity/{id}`.
pub async fn get(call: Call) -> Result<Answer> {
    let store = call.carrier.store();
    let capacity = store
        .stock
        .get(call.id(0))
        .ok_or_else(|| Problem::new(Code::NotFound, format!("there is no capacity {}", call.id(0))))?;
    Ok(Answer::json(StatusCode::OK, capacity.document.as_str().to_owned()))
}
