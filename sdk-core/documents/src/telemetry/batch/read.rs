//! The protobuf of a batch, read in place: where each field is, and the values of packed columns one after another.

use crate::error::{Code, Error, Result};

/// The fields of a batch by their numbers.
const NAMES: [&str; 31] = [
    "",
    "row_count",
    "context_id",
    "first_event_sequence",
    "base_time_unix_nanos",
    "time_delta_of_delta",
    "latitude_e7_deg",
    "longitude_e7_deg",
    "altitude_mm",
    "horizontal_accuracy_mm",
    "speed_mmps",
    "heading_cdeg",
    "accel_longitudinal_mmps2",
    "accel_lateral_mmps2",
    "yaw_rate_mdegps",
    "autonomy_mode",
    "time_unit",
    "event_sequence_step_minus_one",
    "autonomy_level",
    "vertical_accuracy_mm",
    "location_absent",
    "altitude_absent",
    "kinematics_absent",
    "sensor_change_row",
    "sensor_change_index_step",
    "sensor_change_status_plus_one",
    "sensor_change_score_permille_plus_one",
    "fault_row",
    "fault",
    "trace_id",
    "span_id",
];

/// The field whose content does not fit the batch.
pub(super) fn broken(field: usize) -> Error {
    Error::new(Code::SchemaInvalid, format!("{} does not fit its batch", NAMES[field]))
}

fn malformed() -> Error {
    Error::new(Code::SchemaInvalid, "the payload is not a telemetry batch")
}

/// What a field holds.
pub(super) enum Item<'a> {
    Number(u64),
    Fixed64(u64),
    Bytes(&'a [u8]),
    Fixed32,
}

/// The next field and what it holds; nothing at the end.
pub(super) fn next<'a>(bytes: &mut &'a [u8]) -> Result<Option<(usize, Item<'a>)>> {
    if bytes.is_empty() {
        return Ok(None);
    }
    let tag = varint(bytes).and_then(|tag| u32::try_from(tag).ok()).ok_or_else(malformed)?;
    let item = match tag & 7 {
        0 => Item::Number(varint(bytes).ok_or_else(malformed)?),
        1 => Item::Fixed64(u64::from_le_bytes(
            *bytes.split_off(..8).and_then(<[u8]>::first_chunk).ok_or_else(malformed)?,
        )),
        2 => {
            let length = varint(bytes).and_then(|length| usize::try_from(length).ok()).ok_or_else(malformed)?;
            Item::Bytes(bytes.split_off(..length).ok_or_else(malformed)?)
        }
        5 => {
            bytes.split_off(..4).ok_or_else(malformed)?;
            Item::Fixed32
        }
        _ => return Err(malformed()),
    };
    Ok(Some(((tag >> 3) as usize, item)))
}

/// A varint of at most 64 bits.
fn varint(bytes: &mut &[u8]) -> Option<u64> {
    if let [a, b, ..] = **bytes {
        // Of noise, nobody can foresee whether the next value takes one byte or two: one branch for both.
        let two = a >> 7;
        if two & b >> 7 == 0 {
            *bytes = &bytes[1 + usize::from(two)..];
            return Some(u64::from(a & 0x7f) | u64::from(b * two) << 7);
        }
    }
    let mut value = 0u64;
    for (place, &byte) in bytes.iter().enumerate().take(10) {
        if place == 9 && byte > 1 {
            return None;
        }
        value |= u64::from(byte & 0x7f) << (7 * place);
        if byte < 0x80 {
            *bytes = &bytes[place + 1..];
            return Some(value);
        }
    }
    None
}

/// The fields of one batch. A known field comes once, in one piece; fields that this version does not know are passed over.
pub(super) struct Fields<'a> {
    pub(super) row_count: u64,
    pub(super) first_event_sequence: u64,
    pub(super) base_time_unix_nanos: u64,
    pub(super) time_unit: u64,
    bytes: [&'a [u8]; NAMES.len()],
    /// The whole message, where the faults are.
    message: &'a [u8],
}

impl<'a> Fields<'a> {
    pub(super) fn read(message: &'a [u8]) -> Result<Self> {
        let (mut numbers, mut bytes) = ([0u64; NAMES.len()], [&[][..]; NAMES.len()]);
        let (mut seen, mut rest) = (0u32, message);
        while let Some((field, item)) = next(&mut rest)? {
            if field == 0 {
                return Err(malformed());
            }
            if field >= NAMES.len() {
                continue;
            }
            match (field, item) {
                (1 | 3 | 16, Item::Number(number)) | (4, Item::Fixed64(number)) => numbers[field] = number,
                (28, Item::Bytes(_)) => continue,
                (1 | 3 | 4 | 16, _) => return Err(broken(field)),
                (_, Item::Bytes(content)) => bytes[field] = content,
                _ => return Err(broken(field)),
            }
            if seen & 1 << field != 0 {
                return Err(broken(field));
            }
            seen |= 1 << field;
        }
        let [row_count, first_event_sequence, base_time_unix_nanos, time_unit] =
            [1, 3, 4, 16].map(|field| numbers[field]);
        Ok(Self { row_count, first_event_sequence, base_time_unix_nanos, time_unit, bytes, message })
    }

