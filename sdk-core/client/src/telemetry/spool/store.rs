//! The spool as a backlog: what a sender asks of it.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use gladhand_documents::error::{Code, Error, Result};
use gladhand_documents::telemetry::Lane;
use gladhand_documents::telemetry::frame::Epoch;
use gladhand_documents::telemetry::wire::GapNotice;
use gladhand_protocol::telemetry::{Backlog, Cursor, Held, LANES, Leases, NotKept, Place, Sealed};

use super::condition::{Condition, unwritable};
use super::cursor::CursorFile;
use super::entry::{self, Header};
use super::lease::{Lease, LeaseFiles};
use super::reserve::{Kept, Reserve};
use super::segments::Segments;
use super::storage::{SpoolStorage, is_full, write_all};

/// How long acknowledged safety records stay, so that they can be asked for once more: 7 days, within the lane's budget.
const SAFETY_STAYS_MS: u64 = 7 * 24 * 3600 * 1000;

/// A spool in a folder. One process at a time has it.
#[derive(Debug)]
pub struct Spool {
    pub(super) storage: Arc<dyn SpoolStorage>,
    pub(super) condition: Arc<Condition>,
    pub(super) lease: Lease,
    pub(super) lease_files: LeaseFiles,
    pub(super) cursors: [Cursor; 4],
    pub(super) cursor_file: CursorFile,
    pub(super) reserve: Reserve,
    pub(super) lanes: [Segments; 4],
    pub(super) buffer: Vec<u8>,
}

impl Spool {
    /// How it is; stays valid when the spool is gone.
    pub fn condition(&self) -> Arc<Condition> {
        Arc::clone(&self.condition)
    }

    fn count_disk(&self) {
        self.condition.disk_bytes.store(self.lanes.iter().map(Segments::bytes).sum(), Ordering::Relaxed);
    }

    /// A segment with room for an entry in the buffer; makes one, if the budgets allow.
    fn make_room(&mut self, index: usize) -> Result<(), NotKept> {
        let entry = self.buffer.len() as u64;
        if self.lanes[index].with_room(entry).is_some() {
            return Ok(());
        }
        let size = self.lanes[index].size_for(entry);
        loop {
            let total: u64 = self.lanes.iter().map(Segments::bytes).sum();
            let all: u64 = self.lanes.iter().map(|lane| lane.budget).sum();
            // Safety may have what the others do not use.
            let own = LANES[index] == Lane::Safety || self.lanes[index].bytes() + size <= self.lanes[index].budget;
            if own && total + size <= all {
                match self.lanes[index].begin(&*self.storage, size) {
                    Ok(before) => {
                        if let Some(before) = before {
                            self.unneeded(index, before);
                        }
                        break self.count_disk();
                    }
                    Err(error) if !is_full(&error) => {
                        return Err(NotKept::Failed(unwritable("takes no segment", &error)));
                    }
                    Err(_) => {}
                }
            }
            let given_up = if own {
                // Acknowledged safety records stay only while nobody needs their room, and room that is kept for entries to
                // come only while it is not needed now.
                let retained = self.lanes[0].oldest_unneeded().map(|(number, _)| (0, number));
                let mut empty = || (1..LANES.len()).find_map(|lane| Some((lane, self.lanes[lane].give_up()?)));
                retained.or_else(&mut empty)
            } else {
                // What the lane may take is taken by itself: no other lane's room helps it.
                self.lanes[index].give_up().map(|number| (index, number))
            };
            let Some((lane, number)) = given_up else { return Err(NotKept::Full) };
            self.remove(lane, number);
            if self.lanes[lane].get(number).is_some() {
                return Err(NotKept::Full);
            }
        }
        Ok(())
    }

    /// Nothing in a segment is needed: it goes, unless it is of the safety lane, whose stay a while.
    pub(super) fn unneeded(&mut self, index: usize, number: u64) {
        if LANES[index] != Lane::Safety {
            self.remove(index, number);
        }
    }

    fn remove(&mut self, index: usize, number: u64) {
        // What is in it is settled, and it must stay so: otherwise it would be missing.
        let settled = self.cursor_file.sync().and_then(|()| self.lanes[index].remove(&*self.storage, number));
        if let Err(error) = settled {
            tracing::warn!(target: "gladhand::telemetry", %error, "a segment of the spool stays");
        }
        self.count_disk();
    }

    fn write_lease(&mut self, lease: Lease) -> Result<()> {
        self.lease_files.write(&lease).map_err(|error| unwritable("cannot lease sequence numbers", &error))?;
        self.lease = lease;
        Ok(())
    }

    /// Writes the entry in the buffer into the present segment.
    fn write_entry(&mut self, index: usize, durably: bool) -> io::Result<Place> {
        let bytes = self.buffer.len() as u64;
        let Some((number, segment)) = self.lanes[index].with_room(bytes) else {
            return Err(io::ErrorKind::StorageFull.into());
        };
        write_all(&*segment.file, &self.buffer, segment.end)?;
        if durably {
            segment.file.sync()?;
        } else {
            self.condition.unsynced(&segment.file);
        }
        let place = Place { segment: number, offset: segment.end as u32, bytes: bytes as u32 };
        segment.end += bytes;
        segment.live += 1;
        Ok(place)
    }

