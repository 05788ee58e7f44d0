//! The record as JSON, with the names of the contract: `sensorHealth`, `autonomyStatus`, `faultCode`. 64-bit integers are
//! strings, since a JavaScript number cannot hold nanoseconds; an enumeration's number that this version does not know is
//! a number.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::open::{AutonomyMode, FaultCode, FaultSeverity, SaeLevel, SensorKind, SensorStatus};
use super::record::{Context, Fault, Record, SensorDef, SensorHealth, SpanId, TraceId};
use super::wire::{Kinematics, Location};
use crate::error::{Code, Error, Result};
use crate::json::Document;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RecordJson {
    vehicle_id: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    load_id: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    capacity_id: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    dispatch_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    trace_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    span_id: Option<String>,
    #[serde(default, with = "text64")]
    event_sequence: u64,
    #[serde(with = "text64")]
    observed_time_unix_nanos: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    location: Option<LocationJson>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kinematics: Option<KinematicsJson>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    sensors: Vec<SensorJson>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    sensor_health: Vec<HealthJson>,
    #[serde(default)]
    autonomy_status: AutonomyJson,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    fault_code: Vec<FaultJson>,
}

#[derive(Serialize, Deserialize)]
struct LocationJson {
    #[serde(rename = "latitudeE7Deg")]
    latitude: i32,
    #[serde(rename = "longitudeE7Deg")]
    longitude: i32,
    #[serde(rename = "altitudeMm", default, skip_serializing_if = "Option::is_none")]
    altitude: Option<i32>,
    #[serde(rename = "horizontalAccuracyMm", default)]
    horizontal: u32,
    #[serde(rename = "verticalAccuracyMm", default)]
    vertical: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct KinematicsJson {
    speed_mmps: i32,
    heading_cdeg: u32,
    #[serde(default)]
    accel_longitudinal_mmps2: i32,
    #[serde(default)]
    accel_lateral_mmps2: i32,
    #[serde(default)]
    yaw_rate_mdegps: i32,
}

#[derive(Serialize, Deserialize)]
struct SensorJson {
    kind: SensorKind,
    #[serde(default)]
    position: u32,
    #[serde(default)]
    name: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct HealthJson {
    sensor_index: u32,
    status: SensorStatus,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    score_permille: Option<u32>,
}

#[derive(Serialize, Deserialize, Default)]
struct AutonomyJson {
    #[serde(default)]
    mode: AutonomyMode,
    #[serde(default)]
    level: SaeLevel,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct FaultJson {
    code: FaultCode,
    #[serde(default)]
    severity: FaultSeverity,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sensor_index: Option<u32>,
    #[serde(default)]
    active: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    j1939_spn: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    j1939_fmi: Option<u32>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    vendor_code: String,
}

/// 64-bit integers as strings; a number is taken too, for writers that have one.
mod text64 {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    #[allow(clippy::trivially_copy_pass_by_ref)] // the signature that serde asks for
    pub(super) fn serialize<S: Serializer>(value: &u64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        Text(String),
        Number(u64),
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        match Either::deserialize(deserializer)? {
            Either::Text(text) => text.parse().map_err(|_| D::Error::custom(format!("{text:?} is no 64-bit integer"))),
            Either::Number(number) => Ok(number),
        }
    }
}

/// The record as a document.
pub fn to_document(record: &Record) -> Result<Document> {
    Document::from_serde(&to_json(record))
}

/// The record of a document.
///
/// Errors: `schema_invalid` if a member is missing, of another type, or breaks a rule of the record.
pub fn from_document(document: &Document) -> Result<Record> {
    let json = serde_json::from_str(document.as_str())
        .map_err(|e| Error::new(Code::SchemaInvalid, "the document is no telemetry record").caused_by(&e))?;
    from_json(json)
}

fn to_json(record: &Record) -> RecordJson {
    let context = &record.context;
    RecordJson {
        vehicle_id: context.vehicle_id.clone(),
        load_id: context.load_id.clone(),
        capacity_id: context.capacity_id.clone(),
        dispatch_id: context.dispatch_id.clone(),
        trace_id: record.trace_id.map(|id| id.to_string()),
        span_id: record.span_id.map(|id| id.to_string()),
        event_sequence: record.event_sequence,
        observed_time_unix_nanos: record.observed_unix_nanos,
        location: record.location.map(|l| LocationJson {
            latitude: l.latitude_e7_deg,
            longitude: l.longitude_e7_deg,
            altitude: l.altitude_mm,
            horizontal: l.horizontal_accuracy_mm,
            vertical: l.vertical_accuracy_mm,
        }),
        kinematics: record.kinematics.map(|k| KinematicsJson {
            speed_mmps: k.speed_mmps,
            heading_cdeg: k.heading_cdeg,
            accel_longitudinal_mmps2: k.accel_longitudinal_mmps2,
            accel_lateral_mmps2: k.accel_lateral_mmps2,
            yaw_rate_mdegps: k.yaw_rate_mdegps,
        }),
        sensors: context
            .sensors
            .iter()
            .map(|s| SensorJson { kind: s.kind, position: s.position, name: s.name.clone() })
            .collect(),
        sensor_health: record
            .sensor_health
            .iter()
            .map(|h| HealthJson { sensor_index: h.sensor_index, status: h.status, score_permille: h.score_permille })
            .collect(),
        autonomy_status: AutonomyJson { mode: record.autonomy_mode, level: record.autonomy_level },
        fault_code: record
            .faults
            .iter()
            .map(|f| FaultJson {
                code: f.code,
                severity: f.severity,
                sensor_index: f.sensor_index,
                active: f.active,
                j1939_spn: f.j1939_spn,
                j1939_fmi: f.j1939_fmi,
                vendor_code: f.vendor_code.clone(),
            })
            .collect(),
    }
}

fn from_json(json: RecordJson) -> Result<Record> {
    let sensor = |s: SensorJson| SensorDef { kind: s.kind, position: s.position, name: s.name };
    let context = Context {
        vehicle_id: json.vehicle_id,
        load_id: json.load_id,
        capacity_id: json.capacity_id,
        dispatch_id: json.dispatch_id,
        sensors: json.sensors.into_iter().map(sensor).collect(),
    };
    context.validate()?;
    let bad = |name: &str| Error::new(Code::SchemaInvalid, format!("{name} is no lower-case hexadecimal id"));
    let fault = |f: FaultJson| Fault {
        code: f.code,
        severity: f.severity,
        sensor_index: f.sensor_index,
        active: f.active,
        j1939_spn: f.j1939_spn,
        j1939_fmi: f.j1939_fmi,
        vendor_code: f.vendor_code,
    };
    let health = |h: HealthJson| SensorHealth {
        sensor_index: h.sensor_index,
        status: h.status,
        score_permille: h.score_permille,
    };
    let record = Record {
        context: Arc::new(context),
        event_sequence: json.event_sequence,
        observed_unix_nanos: json.observed_time_unix_nanos,
        location: json.location.map(|l| Location {
            latitude_e7_deg: l.latitude,
            longitude_e7_deg: l.longitude,
            altitude_mm: l.altitude,
            horizontal_accuracy_mm: l.horizontal,
            vertical_accuracy_mm: l.vertical,
        }),
        kinematics: json.kinematics.map(|k| Kinematics {
            speed_mmps: k.speed_mmps,
            heading_cdeg: k.heading_cdeg,
            accel_longitudinal_mmps2: k.accel_longitudinal_mmps2,
            accel_lateral_mmps2: k.accel_lateral_mmps2,
            yaw_rate_mdegps: k.yaw_rate_mdegps,
        }),
        sensor_health: json.sensor_health.into_iter().map(health).collect(),
        autonomy_mode: json.autonomy_status.mode,
        autonomy_level: json.autonomy_status.level,
        faults: json.fault_code.into_iter().map(fault).collect(),
        trace_id: json.trace_id.map(|t| TraceId::parse(&t).ok_or_else(|| bad("traceId"))).transpose()?,
        span_id: json.span_id.map(|t| SpanId::parse(&t).ok_or_else(|| bad("spanId"))).transpose()?,
    };
    record.validate()?;
    Ok(record)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_contract() {
        let record = Record {
            context: Arc::new(Context {
                vehicle_id: "aurora-trk-0417".into(),
                load_id: "mcleod-6789".into(),
                sensors: vec![SensorDef { kind: SensorKind::LIDAR, position: 0, name: "front".into() }],
                ..Context::default()
            }),
            event_sequence: 18,
            observed_unix_nanos: 1_771_576_399_899_914_001,
            location: Some(Location { latitude_e7_deg: 377_210_000, longitude_e7_deg: -5, ..Location::default() }),
            sensor_health: vec![SensorHealth {
                sensor_index: 0,
                status: SensorStatus::DEGRADED,
                score_permille: Some(700),
            }],
            autonomy_mode: AutonomyMode::AUTONOMOUS_ENROUTE,
            faults: vec![Fault { code: FaultCode(77), active: true, j1939_spn: Some(84), ..Fault::default() }],
            trace_id: TraceId::parse("4bf92f3577b34da6a3ce929d0e0e4736"),
            ..Record::default()
        };
        let document = to_document(&record).expect("json");
        assert_eq!(document.text("/observedTimeUnixNanos").as_deref(), Some("1771576399899914001"));
        assert_eq!(document.text("/eventSequence").as_deref(), Some("18"));
        assert_eq!(document.text("/autonomyStatus/mode").as_deref(), Some("autonomous_enroute"));
        assert_eq!(document.text("/sensorHealth/0/status").as_deref(), Some("degraded"));
        assert_eq!(document.integer("/faultCode/0/code"), Some(77));
        assert_eq!(document.integer("/faultCode/0/j1939Spn"), Some(84));
        assert_eq!(document.integer("/location/longitudeE7Deg"), Some(-5));
        assert_eq!(from_document(&document).expect("comes back"), record);
    }

    #[test]
    fn what_is_missing_is_named() {
        let document = Document::parse(br#"{"vehicleId":"v"}"#).expect("json");
        let error = from_document(&document).expect_err("no time");
        assert_eq!(error.code(), Code::SchemaInvalid);
        assert!(error.causes()[0].contains("observedTimeUnixNanos"), "{:?}", error.causes());
    }
}
