//! What waits for a follower that is slower than its trucks: the newest record of each load, and how many were left out.

use std::collections::{HashMap, VecDeque};

use gladhand_documents::telemetry::wire::FollowUpdate;

/// An update and when it arrived.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// The update. Its `skipped` counts what the collector left out and what was left out here.
    pub update: FollowUpdate,
    /// When it arrived here, Unix nanoseconds by our clock.
    pub arrived_unix_nanos: u64,
}

/// Updates in the order of arrival while the follower keeps up, the newest per load when it does not.
#[derive(Debug)]
pub struct Latest {
    capacity: usize,
    /// Where older ones are left out next: at `capacity`, or with many loads at two of each, so that it is seldom done.
    limit: usize,
    waiting: VecDeque<Seen>,
}

impl Latest {
    /// Room for `capacity` updates, or two of each load, before the older ones of each load are left out.
    pub fn new(capacity: usize) -> Self {
        Self { capacity, limit: capacity, waiting: VecDeque::new() }
    }

    /// An update arrived.
    pub fn push(&mut self, seen: Seen) {
        self.waiting.push_back(seen);
        if self.waiting.len() > self.limit {
            self.conflate();
            self.limit = self.capacity.max(2 * self.waiting.len());
        }
    }

    /// The next update.
    pub fn pop(&mut self) -> Option<Seen> {
        self.waiting.pop_front()
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    fn conflate(&mut self) {
        let mut places: HashMap<String, usize> = HashMap::new();
        let mut kept: Vec<Seen> = Vec::new();
        for mut seen in self.waiting.drain(..) {
            let load = seen.update.record.as_ref().and_then(|r| r.correlation.as_ref()).map(|c| c.load_id.clone());
            let load = load.unwrap_or_default();
            if let Some(&place) = places.get(&load) {
                seen.update.skipped += kept[place].update.skipped + 1;
                kept[place] = seen;
            } else {
                places.insert(load, kept.len());
                kept.push(seen);
            }
        }
        self.waiting = kept.into();
    }
}

#[cfg(test)]
mod tests {
    use gladhand_documents::telemetry::wire::{Correlation, TelemetryRecord};

    use super::*;

    fn seen(load_id: &str, number: u64, skipped: u64) -> Seen {
        let correlation = Some(Correlation { load_id: load_id.into(), ..Correlation::default() });
        let record = Some(TelemetryRecord { correlation, event_sequence: number, ..TelemetryRecord::default() });
        let update = FollowUpdate { record, skipped, ..FollowUpdate::default() };
        Seen { update, arrived_unix_nanos: number }
    }

    #[test]
    fn a_slow_follower_gets_the_newest_of_each_load_and_a_count() {
        let mut latest = Latest::new(4);
        for number in 0..9 {
            latest.push(seen("a", number, 1));
            latest.push(seen("b", number, 0));
        }
        let mut totals = [0, 0];
        let mut last = [0, 0];
        while let Some(seen) = latest.pop() {
            let record = seen.update.record.expect("a record");
            let load = usize::from(record.correlation.expect("ids").load_id == "b");
            totals[load] += 1 + seen.update.skipped;
            last[load] = record.event_sequence;
        }
        assert_eq!((totals, last), ([18, 9], [8, 8]));
        assert!(latest.is_empty());
    }

    #[test]
    fn with_many_loads_older_ones_are_left_out_once_in_a_round() {
        let mut latest = Latest::new(4);
        let mut left_out = 0;
        for round in 0..10 {
            for load in 0..100 {
                let before = latest.len();
                latest.push(seen(&load.to_string(), round, 0));
                left_out += usize::from(latest.len() <= before);
                assert!(latest.len() <= 201, "{}", latest.len());
            }
        }
        assert!(left_out <= 20, "{left_out} times");
        let waiting: Vec<Seen> = std::iter::from_fn(|| latest.pop()).collect();
        assert_eq!(waiting.iter().map(|seen| 1 + seen.update.skipped).sum::<u64>(), 1000);
    }
}
