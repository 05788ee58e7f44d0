//! Which identity came with each request: the carrier's own record, against which a client's rotation is judged.
//!
//! Noted when a request's head was read, before anybody judged it: so the client id and the key of the proof are as
//! presented. Streams are noted when they open and are listed while they are open. `GET /fingerprints` shows it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use jsonwebtoken::jwk::{Jwk, ThumbprintHash};
use serde_json::{Value, json};

use crate::clock::Clock;

/// Requests and handshakes kept, each: a minute of hard load.
const KEPT: usize = 32_768;
/// Requests in one answer.
const PAGE: usize = 10_000;

/// What a request presents, besides its certificate.
#[derive(Clone, Debug, Default)]
pub struct Presented {
    /// `client_id` of the access token, unverified.
    pub client_id: Option<Arc<str>>,
    /// The thumbprint of the proof's key, unverified.
    pub jkt: Option<Arc<str>>,
    /// What the token is bound to: the certificate's SHA-256 in hex, if it is bound to one.
    pub bound_to: Option<Arc<str>>,
}

impl Presented {
    /// Reads the head of a request.
    pub fn of(headers: &HeaderMap) -> Self {
        let token = headers.get(AUTHORIZATION).and_then(|v| v.to_str().ok()).and_then(|v| v.split_once(' '));
        let claims = token.and_then(|(_, token)| part(token, 1)).unwrap_or_default();
        let bound_to = claims.pointer("/cnf/x5t#S256").and_then(Value::as_str);
        let bound_to = bound_to.and_then(|text| URL_SAFE_NO_PAD.decode(text).ok()).map(|b| hex::encode(b).into());
        let proof = headers.get("dpop").and_then(|v| v.to_str().ok()).and_then(|proof| part(proof, 0));
        let jwk = proof.and_then(|mut head| serde_json::from_value::<Jwk>(head["jwk"].take()).ok());
        let jkt = jwk.and_then(|jwk| jwk.thumbprint(ThumbprintHash::SHA256).ok()).map(Into::into);
        Self { client_id: claims["client_id"].as_str().map(Into::into), jkt, bound_to }
    }
}

/// A part of a JWS, as JSON.
fn part(token: &str, n: usize) -> Option<Value> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(n)?).ok()?).ok()
}

/// A TLS connection.
#[derive(Clone, Debug)]
pub struct Connection {
    /// Its number, from 1.
    pub number: u64,
    /// The certificate's SHA-256 in hex; empty without one.
    pub fingerprint: Arc<str>,
    /// Whether the TLS session was resumed.
    pub resumed: bool,
    /// When the handshake was done, in Unix milliseconds.
    pub at: i64,
    /// The version of TLS, such as `TLSv1_3`.
    pub version: String,
    /// The cipher suite.
    pub cipher: String,
    /// The key exchange; absent for some resumed sessions.
    pub exchange: Option<String>,
}

/// A request.
#[derive(Clone, Debug)]
struct Request {
    at: i64,
    connection: u64,
    fingerprint: Arc<str>,
    via: Option<Arc<str>>,
    resumed: bool,
    method: String,
    path: String,
    presented: Presented,
    stream: bool,
}

/// The record.
#[derive(Debug, Default)]
pub struct Fingerprints {
    log: Mutex<Log>,
    connections: AtomicU64,
    resumptions: AtomicU64,
}

#[derive(Debug, Default)]
struct Log {
    requests: VecDeque<Request>,
    /// Requests that are no longer kept: the index of the first one kept.
    gone: u64,
    handshakes: VecDeque<Connection>,
    /// Streams that are open, by the index of their request.
    open: BTreeMap<u64, Request>,
}

/// Takes a stream off the list of open ones when it ends.
#[derive(Debug)]
pub struct OpenStream(Arc<Fingerprints>, u64);

impl Drop for OpenStream {
    fn drop(&mut self) {
        self.0.log.lock().expect("the record of fingerprints").open.remove(&self.1);
    }
}