    /// The content of a field; nothing if it is not there.
    pub(super) fn bytes(&self, field: usize) -> &'a [u8] {
        self.bytes[field]
    }

    /// A packed column.
    pub(super) fn packed(&self, field: usize) -> Packed<'a> {
        Packed::new(field, self.bytes[field])
    }

    /// The two columns of runs: values as they are, and how long each lasts.
    pub(super) fn runs(&self, field: usize) -> Result<(&'a [u8], Packed<'a>)> {
        let (mut parts, mut rest) = ([&[][..]; 3], self.bytes[field]);
        while let Some((part, item)) = next(&mut rest)? {
            match (parts.get_mut(part), item) {
                (Some(place), Item::Bytes(content)) if part > 0 && place.is_empty() => *place = content,
                (None, _) => {}
                _ => return Err(broken(field)),
            }
        }
        Ok((parts[1], Packed::new(field, parts[2])))
    }

    /// The faults, each a message.
    pub(super) fn faults(&self) -> impl Iterator<Item = &'a [u8]> {
        let mut rest = self.message;
        std::iter::from_fn(move || {
            // It was read once already, so that nothing here is malformed.
            while let Ok(Some((field, item))) = next(&mut rest) {
                if let (28, Item::Bytes(content)) = (field, item) {
                    return Some(content);
                }
            }
            None
        })
    }
}

/// The values of a packed column, one after another. Zeros at the end are left out, so that it has as many as are asked for;
/// what is wrong with it is told at the end.
#[derive(Clone)]
pub(super) struct Packed<'a> {
    field: usize,
    bytes: &'a [u8],
    broken: bool,
}

impl<'a> Packed<'a> {
    pub(super) fn new(field: usize, bytes: &'a [u8]) -> Self {
        Self { field, bytes, broken: false }
    }

    /// Whether no value is left but zeros.
    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The next value.
    pub(super) fn next(&mut self) -> u64 {
        if self.bytes.is_empty() {
            return 0;
        }
        varint(&mut self.bytes).unwrap_or_else(|| {
            (self.bytes, self.broken) = (&[], true);
            0
        })
    }

    /// The next value of 32 bits.
    pub(super) fn next32(&mut self) -> u32 {
        u32::try_from(self.next()).unwrap_or_else(|_| {
            self.broken = true;
            0
        })
    }

    /// The next value that protobuf calls `sint32`.
    pub(super) fn signed32(&mut self) -> u32 {
        let value = self.next32();
        value >> 1 ^ (value & 1).wrapping_neg()
    }

    /// The next value that protobuf calls `sint64`.
    pub(super) fn signed64(&mut self) -> i64 {
        let value = self.next();
        (value >> 1 ^ (value & 1).wrapping_neg()) as i64
    }

    /// Fails if there was no value that could be read, or some are left.
    pub(super) fn finish(&self) -> Result<()> {
        if self.broken || !self.bytes.is_empty() { Err(broken(self.field)) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn varints_come_back_and_are_bounded() {
        for shift in 0..64 {
            for value in [1u64 << shift, (1 << shift) - 1, u64::MAX >> shift] {
                let mut bytes = Vec::new();
                super::super::packed::varint(&mut bytes, value);
                let mut rest = bytes.as_slice();
                assert_eq!((varint(&mut rest), rest.len()), (Some(value), 0));
                assert_eq!(varint(&mut &bytes[..bytes.len() - 1]), None);
            }
        }
        assert_eq!(varint(&mut [0xff; 10].as_slice()), None);
        assert_eq!(varint(&mut [0x80; 11].as_slice()), None);
    }

    #[test]
    fn a_field_comes_once_and_in_its_type() {
        for good in [&[8, 1][..], &[8, 1, 0xfa, 1, 1, 7], &[8, 1, 0xfd, 1, 0, 0, 0, 0]] {
            assert_eq!(Fields::read(good).expect("a batch").row_count, 1);
        }
        for bad in [&[8, 1, 8, 1][..], &[10, 0], &[8], &[0, 1], &[0x2a, 3, 1], &[0x28, 1], &[11]] {
            assert!(Fields::read(bad).is_err(), "{bad:?}");
        }
    }
}
