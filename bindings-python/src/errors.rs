//! Raising: a failure of the core becomes the Python exception class that `gladhand.errors` (generated from the error
//! table) has for its code, with every field of the failure as an attribute.

use gladhand_ffi::Error;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyDict;

use crate::ending::into_python;

static MAKE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

/// The Python exception for this failure.
pub(crate) fn raise(py: Python<'_>, error: &Error) -> PyErr {
    match into_python(py, || exception(py, error)) {
        Ok(exception) => PyErr::from_value(exception),
        Err(other) => other,
    }
}

/// Makes what is made once.
pub(crate) fn prepare(py: Python<'_>) -> PyResult<()> {
    MAKE.import(py, "gladhand.errors", "make").map(|_| ())
}

fn exception<'py>(py: Python<'py>, error: &Error) -> PyResult<Bound<'py, PyAny>> {
    let make = MAKE.import(py, "gladhand.errors", "make")?;
    let violations: Vec<(&str, &str, &str)> =
        error.violations().iter().map(|v| (v.path.as_str(), v.code.as_str(), v.message.as_str())).collect();
    let fields = PyDict::new(py);
    fields.set_item("sent", error.sent_state().as_str())?;
    fields.set_item("http_status", error.http_status())?;
    fields.set_item("retry_after_ms", error.retry_after_ms())?;
    fields.set_item("problem", error.problem())?;
    fields.set_item("violations", violations)?;
    fields.set_item("request_id", error.request_id())?;
    fields.set_item("idempotency_key", error.idempotency_key())?;
    fields.set_item("trace_id", error.trace_id())?;
    fields.set_item("tender_id", error.tender_id())?;
    fields.set_item("causes", error.causes())?;
    make.call((error.code().as_str(), error.message()), Some(&fields))
}
