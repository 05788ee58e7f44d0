//! One call to the core, not yet begun. Synchronous code calls `wait()`, asynchronous code awaits it: so every operation
//! is written once, and both worlds have the same ones.
//!
//! * Waiting releases the interpreter, and on the main thread looks for signals, so that Ctrl-C works.
//! * Awaiting makes a future of the loop that runs right now; the core's answer comes back by [`crate::settle`].
//! * Cancelling either cancels the operation in the core; what had left is resolved by the journal (contract 4d).

use std::sync::{Mutex, PoisonError};

use gladhand_ffi::{CancelToken, Code, Document, Error, Task, spawn};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

use crate::document::PyDocument;
use crate::ending::into_python;
use crate::errors::raise;
use crate::{settle, trace};

/// What the core answered, turned into a Python object by whoever holds the interpreter.
pub(crate) type Answer = Box<dyn FnOnce(Python<'_>) -> PyResult<Py<PyAny>> + Send>;
type Work = Box<dyn FnOnce(&CancelToken) -> Task<Answer> + Send>;

/// One call to the core: `wait()` for the answer, or await it. Good for one use.
#[pyclass(module = "gladhand._gladhand", frozen)]
pub(crate) struct Call {
    work: Mutex<Option<Work>>,
    cancel: CancelToken,
    abandoned: Option<Box<dyn Fn() + Send + Sync>>,
}

impl Call {
    /// A call that `operation` begins, and whose answer is turned into a Python object by `answer`.
    pub(crate) fn new<T: Send + 'static>(
        operation: impl FnOnce(&CancelToken) -> Task<T> + Send + 'static,
        answer: impl FnOnce(T, Python<'_>) -> PyResult<Py<PyAny>> + Send + 'static,
    ) -> Self {
        let work = |cancel: &CancelToken| {
            let task = operation(cancel);
            spawn(cancel, async move {
                let value = task.await?;
                Ok(Box::new(move |py: Python<'_>| answer(value, py)) as Answer)
            })
        };
        Self { work: Mutex::new(Some(Box::new(work))), cancel: CancelToken::new(), abandoned: None }
    }

    /// This call, with what to do if its answer does not reach the caller.
    pub(crate) fn abandoned_by(self, abandoned: impl Fn() + Send + Sync + 'static) -> Self {
        Self { abandoned: Some(Box::new(abandoned)), ..self }
    }

    /// A call that answers a document.
    pub(crate) fn document(operation: impl FnOnce(&CancelToken) -> Task<Document> + Send + 'static) -> Self {
        Self::new(operation, |document, py| PyDocument(document).object(py))
    }

    /// A call that answers a list of documents.
    pub(crate) fn documents(operation: impl FnOnce(&CancelToken) -> Task<Vec<Document>> + Send + 'static) -> Self {
        Self::new(operation, |documents, py| {
            let documents: Vec<PyDocument> = documents.into_iter().map(PyDocument).collect();
            Ok(documents.into_pyobject(py)?.unbind())
        })
    }

    /// A call that answers nothing.
    pub(crate) fn nothing(operation: impl FnOnce(&CancelToken) -> Task<()> + Send + 'static) -> Self {
        Self::new(operation, |(), py| Ok(py.None()))
    }

    fn begin(&self, py: Python<'_>) -> PyResult<Task<Answer>> {
        let work = self.work.lock().unwrap_or_else(PoisonError::into_inner).take();
        work.map(|work| work(&trace::of_host(py, &self.cancel)))
            .ok_or_else(|| PyRuntimeError::new_err("this call was already waited for or awaited"))
    }
}

#[pymethods]
impl Call {
    /// Waits for the answer. Other threads run meanwhile, and Ctrl-C interrupts.
    #[allow(
        clippy::redundant_closure_for_method_calls,
        reason = "the method's lifetime is too narrow without the closure"
    )]
    fn wait(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let signals = on_main_thread(py)?;
        let task = self.begin(py)?;
        let outcome = py.detach(move || {
            task.wait(|| {
                // Elsewhere signals are not looked for: whoever does not have to enter the interpreter stays out of its end.
                if signals {
                    return Python::try_attach(|py| py.check_signals().map_err(Some)).unwrap_or(Err(None));
                }
                Ok(())
            })
        });
        match outcome {
            Ok(outcome) => settled(py, outcome),
            Err(Some(interrupt)) => Err(interrupt),
            Err(None) => Err(PyRuntimeError::new_err("the interpreter shuts down")),
        }
    }

    /// States that the caller stopped waiting: an answer that was pulled is kept for the next pull.
    fn abandon(&self) {
        if let Some(abandoned) = &self.abandoned {
            abandoned();
        }
    }

    /// Begins, as a future of the event loop that runs right now.
    fn start<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        if settle::retired() {
            return Err(raise(py, &Error::new(Code::ClientClosed, "the process ends")));
        }
        let (event_loop, future) = into_python(py, || {
            let event_loop = running_loop(py)?.call0()?;
            let future = event_loop.call_method0("create_future")?;
            future.call_method1("add_done_callback", (Cancelled(self.cancel.clone()),))?;
            PyResult::Ok((event_loop, future))
        })?;
        let pending = settle::Pending::new(event_loop.unbind(), future.clone().unbind());
        self.begin(py)?.then(move |outcome| settle::later(pending, outcome));
        Ok(future)
    }

    fn __await__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let future = self.start(py)?;
        into_python(py, || future.call_method0("__await__"))
    }
}

