//! How bytes get to a carrier and back: one request, one answer, and how far the request got when there is none.
//! No rule of the contract, no token and no retry lives here.
//!
//! * [`Transport`]: the seam at which a simulated network takes the real one's place.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use gladhand_documents::error::Result;
use http::{HeaderMap, Method, StatusCode};
use url::Url;

/// The largest answer that is read unless the request says otherwise, in bytes (identity §2).
pub const MAX_ANSWER_BYTES: usize = 1 << 20;

/// A boxed future, as object-safe asynchronous traits return it.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// One HTTP request, complete.
#[derive(Clone, Debug)]
pub struct HttpRequest {
    /// The method.
    pub method: Method,
    /// The absolute address.
    pub url: Url,
    /// The header fields. Values that hold a token or a proof are marked sensitive.
    pub headers: HeaderMap,
    /// The content as it is sent; empty for none.
    pub body: Bytes,
    /// How long the whole exchange may take, on the injected clock.
    pub deadline: Duration,
    /// The largest answer that is read, in bytes.
    pub max_answer: usize,
}

/// One HTTP answer, read to its end.
#[derive(Clone, Debug)]
pub struct HttpResponse {
    /// The status.
    pub status: StatusCode,
    /// The header fields.
    pub headers: HeaderMap,
    /// The content as it came.
    pub body: Bytes,
}

/// A network.
pub trait Transport: fmt::Debug + Send + Sync + 'static {
    /// Sends one request, once, and reads the answer. Redirects are answers.
    ///
    /// An error's `sent_state()` is `NotSent` where no byte of the request can have reached the peer (name resolution,
    /// connection, TLS), otherwise `MaybeSent`. Codes: `connect`, `connection_lost`, `deadline_exceeded`,
    /// `unexpected_answer` (answer too large), `tls_handshake`, `server_certificate_*`, `server_name_mismatch`,
    /// `client_certificate_refused`.
    fn send(&self, request: HttpRequest) -> BoxFuture<'_, Result<HttpResponse>>;
}
