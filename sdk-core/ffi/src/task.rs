//! An operation under way on the runtime. It can be awaited (Node, Swift), waited for with a tick so that Ctrl-C works
//! (Python), handed to a callback (asyncio), and cancelled by token. A panic becomes `internal_panic`, never an abort of
//! the host.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use futures_util::FutureExt;
use gladhand::trace::{self, TraceContext, in_trace};
use gladhand_documents::error::{Code, Error, Result, Sent};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::runtime;

/// How often a waiting thread looks whether its host wants it back.
const TICK: Duration = Duration::from_millis(50);

/// The context of a call: cancels the tasks that were started with it, and says to which trace of the host they belong.
/// Cancelling an await never withdraws a tender: what had left is resolved by the journal (contract 4d).
#[derive(Clone, Debug, Default)]
pub struct CancelToken {
    cancel: CancellationToken,
    trace: Option<TraceContext>,
}

impl CancelToken {
    /// A token that nobody has cancelled yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// A token that is cancelled with this one, and by itself.
    #[must_use]
    pub fn child(&self) -> Self {
        Self { cancel: self.cancel.child_token(), trace: self.trace.clone() }
    }

    /// The same token, for a call of the host's trace (W3C Trace Context: the values of `traceparent` and `tracestate`). What is
    /// malformed is no context.
    pub fn in_trace(&self, traceparent: Option<&str>, tracestate: Option<&str>) -> Self {
        let trace = traceparent.and_then(|parent| TraceContext::parse(parent, tracestate));
        Self { cancel: self.cancel.clone(), trace }
    }

    /// Cancels.
    pub fn cancel(&self) {
        self.cancel.cancel();
    }

    /// The error of a call with this token.
    fn named(&self, error: Error) -> Error {
        trace::named(error, self.trace.as_ref())
    }

    /// Whether it was cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.cancel.is_cancelled()
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
    spawn_or(cancel, operation.map(|outcome| Ok((outcome?, ()))), |_, ()| {})
}

/// [`spawn`], with what to do with a value that nobody waits for any more. The operation gives the value and what must stay
/// held until it is heard, such as a lock.
pub(crate) fn spawn_or<T, H, F>(
    cancel: &CancelToken,
    operation: F,
    unheard: impl FnOnce(T, H) + Send + 'static,
) -> Task<T>
where
    T: Send + 'static,
    H: Send + 'static,
    F: Future<Output = Result<(T, H)>> + Send + 'static,
{
    // Boxed: a task of the runtime is much code, and it is compiled for each type of future; so it is for each type of answer.
    boxed(cancel, Box::pin(operation), Box::new(unheard))
}

type Operation<T, H> = Pin<Box<dyn Future<Output = Result<(T, H)>> + Send>>;

fn boxed<T, H>(cancel: &CancelToken, operation: Operation<T, H>, unheard: Box<dyn FnOnce(T, H) + Send>) -> Task<T>
where
    T: Send + 'static,
    H: Send + 'static,
{
    let (send, answer) = oneshot::channel();
    let token = cancel.clone();
    match runtime::get() {
        Ok(runtime) => {
            runtime.spawn(async move {
                // The sender is inside, so a runtime that goes away answers as well: by dropping it.
                let (outcome, held) = match guarded(&token, operation).await {
                    Ok((value, held)) => (Ok(value), Some(held)),
                    Err(error) => (Err(token.named(error)), None),
                };
                if let (Err(Ok(value)), Some(held)) = (send.send(outcome), held) {
                    unheard(value, held);
                }
            });
        }
        Err(error) => drop(send.send(Err(error))),
    }
    Task { answer, cancel: cancel.clone() }
}

async fn guarded<T>(cancel: &CancelToken, operation: impl Future<Output = Result<T>>) -> Result<T> {
    let cancelled = || Error::new(Code::Cancelled, "the call was cancelled");
    if cancel.is_cancelled() {
        return Err(cancelled());
    }
    let operation = AssertUnwindSafe(in_trace(cancel.trace.clone(), operation)).catch_unwind();
    // Once it has begun, nobody here knows whether something has left: that is never told as not sent.
    tokio::select! {
        biased;
        () = cancel.cancel.cancelled() => Err(cancelled().sent(Sent::MaybeSent)),
        outcome = operation => outcome.unwrap_or_else(|panic| Err(panicked(&*panic).sent(Sent::MaybeSent))),
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
    Error::new(Code::ClientClosed, "the runtime was shut down while the call was under way").sent(Sent::MaybeSent)
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
        let waiting = Arc::new(Waiting(Mutex::new(Some((self, callback)))));
        // Not on this thread, which may hold what the callback wants.
        if let Some((outcome, callback)) = waiting.settled() {
            match runtime::get() {
                Ok(runtime) => drop(runtime.spawn(async move { callback(outcome) })),
                Err(error) => callback(Err(error)),
            }
        }
    }
}

/// A callback that waits for its answer. It is itself what the answer wakes: no task stands between the operation and it.
struct Waiting<T, F>(Mutex<Option<(Task<T>, F)>>);

impl<T: Send + 'static, F: FnOnce(Result<T>) + Send + 'static> Waiting<T, F> {
    /// The answer and whom to tell, once there is one.
    fn settled(self: &Arc<Self>) -> Option<(Result<T>, F)> {
        let waker = Waker::from(self.clone());
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (task, _) = waiting.as_mut()?;
        let Poll::Ready(outcome) = Pin::new(task).poll(&mut Context::from_waker(&waker)) else { return None };
        waiting.take().map(|(_, callback)| (outcome, callback))
    }
}

impl<T: Send + 'static, F: FnOnce(Result<T>) + Send + 'static> Wake for Waiting<T, F> {
    fn wake(self: Arc<Self>) {
        if let Some((outcome, callback)) = self.settled() {
            callback(outcome);
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
        assert_eq!(error.sent_state(), Sent::MaybeSent, "it may have sent before");
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
    fn a_call_cancelled_under_way_may_have_been_sent() {
        let token = CancelToken::new();
        let (started, begun) = sync_channel(1);
        let task = spawn(&token, async move {
            let _ = started.send(());
            never().await
        });
        begun.recv().unwrap();
        token.cancel();
        let late = task.wait(|| Ok::<(), ()>(())).unwrap().unwrap_err();
        assert_eq!((late.code(), late.sent_state()), (Code::Cancelled, Sent::MaybeSent));
        // Cancelled before it began, nothing of it was sent.
        let early = spawn(&token, never()).wait(|| Ok::<(), ()>(())).unwrap().unwrap_err();
        assert_eq!((early.code(), early.sent_state()), (Code::Cancelled, Sent::NotSent));
    }

    #[test]
    fn a_callback_is_called_once_whether_it_waits_or_comes_late() {
        let token = CancelToken::new();
        let (send, heard) = sync_channel(3);
        for late in [false, true] {
            let task = spawn(&token, async { Ok(std::thread::current().id()) });
            if late {
                std::thread::sleep(Duration::from_millis(50));
            }
            let send = send.clone();
            task.then(move |outcome| send.send((outcome.unwrap(), std::thread::current().id())).unwrap());
            let (_, called_on) = heard.recv().unwrap();
            assert_ne!(called_on, std::thread::current().id(), "the caller's thread may hold what the callback wants");
        }
        assert!(heard.try_recv().is_err());
    }

    #[test]
    fn a_tick_that_fails_cancels() {
        let token = CancelToken::new();
        assert_eq!(spawn(&token, never()).wait(|| Err("interrupted")).unwrap_err(), "interrupted");
        assert!(token.is_cancelled());
    }
}
