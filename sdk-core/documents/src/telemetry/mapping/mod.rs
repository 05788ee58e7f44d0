//! A record in the words of others, each a table with tests.
//!
//! * [`opentelemetry`]: span attributes. * [`vss`]: COVESA Vehicle Signal Specification 6.
//! * [`nmfta`]: faults of NMFTA Open Telematics 1.0. * [`x12`]: shipment status of X12 214.
//!
//! Routine records never travel as spans: they are five times larger that way. The attributes are for a span now and then.

pub mod nmfta;
pub mod opentelemetry;
pub mod vss;
pub mod x12;

use super::record::Record;

/// What a record says, in the type of the other vocabulary.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// Text.
    Text(&'a str),
    /// A measurement.
    Number(f64),
    /// A count.
    Integer(i64),
}

/// A row of a table: the other vocabulary's name, and what a record says of it, if anything.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The name.
    pub name: &'static str,
    /// The value.
    pub value: for<'a> fn(&'a Record) -> Option<Value<'a>>,
}

/// What a record says in the words of a table.
fn said<'a>(table: &'static [Row], record: &'a Record) -> impl Iterator<Item = (&'static str, Value<'a>)> {
    table.iter().filter_map(move |row| Some((row.name, (row.value)(record)?)))
}

/// Text that is there.
fn text(text: &str) -> Option<Value<'_>> {
    (!text.is_empty()).then_some(Value::Text(text))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crate::telemetry::{
        AutonomyMode, Context, Fault, FaultCode, FaultSeverity, Kinematics, Location, Record, SaeLevel, SensorDef,
        SensorHealth, SensorKind, SensorStatus,
    };

    /// A record that says something of everything.
    pub(super) fn record() -> Record {
        let sensor = |kind| SensorDef { kind, ..SensorDef::default() };
        let health = |sensor_index, status| SensorHealth { sensor_index, status, score_permille: None };
        let fault = |code, severity| Fault { code, severity, active: true, ..Fault::default() };
        Record {
            context: Arc::new(Context {
                vehicle_id: "aurora-trk-0417".into(),
                load_id: "mcleod-6789".into(),
                capacity_id: "aurora-12345".into(),
                dispatch_id: "dsp-1".into(),
                sensors: vec![sensor(SensorKind::LIDAR), sensor(SensorKind::LIDAR), sensor(SensorKind(99))],
            }),
            event_sequence: 18,
            observed_unix_nanos: 1_771_574_400_500_000_000,
            location: Some(Location {
                latitude_e7_deg: 327_767_000,
                longitude_e7_deg: -967_970_000,
                altitude_mm: Some(140_250),
                horizontal_accuracy_mm: 20,
                vertical_accuracy_mm: 0,
            }),
            kinematics: Some(Kinematics {
                speed_mmps: 25_000,
                heading_cdeg: 13_550,
                accel_longitudinal_mmps2: -500,
                accel_lateral_mmps2: 30,
                yaw_rate_mdegps: -1_250,
            }),
            sensor_health: vec![
                health(0, SensorStatus::NOMINAL),
                health(1, SensorStatus::DEGRADED),
                health(2, SensorStatus::FAILED),
            ],
            autonomy_mode: AutonomyMode::AUTONOMOUS_ENROUTE,
            autonomy_level: SaeLevel::L4,
            faults: vec![
                fault(FaultCode::SENSOR_DEGRADED, FaultSeverity::WARNING),
                Fault {
                    j1939_spn: Some(521_049),
                    j1939_fmi: Some(5),
                    ..fault(FaultCode::BRAKE, FaultSeverity::DEGRADED_OPERATION)
                },
            ],
            ..Record::default()
        }
    }
}
