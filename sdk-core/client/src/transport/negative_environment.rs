//! Negative cases of the environment: key logs, proxies, redirects. The variables are set in a process of their own.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use gladhand_documents::error::{Code, Sent};
use http::HeaderValue;
use tokio::net::TcpListener;
use url::Url;

use crate::testing::{Authority, Leaf, Party, Reply, Seen, Server, Tls, get};

const CHILD: &str = "GLADHAND_TEST_ENVIRONMENT_CHILD";

fn ok(_: &Seen) -> Reply {
    Reply::Answer(200, vec![], "fine".to_owned())
}

/// One exchange with a server of its own, and what the server saw of it.
async fn exchange() {
    let root = Authority::root("root");
    let server = Server::start(Tls::with(root.issue(&Leaf::default()).pair(), root.pem()), ok).await;
    let answer = Party::of(&root, &server.url).ask().await.unwrap();
    assert_eq!(answer.status.as_u16(), 200);
    assert_eq!(server.seen().len(), 1, "it went straight to the server");
}

/// Runs this test again in another process with these variables.
fn again(test: &str, variables: &[(&str, &str)]) {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &format!("transport::negative_environment::{test}"), "--nocapture"])
        .env(CHILD, "1")
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}{}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test]
async fn negative_n09_sslkeylogfile_is_not_looked_at() {
    if std::env::var_os(CHILD).is_some() {
        return exchange().await;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys.log");
    let test = "negative_n09_sslkeylogfile_is_not_looked_at";
    tokio::task::spawn_blocking({
        let file = file.display().to_string();
        move || again(test, &[("SSLKEYLOGFILE", &file)])
    })
    .await
    .unwrap();
    assert!(!file.exists(), "a key log was written");
}

#[tokio::test]
async fn negative_n33_proxies_of_the_environment_are_not_asked() {
    if std::env::var_os(CHILD).is_some() {
        return exchange().await;
    }
    let proxy = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", proxy.local_addr().unwrap());
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = asked.clone();
    tokio::spawn(async move {
        while proxy.accept().await.is_ok() {
            counter.fetch_add(1, Ordering::SeqCst);
        }
    });
    tokio::task::spawn_blocking(move || {
        let names = ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];
        let variables: Vec<(&str, &str)> =
            names.iter().map(|name| (*name, address.as_str())).chain([("NO_PROXY", ""), ("no_proxy", "")]).collect();
        again("negative_n33_proxies_of_the_environment_are_not_asked", &variables);
    })
    .await
    .unwrap();
    assert_eq!(asked.load(Ordering::SeqCst), 0, "the proxy saw a connection");
}

#[tokio::test]
async fn negative_n33_a_proxy_that_intercepts_tls_is_refused_in_clear_text() {
    // It has a certificate for the very host, of an authority that this machine was told to trust and we were not.
    let (ours, proxy) = (Authority::root("carrier root"), Authority::root("corporate proxy"));
    let server = Server::start(Tls::with(proxy.issue(&Leaf::default()).pair(), ours.pem()), ok).await;
    let party = Party::of(&ours, &server.url);
    let mut request = get(&server.url);
    request.headers.insert("authorization", HeaderValue::from_static("Bearer canary-33"));
    let error = party.generation().unwrap().http().send(request).await.unwrap_err();
    assert_eq!((error.code(), error.sent_state()), (Code::ServerCertificateUntrusted, Sent::NotSent));
    assert!(error.message().contains("leads to no configured root"), "{error}");
    assert!(error.code().remedy().contains("identity.trust"));
    assert!(!format!("{error:?}").contains("canary-33"));
    assert!(server.seen().is_empty(), "nothing was sent");
}

#[tokio::test]
async fn negative_n34_no_redirect_is_followed_and_no_header_leaks() {
    let root = Authority::root("root");
    let other = Server::start(Tls::with(root.issue(&Leaf::default()).pair(), root.pem()), ok).await;
    let insecure = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let plain: Url = format!("http://{}/", insecure.local_addr().unwrap()).parse().unwrap();
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = asked.clone();
    tokio::spawn(async move {
        while insecure.accept().await.is_ok() {
            counter.fetch_add(1, Ordering::SeqCst);
        }
    });
    for status in [301, 302, 303, 307, 308] {
        for to in [other.url.to_string(), plain.to_string()] {
            let redirect = move |_: &Seen| Reply::Answer(status, vec![("location", to.clone())], String::new());
            let server = Server::start(Tls::with(root.issue(&Leaf::default()).pair(), root.pem()), redirect).await;
            let mut request = get(&server.url);
            for name in ["authorization", "dpop", "idempotency-key", "cookie"] {
                request.headers.insert(name, HeaderValue::from_static("canary-34"));
            }
            let answer = Party::of(&root, &server.url).generation().unwrap().http().send(request).await.unwrap();
            assert_eq!(answer.status.as_u16(), status, "the redirect itself is the answer");
            assert_eq!(server.seen().len(), 1);
        }
    }
    assert_eq!((other.connections(), asked.load(Ordering::SeqCst)), (0, 0));
}
