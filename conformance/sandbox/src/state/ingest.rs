//! A carrier that says 202 first and stores later (DCSA-style asynchronous ingest): creates wait in a queue, where no read
//! sees them, and are taken in their order of arrival when their time has come. A withdrawal that comes meanwhile is
//! first, and the create then finds its tombstone.

use std::collections::{HashMap, VecDeque};

use gladhand_documents::error::Code;
use jiff::{SignedDuration, Timestamp};

use crate::problem::{Problem, Result};
use crate::state::Store;
use crate::state::create::{Submission, fill};
use crate::state::tender::{Key, Tender};

/// Creates that are not stored yet, in their order of arrival.
#[derive(Default)]
pub struct Ingest {
    queue: VecDeque<(Timestamp, Submission)>,
    /// SHA-256 of the content that waits under each name.
    contents: HashMap<Key, [u8; 32]>,
}

impl Ingest {
    /// When the next create is stored.
    pub fn deadline(&self) -> Option<Timestamp> {
        self.queue.front().map(|(due, _)| *due)
    }
}

impl Store {
    /// Queues a create and answers with the tender as it will be; none if it is stored already, by name.
    pub fn ingest(&mut self, submission: Submission, now: Timestamp, after: SignedDuration) -> Result<Option<Tender>> {
        if self.find(&submission.key).is_some() {
            return Ok(None);
        }
        let mut tender = Tender::new(submission.key.clone(), submission.load_id(), now);
        fill(&mut tender, &submission);
        match self.ingest.contents.get(&submission.key) {
            Some(queued) if *queued != submission.content => {
                let problem = Problem::new(Code::RevisionContentConflict, "revision 1 has other content");
                return Err(self.about(problem, &submission.key));
            }
            Some(_) => {}
            None => {
                self.ingest.contents.insert(submission.key.clone(), submission.content);
                self.ingest.queue.push_back((now.saturating_add(after).unwrap_or(now), submission));
            }
        }
        Ok(Some(tender))
    }

    /// Stores the creates whose time has come.
    pub fn ingest_due(&mut self, now: Timestamp) {
        while self.ingest.deadline().is_some_and(|due| due <= now) {
            let Some((_, submission)) = self.ingest.queue.pop_front() else { return };
            self.ingest.contents.remove(&submission.key);
            // A refusal is stored as a rejected tender; a withdrawn one stays withdrawn. There is nobody left to tell.
            if let Err(problem) = self.create(submission, now) {
                tracing::debug!(code = %problem.code(), "a queued tender is refused");
            }
        }
    }
}
