//! The injected clock: every expiry, retry, deadline and rotation of this crate asks it, so that each can be tested in
//! virtual time. Clippy bans `SystemTime::now` and `Instant::now` everywhere else (architecture, decision 1).
//!
//! * [`Clock`]: wall time, monotonic time and sleep.
//! * [`SystemClock`]: the real one.
//! * [`TestClock`]: stands still until it is advanced.

mod system;
mod virtual_time;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

pub use system::SystemClock;
pub use virtual_time::TestClock;

/// A future that a [`Clock`] returns.
pub type Sleep = Pin<Box<dyn Future<Output = ()> + Send + 'static>>;

/// A clock that is handed around.
pub type SharedClock = Arc<dyn Clock>;

/// Where time comes from.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// Wall time: what is written into documents, proofs and the journal. It may jump.
    fn now(&self) -> jiff::Timestamp;

    /// Time since an arbitrary moment of this process. It never goes back: what expiries and waits are measured with.
    fn monotonic(&self) -> Duration;

    /// Completes once `duration` has passed on the monotonic clock.
    fn sleep(&self, duration: Duration) -> Sleep;

    /// A share of one, by which waits are spread so that many clients do not act at once. A simulation gives its own, so that
    /// it can be repeated.
    fn share(&self) -> f64 {
        crate::auth::random::share()
    }
}

/// Completes with the future's output, or with `None` once `limit` has passed on `clock`.
pub async fn within<F: Future>(clock: &dyn Clock, limit: Duration, future: F) -> Option<F::Output> {
    let sleep = clock.sleep(limit);
    tokio::select! {
        biased;
        output = future => Some(output),
        () = sleep => None,
    }
}
