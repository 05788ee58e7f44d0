//! A telemetry record from what Python passes: numbers in common units, sensors and faults by name.

use std::sync::Arc;

use gladhand_documents::telemetry::{
    AutonomyMode, Context, Fault, FaultCode, FaultSeverity, Kinematics, Location, Record, SaeLevel, SensorDef,
    SensorHealth, SensorKind, SensorStatus,
};
use gladhand_ffi::{Code, Error, Result};
use pyo3::prelude::*;

/// `gladhand.vehicle.Sensor`.
#[derive(FromPyObject)]
pub(crate) struct SensorFields {
    kind: String,
    status: String,
    position: u32,
    name: String,
    score_permille: Option<u32>,
}

/// `gladhand.vehicle.Fault`.
#[derive(FromPyObject)]
pub(crate) struct FaultFields {
    code: String,
    severity: String,
    active: bool,
    sensor_index: Option<u32>,
    j1939_spn: Option<u32>,
    j1939_fmi: Option<u32>,
    vendor_code: String,
}

/// What `Gateway.publish` takes, with its keyword arguments' names and units.
pub(crate) struct Fields {
    pub(crate) vehicle_id: String,
    pub(crate) load_id: String,
    pub(crate) capacity_id: String,
    pub(crate) dispatch_id: String,
    pub(crate) event_sequence: u64,
    pub(crate) observed_unix_nanos: u64,
    pub(crate) lat: Option<f64>,
    pub(crate) lon: Option<f64>,
    pub(crate) altitude_m: Option<f64>,
    pub(crate) horizontal_accuracy_m: f64,
    pub(crate) speed_mps: Option<f64>,
    pub(crate) heading_deg: Option<f64>,
    pub(crate) acceleration_mps2: (f64, f64),
    pub(crate) yaw_rate_degps: f64,
    pub(crate) autonomy_mode: String,
    pub(crate) autonomy_level: String,
    pub(crate) sensors: Vec<SensorFields>,
    pub(crate) faults: Vec<FaultFields>,
}

impl Fields {
    /// The record. Errors: `invalid_argument` naming the argument; ranges are the record's own.
    pub(crate) fn record(self) -> Result<Record> {
        let location = match (self.lat, self.lon) {
            (Some(lat), Some(lon)) => {
                let location = Location::from_degrees(lat, lon)?.with_accuracy_m(self.horizontal_accuracy_m, 0.0)?;
                Some(self.altitude_m.map_or(Ok(location), |metres| location.with_altitude_m(metres))?)
            }
            (None, None) => None,
            _ => return Err(Error::new(Code::InvalidArgument, "lat and lon belong together")),
        };
        let kinematics = match (self.speed_mps, self.heading_deg) {
            (Some(speed), Some(heading)) => {
                let (longitudinal, lateral) = self.acceleration_mps2;
                let motion = Kinematics::from_motion(speed, heading)?;
                Some(motion.with_acceleration_mps2(longitudinal, lateral)?.with_yaw_rate_degps(self.yaw_rate_degps)?)
            }
            (None, None) => None,
            _ => return Err(Error::new(Code::InvalidArgument, "speed_mps and heading_deg belong together")),
        };
        let mut sensors = Vec::with_capacity(self.sensors.len());
        let mut sensor_health = Vec::with_capacity(self.sensors.len());
        for (index, sensor) in self.sensors.into_iter().enumerate() {
            let status = known("sensor status", &sensor.status, SensorStatus::parse)?;
            let kind = known("sensor kind", &sensor.kind, SensorKind::parse)?;
            sensor_health.push(SensorHealth {
                sensor_index: index as u32,
                status,
                score_permille: sensor.score_permille,
            });
            sensors.push(SensorDef { kind, position: sensor.position, name: sensor.name });
        }
        let faults = self.faults.into_iter().map(fault).collect::<Result<_>>()?;
        Ok(Record {
            context: Arc::new(Context {
                vehicle_id: self.vehicle_id,
                load_id: self.load_id,
                capacity_id: self.capacity_id,
                dispatch_id: self.dispatch_id,
                sensors,
            }),
            event_sequence: self.event_sequence,
            observed_unix_nanos: self.observed_unix_nanos,
            location,
            kinematics,
            sensor_health,
            autonomy_mode: known("autonomy mode", &self.autonomy_mode, AutonomyMode::parse)?,
            autonomy_level: known("autonomy level", &self.autonomy_level, SaeLevel::parse)?,
            faults,
            trace_id: None,
            span_id: None,
        })
    }
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

fn known<T>(what: &str, text: &str, parse: impl FnOnce(&str) -> Option<T>) -> Result<T> {
    parse(text).ok_or_else(|| Error::new(Code::InvalidArgument, format!("{text:?} is no {what} of the contract")))
}
