//! The carrier: everything that one sandbox process knows, behind one handle that every part shares.

use std::path::PathBuf;
use std::sync::atomic::AtomicU32;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use gladhand_documents::error::Result;
use http::{HeaderMap, Uri};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::ca::Pair;
use crate::clock::Clock;
use crate::collector::Collector;
use crate::contract::Contract;
use crate::credentials::Role;
use crate::faults::Faults;
use crate::fingerprints::Fingerprints;
use crate::limit::Limit;
use crate::oauth::OAuth;
use crate::pki::Pki;
use crate::profile::Profiles;
use crate::requests::Requests;
use crate::security::Security;
use crate::spiffe::Agent;
use crate::state::Store;
use crate::tls::Door;
use crate::webhook;

/// The carrier behind the sandbox.
pub struct Carrier {
    /// Its name, such as `aurora`.
    pub name: String,
    /// Its Standard Carrier Alpha Code.
    pub scac: String,
    /// The one origin: issuer, resource and API.
    pub origin: String,
    /// Where clients reach this process: the origin, unless it is another instance's.
    pub reached: String,
    /// Where credentials and configuration are.
    pub dir: PathBuf,
    /// Vehicles registered to its gateway.
    pub vehicles: Vec<String>,
    /// Business and wall time.
    pub clock: Clock,
    /// The authorization server.
    pub oauth: OAuth,
    /// Authorities, certificates, revocation lists.
    pub pki: Arc<Pki>,
    /// The listener's TLS.
    pub door: Arc<Door>,
    /// The server certificate that is in order: shown unless control asked for another.
    pub good: Mutex<Pair>,
    /// The server's SPIFFE ID.
    pub spiffe_id: String,
    /// Whose certificate lies in which files.
    pub roles: Vec<Role>,
    /// The SPIFFE agent, if there is one.
    pub agent: Option<Arc<Agent>>,
    /// Who came with which identity.
    pub fingerprints: Arc<Fingerprints>,
    /// What was refused.
    pub security: Arc<Security>,
    /// Faults that tests asked for.
    pub faults: Faults,
    /// The contract as it serves it.
    pub contract: Contract,
    /// How many calls it takes.
    pub limit: Limit,
    /// How long every answer of the API is kept, in milliseconds of the machine's clock.
    pub latency_ms: AtomicU32,
    /// How it fails as a whole.
    pub profiles: Profiles,
    /// Requests seen.
    pub requests: Requests,
    /// The keys that sign webhooks.
    pub webhook_keys: webhook::keys::Keys,
    /// What calls webhook receivers.
    pub webhook_client: reqwest::Client,
    /// The telemetry collector; set once, right after the carrier is made.
    pub collector: OnceLock<Collector>,
    /// Ends everything.
    pub stop: CancellationToken,
    store: Mutex<Store>,
    changed: watch::Sender<u64>,
}

/// What a carrier is made of.
pub struct Parts {
    /// Its name.
    pub name: String,
    /// Its origin.
    pub origin: String,
    /// Its authorization server.
    pub oauth: OAuth,
    /// Where clients reach it.
    pub reached: String,
    /// Its folder.
    pub dir: PathBuf,
    /// Its authorities.
    pub pki: Arc<Pki>,
    /// Its listener's TLS.
    pub door: Arc<Door>,
    /// Its certificate.
    pub good: Pair,
    /// Its SPIFFE ID.
    pub spiffe_id: String,
    /// Whose certificate lies in which files.
    pub roles: Vec<Role>,
    /// Its SPIFFE agent.
    pub agent: Option<Arc<Agent>>,
    /// Its security log, which the listener writes to as well.
    pub security: Arc<Security>,
    /// TLS towards webhook receivers.
    pub webhook_tls: rustls::ClientConfig,
    /// Its clock.
    pub clock: Clock,
}

impl Carrier {
    /// A carrier with a full stock and no tenders.
    pub fn new(parts: Parts) -> Result<Self> {
        let clock = parts.clock;
        let store = Store::new(&parts.name, &parts.reached, clock.now());
        Ok(Self {
            scac: scac(&parts.name),
            vehicles: (417..420).map(|n| format!("{}-trk-{n:04}", parts.name)).collect(),
            name: parts.name,
            origin: parts.origin,
            clock,
            oauth: parts.oauth,
            reached: parts.reached,
            dir: parts.dir,
            pki: parts.pki,
            door: parts.door,
            good: Mutex::new(parts.good),
            spiffe_id: parts.spiffe_id,
            roles: parts.roles,
            agent: parts.agent,
            fingerprints: Arc::default(),
            security: parts.security,
            faults: Faults::default(),
            contract: Contract::default(),
            limit: Limit::default(),
            latency_ms: AtomicU32::new(0),
            profiles: Profiles::default(),
            requests: Requests::default(),
            webhook_keys: webhook::keys::Keys::new()?,
            webhook_client: webhook::client(parts.webhook_tls)?,
            collector: OnceLock::new(),
            stop: CancellationToken::new(),
            store: Mutex::new(store),
            changed: watch::Sender::new(0),
        })
    }

    /// The state, for one atomic step. Whatever deadline has passed takes effect before the caller sees anything, so
    /// the order of commits is the order of history. Whoever changes something calls [`Carrier::notify`] afterwards.
    pub fn store(&self) -> MutexGuard<'_, Store> {
        // A step that panicked lost itself; the carrier goes on.
        let mut store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        if store.tick(self.clock.now(), self.clock.wall()) {
            self.notify();
        }
        store
    }

    /// Wakes everyone who waits for a change.
    pub fn notify(&self) {
        self.changed.send_modify(|n| *n = n.wrapping_add(1));
    }

    /// A view that wakes on each change. Take it before looking at the state.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// The origin that a request was sent to, if it is one of the names of this server; else the canonical one, so that
    /// a foreign name never matches a proof.
    pub fn authority(&self, headers: &HeaderMap, uri: &Uri) -> String {
        let sent_to = uri
            .authority()
            .map(http::uri::Authority::as_str)
            .or_else(|| headers.get(http::header::HOST).and_then(|host| host.to_str().ok()));
        let local = |origin: &str| origin.replace("//127.0.0.1:", "//localhost:");
        let names = [self.reached.clone(), local(&self.reached), local(&self.origin)];
        let sent_to = sent_to.map(|authority| format!("https://{authority}"));
        names.into_iter().find(|name| sent_to.as_ref() == Some(name)).unwrap_or_else(|| self.origin.clone())
    }
}

/// A four-letter code from the name: `aurora` has AURR, any other its first letters.
pub(crate) fn scac(name: &str) -> String {
    if name == "aurora" {
        return "AURR".to_owned();
    }
    let letters: String = name.chars().filter(char::is_ascii_alphabetic).take(4).collect();
    format!("{:X<4}", letters.to_ascii_uppercase())
}
