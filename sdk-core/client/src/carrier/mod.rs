//! One carrier as the rest of this crate sees it: its settings, the calls to it, what it publishes of itself, and how it
//! has been doing. No rule of a tender lives here.
//!
//! * `discovery`: what the carrier publishes. * `standing`: what its answers say of the contract.

mod discovery;
mod standing;

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use gladhand_documents::error::{Code, Error, Result, Sent};
use gladhand_documents::json::Document;
use gladhand_documents::model::{self, Model};
use gladhand_protocol::tender::circuit::{Answer, Circuit};
use gladhand_protocol::tender::retry::Budget;
use gladhand_protocol::versioning::deprecation::Deprecation;
use gladhand_protocol::versioning::negotiation::{ACCEPT, Served};
use http::header::IF_MATCH;
use http::{HeaderName, HeaderValue, Method};

use crate::auth::{Authorized, Caller, Profile, Request, Response};
use crate::clock::SharedClock;
use crate::config::CarrierConfig;
use crate::journal::Journal;
use crate::journal::rows::Intent;
use standing::{ACCEPT_VERSION, Standing};

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
    circuit: Mutex<Circuit>,
    standing: Mutex<Standing>,
    /// Where a changed log epoch is written down.
    journal: OnceLock<Journal>,
    /// The log epoch that was last written down from here.
    epoch: Mutex<Option<String>>,
    deny_deprecated_days: OnceLock<u32>,
    /// Capacity ids of offers that it made.
    offers: Mutex<HashSet<String>>,
}

