//! The real transport against a TLS server that misbehaves.

use std::time::Duration;

use gladhand_documents::error::{Code, Sent};
use http::Method;
use rustls::{HandshakeKind, NamedGroup, ProtocolVersion};
use tokio::net::TcpListener;

use super::*;
use crate::clock::{SharedClock, SystemClock, TestClock};
use crate::config::{CarrierSettings, Config};
use crate::identity::{Generation, Material};
use crate::observe::SecurityLog;
use crate::testing::{Ca, Reply, Server, Tls};

const H1: &[&[u8]] = &[b"http/1.1"];
const EITHER: [&[&[u8]]; 2] = [&[b"h2"], H1];

fn ok(_: &crate::testing::Seen) -> Reply {
    Reply::Answer(200, vec![], "fine".to_owned())
}

fn system() -> SharedClock {
    std::sync::Arc::new(SystemClock::new())
}

fn generation(trust: &Ca, client: &Ca, server_name: Option<&str>, clock: &SharedClock) -> Generation {
    let (certificate, key) = client.client("spiffe://sandbox.gladhand.test/tms/acme");
    let mut settings = CarrierSettings::new("https://127.0.0.1", "tms-acme").tls_client_auth();
    if let Some(name) = server_name {
        settings = settings.server_name(name);
    }
    let builder = Config::builder().environment("e").tenant("t").journal_path("j").carrier("aurora", settings);
    let config = builder.certificate(certificate).private_key(key).trust(trust.pem()).build().unwrap();
    let material = Material::load(&config.identity, &**clock).unwrap();
    Generation::new(1, material.into(), config.carrier("aurora").unwrap(), clock, &SecurityLog::new(clock.clone()))
        .unwrap()
}

fn post(url: &Url, path: &str) -> HttpRequest {
    HttpRequest {
        method: Method::POST,
        url: url.join(path).unwrap(),
        headers: HeaderMap::new(),
        body: Bytes::from_static(b"{\"a\":1}"),
        deadline: Duration::from_secs(20),
        max_answer: 1000,
    }
}

async fn failure(server: &Server, generation: &Generation) -> (Code, Sent) {
    let error = generation.http().send(post(&server.url, "/x")).await.unwrap_err();
    assert!(server.seen().is_empty() || error.sent_state() == Sent::MaybeSent);
    (error.code(), error.sent_state())
}

#[tokio::test]
async fn a_request_arrives_byte_for_byte_over_tls_1_3_with_a_hybrid_key_exchange() {
    let ca = Ca::new();
    let server = Server::start(Tls::of(&ca), ok).await;
    let generation_1 = generation(&ca, &ca, None, &system());
    for _ in 0..3 {
        let answer = generation_1.http().send(post(&server.url, "/x?y=1")).await.unwrap();
        assert_eq!((answer.status.as_u16(), &answer.body[..]), (200, &b"fine"[..]));
    }
    // Another generation has connections of its own, and resumes nothing.
    generation(&ca, &ca, None, &system()).http().send(post(&server.url, "/x")).await.unwrap();
    let handshakes = server.handshakes();
    assert_eq!(handshakes.len(), 2, "one connection per generation");
    for handshake in handshakes {
        assert_eq!(handshake.version, ProtocolVersion::TLSv1_3);
        assert_eq!(handshake.group, NamedGroup::X25519MLKEM768);
        assert_eq!(handshake.kind, HandshakeKind::Full);
        assert_eq!(handshake.alpn, b"h2");
    }
    assert_eq!(server.seen()[0].path, "/x?y=1");
    assert_eq!(&server.seen()[0].body[..], b"{\"a\":1}");
    assert!(server.seen()[0].header("user-agent").unwrap().starts_with("gladhand/"));
}

#[tokio::test]
async fn http_1_1_is_spoken_where_there_is_nothing_else() {
    let ca = Ca::new();
    let server = Server::start(Tls { alpn: H1, ..Tls::of(&ca) }, ok).await;
    let generation = generation(&ca, &ca, None, &system());
    let mut get = post(&server.url, "/x");
    (get.method, get.body) = (Method::GET, Bytes::new());
    generation.http().send(get).await.unwrap();
    generation.http().send(post(&server.url, "/y")).await.unwrap();
    assert_eq!(server.handshakes().len(), 1);
    let seen = server.seen();
    assert_eq!(seen[0].header("content-length"), None);
    assert_eq!(seen[0].header("transfer-encoding"), None);
    assert_eq!(seen[1].header("content-length"), Some("7"));
}

