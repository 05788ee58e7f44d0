//! The end of the interpreter, seen from threads that outlive it (daemon threads). Before Python 3.14 such a thread is ended by
//! `pthread_exit` as soon as it runs Python code, and on its way out it would pass through Rust, which ends the process with an
//! abort. So it is stopped before it goes from Rust into Python, as Python 3.14 stops it, and the process ends without it.

use std::cell::Cell;
use std::thread::ThreadId;
use std::time::{Duration, Instant};

use gladhand_ffi::fork::OfThisProcess;
use pyo3::prelude::*;

/// Who has gone from Rust into Python, and which thread ends the interpreter, once one does.
#[derive(Default)]
struct Gate {
    inside: usize,
    ending: Option<ThreadId>,
}

static GATE: OfThisProcess<Gate> = OfThisProcess::empty();

thread_local! {
    /// How often this thread has gone in, without having come out again.
    static DEPTH: Cell<usize> = const { Cell::new(0) };
}

/// Runs what may run Python code.
pub(crate) fn into_python<T>(py: Python<'_>, run: impl FnOnce() -> T) -> T {
    let _inside = enter(py);
    run()
}

struct Inside;

fn enter(py: Python<'_>) -> Inside {
    if DEPTH.get() == 0 && !admitted() {
        let () = py.detach(|| {
            loop {
                std::thread::park();
            }
        });
    }
    DEPTH.set(DEPTH.get() + 1);
    Inside
}

fn admitted() -> bool {
    let mut gate = GATE.lock();
    let gate = gate.get_or_insert_default();
    let admitted = gate.ending.is_none_or(|thread| thread == std::thread::current().id());
    gate.inside += usize::from(admitted);
    admitted
}

impl Drop for Inside {
    fn drop(&mut self) {
        DEPTH.set(DEPTH.get() - 1);
        if DEPTH.get() == 0 {
            let mut gate = GATE.lock();
            let gate = gate.get_or_insert_default();
            gate.inside = gate.inside.saturating_sub(1);
        }
    }
}

/// Lets only this thread go from Rust into Python from now on, and waits, at most for `limit`, until the others have come out.
/// The caller has let the interpreter go.
pub(crate) fn close(limit: Duration) {
    GATE.lock().get_or_insert_default().ending = Some(std::thread::current().id());
    let end = Instant::now() + limit;
    while GATE.lock().as_ref().is_some_and(|gate| gate.inside > 0) && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(1));
    }
}
