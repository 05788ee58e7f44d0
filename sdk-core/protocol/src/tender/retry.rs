//! When to try again (contract 4d): capped exponential backoff with full jitter, and a budget that stops retries from
//! drowning a carrier that is in trouble. Randomness and time come from the caller.

use std::time::Duration;

/// A schedule of attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// Attempts in all; 0 for without end.
    pub attempts: u32,
    /// The ceiling of the first wait.
    pub base: Duration,
    /// The ceiling of every wait.
    pub cap: Duration,
}

impl Backoff {
    /// What a caller waits for: three attempts, 200 ms, at most 20 s.
    pub const FOREGROUND: Self = Self { attempts: 3, base: Duration::from_millis(200), cap: Duration::from_secs(20) };

    /// What the background driver reads back with: 0.5 s to 8 s, without end.
    pub const READ_BACK: Self = Self { attempts: 0, base: Duration::from_millis(500), cap: Duration::from_secs(8) };

    /// The wait before attempt number `next` (the first retry is 2), or `None` where there is none left. Full jitter:
    /// uniform between zero and the ceiling, taken from `random`.
    pub fn delay(&self, next: u32, random: u64) -> Option<Duration> {
        if self.attempts != 0 && next > self.attempts {
            return None;
        }
        let ceiling = self.ceiling(next);
        let nanos = u64::try_from(ceiling.as_nanos()).unwrap_or(u64::MAX);
        // 64 random bits over at most 20 s: the bias of the remainder is below 10^-9.
        Some(Duration::from_nanos(if nanos == 0 { 0 } else { random % nanos }))
    }

    /// The ceiling before attempt number `next`, without jitter.
    pub fn ceiling(&self, next: u32) -> Duration {
        let doublings = next.saturating_sub(2).min(31);
        self.base.checked_mul(1 << doublings).map_or(self.cap, |wait| wait.min(self.cap))
    }
}

/// Tokens that retries are paid with, per carrier: 500, of which a retry costs 14 and a throttled one 5; a success gives
/// back what was paid, or one.
#[derive(Clone, Debug)]
pub struct Budget {
    tokens: u32,
}

impl Default for Budget {
    fn default() -> Self {
        Self { tokens: Self::CAPACITY }
    }
}

impl Budget {
    /// The tokens of a full budget.
    pub const CAPACITY: u32 = 500;
    /// What a retry after a failure costs.
    pub const COST: u32 = 14;
    /// What a retry costs that the carrier asked for (429, 503, in flight).
    pub const THROTTLE: u32 = 5;

    /// Pays for a retry; `false` where the budget does not reach.
    pub fn pay(&mut self, throttled: bool) -> bool {
        let cost = if throttled { Self::THROTTLE } else { Self::COST };
        match self.tokens.checked_sub(cost) {
            Some(rest) => {
                self.tokens = rest;
                true
            }
            None => false,
        }
    }

    /// What is left.
    pub fn tokens(&self) -> u32 {
        self.tokens
    }

    /// Gives back after a success.
    pub fn succeed(&mut self, paid: u32) {
        self.tokens = (self.tokens + paid.max(1)).min(Self::CAPACITY);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_attempts_with_full_jitter() {
        let plan = Backoff::FOREGROUND;
        assert_eq!(plan.ceiling(2), Duration::from_millis(200));
        assert_eq!(plan.ceiling(3), Duration::from_millis(400));
        for random in [0, 1, u64::MAX, 123_456_789_123] {
            assert!(plan.delay(2, random).unwrap() < plan.ceiling(2));
        }
        assert_eq!(plan.delay(4, 0), None);
        assert_eq!(Backoff::READ_BACK.ceiling(40), Duration::from_secs(8));
        assert!(Backoff::READ_BACK.delay(4000, 7).is_some());
    }

    #[test]
    fn the_budget_runs_dry_and_recovers() {
        let mut budget = Budget::default();
        let mut paid = 0;
        while budget.pay(false) {
            paid += 1;
        }
        assert_eq!(paid, Budget::CAPACITY / Budget::COST);
        budget.succeed(Budget::COST);
        assert!(budget.pay(false));
    }
}
