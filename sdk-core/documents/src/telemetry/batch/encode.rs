//! Records to the bytes of a batch, without a message in between and without an allocation once the buffers have grown.

use super::super::record::{Fault, Record, SensorHealth};
use super::super::wire::{Kinematics, Location};
use super::MAX_ROWS;
use super::packed::{Packed, Runs, bytes, fixed64, head, number, optional, zigzag32, zigzag64};
use crate::error::{Code, Error, Result};

/// Makes batch after batch with one set of buffers.
#[derive(Debug, Default)]
pub struct Encoder {
    out: Vec<u8>,
    /// How many records the batch has.
    rows: usize,
    column: Packed,
    runs: Runs,
    bitmap: Vec<u8>,
    times: Vec<i64>,
    message: Vec<u8>,
    /// Row, sensor, status and score of each change of a sensor.
    changes: [Packed; 4],
    /// The last row of each context seen; a batch has few contexts.
    last_rows: Vec<(u32, usize)>,
}

impl Encoder {
    /// An encoder without buffers yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The bytes of a batch of `records`, until the next call; `context_ids` has the number of each record's context on the
    /// stream.
    ///
    /// Errors: `invalid_argument` for no records, more than [`MAX_ROWS`], or not one context number per record;
    /// `schema_invalid` as [`Record::validate`].
    pub fn encode(&mut self, records: &[Record], context_ids: &[u32]) -> Result<&[u8]> {
        if records.is_empty() || records.len() > MAX_ROWS || records.len() != context_ids.len() {
            let problem =
                format!("a batch has 1 to {MAX_ROWS} records, each with a context number; not {}", records.len());
            return Err(Error::new(Code::InvalidArgument, problem));
        }
        records.iter().try_for_each(Record::validate)?;
        self.out.clear();
        self.rows = records.len();
        let located = || records.iter().filter_map(|r| r.location.as_ref());
        let moving = || records.iter().filter_map(|r| r.kinematics.as_ref());
        // In the order of the fields' numbers: the encoding is canonical.
        number(&mut self.out, 1, records.len() as u64);
        self.runs.numbers(&mut self.out, 2, context_ids.iter().copied());
        number(&mut self.out, 3, records[0].event_sequence);
        fixed64(&mut self.out, 4, records[0].observed_unix_nanos);
        let time_unit = self.times(records);
        self.delta_of_delta(6, located().map(|l: &Location| l.latitude_e7_deg as u32));
        self.delta_of_delta(7, located().map(|l| l.longitude_e7_deg as u32));
        self.delta_of_delta(8, located().filter_map(|l| l.altitude_mm).map(|mm| mm as u32));
        self.delta(9, located().map(|l| l.horizontal_accuracy_mm));
        self.delta(10, moving().map(|k: &Kinematics| k.speed_mmps as u32));
        self.delta(11, moving().map(|k| k.heading_cdeg));
        self.delta(12, moving().map(|k| k.accel_longitudinal_mmps2 as u32));
        self.delta(13, moving().map(|k| k.accel_lateral_mmps2 as u32));
        self.delta(14, moving().map(|k| k.yaw_rate_mdegps as u32));
        self.runs.numbers(&mut self.out, 15, records.iter().map(|r| r.autonomy_mode.0 as u32));
        number(&mut self.out, 16, time_unit.into());
        self.sequences(records);
        self.runs.numbers(&mut self.out, 18, records.iter().map(|r| r.autonomy_level.0 as u32));
        self.delta(19, located().map(|l| l.vertical_accuracy_mm));
        self.absent(20, records.iter().map(|r| r.location.is_none()));
        self.absent(21, located().map(|l| l.altitude_mm.is_none()));
        self.absent(22, records.iter().map(|r| r.kinematics.is_none()));
        self.sensors(records, context_ids);
        self.faults(records);
        self.runs.strings(&mut self.out, 29, records.iter().map(|r| r.trace_id.map(|id| *id.bytes())));
        self.runs.strings(&mut self.out, 30, records.iter().map(|r| r.span_id.map(|id| *id.bytes())));
        Ok(&self.out)
    }

