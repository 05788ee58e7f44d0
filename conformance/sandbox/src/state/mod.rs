//! The carrier's state: one struct, one mutex, so that the order of commits is the order in which the lock was taken.
//!
//! * [`capacity`], [`hold`]: the stock of offers. [`idempotency`]: the key store. [`cursor`]: places in feeds.
//! * [`book`]: the tenders, with the indexes that find them. [`feed`], [`ledger`]: all events; what ever happened.
//! * [`view`]: what reads see. [`commits`]: what each commit replaced. [`ingest`], [`restore`]: how carriers fail.
//! * [`tender`], [`transitions`], [`history`], [`record`]: a tender, its machine, its log. [`mod@create`], [`amend`], [`decide`], [`progress`],
//!   [`withdraw`]: what moves it. [`eligible`]: what the carrier checks first. [`policy`]: how it decides.
//! * [`dispatch`], [`command`], [`admission`], [`documents`]: after acceptance. [`subscriptions`]: where webhooks go.

pub mod admission;
pub mod amend;
pub mod book;
pub mod capacity;
pub mod command;
pub mod commits;
pub mod create;
pub mod cursor;
pub mod decide;
pub mod dispatch;
pub mod documents;
pub mod eligible;
pub mod feed;
pub mod history;
pub mod hold;
pub mod idempotency;
pub mod ingest;
pub mod ledger;
pub mod policy;
pub mod progress;
pub mod record;
pub mod restore;
pub mod subscriptions;
pub mod tender;
pub mod transitions;
pub mod view;
pub mod withdraw;

#[cfg(test)]
mod index_tests;

use std::collections::BTreeMap;

use gladhand_documents::error::Code;
use jiff::{SignedDuration, Timestamp};

use crate::contract::{Deprecated, Simulation};
use crate::problem::{Problem, Result};
use crate::random;
use book::Book;
use capacity::Stock;
use commits::Commits;
use feed::Feed;
use idempotency::{Done, Keys};
use ingest::Ingest;
use ledger::Ledger;
use policy::Policy;
use subscriptions::Subscriptions;
use tender::{Key, Tender};

/// The tare that is assumed where neither offer nor tender names one, in pounds (contract 3d).
pub const ASSUMED_TARE_LBS: u32 = 35_000;

/// Everything the carrier remembers.
pub struct Store {
    /// Changed when the carrier restores from a backup (contract 4e).
    pub log_epoch: String,
    /// Answers by idempotency key.
    pub keys: Keys,
    done: Done,
    /// Offers.
    pub stock: Stock,
    /// How it decides.
    pub policy: Policy,
    /// Rises when every cursor that was handed out is void.
    cursors: u32,
    /// Where webhooks go.
    pub subscriptions: Subscriptions,
    /// All events in the order of their commits.
    pub feed: Feed,
    /// The events that were ever recorded; a restored backup does not shorten it.
    pub ledger: Ledger,
    /// How far reads lag behind; none if they do not.
    pub lag: Option<SignedDuration>,
    /// The version of the contract that it makes believe to be of.
    pub simulation: Simulation,
    deprecated_events: BTreeMap<String, Deprecated>,
    commits: Commits,
    ingest: Ingest,
    carrier: String,
    origin: String,
    /// The machine's clock at the present step: what vehicles' clocks are compared with.
    wall: Timestamp,
    /// Business time of the present step.
    now: Timestamp,
    tenders: Book,
}

impl Store {
    /// A full stock and nothing else.
    pub fn new(carrier: &str, origin: &str, now: Timestamp) -> Self {
        Self {
            log_epoch: random::id("epoch-"),
            keys: Keys::default(),
            done: Done::default(),
            stock: Stock::initial(carrier, now),
            policy: Policy::default(),
            cursors: 0,
            subscriptions: Subscriptions::default(),
            feed: Feed::default(),
            ledger: Ledger::default(),
            lag: None,
            simulation: Simulation::None,
            deprecated_events: BTreeMap::new(),
            commits: Commits::default(),
            ingest: Ingest::default(),
            carrier: carrier.to_owned(),
            origin: origin.to_owned(),
            wall: now,
            now,
            tenders: Book::default(),
        }
    }

    /// The tender of this name.
    pub fn find(&self, key: &Key) -> Option<&Tender> {
        self.tenders.get(key)
    }

    /// The tender of this name, or `not_found` that proves its absence (contract 4c): with `tenderId` and `logEpoch`.
    pub fn tender(&self, key: &Key) -> Result<&Tender> {
        self.tenders.get(key).ok_or_else(|| self.unknown(key))
    }

    fn tender_mut(&mut self, key: &Key) -> Result<&mut Tender> {
        let unknown = self.unknown(key);
        self.tenders.get_mut(key).ok_or(unknown)
    }

    fn unknown(&self, key: &Key) -> Problem {
        Problem::new(Code::NotFound, format!("there is no tender {}", key.tender_id))
            .with("tenderId", key.tender_id.as_str())
            .with("logEpoch", self.log_epoch.as_str())
    }

    /// Every tender, in the order in which they were first stored.
    pub fn tenders(&self) -> impl DoubleEndedIterator<Item = &Tender> {
        self.tenders.all()
    }

    /// Begins a step: lets every deadline that has passed take effect. True if something changed.
    pub fn tick(&mut self, now: Timestamp, wall: Timestamp) -> bool {
        (self.now, self.wall) = (now, wall);
        let before = self.feed.len();
        let lapsed = self.lapse_holds(now);
        self.ingest_due(now);
        self.decide_due(now);
        self.expire_due(now);
        self.step_commands(now);
        lapsed || self.feed.len() != before
    }

    /// When the next deadline falls.
    pub fn next_deadline(&mut self) -> Option<Timestamp> {
        let tenders = self.tenders.deadline();
        tenders.into_iter().chain(self.ingest.deadline()).chain(self.hold_deadline()).min()
    }
}
