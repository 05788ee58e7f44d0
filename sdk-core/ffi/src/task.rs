//! An operation under way on the runtime. It can be awaited (Node, Swift), waited for with a tick so that Ctrl-C works
//! (Python), handed to a callback (asyncio), and cancelled by token. A panic becomes `internal_panic`, never an abort of
//! the host.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::FutureExt;
use gladhand_documents::error::{Code, Error, Result};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::runtime;

/// How often a waiting thread looks whether its host wants it back.
const TICK: Duration = Duration::from_millis(50);

/// Cancels the tasks that were started with it. Cancelling an await never withdraws a tender: what had left is resolved by
/// the journal (contract 4d).
#[derive(Clone, Debug, Default)]
pub struct CancelToken(CancellationToken);

impl CancelToken {
    /// A token that nobody has cancelled yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Cancels.
    pub fn cancel(&self) {
        self.0.cancel();
    }

    /// Whether it was cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.0.is_cancelled()
    }
}

/// An operation under way.
#[derive(Debug)]
pub struct Task<T> {
    answer: oneshot::Receiver<Result<T>>,
    cancel: CancelToken,
}

/// Starts an operation on the process's runtime.
pub fn spawn<T, F>(cancel: &CancelToken, operation: F) -> Task<T>
where
    T: Send + 'static,
    F: Future<Output = Result<T>> + Send + 'static,
{
    let (send, answer) = oneshot::channel();
    let token = cancel.clone();
    match runtime::get() {
        Ok(runtime) => {
            runtime.spawn(async move {
                // The sender is inside, so a runtime that goes away answers as well: by dropping it.
                let _ = send.send(guarded(&token, operation).await);
            });
        }
        Err(error) => drop(send.send(Err(error))),
    }
    Task { answer, cancel: cancel.clone() }
}

async fn guarded<T>(cancel: &CancelToken, operation: impl Future<Output = Result<T>>) -> Result<T> {
    let operation = AssertUnwindSafe(operation).catch_unwind();
    tokio::select! {
        biased;
        () = cancel.0.cancelled() => Err(Error::new(Code::Cancelled, "the call was cancelled")),
        outcome = operation => outcome.unwrap_or_else(|panic| Err(panicked(&*panic))),
    }
}

/// Runs a synchronous operation; a panic becomes an error.
pub fn guard<T>(operation: impl FnOnce() -> Result<T>) -> Result<T> {
    std::panic::catch_unwind(AssertUnwindSafe(operation)).unwrap_or_else(|panic| Err(panicked(&*panic)))
}

fn panicked(panic: &(dyn std::any::Any + Send)) -> Error {
    let text = panic
        .downcast_ref::<&str>()
        .map(|s| (*s).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "without a message".to_owned());
    Error::new(Code::InternalPanic, format!("the core panicked: {text}"))
}

fn gone() -> Error {
    Error::new(Code::ClientClosed, "the runtime was shut down while the call was under way")
}

impl<T: Send + 'static> Task<T> {
    /// Blocks this thread until the answer is there, calling `tick` some twenty times a second. An error of the tick (a
    /// signal arrived) cancels the operation and is returned.
    pub fn wait<E>(self, mut tick: impl FnMut() -> Result<(), E>) -> Result<Result<T>, E> {
        let (send, receive) = sync_channel(1);
        let cancel = self.cancel.clone();
        self.then(move |outcome| drop(send.send(outcome)));
        loop {
            match receive.recv_timeout(TICK) {
                Ok(outcome) => return Ok(outcome),
                Err(RecvTimeoutError::Disconnected) => return Ok(Err(gone())),
                Err(RecvTimeoutError::Timeout) => tick().inspect_err(|_| cancel.cancel())?,
            }
        }
    }

    /// Calls back from a runtime thread when the answer is there.
    pub fn then(self, callback: impl FnOnce(Result<T>) + Send + 'static) {
        match runtime::get() {
            Ok(runtime) => drop(runtime.spawn(async move { callback(self.await) })),
            Err(error) => callback(Err(error)),
        }
    }
}

impl<T> Future for Task<T> {
    type Output = Result<T>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.answer).poll(context).map(|answer| answer.unwrap_or_else(|_| Err(gone())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn never() -> impl Future<Output = Result<()>> + Send + 'static {
        std::future::pending()
    }

    #[test]
    fn a_panic_is_an_error_and_the_next_call_works() {
        let token = CancelToken::new();
        let outcome = spawn(&token, async { panic!("out of trucks") as Result<()> }).wait(|| Ok::<(), ()>(()));
        let error = outcome.unwrap().unwrap_err();
        assert_eq!(error.code(), Code::InternalPanic);
        assert!(error.message().contains("out of trucks"));
        assert_eq!(spawn(&token, async { Ok(1) }).wait(|| Ok::<(), ()>(())).unwrap().unwrap(), 1);
        assert_eq!(guard(|| panic!("again") as Result<()>).unwrap_err().code(), Code::InternalPanic);
    }

    #[test]
    fn cancelling_ends_the_wait() {
        let token = CancelToken::new();
        let task = spawn(&token, never());
        token.cancel();
        assert_eq!(task.wait(|| Ok::<(), ()>(())).unwrap().unwrap_err().code(), Code::Cancelled);
    }

    #[test]
    fn a_tick_that_fails_cancels() {
        let token = CancelToken::new();
        assert_eq!(spawn(&token, never()).wait(|| Err("interrupted")).unwrap_err(), "interrupted");
        assert!(token.is_cancelled());
    }
}
