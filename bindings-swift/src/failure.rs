//! The one error of the SDK on its way to Swift (architecture decision 4). Swift's `GladhandError` is made from it.

use gladhand_documents::error::Error;

/// What an exported function throws.
#[derive(Debug, uniffi::Error)]
pub enum Failure {
    /// A failure of the error table.
    Failed {
        /// All that is known about it.
        record: FailureRecord,
    },
}

/// All that an operator or a program needs to act on a failure. Log-safe.
#[derive(Clone, Debug, uniffi::Record)]
pub struct FailureRecord {
    /// The stable code, such as `tender_conflict`.
    pub code: String,
    /// The family, such as `conflict`.
    pub kind: String,
    /// `never`, `safe` or `after`.
    pub retry: String,
    /// `not_sent`, `maybe_sent` or `acknowledged`.
    pub sent: String,
    /// What happened.
    pub message: String,
    /// What to do next.
    pub remedy: String,
    /// The HTTP status that the peer answered with.
    pub http_status: Option<u16>,
    /// The wait that the peer asked for, in milliseconds.
    pub retry_after_ms: Option<u64>,
    /// The problem document (RFC 9457) as it came.
    pub problem: Option<String>,
    /// The broken rules.
    pub violations: Vec<ViolationRecord>,
    /// The request id of the peer.
    pub request_id: Option<String>,
    /// The idempotency key of the mutation.
    pub idempotency_key: Option<String>,
    /// The trace id.
    pub trace_id: Option<String>,
    /// The tender concerned.
    pub tender_id: Option<String>,
    /// The chain of causes, outermost first.
    pub causes: Vec<String>,
}

/// One broken rule of a document.
#[derive(Clone, Debug, uniffi::Record)]
pub struct ViolationRecord {
    /// Where: a JSON Pointer (RFC 6901).
    pub path: String,
    /// Which rule.
    pub code: String,
    /// What to do, in words.
    pub message: String,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        Self::Failed {
            record: FailureRecord {
                code: error.code().as_str().to_owned(),
                kind: error.kind().as_str().to_owned(),
                retry: error.retry().as_str().to_owned(),
                sent: error.sent_state().as_str().to_owned(),
                message: error.message().to_owned(),
                remedy: error.remedy().to_owned(),
                http_status: error.http_status(),
                retry_after_ms: error.retry_after_ms(),
                problem: owned(error.problem()),
                violations: error
                    .violations()
                    .iter()
                    .map(|v| ViolationRecord { path: v.path.clone(), code: v.code.clone(), message: v.message.clone() })
                    .collect(),
                request_id: owned(error.request_id()),
                idempotency_key: owned(error.idempotency_key()),
                trace_id: owned(error.trace_id()),
                tender_id: owned(error.tender_id()),
                causes: error.causes().to_vec(),
            },
        }
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self::Failed { record } = self;
        write!(f, "{}: {}", record.code, record.message)
    }
}

impl std::error::Error for Failure {}
