//! From the ledger to the followers: the latest record of each load, and who follows it.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, Weak};

use gladhand_documents::telemetry::Record;

use super::queue::Queue;
use super::{LoadAccess, instant};
use crate::random;

/// Loads remembered; beyond it the one that has been quiet longest goes, unless someone follows it.
const LOADS: usize = 4096;
/// Per load, how many records a reconnecting follower can be told to have missed.
const HISTORY: usize = 4096;

/// A record on its way to followers.
#[derive(Clone, Debug)]
pub struct Update {
    /// The record, complete; what the agreement does not cover is taken out when it is sent.
    pub record: Arc<Record>,
    /// When the collector received it, Unix nanoseconds by its clock.
    pub received_unix_nanos: u64,
    /// It may have been delivered by an earlier life of the collector.
    pub possible_duplicate: bool,
    /// `producer/epoch`.
    pub source: Arc<str>,
    /// Records of this load left out before this one.
    pub skipped: u64,
    /// Position in the collector's order of arrival.
    pub number: u64,
}

impl Update {
    pub(super) fn load_id(&self) -> &str {
        &self.record.context.load_id
    }
}

/// One follower.
#[derive(Debug)]
pub(super) struct Follower {
    pub(super) tenant: String,
    pub(super) queue: Queue,
}

#[derive(Debug)]
pub(super) struct Hub {
    life: String,
    state: Mutex<State>,
}

impl Default for Hub {
    fn default() -> Self {
        Self { life: random::hex32(), state: Mutex::default() }
    }
}

#[derive(Debug, Default)]
struct State {
    arrivals: u64,
    loads: HashMap<String, Load>,
}

#[derive(Debug, Default)]
struct Load {
    latest: Option<Update>,
    /// Numbers of the latest records, to count what a reconnecting follower missed.
    numbers: VecDeque<u64>,
    followers: Vec<Weak<Follower>>,
}

impl Hub {
    /// Which life of the collector this is, for cursors.
    pub(super) fn life(&self) -> &str {
        &self.life
    }

    /// Hands a record to the followers of its load. A record older than the newest of its load arrived late (a backlog
    /// behind a safety record) and is counted, not shown: followers are told where the truck is, never where it was.
    pub(super) fn deliver(&self, mut update: Update, access: &dyn LoadAccess) {
        if update.load_id().is_empty() {
            return;
        }
        let observed = update.record.observed_unix_nanos;
        let (followers, late) = {
            let mut state = self.state.lock().expect("the hub");
            state.arrivals += 1;
            update.number = state.arrivals;
            state.make_room(update.load_id());
            let load = state.loads.entry(update.load_id().to_owned()).or_default();
            if load.numbers.len() == HISTORY {
                load.numbers.pop_front();
            }
            load.numbers.push_back(update.number);
            let late = load.latest.as_ref().is_some_and(|latest| latest.record.observed_unix_nanos > observed);
            if !late {
                load.latest = Some(update.clone());
            }
            load.followers.retain(|follower| follower.strong_count() > 0);
            (load.followers.iter().filter_map(Weak::upgrade).collect::<Vec<_>>(), late)
        };
        // Outside the lock: the carrier's state has a lock of its own.
        for follower in followers {
            if late {
                follower.queue.left_out(update.load_id());
            } else if access.may_follow(&follower.tenant, update.load_id(), instant(observed)) {
                follower.queue.push(update.clone());
            }
        }
    }

    /// Adds a follower. It first gets the latest record of each load that it has not seen, by the number of its cursor.
    pub(super) fn follow(&self, tenant: &str, loads: &[String], seen: u64, access: &dyn LoadAccess) -> Arc<Follower> {
        let follower = Arc::new(Follower { tenant: tenant.to_owned(), queue: Queue::new(loads.len()) });
        let mut missed = Vec::new();
        {
            let mut state = self.state.lock().expect("the hub");
            for load_id in loads {
                let load = state.loads.entry(load_id.clone()).or_default();
                load.followers.push(Arc::downgrade(&follower));
                if let Some(latest) = load.latest.clone().filter(|latest| latest.number > seen) {
                    let skipped = match seen {
                        0 => 0,
                        _ => load.numbers.iter().filter(|&&n| n > seen && n != latest.number).count() as u64,
                    };
                    missed.push(Update { skipped, ..latest });
                }
            }
        }
        for update in missed {
            if access.may_follow(tenant, update.load_id(), instant(update.record.observed_unix_nanos)) {
                follower.queue.push(update);
            }
        }
        follower
    }

    /// The latest record of a load.
    pub(super) fn latest(&self, load_id: &str) -> Option<Update> {
        self.state.lock().expect("the hub").loads.get(load_id)?.latest.clone()
    }
}

impl State {
    fn make_room(&mut self, load_id: &str) {
        if self.loads.len() < LOADS || self.loads.contains_key(load_id) {
            return;
        }
        let followed = |load: &Load| load.followers.iter().any(|follower| follower.strong_count() > 0);
        let quiet = self.loads.iter().filter(|(_, load)| !followed(load));
        let oldest =
            quiet.min_by_key(|(_, load)| load.latest.as_ref().map_or(0, |l| l.number)).map(|(id, _)| id.clone());
        if let Some(id) = oldest {
            self.loads.remove(&id);
        }
    }
}