/// So many capacity ids are kept.
const OFFERS: usize = 10_000;

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
            circuit: Mutex::default(),
            standing: Mutex::default(),
            journal: OnceLock::new(),
            epoch: Mutex::default(),
            deny_deprecated_days: OnceLock::new(),
            offers: Mutex::default(),
        }
    }

    /// Gives it the client's journal and rules; once, before the first call.
    pub(crate) fn join(&self, journal: &Journal, deny_deprecated_days: Option<u32>) {
        let _ = self.journal.set(journal.clone());
        if let Some(days) = deny_deprecated_days {
            let _ = self.deny_deprecated_days.set(days);
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

    /// The share of 503 among the recent answers, at `now` of the monotonic clock.
    pub(crate) fn backpressure(&self, now: Duration) -> f64 {
        lock(&self.circuit).ratio(now)
    }

    /// The contract's version of the latest answer.
    pub(crate) fn version(&self) -> Option<String> {
        lock(&self.standing).version().map(str::to_owned)
    }

    /// The operations that the carrier says will end.
    pub(crate) fn deprecations(&self) -> Vec<(&'static str, Deprecation)> {
        lock(&self.standing).routes().map(|(route, deprecation)| (route, deprecation.clone())).collect()
    }

    /// Calls the carrier, unless its circuit is open, and keeps what the answer says of the carrier: whether it could be
    /// reached, its version, its log epoch, what ends.
    ///
    /// Errors besides those of [`Caller::call`]: `breaker_open` with the wait that is left, `version_sunset` by
    /// `deny_deprecated_days`; neither was sent.
    pub(crate) async fn call(&self, request: Request) -> Result<Response> {
        let operation = request.operation;
        let deny = self.deny_deprecated_days.get().copied();
        lock(&self.standing).permit(self.name(), operation, deny, self.clock.now())?;
        // Who wants a truck to stop waits for no circuit.
        if !operation.starts_with("commands.") {
            let admitted = lock(&self.circuit).admit(self.clock.monotonic());
            admitted.map_err(|wait| self.open_circuit(operation, wait))?;
        }
        let answer = self.caller.call(request.header(ACCEPT_VERSION, HeaderValue::from_static(ACCEPT))).await;
        lock(&self.circuit).note(seen(&answer), self.clock.monotonic());
        let failed = answer.as_ref().err().filter(|e| e.sent_state() != Sent::Acknowledged).map(Error::code);
        *lock(&self.failure) = failed;
        if let Ok(answer) = &answer {
            lock(&self.standing).read(self.name(), operation, &answer.headers);
        }
        let content = match &answer {
            Ok(answer) => std::str::from_utf8(&answer.body).ok(),
            Err(error) => error.problem(),
        };
        if let Some(epoch) = content.and_then(epoch_of) {
            self.note_epoch(epoch).await;
        }
        answer.map_err(with_choices)
    }

    /// Keeps when the version that is spoken ends, where the carrier says so.
    fn version_ends(&self, version: &Served) {
        let (since, sunset) = (version.since, version.sunset);
        let ends = since.is_some() || sunset.is_some() || version.status == "deprecated";
        let said = ends.then(|| Deprecation { since, sunset, ..Deprecation::default() });
        lock(&self.standing).note(self.name(), standing::ALL, said);
    }

    /// Keeps which offers the carrier made, for what is assumed of them; those of the latest search and read.
    pub(crate) fn offered<'a>(&self, offers: impl IntoIterator<Item = &'a Document>) {
        let mut known = lock(&self.offers);
        let new: Vec<String> = offers.into_iter().filter_map(|offer| offer.text("/capacityId")).collect();
        if known.len() + new.len() > OFFERS {
            known.clear();
        }
        known.extend(new.into_iter().take(OFFERS));
    }

    /// Whether the carrier made this offer lately.
    pub(crate) fn has_offered(&self, capacity_id: &str) -> bool {
        lock(&self.offers).contains(capacity_id)
    }

    fn open_circuit(&self, operation: &str, wait: Duration) -> Error {
        let ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).max(1);
        let what = format!("{operation}: carrier {} answered 503 too often; next try in {ms} ms", self.name());
        Error::new(Code::BreakerOpen, what).with_retry_after_ms(ms)
    }

    /// Writes a log epoch down, if it is another one than the last: a changed one freezes the carrier (contract 4e).
    async fn note_epoch(&self, epoch: String) {
        if lock(&self.epoch).as_ref() == Some(&epoch) {
            return;
        }
        let Some(journal) = self.journal.get() else { return };
        let (name, noted) = (self.name().to_owned(), epoch.clone());
        match journal.run(move |store| store.note_epoch(&name, &noted)).await {
            Ok(row) => {
                *lock(&self.epoch) = Some(epoch);
                if row.frozen {
                    tracing::error!(target: "gladhand::tender", carrier = self.name(), "the carrier's log epoch changed: frozen until reconciled");
                }
            }
            // The next answer brings it again.
            Err(error) => {
                tracing::warn!(target: "gladhand::tender", carrier = self.name(), %error, "a log epoch was not written down");
            }
        }
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

/// Adds the versions that the carrier names to its refusal of ours (contract 5).
fn with_choices(error: Error) -> Error {
    if !matches!(error.code(), Code::UnsupportedVersion | Code::VersionSunset) {
        return error;
    }
    let problem = error.problem().and_then(|problem| Document::parse(problem).ok());
    let served = problem
        .as_ref()
        .and_then(|problem| problem.at("/versions"))
        .into_iter()
        .flat_map(gladhand_documents::json::Value::items);
    let names = served.filter_map(|version| {
        let part = |name: &str| Some(version.get(name)?.number()?.to_owned());
        Some(format!("{}.{}", part("major")?, part("minor")?))
    });
    let names: Vec<String> = names.collect();
    if names.is_empty() { error } else { error.with_note(&format!("the carrier serves {}", names.join(", "))) }
}

/// What a circuit makes of an answer. What never left says nothing of the carrier.
fn seen(answer: &Result<Response>) -> Answer {
    match answer {
        Ok(_) => Answer::Served,
        Err(error) if error.sent_state() == Sent::NotSent => Answer::Nothing,
        Err(error) => match error.http_status() {
            Some(503) => Answer::Unavailable(error.retry_after_ms().map(Duration::from_millis)),
            Some(_) => Answer::Served,
            None => Answer::Nothing,
        },
    }
}

/// The log epoch of an answer that carries one.
fn epoch_of(content: &str) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Said {
        #[serde(rename = "logEpoch")]
        epoch: String,
    }
    // Most do not: they are not parsed for it.
    if !content.contains("\"logEpoch\"") {
        return None;
    }
    serde_json::from_str::<Said>(content).ok().map(|said| said.epoch).filter(|epoch| !epoch.is_empty())
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
    // A deletion says everything by its address, and so does what has nothing to add to it.
    let content = (method != Method::DELETE && intent.body.as_str() != "{}")
        .then(|| bytes::Bytes::copy_from_slice(intent.body.as_bytes()));
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
