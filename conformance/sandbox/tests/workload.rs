//! The SPIFFE Workload API over its socket, by a client in raw gRPC, and the identities it gives at the carrier's door.

mod support;

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use gladhand_sandbox::spiffe::wire::{Empty, X509BundlesResponse, X509SvidResponse};
use gladhand_sandbox::{Options, Sandbox};
use hyper_util::rt::TokioIo;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use serde_json::json;
use support::{Tms, http_over, random, start_with};
use tonic::client::Grpc;
use tonic::transport::{Channel, Endpoint, Uri};
use tonic::{Code, Status, Streaming};

const OWN: &str = "spiffe://sandbox.gladhand.test";
const CARRIERS: &str = "spiffe://carriers.gladhand.test";

fn spiffe(lifetime_s: u32) -> (Sandbox, Tms, PathBuf) {
    let socket = std::env::temp_dir().join(random()[..12].to_owned() + ".sock");
    let options = Options { spiffe_socket: Some(socket.clone()), svid_lifetime_s: lifetime_s, ..Options::default() };
    let (sandbox, tms) = start_with(options);
    (sandbox, tms, socket)
}

async fn connect(path: PathBuf) -> Channel {
    let connector = tower::service_fn(move |_: Uri| {
        let path = path.clone();
        async move { tokio::net::UnixStream::connect(path).await.map(TokioIo::new) }
    });
    Endpoint::from_static("http://agent.invalid").connect_with_connector(connector).await.unwrap()
}

async fn call<T: prost::Message + Default + 'static>(
    channel: &Channel,
    method: &'static str,
    metadata: bool,
) -> Result<Streaming<T>, Status> {
    let mut grpc = Grpc::new(channel.clone());
    grpc.ready().await.unwrap();
    let mut request = tonic::Request::new(Empty {});
    if metadata {
        request.metadata_mut().insert("workload.spiffe.io", "true".parse().unwrap());
    }
    let codec = tonic_prost::ProstCodec::<Empty, T>::default();
    let path = http::uri::PathAndQuery::from_static(method);
    grpc.server_streaming(request, path, codec).await.map(tonic::Response::into_inner)
}

async fn svids(channel: &Channel) -> Streaming<X509SvidResponse> {
    call(channel, "/SpiffeWorkloadAPI/FetchX509SVID", true).await.unwrap()
}

/// DER certificates one after the other.
fn certificates(mut der: &[u8]) -> Vec<CertificateDer<'static>> {
    let mut found = Vec::new();
    while !der.is_empty() {
        let (rest, _) = x509_parser::parse_x509_certificate(der).unwrap();
        found.push(CertificateDer::from(der[..der.len() - rest.len()].to_vec()));
        der = rest;
    }
    found
}

