//! What the path and the header fields of every request mean, and those that every answer carries.

use std::collections::HashMap;

use axum::body::Body;
use axum::response::Response;
use gladhand_documents::error::Code;
use http::header::{CONTENT_TYPE, DATE, HeaderName, HeaderValue};
use http::request::Parts;
use http::{HeaderMap, StatusCode};

use crate::carrier::Carrier;
use crate::problem::{Answer, Problem, Result};
use crate::random;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Adds what every answer carries.
pub fn decorate(answer: Answer, carrier: &Carrier, request: &HeaderMap) -> Response {
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = answer.status;
    *response.headers_mut() = answer.headers;
    identify(&mut response, carrier, request);
    response
}

/// The request's id, the version of the contract, and the date as the carrier takes it to be.
pub fn identify(response: &mut Response, carrier: &Carrier, request: &HeaderMap) {
    let id = request.get(REQUEST_ID).filter(|id| id.len() <= 64).cloned();
    let id = id.or_else(|| HeaderValue::from_str(&random::id("req-")).ok());
    if let Some(id) = id {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    carrier.contract.mark(response.headers_mut());
    if let Ok(date) = HeaderValue::from_str(&http_date(carrier.clock.shown())) {
        response.headers_mut().insert(DATE, date);
    }
}

/// A structured-field string or the bare key (contract 4c).
pub fn idempotency_key(headers: &HeaderMap) -> Result<String> {
    let mut values = headers.get_all("idempotency-key").iter();
    let value = match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().unwrap_or_default(),
        (None, _) => {
            let detail = "the request changes something and has no Idempotency-Key";
            return Err(Problem::new(Code::IdempotencyKeyRequired, detail));
        }
        (Some(_), Some(_)) => {
            return Err(Problem::new(Code::IdempotencyKeyRequired, "the request has more than one Idempotency-Key"));
        }
    };
    let key = value.strip_prefix('"').and_then(|v| v.strip_suffix('"')).unwrap_or(value);
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
    if (16..=64).contains(&key.len()) && key.bytes().all(allowed) {
        return Ok(key.to_owned());
    }
    Err(Problem::new(Code::IdempotencyKeyRequired, "the Idempotency-Key is not 16 to 64 characters of A-Za-z0-9_-"))
}

/// Refuses a body that is not JSON by its own account.
pub fn media(headers: &HeaderMap) -> Result<()> {
    let media = headers.get(CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let essence = media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if essence == "application/json" || essence.ends_with("+json") {
        return Ok(());
    }
    Err(Problem::new(Code::UnsupportedMedia, format!("the body is {media:?}, not application/json")))
}

/// `If-Match` (RFC 9110 §13.1.1) as it was sent; none where it is absent.
pub fn if_match(headers: &HeaderMap) -> Option<String> {
    let fields: Vec<&str> =
        headers.get_all(http::header::IF_MATCH).iter().map(|v| v.to_str().unwrap_or_default()).collect();
    (!fields.is_empty()).then(|| fields.join(","))
}

/// Whether an `If-Match` names this tag, by the strong comparison: a weak tag fits nothing.
pub fn fits(if_match: &str, tag: &str) -> bool {
    if_match.split(',').map(str::trim).any(|listed| listed == "*" || listed == tag)
}

/// Refuses a parameter of the path that names nothing by the contract: ids of the TMS have a shape, those of the carrier
/// are opaque (contract 3a).
pub fn path_id(name: &str, value: &str) -> Result<()> {
    let (fits, shape) = match name {
        "revision" => (value.parse::<u32>().is_ok_and(|n| n > 0), "a revision, from 1"),
        "capacityId" | "dispatchId" | "documentId" => {
            ((1..=128).contains(&value.chars().count()), "1 to 128 characters")
        }
        _ => {
            let allowed = |b: u8| b.is_ascii_alphanumeric() || b"._:-".contains(&b);
            ((1..=64).contains(&value.len()) && value.bytes().all(allowed), "1 to 64 of A-Z a-z 0-9 . _ : -")
        }
    };
    if fits {
        return Ok(());
    }
    Err(Problem::violation(Code::SchemaInvalid, &format!("/{name}"), "path", format!("must be {shape}")))
}

/// A sequence number in the query; at most 2^53 - 1, as every number of the contract.
pub fn sequence(name: &str, text: &str) -> Result<u64> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let number = text.parse::<u64>().ok().filter(|n| digits && *n <= 9_007_199_254_740_991);
    number.ok_or_else(|| {
        Problem::violation(Code::SchemaInvalid, &format!("/{name}"), "type", "must be a sequence number")
    })
}

/// The parameters of the query.
pub fn query(parts: &Parts) -> HashMap<String, String> {
    url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()).into_owned().collect()
}

/// A header field as it came, if it came once and is text.
pub fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    let mut values = headers.get_all(name).iter();
    let only = values.next().filter(|_| values.next().is_none())?;
    only.to_str().ok().map(str::to_owned)
}

/// The trace id of `traceparent`, or one of ours.
pub fn trace_id(headers: &HeaderMap) -> String {
    let parent = headers.get("traceparent").and_then(|v| v.to_str().ok());
    parent.and_then(|p| p.split('-').nth(1)).filter(|id| id.len() == 32).map_or_else(random::hex32, str::to_owned)
}

/// An instant as HTTP writes it (RFC 9110 §5.6.7).
pub fn http_date(at: jiff::Timestamp) -> String {
    at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// Whether the answer says what came of something that was done: a success, or a refusal that is stored.
pub fn committed(status: StatusCode) -> bool {
    status.is_success() || matches!(status.as_u16(), 409 | 422)
}
