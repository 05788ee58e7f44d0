//! A clock that stands still until it is advanced.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

use super::{Clock, Sleep};

/// Virtual time for tests and for replay: it moves only by [`TestClock::advance`] and [`TestClock::step_wall`].
/// Clones share one time.
#[derive(Clone, Debug)]
pub struct TestClock(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    wall: jiff::Timestamp,
    monotonic: Duration,
    sleepers: Vec<(Duration, oneshot::Sender<()>)>,
}

impl TestClock {
    /// A clock that shows `wall`.
    pub fn at(wall: jiff::Timestamp) -> Self {
        Self(Arc::new(Mutex::new(State { wall, monotonic: Duration::ZERO, sleepers: Vec::new() })))
    }

    /// Moves wall and monotonic time forward together and wakes the sleepers whose time has come, earliest first.
    pub fn advance(&self, by: Duration) {
        let mut state = self.state();
        state.monotonic += by;
        state.wall = state.wall.saturating_add(signed(by)).unwrap_or(jiff::Timestamp::MAX);
        let now = state.monotonic;
        let mut due: Vec<_> = state.sleepers.extract_if(.., |(at, _)| *at <= now).collect();
        drop(state);
        due.sort_by_key(|(at, _)| *at);
        for (_, wake) in due {
            // The sleeper may have been dropped; then nobody waits.
            let _ = wake.send(());
        }
    }

    /// Moves only wall time, as a correction by NTP or by hand does. The monotonic clock and the sleepers do not notice.
    pub fn step_wall(&self, to: jiff::Timestamp) {
        self.state().wall = to;
    }

    /// How many sleeps are pending: what a test waits for before it advances.
    pub fn sleepers(&self) -> usize {
        self.state().sleepers.iter().filter(|(_, wake)| !wake.is_closed()).count()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere cannot leave the three fields half-changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn signed(duration: Duration) -> jiff::SignedDuration {
    jiff::SignedDuration::try_from(duration).unwrap_or(jiff::SignedDuration::MAX)
}

impl Clock for TestClock {
    fn now(&self) -> jiff::Timestamp {
        self.state().wall
    }

    fn monotonic(&self) -> Duration {
        self.state().monotonic
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        if duration.is_zero() {
            return Box::pin(std::future::ready(()));
        }
        let (wake, woken) = oneshot::channel();
        let mut state = self.state();
        let at = state.monotonic.saturating_add(duration);
        state.sleepers.push((at, wake));
        drop(state);
        Box::pin(async move {
            // A dropped sender means that the clock is gone: then time never comes.
            if woken.await.is_err() {
                std::future::pending::<()>().await;
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clock::within;

    fn clock() -> TestClock {
        TestClock::at("2026-02-20T08:00:00Z".parse().unwrap())
    }

    #[tokio::test]
    async fn a_sleep_ends_only_when_its_time_has_come() {
        let clock = clock();
        let sleep = tokio::spawn(clock.sleep(Duration::from_secs(10)));
        clock.advance(Duration::from_secs(9));
        tokio::task::yield_now().await;
        assert!(!sleep.is_finished());
        clock.advance(Duration::from_secs(1));
        sleep.await.unwrap();
        assert_eq!(clock.now().to_string(), "2026-02-20T08:00:10Z");
        assert_eq!(clock.sleepers(), 0);
    }

    #[tokio::test]
    async fn a_step_of_the_wall_moves_no_expiry() {
        let clock = clock();
        clock.step_wall("2030-01-01T00:00:00Z".parse().unwrap());
        assert_eq!(clock.monotonic(), Duration::ZERO);
    }

    #[tokio::test]
    async fn within_gives_up_at_the_limit() {
        let clock = clock();
        let waiting = {
            let clock = clock.clone();
            tokio::spawn(async move { within(&clock, Duration::from_secs(5), std::future::pending::<()>()).await })
        };
        while clock.sleepers() == 0 {
            tokio::task::yield_now().await;
        }
        clock.advance(Duration::from_secs(5));
        assert!(waiting.await.unwrap().is_none());
        assert_eq!(within(&clock, Duration::from_secs(5), async { 7 }).await, Some(7));
    }
}
