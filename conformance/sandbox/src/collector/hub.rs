//! From the ledger to the followers: the latest record of each load, and who follows it.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, Weak};

use gladhand_documents::telemetry::Record;

use super::LoadAccess;
use super::queue::Queue;
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

/// A load by its id, whoever's: followers see what is theirs.
#[derive(Debug, Default)]
struct Load {
    /// By vehicle.
    trucks: HashMap<String, Truck>,
    followers: Vec<Weak<Follower>>,
}

#[derive(Debug, Default)]
struct Truck {
    latest: Option<Update>,
    /// Numbers of the latest records, to count what a reconnecting follower missed.
    numbers: VecDeque<u64>,
}

impl Hub {
    /// Which life of the collector this is, for cursors.
    pub(super) fn life(&self) -> &str {
        &self.life
    }

    /// Hands a record to the followers of its load. A record older than the newest of its load and vehicle arrived late (a
    /// backlog behind a safety record) and is counted, not shown: followers are told where the truck is, never where it was.
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
            let truck = load.trucks.entry(update.record.context.vehicle_id.clone()).or_default();
            if truck.numbers.len() == HISTORY {
                truck.numbers.pop_front();
            }
            truck.numbers.push_back(update.number);
            let late = truck.latest.as_ref().is_some_and(|latest| latest.record.observed_unix_nanos > observed);
            if !late {
                truck.latest = Some(update.clone());
            }
            load.followers.retain(|follower| follower.strong_count() > 0);
            (load.followers.iter().filter_map(Weak::upgrade).collect::<Vec<_>>(), late)
        };
        // Outside the lock: the carrier's state has a lock of its own.
        for follower in followers {
            if !access.may_see(&follower.tenant, &update.record) {
                continue;
            }
            if late {
                follower.queue.left_out(update.load_id());
            } else {
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
                load.followers.retain(|follower| follower.strong_count() > 0);
                load.followers.push(Arc::downgrade(&follower));
                for truck in load.trucks.values() {
                    let Some(latest) = truck.latest.clone().filter(|latest| latest.number > seen) else { continue };
                    let skipped = match seen {
                        0 => 0,
                        _ => truck.numbers.iter().filter(|&&n| n > seen && n != latest.number).count() as u64,
                    };
                    missed.push(Update { skipped, ..latest });
                }
            }
        }
        missed.sort_by_key(|update| update.number);
        for update in missed {
            if access.may_see(tenant, &update.record) {
                follower.queue.push(update);
            }
        }
        follower
    }

    /// The latest record of a load.
    pub(super) fn latest(&self, load_id: &str) -> Option<Update> {
        let state = self.state.lock().expect("the hub");
        let trucks = state.loads.get(load_id)?.trucks.values();
        trucks.filter_map(|truck| truck.latest.clone()).max_by_key(|latest| latest.number)
    }
}

impl Load {
    fn newest(&self) -> u64 {
        self.trucks.values().filter_map(|truck| truck.numbers.back().copied()).max().unwrap_or(0)
    }
}

impl State {
    fn make_room(&mut self, load_id: &str) {
        if self.loads.len() < LOADS || self.loads.contains_key(load_id) {
            return;
        }
        let followed = |load: &Load| load.followers.iter().any(|follower| follower.strong_count() > 0);
        let quiet = self.loads.iter().filter(|(_, load)| !followed(load));
        let oldest = quiet.min_by_key(|(_, load)| load.newest()).map(|(id, _)| id.clone());
        if let Some(id) = oldest {
            self.loads.remove(&id);
        }
    }
}
