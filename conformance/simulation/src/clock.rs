//! Virtual time: the runtime's own, which is paused and jumps to the next deadline when nobody has anything to do.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use gladhand::clock::{Clock, Sleep};
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use crate::rng::Rng;

/// The time that all parties share.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Time {
    start: Instant,
    wall: Timestamp,
}

impl Time {
    /// Begins now; the wall shows `wall`.
    pub(crate) fn begin(wall: Timestamp) -> Self {
        Self { start: Instant::now(), wall }
    }

    /// Since the beginning.
    pub(crate) fn passed(self) -> Duration {
        self.start.elapsed()
    }

    /// What the wall shows.
    pub(crate) fn now(self) -> Timestamp {
        let passed = SignedDuration::try_from(self.passed()).unwrap_or(SignedDuration::MAX);
        self.wall.saturating_add(passed).unwrap_or(Timestamp::MAX)
    }
}

/// The clock of one process of the TMS: the shared time, and chance of its own.
#[derive(Clone, Debug)]
pub(crate) struct ProcessClock {
    time: Time,
    rng: Arc<Mutex<Rng>>,
}

impl ProcessClock {
    /// On this time.
    pub(crate) fn new(time: Time, rng: Rng) -> Self {
        Self { time, rng: Arc::new(Mutex::new(rng)) }
    }
}

impl Clock for ProcessClock {
    fn now(&self) -> Timestamp {
        self.time.now()
    }

    fn monotonic(&self) -> Duration {
        self.time.passed()
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        Box::pin(tokio::time::sleep(duration))
    }

    fn share(&self) -> f64 {
        self.rng.lock().unwrap_or_else(PoisonError::into_inner).share()
    }
}