/// Done callback of an asyncio future: a cancelled await cancels the operation.
#[pyclass(frozen)]
struct Cancelled(CancelToken);

#[pymethods]
impl Cancelled {
    fn __call__(&self, future: &Bound<'_, PyAny>) -> PyResult<()> {
        if into_python(future.py(), || future.call_method0("cancelled")?.is_truthy())? {
            self.0.cancel();
        }
        Ok(())
    }
}

fn running_loop(py: Python<'_>) -> PyResult<&Bound<'_, PyAny>> {
    static FOUND: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    FOUND.import(py, "asyncio", "get_running_loop")
}

fn main_thread(py: Python<'_>) -> PyResult<&Bound<'_, PyAny>> {
    static FOUND: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    FOUND.import(py, "threading", "main_thread")
}

fn current_thread(py: Python<'_>) -> PyResult<&Bound<'_, PyAny>> {
    static FOUND: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    FOUND.import(py, "threading", "get_ident")
}

/// Makes what is made once, before a fork: a child would wait for ever for a thread that was making it and that it has not.
pub(crate) fn prepare(py: Python<'_>) -> PyResult<()> {
    running_loop(py)?;
    main_thread(py)?;
    current_thread(py)?;
    py.get_type::<Cancelled>();
    settle::prepare(py);
    crate::trace::prepare(py)?;
    crate::errors::prepare(py)
}

/// Signals are delivered to the main thread alone; elsewhere looking for them would only take the interpreter's lock.
fn on_main_thread(py: Python<'_>) -> PyResult<bool> {
    into_python(py, || {
        let main = main_thread(py)?.call0()?.getattr("ident")?;
        let current = current_thread(py)?.call0()?;
        current.eq(main)
    })
}

/// The Python object that a call answers, or what it raises: also when turning one into the other panics.
pub(crate) fn settled(py: Python<'_>, outcome: Result<Answer, Error>) -> PyResult<Py<PyAny>> {
    guarded(py, || outcome.map(|answer| into_python(py, || answer(py)))).flatten()
}

/// Runs a synchronous operation of the core; its failure, and a panic, is raised.
pub(crate) fn guarded<T>(py: Python<'_>, operation: impl FnOnce() -> Result<T, Error>) -> PyResult<T> {
    gladhand_ffi::task::guard(operation).map_err(|error| raise(py, &error))
}
