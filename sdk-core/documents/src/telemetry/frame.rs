//! The frame around a batch: its checksum and its compression.
//!
//! The checksum covers the uncompressed payload and the header without the codec. It is computed once, at admission, and
//! verified at every hop; compression is each hop's own affair. It finds damage, not forgery: who sent a frame is the
//! business of mutual TLS.

use std::borrow::Cow;

use super::wire::{Codec, Lane};
use crate::error::{Code, Error, Result};

/// The epoch of a producer: 16 random bytes, new whenever sequence numbers start again.
pub type Epoch = [u8; 16];

/// The compression level: the knee of size against time for telemetry batches.
const ZSTD_LEVEL: i32 = 3;

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

/// The payload as it is sent with a codec, and the codec used: a payload that does not shrink is sent as it is.
pub fn compress(payload: &[u8], codec: Codec) -> (Codec, Cow<'_, [u8]>) {
    if codec == Codec::Zstd
        && let Ok(small) = zstd::bulk::compress(payload, ZSTD_LEVEL)
        && small.len() < payload.len()
    {
        return (Codec::Zstd, Cow::Owned(small));
    }
    (Codec::Raw, Cow::Borrowed(payload))
}

/// The payload that was sent with a codec; at most `limit` bytes.
///
/// Errors: `schema_invalid` for damaged bytes, an unknown codec, or more than `limit` bytes.
pub fn decompress(payload: &[u8], codec: Codec, limit: usize) -> Result<Cow<'_, [u8]>> {
    match codec {
        Codec::Raw if payload.len() <= limit => Ok(Cow::Borrowed(payload)),
        Codec::Zstd => zstd::bulk::decompress(payload, limit).map(Cow::Owned).map_err(|e| {
            Error::new(Code::SchemaInvalid, format!("the payload is no zstd frame of at most {limit} bytes"))
                .caused_by(&e)
        }),
        _ => Err(Error::new(Code::SchemaInvalid, format!("a raw payload has at most {limit} bytes"))),
    }
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
