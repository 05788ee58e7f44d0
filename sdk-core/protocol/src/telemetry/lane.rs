//! One lane's queue: records become frames, frames wait for their acknowledgement, and what had to go is declared. Knows
//! where payloads lie, and leaves reading and writing them to the sender.

use std::collections::VecDeque;

use gladhand_documents::error::Result;
use gladhand_documents::telemetry::frame::{Epoch, checksum};
use gladhand_documents::telemetry::wire::{DropReason, GapNotice, LaneState};
use gladhand_documents::telemetry::{Lane, Record, batch};

use super::backlog::{Cursor, Place, REASONS};
use super::contexts::Contexts;
use super::counts::Conservation;
use super::item::{Body, FrameItem, GapItem, Item, describe, gap, joined};

/// Records that wait for company, and the number of each one's context.
#[derive(Debug, Default)]
struct Open {
    records: Vec<Record>,
    context_ids: Vec<u32>,
    /// An upper bound of the payload.
    bytes: usize,
    since_ms: u64,
}

/// What went from a queue.
#[derive(Debug, Default)]
pub(super) struct Dropped {
    /// The first sequence that went.
    pub(super) first: u64,
    /// Bytes of the budget that this frees.
    pub(super) bytes: usize,
    pub(super) places: Vec<Place>,
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
    dropped: [u64; REASONS],
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
    /// checksum is computed here, once.
    pub(super) fn seal(&mut self, epoch: &Epoch) -> Result<Option<(FrameItem, Vec<u8>)>> {
        if self.open.records.is_empty() {
            return Ok(None);
        }
        let first = self.open_first();
        let payload = batch::to_bytes(&self.open.records, &self.open.context_ids)?;
        let open = std::mem::take(&mut self.open);
        self.held_bytes -= open.bytes;
        let count = open.records.len() as u32;
        let mut context_ids = open.context_ids;
        context_ids.sort_unstable();
        context_ids.dedup();
        let events = open.records.iter().map(|r| r.event_sequence);
        let frame = FrameItem {
            first,
            count,
            checksum: Some(checksum(epoch, self.lane, first, count, &payload)),
            context_ids: context_ids.into(),
            admitted_ms: open.since_ms as i64,
            events: (events.clone().min().unwrap_or(0), events.max().unwrap_or(0)),
            payload_bytes: payload.len() as u32,
            body: Body::Memory(Vec::new()),
        };
        Ok(Some((frame, payload)))
    }

    pub(super) fn push(&mut self, frame: FrameItem) {
        self.held_bytes += frame.cost();
        self.items.push_back(Item::Frame(frame));
    }

    /// Drops the oldest frame that is not under way on this stream, and with it what lies in the same segment after it: a
    /// disk gives back whole segments.
    pub(super) fn drop_oldest(&mut self, reason: DropReason, contexts: &Contexts) -> Option<Dropped> {
        let at = self.items.iter().position(|item| matches!(item, Item::Frame(f) if f.first > self.sent_through))?;
        let Item::Frame(oldest) = &self.items[at] else { return None };
        let segment = oldest.place().map(|place| place.segment);
        let alike = |item: &&Item| matches!(item, Item::Frame(f) if f.place().map(|place| place.segment) == segment);
        let many = if segment.is_some() { self.items.iter().skip(at).take_while(alike).count() } else { 1 };
        Some(self.drop_run(at, many, reason, contexts))
    }

    /// Drops frames older than `oldest_ms` that are not under way.
    pub(super) fn expire(&mut self, oldest_ms: i64, contexts: &Contexts) -> Option<Dropped> {
        let at = self.items.iter().position(|item| matches!(item, Item::Frame(f) if f.first > self.sent_through))?;
        let old = |item: &&Item| matches!(item, Item::Frame(f) if f.admitted_ms < oldest_ms);
        let many = self.items.iter().skip(at).take_while(old).count();
        (many > 0).then(|| self.drop_run(at, many, DropReason::Expired, contexts))
    }

