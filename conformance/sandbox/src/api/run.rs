//! What happens to every call, in order; see the parent module.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{RawPathParams, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use gladhand_documents::error::Code;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue, LOCATION};
use http::request::Parts;
use http::{HeaderMap, Method, StatusCode};
use sha2::{Digest as _, Sha256};

use crate::api::call::{Call, MAX_BODY, Operation};
use crate::auth::{self, Binding, Caller, Presenter};
use crate::carrier::Carrier;
use crate::faults::{Fault, How, When};
use crate::problem::{Answer, Problem, Result};
use crate::random;
use crate::requests::Seen;
use crate::serve::Hangup;
use crate::state::idempotency::{Begin, Stored};

/// The version of the contract that this carrier speaks.
pub const API_VERSION: &str = "1.0.0";

/// Larger than any body that a client may read, in bytes.
const OVERSIZE: usize = 2 << 20;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const VERSION: HeaderName = HeaderName::from_static("api-version");
const DPOP_NONCE: HeaderName = HeaderName::from_static("dpop-nonce");
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
const ORIGINAL_DATE: HeaderName = HeaderName::from_static("idempotency-original-date");

type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// The axum handler of an operation.
pub fn operation<F, Fut>(
    operation: &'static Operation,
    handler: F,
) -> impl Fn(State<Arc<Carrier>>, RawPathParams, Request) -> Boxed<Response> + Clone
where
    F: Fn(Call) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Result<Answer>> + Send + 'static,
{
    move |State(carrier), params, request| {
        let handler = handler.clone();
        let ids = params.iter().map(|(_, value)| value.to_owned()).collect();
        Box::pin(run(operation, carrier, ids, request, move |call| Box::pin(handler(call))))
    }
}

async fn run(
    operation: &'static Operation,
    carrier: Arc<Carrier>,
    ids: Vec<String>,
    request: Request,
    handler: impl FnOnce(Call) -> Boxed<Result<Answer>> + Send + 'static,
) -> Response {
    let (parts, body) = request.into_parts();
    let trace_id = trace_id(&parts.headers);
    let mut seen = Seen {
        operation: operation.name,
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        key: idempotency_key(&parts.headers).ok(),
        ..Seen::default()
    };
    let presenter = Presenter::of(&parts);
    let refuse = |seen: &mut Seen, problem: &Problem| {
        presenter.note(&carrier.security, problem.security_kind(), problem.code());
        seen.code = Some(problem.code().as_str().to_owned());
        problem.answer(&trace_id)
    };
    let admitted = admit(operation, &carrier, &parts, body).await;
    let mut answer = match admitted {
        Err(problem) => refuse(&mut seen, &problem),
        Ok((caller, body)) => {
            if let Some(fault) = carrier.faults.take(operation.name, When::Before) {
                seen.code = Some("fault_before".to_owned());
                carrier.requests.note(seen);
                return strike(&fault, &parts, &trace_id).await;
            }
            let call = Call {
                carrier: carrier.clone(),
                caller,
                ids,
                query: query(&parts),
                headers: parts.headers.clone(),
                body,
                trace_id: trace_id.clone(),
            };
            // Its own task: what has begun is finished, whether or not the client is still there.
            let executed =
                tokio::spawn(execute(operation, parts.method.clone(), parts.uri.path().to_owned(), call, handler));
            let answer = match executed.await {
                Ok(Ok(answer)) => answer,
                Ok(Err(problem)) => refuse(&mut seen, &problem),
                Err(_) => {
                    let problem = Problem::new(Code::InternalServerError, "the operation failed half way");
                    refuse(&mut seen, &problem)
                }
            };
            if let Some(fault) = carrier.faults.take(operation.name, When::After) {
                seen.code = Some("fault_after".to_owned());
                carrier.requests.note(seen);
                return strike(&fault, &parts, &trace_id).await;
            }
            answer
        }
    };
    let proven = matches!(operation.binding, Binding::Proof | Binding::ProofWithNonce);
    if proven
        && !answer.headers.contains_key(DPOP_NONCE)
        && let Some(nonce) = carrier.oauth.resource_nonce.offered(carrier.clock.unix())
    {
        answer = answer.with(DPOP_NONCE, nonce);
    }
    seen.status = answer.status.as_u16();
    seen.replayed = answer.headers.contains_key(REPLAYED);
    carrier.requests.note(seen);
    decorate(answer, &parts.headers)
}

