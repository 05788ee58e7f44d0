//! The bytes of a batch to records. What no encoder writes is refused, not repaired.

use std::sync::Arc;

use prost::Message as _;

use super::super::open::{AutonomyMode, SaeLevel, SensorStatus};
use super::super::record::{Context, Record, SensorHealth, SpanId, TraceId};
use super::super::wire::{Kinematics, Location, TelemetryBatch};
use super::MAX_ROWS;
use super::columns::{Absent, Delta32, DeltaOfDelta32, Numbers, Strings, broken};
use crate::error::{Code, Error, Result};

/// Reads batch after batch into one set of columns and records. Once they have grown, only the vendor codes of faults are
/// allocated. It keeps what the largest batch needed: at most [`MAX_ROWS`] records.
#[derive(Debug, Default)]
pub struct Decoder {
    batch: TelemetryBatch,
    records: Vec<Record>,
    /// The sensors of each context seen, the first so many of this batch; a batch has few contexts.
    states: Vec<(u32, Vec<SensorHealth>)>,
}

impl Decoder {
    /// A decoder without buffers yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The records of a batch, until the next call; `contexts` finds a context by its number on the stream, and is asked once
    /// per run of rows of the same context.
    ///
    /// Errors: `schema_invalid` for anything that no encoder writes, or an unknown context.
    pub fn decode(&mut self, bytes: &[u8], contexts: impl FnMut(u32) -> Option<Arc<Context>>) -> Result<&[Record]> {
        self.read(bytes, contexts).map(|rows| &self.records[..rows])
    }

    /// As [`Decoder::decode`], and gives the records away.
    pub(super) fn into_records(
        mut self,
        bytes: &[u8],
        contexts: impl FnMut(u32) -> Option<Arc<Context>>,
    ) -> Result<Vec<Record>> {
        let rows = self.read(bytes, contexts)?;
        self.records.truncate(rows);
        Ok(self.records)
    }

    fn read(&mut self, bytes: &[u8], contexts: impl FnMut(u32) -> Option<Arc<Context>>) -> Result<usize> {
        let Self { batch, records, states } = self;
        clear(batch);
        batch
            .merge(bytes)
            .map_err(|e| Error::new(Code::SchemaInvalid, "the payload is not a telemetry batch").caused_by(&e))?;
        let rows = batch.row_count as usize;
        if rows == 0 || rows > MAX_ROWS {
            return Err(Error::new(Code::SchemaInvalid, format!("a batch has 1 to {MAX_ROWS} records, not {rows}")));
        }
        if records.len() < rows {
            records.resize_with(rows, Record::default);
        }
        let records = &mut records[..rows];
        find_contexts(batch, records, contexts)?;
        sequences(batch, records)?;
        times(batch, records)?;
        locations(batch, records)?;
        kinematics(batch, records)?;
        labels(batch, records)?;
        sensors(batch, states, records)?;
        faults(batch, records)?;
        records.iter().try_for_each(Record::validate)?;
        Ok(rows)
    }
}

/// Empties a message and keeps its buffers. Those of runs are kept too, which `prost` would not do: a column of runs without a
/// value reads like one that is absent.
fn clear(batch: &mut TelemetryBatch) {
    fn kept<M: prost::Message>(column: &mut Option<M>) -> Option<M> {
        column.take().map(|mut message| {
            message.clear();
            message
        })
    }
    let context_id = kept(&mut batch.context_id);
    let autonomy_mode = kept(&mut batch.autonomy_mode);
    let autonomy_level = kept(&mut batch.autonomy_level);
    let trace_id = kept(&mut batch.trace_id);
    let span_id = kept(&mut batch.span_id);
    batch.clear();
    (batch.context_id, batch.autonomy_mode, batch.autonomy_level) = (context_id, autonomy_mode, autonomy_level);
    (batch.trace_id, batch.span_id) = (trace_id, span_id);
}

fn find_contexts(
    batch: &TelemetryBatch,
    records: &mut [Record],
    mut contexts: impl FnMut(u32) -> Option<Arc<Context>>,
) -> Result<()> {
    let mut column = Numbers::new("context_id", batch.context_id.as_ref(), records.len())?;
    let mut last: Option<(u32, Arc<Context>)> = None;
    for record in records {
        let id = column.next();
        let context = match last.take() {
            Some((known, context)) if known == id => context,
            _ => contexts(id)
                .ok_or_else(|| Error::new(Code::SchemaInvalid, format!("the stream has no context {id}")))?,
        };
        if !Arc::ptr_eq(&record.context, &context) {
            record.context = context.clone();
        }
        last = Some((id, context));
    }
    Ok(())
}

