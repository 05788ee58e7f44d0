//! The columnar batch: many records as columns of differences, lossless over the whole domain of [`Record`].
//!
//! * `columns`: differences modulo 2^32 and 2^64, runs of equal values, bitmaps of absent rows.
//! * `encode`, `decode`: records to columns and back.
//!
//! The encoding is canonical: the same records under the same context numbers give the same bytes in every language
//! (protobuf fields in order of their numbers, zeros at the end of a column left out, longest runs).

mod columns;
mod decode;
mod encode;

use std::sync::Arc;

use prost::Message;

use super::record::{Context, Record};
use super::wire::TelemetryBatch;
use crate::error::{Code, Error, Result};

pub use decode::decode;
pub use encode::encode;

/// The most records in one batch. A batch may state rows that cost it no byte, so the number is limited by itself.
pub const MAX_ROWS: usize = 8192;

/// The bytes of a batch of `records`; `context_ids` has the number of each record's context on the stream.
///
/// Errors: `invalid_argument` for no records, more than [`MAX_ROWS`], or not one context number per record;
/// `schema_invalid` as [`Record::validate`].
pub fn to_bytes(records: &[Record], context_ids: &[u32]) -> Result<Vec<u8>> {
    Ok(encode(records, context_ids)?.encode_to_vec())
}

/// The records of a batch; `contexts` finds a context by its number on the stream.
///
/// Errors: `schema_invalid` for anything that no encoder writes, or an unknown context.
pub fn from_bytes(bytes: &[u8], contexts: impl Fn(u32) -> Option<Arc<Context>>) -> Result<Vec<Record>> {
    let batch = TelemetryBatch::decode(bytes)
        .map_err(|e| Error::new(Code::SchemaInvalid, "the payload is not a telemetry batch").caused_by(&e))?;
    decode(&batch, contexts)
}
