//! Columns: differences taken modulo the width of the field, so that a jump across ±180° or a wrapped counter comes back
//! exactly; runs; bitmaps.

use super::super::wire::{RunBytes, RunUint32};
use crate::error::{Code, Error, Result};

/// A column that does not fit its batch.
pub(super) fn broken(column: &str) -> Error {
    Error::new(Code::SchemaInvalid, format!("column {column} does not fit its batch"))
}

/// Appends a difference, remembering how far the column has anything but zeros.
#[derive(Default)]
pub(super) struct Delta32 {
    values: Vec<i32>,
    previous: u32,
    used: usize,
}

impl Delta32 {
    pub(super) fn with_capacity(rows: usize) -> Self {
        Self { values: Vec::with_capacity(rows), ..Self::default() }
    }

    pub(super) fn push(&mut self, value: u32) {
        let delta = value.wrapping_sub(self.previous) as i32;
        self.previous = value;
        self.values.push(delta);
        if delta != 0 {
            self.used = self.values.len();
        }
    }

    pub(super) fn finish(mut self) -> Vec<i32> {
        self.values.truncate(self.used);
        self.values
    }
}

/// The same for differences of differences. The first value stands by itself and the second as its difference.
#[derive(Default)]
pub(super) struct DeltaOfDelta32 {
    inner: Delta32,
    last: u32,
    rows: usize,
}

impl DeltaOfDelta32 {
    pub(super) fn with_capacity(rows: usize) -> Self {
        Self { inner: Delta32::with_capacity(rows), ..Self::default() }
    }

    pub(super) fn push(&mut self, value: u32) {
        if self.rows == 0 {
            self.inner.push(value);
            self.inner.previous = 0;
        } else {
            self.inner.push(value.wrapping_sub(self.last));
        }
        self.last = value;
        self.rows += 1;
    }

    pub(super) fn finish(self) -> Vec<i32> {
        self.inner.finish()
    }
}

/// The values of a delta column of `rows` rows.
pub(super) fn undelta32(name: &str, column: &[i32], rows: usize) -> Result<Vec<u32>> {
    if column.len() > rows {
        return Err(broken(name));
    }
    let mut value = 0u32;
    let mut values = Vec::with_capacity(rows);
    values.extend(column.iter().map(|&delta| {
        value = value.wrapping_add(delta as u32);
        value
    }));
    values.resize(rows, value);
    Ok(values)
}

/// The values of a delta-of-delta column of `rows` rows.
pub(super) fn undelta_of_delta32(name: &str, column: &[i32], rows: usize) -> Result<Vec<u32>> {
    if column.len() > rows {
        return Err(broken(name));
    }
    let (mut value, mut delta) = (0u32, 0u32);
    let element = |row: usize| column.get(row).map_or(0, |&v| v as u32);
    Ok((0..rows)
        .map(|row| {
            if row == 0 {
                value = element(0);
            } else {
                delta = delta.wrapping_add(element(row));
                value = value.wrapping_add(delta);
            }
            value
        })
        .collect())
}

/// Runs of equal values, shortest form: nothing if all are 0, no length for a single run.
pub(super) fn runs(values: impl Iterator<Item = u32>) -> Option<RunUint32> {
    let mut column = RunUint32::default();
    for value in values {
        if column.value.last() == Some(&value) {
            *column.run_length.last_mut()? += 1;
        } else {
            column.value.push(value);
            column.run_length.push(1);
        }
    }
    match column.value.as_slice() {
        [] | [0] => return None,
        [_] => column.run_length.clear(),
        _ => {}
    }
    Some(column)
}

/// The values of a column of runs.
pub(super) fn unrun(name: &str, column: Option<&RunUint32>, rows: usize) -> Result<Vec<u32>> {
    let Some(column) = column else { return Ok(vec![0; rows]) };
    if let ([value], []) = (column.value.as_slice(), column.run_length.as_slice()) {
        return Ok(vec![*value; rows]);
    }
    if column.value.len() != column.run_length.len() {
        return Err(broken(name));
    }
    let mut values = Vec::with_capacity(rows);
    for (&value, &length) in column.value.iter().zip(&column.run_length) {
        let length = length as usize;
        if length == 0 || length > rows - values.len() {
            return Err(broken(name));
        }
        values.resize(values.len() + length, value);
    }
    if values.len() != rows {
        return Err(broken(name));
    }
    Ok(values)
}

/// Runs of equal byte strings; absent ones are zeros.
pub(super) fn byte_runs<const N: usize>(values: impl Iterator<Item = Option<[u8; N]>>) -> Option<RunBytes> {
    let mut column = RunBytes::default();
    let mut previous = None;
    let mut present = false;
    for value in values {
        present |= value.is_some();
        if previous == Some(value) {
            *column.run_length.last_mut()? += 1;
        } else {
            column.value.extend_from_slice(&value.unwrap_or([0; N]));
            column.run_length.push(1);
            previous = Some(value);
        }
    }
    if !present {
        return None;
    }
    if column.run_length.len() == 1 {
        column.run_length.clear();
    }
    Some(column)
}

/// The values of a column of byte strings.
pub(super) fn unrun_bytes<const N: usize>(
    name: &str,
    column: Option<&RunBytes>,
    rows: usize,
) -> Result<Vec<Option<[u8; N]>>> {
    let Some(column) = column else { return Ok(vec![None; rows]) };
    if column.value.len() % N != 0 {
        return Err(broken(name));
    }
    let value = |chunk: &[u8]| <[u8; N]>::try_from(chunk).ok().filter(|id| id.iter().any(|&b| b != 0));
    if column.run_length.is_empty() && column.value.len() == N {
        return Ok(vec![value(&column.value); rows]);
    }
    if column.value.len() / N != column.run_length.len() {
        return Err(broken(name));
    }
    let mut values = Vec::with_capacity(rows);
    for (chunk, &length) in column.value.chunks_exact(N).zip(&column.run_length) {
        let length = length as usize;
        if length == 0 || length > rows - values.len() {
            return Err(broken(name));
        }
        values.resize(values.len() + length, value(chunk));
    }
    if values.len() != rows {
        return Err(broken(name));
    }
    Ok(values)
}

/// One bit per row, set for absent rows; zero bytes at the end are left out.
#[derive(Default)]
pub(super) struct Absent {
    bytes: Vec<u8>,
    rows: usize,
}

impl Absent {
    pub(super) fn push(&mut self, absent: bool) {
        if absent {
            self.bytes.resize(self.rows / 8 + 1, 0);
            self.bytes[self.rows / 8] |= 1 << (self.rows % 8);
        }
        self.rows += 1;
    }

    pub(super) fn finish(self) -> Vec<u8> {
        self.bytes
    }
}

/// Which of `rows` rows are present, and how many.
pub(super) fn present(name: &str, absent: &[u8], rows: usize) -> Result<(Vec<bool>, usize)> {
    let bit = |row: usize| absent.get(row / 8).is_some_and(|byte| byte >> (row % 8) & 1 == 1);
    if absent.len() > rows.div_ceil(8) || (rows..absent.len() * 8).any(bit) {
        return Err(broken(name));
    }
    let rows: Vec<bool> = (0..rows).map(|row| !bit(row)).collect();
    let count = rows.iter().filter(|&&present| present).count();
    Ok((rows, count))
}
