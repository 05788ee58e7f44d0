//! Makes the connections of one generation, for HTTP and gRPC alike: TCP, TLS with the generation's configuration, and
//! then what no library's connector tells: the negotiated facts, and whether the peer asked for our certificate at all.

use std::error::Error as Cause;
use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use gladhand_documents::error::{Code, Error, Result};
use http::Uri;
use hyper_util::client::legacy::connect::HttpConnector;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tower_service::Service;

use super::cut::Cut;
use super::facts::ConnectionFacts;
use super::failure::{self, Refusal};
use super::resolver::Asked;
use super::stream::{Made, Stream};
use crate::clock::SharedClock;
use crate::identity::Material;
use crate::observe::{Activity, SecurityEvent, SecurityLog};

/// How often TCP asks whether the other side still lives.
const KEEP_ALIVE: Duration = Duration::from_secs(20);

/// What all connections of one generation have in common.
pub(crate) struct Origin {
    pub(crate) tls: Arc<ClientConfig>,
    pub(crate) material: Arc<Material>,
    pub(crate) generation: u64,
    pub(crate) carrier: String,
    /// The origins that must ask for the client certificate.
    pub(crate) mutual: Vec<String>,
    pub(crate) clock: SharedClock,
    pub(crate) security: SecurityLog,
    pub(crate) cut: Cut,
    latest: Mutex<Option<Arc<ConnectionFacts>>>,
}

impl Origin {
    /// Of this generation of this carrier.
    pub(crate) fn new(
        (generation, material, tls): (u64, Arc<Material>, Arc<ClientConfig>),
        carrier: &crate::config::CarrierConfig,
        clock: &SharedClock,
        security: &SecurityLog,
    ) -> Arc<Self> {
        let mutual = [&carrier.base_url, &carrier.telemetry_url].map(|url| url.origin().ascii_serialization()).to_vec();
        Arc::new(Self {
            tls,
            material,
            generation,
            carrier: carrier.name.clone(),
            mutual,
            clock: clock.clone(),
            security: security.clone(),
            cut: Cut::default(),
            latest: Mutex::default(),
        })
    }

    /// The facts of the newest connection.
    pub(crate) fn latest(&self) -> Option<Arc<ConnectionFacts>> {
        self.latest.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Records a failed handshake for those who watch over security.
    pub(crate) fn tell(&self, error: &Error) {
        let activity = match error.code() {
            Code::ServerCertificateRevoked => Activity::PeerRevoked,
            Code::ClientAuthNotRequested => Activity::Downgrade,
            _ => Activity::HandshakeFailed,
        };
        let event = SecurityEvent::failed(activity, error).carrier(&self.carrier);
        let event = event.fact("fingerprint", self.material.facts().fingerprint());
        self.security.emit(&event.fact("generation", self.generation));
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Origin").field("generation", &self.generation).finish_non_exhaustive()
    }
}

/// A connector of one generation.
#[derive(Clone, Debug)]
pub(crate) struct Connector {
    tcp: HttpConnector,
    origin: Arc<Origin>,
    /// HTTP/2 alone, as gRPC needs it.
    h2_only: bool,
}

type BoxError = Box<dyn Cause + Send + Sync>;

impl Connector {
    /// For HTTP/2 and HTTP/1.1.
    pub(crate) fn http(origin: Arc<Origin>) -> Self {
        Self { tcp: tcp(), origin, h2_only: false }
    }

    /// For HTTP/2 alone.
    pub(crate) fn grpc(origin: Arc<Origin>) -> Self {
        Self { tcp: tcp(), origin, h2_only: true }
    }

    async fn connect(mut self, uri: Uri) -> Result<Stream, BoxError> {
        let origin = self.origin.clone();
        origin.cut.check().map_err(Refusal)?;
        if uri.scheme() != Some(&http::uri::Scheme::HTTPS) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "only https is spoken").into());
        }
        let host = uri.host().unwrap_or_default();
        let name = ServerName::try_from(host.trim_start_matches('[').trim_end_matches(']').to_owned())?;
        let tcp = self.tcp.call(uri.clone()).await?.into_inner();
        let peer = format!("{host}:{}", uri.port_u16().unwrap_or(443));
        match self.shake_hands(tcp, name, &uri).await {
            Ok(stream) => Ok(stream),
            Err(error) => {
                if let Some(failure) = failure::tls_failure(&*error, &peer) {
                    origin.tell(&failure);
                }
                Err(error)
            }
        }
    }

    async fn shake_hands(&self, tcp: TcpStream, name: ServerName<'static>, uri: &Uri) -> Result<Stream, BoxError> {
        let origin = &*self.origin;
        let mut config = (*origin.tls).clone();
        if self.h2_only {
            config.alpn_protocols = vec![b"h2".to_vec()];
        }
        let asked = Asked::new(config.client_auth_cert_resolver.clone());
        config.client_auth_cert_resolver = asked.clone();
        // `io::Error` hides what it wraps from its `source()`; `failure` opens it.
        let stream = TlsConnector::from(Arc::new(config)).connect(name, tcp).await?;
        let session = stream.get_ref().1;
        let facts = ConnectionFacts::read(
            session,
            origin.material.facts(),
            asked.was_asked(),
            origin.generation,
            origin.clock.now(),
        );
        if !facts.client_auth_requested && origin.mutual.contains(&origin_of(uri)) {
            let why = format!("{} did not ask for the client certificate", origin_of(uri));
            return Err(Refusal(Error::new(Code::ClientAuthNotRequested, why)).into());
        }
        if self.h2_only && facts.alpn.as_deref() != Some("h2") {
            let why = format!("{} did not agree to HTTP/2, which gRPC needs", origin_of(uri));
            return Err(Refusal(Error::new(Code::TlsHandshake, why)).into());
        }
        let facts = Arc::new(facts);
        *origin.latest.lock().unwrap_or_else(PoisonError::into_inner) = Some(facts.clone());
        let made = Made { facts, at: origin.clock.monotonic(), answered: Arc::default() };
        Ok(Stream::new(stream, made, origin.cut.clone()))
    }

    /// Makes a connection to learn what is negotiated, and closes it.
    pub(crate) async fn probe(self, url: &url::Url) -> Result<Arc<ConnectionFacts>> {
        let uri: Uri = url.as_str().parse().map_err(|error: http::uri::InvalidUri| {
            Error::new(Code::ConfigInvalid, "the carrier's address is not usable").caused_by(&error)
        })?;
        let peer = url.origin().ascii_serialization();
        let stream = self.connect(uri).await.map_err(|error| failure::of_connection(&*error, &peer))?;
        Ok(stream.facts().clone())
    }
}

fn tcp() -> HttpConnector {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_keepalive(Some(KEEP_ALIVE));
    tcp
}

fn origin_of(uri: &Uri) -> String {
    url::Url::parse(&uri.to_string()).map(|url| url.origin().ascii_serialization()).unwrap_or_default()
}

impl Service<Uri> for Connector {
    type Response = Stream;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Stream, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.tcp.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        Box::pin(self.clone().connect(uri))
    }
}
