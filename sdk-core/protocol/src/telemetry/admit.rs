//! Records in: admission, room, frames, declared losses.

use std::collections::HashSet;

use gladhand_documents::error::{Code, Error, Result};
use gladhand_documents::telemetry::batch::Encoder;
use gladhand_documents::telemetry::wire::{DropReason, StreamContext};
use gladhand_documents::telemetry::{Lane, Record};

use super::backlog::{NotKept, Now, Place, Sealed};
use super::counts::Admission;
use super::drops::Dropped;
use super::item::{Body, FrameItem, Item};
use super::lane::LaneQueue;
use super::policy::{DropPolicy, LANES, MAX_PAYLOAD};
use super::sender::{Sender, index};

/// How many segments are given up for one frame at most. Where that makes no room, the disk is another's.
const GIVES: u32 = 8;

/// The room that a record may need. Errors: as [`Sender::admit`].
pub(super) fn fitting(record: &Record) -> Result<usize> {
    record.validate()?;
    match LaneQueue::cost(record) {
        cost if cost <= MAX_PAYLOAD => Ok(cost),
        cost => {
            let problem =
                format!("a record may take {MAX_PAYLOAD} bytes, not {cost}; report fewer sensors or faults in it");
            Err(Error::new(Code::RecordTooLarge, problem))
        }
    }
}

impl Sender {
    /// Takes a record into a lane. What has to go for it, or it itself, is declared to the collector.
    ///
    /// Errors: `schema_invalid` as [`Record::validate`]; `record_too_large` for one that no frame can carry. Such a record
    /// is not counted as produced.
    pub fn admit(&mut self, lane: Lane, mut record: Record, now: Now) -> Result<Admission> {
        let index = index(lane)?;
        let cost = fitting(&record)?;
        if record.event_sequence == 0 {
            record.event_sequence = self.last_event.saturating_add(1);
        }
        let event_sequence = record.event_sequence;
        self.lease(index, event_sequence);
        let context_id = self.contexts.id(&record.context)?;
        self.last_event = self.last_event.max(event_sequence);
        let refusal = self.make_room(index, cost, now)?;
        let policy = *self.policies.of(lane);
        let queue = &self.lanes[index];
        let full = queue.open_bytes() + cost > MAX_PAYLOAD || queue.open_records() >= policy.frame_records.max(1);
        if full || refusal.is_some() {
            // Sequences are contiguous, so what is open goes before a gap.
            self.seal_lane(index, now)?;
        }
        let queue = &mut self.lanes[index];
        let sequence = if let Some(reason) = refusal {
            queue.refuse(&record, reason)
        } else {
            self.attention |= queue.open_records() == 0;
            queue.take(record, context_id, now.ms)
        };
        let mut durable = false;
        if queue.open_records() > 0 && (policy.linger_ms == 0 || queue.open_records() >= policy.frame_records) {
            durable = self.seal_lane(index, now)? && policy.sync_each;
        }
        self.forget_contexts();
        Ok(Admission { lane, sequence, event_sequence, accepted: refusal.is_none(), durable })
    }

    /// Makes room for `cost` bytes in a lane, or says why the record itself must go.
    fn make_room(&mut self, index: usize, cost: usize, now: Now) -> Result<Option<DropReason>> {
        let policy = *self.policies.of(LANES[index]);
        let held = self.lanes[index].held_bytes;
        if let DropPolicy::Sample(one_in) = policy.drop
            && held > policy.budget_bytes / 2
        {
            self.sampled += 1;
            if !self.sampled.is_multiple_of(u64::from(one_in.max(1))) {
                return Ok(Some(DropReason::SampledOut));
            }
        }
        // What safety has of the other lanes' bytes they do not have as well.
        let total = self.policies.total_bytes();
        let crowded = LANES[index] != Lane::Safety && self.held() + cost > total;
        if held + cost <= policy.budget_bytes && !crowded {
            return Ok(None);
        }
        if LANES[index] == Lane::Safety {
            // Safety drops nothing while another lane has bytes to give.
            for other in (1..LANES.len()).rev() {
                self.seal_lane(other, now)?;
                while self.held() + cost > total && self.drop_oldest(other, DropReason::SpoolFull) > 0 {}
            }
            if self.held() + cost <= total {
                return Ok(None);
            }
        }
        if policy.drop == DropPolicy::Newest {
            return Ok(Some(DropReason::SpoolFull));
        }
        let mut freed = 0;
        self.seal_lane(index, now)?;
        while freed < cost {
            match self.drop_oldest(index, DropReason::SpoolFull) {
                // All that is left is under way.
                0 => return Ok(Some(DropReason::SpoolFull)),
                bytes => freed += bytes,
            }
        }
        Ok(None)
    }

