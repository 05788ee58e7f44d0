//! Columns as they are read: differences taken modulo the width of the field, so that a jump across ±180° or a wrapped counter
//! comes back exactly; runs; bitmaps. Each gives one value per row, for as many rows as it was made for.

use super::super::wire::{RunBytes, RunUint32};
use crate::error::{Code, Error, Result};

/// A column that does not fit its batch.
pub(super) fn broken(column: &str) -> Error {
    Error::new(Code::SchemaInvalid, format!("column {column} does not fit its batch"))
}

/// A delta column.
pub(super) struct Delta32<'a> {
    column: std::slice::Iter<'a, i32>,
    value: u32,
}

impl<'a> Delta32<'a> {
    /// The column for `rows` rows.
    pub(super) fn new(name: &str, column: &'a [i32], rows: usize) -> Result<Self> {
        if column.len() > rows { Err(broken(name)) } else { Ok(Self { column: column.iter(), value: 0 }) }
    }

    /// The value of the next row.
    pub(super) fn next(&mut self) -> u32 {
        // Zeros at the end are left out.
        self.value = self.value.wrapping_add(self.column.next().map_or(0, |&delta| delta as u32));
        self.value
    }
}

/// A delta-of-delta column: its first value stands by itself and its second as its difference.
pub(super) struct DeltaOfDelta32<'a> {
    column: Delta32<'a>,
    first: bool,
    value: u32,
}

impl<'a> DeltaOfDelta32<'a> {
    /// The column for `rows` rows.
    pub(super) fn new(name: &str, column: &'a [i32], rows: usize) -> Result<Self> {
        Ok(Self { column: Delta32::new(name, column, rows)?, first: true, value: 0 })
    }

    /// The value of the next row.
    pub(super) fn next(&mut self) -> u32 {
        let step = self.column.next();
        self.value = self.value.wrapping_add(step);
        if self.first {
            self.first = false;
            self.column.value = 0;
        }
        self.value
    }
}

/// Runs of values: which value a row has.
pub(super) struct Runs<'a> {
    lengths: std::slice::Iter<'a, u32>,
    left: u32,
    at: usize,
}

impl<'a> Runs<'a> {
    /// `values` runs of these lengths for `rows` rows. No value at all, or one without length, is one for all rows.
    fn new(name: &str, values: usize, lengths: &'a [u32], rows: usize) -> Result<Self> {
        if lengths.is_empty() && values <= 1 {
            return Ok(Self { lengths: [].iter(), left: rows as u32, at: 0 });
        }
        let sum: u64 = lengths.iter().map(|&length| u64::from(length)).sum();
        if values != lengths.len() || sum != rows as u64 || lengths.contains(&0) {
            return Err(broken(name));
        }
        let mut lengths = lengths.iter();
        let left = lengths.next().copied().unwrap_or(0);
        Ok(Self { lengths, left, at: 0 })
    }

    /// The place of the next row's value.
    fn next(&mut self) -> usize {
        if self.left == 0 {
            self.left = self.lengths.next().copied().unwrap_or(u32::MAX);
            self.at += 1;
        }
        self.left -= 1;
        self.at
    }
}

/// A column of numbers in runs.
pub(super) struct Numbers<'a> {
    runs: Runs<'a>,
    values: &'a [u32],
}

impl<'a> Numbers<'a> {
    /// The column for `rows` rows.
    pub(super) fn new(name: &str, column: Option<&'a RunUint32>, rows: usize) -> Result<Self> {
        let (values, lengths) = column.map_or((&[][..], &[][..]), |c| (c.value.as_slice(), c.run_length.as_slice()));
        Ok(Self { runs: Runs::new(name, values.len(), lengths, rows)?, values })
    }

    /// The value of the next row.
    pub(super) fn next(&mut self) -> u32 {
        self.values.get(self.runs.next()).copied().unwrap_or(0)
    }
}

/// A column of byte strings of one width in runs.
pub(super) struct Strings<'a, const N: usize> {
    runs: Runs<'a>,
    values: &'a [[u8; N]],
}

impl<'a, const N: usize> Strings<'a, N> {
    /// The column for `rows` rows.
    pub(super) fn new(name: &str, column: Option<&'a RunBytes>, rows: usize) -> Result<Self> {
        let (bytes, lengths) = column.map_or((&[][..], &[][..]), |c| (c.value.as_slice(), c.run_length.as_slice()));
        let (values, rest) = bytes.as_chunks();
        if !rest.is_empty() {
            return Err(broken(name));
        }
        Ok(Self { runs: Runs::new(name, values.len(), lengths, rows)?, values })
    }

    /// The value of the next row, zeros for none.
    pub(super) fn next(&mut self) -> [u8; N] {
        self.values.get(self.runs.next()).copied().unwrap_or([0; N])
    }
}

/// Which rows are absent.
#[derive(Clone, Copy)]
pub(super) struct Absent<'a>(&'a [u8]);

impl<'a> Absent<'a> {
    /// The bitmap of `rows` rows, and how many of them are present.
    pub(super) fn new(name: &str, bitmap: &'a [u8], rows: usize) -> Result<(Self, usize)> {
        let absent = Self(bitmap);
        if bitmap.len() > rows.div_ceil(8) || (rows..bitmap.len() * 8).any(|row| absent.at(row)) {
            return Err(broken(name));
        }
        let count: u32 = bitmap.iter().map(|byte| byte.count_ones()).sum();
        Ok((absent, rows - count as usize))
    }

    /// Whether this row is.
    pub(super) fn at(self, row: usize) -> bool {
        self.0.get(row / 8).is_some_and(|byte| byte >> (row % 8) & 1 == 1)
    }
}
