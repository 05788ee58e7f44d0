//! Columns as they are read: differences taken modulo the width of the field, so that a jump across ±180° or a wrapped counter
//! comes back exactly; runs; bitmaps. Each gives one value per row; [`Delta32::finish`] and its like fail if there were more.

use super::read::{Fields, Packed, broken};
use crate::error::Result;

/// A delta column.
pub(super) struct Delta32<'a> {
    column: Packed<'a>,
    value: u32,
}

impl<'a> Delta32<'a> {
    pub(super) fn new(fields: &Fields<'a>, field: usize) -> Self {
        Self { column: fields.packed(field), value: 0 }
    }

    /// The value of the next row.
    pub(super) fn next(&mut self) -> u32 {
        self.value = self.value.wrapping_add(self.column.signed32());
        self.value
    }

    pub(super) fn finish(&self) -> Result<()> {
        self.column.finish()
    }
}

/// A delta-of-delta column: its first value stands by itself and its second as its difference.
pub(super) struct DeltaOfDelta32<'a> {
    column: Packed<'a>,
    first: bool,
    step: u32,
    value: u32,
}

impl<'a> DeltaOfDelta32<'a> {
    pub(super) fn new(fields: &Fields<'a>, field: usize) -> Self {
        Self { column: fields.packed(field), first: true, step: 0, value: 0 }
    }

    /// The value of the next row.
    pub(super) fn next(&mut self) -> u32 {
        let bend = self.column.signed32();
        if self.first {
            (self.first, self.value) = (false, bend);
        } else {
            self.step = self.step.wrapping_add(bend);
            self.value = self.value.wrapping_add(self.step);
        }
        self.value
    }

    pub(super) fn finish(&self) -> Result<()> {
        self.column.finish()
    }
}

/// Where a column of runs turns to its next value.
struct Turns<'a> {
    field: usize,
    lengths: Packed<'a>,
    left: u32,
    rows: u32,
}

impl<'a> Turns<'a> {
    /// For `rows` rows of a column with at least one value. No length at all: the one value lasts for all rows.
    fn new(field: usize, lengths: Packed<'a>, rows: usize) -> Self {
        let left = if lengths.is_empty() { rows as u32 } else { 0 };
        Self { field, lengths, left, rows: rows as u32 }
    }

    /// Whether the next row begins with another value.
    fn next(&mut self) -> Result<bool> {
        let turns = self.left == 0;
        if turns {
            self.left = self.lengths.next32();
            // Every run has a row, and none lasts longer than the batch.
            if self.left == 0 || self.left > self.rows {
                return Err(broken(self.field));
            }
        }
        self.left -= 1;
        self.rows = self.rows.saturating_sub(1);
        Ok(turns)
    }

    fn finish(&self) -> Result<()> {
        if self.left != 0 { Err(broken(self.field)) } else { self.lengths.finish() }
    }
}

/// A column of numbers in runs; without a value it is 0 throughout.
pub(super) struct Numbers<'a> {
    values: Packed<'a>,
    turns: Turns<'a>,
    value: u32,
}

impl<'a> Numbers<'a> {
    /// The column for `rows` rows.
    pub(super) fn new(fields: &Fields<'a>, field: usize, rows: usize) -> Result<Self> {
        let (values, lengths) = fields.runs(field)?;
        let mut values = Packed::new(field, values);
        if values.is_empty() && !lengths.is_empty() {
            return Err(broken(field));
        }
        let value = if lengths.is_empty() { values.next32() } else { 0 };
        Ok(Self { values, turns: Turns::new(field, lengths, rows), value })
    }

    /// The value of the next row.
    pub(super) fn next(&mut self) -> Result<u32> {
        if self.turns.next()? {
            if self.values.is_empty() {
                return Err(broken(self.turns.field));
            }
            self.value = self.values.next32();
        }
        Ok(self.value)
    }

    pub(super) fn finish(&self) -> Result<()> {
        self.values.finish()?;
        self.turns.finish()
    }
}

/// A column of byte strings of one width in runs; without a value they are absent throughout.
pub(super) struct Strings<'a, const N: usize> {
    values: std::slice::Iter<'a, [u8; N]>,
    turns: Turns<'a>,
    value: [u8; N],
}

impl<'a, const N: usize> Strings<'a, N> {
    /// The column for `rows` rows.
    pub(super) fn new(fields: &Fields<'a>, field: usize, rows: usize) -> Result<Self> {
        let (bytes, lengths) = fields.runs(field)?;
        let (values, rest) = bytes.as_chunks();
        if !rest.is_empty() || (values.is_empty() && !lengths.is_empty()) {
            return Err(broken(field));
        }
        let mut values = values.iter();
        let value = if lengths.is_empty() { values.next().copied() } else { None };
        Ok(Self { values, turns: Turns::new(field, lengths, rows), value: value.unwrap_or([0; N]) })
    }

    /// The value of the next row, zeros for none.
    pub(super) fn next(&mut self) -> Result<[u8; N]> {
        if self.turns.next()? {
            self.value = *self.values.next().ok_or_else(|| broken(self.turns.field))?;
        }
        Ok(self.value)
    }

    pub(super) fn finish(&self) -> Result<()> {
        if self.values.len() > 0 {
            return Err(broken(self.turns.field));
        }
        self.turns.finish()
    }
}

/// Which rows are absent.
#[derive(Clone, Copy)]
pub(super) struct Absent<'a>(&'a [u8]);

impl<'a> Absent<'a> {
    /// The bitmap of `rows` rows, and how many of them are present.
    pub(super) fn new(fields: &Fields<'a>, field: usize, rows: usize) -> Result<(Self, usize)> {
        let absent = Self(fields.bytes(field));
        let bits = absent.0.len() * 8;
        if absent.0.len() > rows.div_ceil(8) || (rows..bits).any(|row| absent.at(row)) {
            return Err(broken(field));
        }
        let count: u32 = absent.0.iter().map(|byte| byte.count_ones()).sum();
        Ok((absent, rows - count as usize))
    }

    /// Whether this row is.
    pub(super) fn at(self, row: usize) -> bool {
        self.0.get(row / 8).is_some_and(|byte| byte >> (row % 8) & 1 == 1)
    }
}
