//! The trace of the host that a call belongs to: read by `gladhand._trace` where the call begins, in its thread or task.

use gladhand_ffi::CancelToken;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

use crate::ending::into_python;

/// The token of a call that begins here and now. What goes wrong in reading the trace is told as Python tells of errors that
/// nobody can catch, and the call is made without one.
pub(crate) fn of_host(py: Python<'_>, token: &CancelToken) -> CancelToken {
    match current(py) {
        Ok(Some((parent, state))) => token.in_trace(Some(&parent), state.as_deref()),
        Ok(None) => token.clone(),
        Err(error) => {
            error.write_unraisable(py, None);
            token.clone()
        }
    }
}

static CURRENT: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

/// Makes what is made once.
pub(crate) fn prepare(py: Python<'_>) -> PyResult<()> {
    CURRENT.import(py, "gladhand._trace", "current").map(|_| ())
}

fn current(py: Python<'_>) -> PyResult<Option<(String, Option<String>)>> {
    into_python(py, || CURRENT.import(py, "gladhand._trace", "current")?.call0()?.extract())
}
