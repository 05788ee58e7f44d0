//! The protobuf that a batch needs, written into reused buffers.

/// The most bytes of a varint.
const LONGEST: usize = 10;

/// Appends a varint.
pub(super) fn varint(out: &mut Vec<u8>, mut value: u64) {
    if value < 0x80 {
        out.push(value as u8);
    } else if value < 0x4000 {
        out.extend_from_slice(&[value as u8 | 0x80, (value >> 7) as u8]);
    } else {
        while value >= 0x80 {
            out.push(value as u8 | 0x80);
            value >>= 7;
        }
        out.push(value as u8);
    }
}

/// Small magnitudes of either sign to small numbers, as protobuf's `sint32`.
pub(super) fn zigzag32(value: i32) -> u64 {
    u64::from((value << 1 ^ value >> 31) as u32)
}

/// The same for `sint64`.
pub(super) fn zigzag64(value: i64) -> u64 {
    (value << 1 ^ value >> 63) as u64
}

/// How many bytes a varint takes.
fn length(value: usize) -> usize {
    (usize::BITS - (value | 1).leading_zeros()).div_ceil(7) as usize
}

/// Appends a number's field; nothing for 0.
pub(super) fn number(out: &mut Vec<u8>, field: u32, value: u64) {
    if value != 0 {
        varint(out, u64::from(field << 3));
        varint(out, value);
    }
}

/// Appends the field of a number that may be absent, 0 too.
pub(super) fn optional(out: &mut Vec<u8>, field: u32, value: Option<u32>) {
    if let Some(value) = value {
        varint(out, u64::from(field << 3));
        varint(out, u64::from(value));
    }
}

/// Appends a `fixed64`; nothing for 0.
pub(super) fn fixed64(out: &mut Vec<u8>, field: u32, value: u64) {
    if value != 0 {
        varint(out, u64::from(field << 3 | 1));
        out.extend_from_slice(&value.to_le_bytes());
    }
}

/// Appends the head of a field of so many bytes.
pub(super) fn head(out: &mut Vec<u8>, field: u32, bytes: usize) {
    varint(out, u64::from(field << 3 | 2));
    varint(out, bytes as u64);
}

/// Appends bytes; nothing if there are none.
pub(super) fn bytes(out: &mut Vec<u8>, field: u32, value: &[u8]) {
    if !value.is_empty() {
        head(out, field, value.len());
        out.extend_from_slice(value);
    }
}

/// A packed column in the making.
#[derive(Debug, Default)]
pub(super) struct Packed {
    /// What is written, and room after it.
    bytes: Vec<u8>,
    length: usize,
    /// Where the last value ends that is not 0.
    used: usize,
}

impl Packed {
    /// Begins again, with room for so many values.
    pub(super) fn begin(&mut self, values: usize) {
        let room = (values + 1) * LONGEST;
        if self.bytes.len() < room {
            self.bytes.resize(room, 0);
        }
        (self.length, self.used) = (0, 0);
    }

    /// Appends a value; at most as many as there is room for.
    pub(super) fn push(&mut self, mut value: u64) {
        let zero = value == 0;
        let room = &mut self.bytes[self.length..][..LONGEST];
        let mut length = 0;
        if value < 0x4000 {
            // Of noise, nobody can foresee whether the next value takes one byte or two: no branch.
            let two = value >= 0x80;
            room[0] = value as u8 & 0x7f | u8::from(two) << 7;
            room[1] = (value >> 7) as u8;
            length = 1 + usize::from(two);
        } else {
            while value >= 0x80 {
                room[length] = value as u8 | 0x80;
                value >>= 7;
                length += 1;
            }
            room[length] = value as u8;
            length += 1;
        }
        self.length += length;
        self.used = if zero { self.used } else { self.length };
    }

    /// All its bytes.
    pub(super) fn whole(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    /// Its bytes without the zeros at the end.
    pub(super) fn trimmed(&self) -> &[u8] {
        &self.bytes[..self.used]
    }
}

/// A column of runs in the making: values, and how many rows each lasts.
#[derive(Debug, Default)]
pub(super) struct Runs {
    values: Vec<u8>,
    lengths: Vec<u8>,
    /// Rows of the run that has not ended.
    current: u64,
}

impl Runs {
    fn clear(&mut self) {
        self.values.clear();
        self.lengths.clear();
        self.current = 0;
    }

    /// Ends the run.
    fn end(&mut self) {
        if self.current > 0 {
            varint(&mut self.lengths, self.current);
            self.current = 0;
        }
    }

    /// Numbers in runs, shortest form: nothing if all are 0, no length for a single run.
    pub(super) fn numbers(&mut self, out: &mut Vec<u8>, field: u32, values: impl Iterator<Item = u32>) {
        self.clear();
        let mut previous = None;
        for value in values {
            if previous != Some(value) {
                self.end();
                varint(&mut self.values, u64::from(value));
                previous = Some(value);
            }
            self.current += 1;
        }
        if self.lengths.is_empty() && previous == Some(0) {
            return;
        }
        self.finish(out, field);
    }

    /// Byte strings of one width in runs; zeros for those that are absent, nothing if all are.
    pub(super) fn strings<const N: usize>(
        &mut self,
        out: &mut Vec<u8>,
        field: u32,
        values: impl Iterator<Item = Option<[u8; N]>>,
    ) {
        self.clear();
        let mut previous = None;
        for value in values {
            if previous != Some(value) {
                self.end();
                self.values.extend_from_slice(&value.unwrap_or([0; N]));
                previous = Some(value);
            }
            self.current += 1;
        }
        if self.lengths.is_empty() && previous == Some(None) {
            return;
        }
        self.finish(out, field);
    }

    fn finish(&mut self, out: &mut Vec<u8>, field: u32) {
        if !self.lengths.is_empty() {
            self.end();
        }
        let part = |bytes: &[u8]| if bytes.is_empty() { 0 } else { 1 + length(bytes.len()) + bytes.len() };
        head(out, field, part(&self.values) + part(&self.lengths));
        bytes(out, 1, &self.values);
        bytes(out, 2, &self.lengths);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_has_the_varints_of_its_values() {
        let values: Vec<u64> = (0..64).flat_map(|shift| [1 << shift, (1 << shift) - 1, u64::MAX >> shift]).collect();
        let mut column = Packed::default();
        for _ in 0..2 {
            column.begin(values.len() + 2);
            let mut expected = Vec::new();
            for &value in &values {
                varint(&mut expected, value);
                column.push(value);
            }
            column.push(0);
            column.push(0);
            assert_eq!((column.trimmed(), column.whole().len()), (expected.as_slice(), expected.len() + 2));
        }
    }

    #[test]
    fn varints_are_as_long_as_said() {
        for shift in 0..64 {
            for value in [1u64 << shift, (1 << shift) - 1] {
                let mut out = Vec::new();
                varint(&mut out, value);
                assert_eq!(out.len(), length(value as usize), "{value}");
            }
        }
        assert_eq!([0, -1, 1, i32::MIN].map(zigzag32), [0, 1, 2, u64::from(u32::MAX)]);
        assert_eq!([0, -1, 1, i64::MIN].map(zigzag64), [0, 1, 2, u64::MAX]);
    }
}
