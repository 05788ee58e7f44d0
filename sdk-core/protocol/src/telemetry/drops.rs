//! What goes from a lane's queue: by age, for room, refused for good; and the gaps that it leaves.

use gladhand_documents::telemetry::wire::{DropReason, GapNotice};

use super::backlog::Place;
use super::contexts::Contexts;
use super::item::{GapItem, Item, describe, gap, joined};
use super::lane::{LaneQueue, reason_of};

/// What went from a queue.
#[derive(Debug, Default)]
pub(super) struct Dropped {
    /// The first sequence that went.
    pub(super) first: u64,
    /// Bytes of the budget that this frees.
    pub(super) bytes: usize,
    pub(super) places: Vec<Place>,
}

impl LaneQueue {
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
    pub(super) fn insert_gap(&mut self, at: usize, gap: GapItem) {
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
}
