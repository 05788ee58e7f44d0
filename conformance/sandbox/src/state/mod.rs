//! The carrier's state: one struct, one mutex, so that the order of commits is the order in which the lock was taken.
//!
//! * [`capacity`]: the stock of offers. [`idempotency`]: the key store.

pub mod capacity;
pub mod cursor;
pub mod idempotency;

use jiff::Timestamp;

use crate::random;
use capacity::Stock;
use idempotency::Keys;

/// The tare that is assumed where neither offer nor tender names one, in pounds (contract 3d).
pub const ASSUMED_TARE_LBS: u32 = 35_000;

/// How the carrier decides.
pub struct Policy {
    /// What discovery publishes as `decisionSlaSeconds`.
    pub decision_sla_s: u64,
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
}

impl Store {
    /// A full stock and nothing else.
    pub fn new(carrier: &str, now: Timestamp) -> Self {
        Self {
            log_epoch: random::id("epoch-"),
            keys: Keys::default(),
            stock: Stock::initial(carrier, now),
            policy: Policy { decision_sla_s: 20 },
        }
    }

    /// Lets every deadline that has passed take effect. True if something changed.
    pub fn tick(&mut self, _origin: &str, _now: Timestamp) -> bool {
        false
    }
}