#[tokio::test]
async fn an_expired_or_future_server_certificate_is_refused() {
    let ca = Ca::new();
    for (from, to) in [((2020, 1, 1), (2021, 1, 1)), ((2080, 1, 1), (2090, 1, 1))] {
        let pair = ca.server_valid("127.0.0.1", from, to);
        let server = Server::start(Tls { pair, ..Tls::of(&ca) }, ok).await;
        let outcome = failure(&server, &generation(&ca, &ca, None, &system())).await;
        assert_eq!(outcome, (Code::ServerCertificateExpired, Sent::NotSent));
    }
}

#[tokio::test]
async fn a_server_certificate_expires_by_the_injected_clock() {
    let ca = Ca::new();
    let pair = ca.server_valid("127.0.0.1", (2020, 1, 1), (2030, 1, 1));
    let server = Server::start(Tls { pair, ..Tls::of(&ca) }, ok).await;
    let clock: SharedClock = std::sync::Arc::new(TestClock::at("2031-01-01T00:00:00Z".parse().unwrap()));
    let outcome = failure(&server, &generation(&ca, &ca, None, &clock)).await;
    assert_eq!(outcome, (Code::ServerCertificateExpired, Sent::NotSent));
}

#[tokio::test]
async fn a_server_of_another_authority_is_refused() {
    let (ours, theirs) = (Ca::new(), Ca::new());
    let server = Server::start(Tls { pair: theirs.server("127.0.0.1"), ..Tls::of(&ours) }, ok).await;
    let outcome = failure(&server, &generation(&ours, &ours, None, &system())).await;
    assert_eq!(outcome, (Code::ServerCertificateUntrusted, Sent::NotSent));
}

#[tokio::test]
async fn a_client_certificate_is_no_server_certificate() {
    let ca = Ca::new();
    let server = Server::start(Tls { pair: ca.client("spiffe://a/b"), ..Tls::of(&ca) }, ok).await;
    let outcome = failure(&server, &generation(&ca, &ca, None, &system())).await;
    assert_eq!(outcome, (Code::ServerCertificateUntrusted, Sent::NotSent));
}

#[tokio::test]
async fn a_server_of_another_name_is_refused_unless_that_name_is_configured() {
    let ca = Ca::new();
    let server = Server::start(Tls { pair: ca.server("carrier.example"), ..Tls::of(&ca) }, ok).await;
    let outcome = failure(&server, &generation(&ca, &ca, None, &system())).await;
    assert_eq!(outcome, (Code::ServerNameMismatch, Sent::NotSent));
    let outcome = failure(&server, &generation(&ca, &ca, Some("other.example"), &system())).await;
    assert_eq!(outcome, (Code::ServerNameMismatch, Sent::NotSent));
    let named = generation(&ca, &ca, Some("carrier.example"), &system());
    assert!(named.http().send(post(&server.url, "/x")).await.is_ok());
}

#[tokio::test]
async fn a_client_certificate_that_the_server_does_not_know_is_named() {
    let ca = Ca::new();
    for alpn in EITHER {
        // One of an unknown authority, and one of an authority that only has the name of a known one.
        for foreign in [Ca::named("another root"), Ca::new()] {
            let server = Server::start(Tls { alpn, ..Tls::of(&ca) }, ok).await;
            let generation = generation(&ca, &foreign, None, &system());
            let error = generation.http().send(post(&server.url, "/x")).await.unwrap_err();
            assert_eq!(error.code(), Code::ClientCertificateRefused, "{error:?}");
            assert!(server.seen().is_empty());
        }
    }
}

#[tokio::test]
async fn nobody_there_is_not_sent() {
    let ca = Ca::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url: Url = format!("https://{}/", listener.local_addr().unwrap()).parse().unwrap();
    drop(listener);
    let error = generation(&ca, &ca, None, &system()).http().send(post(&url, "/x")).await.unwrap_err();
    assert_eq!((error.code(), error.sent_state()), (Code::Connect, Sent::NotSent));
    assert!(!error.causes().is_empty());
}

#[tokio::test]
async fn plain_http_is_never_spoken() {
    let ca = Ca::new();
    let url = "http://127.0.0.1:9/".parse().unwrap();
    let error = generation(&ca, &ca, None, &system()).http().send(post(&url, "/x")).await.unwrap_err();
    assert_eq!(error.sent_state(), Sent::NotSent);
}

#[tokio::test]
async fn a_connection_that_breaks_after_the_request_leaves_it_open() {
    let ca = Ca::new();
    for alpn in EITHER {
        let server = Server::start(Tls { alpn, ..Tls::of(&ca) }, |_| Reply::Cut).await;
        let generation = generation(&ca, &ca, None, &system());
        let error = generation.http().send(post(&server.url, "/x")).await.unwrap_err();
        assert_eq!((error.code(), error.sent_state()), (Code::ConnectionLost, Sent::MaybeSent));
        assert!(error.message().contains("perhaps the client certificate was refused"), "{error}");
        assert_eq!(server.seen().len(), 1, "nothing below us repeats a request");
    }
}

