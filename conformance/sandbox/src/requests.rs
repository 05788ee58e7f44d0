//! What was asked of the carrier: counts per operation and a bounded list of the latest requests, for tests.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Mutex;

use serde_json::{Value, json};

const KEPT: usize = 1000;

/// One request that reached an operation.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// The operation, such as `tenders.create`.
    pub operation: &'static str,
    /// The HTTP method.
    pub method: String,
    /// The path.
    pub path: String,
    /// The status of the answer; 0 where none was sent.
    pub status: u16,
    /// The code of a refusal.
    pub code: Option<String>,
    /// The Idempotency-Key.
    pub key: Option<String>,
    /// Whether the answer was a stored one.
    pub replayed: bool,
    /// `traceparent` as it came (W3C Trace Context).
    pub traceparent: Option<String>,
    /// `tracestate` as it came.
    pub tracestate: Option<String>,
}

/// The log of requests.
#[derive(Default)]
pub struct Requests(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    counts: BTreeMap<&'static str, u64>,
    latest: VecDeque<Seen>,
    tokens: (u64, u64),
}

impl Requests {
    /// Notes a request and its answer.
    pub fn note(&self, seen: Seen) {
        let mut inner = self.0.lock().expect("the request log");
        *inner.counts.entry(seen.operation).or_default() += 1;
        if inner.latest.len() == KEPT {
            inner.latest.pop_front();
        }
        inner.latest.push_back(seen);
    }

    /// Notes a token issued or refused.
    pub fn note_token(&self, issued: bool) {
        let mut inner = self.0.lock().expect("the request log");
        if issued {
            inner.tokens.0 += 1;
        } else {
            inner.tokens.1 += 1;
        }
    }

    /// The log as the control interface shows it.
    pub fn to_json(&self) -> Value {
        let inner = self.0.lock().expect("the request log");
        let latest: Vec<Value> = inner
            .latest
            .iter()
            .map(|s| {
                json!({
                    "operation": s.operation, "method": s.method, "path": s.path, "status": s.status,
                    "code": s.code, "idempotencyKey": s.key, "replayed": s.replayed,
                    "traceparent": s.traceparent, "tracestate": s.tracestate,
                })
            })
            .collect();
        json!({
            "counts": inner.counts,
            "tokens": { "issued": inner.tokens.0, "refused": inner.tokens.1 },
            "latest": latest,
        })
    }
}
