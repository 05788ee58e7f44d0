//! How a spool starts: a scan of the folder. Whatever is in the files, it starts; what cannot be read is kept in quarantine
//! and its sequences are declared.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use gladhand_documents::error::{Code, Error, Result};
use gladhand_documents::telemetry::frame::Epoch;
use gladhand_documents::telemetry::wire::{DropReason, GapNotice};
use gladhand_documents::telemetry::{Context, Lane};
use gladhand_protocol::telemetry::{Cursor, LANES, Leases, Place, Recovered, RecoveredFrame, RecoveredLane};

use super::condition::{Condition, unwritable};
use super::cursor::{CursorFile, Known};
use super::entry::Header;
use super::lease::{Found, Lease, LeaseFiles};
use super::quarantine;
use super::reserve::{Kept, Reserve};
use super::scan::{Seen, scan};
use super::segments::{HEAD, Segment, Segments, number_of};
use super::storage::{SpoolFile, SpoolStorage, read_all};
use super::store::Spool;

/// No segment is larger; what is, was not made here.
const LARGEST_FILE: u64 = 64 << 20;

/// A segment file that was read.
struct Scanned {
    lane: usize,
    number: u64,
    name: String,
    file: Arc<dyn SpoolFile>,
    bytes: u64,
    end: u64,
    open: bool,
    seen: Vec<Seen>,
}

impl Spool {
    /// Opens the spool in a folder, or makes one. `budgets`: bytes on disk per lane, in the order of [`LANES`]. `fresh` is
    /// random: the epoch of a spool that is new, or that lost track of its own.
    ///
    /// Errors: `journal_busy` if another process has it; `journal_unwritable` if the disk gives or takes nothing. Never for
    /// what is in the files.
    pub fn open(storage: Arc<dyn SpoolStorage>, budgets: [u64; 4], fresh: Epoch) -> Result<(Self, Recovered)> {
        let failed = |error: io::Error| unwritable("cannot be opened", &error);
        if !storage.lock().map_err(failed)? {
            let problem = "another process has the spool; a folder serves one gateway (`gateway.spool`)";
            return Err(Error::new(Code::JournalBusy, problem));
        }
        let names = storage.list("").map_err(failed)?;
        let (lease_files, found) = LeaseFiles::open(&*storage, &names).map_err(failed)?;
        let (cursor_file, cursor) = CursorFile::open(&*storage, &names).map_err(failed)?;
        let (reserve, reserve_epoch, notices) = Reserve::open(&*storage, &names).map_err(failed)?;
        let (scanned, unreadable) = read_segments(&*storage, &names);
        let (lease, mut cursors) =
            lease_of(found, &scanned, &notices, reserve_epoch, &cursor.unwrap_or_default(), fresh);
        let mut recovered = Recovered { epoch: lease.epoch, leases: lease.leases, ..Recovered::default() };
        let mut lanes: [Segments; 4] = std::array::from_fn(|index| Segments::new(LANES[index], budgets[index]));
        for (lane, number) in unreadable {
            lanes[lane].after(number);
        }
        let mut contexts = HashMap::new();
        for file in scanned {
            place(file, &lease, &mut recovered, &mut lanes, &mut contexts);
        }
        let counting = |(lane, kept): (usize, Kept)| Some((lane, kept.less(lease.shift(&reserve_epoch, lane)?)?));
        let notices: Vec<(usize, Kept)> = notices.into_iter().filter_map(counting).collect();
        for (lane, kept) in &notices {
            recovered.lanes[*lane].gaps.push((kept.notice.clone(), kept.settled));
        }
        let every = |(lane, found): (usize, &RecoveredLane)| -> Vec<(usize, Kept)> {
            let kept =
                |(notice, settled): &(GapNotice, bool)| (lane, Kept { notice: notice.clone(), settled: *settled });
            found.gaps.iter().map(kept).collect()
        };
        let notices: Vec<(usize, Kept)> = recovered.lanes.iter().enumerate().flat_map(every).collect();
        for (index, lane) in recovered.lanes.iter_mut().enumerate() {
            // Numbers that were used cannot be given out again, whatever the lease says.
            let used = lane.frames.iter().map(|frame| frame.first.saturating_add(u64::from(frame.count))).max();
            recovered.leases.lanes[index] = recovered.leases.lanes[index].max(used.unwrap_or(1));
            cursors[index].through = cursors[index].through.min(recovered.leases.lanes[index] - 1);
            lane.cursor = cursors[index];
        }
        let last_context = contexts.keys().max().map_or(0, |id| id.saturating_add(1));
        recovered.leases.contexts = recovered.leases.contexts.max(last_context);
        recovered.contexts = contexts.into_iter().collect();
        let condition = Condition::default();
        condition.quarantined_bytes.store(quarantine::bytes(&*storage), Ordering::Relaxed);
        condition.abandoned_epochs.store(lease.abandoned.into(), Ordering::Relaxed);
        condition.disk_bytes.store(lanes.iter().map(Segments::bytes).sum(), Ordering::Relaxed);
        let lease = Lease { leases: recovered.leases, ..lease };
        let buffer = Vec::new();
        let condition = Arc::new(condition);
        let mut spool = Self { storage, condition, lease, lease_files, cursors, cursor_file, reserve, lanes, buffer };
        // Both copies, the hint and the reserve as they should be, so that the next damage meets no older one.
        let lease = spool.lease.clone();
        spool.lease_files.write(&lease).map_err(failed)?;
        spool.cursor_file.write(&lease.epoch, &spool.cursors).map_err(failed)?;
        spool.cursor_file.sync().map_err(failed)?;
        spool.reserve.begin(&lease.epoch, &notices).map_err(failed)?;
        spool.storage.sync_folder().map_err(failed)?;
        for index in 0..LANES.len() {
            while let Some((number, _)) = spool.lanes[index].oldest_unneeded() {
                spool.unneeded(index, number);
                if spool.lanes[index].get(number).is_some() {
                    break;
                }
            }
        }
        Ok((spool, recovered))
    }
}