/// A TLS client with the first SVID, trusting the carrier's federated bundle.
fn workload(answer: &X509SvidResponse) -> rustls::ClientConfig {
    let mut roots = rustls::RootCertStore::empty();
    for root in certificates(&answer.federated_bundles[CARRIERS]) {
        roots.add(root).unwrap();
    }
    let svid = &answer.svids[0];
    let key = PrivatePkcs8KeyDer::from(svid.x509_svid_key.clone());
    rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_client_auth_cert(certificates(&svid.x509_svid), key.into())
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_svid_opens_the_carriers_door_and_the_configuration_says_how() {
    let (sandbox, mut tms, socket) = spiffe(3600);
    let toml = std::fs::read_to_string(sandbox.config_path()).unwrap();
    assert!(toml.contains("source = \"spiffe\"") && !toml.contains("certificate ="), "{toml}");
    assert!(toml.contains(&format!("spiffe_endpoint = \"unix:{}\"", socket.display())), "{toml}");
    assert!(toml.contains(&format!("spiffe_id = \"{CARRIERS}/carrier/aurora\"")), "{toml}");
    let channel = connect(socket.clone()).await;
    let answer = svids(&channel).await.message().await.unwrap().unwrap();
    let ids: Vec<_> = answer.svids.iter().map(|svid| (svid.spiffe_id.as_str(), svid.hint.as_str())).collect();
    let client = format!("{OWN}/tms/acme");
    assert_eq!(ids, [(client.as_str(), "client"), (&format!("{OWN}/gateway/aurora-edge"), "gateway")]);
    // The SVID is no authority, names one URI, and its chain ends in the bundle.
    let (leaf, bundle) = (certificates(&answer.svids[0].x509_svid), certificates(&answer.svids[0].bundle));
    let peer = gladhand_sandbox::peer::Peer::from_der(&leaf[0]).unwrap();
    assert_eq!((peer.uris.as_slice(), leaf.len(), bundle.len()), (&[client][..], 2, 1));
    let (_, parsed) = x509_parser::parse_x509_certificate(&leaf[0]).unwrap();
    assert!(!parsed.basic_constraints().unwrap().expect("workloads ask for it").value.ca);
    assert_ne!(bundle, certificates(&answer.federated_bundles[CARRIERS]), "two trust domains, two roots");
    tms.http = http_over(workload(&answer));
    assert_eq!(tms.get("/v1/tenders").await.status, 200);
    let seen = tms.look("/fingerprints").await;
    assert_eq!(seen["requests"][0]["fingerprint"], peer.fingerprint);

    let gateway = connect(gladhand_sandbox::credentials::socket(&socket, "gateway")).await;
    let answer = svids(&gateway).await.message().await.unwrap().unwrap();
    assert_eq!(answer.svids[0].hint, "gateway");
    tms.control("/spiffe", json!({"reversed": true})).await;
    assert_eq!(svids(&channel).await.message().await.unwrap().unwrap().svids[0].hint, "gateway");
    drop(sandbox);
    assert!(!socket.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_workload_identity_opens_the_doors_of_two_carriers() {
    let (first, _tms, socket) = spiffe(3600);
    let options =
        Options { carrier: "borealis".to_owned(), ca_dir: Some(first.dir().to_owned()), ..Options::default() };
    let (second, mut tms) = start_with(options);
    let answer = svids(&connect(socket).await).await.message().await.unwrap().unwrap();
    tms.http = http_over(workload(&answer));
    assert_eq!(tms.get("/v1/tenders").await.status, 200);
    // Its server is of the carriers' trust domain as well.
    let toml = std::fs::read_to_string(second.config_path()).unwrap();
    assert!(toml.contains("certificate = \"client.pem\""), "{toml}");
    let agentless = tms.look("/spiffe").await;
    assert_eq!(agentless["code"], "schema_invalid");
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_without_the_header_and_other_methods_are_refused() {
    let (_sandbox, _tms, socket) = spiffe(3600);
    let channel = connect(socket).await;
    let refused = call::<X509SvidResponse>(&channel, "/SpiffeWorkloadAPI/FetchX509SVID", false).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    let refused = call::<Empty>(&channel, "/SpiffeWorkloadAPI/FetchJWTSVID", true).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unimplemented);
}

#[tokio::test(flavor = "multi_thread")]
async fn svids_rotate_by_themselves_and_on_request() {
    let (_sandbox, tms, socket) = spiffe(2);
    let channel = connect(socket).await;
    let mut stream = svids(&channel).await;
    let first = stream.message().await.unwrap().unwrap();
    let second = stream.message().await.unwrap().unwrap();
    assert_ne!(first.svids[0].x509_svid, second.svids[0].x509_svid);
    assert_eq!(first.svids[0].bundle, second.svids[0].bundle);
    assert_ne!(first.svids[0].x509_svid_key, second.svids[0].x509_svid_key, "a new key each time");
    tms.control("/spiffe", json!({"lifetimeS": 600})).await;
    let state = tms.control("/spiffe", json!({"rotate": true})).await;
    let wanted = state["svids"][0]["fingerprint"].as_str().unwrap();
    loop {
        let answer = stream.message().await.unwrap().unwrap();
        let leaf = &certificates(&answer.svids[0].x509_svid)[0];
        if gladhand_sandbox::ca::fingerprint(leaf) == wanted {
            break;
        }
    }
    let left = state["svids"][0]["notAfter"].as_i64().unwrap() - jiff::Timestamp::now().as_millisecond();
    assert!((590_000..=600_000).contains(&left), "{left}");
    tms.control("/spiffe", json!({"lifetimeS": 2, "frozen": true})).await;
    let ends = tms.look("/spiffe").await["svids"][0]["notAfter"].as_i64().unwrap();
    while jiff::Timestamp::now().as_millisecond() < ends {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert_eq!(tms.look("/spiffe").await["svids"][0]["notAfter"], ends, "it ran out and nobody renewed it");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_lets_its_workloads_down() {
    let (_sandbox, tms, socket) = spiffe(3600);
    let channel = connect(socket).await;
    let mut stream = svids(&channel).await;
    let full = stream.message().await.unwrap().unwrap();
    tms.control("/spiffe", json!({"remove_federated": true})).await;
    assert!(stream.message().await.unwrap().unwrap().federated_bundles.is_empty());
    tms.control("/spiffe", json!({"remove_federated": false, "empty_bundle": true})).await;
    let emptied = stream.message().await.unwrap().unwrap();
    assert_eq!((emptied.svids[0].bundle.len(), emptied.federated_bundles.len()), (0, 1));
    let mut bundles: Streaming<X509BundlesResponse> =
        call(&channel, "/SpiffeWorkloadAPI/FetchX509Bundles", true).await.unwrap();
    let named = bundles.message().await.unwrap().unwrap().bundles;
    assert_eq!(named.keys().collect::<Vec<_>>(), [CARRIERS]);
    tms.control("/spiffe", json!({"empty_bundle": false})).await;
    let named = bundles.message().await.unwrap().unwrap().bundles;
    assert_eq!(Bytes::from(named[OWN].clone()), full.svids[0].bundle);
    assert_eq!(stream.message().await.unwrap().unwrap(), full);
    tms.control("/spiffe", json!({"withdraw": true})).await;
    assert_eq!(stream.message().await.unwrap_err().code(), Code::PermissionDenied);
    let again = svids(&channel).await.message().await.unwrap_err();
    assert_eq!(again.code(), Code::PermissionDenied);
    tms.control("/spiffe", json!({"withdraw": false, "unavailable": true})).await;
    assert_eq!(svids(&channel).await.message().await.unwrap_err().code(), Code::Unavailable);
    tms.control("/spiffe", json!({"unavailable": false})).await;
    assert_eq!(svids(&channel).await.message().await.unwrap().unwrap(), full);
}
