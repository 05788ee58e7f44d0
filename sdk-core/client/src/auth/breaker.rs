//! When a failed token request may be repeated. Two kinds of failure, held differently:
//!
//! * *Temporary* (the network, 5xx, 429): the authorization server is in trouble, so nobody of this carrier asks it again
//!   before the wait is over, whatever the scope. 250 ms at first, doubling to 10 s; a longer `Retry-After` wins.
//! * *Hard* (a refusal, another token type, a foreign binding): somebody must act, and once they have, the next call should
//!   work. So the first hard failure is not held at all: those who waited for the attempt share its outcome, and whoever
//!   comes later asks anew. From the second in a row on there is a short wait, 250 ms doubling to 2 s, so that a program that
//!   calls in a loop is no storm. `Retry-After` of a hard failure is the caller's information, not a hold.

use std::time::Duration;

use gladhand_documents::error::{Error, Result, Retry};

/// The first wait after a temporary failure, and from the second hard failure on.
const FIRST_WAIT: Duration = Duration::from_millis(250);
const LONGEST_WAIT: Duration = Duration::from_secs(10);
const LONGEST_HARD_WAIT: Duration = Duration::from_secs(2);

/// The failures in a row of one thing that is asked for.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    last: Option<Error>,
    until: Duration,
    row: u32,
}

/// Whether repeating it later can help without anybody acting.
pub(super) fn is_temporary(error: &Error) -> bool {
    error.retry() != Retry::Never
}

impl Breaker {
    /// The last failure, while it holds, with the wait that is left.
    pub(super) fn may_ask(&self, now: Duration) -> Result<()> {
        match &self.last {
            Some(error) if now < self.until => {
                let wait = u64::try_from(self.until.saturating_sub(now).as_millis()).unwrap_or(u64::MAX);
                Err(error.clone().with_retry_after_ms(wait.max(1)))
            }
            _ => Ok(()),
        }
    }

    /// It worked.
    pub(super) fn succeeded(&mut self) {
        *self = Self::default();
    }

    /// It failed, at `now` of the monotonic clock.
    pub(super) fn failed(&mut self, error: &Error, now: Duration) {
        let row = self.row;
        self.row = row.saturating_add(1);
        let wait = if is_temporary(error) {
            let backoff = FIRST_WAIT.saturating_mul(1 << row.min(10)).min(LONGEST_WAIT);
            error.retry_after_ms().map_or(backoff, |ms| Duration::from_millis(ms).max(backoff))
        } else {
            match row.checked_sub(1) {
                None => Duration::ZERO,
                Some(row) => FIRST_WAIT.saturating_mul(1 << row.min(10)).min(LONGEST_HARD_WAIT),
            }
        };
        self.last = Some(error.clone());
        self.until = now + wait;
    }
}

#[cfg(test)]
mod tests {
    use gladhand_documents::error::Code;

    use super::*;

    fn waits(code: Code, retry_after: Option<u64>) -> Vec<u128> {
        let error = Error::new(code, "x");
        let error = retry_after.map_or(error.clone(), |ms| error.with_retry_after_ms(ms));
        let mut breaker = Breaker::default();
        let waits = (0..8).map(|_| {
            breaker.failed(&error, Duration::from_secs(100));
            breaker.until.saturating_sub(Duration::from_secs(100)).as_millis()
        });
        waits.collect()
    }

    #[test]
    fn temporary_failures_wait_longer_and_longer_and_at_least_as_long_as_they_were_told() {
        assert_eq!(waits(Code::TokenUnavailable, None), [250, 500, 1000, 2000, 4000, 8000, 10_000, 10_000]);
        assert_eq!(waits(Code::TokenUnavailable, Some(7000)), [7000, 7000, 7000, 7000, 7000, 8000, 10_000, 10_000]);
    }

    #[test]
    fn the_first_hard_failure_is_not_held_and_later_ones_shortly() {
        for retry_after in [None, Some(60_000)] {
            assert_eq!(waits(Code::TokenTypeDowngraded, retry_after), [0, 250, 500, 1000, 2000, 2000, 2000, 2000]);
        }
    }

    #[test]
    fn a_success_ends_the_row() {
        let mut breaker = Breaker::default();
        for _ in 0..5 {
            breaker.failed(&Error::new(Code::TokenTypeDowngraded, "x"), Duration::ZERO);
        }
        let held = breaker.may_ask(Duration::from_millis(500)).unwrap_err();
        assert_eq!((held.code(), held.retry_after_ms()), (Code::TokenTypeDowngraded, Some(1500)));
        breaker.succeeded();
        assert!(breaker.may_ask(Duration::ZERO).is_ok());
    }
}
