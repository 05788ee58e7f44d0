//! One lane's backlog: records become frames, frames wait for their acknowledgement, and what had to go is declared.

use std::collections::VecDeque;

use gladhand_documents::error::Result;
use gladhand_documents::telemetry::frame::{Epoch, checksum};
use gladhand_documents::telemetry::wire::{DropReason, GapNotice, LaneState};
use gladhand_documents::telemetry::{Lane, Record, batch};

/// The largest payload of a frame. A collector that takes less says so, and larger frames are then declared lost.
pub(super) const MAX_PAYLOAD: usize = 64 * 1024;
/// What a frame costs beside its payload.
const FRAME_COST: usize = 128;
/// Loads that a gap names.
const GAP_LOADS: usize = 64;

/// What became of a published record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Admission {
    /// The lane.
    pub lane: Lane,
    /// Its number in the lane, from 1.
    pub sequence: u64,
    /// The producer's number of the record: its identity, with the epoch.
    pub event_sequence: u64,
    /// `false` if it had to go at once; the loss is declared to the collector.
    pub accepted: bool,
}

/// Every record is somewhere: `produced == acknowledged + dropped + pending`, always. The four are counted independently.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Conservation {
    /// Records published.
    pub produced: u64,
    /// Records that the collector acknowledged.
    pub acknowledged: u64,
    /// Records that were dropped, each declared.
    pub dropped: u64,
    /// Records that wait.
    pub pending: u64,
}

impl Conservation {
    /// 0 unless something was lost silently. Alert on anything else.
    pub fn difference(&self) -> i64 {
        self.produced as i64 - (self.acknowledged + self.dropped + self.pending) as i64
    }
}

#[derive(Debug)]
pub(super) struct FrameItem {
    pub(super) first: u64,
    pub(super) count: u32,
    pub(super) checksum: u32,
    pub(super) payload: Vec<u8>,
    pub(super) context_ids: Vec<u32>,
    admitted_ms: u64,
    events: (u64, u64),
    loads: Vec<String>,
}

#[derive(Debug)]
pub(super) enum Item {
    Frame(FrameItem),
    /// A declared loss; settled once it cannot turn out to have arrived after all.
    Gap {
        notice: GapNotice,
        settled: bool,
    },
}

impl Item {
    pub(super) fn first(&self) -> u64 {
        match self {
            Self::Frame(frame) => frame.first,
            Self::Gap { notice, .. } => notice.first_sequence,
        }
    }

    pub(super) fn last(&self) -> u64 {
        match self {
            Self::Frame(frame) => frame.first + u64::from(frame.count) - 1,
            Self::Gap { notice, .. } => notice.last_sequence,
        }
    }
}

/// Records that wait for company, and the number of each one's context.
#[derive(Debug, Default)]
struct Open {
    records: Vec<Record>,
    context_ids: Vec<u32>,
    /// An upper bound of the payload.
    bytes: usize,
    since_ms: u64,
}

#[derive(Debug)]
pub(super) struct LaneQueue {
    pub(super) lane: Lane,
    pub(super) items: VecDeque<Item>,
    next_sequence: u64,
    open: Open,
    pub(super) held_bytes: usize,
    pub(super) highest_sent: u64,
    /// Sent on this stream through here.
    pub(super) sent_through: u64,
    produced: u64,
    acknowledged: u64,
    pub(super) dropped: u64,
}

impl LaneQueue {
    pub(super) fn new(lane: Lane) -> Self {
        Self {
            lane,
            items: VecDeque::new(),
            next_sequence: 1,
            open: Open::default(),
            held_bytes: 0,
            highest_sent: 0,
            sent_through: 0,
            produced: 0,
            acknowledged: 0,
            dropped: 0,
        }
    }

    pub(super) fn next_sequence(&self) -> u64 {
        self.next_sequence
    }

    /// The sequence before everything that waits.
    pub(super) fn released_through(&self) -> u64 {
        self.items.front().map_or(self.open_first(), Item::first) - 1
    }

    fn open_first(&self) -> u64 {
        self.next_sequence - self.open.records.len() as u64
    }

    pub(super) fn hello(&self) -> LaneState {
        LaneState {
            lane: self.lane as i32,
            oldest_available_sequence: self.released_through() + 1,
            next_sequence: self.next_sequence,
            highest_sent_sequence: self.highest_sent,
        }
    }

    pub(super) fn conservation(&self) -> Conservation {
        let waiting = self.items.iter().map(|item| match item {
            Item::Frame(frame) => u64::from(frame.count),
            Item::Gap { .. } => 0,
        });
        Conservation {
            produced: self.produced,
            acknowledged: self.acknowledged,
            dropped: self.dropped,
            pending: waiting.sum::<u64>() + self.open.records.len() as u64,
        }
    }

