//! Between the record and its messages.

use std::sync::Arc;

use super::open::{AutonomyMode, FaultCode, FaultSeverity, SaeLevel, SensorKind, SensorStatus};
use super::record::{Context, Fault, Record, SensorDef, SensorHealth, SpanId, TraceId};
use super::wire;
use crate::error::{Code, Error, Result};

impl From<&SensorDef> for wire::SensorDef {
    fn from(sensor: &SensorDef) -> Self {
        Self { kind: sensor.kind.0, position: sensor.position, name: sensor.name.clone() }
    }
}

impl From<wire::SensorDef> for SensorDef {
    fn from(sensor: wire::SensorDef) -> Self {
        Self { kind: SensorKind(sensor.kind), position: sensor.position, name: sensor.name }
    }
}

impl From<&Fault> for wire::Fault {
    fn from(fault: &Fault) -> Self {
        Self {
            code: fault.code.0,
            severity: fault.severity.0,
            sensor_index: fault.sensor_index,
            active: fault.active,
            j1939_spn: fault.j1939_spn,
            j1939_fmi: fault.j1939_fmi,
            vendor_code: fault.vendor_code.clone(),
        }
    }
}

impl From<wire::Fault> for Fault {
    fn from(fault: wire::Fault) -> Self {
        Self {
            code: FaultCode(fault.code),
            severity: FaultSeverity(fault.severity),
            sensor_index: fault.sensor_index,
            active: fault.active,
            j1939_spn: fault.j1939_spn,
            j1939_fmi: fault.j1939_fmi,
            vendor_code: fault.vendor_code,
        }
    }
}

impl Context {
    /// The message that announces this context on a stream under a number.
    pub fn to_wire(&self, context_id: u32) -> wire::StreamContext {
        wire::StreamContext {
            context_id,
            correlation: Some(self.correlation()),
            sensors: self.sensors.iter().map(Into::into).collect(),
            resource_schema_url: String::new(),
        }
    }

    /// The context that a message announces.
    ///
    /// Errors: `schema_invalid` as [`Context::validate`].
    pub fn from_wire(message: wire::StreamContext) -> Result<Self> {
        let context = Self::assemble(message.correlation.unwrap_or_default(), message.sensors);
        context.validate()?;
        Ok(context)
    }

    fn correlation(&self) -> wire::Correlation {
        wire::Correlation {
            vehicle_id: self.vehicle_id.clone(),
            load_id: self.load_id.clone(),
            capacity_id: self.capacity_id.clone(),
            dispatch_id: self.dispatch_id.clone(),
        }
    }

    fn assemble(ids: wire::Correlation, sensors: Vec<wire::SensorDef>) -> Self {
        Self {
            vehicle_id: ids.vehicle_id,
            load_id: ids.load_id,
            capacity_id: ids.capacity_id,
            dispatch_id: ids.dispatch_id,
            sensors: sensors.into_iter().map(Into::into).collect(),
        }
    }
}

impl Record {
    /// The record as one self-contained message.
    pub fn to_wire(&self) -> wire::TelemetryRecord {
        wire::TelemetryRecord {
            correlation: Some(self.context.correlation()),
            event_sequence: self.event_sequence,
            observed_time_unix_nanos: self.observed_unix_nanos,
            location: self.location,
            kinematics: self.kinematics,
            sensor_health: self
                .sensor_health
                .iter()
                .map(|health| wire::SensorHealth {
                    sensor_index: health.sensor_index,
                    status: health.status.0,
                    score_permille: health.score_permille,
                })
                .collect(),
            autonomy_mode: self.autonomy_mode.0,
            autonomy_level: self.autonomy_level.0,
            faults: self.faults.iter().map(Into::into).collect(),
            trace_id: self.trace_id.map(|id| id.bytes().to_vec()).unwrap_or_default(),
            span_id: self.span_id.map(|id| id.bytes().to_vec()).unwrap_or_default(),
            sensors: self.context.sensors.iter().map(Into::into).collect(),
        }
    }

    /// The record of one self-contained message.
    ///
    /// Errors: `schema_invalid` as [`Record::validate`] and [`Context::validate`], or for an id of a wrong length.
    pub fn from_wire(message: wire::TelemetryRecord) -> Result<Self> {
        let context = Context::assemble(message.correlation.unwrap_or_default(), message.sensors);
        context.validate()?;
        let health = |health: wire::SensorHealth| SensorHealth {
            sensor_index: health.sensor_index,
            status: SensorStatus(health.status),
            score_permille: health.score_permille,
        };
        let record = Self {
            context: Arc::new(context),
            event_sequence: message.event_sequence,
            observed_unix_nanos: message.observed_time_unix_nanos,
            location: message.location,
            kinematics: message.kinematics,
            sensor_health: message.sensor_health.into_iter().map(health).collect(),
            autonomy_mode: AutonomyMode(message.autonomy_mode),
            autonomy_level: SaeLevel(message.autonomy_level),
            faults: message.faults.into_iter().map(Into::into).collect(),
            trace_id: id("trace_id", &message.trace_id, TraceId::new)?,
            span_id: id("span_id", &message.span_id, SpanId::new)?,
        };
        record.validate()?;
        Ok(record)
    }
}

/// An optional fixed-width id: empty or zeros for none.
fn id<const N: usize, T>(name: &str, bytes: &[u8], make: impl Fn([u8; N]) -> Option<T>) -> Result<Option<T>> {
    if bytes.is_empty() {
        return Ok(None);
    }
    let bytes = <[u8; N]>::try_from(bytes)
        .map_err(|_| Error::new(Code::SchemaInvalid, format!("{name} has {} bytes instead of {N}", bytes.len())))?;
    Ok(make(bytes))
}
