//! Which tokens there are. One cache belongs to one generation of one carrier's caller, so a token never serves another
//! partner, client, resource, key or certificate; within it, the key is profile and scope.
//!
//! A token is renewed at 80 % of its life, by one flight however many wait; while it lives, callers get it at once and
//! the renewal runs beside them, so an authorization server that is down does not stop a call until the token's end.
//! After a failure, [`super::breaker`] says when to ask again.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use gladhand_documents::error::{Error, Result};
use tokio::sync::{Mutex as Flight, OwnedMutexGuard};

use super::breaker::{Breaker, is_temporary};
use super::call::Profile;
use crate::clock::SharedClock;
use crate::observe::{Expiry, Subject};
use crate::secret::Secret;
use crate::transport::BoxFuture;

/// A token as it was answered.
pub(super) struct Fetched {
    pub(super) value: Secret,
    pub(super) lifetime: Duration,
}

/// A token in use. Times are of the monotonic clock.
pub(super) struct AccessToken {
    value: Secret,
    renew_at: Duration,
    expires_at: Duration,
    /// When it was asked for and when it ends, by the wall clock: for people.
    shown: (jiff::Timestamp, jiff::Timestamp),
}

impl AccessToken {
    pub(super) fn value(&self) -> &Secret {
        &self.value
    }
}

/// What tells tokens of one cache apart.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct TokenKey {
    pub(super) profile: Profile,
    /// Scopes in the order they were asked for, separated by one space.
    pub(super) scope: &'static str,
}

/// The tokens of one generation.
#[derive(Default)]
pub(crate) struct TokenCache {
    slots: Mutex<HashMap<TokenKey, Arc<Slot>>>,
    /// Temporary failures: they are of the server, whatever was asked for.
    server: Arc<Mutex<Breaker>>,
}

#[derive(Default)]
struct Slot {
    state: Mutex<State>,
    flight: Arc<Flight<()>>,
    server: Arc<Mutex<Breaker>>,
}

#[derive(Default)]
struct State {
    token: Option<Arc<AccessToken>>,
    /// Hard failures: they are of what was asked for.
    refused: Breaker,
    /// How many attempts have ended, and how the last one did if it failed: for those who waited for it.
    attempts: u64,
    failed: Option<Error>,
}

impl TokenCache {
    /// The token of `key`. `fetch` is called by at most one caller at a time.
    pub(super) async fn get<F>(&self, key: &TokenKey, clock: &SharedClock, fetch: F) -> Result<Arc<AccessToken>>
    where
        F: FnOnce() -> BoxFuture<'static, Result<Fetched>>,
    {
        let slot = self.slot(key);
        let now = clock.monotonic();
        if let Some(token) = slot.living(now) {
            if now >= token.renew_at
                && slot.may_ask(now).is_ok()
                && let Ok(flight) = slot.flight.clone().try_lock_owned()
            {
                tokio::spawn(renew(slot, flight, clock.clone(), fetch()));
            }
            return Ok(token);
        }
        let attempts = slot.state().attempts;
        let flight = slot.flight.clone().lock_owned().await;
        // Whoever held the flight before us may have brought it, or failed.
        let now = clock.monotonic();
        if let Some(token) = slot.living(now) {
            return Ok(token);
        }
        if let Some(error) = slot.failed_since(attempts) {
            return Err(error);
        }
        slot.may_ask(now)?;
        renew(slot, flight, clock.clone(), fetch()).await
    }

    /// The token of `key`, if there is one, whatever its age.
    pub(super) fn peek(&self, key: &TokenKey) -> Option<Arc<AccessToken>> {
        self.slot(key).state().token.clone()
    }

    /// What tokens are alive: what another generation will be asked for.
    pub(super) fn in_use(&self, now: Duration) -> Vec<TokenKey> {
        let slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        slots.iter().filter(|(_, slot)| slot.living(now).is_some()).map(|(key, _)| key.clone()).collect()
    }

