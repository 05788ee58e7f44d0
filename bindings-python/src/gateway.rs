//! The vehicle side: records in, admissions out.

use std::collections::HashMap;

use gladhand_documents::telemetry::json;
use gladhand_ffi::Gateway;
use pyo3::prelude::*;

use crate::call::{Call, guarded};
use crate::document::PyDocument;
use crate::record::{FaultFields, Fields, SensorFields};

/// A vehicle gateway.
#[pyclass(name = "Gateway", module = "gladhand._gladhand", frozen, weakref)]
pub(crate) struct PyGateway(Gateway);

#[pymethods]
impl PyGateway {
    #[staticmethod]
    fn connect(path: Option<String>, settings: HashMap<String, String>) -> Call {
        let settings = settings.into_iter().collect();
        Call::new(
            |cancel| Gateway::connect(path, settings, cancel),
            |gateway, py| Ok(Py::new(py, Self(gateway))?.into_any()),
        )
    }

    /// Takes a record as a document; never waits.
    fn publish_document(&self, py: Python<'_>, record: &Bound<'_, PyDocument>) -> PyResult<PyDocument> {
        guarded(py, || self.0.publish(&record.get().0)).map(PyDocument)
    }

    /// Takes a record by its fields; never waits.
    #[pyo3(signature = (*, vehicle_id, load_id, capacity_id, dispatch_id, event_sequence, observed_unix_nanos, lat, lon,
        altitude_m, horizontal_accuracy_m, speed_mps, heading_deg, acceleration_mps2, yaw_rate_degps, autonomy_mode,
        autonomy_level, sensors, faults))]
    #[allow(clippy::too_many_arguments)] // one per field of the record
    fn publish(
        &self,
        py: Python<'_>,
        vehicle_id: String,
        load_id: String,
        capacity_id: String,
        dispatch_id: String,
        event_sequence: u64,
        observed_unix_nanos: u64,
        lat: Option<f64>,
        lon: Option<f64>,
        altitude_m: Option<f64>,
        horizontal_accuracy_m: f64,
        speed_mps: Option<f64>,
        heading_deg: Option<f64>,
        acceleration_mps2: (f64, f64),
        yaw_rate_degps: f64,
        autonomy_mode: String,
        autonomy_level: String,
        sensors: Vec<SensorFields>,
        faults: Vec<FaultFields>,
    ) -> PyResult<PyDocument> {
        let fields = Fields {
            vehicle_id,
            load_id,
            capacity_id,
            dispatch_id,
            event_sequence,
            observed_unix_nanos,
            lat,
            lon,
            altitude_m,
            horizontal_accuracy_m,
            speed_mps,
            heading_deg,
            acceleration_mps2,
            yaw_rate_degps,
            autonomy_mode,
            autonomy_level,
            sensors,
            faults,
        };
        guarded(py, || self.0.publish(&json::to_document(&fields.record()?)?)).map(PyDocument)
    }

    /// Waits until everything published is acknowledged or declared lost.
    fn flush(&self) -> Call {
        let gateway = self.0.clone();
        Call::document(move |cancel| gateway.flush(cancel))
    }

    /// What became of the records.
    fn stats(&self, py: Python<'_>) -> PyResult<PyDocument> {
        guarded(py, || self.0.stats()).map(PyDocument)
    }

    /// Sends what waits, and ends.
    fn close(&self) -> Call {
        let gateway = self.0.clone();
        Call::document(move |cancel| gateway.close(cancel))
    }
}
