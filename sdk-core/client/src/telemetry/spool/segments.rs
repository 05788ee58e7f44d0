//! The segment files of one lane: small, allocated in full when they are made, written from front to end, and given back
//! whole. No file refers to another, and nothing outside says what is in one.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use gladhand_documents::telemetry::{Lane, lane_name};
use gladhand_protocol::telemetry::Place;

use super::bytes::check;
use super::storage::{SpoolFile, SpoolStorage, write_all};

/// Bytes at the head of a segment. Nobody needs what it says to read the entries: it is for whoever finds such a file.
pub(super) const HEAD: u64 = 64;
const HEAD_MAGIC: [u8; 4] = *b"GHs1";
const SMALLEST: u64 = 64 * 1024;
const LARGEST: u64 = 1 << 20;

/// The number of a segment of this lane, by the file's name.
pub(super) fn number_of(name: &str, lane: Lane) -> Option<u64> {
    name.strip_prefix(lane_name(lane))?.strip_prefix('-')?.strip_suffix(".seg")?.parse().ok()
}

/// One file.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) file: Arc<dyn SpoolFile>,
    pub(super) name: String,
    /// Its size on disk.
    pub(super) bytes: u64,
    /// Where the next entry goes; its size if none may.
    pub(super) end: u64,
    /// Entries that are still needed.
    pub(super) live: u32,
    /// When the newest of its entries was admitted, milliseconds since 1970.
    pub(super) newest_unix_ms: u64,
}

/// Those of one lane.
#[derive(Debug)]
pub(super) struct Segments {
    pub(super) lane: Lane,
    /// What the lane may take on disk.
    pub(super) budget: u64,
    files: BTreeMap<u64, Segment>,
    /// The one that is written to.
    active: Option<u64>,
    next_number: u64,
}

impl Segments {
    pub(super) fn new(lane: Lane, budget: u64) -> Self {
        Self { lane, budget, files: BTreeMap::new(), active: None, next_number: 1 }
    }

    /// Adds a file that was found; `open`: entries can be added to it.
    pub(super) fn found(&mut self, number: u64, segment: Segment, open: bool) {
        self.after(number);
        if open && self.active.is_none_or(|active| active < number) {
            self.active = Some(number);
        }
        self.files.insert(number, segment);
    }

    /// A segment of this number exists and cannot be used.
    pub(super) fn after(&mut self, number: u64) {
        self.next_number = self.next_number.max(number.saturating_add(1));
    }

    /// What all files take on disk.
    pub(super) fn bytes(&self) -> u64 {
        self.files.values().map(|segment| segment.bytes).sum()
    }

    /// The size of a new segment that has to hold an entry of so many bytes.
    pub(super) fn size_for(&self, entry: u64) -> u64 {
        (self.budget / 16).clamp(SMALLEST, LARGEST).max((HEAD + entry).next_multiple_of(4096))
    }

    pub(super) fn get(&self, number: u64) -> Option<&Segment> {
        self.files.get(&number)
    }

    /// All of them, oldest first.
    pub(super) fn all(&self) -> impl Iterator<Item = (u64, &Segment)> {
        self.files.iter().map(|(number, segment)| (*number, segment))
    }

    /// The segment that has room for so many bytes.
    pub(super) fn with_room(&mut self, entry: u64) -> Option<(u64, &mut Segment)> {
        let number = self.active?;
        let segment = self.files.get_mut(&number)?;
        (segment.end + entry <= segment.bytes).then_some((number, segment))
    }

    /// Makes a new segment, to be written to from now on. Gives the one that was, if nothing in it is needed.
    pub(super) fn begin(&mut self, storage: &dyn SpoolStorage, bytes: u64) -> io::Result<Option<u64>> {
        let number = self.next_number;
        let name = format!("{}-{number:010}.seg", lane_name(self.lane));
        let file = storage.create(&name, bytes)?;
        let said = number.to_le_bytes().into_iter().chain([self.lane as u8]).collect();
        let head = check(HEAD_MAGIC, said, HEAD as usize - 8);
        // It is made durable by the first entry's sync.
        write_all(&*file, &head, 0).and_then(|()| storage.sync_folder()).inspect_err(|_| {
            let _ = storage.remove(&name);
        })?;
        self.next_number = number + 1;
        self.files.insert(number, Segment { file, name, bytes, end: HEAD, live: 0, newest_unix_ms: 0 });
        let before = self.active.replace(number);
        Ok(before.filter(|before| self.files.get(before).is_some_and(|segment| segment.live == 0)))
    }

    /// No entry may be added to the present segment any more: what was written last is not whole, or may not be on disk.
    pub(super) fn retire(&mut self) {
        if let Some(segment) = self.active.take().and_then(|number| self.files.get_mut(&number))
            && segment.file.cut(segment.end).is_ok()
        {
            segment.bytes = segment.end;
        }
    }

    /// An entry is needed no more. Gives its segment if none in it is, and no more will come into it.
    pub(super) fn release(&mut self, place: Place) -> Option<u64> {
        let segment = self.files.get_mut(&place.segment)?;
        segment.live = segment.live.saturating_sub(1);
        (segment.live == 0 && self.active != Some(place.segment)).then_some(place.segment)
    }

    /// Gives up the segment that is written to, if nothing in it is needed.
    pub(super) fn give_up(&mut self) -> Option<u64> {
        let number = self.active?;
        let segment = self.files.get(&number)?;
        (segment.live == 0 && segment.end > HEAD).then(|| self.active.take()).flatten()
    }

    /// The oldest segment that nothing in is needed, if there is one that is not written to.
    pub(super) fn oldest_unneeded(&self) -> Option<(u64, &Segment)> {
        let mut unneeded =
            self.files.iter().filter(|(number, segment)| segment.live == 0 && self.active != Some(**number));
        unneeded.next().map(|(number, segment)| (*number, segment))
    }

    /// Removes a file.
    pub(super) fn remove(&mut self, storage: &dyn SpoolStorage, number: u64) -> io::Result<()> {
        let Some(segment) = self.files.get(&number) else { return Ok(()) };
        match storage.remove(&segment.name) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        self.files.remove(&number);
        Ok(())
    }
}
