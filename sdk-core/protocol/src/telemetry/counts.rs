//! What became of records.

use gladhand_documents::telemetry::Lane;

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
    /// It survives a power cut already. Others will within the lane's linger and one sync, if there is a spool.
    pub durable: bool,
}

/// Every record of the present epoch is somewhere: `produced == acknowledged + dropped + pending`, always. The four are
/// counted independently.
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
