//! What a read sees: the state of this moment, or, where reads lag behind, that of a while ago. Writes never come here:
//! they decide on the state itself (contract 4c: reads may lag, writes may not).

use gladhand_documents::error::Code;
use jiff::Timestamp;

use crate::problem::{Problem, Result};
use crate::state::Store;
use crate::state::feed::Committed;
use crate::state::tender::{Key, Tender};

/// A state to read.
#[derive(Clone, Copy)]
pub struct View<'a> {
    store: &'a Store,
    /// The instant that reads have come to; none if they do not lag.
    at: Option<Timestamp>,
}

impl Store {
    /// What reads see.
    pub fn read(&self) -> View<'_> {
        let at = self.lag.map(|lag| self.now.saturating_sub(lag).unwrap_or(Timestamp::MIN));
        View { store: self, at }
    }
}

impl<'a> View<'a> {
    fn find(self, key: &Key) -> Option<&'a Tender> {
        match self.at {
            None => self.store.find(key),
            Some(at) => self.store.commits.as_of(key, at),
        }
    }

    /// The tender of this name; `not_found`, which proves its absence (contract 4c), or `archived`.
    pub fn tender(self, key: &Key) -> Result<&'a Tender> {
        let tender = self.find(key).ok_or_else(|| self.store.unknown(key))?;
        if tender.archived {
            let problem = Problem::new(Code::Archived, "the tender is archived; what became of it is kept");
            return Err(self.store.about(problem, key));
        }
        Ok(tender)
    }

    /// A tenant's tenders that are not archived, from a place in the order in which they were first stored on, each with
    /// its place.
    pub fn tenders(self, tenant: &str, from: usize) -> impl Iterator<Item = (usize, &'a Tender)> {
        let mine = self.store.tenders.of_tenant(tenant, from);
        mine.filter_map(move |(place, key)| self.find(key).filter(|t| !t.archived).map(|tender| (place, tender)))
    }

    /// The tender that a dispatch of this tenant belongs to.
    pub fn dispatched(self, tenant: &str, dispatch_id: &str) -> Option<&'a Tender> {
        let tender = self.find(self.store.tenders.dispatched(tenant, dispatch_id)?);
        tender.filter(|t| t.dispatch.as_ref().is_some_and(|d| d.id == dispatch_id))
    }

    /// The end of the feed.
    pub fn end(self) -> usize {
        let hidden = self.at.map_or(0, |at| self.store.commits.events_after(at));
        self.store.feed.len().saturating_sub(hidden)
    }

    /// A tenant's events from a place of the feed on, in the order of their commits, each with its place.
    pub fn events(self, tenant: &str, from: usize) -> impl Iterator<Item = (usize, &'a Committed)> {
        let end = self.end();
        self.store.feed.of_tenant(tenant, from).take_while(move |(place, _)| *place < end)
    }
}
