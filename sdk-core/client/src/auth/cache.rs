//! Which tokens there are. One cache belongs to one generation of one carrier's caller, so a token never serves another
//! partner, client, resource, key or certificate; within it, the key is profile and scope.
//!
//! A token is renewed at 80 % of its life, by one flight however many wait; while it lives, callers get it at once and
//! the renewal runs beside them, so an authorization server that is down does not stop a call until the token's end.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use gladhand_documents::error::{Error, Result};
use tokio::sync::{Mutex as Flight, OwnedMutexGuard};

use super::call::Profile;
use super::random;
use crate::clock::SharedClock;
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
pub(crate) struct TokenCache(Mutex<HashMap<TokenKey, Arc<Slot>>>);

#[derive(Default)]
struct Slot {
    state: Mutex<State>,
    flight: Arc<Flight<()>>,
}

#[derive(Default)]
struct State {
    token: Option<Arc<AccessToken>>,
    failure: Option<Failure>,
}

/// The last attempt failed; nobody asks again before `until`.
struct Failure {
    error: Error,
    until: Duration,
    row: u32,
}

/// The first wait after a failure; it doubles up to [`LONGEST_WAIT`].
const FIRST_WAIT: Duration = Duration::from_millis(250);
const LONGEST_WAIT: Duration = Duration::from_secs(10);

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
        let flight = slot.flight.clone().lock_owned().await;
        // Whoever held the flight before us may have brought it, or failed.
        let now = clock.monotonic();
        if let Some(token) = slot.living(now) {
            return Ok(token);
        }
        slot.may_ask(now)?;
        renew(slot, flight, clock.clone(), fetch()).await
    }

    /// The token of `key`, if there is one, whatever its age.
    pub(super) fn peek(&self, key: &TokenKey) -> Option<Arc<AccessToken>> {
        self.slot(key).state().token.clone()
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
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        slots.entry(key.clone()).or_default().clone()
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

    /// The last failure, while it holds.
    fn may_ask(&self, now: Duration) -> Result<()> {
        match &self.state().failure {
            Some(failure) if now < failure.until => {
                let wait = u64::try_from(failure.until.saturating_sub(now).as_millis()).unwrap_or(u64::MAX);
                Err(failure.error.clone().with_retry_after_ms(wait.max(1)))
            }
            _ => Ok(()),
        }
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
    let asked = clock.monotonic();
    let outcome = fetch.await;
    let mut state = slot.state();
    match outcome {
        Ok(fetched) => {
            let token = Arc::new(token(fetched, asked));
            *state = State { token: Some(token.clone()), failure: None };
            Ok(token)
        }
        Err(error) => {
            let row = state.failure.as_ref().map_or(0, |failure| failure.row + 1);
            let backoff = FIRST_WAIT.saturating_mul(1 << row.min(10)).min(LONGEST_WAIT);
            let wait = error.retry_after_ms().map_or(backoff, |ms| Duration::from_millis(ms).max(backoff));
            state.failure = Some(Failure { error: error.clone(), until: clock.monotonic() + wait, row });
            Err(error)
        }
    }
}

fn token(fetched: Fetched, asked: Duration) -> AccessToken {
    let life = fetched.lifetime;
    // Up to 5 % earlier, so that many processes do not renew at once.
    let renew_after = life.mul_f64(0.80 - 0.05 * random::share());
    // A margin for the way to the server, at most a tenth of a short life.
    let margin = Duration::from_secs(10).min(life / 10);
    AccessToken { value: fetched.value, renew_at: asked + renew_after, expires_at: asked + life.saturating_sub(margin) }
}

#[cfg(test)]
#[path = "cache_tests.rs"]
mod tests;
