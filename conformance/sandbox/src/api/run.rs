//! What happens to every call, in order; see the parent module.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{RawPathParams, Request, State};
use axum::response::Response;
use gladhand_documents::error::Code;
use http::Method;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::request::Parts;
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use crate::api::call::{Call, MAX_BODY, Operation};
use crate::api::headers::{committed, decorate, http_date, idempotency_key, media, path_id, query, text, trace_id};
use crate::api::strike::{hang_up, strike};
use crate::auth::{self, Binding, Caller, Presenter};
use crate::carrier::Carrier;
use crate::clock::plus_seconds;
use crate::faults::When;
use crate::problem::{Answer, Problem, Result};
use crate::profile::{HELD_S, Profile};
use crate::requests::Seen;
use crate::state::idempotency::{Begin, Stored};
use crate::state::tender::Key;
use crate::state::transitions;

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
        let ids = params.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Box::pin(run(operation, carrier, ids, request, move |call| Box::pin(handler(call))))
    }
}

async fn run(
    operation: &'static Operation,
    carrier: Arc<Carrier>,
    ids: Vec<(String, String)>,
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
        traceparent: text(&parts.headers, "traceparent"),
        tracestate: text(&parts.headers, "tracestate"),
        ..Seen::default()
    };
    let presenter = Presenter::of(&parts);
    let refuse = |seen: &mut Seen, problem: &Problem| {
        presenter.note(&carrier.security, problem.security_kind(), problem.code());
        seen.code = Some(problem.code().as_str().to_owned());
        problem.answer(&trace_id)
    };
    let admitted = admit(operation, &carrier, &parts, body).await.and_then(|admitted| {
        ids.iter().try_for_each(|(name, value)| path_id(name, value))?;
        Ok(admitted)
    });
    let mut version = None;
    let answer = match admitted {
        Err(problem) => refuse(&mut seen, &problem),
        Ok(Admitted { caller, body, version: negotiated }) => {
            version = Some(negotiated);
            let fault = carrier.faults.take(operation.name, When::Before);
            if let Some(fault) = fault.or_else(|| carrier.profiles.before(operation)) {
                seen.code = Some("fault_before".to_owned());
                carrier.requests.note(seen);
                return strike(&fault, &carrier, &parts).await;
            }
            let call = Call {
                carrier: carrier.clone(),
                caller,
                path: parts.uri.path().to_owned(),
                ids: ids.into_iter().map(|(_, value)| value).collect(),
                query: query(&parts),
                headers: parts.headers.clone(),
                body,
                trace_id: trace_id.clone(),
            };
            let (method, path) = (parts.method.clone(), parts.uri.path().to_owned());
            if carrier.profiles.holds_back(operation, seen.key.as_deref()) {
                carrier.requests.note(Seen { code: Some("held_back".to_owned()), ..seen.clone() });
                let latest = plus_seconds(carrier.clock.now(), HELD_S);
                tokio::spawn(arrive_late(operation, method, path, call, handler, (seen, latest)));
                return hang_up(&parts, Duration::ZERO).await;
            }
            // Its own task: what has begun is finished, whether or not the client is still there.
            let executed = tokio::spawn(execute(operation, method, path, call, handler));
            let answer = match executed.await {
                Ok(Ok(answer)) => answer,
                Ok(Err(problem)) => refuse(&mut seen, &problem),
                Err(_) => {
                    let problem = Problem::new(Code::InternalServerError, "the operation failed half way");
                    refuse(&mut seen, &problem)
                }
            };
            let (done, replayed) = (committed(answer.status), answer.headers.contains_key(REPLAYED));
            let fault = carrier.faults.take(operation.name, When::After);
            if let Some(fault) = fault.or_else(|| carrier.profiles.after(operation, done, replayed)) {
                seen.code = Some("fault_after".to_owned());
                carrier.requests.note(seen);
                return strike(&fault, &carrier, &parts).await;
            }
            answer
        }
    };
    let mut answer = carrier.contract.dress(operation, version, answer);
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
    let latency = carrier.latency_ms.load(Ordering::Relaxed);
    if latency > 0 {
        tokio::time::sleep(Duration::from_millis(latency.into())).await;
    }
    decorate(answer, &carrier, &parts.headers)
}

/// A create that was lost from sight is executed once its tender was withdrawn, or after a while.
async fn arrive_late(
    operation: &'static Operation,
    method: Method,
    path: String,
    call: Call,
    handler: impl FnOnce(Call) -> Boxed<Result<Answer>> + Send + 'static,
    (mut seen, latest): (Seen, Timestamp),
) {
    let tender_id = call.document().ok().and_then(|document| document.text("/tenderId")).unwrap_or_default();
    let key = Key { tenant: call.tenant().unwrap_or_default().to_owned(), tender_id };
    let carrier = call.carrier.clone();
    call.until_instant(latest, |last| {
        let withdrawn = carrier.store().find(&key).is_some_and(|t| t.state == transitions::State::Withdrawn);
        (last || withdrawn).then_some(())
    })
    .await;
    match execute(operation, method, path, call, handler).await {
        Ok(answer) => {
            seen.status = answer.status.as_u16();
            seen.replayed = answer.headers.contains_key(REPLAYED);
        }
        Err(problem) => seen.code = Some(problem.code().as_str().to_owned()),
    }
    carrier.requests.note(seen);
}

/// A call that may be executed.
struct Admitted {
    caller: Option<Caller>,
    body: Bytes,
    version: (u32, u32),
}

/// Everything that is checked before the operation knows of the call.
async fn admit(operation: &Operation, carrier: &Carrier, parts: &Parts, body: Body) -> Result<Admitted> {
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
    let accepted = parts.headers.get("accept-version").map(|v| v.to_str().unwrap_or_default());
    let version = carrier.contract.negotiate(accepted, carrier.clock.now())?;
    if !body.is_empty() {
        media(&parts.headers)?;
    }
    if let Some(caller) = &caller {
        carrier.limit.take(&caller.client_id, carrier.clock.now())?;
    }
    Ok(Admitted { caller, body, version })
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
    let scope = [caller.tenant.as_str(), auth::ENVIRONMENT, &caller.client_id, method.as_str(), &path, &key].join("\n");
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
        _ if carrier.profiles.current() == Profile::LostKeyStore => None,
        Ok(answer) => Some(answer.clone()),
        Err(problem) => problem.is_stored().then(|| problem.answer(&trace_id)),
    };
    lock.finish(stored.map(|answer| Stored { answer, date: http_date(carrier.clock.shown()) }));
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