    /// An upper bound of what a record adds to a payload.
    pub(super) fn cost(record: &Record) -> usize {
        // Every fixed column at its longest, sensors that come and go, faults with their codes.
        let faults: usize = record.faults.iter().map(|fault| 48 + fault.vendor_code.len()).sum();
        160 + 24 * record.context.sensors.len() + faults
    }

    /// Takes a record into the open frame. Gives its sequence.
    pub(super) fn take(&mut self, record: Record, context_id: u32, now_ms: u64) -> u64 {
        let cost = Self::cost(&record);
        if self.open.records.is_empty() {
            self.open.since_ms = now_ms;
        }
        self.open.records.push(record);
        self.open.context_ids.push(context_id);
        self.open.bytes += cost;
        self.held_bytes += cost;
        self.number()
    }

    /// Declares a record lost that never got in. Gives its sequence.
    pub(super) fn refuse(&mut self, record: &Record, reason: DropReason) -> u64 {
        let sequence = self.number();
        self.dropped += 1;
        let event = record.event_sequence;
        let loads = vec![record.context.load_id.clone()];
        let at = self.items.len();
        let bytes = Self::cost(record) as u64;
        self.insert_gap(at, gap(self.lane, sequence, sequence, reason, (event, event), &loads, bytes), false);
        sequence
    }

    fn number(&mut self) -> u64 {
        self.produced += 1;
        self.next_sequence += 1;
        self.next_sequence - 1
    }

    pub(super) fn open_records(&self) -> usize {
        self.open.records.len()
    }

    pub(super) fn open_bytes(&self) -> usize {
        self.open.bytes
    }

    pub(super) fn open_contexts(&self) -> &[u32] {
        &self.open.context_ids
    }

    /// When the open frame began, if there is one.
    pub(super) fn open_since_ms(&self) -> Option<u64> {
        (!self.open.records.is_empty()).then_some(self.open.since_ms)
    }

    /// Makes a frame of the open records. Its checksum is computed here, once.
    pub(super) fn seal(&mut self, epoch: &Epoch) -> Result<()> {
        if self.open.records.is_empty() {
            return Ok(());
        }
        let first = self.open_first();
        let open = std::mem::take(&mut self.open);
        self.held_bytes -= open.bytes;
        let payload = batch::to_bytes(&open.records, &open.context_ids)?;
        let count = open.records.len() as u32;
        let mut context_ids = open.context_ids;
        context_ids.sort_unstable();
        context_ids.dedup();
        let events = open.records.iter().map(|r| r.event_sequence);
        let mut loads: Vec<String> = open.records.iter().map(|r| r.context.load_id.clone()).collect();
        loads.sort_unstable();
        loads.dedup();
        self.held_bytes += payload.len() + FRAME_COST;
        self.items.push_back(Item::Frame(FrameItem {
            first,
            count,
            checksum: checksum(epoch, self.lane, first, count, &payload),
            payload,
            context_ids,
            admitted_ms: open.since_ms,
            events: (events.clone().min().unwrap_or(0), events.max().unwrap_or(0)),
            loads,
        }));
        Ok(())
    }

    /// Drops the oldest frame that is not under way on this stream. Gives the bytes that this frees.
    pub(super) fn drop_oldest(&mut self, reason: DropReason) -> Option<usize> {
        let at = self.items.iter().position(|item| matches!(item, Item::Frame(f) if f.first > self.sent_through))?;
        self.drop_at(at, reason)
    }

    /// Drops frames older than `oldest_ms` that are not under way.
    pub(super) fn expire(&mut self, oldest_ms: u64) {
        while let Some(at) = self
            .items
            .iter()
            .position(|item| matches!(item, Item::Frame(f) if f.first > self.sent_through && f.admitted_ms < oldest_ms))
        {
            self.drop_at(at, DropReason::Expired);
        }
    }

    /// Declares the frame lost that begins at `first`.
    pub(super) fn drop_frame(&mut self, first: u64, reason: DropReason) -> Option<usize> {
        let at = self.items.iter().position(|item| matches!(item, Item::Frame(f) if f.first == first))?;
        self.drop_at(at, reason)
    }

