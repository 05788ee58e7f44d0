//! Opening a payload: what is damaged is asked for again, what would unfold beyond the limit is an attack.

use std::borrow::Cow;

use gladhand_documents::telemetry::Codec;
use zstd::zstd_safe::get_frame_content_size;

/// Why a payload stays closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Closed {
    /// It is no such frame: damaged on the way.
    Damaged,
    /// It states, or has, more bytes than a payload may have.
    TooLarge,
    /// A codec that Welcome did not offer.
    UnknownCodec,
}

/// The payload as it was before compression; at most `limit` bytes, and never more memory than that.
pub(super) fn open(payload: &[u8], codec: Codec, limit: usize) -> Result<Cow<'_, [u8]>, Closed> {
    match codec {
        Codec::Raw if payload.len() <= limit => Ok(Cow::Borrowed(payload)),
        Codec::Raw => Err(Closed::TooLarge),
        Codec::Zstd => {
            let stated = get_frame_content_size(payload).map_err(|_| Closed::Damaged)?;
            if stated.is_some_and(|bytes| bytes > limit as u64) {
                return Err(Closed::TooLarge);
            }
            let room = stated.map_or(limit, |bytes| bytes as usize);
            zstd::bulk::decompress(payload, room).map(Cow::Owned).map_err(|_| {
                // A frame of an honest encoder states its size; one that does not and does not fit hides it.
                if stated.is_none() { Closed::TooLarge } else { Closed::Damaged }
            })
        }
        Codec::Unspecified => Err(Closed::UnknownCodec),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn bombs_and_damage_are_told_apart() {
        let payload = vec![7_u8; 4096];
        let small = zstd::bulk::compress(&payload, 3).expect("compresses");
        assert_eq!(open(&small, Codec::Zstd, 4096).expect("comes back").as_ref(), payload);
        assert_eq!(open(&small, Codec::Zstd, 4095), Err(Closed::TooLarge));
        assert_eq!(open(&small[..small.len() - 1], Codec::Zstd, 4096), Err(Closed::Damaged));
        assert_eq!(open(b"not zstd", Codec::Zstd, 4096), Err(Closed::Damaged));
        // A stream that does not say how long it is.
        let mut hidden = zstd::stream::Encoder::new(Vec::new(), 3).expect("an encoder");
        hidden.write_all(&vec![0; 1 << 20]).expect("compresses");
        let hidden = hidden.finish().expect("compresses");
        assert!(hidden.len() < 1024);
        assert_eq!(open(&hidden, Codec::Zstd, 4096), Err(Closed::TooLarge));
        assert_eq!(open(&payload, Codec::Raw, 4095), Err(Closed::TooLarge));
        assert_eq!(open(b"x", Codec::Unspecified, 4096), Err(Closed::UnknownCodec));
    }
}