#[tokio::test]
async fn a_server_that_never_answers_costs_the_deadline() {
    let ca = Ca::new();
    for alpn in EITHER {
        let server = Server::start(Tls { alpn, ..Tls::of(&ca) }, |_| Reply::Silence).await;
        let clock = TestClock::at("2026-02-20T08:00:00Z".parse().unwrap());
        let shared: SharedClock = std::sync::Arc::new(clock.clone());
        let generation = generation(&ca, &ca, None, &shared);
        let request = post(&server.url, "/x");
        let sending = tokio::spawn(async move { generation.http().send(request).await });
        while server.seen().is_empty() {
            tokio::task::yield_now().await;
        }
        clock.advance(Duration::from_secs(20));
        let error = sending.await.unwrap().unwrap_err();
        assert_eq!((error.code(), error.sent_state()), (Code::DeadlineExceeded, Sent::MaybeSent));
    }
}

#[tokio::test]
async fn a_server_that_never_shakes_hands_costs_the_deadline_and_nothing_was_sent() {
    let ca = Ca::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url: Url = format!("https://{}/", listener.local_addr().unwrap()).parse().unwrap();
    let clock = TestClock::at("2026-02-20T08:00:00Z".parse().unwrap());
    let shared: SharedClock = std::sync::Arc::new(clock.clone());
    let generation = generation(&ca, &ca, None, &shared);
    let sending = tokio::spawn(async move { generation.http().send(post(&url, "/x")).await });
    let _connection = listener.accept().await.unwrap();
    clock.advance(Duration::from_secs(20));
    let error = sending.await.unwrap().unwrap_err();
    assert_eq!((error.code(), error.sent_state()), (Code::DeadlineExceeded, Sent::NotSent));
}

#[tokio::test]
async fn a_redirect_is_an_answer() {
    let ca = Ca::new();
    let other = Server::start(Tls::of(&ca), ok).await;
    let to = other.url.to_string();
    let server =
        Server::start(Tls::of(&ca), move |_| Reply::Answer(307, vec![("location", to.clone())], String::new())).await;
    let answer = generation(&ca, &ca, None, &system()).http().send(post(&server.url, "/x")).await.unwrap();
    assert_eq!(answer.status.as_u16(), 307);
    assert_eq!(other.connections(), 0);
}

#[tokio::test]
async fn an_answer_that_is_too_large_is_not_read() {
    let ca = Ca::new();
    let server =
        Server::start(Tls::of(&ca), |seen| Reply::Answer(200, vec![], "x".repeat(seen.path[1..].parse().unwrap())));
    let server = server.await;
    let generation = generation(&ca, &ca, None, &system());
    assert_eq!(generation.http().send(post(&server.url, "/1000")).await.unwrap().body.len(), 1000);
    let error = generation.http().send(post(&server.url, "/1001")).await.unwrap_err();
    assert_eq!((error.code(), error.sent_state()), (Code::UnexpectedAnswer, Sent::MaybeSent));
}

#[tokio::test]
async fn grpc_goes_over_the_same_tls() {
    use tower::ServiceExt as _;
    let ca = Ca::new();
    let server = Server::start(Tls::of(&ca), ok).await;
    let grpc = |trust: &Ca, client: &Ca| generation(trust, client, None, &system()).grpc_channel(&server.url).unwrap();
    let request = || {
        let uri = "/gladhand.telemetry.v1.Telemetry/Follow";
        http::Request::post(uri).body(tonic::body::Body::empty()).unwrap()
    };
    let answer = grpc(&ca, &ca).oneshot(request()).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(server.handshakes()[0].alpn, b"h2");
    assert_eq!(server.seen()[0].path, "/gladhand.telemetry.v1.Telemetry/Follow");

    let error = grpc(&Ca::new(), &ca).oneshot(request()).await.unwrap_err();
    assert_eq!(tls_failure(&error, "carrier").unwrap().code(), Code::ServerCertificateUntrusted);
    let error = grpc(&ca, &Ca::new()).oneshot(request()).await.unwrap_err();
    assert_eq!(tls_failure(&error, "carrier").unwrap().code(), Code::ClientCertificateRefused);
}

#[test]
fn debug_shows_no_content_and_no_header_value() {
    let mut request = post(&"https://carrier.example".parse().unwrap(), "/x");
    request.headers.insert("authorization", "DPoP canary-1".parse().unwrap());
    request.body = Bytes::from_static(b"client_assertion=canary-2");
    let answer = HttpResponse {
        status: StatusCode::OK,
        headers: request.headers.clone(),
        body: request.body.clone(),
        facts: None,
    };
    let shown = format!("{request:?} {answer:?}");
    assert!(shown.contains("authorization") && !shown.contains("canary"), "{shown}");
}