/// Everything that is checked before the operation knows of the call.
async fn admit(operation: &Operation, carrier: &Carrier, parts: &Parts, body: Body) -> Result<(Option<Caller>, Bytes)> {
    let body = axum::body::to_bytes(body, MAX_BODY)
        .await
        .map_err(|_| Problem::new(Code::TooLarge, format!("the body is larger than {MAX_BODY} bytes")))?;
    let caller = match operation.binding {
        Binding::None => None,
        binding => Some(auth::authenticate(carrier, parts, &body, binding)?),
    };
    if let (Some(caller), Some(scope)) = (&caller, operation.scope) {
        caller.require(scope)?;
    }
    version(&parts.headers)?;
    if !body.is_empty() {
        let media = parts.headers.get(CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
        let essence = media.split(';').next().unwrap_or_default().trim();
        if essence != "application/json" && !essence.ends_with("+json") {
            return Err(Problem::new(Code::UnsupportedMedia, format!("the body is {media:?}, not application/json")));
        }
    }
    Ok((caller, body))
}

/// The idempotency layer around the operation (contract 4c, layer i).
async fn execute(
    operation: &'static Operation,
    method: Method,
    path: String,
    call: Call,
    handler: impl FnOnce(Call) -> Boxed<Result<Answer>>,
) -> Result<Answer> {
    if !operation.mutates {
        return handler(call).await;
    }
    let key = idempotency_key(&call.headers)?;
    let caller = call.caller()?;
    let scope = [caller.tenant.as_str(), "sandbox", &caller.client_id, method.as_str(), &path, &key].join("\n");
    let media = call.headers.get(CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes);
    let fingerprint = fingerprint(&[method.as_str().as_bytes(), path.as_bytes(), media, &call.body]);
    let carrier = call.carrier.clone();
    let trace_id = call.trace_id.clone();
    let now = carrier.clock.now();
    match carrier.store().keys.begin(&scope, fingerprint, now) {
        Begin::Run => {}
        Begin::InFlight => {
            return Err(Problem::new(Code::IdempotencyInFlight, "the first attempt under this key is still running")
                .retry_after(1));
        }
        Begin::Reused => {
            return Err(Problem::new(Code::IdempotencyKeyReused, "the key was used with another request"));
        }
        Begin::Replay(stored) => {
            return Ok(stored.answer.with(REPLAYED, "true").with(ORIGINAL_DATE, stored.date));
        }
    }
    // Released on every way out, a panic of the handler included.
    let lock = KeyLock { carrier: carrier.clone(), scope: Some(scope) };
    let answer = handler(call).await;
    let stored = match &answer {
        Ok(answer) => Some(answer.clone()),
        Err(problem) => problem.is_stored().then(|| problem.answer(&trace_id)),
    };
    lock.finish(stored.map(|answer| Stored { answer, date: http_date(now) }));
    answer
}

struct KeyLock {
    carrier: Arc<Carrier>,
    scope: Option<String>,
}

impl KeyLock {
    fn finish(mut self, stored: Option<Stored>) {
        if let Some(scope) = self.scope.take() {
            self.carrier.store().keys.finish(&scope, stored);
        }
    }
}

impl Drop for KeyLock {
    fn drop(&mut self) {
        if let Some(scope) = self.scope.take() {
            self.carrier.store().keys.finish(&scope, None);
        }
    }
}

/// SHA-256 over the parts, each with its length, so that no two requests share one.
fn fingerprint(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

/// Middleware of the authorization server: faults before and after it answers, and what every answer carries.
pub async fn authorization_server(State(carrier): State<Arc<Carrier>>, request: Request, next: Next) -> Response {
    let operation = match request.uri().path() {
        "/oauth/token" => "oauth.token",
        "/oauth/jwks" => "oauth.jwks",
        _ => "oauth.metadata",
    };
    let (parts, body) = request.into_parts();
    let trace_id = trace_id(&parts.headers);
    if let Some(fault) = carrier.faults.take(operation, When::Before) {
        return strike(&fault, &parts, &trace_id).await;
    }
    let mut answer = next.run(Request::from_parts(parts.clone(), body)).await;
    if let Some(fault) = carrier.faults.take(operation, When::After) {
        return strike(&fault, &parts, &trace_id).await;
    }
    identify(&mut answer, &parts.headers);
    answer
}

async fn strike(fault: &Fault, parts: &Parts, trace_id: &str) -> Response {
    let gateway = |status: StatusCode| {
        let mut answer = Answer::json(status, format!("<html><body>{status}</body></html>"));
        answer.headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html"));
        answer
    };
    let answer = match (fault.how, fault.when) {
        (How::Reset, _) => return hang_up(parts, Duration::ZERO).await,
        (How::Timeout, _) => return hang_up(parts, Duration::from_secs(120)).await,
        (How::Internal, _) => Problem::new(Code::InternalServerError, "a fault was asked for").answer(trace_id),
        (How::Unavailable, When::Before) => {
            Problem::new(Code::CapacityBackpressure, "the carrier is saturated; nothing was stored")
                .retry_after(fault.retry_after_s)
                .answer(trace_id)
        }
        (How::Unavailable, When::After) => gateway(StatusCode::SERVICE_UNAVAILABLE),
        (How::Gateway404, _) => gateway(StatusCode::NOT_FOUND),
        (How::Redirect, _) => gateway(StatusCode::from_u16(fault.status).unwrap_or(StatusCode::TEMPORARY_REDIRECT))
            .with(LOCATION, &fault.location),
        (How::Oversize, _) => Answer::json(StatusCode::OK, format!(r#"{{"x":"{}"}}"#, "x".repeat(OVERSIZE))),
        (How::Garbage, _) => Answer::json(StatusCode::OK, "<html>this is no JSON</html>"),
        (How::Duplicate, _) => Answer::json(StatusCode::OK, r#"{"issuer":"a","issuer":"b","keys":[],"keys":[]}"#),
    };
    decorate(answer, &parts.headers)
}

async fn hang_up(parts: &Parts, after: Duration) -> Response {
    tokio::time::sleep(after).await;
    if let Some(hangup) = parts.extensions.get::<Hangup>() {
        hangup.0.cancel();
    }
    std::future::pending().await
}

/// Adds what every answer carries.
pub fn decorate(answer: Answer, request: &HeaderMap) -> Response {
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = answer.status;
    *response.headers_mut() = answer.headers;
    identify(&mut response, request);
    response
}

/// The request's id and the version of the contract.
fn identify(response: &mut Response, request: &HeaderMap) {
    let id = request.get(REQUEST_ID).filter(|id| id.len() <= 64).cloned();
    let id = id.or_else(|| HeaderValue::from_str(&random::id("req-")).ok());
    if let Some(id) = id {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response.headers_mut().insert(VERSION, HeaderValue::from_static(API_VERSION));
}

/// A structured-field string or the bare key (contract 4c).
fn idempotency_key(headers: &HeaderMap) -> Result<String> {
    let value = headers.get("idempotency-key").and_then(|v| v.to_str().ok());
    let value = value.ok_or_else(|| {
        Problem::new(Code::IdempotencyKeyRequired, "the request changes something and has no Idempotency-Key")
    })?;
    let key = value.strip_prefix('"').and_then(|v| v.strip_suffix('"')).unwrap_or(value);
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
    if (16..=64).contains(&key.len()) && key.bytes().all(allowed) {
        return Ok(key.to_owned());
    }
    Err(Problem::new(Code::IdempotencyKeyRequired, "the Idempotency-Key is not 16 to 64 characters of A-Za-z0-9_-"))
}

/// `Accept-Version: 1.x; min=1.2`: this carrier has 1.0 only.
fn version(headers: &HeaderMap) -> Result<()> {
    let Some(wanted) = headers.get("accept-version").and_then(|v| v.to_str().ok()) else { return Ok(()) };
    let mut parts = wanted.split(';').map(str::trim);
    let range = parts.next().unwrap_or_default();
    let minimum = parts.find_map(|p| p.strip_prefix("min=")).unwrap_or("1.0");
    let range_fits = matches!(range, "1" | "1.x" | "1.0" | "1.0.x" | "1.0.0" | "*" | "");
    if range_fits && matches!(minimum, "1" | "1.0" | "1.0.0") {
        return Ok(());
    }
    Err(Problem::new(Code::UnsupportedVersion, format!("{wanted} is not served"))
        .with("versions", serde_json::json!([{"major": 1, "minor": 0, "status": "active"}])))
}

fn query(parts: &Parts) -> HashMap<String, String> {
    url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()).into_owned().collect()
}

fn trace_id(headers: &HeaderMap) -> String {
    let parent = headers.get("traceparent").and_then(|v| v.to_str().ok());
    parent.and_then(|p| p.split('-').nth(1)).filter(|id| id.len() == 32).map_or_else(random::hex32, str::to_owned)
}

fn http_date(at: jiff::Timestamp) -> String {
    at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}
