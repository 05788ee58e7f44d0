//! One carrier as the rest of this crate sees it: its settings, the calls to it, what it publishes of itself, and how it
//! has been doing. No rule of a tender lives here.

mod discovery;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use gladhand_documents::error::{Code, Error, Result, Sent};
use gladhand_documents::json::Document;
use gladhand_documents::model::{self, Model};
use gladhand_protocol::tender::retry::Budget;
use http::header::IF_MATCH;
use http::{HeaderName, HeaderValue, Method};

use crate::auth::{Authorized, Caller, Profile, Request, Response};
use crate::clock::SharedClock;
use crate::config::CarrierConfig;
use crate::journal::rows::Intent;

pub(crate) use discovery::Published;

/// One carrier.
#[derive(Debug)]
pub(crate) struct Carrier {
    pub(crate) config: CarrierConfig,
    caller: Arc<dyn Caller>,
    authorized: Option<Authorized>,
    clock: SharedClock,
    published: tokio::sync::Mutex<Option<(Arc<Published>, Duration)>>,
    budget: Mutex<Budget>,
    failure: Mutex<Option<Code>>,
}

impl Carrier {
    pub(crate) fn new(
        config: CarrierConfig,
        caller: Arc<dyn Caller>,
        authorized: Option<Authorized>,
        clock: SharedClock,
    ) -> Self {
        Self {
            config,
            caller,
            authorized,
            clock,
            published: tokio::sync::Mutex::default(),
            budget: Mutex::default(),
            failure: Mutex::default(),
        }
    }

    /// The name in the configuration.
    pub(crate) fn name(&self) -> &str {
        &self.config.name
    }

    /// The base address, as event sources begin with it.
    pub(crate) fn base(&self) -> String {
        self.config.base_url.as_str().trim_end_matches('/').to_owned()
    }

    /// The network's own caller, for streams; none in a simulation.
    pub(crate) fn authorized(&self) -> Option<&Authorized> {
        self.authorized.as_ref()
    }

    /// Why the last call did not reach the carrier, if it did not.
    pub(crate) fn failure(&self) -> Option<Code> {
        *lock(&self.failure)
    }

    /// Retries are paid from here.
    pub(crate) fn budget(&self) -> MutexGuard<'_, Budget> {
        lock(&self.budget)
    }

    /// Calls the carrier, and remembers whether it could be reached.
    pub(crate) async fn call(&self, request: Request) -> Result<Response> {
        let answer = self.caller.call(request).await;
        let failed = answer.as_ref().err().filter(|e| e.sent_state() != Sent::Acknowledged).map(Error::code);
        *lock(&self.failure) = failed;
        answer
    }

    /// Reads a document with the certificate-bound token, and checks that it is what it should be.
    pub(crate) async fn read<M: Model>(
        &self,
        operation: &'static str,
        path: impl Into<String>,
        scope: &'static str,
        wait: Option<Duration>,
    ) -> Result<Document> {
        let mut request = Request::new(operation, Method::GET, path, Profile::CertificateBound, scope);
        if let Some(wait) = wait {
            request = request.header(PREFER, prefer(wait)).deadline(patience(wait));
        }
        let answer = self.call(request).await?;
        document_of::<M>(operation, &answer)
    }
}

/// The call that an intent stands for: the journaled bytes, the journaled key.
pub(crate) fn request_of(intent: &Intent) -> Result<Request> {
    let (operation, scope) = operation_of(intent)?;
    let method = Method::from_bytes(intent.method.as_bytes())
        .map_err(|e| Error::new(Code::JournalCorrupt, "the intent's method cannot be read").caused_by(&e))?;
    let header = |text: &str| {
        HeaderValue::from_str(text)
            .map_err(|e| Error::new(Code::JournalCorrupt, "the intent's headers cannot be read").caused_by(&e))
    };
    // A deletion says everything by its address.
    let content = (method != Method::DELETE).then(|| bytes::Bytes::copy_from_slice(intent.body.as_bytes()));
    let mut request = Request::new(operation, method, intent.path.clone(), Profile::Dpop, scope)
        .header(IDEMPOTENCY_KEY, header(&format!("\"{}\"", intent.key))?);
    request.body = content;
    if let Some(wait) = &intent.prefer {
        request = request.header(PREFER, header(wait)?);
        if let Some(seconds) = wait.strip_prefix("wait=").and_then(|n| n.parse().ok()) {
            request = request.deadline(patience(Duration::from_secs(seconds)));
        }
    }
    if operation.starts_with("commands.") {
        request = request.require_nonce();
    }
    if operation == "tenders.amend" {
        // Tells an amendment from a revision that came too late: its sender knows that the tender was accepted.
        request = request.header(IF_MATCH, HeaderValue::from_static("*"));
    }
    Ok(request)
}

