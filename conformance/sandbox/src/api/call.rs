//! One call of an operation, as its handler sees it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use gladhand_documents::error::Code;
use gladhand_documents::json::Document;
use http::HeaderMap;
use jiff::Timestamp;

use crate::auth::{Binding, Caller};
use crate::carrier::Carrier;
use crate::problem::{Problem, Result};

/// The largest body, in bytes; published in discovery.
pub const MAX_BODY: usize = 1 << 20;

/// An operation of contract 4.0.
#[derive(Debug)]
pub struct Operation {
    /// Its name, such as `tenders.create`.
    pub name: &'static str,
    /// How its token is bound.
    pub binding: Binding,
    /// The scope it takes; commands choose theirs by the command's type.
    pub scope: Option<&'static str>,
    /// Whether it takes an Idempotency-Key.
    pub mutates: bool,
}

impl Operation {
    /// A read.
    pub const fn read(name: &'static str, scope: &'static str) -> Self {
        Self { name, binding: Binding::Certificate, scope: Some(scope), mutates: false }
    }

    /// A mutation.
    pub const fn mutation(name: &'static str, scope: &'static str) -> Self {
        Self { name, binding: Binding::Proof, scope: Some(scope), mutates: true }
    }
}

/// An authenticated call.
pub struct Call {
    /// The carrier.
    pub carrier: Arc<Carrier>,
    /// Who calls; discovery is open to every certificate and has none.
    pub caller: Option<Caller>,
    /// The path.
    pub path: String,
    /// The parameters of the path, in order.
    pub ids: Vec<String>,
    /// The parameters of the query.
    pub query: HashMap<String, String>,
    /// The headers.
    pub headers: HeaderMap,
    /// The body as it was sent.
    pub body: Bytes,
    /// The trace id of `traceparent`, or one of ours.
    pub trace_id: String,
}

impl Call {
    /// Who calls.
    pub fn caller(&self) -> Result<&Caller> {
        self.caller.as_ref().ok_or_else(|| Problem::new(Code::TokenInvalid, "there is no access token"))
    }

    /// The tenant that the caller acts for.
    pub fn tenant(&self) -> Result<&str> {
        Ok(&self.caller()?.tenant)
    }

    /// The n-th parameter of the path.
    pub fn id(&self, n: usize) -> &str {
        self.ids.get(n).map_or("", String::as_str)
    }

    /// A parameter of the query.
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query.get(name).map(String::as_str)
    }

    /// The body as a document.
    pub fn document(&self) -> Result<Document> {
        Ok(Document::parse(&self.body)?)
    }

    /// `traceparent`, if it is one (W3C Trace Context).
    pub fn traceparent(&self) -> Option<&str> {
        self.headers.get("traceparent")?.to_str().ok().filter(|t| t.len() == 55 && t.is_ascii())
    }

    /// How long the client is ready to wait (RFC 7240), capped by the policy.
    pub fn wait(&self) -> Duration {
        let preferences = self.headers.get_all("prefer").iter().filter_map(|v| v.to_str().ok());
        let seconds = preferences
            .flat_map(|value| value.split(','))
            .filter_map(|preference| preference.trim().strip_prefix("wait="))
            .find_map(|n| n.trim_matches('"').parse::<u64>().ok());
        Duration::from_secs(seconds.unwrap_or(0).min(self.carrier.store().policy.max_wait_s))
    }

    /// Repeats `step` at each change of the carrier's state until it answers or `wait` of business time has passed;
    /// then `step` gets a last chance with `true`.
    pub async fn until<T>(&self, wait: Duration, step: impl FnMut(bool) -> Option<T>) -> Option<T> {
        let now = self.carrier.clock.now();
        let deadline = jiff::SignedDuration::try_from(wait).ok().and_then(|wait| now.checked_add(wait).ok());
        self.until_instant(deadline.unwrap_or(now), step).await
    }

    /// The same, until an instant of business time.
    pub async fn until_instant<T>(&self, deadline: Timestamp, mut step: impl FnMut(bool) -> Option<T>) -> Option<T> {
        let mut changes = self.carrier.changes();
        loop {
            changes.borrow_and_update();
            let left = self.carrier.clock.until(deadline);
            if let Some(answer) = step(left.is_zero()) {
                return Some(answer);
            }
            if left.is_zero() {
                return None;
            }
            tokio::select! {
                _ = changes.changed() => {}
                () = tokio::time::sleep(left) => {}
                () = self.carrier.stop.cancelled() => return step(true),
            }
        }
    }
}
