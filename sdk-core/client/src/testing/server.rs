//! A TLS server on loopback that wants a client certificate, answers as it is told and remembers what it saw.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use gladhand_protocol::proof::base64url_sha256;
use http::{HeaderMap, Method, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{HandshakeKind, NamedGroup, ProtocolVersion, RootCertStore, ServerConfig};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use url::Url;

use super::Ca;

/// A request as it arrived.
#[derive(Clone)]
pub(crate) struct Seen {
    pub(crate) method: Method,
    pub(crate) authority: String,
    pub(crate) path: String,
    /// SHA-256 of the client certificate, base64url.
    pub(crate) client: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

/// What to do with a request.
pub(crate) enum Reply {
    Answer(u16, Vec<(&'static str, String)>, String),
    /// Cut the connection.
    Cut,
    /// Never answer.
    Silence,
    /// Answer well once this rings.
    Held(Arc<tokio::sync::Notify>),
}

/// The facts of a connection, as the server saw them.
#[derive(Clone, Debug)]
pub(crate) struct Handshake {
    pub(crate) version: ProtocolVersion,
    pub(crate) group: NamedGroup,
    /// SHA-256 of the client certificate, base64url; empty for none.
    pub(crate) client: String,
    pub(crate) kind: HandshakeKind,
    pub(crate) alpn: Vec<u8>,
}

/// How the server behaves below HTTP.
pub(crate) struct Tls {
    /// Certificate and key, PEM.
    pub(crate) pair: (String, String),
    /// The root, PEM, that client certificates must lead to.
    pub(crate) clients: String,
    pub(crate) alpn: &'static [&'static [u8]],
    /// Whether the client certificate is asked for.
    pub(crate) asks: bool,
    /// TLS 1.2 alone.
    pub(crate) old: bool,
}

impl Tls {
    /// A certificate of `ca` for 127.0.0.1; HTTP/2 and HTTP/1.1.
    pub(crate) fn of(ca: &Ca) -> Self {
        Self::with(ca.server("127.0.0.1"), ca.pem())
    }

    /// This certificate and key, for clients of this root; HTTP/2 and HTTP/1.1.
    pub(crate) fn with(pair: (String, String), clients: String) -> Self {
        Self { pair, clients, alpn: &[b"h2", b"http/1.1"], asks: true, old: false }
    }

    fn config(&self) -> ServerConfig {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.clients.as_bytes()).unwrap()).unwrap();
        let clients = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone()).build().unwrap();
        let chain = CertificateDer::pem_slice_iter(self.pair.0.as_bytes()).map(Result::unwrap).collect();
        let key = PrivateKeyDer::from_pem_slice(self.pair.1.as_bytes()).unwrap();
        let versions = if self.old { &[&rustls::version::TLS12][..] } else { rustls::ALL_VERSIONS };
        let builder = ServerConfig::builder_with_provider(provider).with_protocol_versions(versions).unwrap();
        let builder =
            if self.asks { builder.with_client_cert_verifier(clients) } else { builder.with_no_client_auth() };
        let mut config = builder.with_single_cert(chain, key).unwrap();
        config.alpn_protocols = self.alpn.iter().map(|protocol| protocol.to_vec()).collect();
        config
    }
}

type Handler = Arc<dyn Fn(&Seen) -> Reply + Send + Sync>;

/// The server; it ends with the runtime of its test.
pub(crate) struct Server {
    pub(crate) url: Url,
    seen: Arc<Mutex<Vec<Seen>>>,
    handshakes: Arc<Mutex<Vec<Handshake>>>,
    connections: Arc<AtomicUsize>,
}

impl Server {
    pub(crate) async fn start(tls: Tls, handler: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let server = Self {
            url: format!("https://{}/", listener.local_addr().unwrap()).parse().unwrap(),
            seen: Arc::default(),
            handshakes: Arc::default(),
            connections: Arc::default(),
        };
        let (seen, handshakes, connections) =
            (server.seen.clone(), server.handshakes.clone(), server.connections.clone());
        let acceptor = TlsAcceptor::from(Arc::new(tls.config()));
        let handler: Handler = Arc::new(handler);
        tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                connections.fetch_add(1, Ordering::SeqCst);
                let serving = serve(tcp, acceptor.clone(), handler.clone(), seen.clone(), handshakes.clone());
                tokio::spawn(serving);
            }
        });
        server
    }

    /// All requests so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// The requests to this path.
    pub(crate) fn seen_at(&self, path: &str) -> Vec<Seen> {
        self.seen().into_iter().filter(|seen| seen.path == path).collect()
    }

    /// The requests whose path begins so.
    pub(crate) fn seen_below(&self, path: &str) -> Vec<Seen> {
        self.seen().into_iter().filter(|seen| seen.path.starts_with(path)).collect()
    }

    pub(crate) fn handshakes(&self) -> Vec<Handshake> {
        self.handshakes.lock().unwrap().clone()
    }

    /// How many connections were opened, TLS or not.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

async fn serve(
    tcp: tokio::net::TcpStream,
    acceptor: TlsAcceptor,
    handler: Handler,
    seen: Arc<Mutex<Vec<Seen>>>,
    handshakes: Arc<Mutex<Vec<Handshake>>>,
) {
    let stream = match acceptor.accept(tcp).into_fallible().await {
        Ok(stream) => stream,
        Err((_, mut tcp)) => {
            // Read to the end before closing: a reset would overtake the alert that says why.
            let mut rest = Vec::new();
            let _ = tcp.read_to_end(&mut rest).await;
            return;
        }
    };
    let (_, session) = stream.get_ref();
    let client = session.peer_certificates().map(|chain| base64url_sha256(&chain[0])).unwrap_or_default();
    handshakes.lock().unwrap().push(Handshake {
        version: session.protocol_version().unwrap(),
        group: session.negotiated_key_exchange_group().unwrap().name(),
        client: client.clone(),
        kind: session.handshake_kind().unwrap(),
        alpn: session.alpn_protocol().unwrap_or_default().to_vec(),
    });
    let service = service_fn(move |request: http::Request<hyper::body::Incoming>| {
        let (handler, seen, client) = (handler.clone(), seen.clone(), client.clone());
        async move {
            let (parts, body) = request.into_parts();
            // HTTP/2 has the authority in the address, HTTP/1.1 in a header.
            let host = parts.headers.get("host").map(|host| host.to_str().unwrap().to_owned());
            let request = Seen {
                method: parts.method,
                authority: parts.uri.authority().map(ToString::to_string).or(host).unwrap(),
                client,
                path: parts.uri.path_and_query().unwrap().to_string(),
                headers: parts.headers,
                body: body.collect().await.map_err(std::io::Error::other)?.to_bytes(),
            };
            seen.lock().unwrap().push(request.clone());
            match handler(&request) {
                Reply::Answer(status, headers, body) => {
                    let mut response = Response::new(Full::new(Bytes::from(body)));
                    *response.status_mut() = StatusCode::from_u16(status).unwrap();
                    for (name, value) in headers {
                        response.headers_mut().append(name, value.parse().unwrap());
                    }
                    Ok(response)
                }
                Reply::Held(ring) => {
                    ring.notified().await;
                    Ok(Response::new(Full::new(Bytes::from_static(b"fine"))))
                }
                Reply::Cut => Err(std::io::Error::other("cut")),
                Reply::Silence => {
                    std::future::pending::<Infallible>().await;
                    unreachable!("pending never ends")
                }
            }
        }
    });
    let _ = auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
}
