//! The native module `gladhand._gladhand`: types of the core for Python, and nothing else. No rule of the contract is here;
//! the Python in `python/gladhand` adds names, keyword arguments and the generated views.
//!
//! * [`document`]: the lossless document. * [`errors`]: raising the classes of `gladhand.errors`.
//! * [`call`]: one call, to wait for or to await. * [`settle`]: answers on their way to asyncio. * [`ending`]: the end.
//! * [`contract`]: names, digests, signatures and states by themselves.
//! * [`client`]: the operations. * [`stream`]: what never stops arriving. * [`pull`]: nothing of it is lost.
//! * [`trace`], [`logs`]: the host's trace and the host's log.
//! * [`gateway`], [`record`], [`columns`]: the vehicle side. * [`sandbox`]: a local carrier.
//! * `testing`: what only tests have, behind the feature of that name.

mod call;
mod client;
mod columns;
mod contract;
mod document;
mod ending;
mod errors;
mod gateway;
mod logs;
mod pull;
mod record;
mod sandbox;
mod settle;
mod stream;
#[cfg(feature = "testing")]
mod testing;
mod trace;

use pyo3::prelude::*;

/// What the package imports.
#[pymodule]
mod _gladhand {
    #[pymodule_export]
    use super::call::Call;
    #[pymodule_export]
    use super::client::PyClient;
    #[pymodule_export]
    use super::contract::{
        event_digest, explain, history_extend, history_start, idempotency_key, next_states, state_after, tender_id,
        verify_webhook,
    };
    #[pymodule_export]
    use super::document::{PyDocument, quote};
    #[pymodule_export]
    use super::gateway::PyGateway;
    #[pymodule_export]
    use super::logs::PyLogListener;
    #[cfg(feature = "testing")]
    #[pymodule_export]
    use super::logs::testing_log;
    #[pymodule_export]
    use super::sandbox::PySandbox;
    #[pymodule_export]
    use super::stream::{PyDelivery, PyEventReader, PyStream};
    #[cfg(feature = "testing")]
    #[pymodule_export]
    use super::testing::{
        cancelled, codes, echo, fail, fail_later, panic, panic_in_answer, panic_later, round_trip, slow, storm,
        under_way,
    };
    #[pymodule_export]
    use super::{after_fork, before_fork, in_forked_child, shutdown};

    #[pymodule_export]
    const VERSION: &str = gladhand_ffi::VERSION;

    #[pymodule_export]
    const WEBHOOK_LIMIT: usize = gladhand_ffi::WEBHOOK_LIMIT;
}

/// Ends the runtime, for the end of the process.
#[pyfunction]
fn shutdown(py: Python<'_>) {
    py.detach(|| {
        let limit = std::time::Duration::from_secs(1);
        gladhand_ffi::runtime::shutdown(limit);
        settle::retire();
        ending::close(limit);
    });
}

/// Waits until a forked child can begin with everything of its own.
#[pyfunction]
fn before_fork(py: Python<'_>) -> PyResult<()> {
    py.detach(gladhand_ffi::fork::before);
    call::prepare(py)
}

/// Lets everything work again, in the parent.
#[pyfunction]
fn after_fork() {
    gladhand_ffi::fork::after();
}

/// States that this is the child, which has everything of its own.
#[pyfunction]
fn in_forked_child() {
    gladhand_ffi::fork::in_child();
    gladhand_ffi::fork::after();
}
