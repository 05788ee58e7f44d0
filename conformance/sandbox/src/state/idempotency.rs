//! Idempotency (contract 4c): what was answered under which key (layer i), and which operations were done (layer ii). The
//! second outlives the first.

use std::collections::HashMap;

use gladhand_documents::error::Code;
use jiff::Timestamp;

use crate::clock::plus_seconds;
use crate::problem::{Answer, Problem, Result};
use crate::state::Store;

/// How long answers are kept, in hours; published in discovery.
pub const RETENTION_H: i64 = 168;

/// A stored answer.
#[derive(Clone, Debug)]
pub struct Stored {
    /// Status, headers and body as they went out first.
    pub answer: Answer,
    /// `Date` of the first answer.
    pub date: String,
}

/// What the key says about an attempt.
#[derive(Debug)]
pub enum Begin {
    /// The first: go on, then [`Keys::finish`].
    Run,
    /// The first attempt has not ended yet.
    InFlight,
    /// The key belongs to another request.
    Reused,
    /// It was answered before, with this.
    Replay(Box<Stored>),
}

struct Record {
    fingerprint: [u8; 32],
    until: Timestamp,
    answer: Option<Box<Stored>>,
}

/// An operation by the tenant and its path, which has its id.
pub type Operation = (String, String);

/// Operations that were done, with SHA-256 of their content. A tender's creates, revisions and commands keep their own.
#[derive(Default)]
pub struct Done(HashMap<Operation, [u8; 32]>);

impl Store {
    /// Whether exactly this was done before. Error: `revision_content_conflict` where its id was used for something else.
    pub fn done(&self, operation: &Operation, content: [u8; 32]) -> Result<bool> {
        match self.done.0.get(operation) {
            None => Ok(false),
            Some(known) if *known == content => Ok(true),
            Some(_) => {
                let detail = "the operation's id was used with other content";
                Err(Problem::new(Code::RevisionContentConflict, detail))
            }
        }
    }

    /// Notes that it was done.
    pub fn note_done(&mut self, operation: Operation, content: [u8; 32]) {
        self.done.0.insert(operation, content);
    }

    /// Forgets what was done, as the log does.
    pub fn forget_done(&mut self) {
        self.done.0.clear();
    }
}

/// The key store.
#[derive(Default)]
pub struct Keys(HashMap<String, Record>);

impl Keys {
    /// Begins an attempt.
    pub fn begin(&mut self, scope: &str, fingerprint: [u8; 32], now: Timestamp) -> Begin {
        match self.0.get(scope).filter(|record| record.until >= now) {
            Some(record) if record.fingerprint != fingerprint => Begin::Reused,
            Some(Record { answer: Some(stored), .. }) => Begin::Replay(stored.clone()),
            Some(_) => Begin::InFlight,
            None => {
                let until = plus_seconds(now, RETENTION_H * 3600);
                self.0.insert(scope.to_owned(), Record { fingerprint, until, answer: None });
                Begin::Run
            }
        }
    }

    /// Ends an attempt: its answer is kept, or the key is free again (contract 4c, "Not stored").
    pub fn finish(&mut self, scope: &str, answer: Option<Stored>) {
        match answer {
            Some(stored) => {
                if let Some(record) = self.0.get_mut(scope) {
                    record.answer = Some(Box::new(stored));
                }
            }
            None => {
                self.0.remove(scope);
            }
        }
    }

    /// Forgets every key (a carrier that lost its key store): the business layer must hold by itself.
    pub fn forget(&mut self) {
        self.0.clear();
    }
}