/// `Idempotency-Key`.
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// `Prefer` (RFC 7240).
pub(crate) const PREFER: HeaderName = HeaderName::from_static("prefer");

/// The name and scope of an operation that is in the journal.
fn operation_of(intent: &Intent) -> Result<(&'static str, &'static str)> {
    Ok(match intent.operation.as_str() {
        "tenders.create" => ("tenders.create", "tender:write"),
        "tenders.withdraw" => ("tenders.withdraw", "tender:write"),
        "tenders.revise" => ("tenders.revise", "tender:write"),
        "tenders.amend" => ("tenders.amend", "tender:write"),
        "tenders.accept_counter" => ("tenders.accept_counter", "tender:write"),
        "tenders.decline_counter" => ("tenders.decline_counter", "tender:write"),
        "tenders.request_cancel" => ("tenders.request_cancel", "tender:write"),
        "capacity.hold" => ("capacity.hold", "capacity:hold"),
        "capacity.release" => ("capacity.release", "capacity:hold"),
        "webhooks.put" => ("webhooks.put", "webhooks:write"),
        "webhooks.delete" => ("webhooks.delete", "webhooks:write"),
        "commands.request" => ("commands.request", command_scope(&intent.body.text("/type").unwrap_or_default())),
        "commands.revoke" => ("commands.revoke", command_scope(&intent.body.text("/type").unwrap_or_default())),
        other => {
            return Err(Error::new(
                Code::JournalUnsupported,
                format!("the journal holds an unknown operation {other}"),
            ));
        }
    })
}

/// The scope that a command of this type takes (contract 4.0).
pub(crate) fn command_scope(kind: &str) -> &'static str {
    match kind {
        "conditional_stop" => "command:stop",
        "resume" => "command:resume",
        "manual_intervention" => "command:intervention",
        "hold_at_terminal" | "release" => "command:hold",
        _ => "command:route",
    }
}

/// `wait=N` (RFC 7240 §4.3).
pub(crate) fn prefer(wait: Duration) -> HeaderValue {
    HeaderValue::from_str(&format!("wait={}", wait.as_secs())).unwrap_or(HeaderValue::from_static("wait=0"))
}

/// How long to wait for an answer that the carrier may hold back for `wait`: five seconds more, or a fifth (contract 4d).
pub(crate) fn patience(wait: Duration) -> Duration {
    wait + (wait / 5).max(Duration::from_secs(5))
}

/// The document of an answer, checked against its entity. Error: `unexpected_answer`, with the violations.
pub(crate) fn document_of<M: Model>(operation: &str, answer: &Response) -> Result<Document> {
    let wrong = |error: Error| {
        let mut out = Error::new(
            Code::UnexpectedAnswer,
            format!("{operation}: the answer is no {}: {}", M::entity().name, error.message()),
        )
        .sent(Sent::Acknowledged)
        .with_status(answer.status.as_u16())
        .with_violations(error.violations().to_vec());
        if let Some(id) = answer.request_id() {
            out = out.with_request_id(id);
        }
        out
    };
    let document = Document::parse(&answer.body).map_err(wrong)?;
    model::validate(M::entity(), &document).map_err(wrong)?;
    Ok(document)
}

/// An id as one segment of a path.
pub(crate) fn segment(id: &str) -> String {
    let mut out = String::with_capacity(id.len());
    for byte in id.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~:".contains(&byte) {
            out.push(byte as char);
        } else {
            let hex = b"0123456789ABCDEF";
            out.extend(['%', hex[usize::from(byte >> 4)] as char, hex[usize::from(byte & 15)] as char]);
        }
    }
    out
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is guarded here is a number or a flag: a panic elsewhere cannot leave it half-written.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
