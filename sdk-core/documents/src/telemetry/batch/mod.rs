//! The columnar batch: many records as columns of differences, lossless over the whole domain of [`Record`].
//!
//! * [`Encoder`], [`Decoder`]: for batch after batch, with buffers that they keep. [`to_bytes`], [`from_bytes`]: for one.
//! * `columns`: differences modulo 2^32 and 2^64, runs of equal values, bitmaps of absent rows. `packed`, `read`: their
//!   protobuf.
//!
//! The encoding is canonical: the same records under the same context numbers give the same bytes in every language
//! (protobuf fields in order of their numbers, zeros at the end of a column left out, longest runs).

mod columns;
mod decode;
mod encode;
mod packed;
mod read;

use std::sync::Arc;

use super::record::{Context, Record};
use crate::error::Result;

pub use decode::Decoder;
pub use encode::Encoder;

/// The most records in one batch. A batch may state rows that cost it no byte, so the number is limited by itself.
pub const MAX_ROWS: usize = 8192;

/// The bytes of one batch of `records`; `context_ids` has the number of each record's context on the stream.
///
/// Errors: as [`Encoder::encode`].
pub fn to_bytes(records: &[Record], context_ids: &[u32]) -> Result<Vec<u8>> {
    let mut encoder = Encoder::new();
    encoder.encode(records, context_ids)?;
    Ok(encoder.into_bytes())
}

/// The records of one batch; `contexts` finds a context by its number on the stream.
///
/// Errors: as [`Decoder::decode`].
pub fn from_bytes(bytes: &[u8], contexts: impl FnMut(u32) -> Option<Arc<Context>>) -> Result<Vec<Record>> {
    Decoder::new().into_records(bytes, contexts)
}
