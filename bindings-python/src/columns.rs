//! Columns from what Python passes: the bytes of buffers (PEP 3118) with the format of their items, in the machine's own order.

use gladhand_ffi::columns::Columns;
use gladhand_ffi::{Code, Error, Result};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

/// A column: its name, the format and the size of an item as `memoryview` gives them, and all items.
pub(crate) type Buffer<'py> = (String, String, usize, Bound<'py, PyBytes>);

/// The columns of these buffers. Errors: `invalid_argument` naming the column.
pub(crate) fn columns(buffers: &[Buffer<'_>]) -> Result<Columns> {
    let mut columns = Columns::default();
    for (name, format, size, bytes) in buffers {
        let items = Items { name, format, size: *size, bytes: bytes.as_bytes() };
        match name.as_str() {
            "observed_at" => columns.observed_unix_nanos = items.integers()?,
            "event_sequence" => columns.event_sequence = items.integers()?,
            "lat" => columns.lat = items.numbers()?,
            "lon" => columns.lon = items.numbers()?,
            "latitude_e7_deg" => columns.latitude_e7_deg = items.integers()?,
            "longitude_e7_deg" => columns.longitude_e7_deg = items.integers()?,
            "altitude_m" => columns.altitude_m = items.numbers()?,
            "horizontal_accuracy_m" => columns.horizontal_accuracy_m = items.numbers()?,
            "vertical_accuracy_m" => columns.vertical_accuracy_m = items.numbers()?,
            "speed_mps" => columns.speed_mps = items.numbers()?,
            "heading_deg" => columns.heading_deg = items.numbers()?,
            "acceleration_longitudinal_mps2" => columns.acceleration_longitudinal_mps2 = items.numbers()?,
            "acceleration_lateral_mps2" => columns.acceleration_lateral_mps2 = items.numbers()?,
            "yaw_rate_degps" => columns.yaw_rate_degps = items.numbers()?,
            "autonomy_mode" => columns.autonomy_mode = items.integers()?,
            "autonomy_level" => columns.autonomy_level = items.integers()?,
            _ => return Err(items.wrong("is no column")),
        }
    }
    Ok(columns)
}

struct Items<'a> {
    name: &'a str,
    format: &'a str,
    size: usize,
    bytes: &'a [u8],
}

impl Items<'_> {
    fn wrong(&self, problem: &str) -> Error {
        Error::new(Code::InvalidArgument, format!("{} {problem}", self.name))
    }

    /// The items' kind and size: `f` floating, `i` signed, `u` unsigned.
    fn kind(&self) -> Result<(u8, usize)> {
        let own = if cfg!(target_endian = "little") { '<' } else { '>' };
        let kind = match self.format.trim_start_matches(['@', '=', own]) {
            "f" | "d" => b'f',
            "b" | "h" | "i" | "l" | "q" | "n" => b'i',
            "B" | "H" | "I" | "L" | "Q" | "N" => b'u',
            other => {
                return Err(self.wrong(&format!("has items of format {other:?}, which are no numbers of this machine")));
            }
        };
        Ok((kind, self.size))
    }

    fn numbers(&self) -> Result<Vec<f64>> {
        match self.kind()? {
            (b'f', 8) => Ok(items(self.bytes, f64::from_ne_bytes)),
            (b'f', 4) => Ok(items(self.bytes, |b| f64::from(f32::from_ne_bytes(b)))),
            (b'f', _) => Err(self.wrong("has floating items of another size than 4 or 8 bytes")),
            // Exact up to 2^53, far beyond every range.
            _ => Ok(self.integers::<i64>()?.into_iter().map(|value| value as f64).collect()),
        }
    }

    fn integers<T: TryFrom<i64> + TryFrom<u64>>(&self) -> Result<Vec<T>> {
        let signed =
            |values: Vec<i64>| values.into_iter().map(T::try_from).collect::<std::result::Result<Vec<T>, _>>().ok();
        let unsigned =
            |values: Vec<u64>| values.into_iter().map(T::try_from).collect::<std::result::Result<Vec<T>, _>>().ok();
        let found = match self.kind()? {
            (b'i', 8) => signed(items(self.bytes, i64::from_ne_bytes)),
            (b'i', 4) => signed(items(self.bytes, |b| i32::from_ne_bytes(b).into())),
            (b'i', 2) => signed(items(self.bytes, |b| i16::from_ne_bytes(b).into())),
            (b'i', 1) => signed(items(self.bytes, |b| i8::from_ne_bytes(b).into())),
            (b'u', 8) => unsigned(items(self.bytes, u64::from_ne_bytes)),
            (b'u', 4) => unsigned(items(self.bytes, |b| u32::from_ne_bytes(b).into())),
            (b'u', 2) => unsigned(items(self.bytes, |b| u16::from_ne_bytes(b).into())),
            (b'u', 1) => unsigned(items(self.bytes, |b| u8::from_ne_bytes(b).into())),
            _ => return Err(self.wrong("must have integers")),
        };
        found.ok_or_else(|| self.wrong("has a number out of range"))
    }
}

fn items<const N: usize, T>(bytes: &[u8], read: impl Fn([u8; N]) -> T) -> Vec<T> {
    bytes.as_chunks().0.iter().map(|item| read(*item)).collect()
}
