//! What the store keeps, and how an entry lies in a file: magic, length, CRC32C, a protobuf message.
//!
//! Entries stand by themselves: after damage the next one is found by its magic.

use gladhand_documents::telemetry::wire::{Frame, GapNotice, StreamContext};
use prost::Message as _;

/// Marks the beginning of an entry.
const MAGIC: [u8; 4] = *b"GhC1";
/// Magic, length, CRC32C over length and message.
const HEADER: usize = 12;
/// The longest message that is believed: an image of every lane.
const LONGEST: usize = 64 << 20;

/// One entry.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Entry {
    #[prost(oneof = "What", tags = "1, 2, 3, 4, 5")]
    pub(super) what: Option<What>,
}

/// What happened.
#[derive(Clone, PartialEq, prost::Oneof)]
pub(super) enum What {
    /// Everything that is known; the first entry of each file.
    #[prost(message, tag = "1")]
    Image(Image),
    /// A Hello gave a lane a new beginning.
    #[prost(message, tag = "2")]
    Opened(Opened),
    /// A frame arrived.
    #[prost(message, tag = "3")]
    Frame(Arrived),
    /// A loss was declared.
    #[prost(message, tag = "4")]
    Gap(Declared),
    /// What lies before this was handed to followers.
    #[prost(message, tag = "5")]
    Delivered(Delivered),
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Image {
    #[prost(message, repeated, tag = "1")]
    pub(super) lanes: Vec<LaneImage>,
}

/// A lane, whole. Producers and their epochs come in order, oldest first.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct LaneImage {
    #[prost(message, required, tag = "1")]
    pub(super) key: LaneKey,
    #[prost(uint64, tag = "2")]
    pub(super) through: u64,
    #[prost(uint64, tag = "3")]
    pub(super) possible_duplicate_through: u64,
    #[prost(uint64, tag = "4")]
    pub(super) declared_lost: u64,
    #[prost(uint64, tag = "5")]
    pub(super) duplicates: u64,
    #[prost(uint64, tag = "6")]
    pub(super) flagged: u64,
    #[prost(uint64, tag = "7")]
    pub(super) records: u64,
    #[prost(message, repeated, tag = "8")]
    pub(super) frames: Vec<Known>,
    /// First, last, first, last, ….
    #[prost(uint64, repeated, tag = "9")]
    pub(super) arrived: Vec<u64>,
    /// First, last, reason, first, last, reason, ….
    #[prost(uint64, repeated, tag = "10")]
    pub(super) gaps: Vec<u64>,
    #[prost(bool, tag = "11")]
    pub(super) doubtful: bool,
}

/// Whose lane.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct LaneKey {
    #[prost(string, tag = "1")]
    pub(super) producer: String,
    #[prost(bytes = "vec", tag = "2")]
    pub(super) epoch: Vec<u8>,
    #[prost(int32, tag = "3")]
    pub(super) lane: i32,
}

/// A frame that arrived, without its payload.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub(super) struct Known {
    #[prost(uint64, tag = "1")]
    pub(super) first: u64,
    #[prost(uint32, tag = "2")]
    pub(super) count: u32,
    #[prost(fixed32, tag = "3")]
    pub(super) checksum: u32,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Opened {
    #[prost(message, required, tag = "1")]
    pub(super) key: LaneKey,
    #[prost(uint64, tag = "2")]
    pub(super) through: u64,
    #[prost(uint64, tag = "3")]
    pub(super) possible_duplicate_through: u64,
}

/// A frame as it came, with the contexts that its batch refers to.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Arrived {
    #[prost(message, required, tag = "1")]
    pub(super) key: LaneKey,
    #[prost(message, required, tag = "2")]
    pub(super) frame: Frame,
    #[prost(message, repeated, tag = "3")]
    pub(super) contexts: Vec<StreamContext>,
    #[prost(fixed64, tag = "4")]
    pub(super) received_unix_nanos: u64,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Declared {
    #[prost(message, required, tag = "1")]
    pub(super) key: LaneKey,
    #[prost(message, required, tag = "2")]
    pub(super) gap: GapNotice,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Delivered {}

impl From<What> for Entry {
    fn from(what: What) -> Self {
        Self { what: Some(what) }
    }
}

impl Entry {
    /// Appends the entry as it lies in a file.
    pub(super) fn write(&self, to: &mut Vec<u8>) {
        let message = self.encode_to_vec();
        let length = (message.len() as u32).to_le_bytes();
        let crc = crc32c::crc32c_append(crc32c::crc32c(&length), &message);
        to.extend_from_slice(&MAGIC);
        to.extend_from_slice(&length);
        to.extend_from_slice(&crc.to_le_bytes());
        to.extend_from_slice(&message);
    }

    /// The entry at the beginning of `bytes`, and its length; nothing if there is none or it is damaged.
    fn read(bytes: &[u8]) -> Option<(Self, usize)> {
        let header = bytes.get(..HEADER)?;
        if header[..4] != MAGIC {
            return None;
        }
        let word = |at: usize| u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
        let end = HEADER + Some(word(4) as usize).filter(|length| *length <= LONGEST)?;
        let message = bytes.get(HEADER..end)?;
        if crc32c::crc32c_append(crc32c::crc32c(&header[4..8]), message) != word(8) {
            return None;
        }
        Some((Self::decode(message).ok()?, end))
    }

    /// The entries of a file, and how many bytes of it are whole entries from the beginning.
    pub(super) fn read_all(bytes: &[u8]) -> (Vec<Self>, usize) {
        let (mut entries, mut at, mut whole) = (Vec::new(), 0, None);
        while at < bytes.len() {
            if let Some((entry, length)) = Self::read(&bytes[at..]) {
                entries.push(entry);
                at += length;
            } else {
                whole.get_or_insert(at);
                let next = bytes[at + 1..].windows(MAGIC.len()).position(|window| window == MAGIC);
                at = next.map_or(bytes.len(), |next| at + 1 + next);
            }
        }
        (entries, whole.unwrap_or(bytes.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(through: u64) -> Entry {
        What::Opened(Opened { key: LaneKey::default(), through, possible_duplicate_through: 0 }).into()
    }

    #[test]
    fn damage_costs_the_damaged_entry_alone() {
        let mut file = Vec::new();
        let mut starts = Vec::new();
        for through in 1..=3 {
            starts.push(file.len());
            opened(through).write(&mut file);
        }
        assert_eq!(Entry::read_all(&file), ((1..=3).map(opened).collect(), file.len()));
        for at in starts[1]..starts[2] {
            let mut damaged = file.clone();
            damaged[at] ^= 1;
            assert_eq!(Entry::read_all(&damaged), (vec![opened(1), opened(3)], starts[1]), "byte {at}");
        }
        for end in starts[2] + 1..file.len() {
            assert_eq!(Entry::read_all(&file[..end]), (vec![opened(1), opened(2)], starts[2]), "cut at {end}");
        }
        assert_eq!(Entry::read_all(b""), (vec![], 0));
    }
}
