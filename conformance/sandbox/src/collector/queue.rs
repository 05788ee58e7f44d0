//! The queue of one follower. Bounded: when it is full, only the latest record of each load stays, with the number of
//! records that were left out, so a slow follower sees where its trucks are and how much it missed.

use std::collections::{HashMap, VecDeque};
use std::sync::Mutex;

use tokio::sync::Notify;

use super::hub::Update;

/// How many updates wait before a follower counts as slow; more for one that follows many loads.
const CAPACITY: usize = 256;

#[derive(Debug)]
pub(super) struct Queue {
    capacity: usize,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    updates: VecDeque<Update>,
    loads: HashMap<String, Seen>,
}

/// What the queue knows of a load.
#[derive(Debug, Default)]
struct Seen {
    /// The newest update that was queued.
    number: u64,
    /// Left out since then.
    left_out: u64,
}

impl Queue {
    pub(super) fn new(loads: usize) -> Self {
        Self { capacity: CAPACITY.max(loads * 2), state: Mutex::default(), changed: Notify::new() }
    }

    pub(super) fn push(&self, mut update: Update) {
        let mut state = self.state.lock().expect("a follower's queue");
        let seen = state.loads.entry(update.load_id().to_owned()).or_default();
        if update.number <= seen.number {
            // Two streams delivered at once, and the newer one was first.
            seen.left_out += 1;
            return;
        }
        update.skipped += std::mem::take(&mut seen.left_out);
        seen.number = update.number;
        state.updates.push_back(update);
        if state.updates.len() > self.capacity {
            state.conflate();
        }
        drop(state);
        self.changed.notify_one();
    }

    /// A record of this load will not be shown.
    pub(super) fn left_out(&self, load_id: &str) {
        let mut state = self.state.lock().expect("a follower's queue");
        state.loads.entry(load_id.to_owned()).or_default().left_out += 1;
    }

    /// The next update; waits for one.
    pub(super) async fn next(&self) -> Update {
        loop {
            let changed = self.changed.notified();
            if let Some(update) = self.state.lock().expect("a follower's queue").updates.pop_front() {
                return update;
            }
            changed.await;
        }
    }
}

impl State {
    fn conflate(&mut self) {
        let mut places: HashMap<String, usize> = HashMap::new();
        let mut kept: Vec<Update> = Vec::new();
        for update in self.updates.drain(..) {
            if let Some(&place) = places.get(update.load_id()) {
                let skipped = kept[place].skipped + 1 + update.skipped;
                kept[place] = Update { skipped, ..update };
            } else {
                places.insert(update.load_id().to_owned(), kept.len());
                kept.push(update);
            }
        }
        self.updates = kept.into();
    }
}
