//! The key set of an issuer (identity §4): read when it is needed, used for five minutes or as long as the issuer says if that is shorter, read again early when a token names
//! a key that it lacks, but never more often than once in 30 seconds, whatever tokens come and even if the set is empty. When
//! the issuer fails, the last good set serves for an hour. Only the address from the checked metadata is ever asked; what a
//! token's header points to is not.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use gladhand_documents::error::{Code, Error, Result};
use gladhand_protocol::proof::keyset::KeySet;
use gladhand_protocol::proof::token::Checked;
use http::header::CACHE_CONTROL;
use http::{HeaderMap, StatusCode};
use tokio::sync::Mutex as Flight;
use url::Url;

use super::breaker::Breaker;
use super::discovery;
use super::verifier::{Verifier, is_authentic};
use crate::clock::Clock;
use crate::observe::{Activity, Expiry, SecurityEvent, SecurityLog, Subject};
use crate::transport::Transport;

/// How long a set is used before it is read again.
const TTL: Duration = Duration::from_secs(300);

/// However short the issuer says, a set is used for so long.
const SHORTEST_TTL: Duration = Duration::from_secs(2);

/// How long nobody asks again after a token named an unknown key.
const COOLDOWN: Duration = Duration::from_secs(30);

/// How long a set still serves when the issuer fails, counted from when it was read.
const STALE_LIMIT: Duration = Duration::from_secs(3600);

/// The key set of one issuer, shared by all generations of a carrier's caller.
#[derive(Debug)]
pub(super) struct RemoteKeys {
    verifier: Arc<dyn Verifier>,
    state: Mutex<State>,
    flight: Flight<()>,
}

#[derive(Debug, Default)]
struct State {
    set: Option<Arc<Loaded>>,
    /// When the issuer was asked last, on the monotonic clock.
    asked: Option<Duration>,
    breaker: Breaker,
}

#[derive(Debug)]
struct Loaded {
    keys: KeySet,
    ttl: Duration,
    at: Duration,
    wall: jiff::Timestamp,
}

/// Where a set is read, and by what.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) issuer: &'a str,
    pub(super) carrier: &'a str,
    pub(super) url: &'a Url,
    pub(super) network: &'a dyn Transport,
    pub(super) clock: &'a dyn Clock,
    pub(super) deadline: Duration,
    pub(super) security: &'a SecurityLog,
}

impl RemoteKeys {
    pub(super) fn new(verifier: Arc<dyn Verifier>) -> Self {
        Self { verifier, state: Mutex::default(), flight: Flight::default() }
    }

    /// Checks the signature of a token. Codes: `token_signature_invalid`; `token_unavailable`, `unexpected_answer` and those
    /// of the transport while there is no set to check with.
    pub(super) async fn check(&self, token: &Checked<'_>, source: Source<'_>) -> Result<()> {
        let set = self.current(source).await?;
        if self.holds(&set, token) {
            return Ok(());
        }
        // The key may be newer than the set, also under an old name.
        let newer = self.newer_than(&set, source).await;
        if newer.as_ref().is_some_and(|newer| self.holds(newer, token)) {
            return Ok(());
        }
        let set = newer.unwrap_or(set);
        let why = match set.keys.candidates(token.token.parts().key_id(), token.algorithm).next() {
            Some(_) => format!("the token's signature does not hold against the keys of `{}`", source.issuer),
            None => format!("the token names a key that `{}` does not publish", source.issuer),
        };
        Err(Error::new(Code::TokenSignatureInvalid, why))
    }

    /// When the set in use is to be read again.
    pub(super) fn expiry(&self, issuer: &str, carrier: &str) -> Option<Expiry> {
        let loaded = self.state().set.clone()?;
        let life = jiff::SignedDuration::try_from(loaded.ttl).unwrap_or(jiff::SignedDuration::ZERO);
        Some(Expiry {
            subject: Subject::KeySet,
            id: issuer.to_owned(),
            carrier: Some(carrier.to_owned()),
            from: loaded.wall,
            until: loaded.wall.saturating_add(life).unwrap_or(jiff::Timestamp::MAX),
        })
    }

