//! What a lane may hold, and what goes when it is full.

use gladhand_documents::telemetry::Lane;

/// The lanes, most urgent first.
pub const LANES: [Lane; 4] = [Lane::Safety, Lane::Operational, Lane::Routine, Lane::Diagnostic];

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
    /// How many bytes may be under way unacknowledged, so that a slow link never stands between a fault and the cloud;
    /// nothing for as much as credit allows.
    pub in_flight_bytes: Option<u64>,
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

impl Default for Policies {
    fn default() -> Self {
        let routine = LanePolicy {
            budget_bytes: 8 << 20,
            drop: DropPolicy::Oldest,
            max_age_ms: None,
            linger_ms: 1000,
            frame_records: 100,
            in_flight_bytes: Some(64 * 1024),
        };
        Self {
            safety: LanePolicy {
                budget_bytes: 4 << 20,
                linger_ms: 0,
                frame_records: 1,
                in_flight_bytes: None,
                ..routine
            },
            operational: LanePolicy { budget_bytes: 2 << 20, linger_ms: 100, frame_records: 20, ..routine },
            routine,
            diagnostic: LanePolicy { budget_bytes: 1 << 20, drop: DropPolicy::Sample(10), ..routine },
        }
    }
}
