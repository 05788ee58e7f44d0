//! What only tests have: `gladhand_ffi::testing` for Swift, where each function is called `TESTING_…`. A crate of its own, so
//! that a release cannot have it by mistake: `gladhand-swift` does not know it.
//!
//! Handles and errors are those of `gladhand-swift`: what is tested here is the bridge that operations cross.

// A failure is taken apart at the border at once: a box would only move it.
#![allow(clippy::result_large_err)]

use std::sync::Arc;

use gladhand_ffi::stream::Stream;
use gladhand_ffi::testing;
use gladhand_swift::document::DocumentHandle;
use gladhand_swift::failure::Failure;
use gladhand_swift::task::CancelHandle;

uniffi::setup_scaffolding!("gladhand_testing");

/// Gives the number back: a call that needs no IO thread.
#[uniffi::export]
pub fn testing_echo(value: i64) -> Result<i64, Failure> {
    Ok(testing::echo(value)?)
}

/// Gives the number back by way of the runtime.
#[uniffi::export]
pub async fn testing_round_trip(value: i64, cancel: Arc<CancelHandle>) -> Result<i64, Failure> {
    Ok(testing::round_trip(value, cancel.token()).await?)
}

/// Panics in a call that does not wait. Error: `internal_panic`.
#[uniffi::export]
pub fn testing_panic() -> Result<i64, Failure> {
    Ok(testing::panic()?)
}

/// Panics on the runtime. Error: `internal_panic`.
#[uniffi::export]
pub async fn testing_panic_later(cancel: Arc<CancelHandle>) -> Result<i64, Failure> {
    Ok(testing::panic_later(cancel.token()).await?)
}

/// Panics where nothing of ours catches it: only UniFFI's own guard is between it and the host.
#[uniffi::export]
pub fn testing_panic_unguarded() -> Result<i64, Failure> {
    panic!("TESTING_panic_unguarded")
}

/// Answers after so many milliseconds.
#[uniffi::export]
pub async fn testing_slow(milliseconds: u64, cancel: Arc<CancelHandle>) -> Result<i64, Failure> {
    Ok(testing::slow(milliseconds, cancel.token()).await?)
}

/// Slow calls that have begun and have not ended.
#[uniffi::export]
pub fn testing_under_way() -> Result<u64, Failure> {
    Ok(testing::under_way())
}

/// Slow calls that were cancelled under way, since the process began.
#[uniffi::export]
pub fn testing_cancelled() -> Result<u64, Failure> {
    Ok(testing::cancelled())
}

/// Every code of the error table.
#[uniffi::export]
pub fn testing_codes() -> Result<Vec<String>, Failure> {
    Ok(testing::codes().into_iter().map(str::to_owned).collect())
}

/// Fails with that code, every attribute filled.
#[uniffi::export]
pub fn testing_fail(code: String) -> Result<i64, Failure> {
    Ok(testing::fail(&code)?)
}

/// The same on the runtime.
#[uniffi::export]
pub async fn testing_fail_later(code: String, cancel: Arc<CancelHandle>) -> Result<i64, Failure> {
    Ok(testing::fail_later(&code, cancel.token()).await?)
}

/// A stream of so many documents `{"n":1}`, `{"n":2}` ….
#[uniffi::export]
pub fn testing_storm(count: u64) -> Result<Arc<StormHandle>, Failure> {
    Ok(Arc::new(StormHandle(testing::storm(count))))
}

/// A storm, as the streams of `gladhand-swift` are handed over.
#[derive(Debug, uniffi::Object)]
pub struct StormHandle(Stream<testing::Storm>);

impl Drop for StormHandle {
    fn drop(&mut self) {
        self.0.close();
    }
}

#[uniffi::export]
impl StormHandle {
    /// The next document; nothing when there will be no more.
    pub async fn next(&self, cancel: Arc<CancelHandle>) -> Result<Option<Arc<DocumentHandle>>, Failure> {
        Ok(self.0.next(cancel.token()).await?.map(|document| Arc::new(document.into())))
    }
}
