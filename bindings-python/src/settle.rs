//! Bringing answers of the core home to asyncio. One thread of its own takes the interpreter's lock for them, so that the
//! runtime's workers never wait for Python; answers that come together are brought together.
//!
//! A loop that was closed meanwhile, a future that was cancelled and an interpreter that shuts down are all normal ends.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use gladhand_ffi::Result;
use gladhand_ffi::fork::OfThisProcess;
use pyo3::prelude::*;

use crate::call::{Answer, settled};
use crate::ending::into_python;

/// A future of an event loop that waits for an answer.
pub(crate) struct Pending {
    event_loop: Py<PyAny>,
    future: Py<PyAny>,
}

impl Pending {
    pub(crate) fn new(event_loop: Py<PyAny>, future: Py<PyAny>) -> Self {
        Self { event_loop, future }
    }
}

type Delivery = (Pending, Result<Answer>);

/// The delivering thread, and how it is reached.
enum Courier {
    AtWork {
        inbox: Sender<Delivery>,
        thread: Option<JoinHandle<()>>,
    },
    /// The interpreter ends: nobody is there to be told any more.
    Retired,
}

static COURIER: OfThisProcess<Courier> = OfThisProcess::empty();

impl Courier {
    fn new() -> Self {
        let (inbox, receiver) = channel();
        let thread = std::thread::Builder::new().name("gladhand-asyncio".to_owned());
        // Without a thread the channel has no reader; what is sent is then dropped.
        Self::AtWork { inbox, thread: thread.spawn(move || deliver(receiver)).ok() }
    }
}

/// Delivers the answer soon; never blocks.
pub(crate) fn later(pending: Pending, outcome: Result<Answer>) {
    if let Courier::AtWork { inbox, .. } = COURIER.lock().get_or_insert_with(Courier::new) {
        let _ = inbox.send((pending, outcome));
    }
}

/// Whether nothing can be delivered any more.
pub(crate) fn retired() -> bool {
    matches!(*COURIER.lock(), Some(Courier::Retired))
}

/// Delivers what is on its way and then nothing more: the interpreter's end must find no thread of ours in it. The caller has
/// let the interpreter go.
pub(crate) fn retire() {
    let before = COURIER.lock().replace(Courier::Retired);
    if let Some(Courier::AtWork { inbox, thread }) = before {
        drop(inbox);
        if let Some(thread) = thread {
            let _ = thread.join();
        }
    }
}

/// Stays in the interpreter for good, and only lets it go while it waits: a thread that came anew each time would hold a lock
/// of Python's own now and then without holding the interpreter, and a child forked at that instant would never begin.
fn deliver(mut inbox: Receiver<Delivery>) {
    let _ = Python::try_attach(|py| {
        loop {
            let (same, first) = py.detach(move || {
                let first = inbox.recv();
                (inbox, first)
            });
            let Ok(first) = first else { return };
            std::iter::once(first).chain(same.try_iter()).for_each(|delivery| bring(py, delivery));
            inbox = same;
        }
    });
}

/// Makes what is made once.
pub(crate) fn prepare(py: Python<'_>) {
    py.get_type::<Settle>();
}

fn bring(py: Python<'_>, (pending, outcome): Delivery) {
    let (method, value) = match settled(py, outcome) {
        Ok(value) => ("set_result", value),
        Err(error) => ("set_exception", error.into_value(py).into_any()),
    };
    let settle = Settle { future: pending.future, method, value };
    // A closed loop refuses: nobody is there to be told.
    let _ = pending.event_loop.call_method1(py, "call_soon_threadsafe", (settle,));
}

/// Runs on the event loop's thread: gives the future its outcome unless it has one, being cancelled.
#[pyclass(frozen)]
struct Settle {
    future: Py<PyAny>,
    method: &'static str,
    value: Py<PyAny>,
}

#[pymethods]
impl Settle {
    fn __call__(&self, py: Python<'_>) -> PyResult<()> {
        let future = self.future.bind(py);
        into_python(py, || {
            if !future.call_method0("done")?.is_truthy()? {
                future.call_method1(self.method, (self.value.bind(py),))?;
            }
            Ok(())
        })
    }
}