    fn holds(&self, set: &Loaded, token: &Checked<'_>) -> bool {
        is_authentic(&*self.verifier, &set.keys, token.token.parts(), token.algorithm)
    }

    /// The set, read if there is none or it is old. One flight, however many ask.
    async fn current(&self, source: Source<'_>) -> Result<Arc<Loaded>> {
        let _flight = self.flight.lock().await;
        let now = source.clock.monotonic();
        let known = self.state().set.clone();
        if let Some(set) = known.as_ref().filter(|set| now < set.at + set.ttl) {
            return Ok(set.clone());
        }
        let held = self.state().breaker.may_ask(now);
        let outcome = match held {
            Ok(()) => self.read(source).await,
            Err(error) => Err(error),
        };
        match (outcome, known) {
            (Err(_), Some(set)) if now < set.at + STALE_LIMIT => Ok(set),
            (outcome, _) => outcome,
        }
    }

    /// A set that is newer than this one: somebody else's, or one that is read now, if the issuer may be asked again.
    async fn newer_than(&self, old: &Arc<Loaded>, source: Source<'_>) -> Option<Arc<Loaded>> {
        let _flight = self.flight.lock().await;
        let (set, asked) = {
            let state = self.state();
            (state.set.clone(), state.asked)
        };
        if let Some(set) = set.filter(|set| !Arc::ptr_eq(set, old)) {
            return Some(set);
        }
        let now = source.clock.monotonic();
        if asked.is_some_and(|asked| now < asked + COOLDOWN) || self.state().breaker.may_ask(now).is_err() {
            return None;
        }
        self.read(source).await.ok()
    }

    /// Asks the issuer, and stores what came. What fails changes no key.
    async fn read(&self, source: Source<'_>) -> Result<Arc<Loaded>> {
        let asked = source.clock.monotonic();
        let outcome = fetch(source).await;
        let mut state = self.state();
        state.asked = Some(asked);
        let event = match &outcome {
            Ok((keys, _)) => SecurityEvent::new(Activity::KeySetRead).fact("keys", keys.len()),
            Err(error) => SecurityEvent::failed(Activity::KeySetRead, error),
        };
        source.security.emit(&event.carrier(source.carrier).fact("issuer", source.issuer));
        match outcome {
            Ok((keys, ttl)) => {
                state.breaker.succeeded();
                let loaded = Arc::new(Loaded { keys, ttl, at: asked, wall: source.clock.now() });
                state.set = Some(loaded.clone());
                Ok(loaded)
            }
            Err(error) => {
                state.breaker.failed(&error, source.clock.monotonic());
                Err(error)
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The set, and how long it is good for.
async fn fetch(source: Source<'_>) -> Result<(KeySet, Duration)> {
    let answer = source.network.send(discovery::get(source.url.clone(), source.deadline)).await?;
    if answer.status != StatusCode::OK {
        return Err(discovery::refused(source.url, &answer, source.clock));
    }
    let keys = KeySet::parse(&answer.body)
        .ok_or_else(|| Error::new(Code::UnexpectedAnswer, format!("{} is not a key set", source.url)))?;
    Ok((keys, max_age(&answer.headers).unwrap_or(TTL).clamp(SHORTEST_TTL, TTL)))
}

/// `max-age` of `Cache-Control` (RFC 9111 §5.2.2.1): an issuer that exchanges its keys often says how long a set is good.
fn max_age(headers: &HeaderMap) -> Option<Duration> {
    let directives = headers.get_all(CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok());
    let seconds = directives.flat_map(|value| value.split(',')).find_map(|directive| {
        let (name, value) = directive.split_once('=')?;
        name.trim().eq_ignore_ascii_case("max-age").then(|| value.trim().trim_matches('"').parse().ok())?
    });
    seconds.map(Duration::from_secs)
}

#[cfg(test)]
#[path = "jwks_tests.rs"]
mod tests;
