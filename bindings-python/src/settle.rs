//! Bringing answers of the core home to asyncio. One thread of its own takes the interpreter's lock for them, so that the
//! runtime's workers never wait for Python; answers that come together are brought together.
//!
//! A loop that was closed meanwhile, a future that was cancelled and an interpreter that shuts down are all normal ends.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError};

use gladhand_ffi::Result;
use pyo3::prelude::*;

use crate::call::Answer;
use crate::errors::raise;

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

/// The delivering thread's inbox, and the process that the thread lives in.
static INBOX: Mutex<Option<(u32, Sender<Delivery>)>> = Mutex::new(None);

/// Delivers the answer soon; never blocks.
pub(crate) fn later(pending: Pending, outcome: Result<Answer>) {
    let pid = std::process::id();
    let mut inbox = INBOX.lock().unwrap_or_else(PoisonError::into_inner);
    let sender = match inbox.as_ref() {
        Some((owner, sender)) if *owner == pid => sender,
        _ => {
            let (sender, receiver) = channel();
            let thread = std::thread::Builder::new().name("gladhand-asyncio".to_owned());
            // Without a thread the channel has no reader; the send below then drops the answer.
            let _ = thread.spawn(move || deliver(&receiver));
            &inbox.insert((pid, sender)).1
        }
    };
    let _ = sender.send((pending, outcome));
}

fn deliver(inbox: &Receiver<Delivery>) {
    while let Ok(first) = inbox.recv() {
        let together = std::iter::once(first).chain(inbox.try_iter());
        let attached = Python::try_attach(|py| together.for_each(|delivery| bring(py, delivery)));
        if attached.is_none() {
            return;
        }
    }
}

fn bring(py: Python<'_>, (pending, outcome): Delivery) {
    let outcome = match outcome {
        Ok(answer) => answer(py),
        Err(error) => Err(raise(py, &error)),
    };
    let (method, value) = match outcome {
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
        if !future.call_method0("done")?.is_truthy()? {
            future.call_method1(self.method, (self.value.bind(py),))?;
        }
        Ok(())
    }
}
