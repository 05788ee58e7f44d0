//! A record as a line of JSON with short names, as a careful program would write it: ids, numbers, the status of each sensor.

use gladhand_documents::telemetry::Record;
use serde::Serialize;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Line<'a> {
    vehicle_id: &'a str,
    load_id: &'a str,
    capacity_id: &'a str,
    dispatch_id: &'a str,
    event_sequence: u64,
    observed_unix_nanos: u64,
    latitude_e7_deg: Option<i32>,
    longitude_e7_deg: Option<i32>,
    altitude_mm: Option<i32>,
    horizontal_accuracy_mm: Option<u32>,
    speed_mmps: Option<i32>,
    heading_cdeg: Option<u32>,
    accel_longitudinal_mmps2: Option<i32>,
    accel_lateral_mmps2: Option<i32>,
    yaw_rate_mdegps: Option<i32>,
    autonomy_mode: i32,
    autonomy_level: i32,
    sensor_status: Vec<i32>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    faults: Vec<Fault>,
}

#[derive(Serialize)]
struct Fault {
    code: i32,
    severity: i32,
    sensor: Option<u32>,
    active: bool,
}

/// The lines of these records.
pub fn lines(records: &[Record]) -> Vec<u8> {
    let mut out = Vec::new();
    for record in records {
        let (context, location, motion) = (&record.context, record.location.as_ref(), record.kinematics.as_ref());
        let fault = |fault: &gladhand_documents::telemetry::Fault| Fault {
            code: fault.code.0,
            severity: fault.severity.0,
            sensor: fault.sensor_index,
            active: fault.active,
        };
        let line = Line {
            vehicle_id: &context.vehicle_id,
            load_id: &context.load_id,
            capacity_id: &context.capacity_id,
            dispatch_id: &context.dispatch_id,
            event_sequence: record.event_sequence,
            observed_unix_nanos: record.observed_unix_nanos,
            latitude_e7_deg: location.map(|l| l.latitude_e7_deg),
            longitude_e7_deg: location.map(|l| l.longitude_e7_deg),
            altitude_mm: location.and_then(|l| l.altitude_mm),
            horizontal_accuracy_mm: location.map(|l| l.horizontal_accuracy_mm),
            speed_mmps: motion.map(|k| k.speed_mmps),
            heading_cdeg: motion.map(|k| k.heading_cdeg),
            accel_longitudinal_mmps2: motion.map(|k| k.accel_longitudinal_mmps2),
            accel_lateral_mmps2: motion.map(|k| k.accel_lateral_mmps2),
            yaw_rate_mdegps: motion.map(|k| k.yaw_rate_mdegps),
            autonomy_mode: record.autonomy_mode.0,
            autonomy_level: record.autonomy_level.0,
            sensor_status: record.sensor_health.iter().map(|health| health.status.0).collect(),
            faults: record.faults.iter().map(fault).collect(),
        };
        serde_json::to_writer(&mut out, &line).expect("a vector takes everything");
        out.push(b'\n');
    }
    out
}