    /// When the living tokens end. One that nobody renewed is gone and no concern.
    pub(super) fn expiries(&self, carrier: &str, now: Duration) -> Vec<Expiry> {
        let slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let mut out: Vec<Expiry> = slots
            .iter()
            .filter_map(|(key, slot)| {
                let (from, until) = slot.living(now)?.shown;
                let id = format!("{} {}", key.profile.as_str(), key.scope);
                Some(Expiry { subject: Subject::Token, id, carrier: Some(carrier.to_owned()), from, until })
            })
            .collect();
        out.sort_by(|a, b| a.id.cmp(&b.id));
        out
    }

    /// Forgets this token, unless another has taken its place already.
    pub(super) fn forget(&self, key: &TokenKey, token: &Arc<AccessToken>) {
        let slot = self.slot(key);
        let mut state = slot.state();
        if state.token.as_ref().is_some_and(|current| Arc::ptr_eq(current, token)) {
            state.token = None;
        }
    }

    fn slot(&self, key: &TokenKey) -> Arc<Slot> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || Arc::new(Slot { server: self.server.clone(), ..Slot::default() });
        slots.entry(key.clone()).or_insert_with(new).clone()
    }
}

impl fmt::Debug for TokenCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenCache")
    }
}

impl Slot {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn living(&self, now: Duration) -> Option<Arc<AccessToken>> {
        self.state().token.clone().filter(|token| now < token.expires_at)
    }

    fn server(&self) -> MutexGuard<'_, Breaker> {
        self.server.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The last failure, while it holds.
    fn may_ask(&self, now: Duration) -> Result<()> {
        self.server().may_ask(now)?;
        self.state().refused.may_ask(now)
    }

    /// How the last attempt failed, if it ended after this many had.
    fn failed_since(&self, attempts: u64) -> Option<Error> {
        let state = self.state();
        state.failed.clone().filter(|_| state.attempts > attempts)
    }
}

/// Fetches, and stores what came. The flight ends with the guard, also when the caller goes away.
async fn renew(
    slot: Arc<Slot>,
    _flight: OwnedMutexGuard<()>,
    clock: SharedClock,
    fetch: BoxFuture<'static, Result<Fetched>>,
) -> Result<Arc<AccessToken>> {
    // The life of a token counts from before it was asked for: better renewed too early than used too late.
    let (asked, wall) = (clock.monotonic(), clock.now());
    let outcome = fetch.await;
    let now = clock.monotonic();
    let mut state = slot.state();
    state.attempts += 1;
    match outcome {
        Ok(fetched) => {
            let token = Arc::new(token(fetched, asked, wall, clock.share()));
            (state.token, state.failed) = (Some(token.clone()), None);
            state.refused.succeeded();
            slot.server().succeeded();
            Ok(token)
        }
        Err(error) => {
            state.failed = Some(error.clone());
            if is_temporary(&error) {
                slot.server().failed(&error, now);
            } else {
                state.refused.failed(&error, now);
            }
            Err(error)
        }
    }
}

fn token(fetched: Fetched, asked: Duration, wall: jiff::Timestamp, spread: f64) -> AccessToken {
    let life = fetched.lifetime;
    // Up to 5 % earlier, so that many processes do not renew at once.
    let renew_after = life.mul_f64(0.80 - 0.05 * spread);
    // A margin for the way to the server, at most a tenth of a short life.
    let margin = Duration::from_secs(10).min(life / 10);
    let ends = jiff::SignedDuration::try_from(life).ok().and_then(|life| wall.checked_add(life).ok());
    AccessToken {
        value: fetched.value,
        renew_at: asked + renew_after,
        expires_at: asked + life.saturating_sub(margin),
        shown: (wall, ends.unwrap_or(jiff::Timestamp::MAX)),
    }
}

#[cfg(test)]
#[path = "cache_tests.rs"]
mod tests;
