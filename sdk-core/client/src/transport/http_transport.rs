//! The real network: reqwest over the generation's TLS configuration. It follows no redirect, uses no proxy and repeats
//! nothing; the deadline runs on the injected clock.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use gladhand_documents::error::{Code, Error, Result, Sent};
use http::HeaderMap;
use url::Url;

use super::tracked::{Left, TrackedBody};
use super::{BoxFuture, Cut, HttpRequest, HttpResponse, Transport, failure};
use crate::clock::{SharedClock, within};

/// How often an idle-looking HTTP/2 connection with a request on it is asked whether it still lives: a connection that a
/// middlebox forgot must not swallow every further request.
const KEEP_ALIVE: Duration = Duration::from_secs(20);

/// The largest answer headers, in bytes.
const MAX_HEADER_BYTES: u32 = 64 << 10;

/// A pool of connections of one generation.
pub struct HttpTransport {
    client: reqwest::Client,
    clock: SharedClock,
    cut: Cut,
}

impl HttpTransport {
    /// A pool without connections yet.
    pub fn new(tls: &Arc<rustls::ClientConfig>, clock: &SharedClock, cut: &Cut) -> Result<Self> {
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured((**tls).clone())
            .https_only(true)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .no_proxy()
            .http2_keep_alive_interval(KEEP_ALIVE)
            .http2_keep_alive_timeout(KEEP_ALIVE)
            .http2_max_header_list_size(MAX_HEADER_BYTES)
            .user_agent(concat!("gladhand/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| Error::new(Code::TlsHandshake, "the HTTP client cannot be built").caused_by(&error))?;
        Ok(Self { client, clock: clock.clone(), cut: cut.clone() })
    }

    async fn exchange(&self, request: HttpRequest) -> Result<HttpResponse> {
        let (left, peer) = (Left::default(), peer(&request.url));
        let (deadline, limit) = (request.deadline, request.max_answer);
        let mut outgoing = reqwest::Request::new(request.method, request.url);
        *outgoing.headers_mut() = request.headers;
        *outgoing.body_mut() = Some(reqwest::Body::wrap(TrackedBody::new(request.body, left.clone())));
        let exchange = async {
            let answer = self
                .client
                .execute(outgoing)
                .await
                .map_err(|error| failure::of_exchange(&error, &peer, left.is_set()))?;
            let (status, headers) = (answer.status(), answer.headers().clone());
            let body = read(answer, &headers, limit, &peer).await?;
            Ok(HttpResponse { status, headers, body })
        };
        let sent = || if left.is_set() { Sent::MaybeSent } else { Sent::NotSent };
        let outcome = tokio::select! {
            biased;
            outcome = within(&*self.clock, deadline, exchange) => outcome,
            why = self.cut.wait() => return Err(why.sent(sent())),
        };
        outcome.unwrap_or_else(|| {
            let why = format!("no answer of {peer} within {} ms", deadline.as_millis());
            Err(Error::new(Code::DeadlineExceeded, why).sent(sent()))
        })
    }
}

async fn read(mut answer: reqwest::Response, headers: &HeaderMap, limit: usize, peer: &str) -> Result<Bytes> {
    let too_large = || {
        let why = format!("the answer of {peer} is larger than {limit} bytes");
        Error::new(Code::UnexpectedAnswer, why).sent(Sent::MaybeSent)
    };
    let announced = headers.get(http::header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if announced.is_some_and(|length: u64| length > limit as u64) {
        return Err(too_large());
    }
    let mut body = BytesMut::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| failure::of_exchange(&error, peer, true))? {
        if body.len() + chunk.len() > limit {
            return Err(too_large());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

/// The peer in a message: host and port, no path.
fn peer(url: &Url) -> String {
    format!("{}:{}", url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or(0))
}

impl Transport for HttpTransport {
    fn send(&self, request: HttpRequest) -> BoxFuture<'_, Result<HttpResponse>> {
        Box::pin(self.exchange(request))
    }
}

impl fmt::Debug for HttpTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HttpTransport")
    }
}
