//! Refusals on the wire: `application/problem+json` (RFC 9457) with the members of contract 4h.

use axum::body::Bytes;
use gladhand_documents::error::{Code, Error, Violation};
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use http::{HeaderMap, StatusCode};
use serde_json::{Map, Value, json};

/// The result of a step that may refuse.
pub type Result<T, E = Problem> = std::result::Result<T, E>;

/// A refusal.
#[derive(Clone, Debug)]
pub struct Problem(Box<Inner>);

#[derive(Clone, Debug)]
struct Inner {
    code: Code,
    detail: String,
    retry_after_s: Option<u64>,
    members: Map<String, Value>,
    headers: HeaderMap,
    kind: Option<&'static str>,
}

/// An answer, before request id and version headers are added.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// Headers of this answer.
    pub headers: HeaderMap,
    /// The body as it goes out.
    pub body: Bytes,
}

impl Answer {
    /// A JSON answer.
    pub fn json(status: StatusCode, body: impl Into<Bytes>) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Self { status, headers, body: body.into() }
    }

    /// A JSON answer of a value that serialises.
    pub fn of<T: serde::Serialize>(status: StatusCode, body: &T) -> Self {
        Self::json(status, serde_json::to_vec(body).unwrap_or_default())
    }

    /// Adds a header; a value that HTTP does not allow is left out.
    pub fn with(mut self, name: HeaderName, value: impl AsRef<str>) -> Self {
        if let Ok(value) = HeaderValue::from_str(value.as_ref()) {
            self.headers.insert(name, value);
        }
        self
    }
}

impl Problem {
    /// A refusal with this code; `detail` says what happened.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            code,
            detail: detail.into(),
            retry_after_s: None,
            members: Map::new(),
            headers: HeaderMap::new(),
            kind: None,
        }))
    }

    /// The code.
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// What happened.
    pub fn detail(&self) -> &str {
        &self.0.detail
    }

    /// Says what this is to those who watch for attacks, where the code alone does not.
    pub fn kind(mut self, kind: &'static str) -> Self {
        self.0.kind = Some(kind);
        self
    }

    /// What this is to those who watch for attacks; none if it is nothing to them.
    pub fn security_kind(&self) -> Option<&'static str> {
        self.0.kind.or_else(|| crate::security::of_code(self.0.code))
    }

    /// Adds `Retry-After`, in seconds.
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.0.retry_after_s = Some(seconds);
        self
    }

    /// Adds a member of the problem document.
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.members.insert(name.to_owned(), value.into());
        self
    }

    /// Adds a header.
    pub fn header(mut self, name: HeaderName, value: impl AsRef<str>) -> Self {
        if let Ok(value) = HeaderValue::from_str(value.as_ref()) {
            self.0.headers.append(name, value);
        }
        self
    }

    /// Adds the rules that a document breaks.
    pub fn violations(self, violations: &[Violation]) -> Self {
        let listed: Vec<Value> = violations
            .iter()
            .take(1000)
            .map(|v| json!({"path": v.path, "code": v.code, "message": v.message}))
            .collect();
        if listed.is_empty() { self } else { self.with("violations", listed) }
    }

    /// One broken rule at `path`.
    pub fn violation(code: Code, path: &str, rule: &str, message: impl Into<String>) -> Self {
        let message = message.into();
        Self::new(code, format!("{path} {message}")).violations(&[Violation {
            path: path.to_owned(),
            code: rule.to_owned(),
            message,
        }])
    }

    /// Whether the answer is kept under the idempotency key (contract 4c): business 409 and 422 are, the rest is not.
    pub fn is_stored(&self) -> bool {
        matches!(self.0.code.http_status(), 409 | 422)
            && !matches!(self.0.code, Code::IdempotencyInFlight | Code::IdempotencyKeyReused)
    }

    /// The answer, with the trace id of the request.
    pub fn answer(&self, trace_id: &str) -> Answer {
        let code = self.0.code;
        let status = StatusCode::from_u16(code.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut body = json!({
            "type": format!("urn:gladhand:problem:{code}"),
            "title": title(code),
            "status": status.as_u16(),
            "detail": short(&self.0.detail, 2000),
            "code": code.as_str(),
            "retryable": code.retry() != gladhand_documents::error::Retry::Never,
        });
        if let Value::Object(members) = &mut body {
            if let Some(seconds) = self.0.retry_after_s {
                members.insert("retryAfterS".to_owned(), seconds.into());
            }
            members.insert("traceId".to_owned(), trace_id.into());
            members.extend(self.0.members.clone());
        }
        let mut answer = Answer::json(status, body.to_string());
        answer.headers.extend(self.0.headers.clone());
        answer.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = self.0.retry_after_s {
            answer.headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        answer
    }
}

impl From<Error> for Problem {
    /// A refused document: the error's code where it has a status on the wire, else `schema_invalid`.
    fn from(error: Error) -> Self {
        let code = if error.code().http_status() == 0 { Code::SchemaInvalid } else { error.code() };
        Self::new(code, error.message()).violations(error.violations())
    }
}

/// At most `most` characters: what somebody sent may stand in it.
fn short(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

/// `tender_conflict` as a person reads it.
fn title(code: Code) -> String {
    let mut title = code.as_str().replace('_', " ");
    if let Some(first) = title.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    title
}
