//! The functions `TESTING_…`, with which the tests try this bridge itself: the feature `testing` has them, no release does.
//! Each is its namesake of [`gladhand_ffi::testing`]; what those do on the runtime is a [`Call`] here, to wait for or await.

use gladhand_ffi::{CancelToken, Task, testing};
use pyo3::prelude::*;

use crate::call::{Call, guarded};
use crate::stream::{Documents, PyStream};

fn number(operation: impl FnOnce(&CancelToken) -> Task<i64> + Send + 'static) -> Call {
    Call::new(operation, |value, py| Ok(value.into_pyobject(py)?.into_any().unbind()))
}

/// Gives the number back.
#[pyfunction(name = "TESTING_echo")]
pub(crate) fn echo(py: Python<'_>, value: i64) -> PyResult<i64> {
    guarded(py, || testing::echo(value))
}

/// Gives the number back by way of the runtime.
#[pyfunction(name = "TESTING_round_trip")]
pub(crate) fn round_trip(value: i64) -> Call {
    number(move |cancel| testing::round_trip(value, cancel))
}

/// Panics.
#[pyfunction(name = "TESTING_panic")]
pub(crate) fn panic(py: Python<'_>) -> PyResult<i64> {
    guarded(py, testing::panic)
}

/// Panics on the runtime.
#[pyfunction(name = "TESTING_panic_later")]
pub(crate) fn panic_later() -> Call {
    number(testing::panic_later)
}

/// Answers, and panics while the answer is turned into a Python object.
#[pyfunction(name = "TESTING_panic_in_answer")]
pub(crate) fn panic_in_answer() -> Call {
    Call::new(|cancel| testing::round_trip(0, cancel), |_, _| panic!("TESTING_panic_in_answer"))
}

/// Answers after so many milliseconds.
#[pyfunction(name = "TESTING_slow")]
pub(crate) fn slow(milliseconds: u64) -> Call {
    number(move |cancel| testing::slow(milliseconds, cancel))
}

/// Slow calls under way.
#[pyfunction(name = "TESTING_under_way")]
pub(crate) fn under_way() -> u64 {
    testing::under_way()
}

/// Slow calls that were cancelled under way.
#[pyfunction(name = "TESTING_cancelled")]
pub(crate) fn cancelled() -> u64 {
    testing::cancelled()
}

/// Every code of the error table.
#[pyfunction(name = "TESTING_codes")]
pub(crate) fn codes() -> Vec<&'static str> {
    testing::codes()
}

/// Fails with that code, every attribute filled.
#[pyfunction(name = "TESTING_fail")]
pub(crate) fn fail(py: Python<'_>, code: &str) -> PyResult<i64> {
    guarded(py, || testing::fail(code))
}

/// Fails with that code on the runtime.
#[pyfunction(name = "TESTING_fail_later")]
pub(crate) fn fail_later(code: String) -> Call {
    number(move |cancel| testing::fail_later(&code, cancel))
}

/// A stream of the documents `{"n":1}`, `{"n":2}` … up to `count`.
#[pyfunction(name = "TESTING_storm")]
pub(crate) fn storm(count: u64) -> PyStream {
    PyStream::new(Documents::Storm(testing::storm(count)))
}
