//! Forks of the host process. [`before`] and [`after`] are called around each, on one thread, and [`in_child`] first of all in
//! the child: between them no journal is at work and no log record on its way, and the child has locks of its own, as a thread
//! that it has not may hold the parent's for ever. (The thread that forks gives up and takes Python's own lock meanwhile: what it
//! holds itself must never be waited for by a thread that has that lock.)

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

/// Forks between the first process of this lineage and this one.
static FORKS: AtomicUsize = AtomicUsize::new(0);

/// Waits until a child can begin with everything of its own.
pub fn before() {
    gladhand::fork::before();
    crate::logs::hold();
}

/// Lets everything work again, in the parent and in the child. The child hears its own log alone.
pub fn after() {
    crate::logs::let_go();
    gladhand::fork::after();
}

/// States that this is the child.
pub fn in_child() {
    FORKS.fetch_add(1, Ordering::SeqCst);
}

/// A value behind a lock that each process has for itself, empty at first. What a child inherits is never looked at, nor
/// dropped: dropping it might wait for threads that the fork did not copy.
#[derive(Debug)]
pub struct OfThisProcess<T: 'static> {
    value: Mutex<Option<T>>,
    childs: OnceLock<Box<Self>>,
}

impl<T> OfThisProcess<T> {
    /// An empty one.
    pub const fn empty() -> Self {
        Self { value: Mutex::new(None), childs: OnceLock::new() }
    }

    /// The value, locked.
    pub fn lock(&self) -> MutexGuard<'_, Option<T>> {
        let mut own = self;
        for _ in 0..FORKS.load(Ordering::SeqCst) {
            own = own.childs.get_or_init(|| Box::new(Self::empty()));
        }
        own.value.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
