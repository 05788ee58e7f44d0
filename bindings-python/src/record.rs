//! A telemetry record from what Python passes: a `gladhand.vehicle.Record`, or a tuple of its fields in their order.

use std::sync::{Arc, Mutex, PoisonError};

use gladhand_documents::telemetry::{Fault, FaultCode, FaultSeverity, Record};
use gladhand_ffi::Result;
use gladhand_ffi::observation::{Labels, Measured, SensorState, Template, known};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyString, PyTuple};

use crate::errors::raise;

/// The fields of `gladhand.vehicle.Record`. The labels come first, in the order of [`Key::texts`].
const FIELDS: [&str; 21] = [
    "vehicle_id",
    "load_id",
    "capacity_id",
    "dispatch_id",
    "autonomy_mode",
    "autonomy_level",
    "trace_id",
    "span_id",
    "sensors",
    "observed_at",
    "event_sequence",
    "lat",
    "lon",
    "altitude_m",
    "horizontal_accuracy_m",
    "vertical_accuracy_m",
    "speed_mps",
    "heading_deg",
    "acceleration_mps2",
    "yaw_rate_degps",
    "faults",
];
/// How many of them are text.
const TEXTS: usize = 8;
const SENSORS: usize = TEXTS;

/// `gladhand.vehicle.Sensor`.
#[derive(FromPyObject)]
struct SensorFields {
    kind: String,
    status: String,
    position: u32,
    name: String,
    score_permille: Option<u32>,
}

/// `gladhand.vehicle.Fault`.
#[derive(FromPyObject)]
struct FaultFields {
    code: String,
    severity: String,
    active: bool,
    sensor_index: Option<u32>,
    j1939_spn: Option<u32>,
    j1939_fmi: Option<u32>,
    vendor_code: String,
}

/// What a template was made of.
struct Key {
    texts: [String; TEXTS],
    /// Compared as Python compares them: by their content, and at once if they are the same objects.
    sensors: Py<PyTuple>,
    template: Arc<Template>,
}

/// The template of the record before: nearly every record of a vehicle has the same.
#[derive(Default)]
pub(crate) struct Templates(Mutex<Option<Key>>);

impl Templates {
    /// The template of these fields, of which only the labels are read.
    pub(crate) fn of(&self, row: &Bound<'_, PyTuple>) -> PyResult<Arc<Template>> {
        let py = row.py();
        let texts: Vec<Bound<'_, PyString>> = (0..TEXTS).map(|place| cast(row, place)).collect::<PyResult<_>>()?;
        let texts: Vec<&str> = texts.iter().map(|text| text.to_str()).collect::<PyResult<_>>()?;
        let sensors: Bound<'_, PyTuple> = cast(row, SENSORS)?;
        // Taken out while Python compares: its code may let other threads run, which must not wait here.
        let last = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let same = match &last {
            Some(last) => last.texts.iter().eq(texts.iter()) && last.sensors.bind(py).eq(&sensors)?,
            None => false,
        };
        let key = match last {
            Some(last) if same => last,
            last => {
                let template = template(&texts, &sensors, last.as_ref().map(|last| &*last.template))?;
                let texts = std::array::from_fn(|place| texts[place].to_owned());
                Key { texts, sensors: sensors.unbind(), template: Arc::new(template) }
            }
        };
        let template = key.template.clone();
        let other = self.0.lock().unwrap_or_else(PoisonError::into_inner).replace(key);
        drop(other);
        Ok(template)
    }

    /// The record of these fields.
    pub(crate) fn record(&self, row: &Bound<'_, PyTuple>) -> PyResult<Record> {
        let template = self.of(row)?;
        let measured = Measured {
            lat: value(row, 11)?,
            lon: value(row, 12)?,
            altitude_m: value(row, 13)?,
            horizontal_accuracy_m: value(row, 14)?,
            vertical_accuracy_m: value(row, 15)?,
            speed_mps: value(row, 16)?,
            heading_deg: value(row, 17)?,
            acceleration_mps2: value(row, 18)?,
            yaw_rate_degps: value(row, 19)?,
        };
        let record = template.record(value(row, 9)?, value(row, 10)?, &measured);
        let mut record = record.map_err(|error| raise(row.py(), &error))?;
        let faults: Bound<'_, PyTuple> = cast(row, 20)?;
        if !faults.is_empty() {
            let faults = faults.iter().map(|fault| fault.extract::<FaultFields>()).collect::<PyResult<Vec<_>>>()?;
            let faults: Result<Vec<Fault>> = faults.into_iter().map(fault).collect();
            record.faults = faults.map_err(|error| raise(row.py(), &error))?;
        }
        Ok(record)
    }
}

fn template(texts: &[&str], sensors: &Bound<'_, PyTuple>, last: Option<&Template>) -> PyResult<Template> {
    let py = sensors.py();
    let sensors: Vec<SensorFields> = sensors.iter().map(|sensor| sensor.extract()).collect::<PyResult<_>>()?;
    let states = sensors.iter().map(|SensorFields { kind, status, position, name, score_permille }| SensorState {
        kind,
        status,
        position: *position,
        name,
        score_permille: *score_permille,
    });
    let labels = Labels {
        vehicle_id: texts[0],
        load_id: texts[1],
        capacity_id: texts[2],
        dispatch_id: texts[3],
        autonomy_mode: texts[4],
        autonomy_level: texts[5],
        trace_id: texts[6],
        span_id: texts[7],
        sensors: states.collect(),
    };
    Template::new(&labels, last).map_err(|error| raise(py, &error))
}

fn fault(fields: FaultFields) -> Result<Fault> {
    Ok(Fault {
        code: known("fault code", &fields.code, FaultCode::parse)?,
        severity: known("fault severity", &fields.severity, FaultSeverity::parse)?,
        sensor_index: fields.sensor_index,
        active: fields.active,
        j1939_spn: fields.j1939_spn,
        j1939_fmi: fields.j1939_fmi,
        vendor_code: fields.vendor_code,
    })
}

/// The field at a place, as a Python type.
fn cast<'py, T: pyo3::PyTypeCheck>(row: &Bound<'py, PyTuple>, place: usize) -> PyResult<Bound<'py, T>> {
    row.get_item(place)?.cast_into().map_err(|error| wrong(place, &error.into()))
}

/// The field at a place, as a number.
fn value<'py, T: FromPyObjectOwned<'py>>(row: &Bound<'py, PyTuple>, place: usize) -> PyResult<T> {
    row.get_item(place)?.extract().map_err(|error| wrong(place, &Into::<PyErr>::into(error)))
}

fn wrong(place: usize, error: &PyErr) -> PyErr {
    PyTypeError::new_err(format!("{}: {error}", FIELDS[place]))
}