    fn drop_at(&mut self, at: usize, reason: DropReason) -> Option<usize> {
        let item = self.items.remove(at)?;
        let Item::Frame(frame) = item else {
            self.items.insert(at, item);
            return None;
        };
        let freed = frame.payload.len() + FRAME_COST;
        self.held_bytes -= freed;
        self.dropped += u64::from(frame.count);
        let last = frame.first + u64::from(frame.count) - 1;
        let bytes = frame.payload.len() as u64;
        // What the collector refused stays refused, whatever it acknowledges later.
        let settled = reason == DropReason::RejectedByServer;
        self.insert_gap(at, gap(self.lane, frame.first, last, reason, frame.events, &frame.loads, bytes), settled);
        Some(freed)
    }

    /// Puts a gap at its place, joined with a neighbour of the same reason if neither was sent.
    fn insert_gap(&mut self, at: usize, notice: GapNotice, settled: bool) {
        self.items.insert(at, Item::Gap { notice, settled });
        for right in [at + 1, at] {
            let Some(left) = right.checked_sub(1) else { continue };
            let (Some(Item::Gap { notice: a, settled: false }), Some(Item::Gap { notice: b, settled: false })) =
                (self.items.get(left), self.items.get(right))
            else {
                continue;
            };
            // A notice that is under way on this stream must not grow, and neither may what follows it.
            if a.reason != b.reason || a.first_sequence <= self.sent_through {
                continue;
            }
            let mut joined = a.clone();
            joined.last_sequence = b.last_sequence;
            joined.min_event_sequence = a.min_event_sequence.min(b.min_event_sequence);
            joined.max_event_sequence = a.max_event_sequence.max(b.max_event_sequence);
            joined.payload_bytes += b.payload_bytes;
            let new: Vec<String> = b.load_ids.iter().filter(|load| !a.load_ids.contains(load)).cloned().collect();
            joined.load_ids.extend(new);
            joined.load_ids.truncate(GAP_LOADS);
            self.items[left] = Item::Gap { notice: joined, settled: false };
            self.items.remove(right);
        }
    }

    /// Everything through here arrived or was declared.
    pub(super) fn acknowledge(&mut self, through: u64) {
        while self.items.front().is_some_and(|item| item.last() <= through) {
            match self.items.pop_front() {
                Some(Item::Frame(frame)) => {
                    self.acknowledged += u64::from(frame.count);
                    self.held_bytes -= frame.payload.len() + FRAME_COST;
                }
                // Dropped after it had arrived, and before we could say so: it was not lost after all.
                Some(Item::Gap { notice, settled: false }) => {
                    let count = notice.last_sequence - notice.first_sequence + 1;
                    self.dropped -= count;
                    self.acknowledged += count;
                }
                Some(Item::Gap { .. }) | None => {}
            }
        }
        if let Some(Item::Gap { notice, settled: false }) = self.items.front_mut()
            && notice.first_sequence <= through
        {
            let count = through + 1 - notice.first_sequence;
            notice.first_sequence = through + 1;
            self.dropped -= count;
            self.acknowledged += count;
        }
    }

    /// When the oldest record that waits was admitted.
    pub(super) fn oldest_ms(&self) -> Option<u64> {
        let frame = self.items.iter().find_map(|item| match item {
            Item::Frame(frame) => Some(frame.admitted_ms),
            Item::Gap { .. } => None,
        });
        frame.or(self.open_since_ms())
    }

    /// Numbers everything that waits from 1, for a new epoch.
    pub(super) fn renumber(&mut self, epoch: &Epoch) {
        let mut next = 1;
        let mut highest_sent = 0;
        for item in &mut self.items {
            let count = item.last() - item.first() + 1;
            if item.last() <= self.highest_sent {
                highest_sent = next + count - 1;
            }
            match item {
                Item::Frame(frame) => {
                    frame.first = next;
                    frame.checksum = checksum(epoch, self.lane, next, frame.count, &frame.payload);
                }
                Item::Gap { notice, settled } => {
                    notice.first_sequence = next;
                    notice.last_sequence = next + count - 1;
                    // It stays a loss, whatever the collector says of the new numbers.
                    *settled = true;
                }
            }
            next += count;
        }
        self.next_sequence = next + self.open.records.len() as u64;
        self.highest_sent = highest_sent;
        self.sent_through = 0;
    }
}

fn gap(
    lane: Lane,
    first_sequence: u64,
    last_sequence: u64,
    reason: DropReason,
    (min_event_sequence, max_event_sequence): (u64, u64),
    loads: &[String],
    payload_bytes: u64,
) -> GapNotice {
    GapNotice {
        lane: lane as i32,
        first_sequence,
        last_sequence,
        reason: reason as i32,
        min_event_sequence,
        max_event_sequence,
        load_ids: loads.iter().filter(|load| !load.is_empty()).take(GAP_LOADS).cloned().collect(),
        payload_bytes,
    }
}
