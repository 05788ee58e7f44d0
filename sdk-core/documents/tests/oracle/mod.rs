//! Records to columns to protobuf, plainly: `gladhand_documents::telemetry::wire` messages are filled and `prost` writes them.
//! What the encoder of the crate has to reproduce to the byte.

use gladhand_documents::telemetry::wire::{RunBytes, RunUint32, TelemetryBatch};
use gladhand_documents::telemetry::{Kinematics, Location, Record, SensorHealth};
use prost::Message as _;

pub(crate) fn to_bytes(records: &[Record], context_ids: &[u32]) -> Vec<u8> {
    let locations: Vec<Location> = records.iter().filter_map(|r| r.location).collect();
    let motions: Vec<Kinematics> = records.iter().filter_map(|r| r.kinematics).collect();
    let located = |value: fn(&Location) -> u32| locations.iter().map(value).collect::<Vec<u32>>();
    let moving = |value: fn(&Kinematics) -> u32| motions.iter().map(value).collect::<Vec<u32>>();
    let (time_unit, time_delta_of_delta) = times(records);
    let mut batch = TelemetryBatch {
        row_count: records.len() as u32,
        context_id: runs(context_ids),
        first_event_sequence: records[0].event_sequence,
        base_time_unix_nanos: records[0].observed_unix_nanos,
        time_delta_of_delta,
        latitude_e7_deg: delta_of_delta(&located(|l| l.latitude_e7_deg as u32)),
        longitude_e7_deg: delta_of_delta(&located(|l| l.longitude_e7_deg as u32)),
        altitude_mm: delta_of_delta(
            &locations.iter().filter_map(|l| l.altitude_mm).map(|mm| mm as u32).collect::<Vec<_>>(),
        ),
        horizontal_accuracy_mm: delta(&located(|l| l.horizontal_accuracy_mm)),
        speed_mmps: delta(&moving(|k| k.speed_mmps as u32)),
        heading_cdeg: delta(&moving(|k| k.heading_cdeg)),
        accel_longitudinal_mmps2: delta(&moving(|k| k.accel_longitudinal_mmps2 as u32)),
        accel_lateral_mmps2: delta(&moving(|k| k.accel_lateral_mmps2 as u32)),
        yaw_rate_mdegps: delta(&moving(|k| k.yaw_rate_mdegps as u32)),
        autonomy_mode: runs(&records.iter().map(|r| r.autonomy_mode.0 as u32).collect::<Vec<_>>()),
        time_unit,
        event_sequence_step_minus_one: sequences(records),
        autonomy_level: runs(&records.iter().map(|r| r.autonomy_level.0 as u32).collect::<Vec<_>>()),
        vertical_accuracy_mm: delta(&located(|l| l.vertical_accuracy_mm)),
        location_absent: bitmap(records.iter().map(|r| r.location.is_none())),
        altitude_absent: bitmap(locations.iter().map(|l| l.altitude_mm.is_none())),
        kinematics_absent: bitmap(records.iter().map(|r| r.kinematics.is_none())),
        trace_id: byte_runs(records.iter().map(|r| r.trace_id.map(|id| id.bytes().to_vec())), 16),
        span_id: byte_runs(records.iter().map(|r| r.span_id.map(|id| id.bytes().to_vec())), 8),
        ..TelemetryBatch::default()
    };
    sensors(&mut batch, records, context_ids);
    let mut last = 0;
    for (row, record) in records.iter().enumerate() {
        for fault in &record.faults {
            batch.fault_row.push((row - last) as u32);
            batch.fault.push(fault.into());
            last = row;
        }
    }
    batch.encode_to_vec()
}

fn trim<T: Default + PartialEq>(mut column: Vec<T>) -> Vec<T> {
    while column.last() == Some(&T::default()) {
        column.pop();
    }
    column
}

fn differences(values: &[u32]) -> Vec<u32> {
    values.iter().scan(0u32, |last, &value| Some(value.wrapping_sub(std::mem::replace(last, value)))).collect()
}

fn delta(values: &[u32]) -> Vec<i32> {
    trim(differences(values).into_iter().map(|d| d as i32).collect())
}

fn delta_of_delta(values: &[u32]) -> Vec<i32> {
    let steps = differences(values);
    let Some((first, steps)) = steps.split_first() else { return Vec::new() };
    let column: Vec<u32> = std::iter::once(*first).chain(differences(steps)).collect();
    trim(column.into_iter().map(|d| d as i32).collect())
}

