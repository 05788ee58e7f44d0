//! The vehicle side.

use std::sync::Arc;

use gladhand_documents::telemetry::{Fault, FaultCode, FaultSeverity, lane_name};
use gladhand_ffi::columns::Columns;
use gladhand_ffi::observation::{Labels, Measured, SensorState, Template, known};
use gladhand_ffi::{Code, Error, Published};
use napi::bindgen_prelude::{BigInt, Object};
use napi::{Env, Result};
use napi_derive::napi;

use crate::cancel::{CancelToken, token};
use crate::columns::ColumnArrays;
use crate::document::Document;
use crate::error::raise;
use crate::promise::promise;

/// A vehicle gateway.
#[napi]
pub struct Gateway(gladhand_ffi::Gateway);

/// What records say in words.
#[napi(object, object_to_js = false)]
pub struct LabelFields {
    /// The vehicle.
    pub vehicle_id: String,
    /// The TMS's load.
    pub load_id: String,
    /// The capacity.
    pub capacity_id: String,
    /// The dispatch.
    pub dispatch_id: String,
    /// Who drove.
    pub autonomy_mode: String,
    /// At which level.
    pub autonomy_level: String,
    /// W3C trace id.
    pub trace_id: String,
    /// W3C span id.
    pub span_id: String,
    /// Sensors and how they are.
    pub sensors: Vec<SensorFields>,
}

/// A sensor and how it is.
#[napi(object, object_to_js = false)]
pub struct SensorFields {
    /// What it is.
    pub kind: String,
    /// How it is.
    pub status: String,
    /// Which of its kind.
    pub position: Option<u32>,
    /// The carrier's name for it.
    pub name: Option<String>,
    /// Its score.
    pub score_permille: Option<u32>,
}

/// Something that is wrong, or no longer.
#[napi(object, object_to_js = false)]
pub struct FaultFields {
    /// What is wrong.
    pub code: String,
    /// How bad it is.
    pub severity: String,
    /// Whether it is present now.
    pub active: Option<bool>,
    /// The sensor concerned.
    pub sensor_index: Option<u32>,
    /// SAE J1939.
    pub j1939_spn: Option<u32>,
    /// SAE J1939.
    pub j1939_fmi: Option<u32>,
    /// The vendor's own code.
    pub vendor_code: Option<String>,
}

/// What became of a record.
#[napi(object, object_from_js = false)]
pub struct AdmissionFields {
    /// The lane.
    pub lane: &'static str,
    /// Its number in the lane.
    pub sequence: BigInt,
    /// Its number at the source.
    pub event_sequence: BigInt,
    /// Whether it was taken.
    pub accepted: bool,
}

/// What became of records that were published together.
#[napi(object, object_from_js = false)]
pub struct PublishedFields {
    /// How many were taken.
    pub accepted: f64,
    /// How many had to go meanwhile.
    pub dropped: f64,
    /// The first one's number at the source.
    pub first_event_sequence: BigInt,
    /// The last one's.
    pub last_event_sequence: BigInt,
}

/// What many records have in common.
#[napi]
pub struct RecordTemplate(Arc<Template>);

#[napi]
impl RecordTemplate {
    /// A template with these labels; the context of `last` is shared where it is the same.
    #[napi(factory)]
    pub fn of(env: Env, labels: LabelFields, last: Option<&RecordTemplate>) -> Result<Self> {
        let borrowed = Labels {
            vehicle_id: &labels.vehicle_id,
            load_id: &labels.load_id,
            capacity_id: &labels.capacity_id,
            dispatch_id: &labels.dispatch_id,
            autonomy_mode: &labels.autonomy_mode,
            autonomy_level: &labels.autonomy_level,
            trace_id: &labels.trace_id,
            span_id: &labels.span_id,
            sensors: labels.sensors.iter().map(state).collect(),
        };
        let template = Template::new(&borrowed, last.map(|last| &*last.0));
        template.map(|template| Self(Arc::new(template))).map_err(|error| raise(env, &error))
    }
}

