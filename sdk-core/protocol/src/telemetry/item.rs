//! What waits in a lane: frames, and losses to declare.

use gladhand_documents::telemetry::Lane;
use gladhand_documents::telemetry::wire::{DropReason, GapNotice};

use super::backlog::Place;

/// What a frame in memory costs beside its payload.
const FRAME_COST: usize = 128;
/// Loads that a gap names.
const GAP_LOADS: usize = 16;

/// Where the payload is.
#[derive(Debug)]
pub(super) enum Body {
    Memory(Vec<u8>),
    Stored(Place),
}

#[derive(Debug)]
pub(super) struct FrameItem {
    pub(super) first: u64,
    pub(super) count: u32,
    /// Nothing once it was renumbered: then it is computed when it is sent.
    pub(super) checksum: Option<u32>,
    pub(super) context_ids: Box<[u32]>,
    /// By the monotonic clock; negative for what an earlier process admitted.
    pub(super) admitted_ms: i64,
    pub(super) events: (u64, u64),
    pub(super) payload_bytes: u32,
    pub(super) body: Body,
}

impl FrameItem {
    pub(super) fn last(&self) -> u64 {
        self.first + u64::from(self.count) - 1
    }

    /// What it takes of the lane's budget.
    pub(super) fn cost(&self) -> usize {
        match &self.body {
            Body::Memory(payload) => payload.len() + FRAME_COST,
            Body::Stored(place) => place.bytes as usize,
        }
    }

    pub(super) fn place(&self) -> Option<Place> {
        match self.body {
            Body::Memory(_) => None,
            Body::Stored(place) => Some(place),
        }
    }
}

#[derive(Debug)]
pub(super) struct GapItem {
    pub(super) notice: GapNotice,
    /// It cannot turn out to have arrived after all.
    pub(super) settled: bool,
    /// The backlog has it.
    pub(super) declared: bool,
}

impl GapItem {
    pub(super) fn new(notice: GapNotice) -> Self {
        Self { notice, settled: false, declared: false }
    }

    pub(super) fn count(&self) -> u64 {
        self.notice.last_sequence - self.notice.first_sequence + 1
    }
}

#[derive(Debug)]
pub(super) enum Item {
    Frame(FrameItem),
    /// A declared loss.
    Gap(GapItem),
}

impl Item {
    pub(super) fn first(&self) -> u64 {
        match self {
            Self::Frame(frame) => frame.first,
            Self::Gap(gap) => gap.notice.first_sequence,
        }
    }

    pub(super) fn last(&self) -> u64 {
        match self {
            Self::Frame(frame) => frame.last(),
            Self::Gap(gap) => gap.notice.last_sequence,
        }
    }
}

/// A loss that nothing more is known of.
pub(super) fn gap(lane: Lane, first: u64, last: u64, reason: DropReason) -> GapNotice {
    GapNotice {
        lane: lane as i32,
        first_sequence: first,
        last_sequence: last,
        reason: reason as i32,
        ..GapNotice::default()
    }
}

/// Adds what is known of lost records to a notice. An event sequence of 0 is unknown.
pub(super) fn describe(
    notice: &mut GapNotice,
    events: (u64, u64),
    bytes: u64,
    loads: impl IntoIterator<Item = String>,
) {
    if events.0 != 0 {
        notice.min_event_sequence = match notice.min_event_sequence {
            0 => events.0,
            known => known.min(events.0),
        };
    }
    notice.max_event_sequence = notice.max_event_sequence.max(events.1);
    notice.payload_bytes += bytes;
    for load in loads {
        if notice.load_ids.len() < GAP_LOADS && !load.is_empty() && !notice.load_ids.contains(&load) {
            notice.load_ids.push(load);
        }
    }
}

/// Two neighbours as one, of the first one's reason.
pub(super) fn joined(a: &GapNotice, b: &GapNotice) -> GapNotice {
    let mut joined = a.clone();
    joined.last_sequence = b.last_sequence;
    let events = (b.min_event_sequence, b.max_event_sequence);
    describe(&mut joined, events, b.payload_bytes, b.load_ids.iter().cloned());
    joined
}
