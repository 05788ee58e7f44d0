//! Columns to records. What no encoder writes is refused, not repaired.

use std::sync::Arc;

use super::super::open::{AutonomyMode, SaeLevel, SensorStatus};
use super::super::record::{Context, Record, SensorHealth, SpanId, TraceId};
use super::super::wire::{Kinematics, Location, TelemetryBatch};
use super::MAX_ROWS;
use super::columns::{broken, present, undelta_of_delta32, undelta32, unrun, unrun_bytes};
use crate::error::{Code, Error, Result};

/// The records of a batch; `contexts` finds a context by its number on the stream.
///
/// Errors: `schema_invalid` for anything that no encoder writes, or an unknown context.
pub fn decode(batch: &TelemetryBatch, contexts: impl Fn(u32) -> Option<Arc<Context>>) -> Result<Vec<Record>> {
    let rows = batch.row_count as usize;
    if rows == 0 || rows > MAX_ROWS {
        return Err(Error::new(Code::SchemaInvalid, format!("a batch has 1 to {MAX_ROWS} records, not {rows}")));
    }
    let context_ids = unrun("context_id", batch.context_id.as_ref(), rows)?;
    let mut records = frames(&context_ids, contexts)?;
    sequences(batch, &mut records)?;
    times(batch, &mut records)?;
    locations(batch, &mut records)?;
    kinematics(batch, &mut records)?;
    labels(batch, &mut records)?;
    sensors(batch, &context_ids, &mut records)?;
    faults(batch, &mut records)?;
    for record in &records {
        record.validate()?;
    }
    Ok(records)
}

/// Empty records, each with its context.
fn frames(context_ids: &[u32], contexts: impl Fn(u32) -> Option<Arc<Context>>) -> Result<Vec<Record>> {
    let mut last: Option<(u32, Arc<Context>)> = None;
    let mut records = Vec::with_capacity(context_ids.len());
    for &id in context_ids {
        let context = match &last {
            Some((known, context)) if *known == id => context.clone(),
            _ => contexts(id)
                .ok_or_else(|| Error::new(Code::SchemaInvalid, format!("the stream has no context {id}")))?,
        };
        records.push(Record { context: context.clone(), ..Record::default() });
        last = Some((id, context));
    }
    Ok(records)
}