/// Reads every segment that can be read; gives the numbers of those that cannot, by lane. They stay as they are: what is wrong
/// with them may pass.
fn read_segments(storage: &dyn SpoolStorage, names: &[String]) -> (Vec<Scanned>, Vec<(usize, u64)>) {
    let (mut scanned, mut unreadable) = (Vec::new(), Vec::new());
    for name in names {
        let lane = LANES.iter().enumerate().find_map(|(index, lane)| Some((index, number_of(name, *lane)?)));
        let Some((lane, number)) = lane else { continue };
        let read = storage.open(name).and_then(|file| Ok((read_all(&*file, LARGEST_FILE)?, file)));
        let (bytes, file) = match read {
            Ok(read) => read,
            Err(error) => {
                tracing::error!(target: "gladhand::telemetry", name, %error, "a segment of the spool cannot be read; its records are declared lost");
                unreadable.push((lane, number));
                continue;
            }
        };
        let found = scan(&bytes);
        for (from, to) in &found.damaged {
            tracing::error!(target: "gladhand::telemetry", name, from, to, "damaged bytes in the spool; they are kept in quarantine");
            quarantine::keep(storage, name, *from, &bytes[*from..*to]);
        }
        let (size, end) = (bytes.len() as u64, found.end as u64);
        let clean = end >= HEAD && found.damaged.last().is_none_or(|(_, to)| *to <= found.end);
        if !clean {
            // What follows is not free.
            let _ = file.cut(end);
        }
        let bytes = if clean { size } else { end };
        scanned.push(Scanned {
            lane,
            number,
            name: name.clone(),
            file,
            bytes,
            end,
            open: clean && end < size,
            seen: found.seen,
        });
    }
    scanned.sort_by_key(|file| (file.lane, file.number));
    (scanned, unreadable)
}

/// The lease that counts, and the cursors in its epoch.
fn lease_of(
    found: Found,
    scanned: &[Scanned],
    notices: &[(usize, Kept)],
    reserve_epoch: Epoch,
    known: &Known,
    fresh: Epoch,
) -> (Lease, [Cursor; 4]) {
    let newest = scanned.iter().filter_map(|file| file.seen.iter().rfind(|seen| seen.whole)).map(|seen| seen.header);
    let lost = newest.max_by_key(|header| header.admitted_unix_ms).map(|header| header.epoch);
    let start = Leases { lanes: [1; 4], events: 1, contexts: 1 };
    let lease = match found {
        Found::Lease(lease) => lease,
        Found::None if lost.is_none() => Lease { epoch: fresh, leases: start, ..Lease::default() },
        Found::None | Found::Damaged => abandon(lost, scanned, notices, reserve_epoch, known, fresh, start),
    };
    let cursors = std::array::from_fn(|lane| match lease.shift(&known.0, lane) {
        Some(0) if known.0 == lease.epoch => known.1[lane],
        Some(shift) => Cursor { through: known.1[lane].through.saturating_sub(shift), ..Cursor::default() },
        None => Cursor::default(),
    });
    (lease, cursors)
}