impl Fingerprints {
    /// Notes a handshake.
    pub fn connected(&self, fingerprint: &str, connection: &rustls::ServerConnection) -> Connection {
        let resumed = connection.handshake_kind() == Some(rustls::HandshakeKind::Resumed);
        self.resumptions.fetch_add(u64::from(resumed), Ordering::SeqCst);
        let noted = Connection {
            number: self.connections.fetch_add(1, Ordering::SeqCst) + 1,
            fingerprint: fingerprint.into(),
            resumed,
            at: Clock::default().wall().as_millisecond(),
            version: connection.protocol_version().map(|v| format!("{v:?}")).unwrap_or_default(),
            cipher: connection.negotiated_cipher_suite().map(|s| format!("{:?}", s.suite())).unwrap_or_default(),
            exchange: connection.negotiated_key_exchange_group().map(|g| format!("{:?}", g.name())),
        };
        let mut log = self.log.lock().expect("the record of fingerprints");
        if log.handshakes.len() == KEPT {
            log.handshakes.pop_front();
        }
        log.handshakes.push_back(noted.clone());
        noted
    }

    /// Notes a request whose head was just read; a stream stays listed until the answer is dropped. `identity` is the
    /// certificate it counts as, which a trusted hop may have told.
    pub fn requested(
        self: &Arc<Self>,
        connection: &Connection,
        identity: &str,
        method: &http::Method,
        path: &str,
        presented: Presented,
    ) -> Option<OpenStream> {
        let own = *connection.fingerprint == *identity;
        let fingerprint: Arc<str> = if own { connection.fingerprint.clone() } else { identity.into() };
        let stream = path.starts_with("/gladhand.telemetry.v1.");
        let at = Clock::default().wall().as_millisecond();
        let mut log = self.log.lock().expect("the record of fingerprints");
        if log.requests.len() == KEPT {
            log.requests.pop_front();
            log.gone += 1;
        }
        let index = log.gone + log.requests.len() as u64;
        let noted = Request {
            at,
            connection: connection.number,
            fingerprint,
            via: (!own).then(|| connection.fingerprint.clone()),
            resumed: connection.resumed,
            method: method.to_string(),
            path: path.to_owned(),
            presented,
            stream,
        };
        if stream {
            log.open.insert(index, noted.clone());
        }
        log.requests.push_back(noted);
        stream.then(|| OpenStream(self.clone(), index))
    }

    /// The record from request `after` on, as control shows it.
    pub fn to_json(&self, after: u64) -> Value {
        let log = self.log.lock().expect("the record of fingerprints");
        let first = after.max(log.gone);
        let skip = usize::try_from(first - log.gone).unwrap_or(usize::MAX);
        let requests: Vec<Value> = log.requests.iter().skip(skip).take(PAGE).zip(first..).map(request).collect();
        let streams: Vec<Value> = log.open.iter().map(|(index, open)| request((open, *index))).collect();
        json!({
            "next": first + requests.len() as u64,
            "lost": first - after,
            "requests": requests,
            "streams": streams,
            "connections": self.connections.load(Ordering::SeqCst),
            "resumptions": self.resumptions.load(Ordering::SeqCst),
        })
    }

    /// The latest handshakes, as control shows them.
    pub fn handshakes(&self) -> Value {
        let log = self.log.lock().expect("the record of fingerprints");
        let handshake = |c: &Connection| {
            json!({
                "connection": c.number, "at": c.at, "fingerprint": &*c.fingerprint, "resumed": c.resumed,
                "version": c.version, "cipherSuite": c.cipher, "keyExchange": c.exchange,
            })
        };
        let skip = log.handshakes.len().saturating_sub(PAGE);
        json!({ "handshakes": log.handshakes.iter().skip(skip).map(handshake).collect::<Vec<_>>() })
    }
}

fn request((request, index): (&Request, u64)) -> Value {
    let mut shown = json!({
        "index": index, "at": request.at, "connection": request.connection, "fingerprint": &*request.fingerprint,
        "resumed": request.resumed, "method": request.method, "path": request.path, "stream": request.stream,
    });
    let presented = &request.presented;
    let optional = [
        ("clientId", &presented.client_id),
        ("jkt", &presented.jkt),
        ("boundTo", &presented.bound_to),
        ("via", &request.via),
    ];
    for (name, value) in optional {
        if let Some(value) = value {
            shown[name] = json!(&**value);
        }
    }
    shown
}
