//! Negative cases of the peer's side of TLS: certificates that do not hold, downgrades, and what must not happen on a
//! connection.

use gladhand_documents::error::{Code, Sent};
use rustls::{HandshakeKind, ProtocolVersion};

use crate::config::CarrierSettings;
use crate::testing::{Authority, Crafted, Leaf, Party, Reply, Seen, Server, Tls, get};

fn ok(_: &Seen) -> Reply {
    Reply::Answer(200, vec![], "fine".to_owned())
}

/// A server with this leaf, and a party that would use it.
async fn pair_of(root: &Authority, leaf: &Leaf) -> (Server, Party) {
    let server = Server::start(Tls::with(root.issue(leaf).pair(), root.pem()), ok).await;
    let party = Party::of(root, &server.url);
    (server, party)
}

fn tls_1_2(settings: &CarrierSettings) -> CarrierSettings {
    settings.clone().tls_minimum("1.2")
}

#[tokio::test]
async fn negative_n01_a_server_certificate_outside_its_validity_is_refused() {
    let root = Authority::root("root");
    for leaf in [Leaf { until: 2021, ..Leaf::default() }, Leaf { from: 2080, ..Leaf::default() }] {
        let (server, party) = pair_of(&root, &leaf).await;
        let error = party.refusal().await;
        assert_eq!((error.code(), error.sent_state()), (Code::ServerCertificateExpired, Sent::NotSent));
        assert!(server.seen().is_empty());
    }
}