    fn held(&self) -> usize {
        self.lanes.iter().map(|lane| lane.held_bytes).sum()
    }

    /// Drops the oldest of a lane. Gives the bytes that this frees.
    fn drop_oldest(&mut self, index: usize, reason: DropReason) -> usize {
        let dropped = self.lanes[index].drop_oldest(reason, &self.contexts);
        self.went(index, dropped)
    }

    /// What went from a queue is declared, and only then goes from the backlog. Gives the bytes that this frees.
    pub(super) fn went(&mut self, index: usize, dropped: Option<Dropped>) -> usize {
        let Some(dropped) = dropped else { return 0 };
        self.declare(index, dropped.first, !dropped.places.is_empty());
        self.release(LANES[index], dropped.places);
        dropped.bytes
    }

    /// Writes the loss down that covers a sequence.
    pub(super) fn declare(&mut self, index: usize, sequence: u64, durably: bool) {
        // Each turn makes one gap of two.
        for _ in 0..10_000 {
            let (Some(backlog), queue) = (&mut self.backlog, &mut self.lanes[index]) else { return };
            let at = queue.items.partition_point(|item| item.last() < sequence);
            let Some(Item::Gap(gap)) = queue.items.get_mut(at) else { return };
            match backlog.declare(&gap.notice, gap.settled, durably) {
                Ok(()) => gap.declared = true,
                Err(NotKept::Failed(why)) => self.trouble = Some(why),
                Err(NotKept::Full) if self.merge_gaps() => continue,
                Err(NotKept::Full) => {}
            }
            return;
        }
    }

    /// Makes the reserve's notices fewer: one gap of two, at the cost of what lies between. Safety gives last.
    fn merge_gaps(&mut self) -> bool {
        for index in (0..LANES.len()).rev() {
            let Some(merged) = self.lanes[index].merge_gaps(&self.contexts) else { continue };
            let at = self.lanes[index].items.partition_point(|item| item.last() < merged.first);
            if let (Some(backlog), Some(Item::Gap(gap))) = (&mut self.backlog, self.lanes[index].items.get_mut(at)) {
                gap.declared = backlog.declare(&gap.notice, gap.settled, !merged.places.is_empty()).is_ok();
            }
            self.release(LANES[index], merged.places);
            return true;
        }
        false
    }

    /// Writes down what was not yet: the gaps at the end of a lane, which have stopped growing.
    pub(super) fn declare_last(&mut self, index: usize) {
        let undeclared = |item: &&Item| matches!(item, Item::Gap(gap) if !gap.declared);
        let last: Vec<u64> = self.lanes[index].items.iter().rev().take_while(undeclared).map(Item::last).collect();
        for sequence in last {
            self.declare(index, sequence, false);
        }
    }

    /// Writes every gap down that was not yet.
    pub(super) fn declare_all(&mut self, index: usize) {
        let undeclared = |item: &&Item| matches!(item, Item::Gap(gap) if !gap.declared);
        let all: Vec<u64> = self.lanes[index].items.iter().filter(undeclared).map(Item::last).collect();
        for sequence in all {
            self.declare(index, sequence, false);
        }
    }

    pub(super) fn release(&mut self, lane: Lane, places: impl IntoIterator<Item = Place>) {
        if let Some(backlog) = &mut self.backlog {
            places.into_iter().for_each(|place| backlog.release(lane, place));
        }
    }

    pub(super) fn settle(&mut self, index: usize) {
        if let Some(backlog) = &mut self.backlog {
            backlog.settle(LANES[index], &self.lanes[index].cursor());
        }
    }

    /// Makes a frame of a lane's open records. Whether the backlog has it, or there was none to make.
    pub(super) fn seal_lane(&mut self, index: usize, now: Now) -> Result<bool> {
        self.declare_last(index);
        // Lent out while the payload that lies in it is kept.
        let mut encoder = std::mem::take(&mut self.encoder);
        let sealed = self.seal_with(index, &mut encoder, now);
        self.encoder = encoder;
        sealed
    }

