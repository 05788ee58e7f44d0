//! The accept loop: one TLS handshake, one HTTP/1.1 or HTTP/2 connection, the peer's identity on each request, and a
//! way for a handler to drop the connection without an answer.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use crate::fingerprints::{Fingerprints, Presented};
use crate::hop::TrustedHop;
use crate::peer::Peer;
use crate::security::Security;
use crate::tls::Door;

const HANDSHAKE: Duration = Duration::from_secs(10);
/// How long a connection stays that nobody serves any more.
const FROZEN: Duration = Duration::from_secs(300);

/// Request extension: what a handler may do to the connection that the request came on, with everything that is on it.
#[derive(Clone, Debug)]
pub struct Hangup {
    /// Drops the connection.
    pub drop: CancellationToken,
    /// Leaves it open and never reads from it or writes to it again, as a peer does whose machine is gone.
    pub freeze: CancellationToken,
}

/// What every connection shares.
#[derive(Clone)]
pub struct Serving {
    /// The TLS configuration of the moment.
    pub door: Arc<Door>,
    /// Who came with which identity.
    pub fingerprints: Arc<Fingerprints>,
    /// What was refused.
    pub security: Arc<Security>,
    /// The gateway that may speak for clients.
    pub hop: TrustedHop,
    /// The routes.
    pub router: Router,
}

/// Accepts connections until `stop`.
pub async fn run(listener: TcpListener, serving: Serving, stop: CancellationToken) {
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                tokio::spawn(connection(stream, serving.clone(), stop.child_token()));
            }
            Err(error) => {
                // Out of file descriptors, most likely: give them time to come back instead of spinning.
                tracing::warn!(%error, "accept failed");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

async fn connection(stream: TcpStream, serving: Serving, stop: CancellationToken) {
    let _ = stream.set_nodelay(true);
    let (config, close) = serving.door.current();
    let standing = serving.door.standing();
    let stream = match tokio::time::timeout(HANDSHAKE, TlsAcceptor::from(config).accept(stream)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return tracing::debug!(%error, "handshake refused"),
        Err(_) => return tracing::debug!("handshake timed out"),
    };
    let Some(peer) = Peer::of(stream.get_ref().1) else { return };
    let noted = serving.fingerprints.connected(&peer.fingerprint, stream.get_ref().1);
    if close {
        return;
    }
    let freeze = CancellationToken::new();
    let service = {
        let hangup = Hangup { drop: stop.clone(), freeze: freeze.clone() };
        service_fn(move |request: hyper::Request<Incoming>| {
            let mut request = request.map(Body::new);
            let peer = serving.hop.identify(&peer, request.headers_mut(), &serving.security);
            let presented = Presented::of(request.headers());
            let (method, path) = (request.method(), request.uri().path());
            let open = serving.fingerprints.requested(&noted, &peer.fingerprint, method, path, presented.clone());
            request.extensions_mut().insert(peer);
            request.extensions_mut().insert(presented);
            request.extensions_mut().insert(hangup.clone());
            let answered = serving.router.clone().oneshot(request);
            async move {
                let response = answered.await?;
                // A stream is open for as long as somebody holds its answer.
                let Some(open) = open else { return Ok::<_, Infallible>(response) };
                let keep = move |frame| {
                    let _ = &open;
                    frame
                };
                Ok(response.map(|body| Body::new(body.map_frame(keep))))
            }
        })
    };
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(Duration::from_secs(60));
    builder.http2().timer(TokioTimer::new()).max_concurrent_streams(256);
    let mut served = std::pin::pin!(builder.serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        () = stop.cancelled() => {}
        () = standing.cancelled() => {}
        () = freeze.cancelled() => {
            tokio::select! {
                () = stop.cancelled() => {}
                () = standing.cancelled() => {}
                () = tokio::time::sleep(FROZEN) => {}
            }
        }
        ended = served.as_mut() => {
            if let Err(error) = ended {
                tracing::debug!(%error, "connection ended");
            }
        }
    }
}
