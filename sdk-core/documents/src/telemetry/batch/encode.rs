//! Records to columns.

use super::super::record::{Record, SensorHealth};
use super::super::wire::TelemetryBatch;
use super::MAX_ROWS;
use super::columns::{Absent, Delta32, DeltaOfDelta32, byte_runs, runs};
use crate::error::{Code, Error, Result};

/// The columns of `records`; `context_ids` has the number of each record's context on the stream.
///
/// Errors: as [`super::to_bytes`].
pub fn encode(records: &[Record], context_ids: &[u32]) -> Result<TelemetryBatch> {
    if records.is_empty() || records.len() > MAX_ROWS || records.len() != context_ids.len() {
        let problem = format!("a batch has 1 to {MAX_ROWS} records, each with a context number; not {}", records.len());
        return Err(Error::new(Code::InvalidArgument, problem));
    }
    for record in records {
        record.validate()?;
    }
    let mut batch = TelemetryBatch {
        row_count: records.len() as u32,
        context_id: runs(context_ids.iter().copied()),
        autonomy_mode: runs(records.iter().map(|r| r.autonomy_mode.0 as u32)),
        autonomy_level: runs(records.iter().map(|r| r.autonomy_level.0 as u32)),
        trace_id: byte_runs(records.iter().map(|r| r.trace_id.map(|id| *id.bytes()))),
        span_id: byte_runs(records.iter().map(|r| r.span_id.map(|id| *id.bytes()))),
        ..TelemetryBatch::default()
    };
    sequences(&mut batch, records);
    times(&mut batch, records);
    locations(&mut batch, records);
    kinematics(&mut batch, records);
    sensors(&mut batch, records, context_ids);
    faults(&mut batch, records);
    Ok(batch)
}

fn sequences(batch: &mut TelemetryBatch, records: &[Record]) {
    batch.first_event_sequence = records[0].event_sequence;
    let step = |pair: &[Record]| pair[1].event_sequence.wrapping_sub(pair[0].event_sequence).wrapping_sub(1) as i64;
    let mut steps: Vec<i64> = records.windows(2).map(step).collect();
    trim(&mut steps);
    batch.event_sequence_step_minus_one = steps;
}

fn times(batch: &mut TelemetryBatch, records: &[Record]) {
    batch.base_time_unix_nanos = records[0].observed_unix_nanos;
    let mut previous = 0i64;
    let mut column = Vec::with_capacity(records.len() - 1);
    for pair in records.windows(2) {
        let delta = pair[1].observed_unix_nanos.wrapping_sub(pair[0].observed_unix_nanos) as i64;
        column.push(delta.wrapping_sub(previous));
        previous = delta;
    }
    trim(&mut column);
    // Most clocks tick in microseconds or milliseconds: the coarsest unit that loses nothing.
    for (unit, scale) in [(2, 1_000_000), (1, 1_000)] {
        if !column.is_empty() && column.iter().all(|d| d % scale == 0) {
            for difference in &mut column {
                *difference /= scale;
            }
            batch.time_unit = unit;
            break;
        }
    }
    batch.time_delta_of_delta = column;
}

/// Leaves out the zeros at the end.
fn trim<T: Default + PartialEq>(column: &mut Vec<T>) {
    let used = column.iter().rposition(|value| *value != T::default()).map_or(0, |last| last + 1);
    column.truncate(used);
}

fn locations(batch: &mut TelemetryBatch, records: &[Record]) {
    let rows = records.len();
    let (mut absent, mut no_altitude) = (Absent::default(), Absent::default());
    let mut latitude = DeltaOfDelta32::with_capacity(rows);
    let mut longitude = DeltaOfDelta32::with_capacity(rows);
    let mut altitude = Delta32::with_capacity(rows);
    let mut horizontal = Delta32::with_capacity(rows);
    let mut vertical = Delta32::with_capacity(rows);
    for record in records {
        absent.push(record.location.is_none());
        let Some(location) = &record.location else { continue };
        latitude.push(location.latitude_e7_deg as u32);
        longitude.push(location.longitude_e7_deg as u32);
        no_altitude.push(location.altitude_mm.is_none());
        if let Some(millimetres) = location.altitude_mm {
            altitude.push(millimetres as u32);
        }
        horizontal.push(location.horizontal_accuracy_mm);
        vertical.push(location.vertical_accuracy_mm);
    }
    batch.location_absent = absent.finish();
    batch.altitude_absent = no_altitude.finish();
    batch.latitude_e7_deg = latitude.finish();
    batch.longitude_e7_deg = longitude.finish();
    batch.altitude_mm = altitude.finish();
    batch.horizontal_accuracy_mm = horizontal.finish();
    batch.vertical_accuracy_mm = vertical.finish();
}