fn sequences(batch: &TelemetryBatch, records: &mut [Record]) -> Result<()> {
    let steps = &batch.event_sequence_step_minus_one;
    if steps.len() >= records.len() {
        return Err(broken("event_sequence_step_minus_one"));
    }
    let mut sequence = batch.first_event_sequence;
    let mut steps = steps.iter();
    for record in records {
        record.event_sequence = sequence;
        sequence = sequence.wrapping_add(steps.next().map_or(0, |&step| step as u64)).wrapping_add(1);
    }
    Ok(())
}

fn times(batch: &TelemetryBatch, records: &mut [Record]) -> Result<()> {
    let column = &batch.time_delta_of_delta;
    if column.len() >= records.len() {
        return Err(broken("time_delta_of_delta"));
    }
    let scale = match batch.time_unit {
        0 => 1,
        1 => 1_000,
        2 => 1_000_000,
        _ => return Err(broken("time_unit")),
    };
    let (mut time, mut delta) = (batch.base_time_unix_nanos, 0i64);
    let mut column = column.iter();
    for record in records {
        record.observed_unix_nanos = time;
        delta = delta.wrapping_add(column.next().map_or(0, |bend| bend.wrapping_mul(scale)));
        time = time.wrapping_add(delta as u64);
    }
    Ok(())
}

fn locations(batch: &TelemetryBatch, records: &mut [Record]) -> Result<()> {
    let (absent, count) = Absent::new("location_absent", &batch.location_absent, records.len())?;
    let (no_altitude, altitudes) = Absent::new("altitude_absent", &batch.altitude_absent, count)?;
    let mut latitude = DeltaOfDelta32::new("latitude_e7_deg", &batch.latitude_e7_deg, count)?;
    let mut longitude = DeltaOfDelta32::new("longitude_e7_deg", &batch.longitude_e7_deg, count)?;
    let mut altitude = Delta32::new("altitude_mm", &batch.altitude_mm, altitudes)?;
    let mut horizontal = Delta32::new("horizontal_accuracy_mm", &batch.horizontal_accuracy_mm, count)?;
    let mut vertical = Delta32::new("vertical_accuracy_mm", &batch.vertical_accuracy_mm, count)?;
    let mut index = 0;
    for (row, record) in records.iter_mut().enumerate() {
        record.location = (!absent.at(row)).then(|| {
            index += 1;
            Location {
                latitude_e7_deg: latitude.next() as i32,
                longitude_e7_deg: longitude.next() as i32,
                altitude_mm: (!no_altitude.at(index - 1)).then(|| altitude.next() as i32),
                horizontal_accuracy_mm: horizontal.next(),
                vertical_accuracy_mm: vertical.next(),
            }
        });
    }
    Ok(())
}

fn kinematics(batch: &TelemetryBatch, records: &mut [Record]) -> Result<()> {
    let (absent, count) = Absent::new("kinematics_absent", &batch.kinematics_absent, records.len())?;
    let mut speed = Delta32::new("speed_mmps", &batch.speed_mmps, count)?;
    let mut heading = Delta32::new("heading_cdeg", &batch.heading_cdeg, count)?;
    let mut longitudinal = Delta32::new("accel_longitudinal_mmps2", &batch.accel_longitudinal_mmps2, count)?;
    let mut lateral = Delta32::new("accel_lateral_mmps2", &batch.accel_lateral_mmps2, count)?;
    let mut yaw_rate = Delta32::new("yaw_rate_mdegps", &batch.yaw_rate_mdegps, count)?;
    for (row, record) in records.iter_mut().enumerate() {
        record.kinematics = (!absent.at(row)).then(|| Kinematics {
            speed_mmps: speed.next() as i32,
            heading_cdeg: heading.next(),
            accel_longitudinal_mmps2: longitudinal.next() as i32,
            accel_lateral_mmps2: lateral.next() as i32,
            yaw_rate_mdegps: yaw_rate.next() as i32,
        });
    }
    Ok(())
}

