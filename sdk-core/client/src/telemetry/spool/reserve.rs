//! Room for declared losses that a full disk cannot take away: a file of fixed size, allocated when the spool is made. Two
//! halves: notices are appended to one until it is full, then those that still count are written into the other, whose
//! header is written last. A notice that is damaged heals by itself: sequences that nothing is known of are declared again.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use gladhand_documents::telemetry::frame::Epoch;
use gladhand_documents::telemetry::wire::GapNotice;
use prost::Message as _;

use super::bytes::{Fields, check, checked};
use super::storage::{SpoolFile, SpoolStorage, read_all, write_all};

const NAME: &str = "reserve";
const HALF: u64 = 128 * 1024;
const HEADER_MAGIC: [u8; 4] = *b"GHr1";
const HEADER_LENGTH: usize = 8 + 16;
/// Where the notices of a half begin.
const NOTICES: u64 = 512;
const MAGIC: u16 = 0x6e47;
/// Bytes around a notice: magic, length, CRC, lane, settled.
const AROUND: usize = 2 + 2 + 4 + 2;

/// A notice on disk, and where it counts.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Kept {
    pub(super) notice: GapNotice,
    pub(super) settled: bool,
}

impl Kept {
    /// The notice with its sequences less a shift; nothing if it is settled by that.
    pub(super) fn less(mut self, shift: u64) -> Option<Self> {
        self.notice.last_sequence = self.notice.last_sequence.checked_sub(shift).filter(|last| *last > 0)?;
        self.notice.first_sequence = self.notice.first_sequence.saturating_sub(shift).max(1);
        Some(self)
    }
}

/// Notices, each with its lane.
pub(super) type Notices = Vec<(usize, Kept)>;

#[derive(Debug)]
pub(super) struct Reserve {
    file: Arc<dyn SpoolFile>,
    generation: u64,
    /// Where the next notice goes, within the present half.
    end: u64,
    /// Notices that count, per lane by their last sequence, with their bytes on disk.
    kept: [BTreeMap<u64, (u64, Vec<u8>)>; 4],
}

impl Reserve {
    /// Opens the reserve, or makes it. Gives what it held, per lane, and of which epoch.
    pub(super) fn open(storage: &dyn SpoolStorage, names: &[String]) -> io::Result<(Self, Epoch, Notices)> {
        let known = names.iter().any(|name| name == NAME);
        let file = if known { storage.open(NAME)? } else { storage.create(NAME, 2 * HALF)? };
        let bytes = read_all(&*file, 2 * HALF).unwrap_or_default();
        // One that was cut off has its room no more. What it held is written anew before anything else happens.
        let file = if file.bytes()? < 2 * HALF { storage.create(NAME, 2 * HALF)? } else { file };
        let halves = [0, HALF as usize].map(|at| {
            let half = bytes.get(at..bytes.len().min(at + HALF as usize)).unwrap_or_default();
            let mut fields = checked(half, HEADER_MAGIC, HEADER_LENGTH)?;
            Some((fields.u64()?, fields.array()?, half))
        });
        let newest = halves.into_iter().flatten().max_by_key(|(generation, ..)| *generation);
        let mut reserve = Self { file, generation: 0, end: HALF, kept: Default::default() };
        let Some((generation, epoch, half)) = newest else { return Ok((reserve, Epoch::default(), Vec::new())) };
        reserve.generation = generation;
        let mut found = Vec::new();
        let mut at = NOTICES as usize;
        while at + AROUND <= half.len() {
            if let Some((lane, kept, length)) = read(&half[at..]) {
                found.retain(|(other, known): &(usize, Kept)| *other != lane || !covers(&kept.notice, &known.notice));
                found.push((lane, kept));
                at += length;
            } else {
                // Damage, or the end: only what can be read counts.
                let next = half[at + 1..].iter().position(|byte| *byte == MAGIC.to_le_bytes()[0]);
                at = next.map_or(half.len(), |next| at + 1 + next);
            }
        }
        Ok((reserve, epoch, found))
    }

    /// Begins a half anew with these notices.
    pub(super) fn begin(&mut self, epoch: &Epoch, notices: &[(usize, Kept)]) -> io::Result<()> {
        self.kept = Default::default();
        for (lane, kept) in notices {
            let bytes = write(*lane, kept);
            // What has no room is missing at the next start, and declared then.
            if NOTICES as usize + self.used() + bytes.len() <= HALF as usize {
                self.kept[*lane].insert(kept.notice.last_sequence, (kept.notice.first_sequence, bytes));
            }
        }
        self.compact(epoch)
    }

