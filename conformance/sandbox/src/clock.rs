//! Two clocks. *Business* time is virtual: it runs with the machine's clock, and the control interface may push it
//! ahead; every deadline of a tender, an offer or a command follows it. *Wall* time is the machine's clock and is what
//! tokens, proofs and webhook timestamps are judged by, because the peer makes those with a clock of its own.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// The sandbox's clocks. Virtual time never runs backwards.
#[derive(Debug, Default)]
pub struct Clock {
    ahead_ms: AtomicI64,
}

impl Clock {
    /// Business time now.
    pub fn now(&self) -> Timestamp {
        let ahead = SignedDuration::from_millis(self.ahead_ms.load(Ordering::SeqCst));
        self.wall().saturating_add(ahead).unwrap_or(Timestamp::MAX)
    }

    /// The machine's clock.
    #[allow(clippy::unused_self, reason = "the one place that reads the machine's clock")]
    pub fn wall(&self) -> Timestamp {
        Timestamp::now()
    }

    /// The machine's clock in whole seconds of Unix time, as JWTs and webhooks count.
    pub fn unix(&self) -> u64 {
        u64::try_from(self.wall().as_second()).unwrap_or(0)
    }

    /// Pushes business time ahead.
    pub fn advance(&self, by: Duration) {
        self.ahead_ms.fetch_add(i64::try_from(by.as_millis()).unwrap_or(0), Ordering::SeqCst);
    }

    /// How long, in business time, until `deadline`; zero once it has passed.
    pub fn until(&self, deadline: Timestamp) -> Duration {
        Duration::try_from(deadline.duration_since(self.now())).unwrap_or(Duration::ZERO)
    }
}

/// RFC 3339 in UTC with milliseconds, as every document of the sandbox writes instants.
pub fn rfc3339(at: Timestamp) -> String {
    format!("{at:.3}")
}

/// `seconds` after `at`.
pub fn plus_seconds(at: Timestamp, seconds: i64) -> Timestamp {
    at.saturating_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX)
}
