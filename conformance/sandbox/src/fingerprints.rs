//! Which identity came with each request: the carrier's own record, against which a client's rotation is judged.
//!
//! Noted when a request's head was read, before anybody judged it: so the client id and the key of the proof are as
//! presented. Streams are noted when they open and are listed while they are open. `GET /fingerprints` shows it.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::ops::Deref;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use jsonwebtoken::jwk::{Jwk, ThumbprintHash};
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use crate::clock::Clock;

/// Requests kept: a minute of hard load.
const KEPT: usize = 32_768;
/// Handshakes kept.
const HANDSHAKES: usize = 2_048;
/// Requests in one answer.
const PAGE: usize = 10_000;
/// Different names that are kept once each, however many requests bear them.
const NAMES: usize = 1_024;

/// A name that many requests bear: kept once.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Name(Arc<str>);

impl<T: Into<Arc<str>>> From<T> for Name {
    fn from(text: T) -> Self {
        Self(text.into())
    }
}

impl Deref for Name {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl Serialize for Name {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
    }
}

/// What a request presents, besides its certificate.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Presented {
    /// `client_id` of the access token, unverified.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<Name>,
    /// The thumbprint of the proof's key, unverified.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jkt: Option<Name>,
    /// What the token is bound to: the certificate's SHA-256 in hex, if it is bound to one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bound_to: Option<Name>,
    /// `traceparent` (W3C Trace Context).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<Box<str>>,
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
        let traceparent = crate::api::headers::text(headers, "traceparent").map(Into::into);
        Self { client_id: claims["client_id"].as_str().map(Into::into), jkt, bound_to, traceparent }
    }
}

/// A part of a JWS, as JSON.
fn part(token: &str, n: usize) -> Option<Value> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(n)?).ok()?).ok()
}

/// A TLS connection.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Connection {
    /// Its number, from 1.
    #[serde(rename = "connection")]
    pub number: u64,
    /// The certificate's SHA-256 in hex; empty without one.
    pub fingerprint: Name,
    /// Whether the TLS session was resumed.
    pub resumed: bool,
    /// When the handshake was done, in Unix milliseconds.
    pub at: i64,
    /// The version of TLS, such as `TLSv1_3`.
    pub version: String,
    /// The cipher suite.
    pub cipher_suite: String,
    /// The key exchange; absent for some resumed sessions.
    pub key_exchange: Option<String>,
}

/// A request.
#[derive(Clone, Debug, Serialize)]
struct Request {
    index: u64,
    at: i64,
    connection: u64,
    fingerprint: Name,
    #[serde(skip_serializing_if = "Option::is_none")]
    via: Option<Name>,
    resumed: bool,
    method: Name,
    path: Box<str>,
    #[serde(flatten)]
    presented: Presented,
    stream: bool,
}

#[derive(Serialize)]
struct Shown<'a> {
    next: u64,
    lost: u64,
    requests: Vec<&'a Request>,
    streams: Vec<&'a Request>,
    connections: u64,
    resumptions: u64,
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
    names: HashSet<Name>,
}

impl Log {
    /// The one copy of a name.
    fn name(&mut self, name: Name) -> Name {
        if let Some(known) = self.names.get(&name) {
            return known.clone();
        }
        if self.names.len() == NAMES {
            self.names.clear();
        }
        self.names.insert(name.clone());
        name
    }
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
            cipher_suite: connection.negotiated_cipher_suite().map(|s| format!("{:?}", s.suite())).unwrap_or_default(),
            key_exchange: connection.negotiated_key_exchange_group().map(|g| format!("{:?}", g.name())),
        };
        let mut log = self.log.lock().expect("the record of fingerprints");
        if log.handshakes.len() == HANDSHAKES {
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
        let fingerprint: Name = if own { connection.fingerprint.clone() } else { identity.into() };
        let stream = path.starts_with("/gladhand.telemetry.v1.");
        let at = Clock::default().wall().as_millisecond();
        let mut log = self.log.lock().expect("the record of fingerprints");
        if log.requests.len() == KEPT {
            log.requests.pop_front();
            log.gone += 1;
        }
        let index = log.gone + log.requests.len() as u64;
        let Presented { client_id, jkt, bound_to, traceparent } = presented;
        let presented = Presented {
            client_id: client_id.map(|name| log.name(name)),
            jkt: jkt.map(|name| log.name(name)),
            bound_to: bound_to.map(|name| log.name(name)),
            traceparent,
        };
        let noted = Request {
            index,
            at,
            connection: connection.number,
            fingerprint: log.name(fingerprint),
            via: (!own).then(|| connection.fingerprint.clone()),
            resumed: connection.resumed,
            method: log.name(method.as_str().into()),
            path: path.into(),
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
    pub fn to_json(&self, after: u64) -> String {
        let log = self.log.lock().expect("the record of fingerprints");
        let first = after.max(log.gone);
        let skip = usize::try_from(first - log.gone).unwrap_or(usize::MAX);
        let requests: Vec<&Request> = log.requests.iter().skip(skip).take(PAGE).collect();
        let shown = Shown {
            next: first + requests.len() as u64,
            lost: first - after,
            requests,
            streams: log.open.values().collect(),
            connections: self.connections.load(Ordering::SeqCst),
            resumptions: self.resumptions.load(Ordering::SeqCst),
        };
        serde_json::to_string(&shown).unwrap_or_default()
    }

    /// The latest handshakes, as control shows them.
    pub fn handshakes(&self) -> Value {
        let log = self.log.lock().expect("the record of fingerprints");
        json!({ "handshakes": log.handshakes })
    }
}
