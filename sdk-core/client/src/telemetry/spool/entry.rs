//! One entry of a segment: a sealed frame, complete in itself. Whatever happens to the bytes around it, it can be found,
//! verified, placed and sent.
//!
//! | bytes | what |
//! |---|---|
//! | 4 | magic `GHf1` |
//! | 1, 3 | lane, zeros |
//! | 16 | epoch |
//! | 8, 4 | first sequence, count |
//! | 4 | the frame's checksum on the wire |
//! | 8, 8 | smallest and largest event sequence |
//! | 8 | admitted, milliseconds since 1970 |
//! | 4, 4 | bytes of contexts and of payload |
//! | 4, 4 | CRC32C of contexts and payload; of the header to here |
//! | … | contexts (`StreamContext`, each after its length as u16), payload, zeros up to a multiple of 8 |
//!
//! Numbers are little-endian.

use gladhand_documents::telemetry::frame::Epoch;
use gladhand_documents::telemetry::wire::StreamContext;
use gladhand_documents::telemetry::{Context, Lane};
use gladhand_protocol::telemetry::Sealed;
use prost::Message as _;

use super::bytes::Fields;

pub(super) const MAGIC: &[u8; 4] = b"GHf1";
/// Bytes of the header.
pub(super) const HEADER: usize = 80;
/// The most that contexts and payload may take: larger lengths are damage.
const MAX_PART: u32 = 16 << 20;

/// The header of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) lane: Lane,
    pub(super) epoch: Epoch,
    pub(super) first: u64,
    pub(super) count: u32,
    pub(super) checksum: u32,
    pub(super) events: (u64, u64),
    pub(super) admitted_unix_ms: u64,
    pub(super) contexts_bytes: u32,
    pub(super) payload_bytes: u32,
    body_sum: u32,
}

impl Header {
    /// Reads the header at the beginning of these bytes.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let header = bytes.get(..HEADER)?;
        let (said, sum) = header.split_at(HEADER - 4);
        if !said.starts_with(MAGIC) || sum != crc32c::crc32c(said).to_le_bytes() {
            return None;
        }
        let mut fields = Fields(&said[4..]);
        let lane = Lane::try_from(i32::from(fields.u8()?)).ok().filter(|lane| *lane != Lane::Unspecified)?;
        fields.take(3)?;
        let header = Self {
            lane,
            epoch: fields.array()?,
            first: fields.u64()?,
            count: fields.u32()?,
            checksum: fields.u32()?,
            events: (fields.u64()?, fields.u64()?),
            admitted_unix_ms: fields.u64()?,
            contexts_bytes: fields.u32()?,
            payload_bytes: fields.u32()?,
            body_sum: fields.u32()?,
        };
        (header.contexts_bytes <= MAX_PART && header.payload_bytes <= MAX_PART).then_some(header)
    }

    /// Bytes of the whole entry.
    pub(super) fn entry_bytes(&self) -> usize {
        (HEADER + self.contexts_bytes as usize + self.payload_bytes as usize).next_multiple_of(8)
    }

    /// Contexts and payload of the entry at the beginning of these bytes, if they are what was written.
    pub(super) fn body<'a>(&self, bytes: &'a [u8]) -> Option<(&'a [u8], &'a [u8])> {
        let length = self.contexts_bytes as usize + self.payload_bytes as usize;
        let body = bytes.get(HEADER..HEADER + length)?;
        (crc32c::crc32c(body) == self.body_sum).then(|| body.split_at(self.contexts_bytes as usize))
    }
}

/// Writes the entry of a frame in place of what is in `bytes`.
pub(super) fn write(epoch: &Epoch, frame: &Sealed<'_>, bytes: &mut Vec<u8>) {
    bytes.clear();
    bytes.resize(HEADER, 0);
    for context in frame.contexts {
        bytes.extend((context.encoded_len() as u16).to_le_bytes());
        // A vector takes everything.
        let _ = context.encode(bytes);
    }
    let contexts_bytes = (bytes.len() - HEADER) as u32;
    bytes.extend_from_slice(frame.payload);
    let body_sum = crc32c::crc32c(&bytes[HEADER..]);
    let mut at = 0;
    let mut put = |field: &[u8]| {
        bytes[at..at + field.len()].copy_from_slice(field);
        at += field.len();
    };
    put(MAGIC);
    put(&[frame.lane as u8, 0, 0, 0]);
    put(epoch);
    put(&frame.first.to_le_bytes());
    put(&frame.count.to_le_bytes());
    put(&frame.checksum.to_le_bytes());
    put(&frame.events.0.to_le_bytes());
    put(&frame.events.1.to_le_bytes());
    put(&frame.admitted_unix_ms.to_le_bytes());
    put(&contexts_bytes.to_le_bytes());
    put(&(frame.payload.len() as u32).to_le_bytes());
    put(&body_sum.to_le_bytes());
    let sum = crc32c::crc32c(&bytes[..HEADER - 4]);
    bytes[HEADER - 4..HEADER].copy_from_slice(&sum.to_le_bytes());
    bytes.resize(bytes.len().next_multiple_of(8), 0);
}

/// The contexts of an entry, by their numbers.
pub(super) fn contexts(bytes: &[u8]) -> Option<Vec<(u32, Context)>> {
    let mut fields = Fields(bytes);
    let mut found = Vec::new();
    while !fields.0.is_empty() {
        let length = fields.u16()?;
        let message = StreamContext::decode(fields.take(length.into())?).ok()?;
        let id = message.context_id;
        found.push((id, Context::from_wire(message).ok()?));
    }
    Some(found)
}
