//! What each commit replaced: the way back to an earlier point of the log. Reads that lag look a while back, and a carrier
//! that is restored from a backup goes back for good. Bounded: beyond it nothing is remembered.

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;

use crate::state::tender::{Key, Tender};

/// Commits that are remembered.
const KEPT: usize = 4096;

/// One commit, undone.
#[derive(Debug)]
pub struct Undone {
    /// Whose.
    pub key: Key,
    /// The tender as it was; none if the commit stored it first.
    pub before: Option<Tender>,
    /// Whether the commit put an event into the feed. A tombstone does not.
    pub event: bool,
}

#[derive(Debug)]
struct Commit {
    at: Timestamp,
    undone: Undone,
}

/// The latest commits, and every tender as its last commit left it.
#[derive(Debug, Default)]
pub struct Commits {
    committed: BTreeMap<Key, Tender>,
    latest: VecDeque<Commit>,
}

impl Commits {
    /// Notes a commit: the tender as it is now.
    pub fn note(&mut self, tender: &Tender, event: bool, at: Timestamp) {
        let before = self.committed.insert(tender.key.clone(), tender.clone());
        if self.latest.len() == KEPT {
            self.latest.pop_front();
        }
        self.latest.push_back(Commit { at, undone: Undone { key: tender.key.clone(), before, event } });
    }

    /// Takes the last commit back; none if nothing before it is remembered.
    pub fn undo(&mut self) -> Option<Undone> {
        let Commit { undone, .. } = self.latest.pop_back()?;
        match &undone.before {
            Some(before) => self.committed.insert(undone.key.clone(), before.clone()),
            None => self.committed.remove(&undone.key),
        };
        Some(undone)
    }

    /// A tender as it was at that instant.
    pub fn as_of(&self, key: &Key, at: Timestamp) -> Option<&Tender> {
        let later = self.latest.iter().rev().take_while(|commit| commit.at > at);
        let first = later.filter(|commit| commit.undone.key == *key).last();
        first.map_or_else(|| self.committed.get(key), |commit| commit.undone.before.as_ref())
    }

    /// How many events were put into the feed after that instant.
    pub fn events_after(&self, at: Timestamp) -> usize {
        let later = self.latest.iter().rev().take_while(|commit| commit.at > at);
        later.filter(|commit| commit.undone.event).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn earlier_points_are_found_and_gone_back_to() {
        let at = |second: i64| Timestamp::from_second(second).unwrap();
        let key = Key { tenant: "acme".to_owned(), tender_id: "t-1".to_owned() };
        let mut tender = Tender::new(key.clone(), "L-1".to_owned(), at(0));
        let mut commits = Commits::default();
        for revision in 1..=3 {
            tender.revision = revision;
            commits.note(&tender, revision > 1, at(10 * i64::from(revision)));
        }
        let revision = |commits: &Commits, second| commits.as_of(&key, at(second)).map(|t| t.revision);
        assert_eq!([9, 10, 29, 30, 99].map(|s| revision(&commits, s)), [None, Some(1), Some(2), Some(3), Some(3)]);
        assert_eq!([9, 10, 20, 30].map(|s| commits.events_after(at(s))), [2, 2, 1, 0]);
        assert_eq!(commits.undo().unwrap().before.unwrap().revision, 2);
        assert_eq!(revision(&commits, 99), Some(2));
        commits.undo();
        let first = commits.undo().unwrap();
        assert!(first.before.is_none() && !first.event && commits.undo().is_none());
        assert_eq!(revision(&commits, 99), None);
    }
}
