//! One observation of one vehicle.

use std::fmt;
use std::sync::Arc;

use super::open::{AutonomyMode, FaultCode, FaultSeverity, SaeLevel, SensorKind, SensorStatus};
use super::wire::{Kinematics, Location};
use crate::error::{Code, Error, Result, Violation};

/// The longest id, name or vendor code, in bytes.
pub const MAX_TEXT_BYTES: usize = 128;
/// The most sensors of a vehicle.
pub const MAX_SENSORS: usize = 128;
/// The most faults in one record.
pub const MAX_FAULTS: usize = 64;

/// What many records have in common: whom they belong to, and the vehicle's sensors. Shared, so that a record is small.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Context {
    /// The vehicle; never empty.
    pub vehicle_id: String,
    /// The TMS's load; empty between loads.
    pub load_id: String,
    /// The capacity that was tendered; empty between loads.
    pub capacity_id: String,
    /// The dispatch; empty between loads.
    pub dispatch_id: String,
    /// The vehicle's sensors, which [`SensorHealth::sensor_index`] refers to.
    pub sensors: Vec<SensorDef>,
}

/// A sensor that the vehicle has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct SensorDef {
    /// What it is.
    pub kind: SensorKind,
    /// Which of its kind, from 0.
    pub position: u32,
    /// The carrier's name for it.
    pub name: String,
}

/// How one sensor is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct SensorHealth {
    /// Index into [`Context::sensors`].
    pub sensor_index: u32,
    /// Its status.
    pub status: SensorStatus,
    /// Its score in thousandths, where the vehicle has one.
    pub score_permille: Option<u32>,
}

/// A fault.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Fault {
    /// What is wrong.
    pub code: FaultCode,
    /// How bad it is.
    pub severity: FaultSeverity,
    /// The sensor concerned, an index into [`Context::sensors`].
    pub sensor_index: Option<u32>,
    /// Whether it is present now; `false` reports that it has gone.
    pub active: bool,
    /// Suspect parameter number (SAE J1939).
    pub j1939_spn: Option<u32>,
    /// Failure mode identifier (SAE J1939).
    pub j1939_fmi: Option<u32>,
    /// The vendor's own code; empty for none.
    pub vendor_code: String,
}

