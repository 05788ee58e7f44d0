//! One lane's queue: records become frames, frames wait for their acknowledgement, and what had to go is declared
//! (`drops`). Knows where payloads lie, and leaves reading and writing them to the sender.

use std::collections::VecDeque;

use gladhand_documents::error::Result;
use gladhand_documents::telemetry::batch::Encoder;
use gladhand_documents::telemetry::frame::{Epoch, checksum};
use gladhand_documents::telemetry::wire::{DropReason, GapNotice, LaneState};
use gladhand_documents::telemetry::{Lane, Record};

use super::backlog::{Cursor, Place, REASONS};
use super::counts::Conservation;
use super::item::{Body, FrameItem, GapItem, Item, describe, gap};

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
    pub(super) dropped: [u64; REASONS],
    /// Of these, what the collector acknowledged as lost.
    settled: [u64; REASONS],
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
            dropped: [0; REASONS],
            settled: [0; REASONS],
        }
    }

    /// A lane whose items, in order and without a hole, an earlier process left.
    pub(super) fn resumed(lane: Lane, items: VecDeque<Item>, next_sequence: u64, cursor: &Cursor) -> Self {
        let mut queue =
            Self { items, next_sequence, dropped: cursor.dropped, settled: cursor.dropped, ..Self::new(lane) };
        for item in &queue.items {
            match item {
                Item::Frame(frame) => queue.held_bytes += frame.cost(),
                Item::Gap(gap) => queue.dropped[reason_of(&gap.notice)] += gap.count(),
            }
        }
        queue.produced = next_sequence - 1;
        queue.acknowledged = cursor.through - cursor.dropped.iter().sum::<u64>().min(cursor.through);
        // What the earlier process sent is unknown; everything may have been.
        queue.highest_sent = next_sequence - 1;
        queue.sent_through = queue.released_through();
        queue
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
            Item::Gap(_) => 0,
        });
        Conservation {
            produced: self.produced,
            acknowledged: self.acknowledged,
            dropped: self.dropped.iter().sum(),
            pending: waiting.sum::<u64>() + self.open.records.len() as u64,
        }
    }

    /// Records dropped, by reason.
    pub(super) fn dropped(&self) -> &[u64; REASONS] {
        &self.dropped
    }

    /// What is settled.
    pub(super) fn cursor(&self) -> Cursor {
        Cursor { through: self.released_through(), dropped: self.settled }
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

    /// Declares a record lost that never got in. Gives its sequence. Nothing may be open.
    pub(super) fn refuse(&mut self, record: &Record, reason: DropReason) -> u64 {
        let sequence = self.number();
        self.dropped[reason as usize] += 1;
        let event = record.event_sequence;
        let mut notice = gap(self.lane, sequence, sequence, reason);
        describe(&mut notice, (event, event), Self::cost(record) as u64, [record.context.load_id.clone()]);
        self.insert_gap(self.items.len(), GapItem::new(notice));
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

    /// Makes a frame of the open records; [`LaneQueue::push`] puts it into the queue once it is known where it lies. The
    /// checksum is computed here, once. The payload stays in the encoder until its next batch.
    pub(super) fn seal<'a>(
        &mut self,
        epoch: &Epoch,
        encoder: &'a mut Encoder,
    ) -> Result<Option<(FrameItem, &'a [u8])>> {
        if self.open.records.is_empty() {
            return Ok(None);
        }
        let first = self.open_first();
        let open = &mut self.open;
        let payload = encoder.encode(&open.records, &open.context_ids)?;
        let count = open.records.len() as u32;
        open.context_ids.sort_unstable();
        open.context_ids.dedup();
        let events = open.records.iter().map(|r| r.event_sequence);
        let frame = FrameItem {
            first,
            count,
            checksum: Some(checksum(epoch, self.lane, first, count, payload)),
            context_ids: open.context_ids.as_slice().into(),
            admitted_ms: open.since_ms as i64,
            events: (events.clone().min().unwrap_or(0), events.max().unwrap_or(0)),
            payload_bytes: payload.len() as u32,
            body: Body::Memory(Vec::new()),
        };
        self.held_bytes -= std::mem::take(&mut open.bytes);
        open.records.clear();
        open.context_ids.clear();
        Ok(Some((frame, payload)))
    }

    pub(super) fn push(&mut self, frame: FrameItem) {
        self.held_bytes += frame.cost();
        self.items.push_back(Item::Frame(frame));
    }

    /// Everything through here arrived or was declared. Gives what need not be kept any more.
    pub(super) fn acknowledge(&mut self, through: u64) -> Vec<Place> {
        let mut places = Vec::new();
        while self.items.front().is_some_and(|item| item.last() <= through) {
            match self.items.pop_front() {
                Some(Item::Frame(frame)) => {
                    self.acknowledged += u64::from(frame.count);
                    self.held_bytes -= frame.cost();
                    places.extend(frame.place());
                }
                // Dropped after it had arrived, and before we could say so: it was not lost after all.
                Some(Item::Gap(gap)) if !gap.settled => {
                    self.dropped[reason_of(&gap.notice)] -= gap.count();
                    self.acknowledged += gap.count();
                }
                Some(Item::Gap(gap)) => self.settled[reason_of(&gap.notice)] += gap.count(),
                None => {}
            }
        }
        if let Some(Item::Gap(gap)) = self.items.front_mut()
            && !gap.settled
            && gap.notice.first_sequence <= through
        {
            let count = through + 1 - gap.notice.first_sequence;
            gap.notice.first_sequence = through + 1;
            self.dropped[reason_of(&gap.notice)] -= count;
            self.acknowledged += count;
        }
        places
    }

    /// When the oldest record that waits was admitted.
    pub(super) fn oldest_ms(&self) -> Option<i64> {
        let frame = self.items.iter().find_map(|item| match item {
            Item::Frame(frame) => Some(frame.admitted_ms),
            Item::Gap(_) => None,
        });
        frame.or(self.open_since_ms().map(|ms| ms as i64))
    }

    /// Numbers everything that waits from 1, for a new epoch, in which nothing was counted yet. What an item's number was
    /// less, is the shift.
    pub(super) fn renumber(&mut self, shift: u64) {
        self.next_sequence -= shift;
        self.produced = self.next_sequence - 1;
        self.acknowledged = 0;
        self.dropped = [0; REASONS];
        self.settled = [0; REASONS];
        self.highest_sent = self.highest_sent.saturating_sub(shift);
        self.sent_through = 0;
        for item in &mut self.items {
            match item {
                Item::Frame(frame) => {
                    frame.first -= shift;
                    frame.checksum = None;
                }
                Item::Gap(gap) => {
                    gap.notice.first_sequence -= shift;
                    gap.notice.last_sequence -= shift;
                    self.dropped[reason_of(&gap.notice)] += gap.count();
                }
            }
        }
    }

    /// Leaves what a lost backlog holds behind: only frames in memory that were never sent stay, numbered from 1.
    pub(super) fn leave_behind(&mut self) {
        let mut next = 1;
        let sent = self.highest_sent;
        self.items.retain(|item| matches!(item, Item::Frame(f) if f.place().is_none() && f.first > sent));
        self.held_bytes = self.open.bytes;
        for item in &mut self.items {
            let Item::Frame(frame) = item else { continue };
            frame.first = next;
            frame.checksum = None;
            next = frame.last() + 1;
            self.held_bytes += frame.cost();
        }
        self.next_sequence = next + self.open.records.len() as u64;
        self.highest_sent = 0;
        self.renumber(0);
    }
}

/// The index of a notice's reason.
pub(super) fn reason_of(notice: &GapNotice) -> usize {
    usize::try_from(notice.reason).ok().filter(|reason| *reason < REASONS).unwrap_or(0)
}
