//! How long to wait before the next attempt: doubling, capped, with full jitter, so that a fleet that lost its collector
//! does not come back as one.

use std::time::Duration;

const BASE: Duration = Duration::from_millis(200);
const CAP: Duration = Duration::from_secs(20);

/// Waits between attempts.
#[derive(Clone, Debug, Default)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    /// The wait after a failure. `share` is random, from 0 to 1; `at_least` is what the other side asked for.
    pub fn after_failure(&mut self, share: f64, at_least: Duration) -> Duration {
        let ceiling = BASE.saturating_mul(1 << self.failures.min(16)).min(CAP);
        self.failures = self.failures.saturating_add(1);
        at_least + ceiling.mul_f64(share.clamp(0.0, 1.0))
    }

    /// It works again.
    pub fn succeeded(&mut self) {
        self.failures = 0;
    }

    /// Failures in a row.
    pub fn failures(&self) -> u32 {
        self.failures
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_up_to_the_cap_and_starts_again() {
        let mut backoff = Backoff::default();
        let waits: Vec<u64> = (0..9).map(|_| backoff.after_failure(1.0, Duration::ZERO).as_millis() as u64).collect();
        assert_eq!(waits, [200, 400, 800, 1600, 3200, 6400, 12_800, 20_000, 20_000]);
        backoff.succeeded();
        assert_eq!(backoff.after_failure(0.5, Duration::from_secs(1)), Duration::from_millis(1100));
        assert_eq!(backoff.after_failure(0.0, Duration::ZERO), Duration::ZERO);
    }
}
