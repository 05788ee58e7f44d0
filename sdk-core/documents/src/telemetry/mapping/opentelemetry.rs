//! OpenTelemetry span attributes. A sensor kind has one attribute, the worst status of its sensors; of several faults the worst
//! that is present is named, so that the names of attributes are a fixed set.

use super::super::open::SensorKind;
use super::super::record::{Fault, Record};
use super::{Row, Value, said, text};

/// Attributes of the record itself.
pub const ATTRIBUTES: &[Row] = &[
    Row { name: "vehicle.id", value: |r| text(&r.context.vehicle_id) },
    Row { name: "load.id", value: |r| text(&r.context.load_id) },
    Row { name: "fleet.capacity_id", value: |r| text(&r.context.capacity_id) },
    Row { name: "dispatch.id", value: |r| text(&r.context.dispatch_id) },
    Row { name: "event.sequence", value: |r| Some(Value::Integer(r.event_sequence as i64)) },
    Row { name: "vehicle.lat", value: |r| Some(Value::Number(r.location.as_ref()?.latitude_deg())) },
    Row { name: "vehicle.lon", value: |r| Some(Value::Number(r.location.as_ref()?.longitude_deg())) },
    Row { name: "vehicle.altitude_m", value: |r| Some(Value::Number(r.location.as_ref()?.altitude_m()?)) },
    Row {
        name: "vehicle.horizontal_accuracy_m",
        value: |r| {
            let millimetres = r.location.as_ref()?.horizontal_accuracy_mm;
            (millimetres != 0).then(|| Value::Number(f64::from(millimetres) / 1e3))
        },
    },
    Row { name: "vehicle.speed_mps", value: |r| Some(Value::Number(r.kinematics.as_ref()?.speed_mps())) },
    Row { name: "vehicle.heading_deg", value: |r| Some(Value::Number(r.kinematics.as_ref()?.heading_deg())) },
    Row {
        name: "vehicle.accel_longitudinal_mps2",
        value: |r| Some(Value::Number(f64::from(r.kinematics.as_ref()?.accel_longitudinal_mmps2) / 1e3)),
    },
    Row {
        name: "vehicle.accel_lateral_mps2",
        value: |r| Some(Value::Number(f64::from(r.kinematics.as_ref()?.accel_lateral_mmps2) / 1e3)),
    },
    Row {
        name: "vehicle.yaw_rate_degps",
        value: |r| Some(Value::Number(f64::from(r.kinematics.as_ref()?.yaw_rate_mdegps) / 1e3)),
    },
    Row { name: "autonomy.mode", value: |r| stated(r.autonomy_mode.0, r.autonomy_mode.name()) },
    Row { name: "autonomy.level", value: |r| stated(r.autonomy_level.0, r.autonomy_level.name()) },
    Row { name: "fault.code", value: |r| worst(r).and_then(|f| stated(f.code.0, f.code.name())) },
    Row { name: "fault.severity", value: |r| worst(r).and_then(|f| stated(f.severity.0, f.severity.name())) },
    Row { name: "fault.j1939.spn", value: |r| Some(Value::Integer(worst(r)?.j1939_spn?.into())) },
    Row { name: "fault.j1939.fmi", value: |r| Some(Value::Integer(worst(r)?.j1939_fmi?.into())) },
];

/// The attribute of each kind of sensor.
pub const SENSORS: &[(SensorKind, &str)] = &[
    (SensorKind::LIDAR, "sensor.lidar.status"),
    (SensorKind::RADAR, "sensor.radar.status"),
    (SensorKind::CAMERA, "sensor.camera.status"),
    (SensorKind::IMU, "sensor.imu.status"),
    (SensorKind::GNSS, "sensor.gnss.status"),
    (SensorKind::ULTRASONIC, "sensor.ultrasonic.status"),
    (SensorKind::WHEEL_ODOMETRY, "sensor.wheel_odometry.status"),
    (SensorKind::MICROPHONE, "sensor.microphone.status"),
    (SensorKind::V2X, "sensor.v2x.status"),
];

/// The attributes of a record.
pub fn attributes(record: &Record) -> impl Iterator<Item = (&'static str, Value<'_>)> {
    let sensors = SENSORS.iter().filter_map(|(kind, name)| {
        let status = record.worst_status(*kind)?;
        Some((*name, stated(status.0, status.name())?))
    });
    said(ATTRIBUTES, record).chain(sensors)
}

/// A value by its name, or its number if this version does not know it; nothing for one that is not stated.
fn stated(number: i32, name: Option<&'static str>) -> Option<Value<'static>> {
    match (number, name) {
        (0, _) => None,
        (_, Some(name)) => Some(Value::Text(name)),
        (number, None) => Some(Value::Integer(number.into())),
    }
}

/// The worst fault that is present; the first of several.
fn worst(record: &Record) -> Option<&Fault> {
    record.faults.iter().rev().filter(|fault| fault.active).max_by_key(|fault| fault.severity)
}

#[cfg(test)]
mod tests {
    use super::super::tests::record;
    use super::*;
    use crate::telemetry::Record;

    #[test]
    fn a_record_becomes_the_attributes_of_the_contract() {
        let record = record();
        let found: Vec<_> = attributes(&record).collect();
        let expected = [
            ("vehicle.id", Value::Text("aurora-trk-0417")),
            ("load.id", Value::Text("mcleod-6789")),
            ("fleet.capacity_id", Value::Text("aurora-12345")),
            ("dispatch.id", Value::Text("dsp-1")),
            ("event.sequence", Value::Integer(18)),
            ("vehicle.lat", Value::Number(32.7767)),
            ("vehicle.lon", Value::Number(-96.797)),
            ("vehicle.altitude_m", Value::Number(140.25)),
            ("vehicle.horizontal_accuracy_m", Value::Number(0.02)),
            ("vehicle.speed_mps", Value::Number(25.0)),
            ("vehicle.heading_deg", Value::Number(135.5)),
            ("vehicle.accel_longitudinal_mps2", Value::Number(-0.5)),
            ("vehicle.accel_lateral_mps2", Value::Number(0.03)),
            ("vehicle.yaw_rate_degps", Value::Number(-1.25)),
            ("autonomy.mode", Value::Text("autonomous_enroute")),
            ("autonomy.level", Value::Text("sae_4")),
            ("fault.code", Value::Text("brake")),
            ("fault.severity", Value::Text("degraded_operation")),
            ("fault.j1939.spn", Value::Integer(521_049)),
            ("fault.j1939.fmi", Value::Integer(5)),
            ("sensor.lidar.status", Value::Text("degraded")),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn what_is_not_stated_has_no_attribute() {
        let names: Vec<_> = attributes(&Record::default()).map(|(name, _)| name).collect();
        assert_eq!(names, ["event.sequence"]);
        let mut gone = record();
        for fault in &mut gone.faults {
            fault.active = false;
        }
        assert!(attributes(&gone).all(|(name, _)| !name.starts_with("fault.")));
    }

    #[test]
    fn every_known_kind_of_sensor_has_its_attribute() {
        for kind in SensorKind::ALL.iter().filter(|kind| **kind != SensorKind::UNSPECIFIED) {
            let expected = format!("sensor.{kind}.status");
            assert!(SENSORS.iter().any(|(known, name)| known == kind && *name == expected), "{expected}");
        }
    }
}