    /// Takes a notice in place of those it covers. `false`: there is no room.
    pub(super) fn declare(&mut self, epoch: &Epoch, lane: usize, kept: &Kept) -> io::Result<bool> {
        let bytes = write(lane, kept);
        let (first, last) = (kept.notice.first_sequence, kept.notice.last_sequence);
        let covered: Vec<u64> = self.kept[lane]
            .range(first..=last)
            .filter(|(_, (from, _))| *from >= first)
            .map(|(last, _)| *last)
            .collect();
        let gone: usize = covered.iter().map(|last| self.kept[lane][last].1.len()).sum();
        let whole = NOTICES as usize + self.used() - gone + bytes.len();
        if self.end as usize + bytes.len() > HALF as usize && whole > HALF as usize {
            return Ok(false);
        }
        for last in covered {
            self.kept[lane].remove(&last);
        }
        let length = bytes.len() as u64;
        if self.end + length > HALF {
            self.kept[lane].insert(last, (first, bytes));
            self.compact(epoch)?;
        } else {
            write_all(&*self.file, &bytes, self.base() + self.end)?;
            self.end += length;
            self.kept[lane].insert(last, (first, bytes));
        }
        Ok(true)
    }

    /// Everything counts in a new epoch, each sequence less the shift of its lane.
    pub(super) fn shift(&mut self, shifts: [u64; 4]) {
        for (lane, shift) in shifts.into_iter().enumerate() {
            let old = std::mem::take(&mut self.kept[lane]);
            for (_, bytes) in old.into_values() {
                let Some(kept) = read(&bytes).and_then(|(_, kept, _)| kept.less(shift)) else { continue };
                self.kept[lane].insert(kept.notice.last_sequence, (kept.notice.first_sequence, write(lane, &kept)));
            }
        }
    }

    /// Whether the next notice may need the other half. What is settled is left out there: it must be known to be, before.
    pub(super) fn is_nearly_full(&self) -> bool {
        self.end + 4096 > HALF
    }

    /// Forgets what is settled.
    pub(super) fn settle(&mut self, lane: usize, through: u64) {
        self.kept[lane] = self.kept[lane].split_off(&(through + 1));
    }

    /// The file, to be synced.
    pub(super) fn file(&self) -> &Arc<dyn SpoolFile> {
        &self.file
    }

    fn used(&self) -> usize {
        self.kept.iter().flat_map(BTreeMap::values).map(|(_, bytes)| bytes.len()).sum()
    }

    fn base(&self) -> u64 {
        self.generation % 2 * HALF
    }

    /// Writes what counts into the other half, and goes on there.
    pub(super) fn compact(&mut self, epoch: &Epoch) -> io::Result<()> {
        let generation = self.generation + 1;
        let base = generation % 2 * HALF;
        let mut half = vec![0; HALF as usize];
        let mut at = NOTICES as usize;
        for (_, bytes) in self.kept.iter().flat_map(BTreeMap::values) {
            half[at..at + bytes.len()].copy_from_slice(bytes);
            at += bytes.len();
        }
        write_all(&*self.file, &half, base)?;
        self.file.sync()?;
        let mut said = generation.to_le_bytes().to_vec();
        said.extend(epoch);
        write_all(&*self.file, &check(HEADER_MAGIC, said, HEADER_LENGTH), base)?;
        self.file.sync()?;
        self.generation = generation;
        self.end = at as u64;
        Ok(())
    }
}

fn covers(wide: &GapNotice, narrow: &GapNotice) -> bool {
    wide.first_sequence <= narrow.first_sequence && narrow.last_sequence <= wide.last_sequence
}

fn write(lane: usize, kept: &Kept) -> Vec<u8> {
    let message = kept.notice.encode_to_vec();
    let mut bytes = MAGIC.to_le_bytes().to_vec();
    bytes.extend((message.len() as u16).to_le_bytes());
    let mut said = vec![lane as u8, u8::from(kept.settled)];
    said.extend(message);
    bytes.extend(crc32c::crc32c(&said).to_le_bytes());
    bytes.extend(said);
    bytes
}

fn read(bytes: &[u8]) -> Option<(usize, Kept, usize)> {
    let mut fields = Fields(bytes);
    if fields.u16()? != MAGIC {
        return None;
    }
    let length = usize::from(fields.u16()?);
    let sum = fields.u32()?;
    let said = fields.take(2 + length)?;
    if crc32c::crc32c(said) != sum {
        return None;
    }
    let notice = GapNotice::decode(&said[2..]).ok()?;
    let lane = usize::from(said[0]);
    (lane < 4).then_some((lane, Kept { notice, settled: said[1] != 0 }, AROUND + length))
}
