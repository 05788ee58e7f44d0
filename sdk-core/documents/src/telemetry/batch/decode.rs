//! The bytes of a batch to records. What no encoder writes is refused, not repaired.

use std::sync::Arc;

use super::super::open::{AutonomyMode, FaultCode, FaultSeverity, SaeLevel, SensorStatus};
use super::super::record::{Context, Fault, Record, SensorHealth, SpanId, TraceId};
use super::super::wire::{Kinematics, Location};
use super::MAX_ROWS;
use super::columns::{Absent, Delta32, DeltaOfDelta32, Numbers, Strings};
use super::read::{Fields, Item, broken, next};
use crate::error::{Code, Error, Result};

/// Reads batch after batch into records that it keeps. Once they have grown, only the vendor codes of faults are allocated. It
/// keeps what the largest batch needed: at most [`MAX_ROWS`] records.
#[derive(Debug, Default)]
pub struct Decoder {
    records: Vec<Record>,
    /// The sensors of each context seen, the first so many of this batch; a batch has few contexts.
    states: Vec<(u32, Vec<SensorHealth>)>,
}

impl Decoder {
    /// A decoder without records yet.
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
        let fields = Fields::read(bytes)?;
        let rows = usize::try_from(fields.row_count).unwrap_or(usize::MAX);
        if rows == 0 || rows > MAX_ROWS {
            return Err(Error::new(Code::SchemaInvalid, format!("a batch has 1 to {MAX_ROWS} records, not {rows}")));
        }
        if self.records.len() < rows {
            self.records.resize_with(rows, Record::default);
        }
        let records = &mut self.records[..rows];
        find_contexts(&fields, records, contexts)?;
        sequences(&fields, records)?;
        times(&fields, records)?;
        locations(&fields, records)?;
        kinematics(&fields, records)?;
        labels(&fields, records)?;
        sensors(&fields, &mut self.states, records)?;
        faults(&fields, records)?;
        records.iter().try_for_each(Record::validate)?;
        Ok(rows)
    }
}