    /// Declares the frame lost that begins at `first`.
    pub(super) fn drop_frame(&mut self, first: u64, reason: DropReason, contexts: &Contexts) -> Option<Dropped> {
        let at = self.items.partition_point(|item| item.first() < first);
        let found = matches!(self.items.get(at), Some(Item::Frame(f)) if f.first == first);
        found.then(|| self.drop_run(at, 1, reason, contexts))
    }

    /// Replaces frames by one gap.
    fn drop_run(&mut self, at: usize, many: usize, reason: DropReason, contexts: &Contexts) -> Dropped {
        let first = self.items[at].first();
        let mut notice = gap(self.lane, first, self.items[at + many - 1].last(), reason);
        let mut dropped = Dropped { first, ..Dropped::default() };
        for item in self.items.drain(at..at + many) {
            let Item::Frame(frame) = item else { continue };
            dropped.bytes += frame.cost();
            dropped.places.extend(frame.place());
            self.dropped[reason as usize] += u64::from(frame.count);
            describe(&mut notice, frame.events, u64::from(frame.payload_bytes), contexts.loads(&frame.context_ids));
        }
        self.held_bytes -= dropped.bytes;
        // What the collector refused stays refused, whatever it acknowledges later.
        let settled = reason == DropReason::RejectedByServer;
        self.insert_gap(at, GapItem { settled, ..GapItem::new(notice) });
        dropped
    }

    /// Makes one gap of the two oldest that were not sent, and of everything between them.
    pub(super) fn merge_gaps(&mut self, contexts: &Contexts) -> Option<Dropped> {
        let unsent =
            |item: &Item| matches!(item, Item::Gap(g) if !g.settled && g.notice.first_sequence > self.sent_through);
        let from = self.items.iter().position(unsent)?;
        let to = from + 1 + self.items.iter().skip(from + 1).position(unsent)?;
        let mut dropped = Dropped { first: self.items[from].first(), ..Dropped::default() };
        let reason = DropReason::SpoolFull;
        let mut whole = gap(self.lane, dropped.first, self.items[to].last(), reason);
        for item in self.items.drain(from..=to) {
            match item {
                Item::Gap(gap) => {
                    self.dropped[reason_of(&gap.notice)] -= gap.count();
                    self.dropped[reason as usize] += gap.count();
                    whole = joined(&whole, &GapNotice { last_sequence: whole.last_sequence, ..gap.notice });
                }
                Item::Frame(frame) => {
                    dropped.bytes += frame.cost();
                    dropped.places.extend(frame.place());
                    self.dropped[reason as usize] += u64::from(frame.count);
                    describe(
                        &mut whole,
                        frame.events,
                        u64::from(frame.payload_bytes),
                        contexts.loads(&frame.context_ids),
                    );
                }
            }
        }
        self.held_bytes -= dropped.bytes;
        self.items.insert(from, Item::Gap(GapItem::new(whole)));
        Some(dropped)
    }

    /// Puts a gap at its place, joined with a neighbour of the same reason if neither was sent.
    fn insert_gap(&mut self, at: usize, gap: GapItem) {
        self.items.insert(at, Item::Gap(gap));
        for right in [at + 1, at] {
            let Some(left) = right.checked_sub(1) else { continue };
            let (Some(Item::Gap(a)), Some(Item::Gap(b))) = (self.items.get(left), self.items.get(right)) else {
                continue;
            };
            // A notice that is under way on this stream must not grow, and neither may what follows it.
            let sent = a.settled || b.settled || a.notice.first_sequence <= self.sent_through;
            if sent || a.notice.reason != b.notice.reason {
                continue;
            }
            self.items[left] = Item::Gap(GapItem::new(joined(&a.notice, &b.notice)));
            self.items.remove(right);
        }
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
                    // It stays a loss, whatever the collector says of the new numbers.
                    gap.settled = true;
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
