//! A carrier in this process and clients of it: what the tests against a real carrier share.
#![allow(dead_code, unreachable_pub, reason = "each test file uses a part of it")]

pub mod road;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use gladhand::{Client, Config, CreateOptions, Document, Value};
use gladhand_sandbox::{Options, Sandbox};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

pub struct Bench {
    pub sandbox: Sandbox,
}

impl Bench {
    pub fn start() -> Self {
        Self { sandbox: Sandbox::start(Options::default()).expect("the sandbox starts") }
    }

    pub fn config(&self, journal: &str) -> Config {
        let text = std::fs::read_to_string(self.sandbox.config_path()).unwrap();
        Config::builder()
            .toml(&text, self.sandbox.dir())
            .set("journal.path", self.journal(journal).display().to_string())
            .build()
            .unwrap()
    }

    pub fn journal(&self, name: &str) -> PathBuf {
        self.sandbox.dir().join(name)
    }

    pub async fn client(&self) -> Client {
        Client::connect(self.config("journal.db")).await.unwrap()
    }

    /// `GET` without a body, `POST` with one, on the control interface.
    pub fn control(&self, path: &str, body: Option<&str>) -> Document {
        let address = self.sandbox.control_url().strip_prefix("http://").unwrap().to_owned();
        let mut stream = TcpStream::connect(&address).unwrap();
        let method = if body.is_some() { "POST" } else { "GET" };
        let body = body.unwrap_or_default();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let text = String::from_utf8(answer).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200"), "{path}: {head}\n{body}");
        let body = if head.to_ascii_lowercase().contains("transfer-encoding: chunked") {
            dechunk(body)
        } else {
            body.to_owned()
        };
        Document::parse(body).unwrap()
    }

    pub fn post(&self, path: &str, body: &str) -> Document {
        self.control(path, Some(body))
    }

    pub fn load(&self, id: &str) -> Document {
        self.control(&format!("/load?loadId={id}"), None)
    }

    /// Publishes an offer with so many slots, and gives its id.
    pub fn offer(&self, id: &str, slots: u32) -> String {
        let (start, end) = self.window();
        self.post(
            "/capacity",
            &format!(
                r#"{{"capacityId":"{id}","vehicleType":"tractor-std","autonomyLevel":"L4","availableWindow":{{"start":"{start}","end":"{end}"}},"route":[{{"from":{{"lat":32.7767,"lon":-96.797}},"to":{{"lat":29.7604,"lon":-95.3698}}}}],"constraints":{{"maxWeightLbs":80000,"hazmat":false}},"rate":{{"currency":"USD","amount":1250.00}},"quantity":{slots}}}"#
            ),
        );
        id.to_owned()
    }

    /// From the carrier's now, ten days.
    fn window(&self) -> (jiff::Timestamp, jiff::Timestamp) {
        let now: jiff::Timestamp = text(&self.control("/state", None), "/now").parse().unwrap();
        let end = now.saturating_add(jiff::SignedDuration::from_hours(240)).unwrap();
        (now, jiff::Timestamp::from_second(end.as_second()).unwrap())
    }

    /// A load for this offer.
    pub fn load_for(&self, id: &str, offer: &str) -> Document {
        self.control(&format!("/load?loadId={id}&capacityId={offer}"), None)
    }

    /// How often the carrier created a tender for a load.
    pub fn creates(&self, load: &str) -> i64 {
        self.control("/state", None).integer(&format!("/loads/{load}/creates")).unwrap_or(0)
    }
}

fn dechunk(body: &str) -> String {
    let mut out = String::new();
    let mut rest = body;
    while let Some((size, after)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size.trim(), 16).unwrap_or(0);
        if size == 0 {
            break;
        }
        out.push_str(&after[..size]);
        rest = &after[size + 2..];
    }
    out
}

pub fn express() -> CreateOptions {
    CreateOptions::new("aurora").wait(Duration::from_secs(20))
}

pub fn text(document: &Document, pointer: &str) -> String {
    document.text(pointer).unwrap_or_else(|| panic!("no text at {pointer}: {}", document.as_str()))
}

/// Waits until the future is done; a minute is for ever.
pub async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), future).await.unwrap_or_else(|_| panic!("{what} never happened"))
}

/// Reads a tender until it is in this state and its whole history is here.
pub async fn until_state(client: &Client, tender: &str, state: &str) -> Document {
    let mut watch = client.tender_watch(tender);
    soon(state, async {
        loop {
            let now = watch.next().await.unwrap().unwrap_or_else(|| panic!("{tender} ended before {state}"));
            if text(&now, "/state") == state && text(&now, "/sync") == "in_sync" {
                return now;
            }
        }
    })
    .await
}

/// A TMS's webhook receiver on loopback: what a web framework would do with the two functions for it.
pub struct Receiver {
    pub url: String,
    seen: Arc<Mutex<Vec<(String, u16)>>>,
}

impl Receiver {
    pub async fn start(client: Client) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hooks", listener.local_addr().unwrap());
        let seen: Arc<Mutex<Vec<(String, u16)>>> = Arc::default();
        let log = seen.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer_one(stream, client.clone(), log.clone()));
            }
        });
        Self { url, seen }
    }

    /// Method and status of each request so far.
    pub fn seen(&self) -> Vec<(String, u16)> {
        self.seen.lock().unwrap().clone()
    }
}

/// One request of HTTP/1.1, and the end of its connection.
async fn answer_one(mut stream: tokio::net::TcpStream, client: Client, seen: Arc<Mutex<Vec<(String, u16)>>>) {
    let mut bytes = Vec::new();
    let (head, body) = loop {
        if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
            return;
        }
        let Some(end) = bytes.windows(4).position(|w| w == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let length = head.lines().filter_map(|line| line.split_once(':'));
        let length = length.filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
        let length: usize = length.map(|(_, value)| value.trim().parse().unwrap()).next().unwrap_or(0);
        if bytes.len() >= end + 4 + length {
            break (head, bytes[end + 4..].to_vec());
        }
    };
    let method = head.split(' ').next().unwrap().to_owned();
    let fields: Vec<(String, String)> = head
        .lines()
        .skip(1)
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
        .collect();
    let answer = match method.as_str() {
        "OPTIONS" => client.inbox_handshake(&fields),
        _ => client.receive(&fields, &body).await,
    };
    let (status, headers) = match &answer {
        Ok(document) => {
            let headers = document.at("/headers").into_iter().flat_map(Value::items);
            let line = |h: Value<'_>| Some(format!("{}: {}\r\n", h.get("name")?.text()?, h.get("value")?.text()?));
            (document.integer("/status").unwrap() as u16, headers.filter_map(line).collect::<String>())
        }
        Err(error) => (error.http_status().unwrap(), String::new()),
    };
    seen.lock().unwrap().push((method, status));
    let answer = format!("HTTP/1.1 {status} .\r\n{headers}content-length: 0\r\nconnection: close\r\n\r\n");
    let _ = stream.write_all(answer.as_bytes()).await;
}