macro_rules! id_bytes {
    ($(#[$doc:meta])* $name:ident $length:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash)]
        pub struct $name([u8; $length]);

        impl $name {
            /// How many bytes it has.
            pub const LENGTH: usize = $length;

            /// The id of these bytes; nothing for zeros, which W3C Trace Context calls invalid.
            pub fn new(bytes: [u8; $length]) -> Option<Self> {
                bytes.iter().any(|&b| b != 0).then_some(Self(bytes))
            }

            /// Its bytes.
            pub const fn bytes(&self) -> &[u8; $length] {
                &self.0
            }

            /// The id of this lower-case hexadecimal text.
            pub fn parse(text: &str) -> Option<Self> {
                let digit = |c: u8| match c {
                    b'0'..=b'9' => Some(c - b'0'),
                    b'a'..=b'f' => Some(c - b'a' + 10),
                    _ => None,
                };
                let text = text.as_bytes();
                let mut bytes = [0; $length];
                if text.len() != $length * 2 {
                    return None;
                }
                for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
                    *byte = digit(pair[0])? << 4 | digit(pair[1])?;
                }
                Self::new(bytes)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|b| write!(f, "{b:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    };
}

id_bytes! {
    /// A W3C trace id.
    TraceId 16
}
id_bytes! {
    /// A W3C span id.
    SpanId 8
}

/// One observation of one vehicle. Its identity is (source, [`Record::event_sequence`]), where a source is a producer in
/// one epoch; the business sequence of a tender is another number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// Whom it belongs to.
    pub context: Arc<Context>,
    /// Capture order of the source, over all lanes; 0 lets the gateway number it.
    pub event_sequence: u64,
    /// When it was observed, nanoseconds since 1970-01-01T00:00:00Z.
    pub observed_unix_nanos: u64,
    /// Where the vehicle was.
    pub location: Option<Location>,
    /// How it moved.
    pub kinematics: Option<Kinematics>,
    /// How its sensors were, strictly ascending by index.
    pub sensor_health: Vec<SensorHealth>,
    /// Who drove.
    pub autonomy_mode: AutonomyMode,
    /// At which level of automation.
    pub autonomy_level: SaeLevel,
    /// What was wrong.
    pub faults: Vec<Fault>,
    /// The trace it belongs to.
    pub trace_id: Option<TraceId>,
    /// The span it belongs to.
    pub span_id: Option<SpanId>,
}

impl Context {
    /// Checks lengths and that a vehicle is named.
    ///
    /// Errors: `schema_invalid` with one violation per broken rule.
    pub fn validate(&self) -> Result<()> {
        let mut violations = Vec::new();
        let mut text = |path: &str, value: &str| {
            if value.len() > MAX_TEXT_BYTES {
                violations.push(violation(path, "too_long", format!("must have at most {MAX_TEXT_BYTES} bytes")));
            }
        };
        text("/vehicleId", &self.vehicle_id);
        text("/loadId", &self.load_id);
        text("/capacityId", &self.capacity_id);
        text("/dispatchId", &self.dispatch_id);
        for (index, sensor) in self.sensors.iter().enumerate() {
            text(&format!("/sensors/{index}/name"), &sensor.name);
        }
        if self.vehicle_id.is_empty() {
            violations.push(violation("/vehicleId", "required", "must name the vehicle"));
        }
        if self.sensors.len() > MAX_SENSORS {
            violations.push(violation("/sensors", "too_many", format!("must have at most {MAX_SENSORS} items")));
        }
        finish(violations)
    }
}

impl Record {
    /// Checks what the batch relies on: sensors strictly ascending and known to the context, lengths, counts. The context
    /// is checked apart ([`Context::validate`]), once.
    ///
    /// Errors: `schema_invalid` with one violation per broken rule.
    pub fn validate(&self) -> Result<()> {
        let known = self.context.sensors.len() as u64;
        let ascending = self.sensor_health.windows(2).all(|pair| pair[0].sensor_index < pair[1].sensor_index);
        let in_range = |index: u32| u64::from(index) < known;
        let highest = self.sensor_health.last().is_none_or(|last| in_range(last.sensor_index));
        let faults = self.faults.len() <= MAX_FAULTS
            && self.faults.iter().all(|f| f.vendor_code.len() <= MAX_TEXT_BYTES && f.sensor_index.is_none_or(in_range));
        if ascending && highest && faults {
            return Ok(());
        }
        let mut violations = Vec::new();
        if !ascending {
            violations.push(violation("/sensorHealth", "order", "must be strictly ascending by sensorIndex"));
        }
        if !highest {
            violations.push(violation("/sensorHealth", "unknown_sensor", format!("the context has {known} sensor(s)")));
        }
        if self.faults.len() > MAX_FAULTS {
            violations.push(violation("/faultCode", "too_many", format!("must have at most {MAX_FAULTS} items")));
        }
        for (index, fault) in self.faults.iter().enumerate() {
            if fault.vendor_code.len() > MAX_TEXT_BYTES {
                let path = format!("/faultCode/{index}/vendorCode");
                violations.push(violation(&path, "too_long", format!("must have at most {MAX_TEXT_BYTES} bytes")));
            }
            if !fault.sensor_index.is_none_or(in_range) {
                let path = format!("/faultCode/{index}/sensorIndex");
                violations.push(violation(&path, "unknown_sensor", format!("the context has {known} sensor(s)")));
            }
        }
        finish(violations)
    }

    /// Whether the record belongs in the safety lane: an active safety-critical fault, or a minimal risk manoeuvre.
    pub fn is_safety(&self) -> bool {
        self.autonomy_mode == AutonomyMode::MINIMAL_RISK_MANEUVER
            || self.faults.iter().any(|f| f.active && f.severity == FaultSeverity::SAFETY_CRITICAL)
    }

    /// The worst status among the sensors of a kind, from nominal over calibrating, degraded and offline to failed;
    /// nothing if none of the kind reports. Values that this version does not know count as nominal.
    pub fn worst_status(&self, kind: SensorKind) -> Option<SensorStatus> {
        let rank = |status: SensorStatus| match status {
            SensorStatus::CALIBRATING => 1,
            SensorStatus::DEGRADED => 2,
            SensorStatus::OFFLINE => 3,
            SensorStatus::FAILED => 4,
            _ => 0,
        };
        self.sensor_health
            .iter()
            .filter(|health| self.context.sensors.get(health.sensor_index as usize).is_some_and(|s| s.kind == kind))
            .map(|health| health.status)
            .max_by_key(|&status| rank(status))
    }
}

fn violation(path: &str, code: &str, message: impl Into<String>) -> Violation {
    Violation { path: path.into(), code: code.into(), message: message.into() }
}

fn finish(violations: Vec<Violation>) -> Result<()> {
    if violations.is_empty() {
        return Ok(());
    }
    Err(Error::invalid(Code::SchemaInvalid, "The telemetry record", violations))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broken_rules_are_named() {
        let context = Context { sensors: vec![SensorDef::default()], ..Context::default() };
        assert_eq!(context.validate().expect_err("no vehicle").violations()[0].path, "/vehicleId");
        let health = |sensor_index| SensorHealth { sensor_index, ..SensorHealth::default() };
        let record = Record {
            context: Arc::new(context),
            sensor_health: vec![health(1), health(1)],
            faults: vec![Fault { sensor_index: Some(7), vendor_code: "x".repeat(129), ..Fault::default() }],
            ..Record::default()
        };
        let error = record.validate().expect_err("broken");
        let codes: Vec<_> = error.violations().iter().map(|v| v.code.as_str()).collect();
        assert_eq!(codes, ["order", "unknown_sensor", "too_long", "unknown_sensor"]);
    }

    #[test]
    fn the_worst_of_a_kind_counts() {
        let lidar = SensorDef { kind: SensorKind::LIDAR, ..SensorDef::default() };
        let context = Context { vehicle_id: "v".into(), sensors: vec![lidar.clone(), lidar], ..Context::default() };
        let state = |sensor_index, status| SensorHealth { sensor_index, status, score_permille: None };
        let record = Record {
            context: Arc::new(context),
            sensor_health: vec![state(0, SensorStatus::FAILED), state(1, SensorStatus::CALIBRATING)],
            ..Record::default()
        };
        assert_eq!(record.worst_status(SensorKind::LIDAR), Some(SensorStatus::FAILED));
        assert_eq!(record.worst_status(SensorKind::RADAR), None);
    }

    #[test]
    fn ids_are_hexadecimal_and_not_zero() {
        let id = SpanId::parse("00f067aa0ba902b7").expect("an id");
        assert_eq!(id.to_string(), "00f067aa0ba902b7");
        assert!(SpanId::parse("0000000000000000").is_none());
        assert!(SpanId::parse("00F067AA0BA902B7").is_none());
        assert!(TraceId::parse("00f067aa0ba902b7").is_none());
    }
}