#[tokio::test]
async fn negative_n01_a_server_certificate_for_another_host_is_refused() {
    let root = Authority::root("root");
    let names = vec![rcgen::SanType::DnsName("other.example".try_into().unwrap())];
    let (server, party) = pair_of(&root, &Leaf { names, ..Leaf::default() }).await;
    assert_eq!(party.code().await, Code::ServerNameMismatch);
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn negative_n01_a_server_certificate_of_another_authority_is_refused() {
    // Of another name, and of the same name with another key.
    for theirs in [Authority::root("another"), Authority::root("root")] {
        let ours = Authority::root("root");
        let server = Server::start(Tls::with(theirs.issue(&Leaf::default()).pair(), ours.pem()), ok).await;
        assert_eq!(Party::of(&ours, &server.url).code().await, Code::ServerCertificateUntrusted);
        assert!(server.seen().is_empty());
    }
}

#[tokio::test]
async fn negative_n01_a_certificate_for_clients_alone_is_no_servers() {
    let root = Authority::root("root");
    let purposes = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
    let (server, party) = pair_of(&root, &Leaf { purposes, ..Leaf::default() }).await;
    assert_eq!(party.code().await, Code::ServerCertificateUntrusted);
    assert!(server.seen().is_empty());
}

const TLS_1_0: u16 = 0x0301;
const TLS_1_1: u16 = 0x0302;
const TLS_1_2: u16 = 0x0303;
const ALLOWED_1_2: [u16; 4] = [0xc02c, 0xc030, 0xc02b, 0xc02f];

#[tokio::test]
async fn negative_n06_tls_1_0_and_1_1_are_refused_whatever_is_configured() {
    let root = Authority::root("root");
    for version in [TLS_1_0, TLS_1_1] {
        for suite in [0xc02f, 0xc013, 0x002f] {
            let server = Crafted::start(version, suite).await;
            let mut party = Party::of(&root, &server.url);
            assert_eq!(party.code().await, Code::TlsHandshake, "{version:x} {suite:x}");
            party.settings = tls_1_2(&party.settings);
            assert_eq!(party.code().await, Code::TlsHandshake, "{version:x} {suite:x}");
            assert!(is_alert(&server).await, "the server is told");
        }
    }
}

/// Whether the last thing that the client said was a fatal alert, and nothing else.
async fn is_alert(server: &Crafted) -> bool {
    let said = server.said().await;
    said.len() == 7 && said[0] == 21 && said[5] == 2
}

#[tokio::test]
async fn negative_n06_tls_1_2_is_refused_unless_it_is_configured() {
    let root = Authority::root("root");
    for suite in ALLOWED_1_2 {
        let server = Crafted::start(TLS_1_2, suite).await;
        assert_eq!(Party::of(&root, &server.url).code().await, Code::TlsHandshake);
        assert_eq!(server.hellos()[0].numbers(43, 1), [0x0304], "TLS 1.3 alone is offered");
    }
    let server =
        Server::start(Tls { old: true, ..Tls::with(root.issue(&Leaf::default()).pair(), root.pem()) }, ok).await;
    let mut party = Party::of(&root, &server.url);
    assert_eq!(party.code().await, Code::TlsHandshake);
    party.settings = tls_1_2(&party.settings);
    let facts = party.ask().await.unwrap().facts.unwrap();
    assert_eq!(facts.version, "TLSv1_2");
    assert!(crate::identity::tls_policy(crate::config::TlsMinimum::Tls12).cipher_suites.contains(&facts.cipher_suite));
}

#[tokio::test]
async fn negative_n06_tls_1_2_with_cbc_rsa_key_exchange_or_3des_is_refused() {
    let root = Authority::root("root");
    for (suite, what) in [
        (0xc014, "ECDHE_RSA_AES256_CBC_SHA"),
        (0xc027, "ECDHE_RSA_AES128_CBC_SHA256"),
        (0xc024, "ECDHE_ECDSA_AES256_CBC_SHA384"),
        (0x009d, "RSA_AES256_GCM_SHA384"),
        (0x002f, "RSA_AES128_CBC_SHA"),
        (0x000a, "RSA_3DES_EDE_CBC_SHA"),
        (0xc012, "ECDHE_RSA_3DES_EDE_CBC_SHA"),
        (0x0005, "RSA_RC4_128_SHA"),
        (0x009f, "DHE_RSA_AES256_GCM_SHA384"),
        (0xcca8, "ECDHE_RSA_CHACHA20_POLY1305"),
        (0x0000, "NULL"),
    ] {
        let server = Crafted::start(TLS_1_2, suite).await;
        let mut party = Party::of(&root, &server.url);
        party.settings = tls_1_2(&party.settings);
        assert_eq!(party.code().await, Code::TlsHandshake, "{what}");
        assert!(is_alert(&server).await, "{what}: the server is told");
        assert!(!server.hellos()[0].suites.contains(&suite), "{what} is not offered");
    }
}

#[tokio::test]
async fn negative_n06_what_is_offered_is_what_the_policy_publishes() {
    let root = Authority::root("root");
    let server = Crafted::start(TLS_1_0, 0).await;
    let mut party = Party::of(&root, &server.url);
    party.code().await;
    party.settings = tls_1_2(&party.settings);
    party.code().await;
    let hellos = server.hellos();
    let grease_free = |suites: &[u16]| suites.iter().filter(|suite| **suite != 0x00ff).copied().collect::<Vec<_>>();
    assert_eq!(grease_free(&hellos[0].suites), [0x1302, 0x1301, 0x1303]);
    assert_eq!(grease_free(&hellos[1].suites), [&[0x1302, 0x1301, 0x1303][..], &ALLOWED_1_2].concat());
    for hello in &hellos {
        // X25519MLKEM768, X25519, secp256r1, secp384r1.
        assert_eq!(hello.numbers(10, 2), [0x11ec, 0x001d, 0x0017, 0x0018]);
    }
    assert_eq!(hellos[1].numbers(43, 1), [0x0304, 0x0303]);
}

#[tokio::test]
async fn negative_n06_a_server_that_does_not_ask_for_our_certificate_is_refused_before_a_byte_of_the_request() {
    let root = Authority::root("root");
    for old in [false, true] {
        let tls = Tls { asks: false, old, ..Tls::with(root.issue(&Leaf::default()).pair(), root.pem()) };
        let server = Server::start(tls, ok).await;
        let mut party = Party::of(&root, &server.url);
        party.settings = tls_1_2(&party.settings);
        let mut events = party.security.stream();
        let error = party.refusal().await;
        assert_eq!((error.code(), error.sent_state()), (Code::ClientAuthNotRequested, Sent::NotSent));
        assert!(server.seen().is_empty());
        let event = events.next().await.unwrap();
        assert_eq!(event.text("/message").unwrap(), "downgrade");
        assert_eq!(event.text("/status_code").unwrap(), "client_auth_not_requested");
        // gRPC has the same connector.
        let channel = party.generation().unwrap().grpc_channel(&server.url).unwrap();
        let error = grpc(channel).await.unwrap_err();
        assert_eq!(super::tls_failure(&error, "x").unwrap().code(), Code::ClientAuthNotRequested);
    }
}

async fn grpc(channel: tonic::transport::Channel) -> Result<http::StatusCode, tonic::transport::Error> {
    use tower::ServiceExt as _;
    let request = http::Request::post("/a.B/C").body(tonic::body::Body::empty()).unwrap();
    channel.oneshot(request).await.map(|answer| answer.status())
}

#[tokio::test]
async fn negative_n06_an_authorization_server_may_be_open_but_binds_no_token_then() {
    // Another origin than the carrier's: the handshake is taken, and the answer tells that nothing was asked.
    let root = Authority::root("root");
    let tls = Tls { asks: false, ..Tls::with(root.issue(&Leaf::default()).pair(), root.pem()) };
    let server = Server::start(tls, ok).await;
    let party = Party::of(&root, &"https://carrier.example/".parse().unwrap());
    let answer = party.generation().unwrap().http().send(get(&server.url)).await.unwrap();
    assert!(!answer.facts.unwrap().client_auth_requested);
}

#[tokio::test]
async fn negative_n06_without_alpn_http_1_1_is_spoken_and_grpc_is_not() {
    let root = Authority::root("root");
    let tls = Tls { alpn: &[], ..Tls::with(root.issue(&Leaf::default()).pair(), root.pem()) };
    let server = Server::start(tls, ok).await;
    let party = Party::of(&root, &server.url);
    assert_eq!(party.ask().await.unwrap().facts.unwrap().alpn, None);
    let channel = party.generation().unwrap().grpc_channel(&server.url).unwrap();
    let error = grpc(channel).await.unwrap_err();
    assert_eq!(super::tls_failure(&error, "x").unwrap().code(), Code::TlsHandshake);
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn negative_n08_a_ticket_is_never_used_every_connection_is_a_full_handshake() {
    let root = Authority::root("root");
    for old in [false, true] {
        // A server that gives tickets, and closes after each answer.
        let tls = Tls { alpn: &[b"http/1.1"], old, ..Tls::with(root.issue(&Leaf::default()).pair(), root.pem()) };
        let close = |_: &Seen| Reply::Answer(200, vec![("connection", "close".to_owned())], "fine".to_owned());
        let server = Server::start(tls, close).await;
        let mut party = Party::of(&root, &server.url);
        party.settings = tls_1_2(&party.settings);
        let generation = party.generation().unwrap();
        for _ in 0..4 {
            let facts = generation.http().send(get(&server.url)).await.unwrap().facts.unwrap();
            assert!(!facts.resumed);
        }
        // After the identity was taken away and another is in use.
        party.pair = root.client().pair();
        party.ask().await.unwrap();
        let handshakes = server.handshakes();
        assert_eq!(handshakes.len(), 5);
        assert!(handshakes.iter().all(|handshake| handshake.kind == HandshakeKind::Full));
        let version = if old { ProtocolVersion::TLSv1_2 } else { ProtocolVersion::TLSv1_3 };
        assert!(handshakes.iter().all(|handshake| handshake.version == version));
        assert_ne!(handshakes[4].client, handshakes[3].client);
    }
}

#[tokio::test]
async fn negative_n10_no_early_data_and_no_session_is_offered_even_to_a_server_that_gave_tickets() {
    let root = Authority::root("root");
    let (server, party) = pair_of(&root, &Leaf::default()).await;
    let generation = party.generation().unwrap();
    generation.http().send(get(&server.url)).await.unwrap();
    assert!(!generation.tls().enable_early_data);
    // The same name as the server's, so a kept session would be offered here.
    let crafted = Crafted::start(TLS_1_2, 0xc02f).await;
    generation.http().send(get(&crafted.url)).await.unwrap_err();
    let hello = &crafted.hellos()[0];
    assert!(hello.extension(51).is_some(), "it is a ClientHello of TLS 1.3");
    for (number, what) in [(41, "pre_shared_key"), (42, "early_data")] {
        assert!(hello.extension(number).is_none(), "{what} is offered");
    }
}
