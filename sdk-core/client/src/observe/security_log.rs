//! The channel of security events: to `tracing` (target `gladhand::security`), to counters, and to whoever reads a stream.
//! Bounded: a reader that is too slow is told how many it missed.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use gladhand_documents::json::Document;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use super::security::{Activity, SecurityEvent};
use crate::auth::random;
use crate::clock::SharedClock;

/// How many events wait for a slow reader.
const WAITING: usize = 1024;

/// The security log of one client. Clones are the same log.
#[derive(Clone)]
pub struct SecurityLog(Arc<Inner>);

struct Inner {
    clock: SharedClock,
    sender: broadcast::Sender<Document>,
    counts: Mutex<BTreeMap<(&'static str, bool), u64>>,
}

impl SecurityLog {
    /// A log without readers yet.
    pub fn new(clock: SharedClock) -> Self {
        Self(Arc::new(Inner { clock, sender: broadcast::Sender::new(WAITING), counts: Mutex::default() }))
    }

    /// Records an event. Never blocks and never fails.
    pub fn emit(&self, event: &SecurityEvent) {
        let name = event.activity().as_str();
        let uid = random::unique().unwrap_or_default();
        let document = event.document(self.0.clock.now(), &uid);
        if event.succeeded() && event.activity() != Activity::ExpiryWarning {
            tracing::info!(target: "gladhand::security", event = name, uid, ocsf = document.as_str(), "security event");
        } else {
            tracing::warn!(target: "gladhand::security", event = name, uid, ocsf = document.as_str(), "security event");
        }
        *self.0.counts.lock().unwrap_or_else(PoisonError::into_inner).entry((name, event.succeeded())).or_default() +=
            1;
        // Nobody reads: that is fine.
        let _ = self.0.sender.send(document);
    }

    /// Reads from now on.
    pub fn stream(&self) -> SecurityStream {
        SecurityStream { receiver: self.0.sender.subscribe(), skipped: 0 }
    }

    /// How often each activity succeeded (`true`) or failed, since the client was made.
    pub fn counts(&self) -> BTreeMap<(&'static str, bool), u64> {
        self.0.counts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl fmt::Debug for SecurityLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecurityLog").field("counts", &self.counts()).finish_non_exhaustive()
    }
}

/// A reader of the log.
#[derive(Debug)]
pub struct SecurityStream {
    receiver: broadcast::Receiver<Document>,
    skipped: u64,
}

impl SecurityStream {
    /// The next event (an OCSF document); `None` once the client is gone. Cancel-safe.
    pub async fn next(&mut self) -> Option<Document> {
        loop {
            match self.receiver.recv().await {
                Ok(event) => return Some(event),
                Err(RecvError::Lagged(missed)) => self.skipped += missed,
                Err(RecvError::Closed) => return None,
            }
        }
    }

    /// How many events this reader was too slow for.
    pub fn skipped(&self) -> u64 {
        self.skipped
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::TestClock;

    #[tokio::test]
    async fn events_are_counted_and_read_and_a_slow_reader_knows_what_it_missed() {
        let log = SecurityLog::new(Arc::new(TestClock::at("2026-02-20T08:00:00Z".parse().unwrap())));
        let mut stream = log.stream();
        for _ in 0..WAITING + 10 {
            log.emit(&SecurityEvent::new(Activity::TokenObtained).carrier("aurora"));
        }
        assert_eq!(stream.next().await.unwrap().text("/service/name").unwrap(), "aurora");
        assert_eq!(stream.skipped(), 10);
        assert_eq!(log.counts()[&("token_obtained", true)], WAITING as u64 + 10);
        drop(log);
        let mut left = 0;
        while stream.next().await.is_some() {
            left += 1;
        }
        assert_eq!(left, WAITING - 1);
    }
}
