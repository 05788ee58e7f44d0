//! What arrived in one lane of one epoch. Sequences are contiguous, so one number says how far.
//!
//! Frames never change once made; a frame below the watermark is compared with what is remembered of it: the same checksum
//! is a duplicate, another one is someone reusing sequences.

use std::collections::VecDeque;

use gladhand_documents::telemetry::wire::{DropReason, GapNotice, LaneState};

use super::entry::{Known, LaneImage, LaneKey};

/// Frames remembered per lane, to tell duplicates from reuse.
const FRAMES: usize = 4096;
/// Ranges of arrived sequences and declared gaps remembered per lane, for who wants to check.
const RANGES: usize = 4096;

/// A declared loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The first sequence lost.
    pub first: u64,
    /// The last one.
    pub last: u64,
    /// Why.
    pub reason: DropReason,
}

/// What became of a frame or a gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    New,
    Duplicate,
    OutOfOrder,
    Reused,
}

/// One lane.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct LaneLedger {
    pub(super) through: u64,
    /// Sequences up to here may have been delivered by an earlier life of the collector.
    pub(super) possible_duplicate_through: u64,
    /// The files were damaged: how much may have been delivered is for the next Hello to say.
    pub(super) doubtful: bool,
    pub(super) records: u64,
    pub(super) declared_lost: u64,
    pub(super) duplicates: u64,
    pub(super) flagged: u64,
    frames: VecDeque<Known>,
    pub(super) arrived: VecDeque<(u64, u64)>,
    pub(super) gaps: VecDeque<Gap>,
}

impl LaneLedger {
    /// Takes over what Hello says; gives whether this lane's state was lost.
    ///
    /// Released sequences were acknowledged by someone, and sent ones may have been: if that was an earlier life of the
    /// collector, followers may have seen them.
    pub(super) fn open(&mut self, hello: &LaneState, unheard: bool) -> bool {
        let released = hello.oldest_available_sequence.saturating_sub(1);
        let lost = self.through < released || (unheard && hello.highest_sent_sequence > 0);
        self.through = self.through.max(released);
        if lost || std::mem::take(&mut self.doubtful) {
            let sent = hello.highest_sent_sequence;
            self.possible_duplicate_through = self.possible_duplicate_through.max(sent);
        }
        lost
    }

    /// Judges a frame and, if it is new, books it.
    pub(super) fn frame(&mut self, known: Known) -> Outcome {
        let Known { first, count, .. } = known;
        let last = first + u64::from(count) - 1;
        if last <= self.through {
            if !self.agrees(known) {
                return Outcome::Reused;
            }
            self.duplicates += u64::from(count);
            return Outcome::Duplicate;
        }
        if first <= self.through {
            return Outcome::Reused;
        }
        if first > self.through + 1 {
            return Outcome::OutOfOrder;
        }
        self.through = last;
        self.records += u64::from(count);
        self.flagged += (self.possible_duplicate_through + 1).saturating_sub(first).min(u64::from(count));
        push(&mut self.frames, known, FRAMES);
        match self.arrived.back_mut() {
            Some((_, end)) if *end + 1 == first => *end = last,
            _ => push(&mut self.arrived, (first, last), RANGES),
        }
        Outcome::New
    }

    /// Whether nothing that is remembered of these sequences was another frame.
    pub(super) fn agrees(&self, known: Known) -> bool {
        let (first, end) = (known.first, known.first + u64::from(known.count));
        let overlaps = |k: &&Known| k.first < end && k.first + u64::from(k.count) > first;
        self.frames.iter().filter(overlaps).all(|k| *k == known)
    }

    /// What a declared loss adds, if it is new.
    pub(super) fn lost_by(&self, gap: &GapNotice) -> Gap {
        Gap { first: self.through + 1, last: gap.last_sequence, reason: gap.reason() }
    }

    /// Judges a declared loss and, if it is new, books it.
    pub(super) fn gap(&mut self, first: u64, last: u64, reason: DropReason) -> Outcome {
        if last <= self.through {
            return Outcome::Duplicate;
        }
        if first > self.through + 1 {
            return Outcome::OutOfOrder;
        }
        let first = self.through + 1;
        self.declared_lost += last - self.through;
        self.through = last;
        match self.gaps.back_mut() {
            Some(gap) if gap.last + 1 == first && gap.reason == reason => gap.last = last,
            _ => push(&mut self.gaps, Gap { first, last, reason }, RANGES),
        }
        Outcome::New
    }

    pub(super) fn image(&self, key: LaneKey) -> LaneImage {
        LaneImage {
            key,
            through: self.through,
            possible_duplicate_through: self.possible_duplicate_through,
            declared_lost: self.declared_lost,
            duplicates: self.duplicates,
            flagged: self.flagged,
            records: self.records,
            frames: self.frames.iter().copied().collect(),
            arrived: self.arrived.iter().flat_map(|(first, last)| [*first, *last]).collect(),
            gaps: self.gaps.iter().flat_map(|gap| [gap.first, gap.last, gap.reason as i32 as u64]).collect(),
            doubtful: self.doubtful,
        }
    }

    pub(super) fn of_image(image: LaneImage) -> Self {
        let reason = |number: u64| DropReason::try_from(number as i32).unwrap_or_default();
        let gap = |g: &[u64; 3]| Gap { first: g[0], last: g[1], reason: reason(g[2]) };
        Self {
            through: image.through,
            possible_duplicate_through: image.possible_duplicate_through,
            doubtful: image.doubtful,
            records: image.records,
            declared_lost: image.declared_lost,
            duplicates: image.duplicates,
            flagged: image.flagged,
            frames: image.frames.into(),
            arrived: image.arrived.as_chunks::<2>().0.iter().map(|range| (range[0], range[1])).collect(),
            gaps: image.gaps.as_chunks::<3>().0.iter().map(gap).collect(),
        }
    }
}

/// Adds to a bounded memory.
fn push<T>(to: &mut VecDeque<T>, what: T, limit: usize) {
    if to.len() == limit {
        to.pop_front();
    }
    to.push_back(what);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_the_whole_lane() {
        let mut lane = LaneLedger::default();
        let sent = LaneState { oldest_available_sequence: 1, highest_sent_sequence: 5, ..LaneState::default() };
        assert!(lane.open(&sent, true));
        assert_eq!(lane.frame(Known { first: 1, count: 3, checksum: 7 }), Outcome::New);
        assert_eq!(lane.gap(4, 10, DropReason::Expired), Outcome::New);
        assert_eq!(lane.gap(9, 12, DropReason::Expired), Outcome::New);
        assert_eq!(lane.gap(13, 13, DropReason::TailUnknown), Outcome::New);
        assert_eq!(lane.frame(Known { first: 14, count: 1, checksum: 8 }), Outcome::New);
        assert_eq!(lane.frame(Known { first: 1, count: 3, checksum: 7 }), Outcome::Duplicate);
        assert_eq!(lane.frame(Known { first: 1, count: 3, checksum: 8 }), Outcome::Reused);
        assert_eq!((lane.flagged, lane.records, lane.declared_lost, lane.duplicates), (3, 4, 10, 3));
        assert_eq!(lane.arrived, [(1, 3), (14, 14)]);
        let gap = |first, last, reason| Gap { first, last, reason };
        assert_eq!(lane.gaps, [gap(4, 12, DropReason::Expired), gap(13, 13, DropReason::TailUnknown)]);
        assert_eq!(LaneLedger::of_image(lane.image(LaneKey::default())), lane);
    }
}
