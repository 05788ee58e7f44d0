//! The contract by itself, as functions. Names and keyword arguments are Python's business (`python/gladhand/contract.py`).

use gladhand_ffi::contract::{self, Scope};
use pyo3::prelude::*;

use crate::call::guarded;
use crate::document::PyDocument;

/// The permanent id of a tender.
#[pyfunction]
pub(crate) fn tender_id(
    py: Python<'_>,
    environment: &str,
    tenant: &str,
    carrier: &str,
    load_id: &str,
    attempt: i64,
) -> PyResult<String> {
    guarded(py, || contract::tender_id(&Scope { environment, tenant, carrier }, load_id, attempt))
}

/// The idempotency key of a mutation.
#[pyfunction]
pub(crate) fn idempotency_key(
    py: Python<'_>,
    environment: &str,
    tenant: &str,
    carrier: &str,
    operation: &str,
    operation_id: &str,
) -> PyResult<String> {
    guarded(py, || contract::idempotency_key(&Scope { environment, tenant, carrier }, operation, operation_id))
}

/// SHA-256 of an event's bytes.
#[pyfunction]
pub(crate) fn event_digest(py: Python<'_>, event: &[u8]) -> PyResult<String> {
    guarded(py, || contract::event_digest(event))
}

/// The digest of a tender's history before its first event.
#[pyfunction]
pub(crate) fn history_start(py: Python<'_>, tender_id: &str) -> PyResult<String> {
    guarded(py, || contract::history_start(tender_id))
}

/// The digest of a history after one more event.
#[pyfunction]
pub(crate) fn history_extend(py: Python<'_>, previous: &str, sequence: i64, event_digest: &str) -> PyResult<String> {
    guarded(py, || contract::history_extend(previous, sequence, event_digest))
}

/// Who signed a webhook: its id, the attempt's time in seconds since 1970, the key's name.
#[pyfunction]
pub(crate) fn verify_webhook(
    py: Python<'_>,
    headers: Vec<(String, String)>,
    body: &[u8],
    keys: Vec<Py<PyDocument>>,
    at: &str,
) -> PyResult<(String, i64, String)> {
    let keys: Vec<_> = keys.iter().map(|key| key.get().0.clone()).collect();
    let verified = guarded(py, || contract::verify_webhook(&headers, body, &keys, at))?;
    Ok((verified.id, verified.timestamp, verified.key_id))
}

/// Where a tender may go from a state.
#[pyfunction]
pub(crate) fn next_states(py: Python<'_>, state: &str) -> PyResult<Vec<String>> {
    guarded(py, || contract::next_states(state))
}

/// The state of a tender after an event of a type.
#[pyfunction]
pub(crate) fn state_after(py: Python<'_>, state: &str, event_type: &str) -> PyResult<String> {
    guarded(py, || contract::state_after(state, event_type))
}

/// Whether a load fits an offer at an instant.
#[pyfunction]
#[pyo3(signature = (load, offer, at, assumed_tare_lbs))]
pub(crate) fn explain(
    py: Python<'_>,
    load: &Bound<'_, PyDocument>,
    offer: &Bound<'_, PyDocument>,
    at: &str,
    assumed_tare_lbs: Option<i64>,
) -> PyResult<PyDocument> {
    guarded(py, || contract::explain(&load.get().0, &offer.get().0, at, assumed_tare_lbs)).map(PyDocument)
}