fn times(records: &[Record]) -> (u32, Vec<i64>) {
    let steps: Vec<u64> =
        records.windows(2).map(|pair| pair[1].observed_unix_nanos.wrapping_sub(pair[0].observed_unix_nanos)).collect();
    let bends = steps.iter().scan(0u64, |last, &step| Some(step.wrapping_sub(std::mem::replace(last, step)) as i64));
    let column = trim(bends.collect::<Vec<i64>>());
    for (unit, scale) in [(2, 1_000_000), (1, 1_000)] {
        if !column.is_empty() && column.iter().all(|d| d % scale == 0) {
            return (unit, column.iter().map(|d| d / scale).collect());
        }
    }
    (0, column)
}

fn sequences(records: &[Record]) -> Vec<i64> {
    let step = |pair: &[Record]| pair[1].event_sequence.wrapping_sub(pair[0].event_sequence).wrapping_sub(1) as i64;
    trim(records.windows(2).map(step).collect())
}

/// Where each run begins and how long it is.
fn lengths<T: PartialEq>(values: &[T]) -> Vec<(usize, u32)> {
    let mut runs: Vec<(usize, u32)> = Vec::new();
    for (row, value) in values.iter().enumerate() {
        match runs.last_mut() {
            Some((at, length)) if values[*at] == *value => *length += 1,
            _ => runs.push((row, 1)),
        }
    }
    runs
}

fn runs(values: &[u32]) -> Option<RunUint32> {
    let runs = lengths(values);
    let column = RunUint32 {
        value: runs.iter().map(|(at, _)| values[*at]).collect(),
        run_length: if runs.len() > 1 { runs.iter().map(|(_, length)| *length).collect() } else { Vec::new() },
    };
    (column.value != [0]).then_some(column)
}

fn byte_runs(values: impl Iterator<Item = Option<Vec<u8>>>, width: usize) -> Option<RunBytes> {
    let values: Vec<Vec<u8>> = values.map(|value| value.unwrap_or_else(|| vec![0; width])).collect();
    let runs = lengths(&values);
    let column = RunBytes {
        value: runs.iter().flat_map(|(at, _)| values[*at].clone()).collect(),
        run_length: if runs.len() > 1 { runs.iter().map(|(_, length)| *length).collect() } else { Vec::new() },
    };
    column.value.iter().any(|&byte| byte != 0).then_some(column)
}

fn bitmap(absent: impl Iterator<Item = bool>) -> Vec<u8> {
    let absent: Vec<bool> = absent.collect();
    let byte = |rows: &[bool]| rows.iter().enumerate().fold(0, |byte, (bit, &set)| byte | u8::from(set) << bit);
    trim(absent.chunks(8).map(byte).collect())
}

fn sensors(batch: &mut TelemetryBatch, records: &[Record], context_ids: &[u32]) {
    let (mut changed_row, mut next_index) = (0, 0);
    for (row, record) in records.iter().enumerate() {
        let before = (0..row).rev().find(|&earlier| context_ids[earlier] == context_ids[row]);
        let before = before.map(|earlier| records[earlier].sensor_health.as_slice()).unwrap_or_default();
        for index in 0..128 {
            let find = |states: &[SensorHealth]| states.iter().find(|s| s.sensor_index == index).copied();
            let (old, new) = (find(before), find(&record.sensor_health));
            if old == new {
                continue;
            }
            if changed_row != row {
                next_index = 0;
            }
            batch.sensor_change_row.push((row - changed_row) as u32);
            batch.sensor_change_index_step.push(index - next_index);
            batch.sensor_change_status_plus_one.push(new.map_or(0, |s| u64::from(s.status.0 as u32) + 1));
            let score = new.and_then(|s| s.score_permille).map_or(0, |score| u64::from(score) + 1);
            batch.sensor_change_score_permille_plus_one.push(score);
            (changed_row, next_index) = (row, index + 1);
        }
    }
    batch.sensor_change_row = trim(std::mem::take(&mut batch.sensor_change_row));
    batch.sensor_change_index_step = trim(std::mem::take(&mut batch.sensor_change_index_step));
    batch.sensor_change_score_permille_plus_one =
        trim(std::mem::take(&mut batch.sensor_change_score_permille_plus_one));
}
