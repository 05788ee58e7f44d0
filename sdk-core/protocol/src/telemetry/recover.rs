//! A lane's queue from what an earlier process left: what is there, what was declared, and what is missing, which is
//! declared now.

use std::collections::VecDeque;

use gladhand_documents::telemetry::Lane;
use gladhand_documents::telemetry::wire::{DropReason, GapNotice};

use super::backlog::{Cursor, Now, Place, RecoveredFrame, RecoveredLane};
use super::item::{Body, FrameItem, GapItem, Item, gap};
use super::lane::LaneQueue;

/// 2020-01-01: what claims to be older was written by a clock that was not set yet.
const CLOCK_UNSET_MS: u64 = 1_577_836_800_000;

/// A lane, and the frames that turned out not to be needed.
pub(super) fn rebuild(lane: Lane, found: RecoveredLane, next_sequence: u64, now: Now) -> (LaneQueue, Vec<Place>) {
    let next_sequence = next_sequence.max(1);
    let through = found.cursor.through.min(next_sequence - 1);
    let gaps = disjoint(found.gaps, through, next_sequence - 1);
    let mut frames = found.frames;
    frames.sort_by_key(|frame| frame.first);
    let mut unneeded = Vec::new();
    let mut items = VecDeque::new();
    let mut next = through + 1;
    let mut gaps = gaps.into_iter().peekable();
    let mut take_gaps = |items: &mut VecDeque<Item>, next: &mut u64, before: u64| {
        while let Some(known) = gaps.next_if(|gap| gap.notice.first_sequence <= before) {
            missing(items, lane, *next, known.notice.first_sequence, DropReason::SpoolCorrupt);
            *next = known.notice.last_sequence + 1;
            items.push_back(Item::Gap(known));
        }
    };
    for frame in frames {
        let last = frame.first.saturating_add(u64::from(frame.count)).saturating_sub(1);
        // What was declared lost stays lost, even if the bytes are still there.
        take_gaps(&mut items, &mut next, last);
        if frame.count == 0 || frame.first < next || last >= next_sequence {
            unneeded.push(frame.place);
            continue;
        }
        missing(&mut items, lane, next, frame.first, DropReason::SpoolCorrupt);
        next = last + 1;
        items.push_back(Item::Frame(item(frame, now)));
    }
    take_gaps(&mut items, &mut next, u64::MAX);
    missing(&mut items, lane, next, next_sequence, DropReason::TailUnknown);
    let cursor = Cursor { through, ..found.cursor };
    (LaneQueue::resumed(lane, items, next_sequence, &cursor), unneeded)
}

/// Declares everything from `from` to before `to`, if there is anything.
fn missing(items: &mut VecDeque<Item>, lane: Lane, from: u64, to: u64, reason: DropReason) {
    if from < to {
        items.push_back(Item::Gap(GapItem::new(gap(lane, from, to - 1, reason))));
    }
}

/// Gaps in order, without what is settled and without overlaps.
fn disjoint(mut gaps: Vec<(GapNotice, bool)>, through: u64, last: u64) -> Vec<GapItem> {
    gaps.sort_by_key(|(gap, _)| (gap.first_sequence, gap.last_sequence));
    let mut next = through + 1;
    let mut kept = Vec::new();
    for (mut notice, settled) in gaps {
        notice.first_sequence = notice.first_sequence.max(next);
        notice.last_sequence = notice.last_sequence.min(last);
        if notice.first_sequence > notice.last_sequence {
            continue;
        }
        next = notice.last_sequence + 1;
        let settled = settled || notice.reason() == DropReason::RejectedByServer;
        kept.push(GapItem { notice, settled, declared: true });
    }
    kept
}

fn item(frame: RecoveredFrame, now: Now) -> FrameItem {
    // A clock that was set back makes nothing younger than it is, and one that was not set yet nothing older.
    let age =
        if frame.admitted_unix_ms < CLOCK_UNSET_MS { 0 } else { now.unix_ms.saturating_sub(frame.admitted_unix_ms) };
    FrameItem {
        first: frame.first,
        count: frame.count,
        checksum: frame.checksum,
        context_ids: frame.context_ids,
        admitted_ms: now.ms as i64 - age as i64,
        events: frame.events,
        payload_bytes: frame.payload_bytes,
        body: Body::Stored(frame.place),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(first: u64, count: u32) -> RecoveredFrame {
        RecoveredFrame {
            first,
            count,
            checksum: None,
            events: (first, first),
            admitted_unix_ms: 0,
            context_ids: Box::default(),
            payload_bytes: 1,
            place: Place { segment: 1, offset: first as u32, bytes: 1 },
        }
    }

    #[test]
    fn what_is_missing_is_declared_and_nothing_twice() {
        let known = |first, last| (gap(Lane::Routine, first, last, DropReason::SpoolFull), false);
        let found = RecoveredLane {
            cursor: Cursor { through: 4, ..Cursor::default() },
            // The one from 3 is settled, the one from 15 was declared, the one from 30 is damaged.
            frames: vec![frame(3, 2), frame(21, 4), frame(15, 3), frame(40, 1), frame(21, 4)],
            gaps: vec![known(11, 20), known(1, 6), known(11, 12)],
        };
        let (queue, unneeded) = rebuild(Lane::Routine, found, 51, Now::default());
        let ranges: Vec<(u64, u64, i32)> = queue
            .items
            .iter()
            .map(|item| (item.first(), item.last(), if let Item::Gap(g) = item { g.notice.reason } else { 0 }))
            .collect();
        let (full, corrupt, tail) = (1, 3, 8);
        assert_eq!(
            ranges,
            [
                (5, 6, full),
                (7, 10, corrupt),
                (11, 12, full),
                (13, 20, full),
                (21, 24, 0),
                (25, 39, corrupt),
                (40, 40, 0),
                (41, 50, tail)
            ]
        );
        assert_eq!(unneeded.iter().map(|place| place.offset).collect::<Vec<_>>(), [3, 15, 21]);
        let counts = queue.conservation();
        assert_eq!((counts.produced, counts.acknowledged, counts.dropped, counts.pending), (50, 4, 41, 5));
        assert_eq!(queue.cursor().through, 4);
    }

    #[test]
    fn age_counts_over_a_restart_and_never_backwards() {
        let now = Now { ms: 10, unix_ms: CLOCK_UNSET_MS + 5000 };
        let at = |admitted_unix_ms| item(RecoveredFrame { admitted_unix_ms, ..frame(1, 1) }, now).admitted_ms;
        assert_eq!(at(CLOCK_UNSET_MS + 1000), 10 - 4000);
        assert_eq!(at(CLOCK_UNSET_MS + 9000), 10, "the clock was set back");
        assert_eq!(at(1000), 10, "the clock was not set yet");
    }
}
