//! Three clocks. *Business* time is virtual: it runs with the machine's clock, and the control interface may push it
//! ahead; every deadline of a tender, an offer or a command follows it. *Wall* time is the machine's clock and is what
//! tokens and proofs are judged by, because the peer makes those with a clock of its own. *Shown* time is what `Date`
//! and the timestamps of webhooks say: wall time, unless the carrier's clock is set wrong, and then business time is
//! wrong by as much.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// What takes the machine's clock's place in a simulation.
type Source = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The sandbox's clocks. Virtual time never runs backwards, but for the moment at which the clock is set wrong.
#[derive(Default)]
pub struct Clock {
    ahead_ms: AtomicI64,
    skew_ms: AtomicI64,
    source: Option<Source>,
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clock")
            .field("ahead_ms", &self.ahead_ms)
            .field("skew_ms", &self.skew_ms)
            .finish_non_exhaustive()
    }
}

impl Clock {
    /// A clock on another time than the machine's.
    pub fn on(source: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self { source: Some(Arc::new(source)), ..Self::default() }
    }

    /// Business time now.
    pub fn now(&self) -> Timestamp {
        let ahead = SignedDuration::from_millis(self.ahead_ms.load(Ordering::SeqCst));
        self.shown().saturating_add(ahead).unwrap_or(Timestamp::MAX)
    }

    /// What the carrier takes the time to be when it dates an answer or a webhook.
    pub fn shown(&self) -> Timestamp {
        let skew = SignedDuration::from_millis(self.skew_ms.load(Ordering::SeqCst));
        self.wall().saturating_add(skew).unwrap_or(Timestamp::MAX)
    }

    /// Sets the carrier's clock wrong by this much; zero sets it right.
    pub fn skew(&self, by: SignedDuration) {
        self.skew_ms.store(i64::try_from(by.as_millis()).unwrap_or(0), Ordering::SeqCst);
    }

    /// The machine's clock.
    pub fn wall(&self) -> Timestamp {
        self.source.as_ref().map_or_else(Timestamp::now, |source| source())
    }

    /// The machine's clock in whole seconds of Unix time, as JWTs count.
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

/// An instant as control reads and discovery writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instant(pub Timestamp);

impl Serialize for Instant {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&rfc3339(self.0))
    }
}

impl<'de> Deserialize<'de> for Instant {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map(Self).map_err(serde::de::Error::custom)
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