fn kinematics(batch: &mut TelemetryBatch, records: &[Record]) {
    let rows = records.len();
    let mut absent = Absent::default();
    let mut speed = Delta32::with_capacity(rows);
    let mut heading = Delta32::with_capacity(rows);
    let mut longitudinal = Delta32::with_capacity(rows);
    let mut lateral = Delta32::with_capacity(rows);
    let mut yaw_rate = Delta32::with_capacity(rows);
    for record in records {
        absent.push(record.kinematics.is_none());
        let Some(motion) = &record.kinematics else { continue };
        speed.push(motion.speed_mmps as u32);
        heading.push(motion.heading_cdeg);
        longitudinal.push(motion.accel_longitudinal_mmps2 as u32);
        lateral.push(motion.accel_lateral_mmps2 as u32);
        yaw_rate.push(motion.yaw_rate_mdegps as u32);
    }
    batch.kinematics_absent = absent.finish();
    batch.speed_mmps = speed.finish();
    batch.heading_cdeg = heading.finish();
    batch.accel_longitudinal_mmps2 = longitudinal.finish();
    batch.accel_lateral_mmps2 = lateral.finish();
    batch.yaw_rate_mdegps = yaw_rate.finish();
}

fn sensors(batch: &mut TelemetryBatch, records: &[Record], context_ids: &[u32]) {
    // The last list of each context seen; a batch has few contexts.
    let mut last: Vec<(u32, &[SensorHealth])> = Vec::new();
    let (mut changed_row, mut next_index) = (0u32, 0u32);
    for (row, (record, &context_id)) in records.iter().zip(context_ids).enumerate() {
        let slot = last.iter().position(|(id, _)| *id == context_id).unwrap_or_else(|| {
            last.push((context_id, &[]));
            last.len() - 1
        });
        let (old, new) = (last[slot].1, record.sensor_health.as_slice());
        if old == new {
            continue;
        }
        // Both lists ascend by sensor, so one merge finds what came, changed and went.
        let (mut old, mut new) = (old.iter().peekable(), new.iter().peekable());
        while let Some(index) = old.peek().into_iter().chain(new.peek()).map(|s| s.sensor_index).min() {
            let before = old.next_if(|s| s.sensor_index == index);
            let state = new.next_if(|s| s.sensor_index == index);
            if before == state {
                continue;
            }
            if changed_row != row as u32 {
                next_index = 0;
            }
            batch.sensor_change_row.push(row as u32 - changed_row);
            batch.sensor_change_index_step.push(index - next_index);
            batch.sensor_change_status_plus_one.push(state.map_or(0, |s| u64::from(s.status.0 as u32) + 1));
            let score = state.and_then(|s| s.score_permille).map_or(0, |score| u64::from(score) + 1);
            batch.sensor_change_score_permille_plus_one.push(score);
            (changed_row, next_index) = (row as u32, index + 1);
        }
        last[slot].1 = &record.sensor_health;
    }
    trim(&mut batch.sensor_change_row);
    trim(&mut batch.sensor_change_index_step);
    trim(&mut batch.sensor_change_score_permille_plus_one);
}

fn faults(batch: &mut TelemetryBatch, records: &[Record]) {
    let mut last = 0u32;
    for (row, record) in records.iter().enumerate() {
        for fault in &record.faults {
            batch.fault_row.push(row as u32 - last);
            batch.fault.push(fault.into());
            last = row as u32;
        }
    }
}
