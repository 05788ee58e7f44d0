//! One Tokio runtime per process: few workers, named threads, made at the first call. After a fork the child has none of
//! the parent's threads, so it gets a runtime of its own, and every handle made before refuses to work.

use std::sync::Arc;

use gladhand_documents::error::{Code, Error, Result};
use tokio::runtime::{Builder, Runtime};

use crate::fork::OfThisProcess;
use crate::logs;

/// A library in someone else's process: enough to keep TLS and the journal off one another's way.
const WORKERS: usize = 2;

static RUNTIME: OfThisProcess<(u32, Arc<Runtime>)> = OfThisProcess::empty();

/// The runtime of this process.
///
/// Error: `internal_panic` if the operating system gives no threads.
pub fn get() -> Result<Arc<Runtime>> {
    let pid = std::process::id();
    let mut slot = RUNTIME.lock();
    if let Some((owner, runtime)) = slot.as_ref()
        && *owner == pid
    {
        return Ok(Arc::clone(runtime));
    }
    let runtime = Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .max_blocking_threads(16)
        .thread_name("gladhand")
        .on_thread_start(begin)
        .enable_all()
        .build()
        .map_err(|e| Error::new(Code::InternalPanic, "no threads for the runtime").caused_by(&e))?;
    let runtime = Arc::new(runtime);
    // A host that forks without saying so: the parent's is forgotten, as dropping waits for threads that are not here.
    if let Some((_, inherited)) = slot.replace((pid, Arc::clone(&runtime))) {
        std::mem::forget(inherited);
    }
    Ok(runtime)
}

/// What every thread of the runtime begins with.
fn begin() {
    block_broken_pipe();
    logs::attach();
}

/// A peer that closes a connection must not end the host. Rust, Python and Node programs ignore SIGPIPE; a Swift program
/// does not, and vectored writes raise it. Blocked in our own threads alone, it is an error of the write and nothing
/// more; what the host does with the signal stays its own affair.
fn block_broken_pipe() {
    #[cfg(unix)]
    {
        let mut broken_pipe = nix::sys::signal::SigSet::empty();
        broken_pipe.add(nix::sys::signal::Signal::SIGPIPE);
        // Fails for an invalid signal number alone.
        let _ = broken_pipe.thread_block();
    }
}

/// Ends the runtime within `limit`, for a host that shuts down; the next call makes a new one.
pub fn shutdown(limit: std::time::Duration) {
    let taken = RUNTIME.lock().take();
    if let Some((owner, runtime)) = taken {
        match Arc::try_unwrap(runtime) {
            Ok(runtime) if owner == std::process::id() => runtime.shutdown_timeout(limit),
            Ok(inherited) => std::mem::forget(inherited),
            Err(in_use) => std::mem::forget(in_use),
        }
    }
}

/// The process that made a handle.
#[derive(Clone, Copy, Debug)]
pub struct Owner(u32);

impl Owner {
    /// This process.
    pub fn current() -> Self {
        Self(std::process::id())
    }

    /// Error: `forked_client` in a child of the process that made the handle.
    pub fn check(self) -> Result<()> {
        let pid = std::process::id();
        if self.0 == pid {
            return Ok(());
        }
        Err(Error::new(
            Code::ForkedClient,
            format!("this handle was made in process {} and is used in its child {pid}", self.0),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_runtime_until_it_is_shut_down() {
        let first = get().unwrap();
        assert!(Arc::ptr_eq(&first, &get().unwrap()));
        assert_eq!(first.block_on(async { 7 }), 7);
    }

    #[cfg(unix)]
    #[test]
    fn no_thread_of_ours_can_be_sent_sigpipe() {
        use nix::sys::signal::{SigSet, Signal};

        let blocked = || SigSet::thread_get_mask().is_ok_and(|mask| mask.contains(Signal::SIGPIPE));
        assert!(!blocked(), "the host's threads are as they were");
        let runtime = get().unwrap();
        let (worker, blocking) = runtime.block_on(async {
            (tokio::spawn(async move { blocked() }).await.unwrap(), tokio::task::spawn_blocking(blocked).await.unwrap())
        });
        assert!(worker && blocking);
    }

    #[test]
    fn a_foreign_handle_is_refused() {
        assert!(Owner::current().check().is_ok());
        assert_eq!(Owner(1).check().unwrap_err().code(), Code::ForkedClient);
    }
}
