//! The real network: hyper's pooled client over the generation's own connector. It follows no redirect, uses no proxy and
//! repeats nothing that may have left; the deadline runs on the injected clock.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use gladhand_documents::error::{Code, Error, Result, Sent};
use http::{HeaderMap, HeaderValue, Request, Response, Uri, header};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper_util::client::legacy::{Client, connect::capture_connection};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use url::Url;

use super::connector::{Connector, Origin};
use super::stream::Made;
use super::tracked::{Left, TrackedBody};
use super::{BoxFuture, HttpRequest, HttpResponse, Transport, failure};
use crate::clock::within;
use crate::{failpoint, trace};

/// How often an idle-looking HTTP/2 connection with a request on it is asked whether it still lives: a connection that a
/// middlebox forgot must not swallow every further request.
const KEEP_ALIVE: Duration = Duration::from_secs(20);
/// How long a connection without a request is kept.
const IDLE: Duration = Duration::from_secs(90);
/// The largest answer headers, in bytes.
const MAX_HEADER_BYTES: u32 = 64 << 10;
/// How old a connection may become before no further request goes over it: whatever changed at the peer meanwhile, such
/// as its certificate or its address, is noticed within this time.
pub(crate) const MAX_AGE: Duration = Duration::from_secs(15 * 60);
/// How often a request is given another connection when the pooled one turned out to be closed before a byte of the
/// request had left.
const STALE: usize = 3;

const USER_AGENT: HeaderValue = HeaderValue::from_static(concat!("gladhand/", env!("CARGO_PKG_VERSION")));

/// A pool of connections of one generation.
pub struct HttpTransport {
    client: Client<Connector, TrackedBody>,
    origin: Arc<Origin>,
}

impl HttpTransport {
    /// A pool without connections yet.
    pub(crate) fn new(origin: Arc<Origin>) -> Self {
        let client = Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .http2_keep_alive_interval(KEEP_ALIVE)
            .http2_keep_alive_timeout(KEEP_ALIVE)
            .http2_max_header_list_size(MAX_HEADER_BYTES)
            .retry_canceled_requests(false)
            .build(Connector::http(origin.clone()));
        Self { client, origin }
    }

    async fn exchange(&self, request: HttpRequest) -> Result<HttpResponse> {
        let (left, peer) = (Left::default(), peer(&request.url));
        let (deadline, limit) = (request.deadline, request.max_answer);
        let exchange = async {
            let answer = self.send_once(&request, &left, &peer).await?;
            failpoint::reached("after_head");
            let (head, body) = answer.into_parts();
            let body = read(body, &head.headers, limit, &peer).await?;
            let facts = head.extensions.get::<Made>().map(|made| made.facts.clone());
            Ok(HttpResponse { status: head.status, headers: head.headers, body, facts })
        };
        let sent = || if left.is_set() { Sent::MaybeSent } else { Sent::NotSent };
        let outcome = tokio::select! {
            biased;
            outcome = within(&*self.origin.clock, deadline, exchange) => outcome,
            why = self.origin.cut.wait() => return Err(why.sent(sent())),
        };
        outcome.unwrap_or_else(|| {
            let why = format!("no answer of {peer} within {} ms", deadline.as_millis());
            Err(Error::new(Code::DeadlineExceeded, why).sent(sent()))
        })
    }

    /// Sends it once; another time only where it is proven that nothing had left.
    async fn send_once(&self, request: &HttpRequest, left: &Left, peer: &str) -> Result<Response<Incoming>> {
        let mut stale = 0;
        loop {
            let mut outgoing = outgoing(request, left)?;
            let span = trace::mark(outgoing.headers_mut()).map(tracing::field::display);
            let (method, path) = (request.method.as_str(), request.url.path());
            tracing::debug!(target: "gladhand::http", method, peer, path, span, "request");
            let connection = capture_connection(&mut outgoing);
            match self.client.request(outgoing).await {
                Ok(answer) => {
                    let status = answer.status().as_u16();
                    tracing::debug!(target: "gladhand::http", method, peer, path, status, span, "answer");
                    let made = answer.extensions().get::<Made>();
                    if let Some(made) = made {
                        made.answered.store(true, Ordering::Relaxed);
                    }
                    let age = made.map(|made| self.origin.clock.monotonic().saturating_sub(made.at));
                    if age.is_some_and(|age| age >= MAX_AGE)
                        && let Some(connected) = connection.connection_metadata().as_ref()
                    {
                        connected.poison();
                    }
                    return Ok(answer);
                }
                Err(error) if stale < STALE && !left.is_set() && failure::was_stale(&error) => stale += 1,
                Err(error) => {
                    let mut extras = http::Extensions::new();
                    if let Some(connected) = connection.connection_metadata().as_ref() {
                        connected.get_extras(&mut extras);
                    }
                    let made = extras.get::<Made>();
                    // Some servers refuse a client certificate by closing, without an alert (A§3.1).
                    let silent = made.is_some_and(|made| !made.answered.load(Ordering::Relaxed));
                    let failure = failure::of_exchange(&error, peer, left.is_set(), silent);
                    // The connector tells of its own failures; this one came after the handshake.
                    if failure.code() == Code::ClientCertificateRefused {
                        self.origin.tell(&failure);
                    }
                    return Err(failure);
                }
            }
        }
    }
}

fn outgoing(request: &HttpRequest, left: &Left) -> Result<Request<TrackedBody>> {
    let unusable = |error: &dyn std::error::Error| {
        Error::new(Code::InvalidArgument, "the address of the request is not usable").caused_by(error)
    };
    let uri: Uri = request.url.as_str().parse().map_err(|error: http::uri::InvalidUri| unusable(&error))?;
    let mut outgoing = Request::new(TrackedBody::new(request.body.clone(), left.clone()));
    *outgoing.method_mut() = request.method.clone();
    *outgoing.uri_mut() = uri;
    *outgoing.headers_mut() = request.headers.clone();
    outgoing.headers_mut().entry(header::USER_AGENT).or_insert(USER_AGENT);
    Ok(outgoing)
}

async fn read(mut body: Incoming, headers: &HeaderMap, limit: usize, peer: &str) -> Result<Bytes> {
    let too_large = || {
        let why = format!("the answer of {peer} is larger than {limit} bytes");
        Error::new(Code::UnexpectedAnswer, why).sent(Sent::MaybeSent)
    };
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if announced.is_some_and(|length: u64| length > limit as u64) {
        return Err(too_large());
    }
    let mut content = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| failure::of_answer(&error, peer))?;
        let Ok(chunk) = frame.into_data() else { continue };
        if content.len() + chunk.len() > limit {
            return Err(too_large());
        }
        content.extend_from_slice(&chunk);
    }
    Ok(content.freeze())
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