fn labels(batch: &TelemetryBatch, records: &mut [Record]) -> Result<()> {
    let rows = records.len();
    let mut mode = Numbers::new("autonomy_mode", batch.autonomy_mode.as_ref(), rows)?;
    let mut level = Numbers::new("autonomy_level", batch.autonomy_level.as_ref(), rows)?;
    let mut trace = Strings::new("trace_id", batch.trace_id.as_ref(), rows)?;
    let mut span = Strings::new("span_id", batch.span_id.as_ref(), rows)?;
    for record in records {
        record.autonomy_mode = AutonomyMode(mode.next() as i32);
        record.autonomy_level = SaeLevel(level.next() as i32);
        record.trace_id = TraceId::new(trace.next());
        record.span_id = SpanId::new(span.next());
    }
    Ok(())
}

fn sensors(batch: &TelemetryBatch, states: &mut Vec<(u32, Vec<SensorHealth>)>, records: &mut [Record]) -> Result<()> {
    let statuses = &batch.sensor_change_status_plus_one;
    let (rows, steps) = (&batch.sensor_change_row, &batch.sensor_change_index_step);
    let scores = &batch.sensor_change_score_permille_plus_one;
    if [rows.len(), steps.len(), scores.len()].into_iter().any(|length| length > statuses.len()) {
        return Err(broken("sensor_change"));
    }
    let mut context_ids = Numbers::new("context_id", batch.context_id.as_ref(), records.len())?;
    let mut seen = 0;
    let (mut change, mut changed_row, mut next_index) = (0, 0u64, 0u32);
    for (row, record) in records.iter_mut().enumerate() {
        let id = context_ids.next();
        let slot = states[..seen].iter().position(|(known, _)| *known == id).unwrap_or(seen);
        if slot == seen {
            match states.get_mut(slot) {
                Some((known, state)) => {
                    *known = id;
                    state.clear();
                }
                None => states.push((id, Vec::new())),
            }
            seen += 1;
        }
        let state = &mut states[slot].1;
        while change < statuses.len() && changed_row + element(rows, change) == row as u64 {
            if changed_row != row as u64 {
                next_index = 0;
            }
            let index = next_index.checked_add(element(steps, change) as u32);
            let known = record.context.sensors.len();
            let index = index.filter(|&i| (i as usize) < known).ok_or_else(|| broken("sensor_change_index_step"))?;
            let place = state.binary_search_by_key(&index, |s| s.sensor_index);
            match (less_one(statuses[change])?, place) {
                (Some(status), place) => {
                    let score_permille = less_one(scores.get(change).copied().unwrap_or(0))?;
                    let status = SensorStatus(status as i32);
                    let health = SensorHealth { sensor_index: index, status, score_permille };
                    match place {
                        Ok(at) => state[at] = health,
                        Err(at) => state.insert(at, health),
                    }
                }
                (None, Ok(at)) => {
                    state.remove(at);
                }
                (None, Err(_)) => return Err(broken("sensor_change_status_plus_one")),
            }
            (changed_row, next_index) = (row as u64, index + 1);
            change += 1;
        }
        record.sensor_health.clone_from(state);
    }
    if change != statuses.len() {
        return Err(broken("sensor_change_row"));
    }
    Ok(())
}

fn element(column: &[u32], index: usize) -> u64 {
    column.get(index).copied().unwrap_or(0).into()
}

fn less_one(plus_one: u64) -> Result<Option<u32>> {
    match plus_one.checked_sub(1) {
        None => Ok(None),
        Some(value) => u32::try_from(value).map(Some).map_err(|_| broken("sensor_change")),
    }
}

fn faults(batch: &mut TelemetryBatch, records: &mut [Record]) -> Result<()> {
    if batch.fault.len() != batch.fault_row.len() {
        return Err(broken("fault"));
    }
    records.iter_mut().for_each(|record| record.faults.clear());
    let mut row = 0usize;
    for (fault, &step) in batch.fault.drain(..).zip(&batch.fault_row) {
        row = row.saturating_add(step as usize);
        let record = records.get_mut(row).ok_or_else(|| broken("fault_row"))?;
        record.faults.push(fault.into());
    }
    Ok(())
}
