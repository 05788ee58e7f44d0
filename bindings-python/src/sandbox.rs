//! A local carrier, started and ended from Python.

use std::path::PathBuf;
use std::sync::Arc;

use gladhand_ffi::{CancelToken, Code, Error, Result, Sandbox, Task, runtime, spawn};
use pyo3::prelude::*;

use crate::call::{Call, guarded};
use crate::document::PyDocument;

/// A running sandbox carrier.
#[pyclass(name = "Sandbox", module = "gladhand._gladhand", frozen)]
pub(crate) struct PySandbox(Arc<Sandbox>);

#[pymethods]
impl PySandbox {
    /// Starts the program `gladhand-sandbox` as the carrier of this name; `packaged` is the one of its own wheel.
    #[staticmethod]
    #[pyo3(signature = (carrier, program=None, packaged=None, extra=Vec::new()))]
    fn start(
        py: Python<'_>,
        carrier: String,
        program: Option<PathBuf>,
        packaged: Option<PathBuf>,
        extra: Vec<String>,
    ) -> PyResult<Self> {
        let start = || Sandbox::start_packaged(program.as_deref(), packaged.as_deref(), &carrier, &extra);
        let sandbox = py.detach(|| gladhand_ffi::task::guard(start));
        guarded(py, || sandbox).map(|sandbox| Self(Arc::new(sandbox)))
    }

    /// The ready line.
    fn ready(&self) -> PyDocument {
        PyDocument(self.0.ready().clone())
    }

    /// Calls the control interface: GET without a body, POST with one.
    #[pyo3(signature = (path, body=None))]
    fn control(&self, path: String, body: Option<Bound<'_, PyDocument>>) -> Call {
        let sandbox = Arc::clone(&self.0);
        let body = body.map(|body| body.get().0.clone());
        Call::document(|cancel| blocking(cancel, move || sandbox.control(&path, body.as_ref())))
    }

    /// A load that fits the carrier's stock, or this offer of it.
    #[pyo3(signature = (load_id, offer=None))]
    fn load(&self, load_id: String, offer: Option<Bound<'_, PyDocument>>) -> Call {
        let sandbox = Arc::clone(&self.0);
        let offer = offer.map(|offer| offer.get().0.clone());
        Call::document(|cancel| blocking(cancel, move || sandbox.load(&load_id, offer.as_ref())))
    }

    /// Ends the carrier.
    fn stop(&self, py: Python<'_>) {
        py.detach(|| self.0.stop());
    }
}

/// Runs what blocks away from the runtime's workers.
fn blocking<T: Send + 'static>(
    cancel: &CancelToken,
    operation: impl FnOnce() -> Result<T> + Send + 'static,
) -> Task<T> {
    spawn(cancel, async move {
        let outcome = runtime::get()?.spawn_blocking(operation).await;
        outcome.unwrap_or_else(|e| Err(Error::new(Code::InternalPanic, "the sandbox's handle panicked").caused_by(&e)))
    })
}
