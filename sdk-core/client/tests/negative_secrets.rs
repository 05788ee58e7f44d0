//! Nothing secret is shown: not in logs at their most talkative, not in `Debug`, not in errors. A program of its own,
//! because it listens to the logs of the whole process.

mod support;

use std::io::Write;
use std::sync::{Arc, Mutex};

use gladhand::{CommandRequest, CreateOptions, Requester};
use gladhand_documents::error::Error;
use rustls::crypto::CryptoProvider;
use support::{Bench, express, text, until_state};
use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<u8>>>);

impl Write for Heard {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn shown(error: &Error) -> String {
    format!("{error} {error:?} {:?} {:?}", error.causes(), error.problem())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn negative_n32_logs_debug_and_errors_show_no_secret() {
    let heard = Heard::default();
    let sink = heard.clone();
    // Our own logs at their most talkative; those of the HTTP and TLS libraries as far as they show no content.
    let levels = Targets::new().with_target("gladhand", Level::TRACE).with_default(Level::DEBUG);
    let writer = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(move || sink.clone());
    tracing_subscriber::registry().with(levels).with(writer).init();

    let bench = Bench::start();
    let folder = bench.sandbox.dir().to_owned();
    let client = bench.client().await;
    let mut security = client.security_events();
    let tender = client.tender_create(bench.load("L-1"), express()).await.unwrap();
    let tender = until_state(&client, &text(&tender, "/tenderId"), "accepted").await;
    let mut out = format!("{client:?} {:?} {tender:?}", client.config());

    // Refusals of every kind that a carrier has: of a call, of a token, of a proof.
    let mut errors = Vec::new();
    errors.extend(client.dispatch_get("d-nobody").await.err());
    let requester = Requester::new("night-shift", "dispatcher");
    let stop = CommandRequest::stop_at_next_safe_location("a reason", requester).unwrap();
    errors.extend(client.command_request("d-nobody", stop).await.err());
    bench.post("/oauth", r#"{"tokenType":"Bearer"}"#);
    let fresh = bench.client().await;
    errors.extend(fresh.tender_create(bench.load("L-2"), CreateOptions::new("aurora")).await.err());
    bench.post("/oauth", r#"{"tokenType":"normal","audience":"wrong"}"#);
    let fresh = bench.client().await;
    errors.extend(fresh.tender_create(bench.load("L-3"), CreateOptions::new("aurora")).await.err());
    assert!(errors.len() >= 4, "{errors:?}");
    out.extend(errors.iter().map(shown));
    out.push_str(client.health().await.unwrap().as_str());
    while let Ok(Some(event)) = tokio::time::timeout(std::time::Duration::ZERO, security.next()).await {
        out.push_str(event.as_str());
    }

    let logs = String::from_utf8(heard.0.lock().unwrap().clone()).unwrap();
    assert!(logs.contains("token_obtained"), "the logs are heard: {logs}");
    out.push_str(&logs);
    if std::env::var_os("GLADHAND_CANARIES").is_some() {
        // For the scan over the whole test run, which knows every nonce and token by its value.
        println!("{out}");
    }

    // Every private key of the folder, line by line, and the shapes of tokens, assertions and proofs.
    let mut keys = 0;
    for entry in std::fs::read_dir(&folder).unwrap() {
        let Ok(pem) = std::fs::read_to_string(entry.unwrap().path()) else { continue };
        if pem.contains("PRIVATE KEY-----") {
            keys += 1;
            for line in pem.lines().filter(|line| line.len() >= 12 && !line.starts_with("-----")) {
                assert!(!out.contains(line), "a private key is shown");
            }
        }
    }
    assert!(keys >= 4, "{keys} keys looked for");
    for mark in ["PRIVATE KEY-----", "client_assertion=", "DPoP eyJ", "Bearer eyJ", "\"access_token\""] {
        assert!(!out.contains(mark), "`{mark}` is shown");
    }
    let signed = out.split(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c))).find(|word| {
        let parts: Vec<&str> = word.split('.').collect();
        parts.windows(3).any(|w| w[0].starts_with("eyJ") && w[2].len() > 40)
    });
    assert_eq!(signed, None, "a signed token, assertion or proof is shown");
    assert!(CryptoProvider::get_default().is_none(), "no TLS provider is installed for the whole process");
}
