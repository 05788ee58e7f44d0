//! What a lane may hold, and what goes when it is full.

use gladhand_documents::telemetry::Lane;

/// The lanes, most urgent first.
pub const LANES: [Lane; 4] = [Lane::Safety, Lane::Operational, Lane::Routine, Lane::Diagnostic];

/// The largest payload of a frame. A collector that takes less says so, and larger frames are then declared lost.
pub(super) const MAX_PAYLOAD: usize = 64 * 1024;

/// What goes when a lane is full. What goes is always declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DropPolicy {
    /// The oldest: the recent past matters most.
    Oldest,
    /// The newest: how it began matters most.
    Newest,
    /// From half the budget on, one in so many records is kept, so that a long outage is thinned out instead of cut off;
    /// what still does not fit pushes out the oldest.
    Sample(u32),
}

/// The policy of one lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LanePolicy {
    /// How many bytes the lane may hold.
    pub budget_bytes: usize,
    /// What goes when it is full.
    pub drop: DropPolicy,
    /// Records older than this are dropped and declared, milliseconds since admission; nothing for never.
    pub max_age_ms: Option<u64>,
    /// How long a record may wait for others to share its frame, milliseconds; 0 for not at all.
    pub linger_ms: u64,
    /// The most records of a frame.
    pub frame_records: usize,
    /// Whether each frame is synced to disk by itself, before its record counts as taken; otherwise frames are synced
    /// together, soon after they are made. Only a spool has a disk.
    pub sync_each: bool,
}

/// The policies of all lanes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policies {
    /// Faults and what else safety depends on. Takes bytes from the other lanes before it drops any.
    pub safety: LanePolicy,
    /// What a dispatcher acts on.
    pub operational: LanePolicy,
    /// The steady stream of positions.
    pub routine: LanePolicy,
    /// For later analysis.
    pub diagnostic: LanePolicy,
}

impl Policies {
    /// The policy of a lane; that of ROUTINE for an unspecified one.
    pub fn of(&self, lane: Lane) -> &LanePolicy {
        match lane {
            Lane::Safety => &self.safety,
            Lane::Operational => &self.operational,
            Lane::Routine | Lane::Unspecified => &self.routine,
            Lane::Diagnostic => &self.diagnostic,
        }
    }

    /// What all lanes together may hold.
    pub fn total_bytes(&self) -> usize {
        LANES.iter().map(|lane| self.of(*lane).budget_bytes).sum()
    }
}

impl Policies {
    /// The defaults within so many bytes for all lanes together, at least 1 MiB.
    pub fn within(total_bytes: usize) -> Self {
        const SMALLEST: usize = 256 * 1024;
        let total = total_bytes.max(4 * SMALLEST);
        let share = |part: usize| (total / part).max(SMALLEST);
        let (safety, operational, diagnostic) = (share(4), share(8), share(16));
        let routine = LanePolicy {
            budget_bytes: total - safety - operational - diagnostic,
            drop: DropPolicy::Oldest,
            max_age_ms: None,
            linger_ms: 1000,
            frame_records: 100,
            sync_each: false,
        };
        Self {
            safety: LanePolicy { budget_bytes: safety, linger_ms: 0, frame_records: 1, sync_each: true, ..routine },
            operational: LanePolicy { budget_bytes: operational, linger_ms: 100, frame_records: 20, ..routine },
            routine,
            diagnostic: LanePolicy { budget_bytes: diagnostic, drop: DropPolicy::Sample(10), ..routine },
        }
    }
}

impl Default for Policies {
    fn default() -> Self {
        Self::within(16 << 20)
    }
}