    /// The bytes of the last batch.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.out
    }

    /// Field 5; gives the unit that it is in.
    fn times(&mut self, records: &[Record]) -> u32 {
        self.times.clear();
        let mut previous = 0i64;
        for pair in records.windows(2) {
            let delta = pair[1].observed_unix_nanos.wrapping_sub(pair[0].observed_unix_nanos) as i64;
            self.times.push(delta.wrapping_sub(previous));
            previous = delta;
        }
        // Most clocks tick in microseconds or milliseconds: the coarsest unit that loses nothing.
        let fits = |scale: i64| self.times.iter().all(|time| time % scale == 0);
        let still = self.times.iter().all(|&time| time == 0);
        let unit = if still || !fits(1_000) {
            0
        } else if fits(1_000_000) {
            2
        } else {
            1
        };
        let scale = 1_000i64.pow(unit);
        self.column.begin(records.len());
        for &time in &self.times {
            self.column.push(zigzag64(time / scale));
        }
        bytes(&mut self.out, 5, self.column.trimmed());
        unit
    }

    /// Field 17.
    fn sequences(&mut self, records: &[Record]) {
        self.column.begin(records.len());
        for pair in records.windows(2) {
            let step = pair[1].event_sequence.wrapping_sub(pair[0].event_sequence).wrapping_sub(1);
            self.column.push(zigzag64(step as i64));
        }
        bytes(&mut self.out, 17, self.column.trimmed());
    }

    /// A column of differences modulo 2^32.
    fn delta(&mut self, field: u32, values: impl Iterator<Item = u32>) {
        self.column.begin(self.rows);
        let mut previous = 0u32;
        for value in values {
            self.column.push(zigzag32(value.wrapping_sub(previous) as i32));
            previous = value;
        }
        bytes(&mut self.out, field, self.column.trimmed());
    }

    /// A column of differences of differences. The first value stands by itself and the second as its difference.
    fn delta_of_delta(&mut self, field: u32, mut values: impl Iterator<Item = u32>) {
        self.column.begin(self.rows);
        let (mut last, mut step) = (0u32, 0u32);
        if let Some(first) = values.next() {
            self.column.push(zigzag32(first as i32));
            last = first;
        }
        for value in values {
            let next = value.wrapping_sub(last);
            self.column.push(zigzag32(next.wrapping_sub(step) as i32));
            (last, step) = (value, next);
        }
        bytes(&mut self.out, field, self.column.trimmed());
    }

    /// One bit per row, set for absent rows; zero bytes at the end are left out.
    fn absent(&mut self, field: u32, rows: impl Iterator<Item = bool>) {
        self.bitmap.clear();
        for (row, absent) in rows.enumerate() {
            if absent {
                self.bitmap.resize(row / 8 + 1, 0);
                self.bitmap[row / 8] |= 1 << (row % 8);
            }
        }
        bytes(&mut self.out, field, &self.bitmap);
    }

    /// Fields 23 to 26.
    fn sensors(&mut self, records: &[Record], context_ids: &[u32]) {
        let most = records.iter().map(|record| record.context.sensors.len()).sum();
        for column in &mut self.changes {
            column.begin(most);
        }
        self.last_rows.clear();
        let (mut changed_row, mut next_index) = (0usize, 0u32);
        for (row, (record, &context_id)) in records.iter().zip(context_ids).enumerate() {
            let (old, new) = (self.last_of(context_id, row, records), record.sensor_health.as_slice());
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
                if changed_row != row {
                    next_index = 0;
                }
                let score = state.and_then(|s| s.score_permille).map_or(0, |score| u64::from(score) + 1);
                let [rows, steps, statuses, scores] = &mut self.changes;
                rows.push((row - changed_row) as u64);
                steps.push(u64::from(index - next_index));
                statuses.push(state.map_or(0, |s| u64::from(s.status.0 as u32) + 1));
                scores.push(score);
                (changed_row, next_index) = (row, index + 1);
            }
        }
        let [rows, steps, statuses, scores] = &self.changes;
        bytes(&mut self.out, 23, rows.trimmed());
        bytes(&mut self.out, 24, steps.trimmed());
        bytes(&mut self.out, 25, statuses.whole());
        bytes(&mut self.out, 26, scores.trimmed());
    }

    /// The sensors of the context's row before this one, which takes its place.
    fn last_of<'a>(&mut self, context_id: u32, row: usize, records: &'a [Record]) -> &'a [SensorHealth] {
        if let Some((_, last)) = self.last_rows.iter_mut().find(|(id, _)| *id == context_id) {
            return &records[std::mem::replace(last, row)].sensor_health;
        }
        self.last_rows.push((context_id, row));
        &[]
    }

    /// Fields 27 and 28.
    fn faults(&mut self, records: &[Record]) {
        self.column.begin(records.iter().map(|record| record.faults.len()).sum());
        let mut last = 0;
        for (row, record) in records.iter().enumerate() {
            for _ in &record.faults {
                self.column.push((row - last) as u64);
                last = row;
            }
        }
        bytes(&mut self.out, 27, self.column.whole());
        for fault in records.iter().flat_map(|record| &record.faults) {
            self.message.clear();
            write_fault(&mut self.message, fault);
            head(&mut self.out, 28, self.message.len());
            self.out.extend_from_slice(&self.message);
        }
    }
}

fn write_fault(out: &mut Vec<u8>, fault: &Fault) {
    // An enumeration is an int32, and a negative one has its sign extended.
    number(out, 1, i64::from(fault.code.0) as u64);
    number(out, 2, i64::from(fault.severity.0) as u64);
    optional(out, 3, fault.sensor_index);
    number(out, 4, u64::from(fault.active));
    optional(out, 5, fault.j1939_spn);
    optional(out, 6, fault.j1939_fmi);
    bytes(out, 7, fault.vendor_code.as_bytes());
}
