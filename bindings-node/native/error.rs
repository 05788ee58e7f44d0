//! A failure of the core as a JavaScript error: the TypeScript half makes the class of its kind from all the facts.
//! Nobody parses a message.

use gladhand_ffi::Error;
use napi::bindgen_prelude::Unknown;
use napi::{Env, Result};
use napi_derive::napi;

use crate::environment::maker;

/// One broken rule of a document.
#[napi(object)]
pub struct Violation {
    /// Where: a JSON Pointer (RFC 6901).
    pub path: String,
    /// Which rule.
    pub code: String,
    /// What to do, in words.
    pub message: String,
}

/// Everything that the core says about a failure.
#[napi(object)]
pub struct Failure {
    /// Stable code of the error table.
    pub code: String,
    /// Family; one class each.
    pub kind: String,
    /// `never`, `safe` or `after`.
    pub retry: String,
    /// `not_sent`, `maybe_sent` or `acknowledged`.
    pub sent: String,
    /// What happened.
    pub message: String,
    /// What to do next.
    pub remedy: String,
    /// HTTP status that the peer answered with.
    pub http_status: Option<u32>,
    /// Milliseconds to wait, as the peer asked.
    pub retry_after_ms: Option<f64>,
    /// The problem document (RFC 9457), as it came.
    pub problem: Option<String>,
    /// The broken rules.
    pub violations: Vec<Violation>,
    /// Request id of the peer.
    pub request_id: Option<String>,
    /// Idempotency key of the mutation.
    pub idempotency_key: Option<String>,
    /// Trace id.
    pub trace_id: Option<String>,
    /// The tender concerned.
    pub tender_id: Option<String>,
    /// The chain of causes, outermost first.
    pub causes: Vec<String>,
}

impl From<&Error> for Failure {
    fn from(error: &Error) -> Self {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        Self {
            code: error.code().as_str().to_owned(),
            kind: error.kind().as_str().to_owned(),
            retry: error.retry().as_str().to_owned(),
            sent: error.sent_state().as_str().to_owned(),
            message: error.message().to_owned(),
            remedy: error.remedy().to_owned(),
            http_status: error.http_status().map(u32::from),
            retry_after_ms: error.retry_after_ms().map(|ms| ms as f64),
            problem: owned(error.problem()),
            violations: error
                .violations()
                .iter()
                .map(|v| Violation { path: v.path.clone(), code: v.code.clone(), message: v.message.clone() })
                .collect(),
            request_id: owned(error.request_id()),
            idempotency_key: owned(error.idempotency_key()),
            trace_id: owned(error.trace_id()),
            tender_id: owned(error.tender_id()),
            causes: error.causes().to_vec(),
        }
    }
}

/// The JavaScript error to throw or to reject with. Only on the thread of `env`.
pub(crate) fn raise(env: Env, error: &Error) -> napi::Error {
    match thrown(env, error) {
        Ok(instance) => napi::Error::from_unknown_without_coercion(instance),
        Err(_) => napi::Error::from_reason(error.to_string()),
    }
}

/// The JavaScript error as a value. Only on the thread of `env`.
pub(crate) fn thrown(env: Env, error: &Error) -> Result<Unknown<'static>> {
    maker(env)?.borrow_back(&env)?.call(Failure::from(error))
}