#[napi]
impl Gateway {
    /// Connects.
    #[napi]
    pub fn connect<'env>(
        env: &'env Env,
        path: Option<String>,
        settings: Vec<(String, String)>,
        cancel: Option<&CancelToken>,
    ) -> Result<Object<'env>> {
        promise(env, gladhand_ffi::Gateway::connect(path, settings, &token(cancel)), Self)
    }

    /// Takes a record that is a document; never waits.
    #[napi]
    pub fn publish_document(&self, env: Env, record: &Document) -> Result<Document> {
        self.0.publish(&record.0).map(Document).map_err(|error| raise(env, &error))
    }

    /// Takes a record; never waits. Of the measurements, those count whose bit is set in `stated`, in their order.
    #[napi]
    #[allow(clippy::too_many_arguments)] // numbers as they are cost nothing; an object costs a look-up for each
    pub fn publish(
        &self,
        env: Env,
        template: &RecordTemplate,
        observed_at: BigInt,
        event_sequence: Option<BigInt>,
        stated: u32,
        lat: f64,
        lon: f64,
        altitude_m: f64,
        speed_mps: f64,
        heading_deg: f64,
        horizontal_accuracy_m: f64,
        vertical_accuracy_m: f64,
        acceleration_longitudinal_mps2: f64,
        acceleration_lateral_mps2: f64,
        yaw_rate_degps: f64,
        faults: Option<Vec<FaultFields>>,
    ) -> Result<AdmissionFields> {
        let given = |bit: u32, value: f64| (stated >> bit & 1 == 1).then_some(value);
        let measured = Measured {
            lat: given(0, lat),
            lon: given(1, lon),
            altitude_m: given(2, altitude_m),
            speed_mps: given(3, speed_mps),
            heading_deg: given(4, heading_deg),
            horizontal_accuracy_m,
            vertical_accuracy_m,
            acceleration_mps2: (acceleration_longitudinal_mps2, acceleration_lateral_mps2),
            yaw_rate_degps,
        };
        let admitted = || {
            let sequence = event_sequence.map_or(Ok(0), |number| whole("eventSequence", &number))?;
            let mut record = template.0.record(whole("observedAt", &observed_at)?, sequence, &measured)?;
            record.faults = faults.unwrap_or_default().into_iter().map(fault).collect::<gladhand_ffi::Result<_>>()?;
            self.0.publish_record(record)
        };
        let admitted = admitted().map_err(|error| raise(env, &error))?;
        Ok(AdmissionFields {
            lane: lane_name(admitted.lane),
            sequence: admitted.sequence.into(),
            event_sequence: admitted.event_sequence.into(),
            accepted: admitted.accepted,
        })
    }

    /// Takes many records as columns: all of them or, if one is broken, none.
    #[napi]
    pub fn publish_columns(
        &self,
        env: Env,
        template: &RecordTemplate,
        columns: ColumnArrays,
    ) -> Result<PublishedFields> {
        let published = Columns::try_from(columns)
            .and_then(|columns| columns.records(&template.0))
            .and_then(|records| self.0.publish_batch(records));
        let published = published.map_err(|error| raise(env, &error))?;
        let Published { accepted, dropped, first_event_sequence, last_event_sequence } = published;
        Ok(PublishedFields {
            accepted: accepted as f64,
            dropped: dropped as f64,
            first_event_sequence: first_event_sequence.into(),
            last_event_sequence: last_event_sequence.into(),
        })
    }

    /// Waits until everything is acknowledged or declared lost.
    #[napi]
    pub fn flush<'env>(&self, env: &'env Env, cancel: Option<&CancelToken>) -> Result<Object<'env>> {
        promise(env, self.0.flush(&token(cancel)), Document)
    }

    /// What became of the records.
    #[napi]
    pub fn stats(&self, env: Env) -> Result<Document> {
        self.0.stats().map(Document).map_err(|error| raise(env, &error))
    }

    /// Numbers to watch it by.
    #[napi]
    pub fn metrics(&self, env: Env) -> Result<Document> {
        self.0.metrics().map(Document).map_err(|error| raise(env, &error))
    }

    /// Sends what waits, and ends.
    #[napi]
    pub fn close<'env>(&self, env: &'env Env) -> Result<Object<'env>> {
        promise(env, self.0.close(&token(None)), Document)
    }
}

fn state(sensor: &SensorFields) -> SensorState<'_> {
    SensorState {
        kind: &sensor.kind,
        status: &sensor.status,
        position: sensor.position.unwrap_or(0),
        name: sensor.name.as_deref().unwrap_or_default(),
        score_permille: sensor.score_permille,
    }
}

fn fault(fields: FaultFields) -> gladhand_ffi::Result<Fault> {
    Ok(Fault {
        code: known("fault code", &fields.code, FaultCode::parse)?,
        severity: known("fault severity", &fields.severity, FaultSeverity::parse)?,
        sensor_index: fields.sensor_index,
        active: fields.active.unwrap_or(true),
        j1939_spn: fields.j1939_spn,
        j1939_fmi: fields.j1939_fmi,
        vendor_code: fields.vendor_code.unwrap_or_default(),
    })
}

/// A whole number of 64 bits.
fn whole(name: &str, number: &BigInt) -> gladhand_ffi::Result<u64> {
    match number.get_u64() {
        (false, value, true) => Ok(value),
        _ => Err(Error::new(Code::InvalidArgument, format!("{name} must be from 0 to 2^64 - 1"))),
    }
}