fn find_contexts(
    fields: &Fields<'_>,
    records: &mut [Record],
    mut contexts: impl FnMut(u32) -> Option<Arc<Context>>,
) -> Result<()> {
    let mut column = Numbers::new(fields, 2, records.len())?;
    let mut last: Option<(u32, Arc<Context>)> = None;
    for record in records {
        let id = column.next()?;
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
    column.finish()
}

fn sequences(fields: &Fields<'_>, records: &mut [Record]) -> Result<()> {
    let (mut steps, mut sequence) = (fields.packed(17), fields.first_event_sequence);
    for (row, record) in records.iter_mut().enumerate() {
        if row > 0 {
            sequence = sequence.wrapping_add(steps.signed64() as u64).wrapping_add(1);
        }
        record.event_sequence = sequence;
    }
    steps.finish()
}

fn times(fields: &Fields<'_>, records: &mut [Record]) -> Result<()> {
    let scale = match fields.time_unit {
        0 => 1,
        1 => 1_000,
        2 => 1_000_000,
        _ => return Err(broken(16)),
    };
    let mut column = fields.packed(5);
    let (mut time, mut delta) = (fields.base_time_unix_nanos, 0i64);
    for (row, record) in records.iter_mut().enumerate() {
        if row > 0 {
            delta = delta.wrapping_add(column.signed64().wrapping_mul(scale));
            time = time.wrapping_add(delta as u64);
        }
        record.observed_unix_nanos = time;
    }
    column.finish()
}

fn locations(fields: &Fields<'_>, records: &mut [Record]) -> Result<()> {
    let (absent, count) = Absent::new(fields, 20, records.len())?;
    let (no_altitude, _) = Absent::new(fields, 21, count)?;
    let [mut latitude, mut longitude, mut altitude] = [6, 7, 8].map(|field| DeltaOfDelta32::new(fields, field));
    let [mut horizontal, mut vertical] = [9, 19].map(|field| Delta32::new(fields, field));
    let mut located = 0;
    for (row, record) in records.iter_mut().enumerate() {
        record.location = (!absent.at(row)).then(|| {
            located += 1;
            Location {
                latitude_e7_deg: latitude.next() as i32,
                longitude_e7_deg: longitude.next() as i32,
                altitude_mm: (!no_altitude.at(located - 1)).then(|| altitude.next() as i32),
                horizontal_accuracy_mm: horizontal.next(),
                vertical_accuracy_mm: vertical.next(),
            }
        });
    }
    [latitude, longitude, altitude].iter().try_for_each(DeltaOfDelta32::finish)?;
    [horizontal, vertical].iter().try_for_each(Delta32::finish)
}

fn kinematics(fields: &Fields<'_>, records: &mut [Record]) -> Result<()> {
    let (absent, _) = Absent::new(fields, 22, records.len())?;
    let [mut speed, mut heading, mut longitudinal, mut lateral, mut yaw_rate] =
        [10, 11, 12, 13, 14].map(|field| Delta32::new(fields, field));
    for (row, record) in records.iter_mut().enumerate() {
        record.kinematics = (!absent.at(row)).then(|| Kinematics {
            speed_mmps: speed.next() as i32,
            heading_cdeg: heading.next(),
            accel_longitudinal_mmps2: longitudinal.next() as i32,
            accel_lateral_mmps2: lateral.next() as i32,
            yaw_rate_mdegps: yaw_rate.next() as i32,
        });
    }
    [speed, heading, longitudinal, lateral, yaw_rate].iter().try_for_each(Delta32::finish)
}

fn labels(fields: &Fields<'_>, records: &mut [Record]) -> Result<()> {
    let rows = records.len();
    let (mut mode, mut level) = (Numbers::new(fields, 15, rows)?, Numbers::new(fields, 18, rows)?);
    let (mut trace, mut span) = (Strings::new(fields, 29, rows)?, Strings::new(fields, 30, rows)?);
    for record in records {
        record.autonomy_mode = AutonomyMode(mode.next()? as i32);
        record.autonomy_level = SaeLevel(level.next()? as i32);
        record.trace_id = TraceId::new(trace.next()?);
        record.span_id = SpanId::new(span.next()?);
    }
    mode.finish()?;
    level.finish()?;
    trace.finish()?;
    span.finish()
}

fn sensors(fields: &Fields<'_>, states: &mut Vec<(u32, Vec<SensorHealth>)>, records: &mut [Record]) -> Result<()> {
    let [mut rows, mut steps, mut statuses, mut scores] = [23, 24, 25, 26].map(|field| fields.packed(field));
    let mut context_ids = Numbers::new(fields, 2, records.len())?;
    let mut seen = 0;
    // The row of the next change, if there is one.
    let mut change_row = if statuses.is_empty() { u64::MAX } else { rows.next() };
    let mut next_index = 0u32;
    for (row, record) in records.iter_mut().enumerate() {
        let id = context_ids.next()?;
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
        while change_row == row as u64 {
            let index = next_index.checked_add(steps.next32()).ok_or_else(|| broken(24))?;
            if index as usize >= record.context.sensors.len() {
                return Err(broken(24));
            }
            let (status, score) = (less_one(25, statuses.next())?, less_one(26, scores.next())?);
            change(state, index, status.map(|status| SensorStatus(status as i32)), score)?;
            let step = if statuses.is_empty() { None } else { Some(rows.next()) };
            next_index = if step == Some(0) { index + 1 } else { 0 };
            change_row = step.map_or(u64::MAX, |step| change_row.saturating_add(step));
        }
        record.sensor_health.clone_from(state);
    }
    if change_row != u64::MAX {
        return Err(broken(23));
    }
    [rows, steps, statuses, scores].iter().try_for_each(super::read::Packed::finish)
}

/// Applies a change to the sensors of a context: another status, or none any more.
fn change(
    state: &mut Vec<SensorHealth>,
    sensor_index: u32,
    status: Option<SensorStatus>,
    score_permille: Option<u32>,
) -> Result<()> {
    let place = state.binary_search_by_key(&sensor_index, |s| s.sensor_index);
    match (status.map(|status| SensorHealth { sensor_index, status, score_permille }), place) {
        (Some(health), Ok(at)) => state[at] = health,
        (Some(health), Err(at)) => state.insert(at, health),
        (None, Ok(at)) if score_permille.is_none() => {
            state.remove(at);
        }
        (None, _) => return Err(broken(25)),
    }
    Ok(())
}

fn less_one(field: usize, plus_one: u64) -> Result<Option<u32>> {
    match plus_one.checked_sub(1) {
        None => Ok(None),
        Some(value) => u32::try_from(value).map(Some).map_err(|_| broken(field)),
    }
}

fn faults(fields: &Fields<'_>, records: &mut [Record]) -> Result<()> {
    for record in records.iter_mut() {
        record.faults.clear();
    }
    let mut rows = fields.packed(27);
    let mut row = 0u64;
    for message in fields.faults() {
        if rows.is_empty() {
            return Err(broken(27));
        }
        row = row.saturating_add(rows.next());
        let record = usize::try_from(row).ok().and_then(|row| records.get_mut(row)).ok_or_else(|| broken(27))?;
        record.faults.push(fault(message)?);
    }
    rows.finish()
}

fn fault(mut message: &[u8]) -> Result<Fault> {
    let mut fault = Fault::default();
    let unsigned = |number: u64| u32::try_from(number).map_err(|_| broken(28));
    // An enumeration is an int32, and a negative one has its sign extended.
    let signed = |number: u64| i32::try_from(number as i64).map_err(|_| broken(28));
    while let Some((field, item)) = next(&mut message)? {
        match (field, item) {
            (1, Item::Number(code)) => fault.code = FaultCode(signed(code)?),
            (2, Item::Number(severity)) => fault.severity = FaultSeverity(signed(severity)?),
            (3, Item::Number(index)) => fault.sensor_index = Some(unsigned(index)?),
            (4, Item::Number(active)) => fault.active = active != 0,
            (5, Item::Number(spn)) => fault.j1939_spn = Some(unsigned(spn)?),
            (6, Item::Number(fmi)) => fault.j1939_fmi = Some(unsigned(fmi)?),
            (7, Item::Bytes(code)) => {
                std::str::from_utf8(code).map_err(|_| broken(28))?.clone_into(&mut fault.vendor_code);
            }
            (0..=7, _) => return Err(broken(28)),
            _ => {}
        }
    }
    Ok(fault)
}
