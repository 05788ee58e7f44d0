//! The carrier's state: one struct, one mutex, so that the order of commits is the order in which the lock was taken.
//!
//! * [`capacity`]: the stock of offers. [`idempotency`]: the key store. [`cursor`]: places in feeds.
//! * [`tender`], [`transitions`], [`history`]: a tender, its machine, its log. [`mod@create`], [`decide`], [`progress`],
//!   [`withdraw`]: what moves it. [`eligible`]: what the carrier checks first. [`policy`]: how it decides.
//! * [`dispatch`], [`command`], [`documents`]: after acceptance. [`subscriptions`]: where webhooks go.

pub mod capacity;
pub mod command;
pub mod create;
pub mod cursor;
pub mod decide;
pub mod dispatch;
pub mod documents;
pub mod eligible;
pub mod history;
pub mod idempotency;
pub mod policy;
pub mod progress;
pub mod subscriptions;
pub mod tender;
pub mod transitions;
pub mod withdraw;

use std::collections::BTreeMap;

use axum::body::Bytes;
use gladhand_documents::error::Code;
use jiff::Timestamp;

use crate::clock::rfc3339;
use crate::object::Object;
use crate::problem::{Problem, Result};
use crate::random;
use capacity::Stock;
use idempotency::Keys;
use policy::Policy;
use subscriptions::Subscriptions;
use tender::{Key, Tender};

/// The tare that is assumed where neither offer nor tender names one, in pounds (contract 3d).
pub const ASSUMED_TARE_LBS: u32 = 35_000;

/// A place in the account's feed: the n-th commit of the carrier.
#[derive(Clone, Debug)]
pub struct Committed {
    /// Whose.
    pub key: Key,
    /// Which event of its log.
    pub sequence: u64,
}

/// Everything the carrier remembers.
pub struct Store {
    /// Changed when the carrier restores from a backup (contract 4e).
    pub log_epoch: String,
    /// Answers by idempotency key.
    pub keys: Keys,
    /// Offers.
    pub stock: Stock,
    /// How it decides.
    pub policy: Policy,
    /// Where webhooks go.
    pub subscriptions: Subscriptions,
    /// All events in the order of their commits.
    pub feed: Vec<Committed>,
    carrier: String,
    origin: String,
    /// The machine's clock at the present step: what vehicles' clocks are compared with.
    wall: Timestamp,
    tenders: BTreeMap<Key, Tender>,
    /// Tenders in the order in which they were first stored.
    order: Vec<Key>,
}

impl Store {
    /// A full stock and nothing else.
    pub fn new(carrier: &str, origin: &str, now: Timestamp) -> Self {
        Self {
            log_epoch: random::id("epoch-"),
            keys: Keys::default(),
            stock: Stock::initial(carrier, now),
            policy: Policy::default(),
            subscriptions: Subscriptions::default(),
            feed: Vec::new(),
            carrier: carrier.to_owned(),
            origin: origin.to_owned(),
            wall: now,
            tenders: BTreeMap::new(),
            order: Vec::new(),
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
        self.order.iter().filter_map(|key| self.tenders.get(key))
    }

    fn insert(&mut self, tender: Tender) {
        if !self.tenders.contains_key(&tender.key) {
            self.order.push(tender.key.clone());
        }
        self.tenders.insert(tender.key.clone(), tender);
    }

    /// Records an event: the one place where logs grow. `kind` without prefix and suffix, `extra` are members of `data`.
    fn record(&mut self, key: &Key, kind: &str, now: Timestamp, extra: impl FnOnce(Object) -> Object) {
        let source = format!("{}/tenders/{}", self.origin, key.tender_id);
        let Some(tender) = self.tenders.get_mut(key) else { return };
        let sequence = tender.history.last_sequence() + 1;
        let kind = format!("gladhand.{kind}.v1");
        let data = Object::new()
            .text("loadId", &tender.load_id)
            .text("tenderId", &key.tender_id)
            .text_if("dispatchId", tender.dispatch.as_ref().map(|d| d.id.as_str()))
            .text_if("capacityId", tender.capacity_id.as_deref())
            .number("eventSequence", sequence)
            .number("revision", tender.revision.into())
            .text("status", tender.state.as_str())
            .text("controlMode", &tender.control_mode)
            .text("sourceSystem", &format!("{}-tms", self.carrier));
        let id = random::id("evt-");
        let event = Object::new()
            .text("specversion", "1.0")
            .text("id", &id)
            .text("source", &source)
            .text("type", &kind)
            .text("subject", &tender.load_id)
            .text("time", &rfc3339(now))
            .text("recordedtime", &rfc3339(now))
            .text("sequence", &format!("{sequence:020}"))
            .text("partitionkey", &key.tender_id)
            .text("datacontenttype", "application/json")
            .text("dataschema", "urn:gladhand:schema:StatusEvent:1.0")
            .text_if("traceparent", tender.traceparent.as_deref())
            .raw("data", &extra(data).finish())
            .finish();
        tender.history.append(id, kind, Bytes::from(event));
        tender.updated_at = now;
        self.feed.push(Committed { key: key.clone(), sequence });
    }

    /// Begins a step: lets every deadline that has passed take effect. True if something changed.
    pub fn tick(&mut self, now: Timestamp, wall: Timestamp) -> bool {
        self.wall = wall;
        let before = self.feed.len();
        self.decide_due(now);
        self.expire_due(now);
        self.step_commands(now);
        self.feed.len() != before
    }

    /// When the next deadline falls.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        let tenders = self.tenders.values();
        tenders.flat_map(|t| t.decision_deadlines().chain(t.command_deadlines())).min()
    }
}
