//! Many records at once.

use gladhand_documents::error::Result;
use gladhand_documents::telemetry::{Lane, Record};

use super::admit::fitting;
use super::backlog::Now;
use super::lane::LaneQueue;
use super::sender::Sender;

/// What became of records that were published together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Published {
    /// How many of them were taken.
    pub accepted: u64,
    /// How many records, of these or older ones, had to go meanwhile; each is declared to the collector.
    pub dropped: u64,
    /// The event sequence of the first; 0 if there was none.
    pub first_event_sequence: u64,
    /// The event sequence of the last; 0 if there was none.
    pub last_event_sequence: u64,
}

impl Sender {
    /// Takes records in their order, each into the lane that `lane` says: all of them or, if one is broken, none.
    ///
    /// Errors: as [`Sender::admit`].
    pub fn admit_all(&mut self, records: Vec<Record>, lane: impl Fn(&Record) -> Lane, now: Now) -> Result<Published> {
        for record in &records {
            fitting(record)?;
            self.contexts.id(&record.context)?;
        }
        let dropped = |sender: &Self| sender.lanes.iter().flat_map(LaneQueue::dropped).sum::<u64>();
        let before = dropped(self);
        let mut published = Published::default();
        for (place, record) in records.into_iter().enumerate() {
            let admission = self.admit(lane(&record), record, now)?;
            if place == 0 {
                published.first_event_sequence = admission.event_sequence;
            }
            published.last_event_sequence = admission.event_sequence;
            published.accepted += u64::from(admission.accepted);
        }
        published.dropped = dropped(self) - before;
        Ok(published)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use gladhand_documents::error::Code;
    use gladhand_documents::telemetry::{AutonomyMode, Context, SensorHealth};

    use super::*;
    use crate::telemetry::{DropPolicy, LanePolicy, Policies};

    fn records(count: usize) -> Vec<Record> {
        let context = Arc::new(Context { vehicle_id: "v".into(), ..Context::default() });
        vec![Record { context, ..Record::default() }; count]
    }

    fn lane(record: &Record) -> Lane {
        if record.is_safety() { Lane::Safety } else { Lane::Routine }
    }

    fn sender(drop: DropPolicy) -> Sender {
        let policies = Policies::default();
        let routine = LanePolicy { budget_bytes: 4096, drop, frame_records: 10, ..policies.routine };
        Sender::new("p", [1; 16], Policies { routine, ..policies })
    }

    #[test]
    fn what_had_to_go_is_counted_whoever_it_was() {
        for drop in [DropPolicy::Oldest, DropPolicy::Newest] {
            let mut sender = sender(drop);
            let (mut dropped, mut accepted) = (0, 0);
            for call in 0..40u64 {
                let published = sender.admit_all(records(50), lane, Now { ms: call, unix_ms: call }).expect("admitted");
                assert_eq!(
                    (published.first_event_sequence, published.last_event_sequence),
                    (call * 50 + 1, call * 50 + 50)
                );
                dropped += published.dropped;
                accepted += published.accepted;
                let counts = sender.conservation();
                assert_eq!((counts.produced, counts.dropped, counts.difference()), (call * 50 + 50, dropped, 0));
            }
            assert!(dropped > 0, "the budget is small");
            let refused = if drop == DropPolicy::Newest { dropped } else { 0 };
            assert_eq!(accepted + refused, 2000);
        }
    }

    #[test]
    fn all_or_none() {
        let mut sender = sender(DropPolicy::Oldest);
        let mut records = records(3);
        records[2].sensor_health = vec![SensorHealth::default()];
        assert_eq!(
            sender.admit_all(records, lane, Now::default()).expect_err("no such sensor").code(),
            Code::SchemaInvalid
        );
        assert_eq!(sender.conservation().produced, 0);
        assert_eq!(sender.admit_all(Vec::new(), lane, Now::default()).expect("nothing"), Published::default());
    }

    #[test]
    fn each_record_takes_its_lane() {
        let mut sender = sender(DropPolicy::Oldest);
        let mut records = records(3);
        records[1].autonomy_mode = AutonomyMode::MINIMAL_RISK_MANEUVER;
        sender.admit_all(records, lane, Now::default()).expect("admitted");
        assert_eq!(sender.conservation_of(Lane::Safety).produced, 1);
        assert_eq!(sender.conservation_of(Lane::Routine).produced, 2);
    }
}
