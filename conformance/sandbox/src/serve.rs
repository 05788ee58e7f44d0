//! The accept loop: one TLS handshake, one HTTP/1.1 or HTTP/2 connection, the peer's identity on each request, and a
//! way for a handler to drop the connection without an answer.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use crate::tls::Peer;

const HANDSHAKE: Duration = Duration::from_secs(10);

/// Request extension: cancelling it drops the connection the request came on, with everything that is on it.
#[derive(Clone, Debug)]
pub struct Hangup(pub CancellationToken);

/// Accepts connections until `stop`.
pub async fn run(listener: TcpListener, config: rustls::ServerConfig, router: Router, stop: CancellationToken) {
    let acceptor = TlsAcceptor::from(Arc::new(config));
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                tokio::spawn(connection(stream, acceptor.clone(), router.clone(), stop.child_token()));
            }
            Err(error) => {
                // Out of file descriptors, most likely: give them time to come back instead of spinning.
                tracing::warn!(%error, "accept failed");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

async fn connection(stream: TcpStream, acceptor: TlsAcceptor, router: Router, stop: CancellationToken) {
    let _ = stream.set_nodelay(true);
    let stream = match tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return tracing::debug!(%error, "handshake refused"),
        Err(_) => return tracing::debug!("handshake timed out"),
    };
    let Some(peer) = Peer::of(stream.get_ref().1) else { return };
    let service = {
        let hangup = Hangup(stop.clone());
        service_fn(move |request: hyper::Request<Incoming>| {
            let router = router.clone();
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(peer.clone());
            request.extensions_mut().insert(hangup.clone());
            router.oneshot(request)
        })
    };
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(Duration::from_secs(60));
    builder.http2().timer(TokioTimer::new()).max_concurrent_streams(256);
    tokio::select! {
        () = stop.cancelled() => {}
        ended = builder.serve_connection(TokioIo::new(stream), service) => {
            if let Err(error) = ended {
                tracing::debug!(%error, "connection ended");
            }
        }
    }
}
