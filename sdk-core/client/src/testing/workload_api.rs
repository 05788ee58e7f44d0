//! A SPIFFE Workload API on a Unix socket that gives out what it is told (SPIFFE Workload API §5): written from the
//! standard's protobuf, so that it shares nothing with the client that it tests.

use std::collections::HashMap;
use std::convert::Infallible;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::{Stream, StreamExt as _};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::UnixListener;
use tokio::sync::watch;
use tokio_stream::wrappers::{UnixListenerStream, WatchStream};
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::body::Body;
use tonic::server::{Grpc, NamedService, ServerStreamingService};
use tonic::{Request, Response, Status};
use tower_service::Service;

use super::{Authority, Issued};

#[derive(Clone, PartialEq, prost::Message)]
struct SvidRequest {}

#[derive(Clone, PartialEq, prost::Message)]
struct SvidResponse {
    #[prost(message, repeated, tag = "1")]
    svids: Vec<SvidMessage>,
    #[prost(bytes = "vec", repeated, tag = "2")]
    crl: Vec<Vec<u8>>,
    #[prost(map = "string, bytes", tag = "3")]
    federated_bundles: HashMap<String, Vec<u8>>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct SvidMessage {
    #[prost(string, tag = "1")]
    spiffe_id: String,
    #[prost(bytes = "vec", tag = "2")]
    x509_svid: Vec<u8>,
    #[prost(bytes = "vec", tag = "3")]
    x509_svid_key: Vec<u8>,
    #[prost(bytes = "vec", tag = "4")]
    bundle: Vec<u8>,
    #[prost(string, tag = "5")]
    hint: String,
}

/// One SVID, of the authority whose certificate is its bundle.
pub(crate) struct Svid {
    pub(crate) id: String,
    pub(crate) issued: Issued,
    /// PEM; empty for an empty bundle.
    pub(crate) bundle: String,
}

impl Svid {
    pub(crate) fn of(authority: &Authority, id: &str) -> Self {
        let issued = authority.issue(&super::Leaf::svid(&[id]));
        Self { id: id.to_owned(), issued, bundle: authority.pem() }
    }
}

type Update = Result<SvidResponse, Status>;

/// The API. Dropped, it is gone with its socket.
pub(crate) struct WorkloadApi {
    path: PathBuf,
    updates: Arc<watch::Sender<Update>>,
    _stop: DropGuard,
}

impl WorkloadApi {
    /// Listens at this path and gives nobody an identity yet.
    pub(crate) fn start(path: PathBuf) -> Self {
        let _ = std::fs::remove_file(&path);
        let incoming = UnixListenerStream::new(UnixListener::bind(&path).unwrap());
        let updates = Arc::new(watch::Sender::new(Err(Status::permission_denied("no identity issued"))));
        let stop = CancellationToken::new();
        let serving = tonic::transport::Server::builder()
            .add_service(Api(updates.clone(), stop.clone()))
            .serve_with_incoming(incoming);
        let stopped = stop.clone();
        tokio::spawn(async move {
            tokio::select! {
                outcome = serving => outcome.unwrap(),
                () = stopped.cancelled() => {}
            }
        });
        Self { path, updates, _stop: stop.drop_guard() }
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("unix://{}", self.path.display())
    }

    /// Gives out these SVIDs, the first as the default, and these bundles of other trust domains.
    pub(crate) fn give(&self, svids: &[&Svid], federated: &[(&str, &Authority)]) {
        let svids = svids.iter().map(|svid| SvidMessage {
            spiffe_id: svid.id.clone(),
            x509_svid: ders(&svid.issued.chain),
            x509_svid_key: PrivateKeyDer::from_pem_slice(svid.issued.key.as_bytes()).unwrap().secret_der().to_vec(),
            bundle: ders(&svid.bundle),
            hint: String::new(),
        });
        let bundles = federated.iter().map(|(domain, root)| (format!("spiffe://{domain}"), ders(&root.pem())));
        let response = SvidResponse { svids: svids.collect(), crl: vec![], federated_bundles: bundles.collect() };
        let _ = self.updates.send_replace(Ok(response));
    }

    /// Takes the identity away.
    pub(crate) fn withdraw(&self) {
        let _ = self.updates.send_replace(Err(Status::permission_denied("no identity issued")));
    }
}

fn ders(pem: &str) -> Vec<u8> {
    CertificateDer::pem_slice_iter(pem.as_bytes()).flat_map(|der| der.unwrap().to_vec()).collect()
}

#[derive(Clone)]
struct Api(Arc<watch::Sender<Update>>, CancellationToken);

impl NamedService for Api {
    const NAME: &'static str = "SpiffeWorkloadAPI";
}

impl Service<http::Request<Body>> for Api {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let api = self.clone();
        Box::pin(async move {
            assert_eq!(request.uri().path(), "/SpiffeWorkloadAPI/FetchX509SVID");
            let codec = tonic_prost::ProstCodec::<SvidResponse, SvidRequest>::default();
            Ok(Grpc::new(codec).server_streaming(api, request).await)
        })
    }
}

impl ServerStreamingService<SvidRequest> for Api {
    type Response = SvidResponse;
    type ResponseStream = Pin<Box<dyn Stream<Item = Update> + Send>>;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Self::ResponseStream>, Status>> + Send>>;

    fn call(&mut self, request: Request<SvidRequest>) -> Self::Future {
        // Connections outlive their server: the streams on them must not.
        let updates = WatchStream::new(self.0.subscribe()).take_until(self.1.clone().cancelled_owned());
        // SPIFFE Workload Endpoint §4.1: a request without this header was tricked into being sent.
        let honest = request.metadata().get("workload.spiffe.io").is_some_and(|value| value == "true");
        Box::pin(async move {
            if !honest {
                return Err(Status::invalid_argument("security header missing"));
            }
            Ok(Response::new(Box::pin(updates) as Self::ResponseStream))
        })
    }
}
