//! The feed of all events in the order of their commits, and where in it each tenant's are: cursors name places of the
//! feed, and a read finds its tenant's without going through everybody's.

use std::collections::HashMap;

use jiff::Timestamp;

use crate::state::tender::Key;

/// A place in the feed: the n-th commit of the carrier.
#[derive(Clone, Debug)]
pub struct Committed {
    /// When, in business time.
    pub at: Timestamp,
    /// Whose.
    pub key: Key,
    /// Which event of its log.
    pub sequence: u64,
}

/// All events.
#[derive(Debug, Default)]
pub struct Feed {
    all: Vec<Committed>,
    tenants: HashMap<String, Vec<usize>>,
}

impl Feed {
    /// Appends an event.
    pub fn push(&mut self, committed: Committed) {
        self.tenants.entry(committed.key.tenant.clone()).or_default().push(self.all.len());
        self.all.push(committed);
    }

    /// Takes the last event back.
    pub fn pop(&mut self) {
        let last = self.all.pop();
        if let Some(places) = last.and_then(|last| self.tenants.get_mut(&last.key.tenant)) {
            places.pop();
        }
    }

    /// Every event.
    pub fn all(&self) -> &[Committed] {
        &self.all
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// A tenant's events from a place on, each with its place.
    pub fn of_tenant(&self, tenant: &str, first: usize) -> impl Iterator<Item = (usize, &Committed)> {
        let places = self.tenants.get(tenant).map(Vec::as_slice).unwrap_or_default();
        let from = places.partition_point(|place| *place < first);
        places[from..].iter().filter_map(move |place| Some((*place, self.all.get(*place)?)))
    }
}
