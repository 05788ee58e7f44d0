//! The line format of `conformance/vectors/telemetry/highway_minute.jsonl.gz` and of synthetic traces: one JSON object per
//! record with short names, units in them (`latE7` 1e-7 degree, `altMm`, `speedMmps`, `hdgCdeg` 0.01 degree, `axMmps2`,
//! `yawMdegps` 0.001 degree per second, `t` Unix nanoseconds), and the status of eight sensors.

use std::sync::Arc;

use serde::Deserialize;

use super::open::{AutonomyMode, FaultCode, FaultSeverity, SaeLevel, SensorKind, SensorStatus};
use super::record::{Context, Fault, Record, SensorDef, SensorHealth};
use super::wire::{Kinematics, Location};
use crate::error::{Code, Error, Result};

/// The sensors whose status a line lists, in its order.
const SENSORS: [(SensorKind, u32, &str); 8] = [
    (SensorKind::LIDAR, 0, "lidar-0"),
    (SensorKind::LIDAR, 1, "lidar-1"),
    (SensorKind::LIDAR, 2, "lidar-2"),
    (SensorKind::RADAR, 0, "radar-0"),
    (SensorKind::CAMERA, 0, "camera-0"),
    (SensorKind::CAMERA, 1, "camera-1"),
    (SensorKind::IMU, 0, "imu-0"),
    (SensorKind::GNSS, 0, "gnss-0"),
];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    vehicle_id: String,
    load_id: String,
    capacity_id: String,
    dispatch_id: String,
    event_sequence: u64,
    t: u64,
    #[serde(rename = "latE7")]
    latitude: i32,
    #[serde(rename = "lonE7")]
    longitude: i32,
    alt_mm: i32,
    h_acc_mm: u32,
    speed_mmps: i32,
    hdg_cdeg: u32,
    ax_mmps2: i32,
    ay_mmps2: i32,
    yaw_mdegps: i32,
    mode: i32,
    sensors: Vec<i32>,
    faults: Vec<FaultLine>,
}

#[derive(Deserialize)]
struct FaultLine {
    code: i32,
    severity: i32,
    sensor: u32,
    active: bool,
}

/// The records of a whole file, decompressed. Records of the same ids share one context.
///
/// Errors: `malformed_json` with the number of the line.
pub fn parse(text: &str) -> Result<Vec<Record>> {
    let mut records: Vec<Record> = Vec::new();
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let mut record = parse_line(line).map_err(|e| {
            let problem = format!("line {}: {}", index + 1, e.message());
            e.causes().iter().fold(Error::new(e.code(), problem), |error, cause| {
                error.caused_by(&std::io::Error::other(cause.clone()))
            })
        })?;
        if let Some(last) = records.last()
            && last.context == record.context
        {
            record.context = last.context.clone();
        }
        records.push(record);
    }
    Ok(records)
}

/// The record of one line. The level of automation is 4: the traces are of such trucks and do not say so themselves.
///
/// Errors: `malformed_json`; `schema_invalid` for more sensors than the format has.
pub fn parse_line(line: &str) -> Result<Record> {
    let line: Line = serde_json::from_str(line)
        .map_err(|e| Error::new(Code::MalformedJson, "the line is no telemetry record").caused_by(&e))?;
    let sensor = |(kind, position, name): (SensorKind, u32, &str)| SensorDef { kind, position, name: name.into() };
    let context = Context {
        vehicle_id: line.vehicle_id,
        load_id: line.load_id,
        capacity_id: line.capacity_id,
        dispatch_id: line.dispatch_id,
        sensors: SENSORS.into_iter().map(sensor).collect(),
    };
    let health = |(index, status): (usize, i32)| SensorHealth {
        sensor_index: index as u32,
        status: SensorStatus(status),
        score_permille: None,
    };
    let fault = |fault: FaultLine| Fault {
        code: FaultCode(fault.code),
        severity: FaultSeverity(fault.severity),
        sensor_index: Some(fault.sensor),
        active: fault.active,
        ..Fault::default()
    };
    let record = Record {
        context: Arc::new(context),
        event_sequence: line.event_sequence,
        observed_unix_nanos: line.t,
        location: Some(Location {
            latitude_e7_deg: line.latitude,
            longitude_e7_deg: line.longitude,
            altitude_mm: Some(line.alt_mm),
            horizontal_accuracy_mm: line.h_acc_mm,
            vertical_accuracy_mm: 0,
        }),
        kinematics: Some(Kinematics {
            speed_mmps: line.speed_mmps,
            heading_cdeg: line.hdg_cdeg,
            accel_longitudinal_mmps2: line.ax_mmps2,
            accel_lateral_mmps2: line.ay_mmps2,
            yaw_rate_mdegps: line.yaw_mdegps,
        }),
        sensor_health: line.sensors.into_iter().enumerate().map(health).collect(),
        autonomy_mode: AutonomyMode(line.mode),
        autonomy_level: SaeLevel::L4,
        faults: line.faults.into_iter().map(fault).collect(),
        ..Record::default()
    };
    record.context.validate()?;
    record.validate()?;
    Ok(record)
}
