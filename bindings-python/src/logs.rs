//! The core's log on its way to Python's `logging`: a thread of its own takes it in batches to `gladhand._logs`.

use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use gladhand_ffi::logs::{Level, Waited};
use gladhand_ffi::{Error, LogRecord, Logs};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::ending::into_python;
use crate::errors::raise;

/// How soon a change of a logger's level is noticed.
const GLANCE: Duration = Duration::from_secs(1);
/// For how long the end waits for the last batch.
const PATIENCE: Duration = Duration::from_secs(1);

/// A listener at work.
#[pyclass(name = "LogListener", module = "gladhand._gladhand", frozen)]
pub(crate) struct PyLogListener {
    logs: Arc<Logs>,
    ended: Mutex<Option<Receiver<()>>>,
}

/// What Python is told of a record: seconds since 1970, level, logger, message, facts, trace id.
type Told<'py> = (f64, &'static str, String, String, Bound<'py, PyDict>, Option<String>);

#[pymethods]
impl PyLogListener {
    /// Listens at `level`. `deliver` takes a list of records, empty ones too, and says which level is wanted from then on.
    #[staticmethod]
    fn start(py: Python<'_>, level: &str, deliver: Py<PyAny>) -> PyResult<Self> {
        let level = Level::parse(Some(level)).map_err(|error| raise(py, &error))?;
        // A thread that forks may hold what this waits for, and wait for the interpreter.
        let logs = Arc::new(py.detach(|| Logs::open(level)));
        let (end, ended) = sync_channel(1);
        let heard = logs.clone();
        std::thread::Builder::new().name("gladhand-logs".to_owned()).spawn(move || {
            let heard_out = Python::try_attach(|py| {
                listen(py, &heard, &deliver);
                drop(deliver);
            });
            if heard_out.is_some() {
                let _ = end.send(());
            }
        })?;
        Ok(Self { logs, ended: Mutex::new(Some(ended)) })
    }

    /// Listens to another level.
    fn set_level(&self, py: Python<'_>, level: &str) -> PyResult<()> {
        let level = Level::parse(Some(level)).map_err(|error| raise(py, &error))?;
        py.detach(|| self.logs.set_level(level));
        Ok(())
    }

    /// Ends it, once what waits was delivered.
    fn stop(&self, py: Python<'_>) {
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner).take();
        py.detach(|| {
            self.logs.close();
            if let Some(ended) = ended {
                let _ = ended.recv_timeout(PATIENCE);
            }
        });
    }
}

/// Stays in the interpreter and only lets it go while it waits, as the thread of [`crate::settle`] does and for the same reason.
fn listen(py: Python<'_>, logs: &Logs, deliver: &Py<PyAny>) {
    loop {
        let records = match py.detach(|| logs.wait(GLANCE)) {
            Waited::Batch(records) => records,
            Waited::Nothing => Vec::new(),
            Waited::Ended => return,
        };
        match into_python(py, || delivered(py, deliver, records)) {
            // A thread that forks may hold what this waits for, and wait for the interpreter.
            Ok(level) => py.detach(|| logs.set_level(level)),
            Err(error) => error.write_unraisable(py, Some(deliver.bind(py))),
        }
    }
}

fn delivered(py: Python<'_>, deliver: &Py<PyAny>, records: Vec<LogRecord>) -> PyResult<Level> {
    let records = records.into_iter().map(|record| told(py, record)).collect::<PyResult<Vec<_>>>()?;
    let level: String = deliver.call1(py, (records,))?.extract(py)?;
    Level::parse(Some(&level)).map_err(|error: Error| raise(py, &error))
}

fn told(py: Python<'_>, record: LogRecord) -> PyResult<Told<'_>> {
    let seconds = record.at.as_duration().as_secs_f64();
    let (logger, message) = (record.logger(), record.line());
    let fields = PyDict::new(py);
    for (name, value) in record.fields {
        fields.set_item(name, value)?;
    }
    Ok((seconds, record.level.as_str(), logger, message, fields, record.trace_id))
}

/// Lets the log of what begins here be heard, unless it is already.
pub(crate) fn ensure(py: Python<'_>) -> PyResult<()> {
    py.import("gladhand._logs")?.call_method0("start").map(drop)
}

/// Logs so many records, as fast as it can: for tests.
#[cfg(feature = "testing")]
#[pyfunction(name = "TESTING_log")]
pub(crate) fn testing_log(count: u64) -> crate::call::Call {
    crate::call::Call::new(
        move |cancel| gladhand_ffi::testing::log(count, cancel),
        |value, py| Ok(value.into_pyobject(py)?.into_any().unbind()),
    )
}