fn sequences(batch: &TelemetryBatch, records: &mut [Record]) -> Result<()> {
    let steps = &batch.event_sequence_step_minus_one;
    if steps.len() >= records.len() {
        return Err(broken("event_sequence_step_minus_one"));
    }
    let mut sequence = batch.first_event_sequence;
    for (row, record) in records.iter_mut().enumerate() {
        if row > 0 {
            let step = steps.get(row - 1).map_or(0, |&s| s as u64);
            sequence = sequence.wrapping_add(step).wrapping_add(1);
        }
        record.event_sequence = sequence;
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
    for (row, record) in records.iter_mut().enumerate() {
        if row > 0 {
            delta = delta.wrapping_add(column.get(row - 1).map_or(0, |d| d.wrapping_mul(scale)));
            time = time.wrapping_add(delta as u64);
        }
        record.observed_unix_nanos = time;
    }
    Ok(())
}

fn locations(batch: &TelemetryBatch, records: &mut [Record]) -> Result<()> {
    let (located, count) = present("location_absent", &batch.location_absent, records.len())?;
    let (with_altitude, altitudes) = present("altitude_absent", &batch.altitude_absent, count)?;
    let latitude = undelta_of_delta32("latitude_e7_deg", &batch.latitude_e7_deg, count)?;
    let longitude = undelta_of_delta32("longitude_e7_deg", &batch.longitude_e7_deg, count)?;
    let altitude = undelta32("altitude_mm", &batch.altitude_mm, altitudes)?;
    let horizontal = undelta32("horizontal_accuracy_mm", &batch.horizontal_accuracy_mm, count)?;
    let vertical = undelta32("vertical_accuracy_mm", &batch.vertical_accuracy_mm, count)?;
    let mut altitude = altitude.into_iter();
    let located = records.iter_mut().zip(located).filter_map(|(record, present)| present.then_some(record));
    for (index, record) in located.enumerate() {
        let altitude_mm = if with_altitude[index] { altitude.next().map(|mm| mm as i32) } else { None };
        record.location = Some(Location {
            latitude_e7_deg: latitude[index] as i32,
            longitude_e7_deg: longitude[index] as i32,
            altitude_mm,
            horizontal_accuracy_mm: horizontal[index],
            vertical_accuracy_mm: vertical[index],
        });
    }
    Ok(())
}

fn kinematics(batch: &TelemetryBatch, records: &mut [Record]) -> Result<()> {
    let (moving, count) = present("kinematics_absent", &batch.kinematics_absent, records.len())?;
    let speed = undelta32("speed_mmps", &batch.speed_mmps, count)?;
    let heading = undelta32("heading_cdeg", &batch.heading_cdeg, count)?;
    let longitudinal = undelta32("accel_longitudinal_mmps2", &batch.accel_longitudinal_mmps2, count)?;
    let lateral = undelta32("accel_lateral_mmps2", &batch.accel_lateral_mmps2, count)?;
    let yaw_rate = undelta32("yaw_rate_mdegps", &batch.yaw_rate_mdegps, count)?;
    let moving = records.iter_mut().zip(moving).filter_map(|(record, present)| present.then_some(record));
    for (index, record) in moving.enumerate() {
        record.kinematics = Some(Kinematics {
            speed_mmps: speed[index] as i32,
            heading_cdeg: heading[index],
            accel_longitudinal_mmps2: longitudinal[index] as i32,
            accel_lateral_mmps2: lateral[index] as i32,
            yaw_rate_mdegps: yaw_rate[index] as i32,
        });
    }
    Ok(())
}

fn labels(batch: &TelemetryBatch, records: &mut [Record]) -> Result<()> {
    let rows = records.len();
    let mode = unrun("autonomy_mode", batch.autonomy_mode.as_ref(), rows)?;
    let level = unrun("autonomy_level", batch.autonomy_level.as_ref(), rows)?;
    let trace = unrun_bytes::<{ TraceId::LENGTH }>("trace_id", batch.trace_id.as_ref(), rows)?;
    let span = unrun_bytes::<{ SpanId::LENGTH }>("span_id", batch.span_id.as_ref(), rows)?;
    for (row, record) in records.iter_mut().enumerate() {
        record.autonomy_mode = AutonomyMode(mode[row] as i32);
        record.autonomy_level = SaeLevel(level[row] as i32);
        record.trace_id = trace[row].and_then(TraceId::new);
        record.span_id = span[row].and_then(SpanId::new);
    }
    Ok(())
}

fn sensors(batch: &TelemetryBatch, context_ids: &[u32], records: &mut [Record]) -> Result<()> {
    let statuses = &batch.sensor_change_status_plus_one;
    let (rows, steps) = (&batch.sensor_change_row, &batch.sensor_change_index_step);
    let scores = &batch.sensor_change_score_permille_plus_one;
    if [rows.len(), steps.len(), scores.len()].into_iter().any(|length| length > statuses.len()) {
        return Err(broken("sensor_change"));
    }
    // The state of each context seen; a batch has few contexts.
    let mut states: Vec<(u32, Vec<SensorHealth>)> = Vec::new();
    let (mut change, mut changed_row, mut next_index) = (0, 0u64, 0u32);
    for (row, record) in records.iter_mut().enumerate() {
        let slot = states.iter().position(|(id, _)| *id == context_ids[row]).unwrap_or_else(|| {
            states.push((context_ids[row], Vec::new()));
            states.len() - 1
        });
        let state = &mut states[slot].1;
        while change < statuses.len() && changed_row + element(rows, change) == row as u64 {
            if changed_row != row as u64 {
                next_index = 0;
            }
            let step = steps.get(change).copied().unwrap_or(0);
            let index = next_index.checked_add(step).ok_or_else(|| broken("sensor_change_index_step"))?;
            if index as usize >= record.context.sensors.len() {
                return Err(broken("sensor_change_index_step"));
            }
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

fn faults(batch: &TelemetryBatch, records: &mut [Record]) -> Result<()> {
    if batch.fault.len() != batch.fault_row.len() {
        return Err(broken("fault"));
    }
    let mut row = 0usize;
    for (fault, &step) in batch.fault.iter().zip(&batch.fault_row) {
        row = row.saturating_add(step as usize);
        let record = records.get_mut(row).ok_or_else(|| broken("fault_row"))?;
        record.faults.push(fault.clone().into());
    }
    Ok(())
}