    /// Removes acknowledged safety records that stayed long enough.
    fn age(&mut self, unix_ms: u64) {
        while let Some((number, segment)) = self.lanes[0].oldest_unneeded() {
            if segment.newest_unix_ms.saturating_add(SAFETY_STAYS_MS) > unix_ms {
                return;
            }
            self.remove(0, number);
            if self.lanes[0].get(number).is_some() {
                return;
            }
        }
    }
}

impl Backlog for Spool {
    fn lease(&mut self, leases: &Leases) -> Result<()> {
        self.write_lease(Lease { leases: *leases, ..self.lease.clone() })
    }

    fn append(&mut self, frame: &Sealed<'_>, durably: bool) -> Result<Place, NotKept> {
        let index = frame.lane.index();
        if frame.lane == Lane::Safety {
            self.age(frame.admitted_unix_ms);
        }
        entry::write(&self.lease.epoch, frame, &mut self.buffer);
        let mut last = None;
        for _ in 0..2 {
            self.make_room(index)?;
            match self.write_entry(index, durably) {
                Ok(place) => {
                    if let Some((_, segment)) = self.lanes[index].with_room(0) {
                        segment.newest_unix_ms = segment.newest_unix_ms.max(frame.admitted_unix_ms);
                    }
                    return Ok(place);
                }
                // What was written of it is cut off, and it is written anew into another segment: after a failed sync
                // nobody can say what is on the disk.
                Err(error) => {
                    self.lanes[index].retire();
                    last = Some(error);
                }
            }
        }
        self.count_disk();
        match last {
            Some(error) if !is_full(&error) => Err(NotKept::Failed(unwritable("cannot be written", &error))),
            _ => Err(NotKept::Full),
        }
    }

    fn read(&mut self, lane: Lane, place: Place) -> Result<Vec<u8>> {
        let problem =
            |why: &str| Error::new(Code::JournalCorrupt, format!("an entry of the spool {why}; it is declared lost"));
        let segment = self.lanes[lane.index()].get(place.segment).ok_or_else(|| problem("is gone"))?;
        let mut bytes = vec![0; place.bytes as usize];
        let mut filled = 0;
        while filled < bytes.len() {
            match segment.file.read_at(&mut bytes[filled..], u64::from(place.offset) + filled as u64) {
                Ok(0) => return Err(problem("was cut off")),
                Ok(read) => filled += read,
                Err(error) => return Err(problem("cannot be read").caused_by(&error)),
            }
        }
        let header = Header::read(&bytes).ok_or_else(|| problem("is damaged"))?;
        let (_, payload) = header.body(&bytes).ok_or_else(|| problem("is damaged"))?;
        Ok(payload.to_vec())
    }

    fn declare(&mut self, notice: &GapNotice, settled: bool, durably: bool) -> Result<(), NotKept> {
        let kept = Kept { notice: notice.clone(), settled };
        let failed = |error: io::Error| NotKept::Failed(unwritable("cannot write a loss down", &error));
        let index = notice.lane().index();
        if self.reserve.is_nearly_full() {
            self.cursor_file.sync().map_err(failed)?;
        }
        if !self.reserve.declare(&self.lease.epoch, index, &kept).map_err(failed)? {
            return Err(NotKept::Full);
        }
        if durably {
            self.reserve.file().sync().map_err(failed)?;
        } else {
            self.condition.unsynced(self.reserve.file());
        }
        Ok(())
    }

    fn held(&mut self, lane: Lane, first: u64, last: u64) -> Held {
        self.find_held(lane, first, last)
    }

    fn release(&mut self, lane: Lane, place: Place) {
        let index = lane.index();
        if let Some(number) = self.lanes[index].release(place) {
            self.unneeded(index, number);
        }
    }

    fn settle(&mut self, lane: Lane, cursor: &Cursor) {
        let index = lane.index();
        self.cursors[index] = *cursor;
        self.reserve.settle(index, cursor.through);
        if let Err(error) = self.cursor_file.write(&self.lease.epoch, &self.cursors) {
            tracing::debug!(target: "gladhand::telemetry", %error, "the spool's cursor is stale");
        }
    }

    fn renumber(&mut self, epoch: &Epoch, shifts: [u64; 4], leases: &Leases) -> Result<()> {
        let mut lease = self.lease.clone();
        lease.adopt(*epoch, shifts, *leases);
        self.write_lease(lease)?;
        self.cursors = Default::default();
        self.reserve.shift(shifts);
        let written = self.cursor_file.write(epoch, &self.cursors).and_then(|()| self.reserve.compact(epoch));
        written.map_err(|error| unwritable("cannot follow into a new epoch", &error))
    }

    fn close(&mut self, leases: &Leases) -> Result<()> {
        self.condition.commit()?;
        self.cursor_file.sync().map_err(|error| unwritable("cannot be closed", &error))?;
        self.write_lease(Lease { leases: *leases, ..self.lease.clone() })
    }
}

/// Where a lane is in [`LANES`].
pub(super) trait LaneIndex {
    fn index(self) -> usize;
}

impl LaneIndex for Lane {
    fn index(self) -> usize {
        LANES.iter().position(|lane| *lane == self).unwrap_or(2)
    }
}
