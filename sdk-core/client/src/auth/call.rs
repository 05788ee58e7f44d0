//! One call to a carrier: what is asked, what came back, and the seam between the two.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use gladhand_documents::error::Result;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

use crate::transport::{BoxFuture, MAX_ANSWER_BYTES};

/// Which token a call carries (identity §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Profile {
    /// None: discovery.
    Open,
    /// Bound to the client certificate (RFC 8705 §3): reads and telemetry.
    CertificateBound,
    /// Bound to a key and proven on every call (RFC 9449): tenders, dispatch and every command.
    Dpop,
}

impl Profile {
    /// Its name, for logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::CertificateBound => "certificate_bound",
            Self::Dpop => "dpop_bound",
        }
    }
}

/// One call of the carrier's API. `Debug` shows no header value and no content.
#[derive(Clone)]
pub struct Request {
    /// The operation's name in the contract, such as `tenders.create`: for messages, spans and failpoints.
    pub operation: &'static str,
    /// The method.
    pub method: Method,
    /// Path and query below the carrier's base address, beginning with `/`.
    pub path: String,
    /// Further header fields: `Idempotency-Key`, `Prefer`, `If-Match`, `traceparent`. Token and proof are added.
    pub headers: HeaderMap,
    /// The content, sent byte for byte; the proof covers exactly these bytes (`gh_body`).
    pub body: Option<Bytes>,
    /// The content's type; `application/json` unless set.
    pub content_type: HeaderValue,
    /// The token it carries.
    pub profile: Profile,
    /// The scope that the token needs; several are separated by one space.
    pub scope: &'static str,
    /// Whether the contract wants a server nonce in the proof (commands, contract 4f). A carrier that takes such a call
    /// without a nonce is reported as a security event.
    pub require_nonce: bool,
    /// How long each attempt may take, on the injected clock; the carrier's `deadline_ms` unless set.
    pub deadline: Option<Duration>,
    /// The largest answer that is read, in bytes.
    pub max_answer: usize,
}

impl Request {
    /// A call without content.
    pub fn new(
        operation: &'static str,
        method: Method,
        path: impl Into<String>,
        profile: Profile,
        scope: &'static str,
    ) -> Self {
        Self {
            operation,
            method,
            path: path.into(),
            headers: HeaderMap::new(),
            body: None,
            content_type: HeaderValue::from_static("application/json"),
            profile,
            scope,
            require_nonce: false,
            deadline: None,
            max_answer: MAX_ANSWER_BYTES,
        }
    }

    /// Sets the content.
    pub fn body(mut self, bytes: impl Into<Bytes>) -> Self {
        self.body = Some(bytes.into());
        self
    }

    /// Adds a header field.
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// Sets how long each attempt may take.
    pub fn deadline(mut self, limit: Duration) -> Self {
        self.deadline = Some(limit);
        self
    }

    /// Wants a server nonce in the proof.
    pub fn require_nonce(mut self) -> Self {
        self.require_nonce = true;
        self
    }
}

/// A successful answer (2xx). `Debug` shows no header value, since one may be a nonce, and no content.
#[derive(Clone)]
pub struct Response {
    /// The status.
    pub status: StatusCode,
    /// The header fields.
    pub headers: HeaderMap,
    /// The content as it came.
    pub body: Bytes,
}

impl Response {
    /// A header field as text, if it is there and is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The carrier's id of this exchange (`X-Request-Id`).
    pub fn request_id(&self) -> Option<&str> {
        self.header("x-request-id")
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("operation", &self.operation)
            .field("method", &self.method)
            .field("path", &self.path)
            .field("headers", &self.headers.keys().collect::<Vec<_>>())
            .field("body_bytes", &self.body.as_ref().map(Bytes::len))
            .field("profile", &self.profile)
            .field("scope", &self.scope)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status)
            .field("headers", &self.headers.keys().collect::<Vec<_>>())
            .field("body_bytes", &self.body.len())
            .finish()
    }
}

/// Something that can call a carrier.
pub trait Caller: fmt::Debug + Send + Sync + 'static {
    /// Calls the carrier. Each attempt has the request's exact bytes and a fresh proof; an attempt is repeated only once
    /// per challenge (`use_dpop_nonce`, an expired token), never for any other reason.
    ///
    /// Any status but 2xx is an error. Its code is the carrier's own only if the answer was `application/problem+json`
    /// with a code of the contract; everything else is `bad_gateway` (5xx) or `unexpected_answer`, with
    /// `sent_state() == MaybeSent` (contract 4c). Transport errors pass through; a call that failed before the request
    /// left, for want of a token for example, is `NotSent`.
    fn call(&self, request: Request) -> BoxFuture<'_, Result<Response>>;
}
