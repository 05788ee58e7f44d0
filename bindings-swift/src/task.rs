//! How a call runs: on Gladhand's own runtime, until it is done or its token is cancelled.

use std::future::Future;
use std::sync::Arc;

use gladhand_ffi::{CancelToken, Code, Error, Result, spawn};

use crate::failure::Failure;

/// Cancels the call it was given to. Swift's task cancellation does not reach Rust by itself, so the hand-written layer
/// makes one for each call.
#[derive(Debug, uniffi::Object)]
pub struct CancelHandle(pub(crate) CancelToken);

#[uniffi::export]
impl CancelHandle {
    /// A token that nobody has cancelled yet, of a call of this trace.
    #[uniffi::constructor]
    pub fn new(traceparent: Option<String>, tracestate: Option<String>) -> Result<Arc<Self>, Failure> {
        Ok(Arc::new(Self(CancelToken::new().in_trace(traceparent.as_deref(), tracestate.as_deref()))))
    }

    /// Cancels the call. Nothing happens if it is done.
    pub fn cancel(&self) -> Result<(), Failure> {
        self.0.cancel();
        Ok(())
    }
}

impl CancelHandle {
    /// The token, for a call.
    pub fn token(&self) -> &CancelToken {
        &self.0
    }
}

/// Runs an operation on Gladhand's runtime; Swift's executor only waits for it.
pub(crate) async fn call<T, F>(cancel: &CancelHandle, operation: F) -> Result<T, Failure>
where
    T: Send + 'static,
    F: Future<Output = Result<T>> + Send + 'static,
{
    Ok(spawn(&cancel.0, operation).await?)
}

/// An operation that blocks its thread, as a future.
pub(crate) async fn blocking<T, F>(operation: F) -> Result<T>
where
    T: Send + 'static,
    F: FnOnce() -> Result<T> + Send + 'static,
{
    let task = tokio::task::spawn_blocking(operation);
    task.await
        .unwrap_or_else(|e| Err(Error::new(Code::InternalPanic, "a blocking call of the core ended").caused_by(&e)))
}
