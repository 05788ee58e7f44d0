//! One lane and one stream as they are right now: credit, what is under way, what was announced.

use std::collections::{HashSet, VecDeque};

use gladhand_documents::telemetry::wire::{Durability, Frame};
use gladhand_documents::telemetry::{Codec, Lane};

use super::policy::MAX_PAYLOAD;
use super::replay::Answer;
use super::window::{Mark, Window};

/// The two streams of a gateway, each on a connection of its own, so that nothing stands between a fault and the cloud.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// The safety lane.
    Safety,
    /// The other three lanes.
    Others,
}

impl Stream {
    /// Both.
    pub const BOTH: [Self; 2] = [Self::Safety, Self::Others];

    /// The stream that carries a lane.
    pub fn of(lane: Lane) -> Self {
        if lane == Lane::Safety { Self::Safety } else { Self::Others }
    }

    /// Indices of its lanes in [`super::LANES`], most urgent first.
    pub(super) fn lanes(self) -> std::ops::Range<usize> {
        match self {
            Self::Safety => 0..1,
            Self::Others => 1..4,
        }
    }
}

/// A frame on its way.
#[derive(Debug)]
pub(super) struct UnderWay {
    pub(super) last: u64,
    pub(super) bytes: u64,
    pub(super) mark: Mark,
}

/// One lane on the present stream.
#[derive(Debug, Default)]
pub(super) struct Flow {
    pub(super) sent_bytes: u64,
    pub(super) credit_bytes: u64,
    pub(super) under_way: VecDeque<UnderWay>,
    /// The next frame, read and compressed, while it waits for credit.
    pub(super) prepared: Option<Frame>,
    /// What the collector asked for once more.
    pub(super) replay: Option<Answer>,
    blocked_since_ms: Option<u64>,
    blocked_total_ms: u64,
}

impl Flow {
    /// A new stream: nothing is under way, and there is no credit yet.
    pub(super) fn reset(&mut self) {
        *self = Self { blocked_total_ms: self.blocked_total_ms, ..Self::default() };
    }

    pub(super) fn blocked(&mut self, now_ms: u64) {
        self.blocked_since_ms.get_or_insert(now_ms);
    }

    pub(super) fn unblocked(&mut self, now_ms: u64) {
        if let Some(since) = self.blocked_since_ms.take() {
            self.blocked_total_ms += now_ms.saturating_sub(since);
        }
    }

    /// How long it has waited for credit, milliseconds.
    pub(super) fn blocked_ms(&self, now_ms: u64) -> u64 {
        self.blocked_total_ms + self.blocked_since_ms.map_or(0, |since| now_ms.saturating_sub(since))
    }
}

/// One stream.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) announced: HashSet<u32>,
    pub(super) codec: Codec,
    pub(super) max_payload: usize,
    /// The smallest durability that lets a record go.
    pub(super) durability: Durability,
    /// Refusals since the last acknowledgement.
    pub(super) refusals: u32,
    pub(super) window: Window,
}

impl Default for Link {
    fn default() -> Self {
        Self {
            announced: HashSet::new(),
            codec: Codec::Raw,
            max_payload: MAX_PAYLOAD,
            durability: Durability::Memory,
            refusals: 0,
            window: Window::default(),
        }
    }
}

impl Link {
    /// A new stream has no contexts, and nothing is under way on it.
    pub(super) fn reset(&mut self) {
        self.announced.clear();
        self.window = Window::default();
    }
}
