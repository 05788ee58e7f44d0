//! The frame around a batch: its checksum and its compression.
//!
//! The checksum covers the uncompressed payload and the header without the codec. It is computed once, at admission, and
//! verified at every hop; compression is each hop's own affair. It finds damage, not forgery: who sent a frame is the
//! business of mutual TLS.

use std::borrow::Cow;
use std::fmt;

use super::wire::{Codec, Lane};
use crate::error::{Code, Error, Result};

/// The epoch of a producer: 16 random bytes, new whenever sequence numbers start again.
pub type Epoch = [u8; 16];

/// The compression level. Of batches, all that is left to gain is the entropy of noise: level 3 takes a third longer for the
/// same bytes.
const ZSTD_LEVEL: i32 = 1;

/// CRC32C (RFC 3720 appendix B.4) over epoch, lane (u32), first sequence (u64), count (u32), all big-endian, and the
/// uncompressed payload.
pub fn checksum(epoch: &Epoch, lane: Lane, first_sequence: u64, count: u32, payload: &[u8]) -> u32 {
    let mut header = [0; 32];
    header[..16].copy_from_slice(epoch);
    header[16..20].copy_from_slice(&(lane as i32).to_be_bytes());
    header[20..28].copy_from_slice(&first_sequence.to_be_bytes());
    header[28..].copy_from_slice(&count.to_be_bytes());
    crc32c::crc32c_append(crc32c::crc32c(&header), payload)
}

/// Compresses payload after payload with one context and one buffer.
#[derive(Default)]
pub struct Compressor {
    context: Option<zstd::bulk::Compressor<'static>>,
    buffer: Vec<u8>,
}

impl Compressor {
    /// A compressor without buffers yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The payload as it is sent with a codec, until the next call, and the codec used: a payload that does not shrink is sent
    /// as it is.
    pub fn compress<'a>(&'a mut self, payload: &'a [u8], codec: Codec) -> (Codec, &'a [u8]) {
        if codec == Codec::Zstd && self.shrink(payload).is_some() {
            return (Codec::Zstd, &self.buffer);
        }
        (Codec::Raw, payload)
    }

    fn shrink(&mut self, payload: &[u8]) -> Option<()> {
        if self.context.is_none() {
            self.context = Some(zstd::bulk::Compressor::new(ZSTD_LEVEL).ok()?);
        }
        self.buffer.clear();
        self.buffer.reserve(zstd::compress_bound(payload.len()));
        let bytes = self.context.as_mut()?.compress_to_buffer(payload, &mut self.buffer).ok()?;
        (bytes < payload.len()).then_some(())
    }
}

/// Decompresses payload after payload with one context and one buffer.
#[derive(Default)]
pub struct Decompressor {
    context: zstd::bulk::Decompressor<'static>,
    buffer: Vec<u8>,
}

impl Decompressor {
    /// A decompressor without buffers yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The payload that was sent with a codec, until the next call; at most `limit` bytes.
    ///
    /// Errors: `schema_invalid` for damaged bytes, an unknown codec, or more than `limit` bytes.
    pub fn decompress<'a>(&'a mut self, payload: &'a [u8], codec: Codec, limit: usize) -> Result<&'a [u8]> {
        match codec {
            Codec::Raw if payload.len() <= limit => Ok(payload),
            Codec::Zstd => {
                if self.buffer.len() < limit {
                    self.buffer.resize(limit, 0);
                }
                let room = &mut self.buffer[..limit];
                let bytes = self.context.decompress_to_buffer(payload, room).map_err(|e| {
                    let problem = format!("the payload is no zstd frame of at most {limit} bytes");
                    Error::new(Code::SchemaInvalid, problem).caused_by(&e)
                })?;
                Ok(&self.buffer[..bytes])
            }
            _ => Err(Error::new(Code::SchemaInvalid, format!("a raw payload has at most {limit} bytes"))),
        }
    }
}

impl fmt::Debug for Compressor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Compressor")
    }
}

impl fmt::Debug for Decompressor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Decompressor")
    }
}

/// One payload as [`Compressor::compress`].
pub fn compress(payload: &[u8], codec: Codec) -> (Codec, Cow<'_, [u8]>) {
    let mut compressor = Compressor::new();
    if codec == Codec::Zstd && compressor.shrink(payload).is_some() {
        return (Codec::Zstd, Cow::Owned(compressor.buffer));
    }
    (Codec::Raw, Cow::Borrowed(payload))
}

/// One payload as [`Decompressor::decompress`].
///
/// Errors: as there.
pub fn decompress(payload: &[u8], codec: Codec, limit: usize) -> Result<Cow<'_, [u8]>> {
    if codec == Codec::Raw && payload.len() <= limit {
        return Ok(Cow::Borrowed(payload));
    }
    Decompressor::new().decompress(payload, codec, limit).map(|payload| Cow::Owned(payload.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_covers_payload_and_header() {
        let epoch = [7; 16];
        let good = checksum(&epoch, Lane::Routine, 41, 2, b"payload");
        assert_ne!(good, checksum(&[8; 16], Lane::Routine, 41, 2, b"payload"));
        assert_ne!(good, checksum(&epoch, Lane::Safety, 41, 2, b"payload"));
        assert_ne!(good, checksum(&epoch, Lane::Routine, 42, 2, b"payload"));
        assert_ne!(good, checksum(&epoch, Lane::Routine, 41, 3, b"payload"));
        assert_ne!(good, checksum(&epoch, Lane::Routine, 41, 2, b"payloae"));
        // The check value of CRC32C, so that another implementation can be compared.
        assert_eq!(crc32c::crc32c(b"123456789"), 0xe306_9283);
    }

    #[test]
    fn a_kept_context_gives_what_a_new_one_gives() {
        let (mut compressor, mut decompressor) = (Compressor::new(), Decompressor::new());
        for length in [4096, 3, 70_000, 17, 4096] {
            let payload: Vec<u8> = (0..length).map(|i: u32| (i % 7) as u8).collect();
            let (codec, small) = compressor.compress(&payload, Codec::Zstd);
            assert_eq!((codec, small), (compress(&payload, Codec::Zstd).0, compress(&payload, Codec::Zstd).1.as_ref()));
            assert!(decompressor.decompress(b"not zstd", Codec::Zstd, 9).is_err());
            assert_eq!(decompressor.decompress(small, codec, payload.len()).expect("comes back"), payload);
        }
    }

    #[test]
    fn compression_comes_back_and_is_bounded() {
        let payload = vec![5u8; 4096];
        let (codec, small) = compress(&payload, Codec::Zstd);
        assert_eq!(codec, Codec::Zstd);
        assert!(small.len() < 64);
        assert_eq!(decompress(&small, codec, 4096).expect("comes back").as_ref(), payload.as_slice());
        assert!(decompress(&small, codec, 4095).is_err());
        assert!(decompress(b"not zstd", Codec::Zstd, 4096).is_err());
        assert_eq!(compress(b"x", Codec::Zstd).0, Codec::Raw);
        assert!(decompress(&payload, Codec::Raw, 4095).is_err());
        assert!(decompress(b"x", Codec::Unspecified, 4096).is_err());
    }
}
