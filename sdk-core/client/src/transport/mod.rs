//! How bytes get to a carrier and back: one request, one answer, and how far the request got when there is none.
//! No rule of the contract, no token and no retry lives here.
//!
//! * [`Transport`]: the seam at which a simulated network takes the real one's place.
//! * [`HttpTransport`]: the real network, HTTP over mutually authenticated TLS.
//! * [`ConnectionFacts`]: what was negotiated. `grpc`: gRPC over the same connector.
//! * `connector`: makes connections, and knows what was negotiated on them. `stream`: one of them. `resolver`: whether our
//!   certificate was asked for.
//! * [`Cut`]: the end of all that a generation still does.
//! * `failure`: what a failed connection means. `tracked`: whether a request has left.

mod connector;
mod cut;
mod facts;
mod failure;
mod grpc;
mod http_transport;
mod resolver;
mod stream;
mod tracked;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use gladhand_documents::error::Result;
use http::{HeaderMap, Method, StatusCode};
use url::Url;

pub(crate) use connector::{Connector, Origin};
pub use cut::Cut;
pub use facts::ConnectionFacts;
pub use failure::tls_failure;
pub(crate) use grpc::grpc_channel;
pub use http_transport::HttpTransport;

/// The largest answer that is read unless the request says otherwise, in bytes (identity §2).
pub const MAX_ANSWER_BYTES: usize = 1 << 20;

/// A boxed future, as object-safe asynchronous traits return it.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// One HTTP request, complete. `Debug` shows no header value and no content.
#[derive(Clone)]
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

/// One HTTP answer, read to its end. `Debug` shows no header value and no content.
#[derive(Clone)]
pub struct HttpResponse {
    /// The status.
    pub status: StatusCode,
    /// The header fields.
    pub headers: HeaderMap,
    /// The content as it came.
    pub body: Bytes,
    /// The facts of the connection that it came over; none in a simulation.
    pub facts: Option<Arc<ConnectionFacts>>,
}

impl fmt::Debug for HttpRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpRequest")
            .field("method", &self.method)
            .field("url", &self.url.as_str())
            .field("headers", &self.headers.keys().collect::<Vec<_>>())
            .field("body_bytes", &self.body.len())
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for HttpResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpResponse")
            .field("status", &self.status)
            .field("headers", &self.headers.keys().collect::<Vec<_>>())
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
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

#[cfg(test)]
mod negative_environment;
#[cfg(test)]
mod negative_renegotiation;
#[cfg(test)]
mod negative_server;
#[cfg(test)]
mod tests;
