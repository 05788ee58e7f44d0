//! The generation in use at one carrier, the ones that drain, and how one takes the other's place (identity §1).
//!
//! Published as one object: whoever asks for the current generation gets certificate, connections and tokens that belong
//! together. Calls in flight finish on the old one; its streams are told to open again; what is left of it is cut at the
//! earlier of the drain limit and a margin before its certificate ends.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use arc_swap::ArcSwap;
use gladhand_documents::error::{Code, Error};
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{CertificateFacts, Generation};
use crate::clock::{Clock, SharedClock};
use crate::transport::Cut;

/// The longest that a generation drains: the longest deadline that a call can have.
const DRAIN: Duration = Duration::from_secs(600);
/// How much before the end of a certificate nothing must run on it any more; a tenth of a life that is shorter than ten
/// minutes.
const MARGIN: Duration = Duration::from_secs(60);
/// The longest sleep: a wall clock that is corrected meanwhile is noticed.
const NAP: Duration = Duration::from_secs(60);

/// The generations of one carrier.
pub struct Epochs {
    current: ArcSwap<Generation>,
    draining: Mutex<Vec<Weak<Generation>>>,
    clock: SharedClock,
    last: AtomicU64,
    /// One publication at a time.
    turn: tokio::sync::Mutex<()>,
    /// How many publications were asked for: an older one gives way.
    asked: watch::Sender<u64>,
    /// The newest publication that has come to its end, however that was.
    done: watch::Sender<u64>,
    end: CancellationToken,
    _guard: DropGuard,
}

impl Epochs {
    /// Begins with this generation.
    pub fn new(first: Generation, clock: SharedClock) -> Self {
        let end = CancellationToken::new();
        Self {
            last: AtomicU64::new(first.number()),
            current: ArcSwap::from_pointee(first),
            draining: Mutex::default(),
            clock,
            turn: tokio::sync::Mutex::default(),
            asked: watch::Sender::new(0),
            done: watch::Sender::new(0),
            _guard: end.clone().drop_guard(),
            end,
        }
    }

    /// The generation in use now. Keep what this returns for the whole of a call or stream.
    pub fn current(&self) -> Arc<Generation> {
        self.current.load_full()
    }

    /// Those that an open call still holds, oldest first.
    pub fn draining(&self) -> Vec<Arc<Generation>> {
        self.drained().iter().filter_map(Weak::upgrade).collect()
    }

    /// Puts `next` in the place of the current generation, which begins to drain. Needs a Tokio runtime.
    pub fn publish(&self, next: Arc<Generation>) -> Arc<Generation> {
        let old = self.current.swap(next.clone());
        old.retire();
        let mut draining = self.drained();
        draining.retain(|generation| generation.strong_count() > 0);
        draining.push(Arc::downgrade(&old));
        drop(draining);
        let stop = cut_before(old.identity().facts());
        tokio::spawn(drain(old.end().clone(), stop, self.clock.clone(), self.end.clone()));
        next
    }

    /// Takes the identity away at once: what runs on it is cut, and calls fail with `why` until another generation is
    /// published.
    pub fn revoke(&self, why: &Error) {
        let current = self.current();
        for generation in self.draining().iter().chain([&current]) {
            generation.end().now(why.clone());
            generation.retire();
        }
    }

    /// [`Epochs::revoke`] with `identity_revoked`.
    pub fn revoke_now(&self) {
        self.revoke(&Error::new(Code::IdentityRevoked, "the identity was taken away by revoke_now()"));
    }

    /// Cuts the current generation if its certificate has ended.
    pub(super) fn expire(&self) {
        let current = self.current();
        if let Err(error) = current.identity().check_validity(&*self.clock)
            && self.clock.now() > current.identity().facts().not_after()
        {
            current.end().now(error);
        }
    }

    pub(crate) fn next_number(&self) -> u64 {
        self.last.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Asks to publish something newer than all that was asked for before.
    pub(crate) fn ask(&self) -> Turn<'_> {
        let mut number = 0;
        self.asked.send_modify(|asked| {
            *asked += 1;
            number = *asked;
        });
        Turn { epochs: self, number, asked: self.asked.subscribe() }
    }

    fn drained(&self) -> MutexGuard<'_, Vec<Weak<Generation>>> {
        // A list of weak references: never half-changed.
        self.draining.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A wish to publish.
pub(crate) struct Turn<'a> {
    epochs: &'a Epochs,
    number: u64,
    asked: watch::Receiver<u64>,
}

impl Turn<'_> {
    /// Waits until no other publication is under way. `None` if a newer one was asked for meanwhile.
    pub(crate) async fn begin(&self) -> Option<tokio::sync::MutexGuard<'_, ()>> {
        let guard = self.epochs.turn.lock().await;
        (*self.asked.borrow() == self.number).then_some(guard)
    }

    /// Waits until a newer publication has come to its end. Give up the turn first.
    pub(crate) async fn newer_is_done(&self) {
        let (mut done, number) = (self.epochs.done.subscribe(), self.number);
        // The sender is a field of what this borrows.
        let _ = done.wait_for(|done| *done > number).await;
    }

    /// Waits until a newer publication is asked for.
    pub(crate) async fn superseded(&self) {
        let mut asked = self.asked.clone();
        let number = self.number;
        if asked.wait_for(|asked| *asked > number).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.epochs.done.send_if_modified(|done| {
            let newer = self.number > *done;
            *done = self.number.max(*done);
            newer
        });
    }
}

/// When everything on a certificate must have ended.
pub(crate) fn cut_before(facts: &CertificateFacts) -> jiff::Timestamp {
    let life = Duration::try_from(facts.not_after().duration_since(facts.not_before())).unwrap_or_default();
    let margin = jiff::SignedDuration::try_from(MARGIN.min(life / 10)).unwrap_or_default();
    facts.not_after().saturating_sub(margin).unwrap_or(facts.not_after())
}

/// Sleeps until `at`, however the wall clock is corrected meanwhile.
pub(crate) async fn sleep_until(clock: &dyn Clock, at: jiff::Timestamp) {
    while let Ok(left) = Duration::try_from(at.duration_since(clock.now()))
        && !left.is_zero()
    {
        clock.sleep(left.min(NAP)).await;
    }
}

async fn drain(cut: Cut, before: jiff::Timestamp, clock: SharedClock, end: CancellationToken) {
    let why = tokio::select! {
        () = cut.token().cancelled() => return,
        () = end.cancelled() => return,
        () = clock.sleep(DRAIN) => "the identity was renewed, and its last calls took too long",
        () = sleep_until(&*clock, before) => "the identity was renewed, and the old certificate ends",
    };
    cut.now(Error::new(Code::ConnectionLost, why));
}

impl fmt::Debug for Epochs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Epochs")
            .field("current", &self.current())
            .field("draining", &self.draining().len())
            .finish_non_exhaustive()
    }
}
