//! Signals of the COVESA Vehicle Signal Specification 6: their paths and units. Its speed is in km/h, its heading in degrees
//! clockwise from north. Sensor status and faults have no path there; an overlay would have to add one.

use super::super::open::{AutonomyMode, SaeLevel};
use super::super::record::Record;
use super::{Row, Value, said};

/// The signals of a record.
pub const SIGNALS: &[Row] = &[
    Row {
        name: "Vehicle.CurrentLocation.Latitude",
        value: |r| Some(Value::Number(r.location.as_ref()?.latitude_deg())),
    },
    Row {
        name: "Vehicle.CurrentLocation.Longitude",
        value: |r| Some(Value::Number(r.location.as_ref()?.longitude_deg())),
    },
    Row {
        name: "Vehicle.CurrentLocation.Altitude",
        value: |r| Some(Value::Number(r.location.as_ref()?.altitude_m()?)),
    },
    Row {
        name: "Vehicle.CurrentLocation.HorizontalAccuracy",
        value: |r| accuracy(r.location.as_ref()?.horizontal_accuracy_mm),
    },
    Row {
        name: "Vehicle.CurrentLocation.VerticalAccuracy",
        value: |r| accuracy(r.location.as_ref()?.vertical_accuracy_mm),
    },
    Row {
        name: "Vehicle.CurrentLocation.Heading",
        value: |r| Some(Value::Number(r.kinematics.as_ref()?.heading_deg())),
    },
    // mm/s to km/h, divided once: 25 m/s are exactly 90.
    Row {
        name: "Vehicle.Speed",
        value: |r| Some(Value::Number(f64::from(r.kinematics.as_ref()?.speed_mmps) * 36.0 / 1e4)),
    },
    Row {
        name: "Vehicle.Acceleration.Longitudinal",
        value: |r| Some(Value::Number(f64::from(r.kinematics.as_ref()?.accel_longitudinal_mmps2) / 1e3)),
    },
    Row {
        name: "Vehicle.Acceleration.Lateral",
        value: |r| Some(Value::Number(f64::from(r.kinematics.as_ref()?.accel_lateral_mmps2) / 1e3)),
    },
    Row {
        name: "Vehicle.AngularVelocity.Yaw",
        value: |r| Some(Value::Number(f64::from(r.kinematics.as_ref()?.yaw_rate_mdegps) / 1e3)),
    },
    Row { name: "Vehicle.ADAS.ActiveAutonomyLevel", value: |r| active_level(r).map(Value::Text) },
];

/// The signals that a record sets, with their values in the units of the specification.
pub fn signals(record: &Record) -> impl Iterator<Item = (&'static str, Value<'_>)> {
    said(SIGNALS, record)
}

fn accuracy(millimetres: u32) -> Option<Value<'static>> {
    (millimetres != 0).then(|| Value::Number(f64::from(millimetres) / 1e3))
}

/// The level that is active: level 0 when a person drives, and from level 2 on `DISENGAGING` in a minimal risk manoeuvre.
fn active_level(record: &Record) -> Option<&'static str> {
    if record.autonomy_mode == AutonomyMode::MANUAL {
        return Some("SAE_0");
    }
    let disengaging = record.autonomy_mode == AutonomyMode::MINIMAL_RISK_MANEUVER;
    Some(match (record.autonomy_level, disengaging) {
        (SaeLevel::L0, _) => "SAE_0",
        (SaeLevel::L1, _) => "SAE_1",
        (SaeLevel::L2, false) => "SAE_2",
        (SaeLevel::L2, true) => "SAE_2_DISENGAGING",
        (SaeLevel::L3, false) => "SAE_3",
        (SaeLevel::L3, true) => "SAE_3_DISENGAGING",
        (SaeLevel::L4, false) => "SAE_4",
        (SaeLevel::L4, true) => "SAE_4_DISENGAGING",
        (SaeLevel::L5, false) => "SAE_5",
        (SaeLevel::L5, true) => "SAE_5_DISENGAGING",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::record;
    use super::*;

    #[test]
    fn a_record_becomes_signals_in_their_units() {
        let record = record();
        let found: Vec<_> = signals(&record).collect();
        let expected = [
            ("Vehicle.CurrentLocation.Latitude", Value::Number(32.7767)),
            ("Vehicle.CurrentLocation.Longitude", Value::Number(-96.797)),
            ("Vehicle.CurrentLocation.Altitude", Value::Number(140.25)),
            ("Vehicle.CurrentLocation.HorizontalAccuracy", Value::Number(0.02)),
            ("Vehicle.CurrentLocation.Heading", Value::Number(135.5)),
            ("Vehicle.Speed", Value::Number(90.0)),
            ("Vehicle.Acceleration.Longitudinal", Value::Number(-0.5)),
            ("Vehicle.Acceleration.Lateral", Value::Number(0.03)),
            ("Vehicle.AngularVelocity.Yaw", Value::Number(-1.25)),
            ("Vehicle.ADAS.ActiveAutonomyLevel", Value::Text("SAE_4")),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn the_active_level_follows_the_mode() {
        let mut record = record();
        record.autonomy_mode = AutonomyMode::MINIMAL_RISK_MANEUVER;
        assert_eq!(active_level(&record), Some("SAE_4_DISENGAGING"));
        record.autonomy_mode = AutonomyMode::MANUAL;
        assert_eq!(active_level(&record), Some("SAE_0"));
        record.autonomy_mode = AutonomyMode::AUTONOMOUS_ENROUTE;
        record.autonomy_level = SaeLevel::UNSPECIFIED;
        assert_eq!(active_level(&record), None);
    }
}