    fn seal_with(&mut self, index: usize, encoder: &mut Encoder, now: Now) -> Result<bool> {
        let Some((mut frame, payload)) = self.lanes[index].seal(&self.epoch, encoder)? else { return Ok(true) };
        frame.body = self.keep(index, &frame, payload, now);
        let kept = frame.place().is_some();
        self.lanes[index].push(frame);
        self.attention = true;
        Ok(kept)
    }

    /// Puts a frame into the backlog, or leaves it in memory if it does not take it.
    fn keep(&mut self, index: usize, frame: &FrameItem, payload: &[u8], now: Now) -> Body {
        let lane = LANES[index];
        let contexts: Vec<StreamContext> = match self.backlog {
            Some(_) => frame.context_ids.iter().filter_map(|id| self.contexts.message(*id)).collect(),
            None => return Body::Memory(payload.to_vec()),
        };
        let waited = (now.ms as i64 - frame.admitted_ms).max(0) as u64;
        let sealed = Sealed {
            lane,
            first: frame.first,
            count: frame.count,
            checksum: frame.checksum.unwrap_or_default(),
            events: frame.events,
            admitted_unix_ms: now.unix_ms.saturating_sub(waited),
            contexts: &contexts,
            payload,
        };
        for attempt in 0.. {
            let Some(backlog) = &mut self.backlog else { break };
            match backlog.append(&sealed, self.policies.of(lane).sync_each) {
                Ok(place) => {
                    self.trouble = None;
                    return Body::Stored(place);
                }
                Err(NotKept::Full) if attempt < GIVES && self.free_disk(index) => {}
                Err(NotKept::Full) => {
                    let problem = format!("the spool has no room for {}; it goes on in memory", lane.as_str_name());
                    self.trouble = Some(Error::new(Code::JournalUnwritable, problem));
                    break;
                }
                Err(NotKept::Failed(why)) => {
                    self.trouble = Some(why);
                    break;
                }
            }
        }
        Body::Memory(payload.to_vec())
    }

    /// Gives up the oldest segment that is worth less than a new frame of a lane. Safety has those of the other lanes, and
    /// rather goes on in memory than drop its own; the other lanes drop by their policy.
    fn free_disk(&mut self, index: usize) -> bool {
        if LANES[index] == Lane::Safety {
            return (1..LANES.len()).rev().any(|other| self.drop_oldest(other, DropReason::SpoolFull) > 0);
        }
        self.policies.of(LANES[index]).drop != DropPolicy::Newest && self.drop_oldest(index, DropReason::SpoolFull) > 0
    }

    fn forget_contexts(&mut self) {
        if !self.contexts.crowded() {
            return;
        }
        let mut used: HashSet<u32> = HashSet::new();
        for lane in &self.lanes {
            used.extend(lane.open_contexts());
            for item in &lane.items {
                if let Item::Frame(frame) = item {
                    used.extend(&frame.context_ids);
                }
            }
        }
        self.contexts.keep(&used);
    }

    /// Makes frames of what has waited long enough and drops what is too old. Gives the milliseconds until it wants to be
    /// called again, if anything waits.
    ///
    /// Errors: none that a validated record can cause.
    pub fn poll(&mut self, now: Now) -> Result<Option<u64>> {
        self.attention = false;
        let mut next: Option<u64> = None;
        for (index, lane) in LANES.into_iter().enumerate() {
            let policy = *self.policies.of(lane);
            if let Some(age) = policy.max_age_ms {
                // One run of frames after the other: losses may lie between.
                while let Some(expired) = self.lanes[index].expire(now.ms as i64 - age as i64, &self.contexts) {
                    self.went(index, Some(expired));
                }
            }
            match self.lanes[index].open_since_ms().map(|since| since.saturating_add(policy.linger_ms)) {
                Some(due) if due <= now.ms => {
                    self.seal_lane(index, now)?;
                }
                Some(due) => next = Some(next.unwrap_or(u64::MAX).min(due - now.ms)),
                None => self.declare_last(index),
            }
        }
        self.attention = false;
        Ok(next)
    }

    /// Whether [`Sender::poll`] should be called sooner than it asked to be.
    pub fn wants_poll(&self) -> bool {
        self.attention
    }

    /// Makes frames of everything that waits for company.
    ///
    /// Errors: none that a validated record can cause.
    pub fn seal(&mut self, now: Now) -> Result<()> {
        (0..LANES.len()).try_for_each(|index| self.seal_lane(index, now).map(|_| ()))
    }
}
