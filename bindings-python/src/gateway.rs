//! The vehicle side: records in, admissions out.

use std::collections::HashMap;

use gladhand_documents::telemetry::lane_name;
use gladhand_ffi::{Gateway, Published};
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::call::{Call, guarded};
use crate::columns::{Buffer, columns};
use crate::document::PyDocument;
use crate::errors::raise;
use crate::logs;
use crate::record::Templates;

/// A vehicle gateway.
#[pyclass(name = "Gateway", module = "gladhand._gladhand", frozen, weakref)]
pub(crate) struct PyGateway {
    gateway: Gateway,
    templates: Templates,
}

/// `gladhand.vehicle.Published`, as its fields.
type PublishedFields = (u64, u64, u64, u64);

#[pymethods]
impl PyGateway {
    #[staticmethod]
    fn connect(py: Python<'_>, path: Option<String>, settings: HashMap<String, String>) -> PyResult<Call> {
        logs::ensure(py)?;
        let settings = settings.into_iter().collect();
        Ok(Call::new(
            |cancel| Gateway::connect(path, settings, cancel),
            |gateway, py| Ok(Py::new(py, Self { gateway, templates: Templates::default() })?.into_any()),
        ))
    }

    /// Takes a record as a document; never waits.
    fn publish_document(&self, py: Python<'_>, record: &Bound<'_, PyDocument>) -> PyResult<PyDocument> {
        guarded(py, || self.gateway.publish(&record.get().0)).map(PyDocument)
    }

    /// Takes the fields of a `gladhand.vehicle.Record`; never waits. Gives those of an `Admission`.
    fn publish(&self, py: Python<'_>, record: &Bound<'_, PyTuple>) -> PyResult<(&'static str, u64, u64, bool)> {
        let record = self.templates.record(record)?;
        let admitted = py.detach(|| self.gateway.publish_record(record)).map_err(|error| raise(py, &error))?;
        Ok((lane_name(admitted.lane), admitted.sequence, admitted.event_sequence, admitted.accepted))
    }

    /// Takes many of them: all, or none. Gives the fields of a `Published`.
    fn publish_records(&self, py: Python<'_>, records: Vec<Bound<'_, PyTuple>>) -> PyResult<PublishedFields> {
        let records = records.iter().map(|record| self.templates.record(record)).collect::<PyResult<Vec<_>>>()?;
        let published = py.detach(|| self.gateway.publish_batch(records));
        published.map(fields).map_err(|error| raise(py, &error))
    }

    /// Takes many records as columns with these labels in common: all, or none. Gives the fields of a `Published`.
    fn publish_columns(
        &self,
        py: Python<'_>,
        labels: &Bound<'_, PyTuple>,
        buffers: Vec<Buffer<'_>>,
    ) -> PyResult<PublishedFields> {
        let template = self.templates.of(labels)?;
        let columns = guarded(py, || columns(&buffers))?;
        let published =
            py.detach(|| columns.records(&template).and_then(|records| self.gateway.publish_batch(records)));
        published.map(fields).map_err(|error| raise(py, &error))
    }

    /// Waits until everything published is acknowledged or declared lost.
    fn flush(&self) -> Call {
        let gateway = self.gateway.clone();
        Call::document(move |cancel| gateway.flush(cancel))
    }

    /// What became of the records.
    fn stats(&self, py: Python<'_>) -> PyResult<PyDocument> {
        guarded(py, || self.gateway.stats()).map(PyDocument)
    }

    /// Numbers to watch it by.
    fn metrics(&self, py: Python<'_>) -> PyResult<PyDocument> {
        guarded(py, || self.gateway.metrics()).map(PyDocument)
    }

    /// Sends what waits, and ends.
    fn close(&self) -> Call {
        let gateway = self.gateway.clone();
        Call::document(move |cancel| gateway.close(cancel))
    }
}

fn fields(published: Published) -> PublishedFields {
    let Published { accepted, dropped, first_event_sequence, last_event_sequence } = published;
    (accepted, dropped, first_event_sequence, last_event_sequence)
}
