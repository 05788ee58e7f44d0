//! Forks of the host process. SQLite guards its memory and its files by locks of the process; a child forked while the
//! journal's thread holds one of them could never open a journal of its own. A host that forks calls [`before`] and
//! [`after`] around it, and the fork happens while no journal is at work.

use std::cell::RefCell;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

static GATE: RwLock<()> = RwLock::new(());

thread_local! {
    static CLOSED: RefCell<Option<RwLockWriteGuard<'static, ()>>> = const { RefCell::new(None) };
}

/// Held by a journal's thread while it works.
pub(crate) fn at_work() -> RwLockReadGuard<'static, ()> {
    GATE.read().unwrap_or_else(PoisonError::into_inner)
}

/// Waits until no journal of this process is at work, and keeps it so until [`after`] is called on the same thread.
pub fn before() {
    let gate = GATE.write().unwrap_or_else(PoisonError::into_inner);
    CLOSED.with(|closed| closed.borrow_mut().replace(gate));
}

/// Lets the journals work again: to be called after the fork in the parent and in the child.
pub fn after() {
    CLOSED.with(|closed| drop(closed.borrow_mut().take()));
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{TryRecvError, channel};

    use super::*;

    #[test]
    fn nothing_is_at_work_between_before_and_after() {
        before();
        let (send, receive) = channel();
        let worker = std::thread::spawn(move || {
            let _at_work = at_work();
            let _ = send.send(());
        });
        assert_eq!(receive.try_recv(), Err(TryRecvError::Empty));
        after();
        assert_eq!(receive.recv(), Ok(()));
        worker.join().unwrap();
    }
}