/// Nothing says any more what was used of the epoch: it is given up, and what can be read goes on in a new one.
fn abandon(
    lost: Option<Epoch>,
    scanned: &[Scanned],
    notices: &[(usize, Kept)],
    reserve_epoch: Epoch,
    (cursor_epoch, cursors): &Known,
    fresh: Epoch,
    start: Leases,
) -> Lease {
    let mut lease = Lease { epoch: lost.unwrap_or(fresh), leases: start, abandoned: 1, ..Lease::default() };
    let (mut ends, mut shifts) = ([1; 4], [u64::MAX; 4]);
    for file in scanned {
        for header in file.seen.iter().map(|seen| seen.header).filter(|header| Some(header.epoch) == lost) {
            let last = header.first.saturating_add(u64::from(header.count)).saturating_sub(1);
            let settled = *cursor_epoch == header.epoch && last <= cursors[file.lane].through;
            if !settled {
                shifts[file.lane] = shifts[file.lane].min(header.first.saturating_sub(1));
            }
            ends[file.lane] = ends[file.lane].max(last.saturating_add(1));
            lease.leases.events = lease.leases.events.max(header.events.1.saturating_add(1));
        }
    }
    for (lane, kept) in notices.iter().filter(|_| Some(reserve_epoch) == lost) {
        let GapNotice { first_sequence, last_sequence, .. } = kept.notice;
        if *cursor_epoch != reserve_epoch || last_sequence > cursors[*lane].through {
            shifts[*lane] = shifts[*lane].min(first_sequence.saturating_sub(1));
        }
        ends[*lane] = ends[*lane].max(last_sequence.saturating_add(1));
    }
    for (end, shift) in ends.iter_mut().zip(&mut shifts) {
        *shift = (*shift).min(*end - 1);
        *end -= *shift;
    }
    tracing::error!(
        target: "gladhand::telemetry",
        epoch = lost.map(hex::encode), last_durable = ?ends,
        "both leases of the spool are lost: its epoch is abandoned, and how much of it was lost is unknown"
    );
    let leases = Leases { lanes: ends, ..lease.leases };
    match lost {
        Some(_) => lease.adopt(fresh, shifts, leases),
        None => lease.leases = leases,
    }
    lease
}

/// Puts a file's entries where they belong, and the file among its lane's segments.
fn place(
    file: Scanned,
    lease: &Lease,
    recovered: &mut Recovered,
    lanes: &mut [Segments; 4],
    contexts: &mut HashMap<u32, Arc<Context>>,
) {
    let lane: Lane = LANES[file.lane];
    let found = &mut recovered.lanes[file.lane];
    let (mut live, mut newest_unix_ms) = (0, 0);
    for Seen { header, offset, whole, contexts: about } in file.seen {
        let shift = lease.shift(&header.epoch, file.lane).filter(|shift| header.lane == lane && header.first > *shift);
        let (Some(shift), true) = (shift, header.count > 0) else { continue };
        let first = header.first - shift;
        if !whole {
            found.gaps.push((damaged(lane, first, &header), false));
            continue;
        }
        live += 1;
        newest_unix_ms = newest_unix_ms.max(header.admitted_unix_ms);
        let place = Place { segment: file.number, offset: offset as u32, bytes: header.entry_bytes() as u32 };
        found.frames.push(frame(&header, first, &about, place, lease));
        for (id, context) in about {
            contexts.entry(id).or_insert_with(|| Arc::new(context));
        }
        recovered.leases.events = recovered.leases.events.max(header.events.1.saturating_add(1));
    }
    // A damaged entry that was written anew elsewhere is not lost.
    let frames = &found.frames;
    found.gaps.retain(|(gap, _)| !frames.iter().any(|frame| frame.first == gap.first_sequence));
    let segment = Segment { file: file.file, name: file.name, bytes: file.bytes, end: file.end, live, newest_unix_ms };
    lanes[file.lane].found(file.number, segment, file.open);
}

/// A whole entry as the frame that it is in the present epoch, whose first sequence is this.
pub(super) fn frame(
    header: &Header,
    first: u64,
    contexts: &[(u32, Context)],
    place: Place,
    lease: &Lease,
) -> RecoveredFrame {
    RecoveredFrame {
        first,
        count: header.count,
        checksum: (header.epoch == lease.epoch).then_some(header.checksum),
        events: header.events,
        admitted_unix_ms: header.admitted_unix_ms,
        context_ids: contexts.iter().map(|(id, _)| *id).collect(),
        payload_bytes: header.payload_bytes,
        place,
    }
}

fn damaged(lane: Lane, first: u64, header: &Header) -> GapNotice {
    GapNotice {
        lane: lane as i32,
        first_sequence: first,
        last_sequence: first.saturating_add(u64::from(header.count)) - 1,
        reason: DropReason::SpoolCorrupt as i32,
        min_event_sequence: header.events.0,
        max_event_sequence: header.events.1,
        load_ids: Vec::new(),
        payload_bytes: header.payload_bytes.into(),
    }
}
