//! Profiles: how real carriers fail, each by one name (README, "Profiles"). At most one is in force; setting another ends it.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::api::call::Operation;
use crate::carrier::Carrier;
use crate::faults::{Fault, How, When};

/// How far reads lag, and how long a create waits to be stored, unless control says otherwise.
pub const LAG: SignedDuration = SignedDuration::from_millis(1_500);
/// How long a create is held back where no withdrawal comes, in seconds of business time.
pub const HELD_S: i64 = 30;

/// How a carrier fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Profile {
    /// It does not.
    #[default]
    None,
    /// Reads come from a replica that is behind.
    ReplicaLag,
    /// A create is answered 202 before it is stored.
    AsyncIngest,
    /// A gateway answers 503 for what was committed; the stored answer is there for whoever repeats.
    #[serde(rename = "gateway_503_after_commit")]
    Gateway503AfterCommit,
    /// A gateway answers two of three reads with a bare 404.
    #[serde(rename = "gateway_404")]
    Gateway404,
    /// No answer is kept under its idempotency key.
    LostKeyStore,
    /// The log went back to an earlier point.
    Restored,
    /// The carrier's clock is six minutes ahead.
    #[serde(rename = "clock_+6min")]
    ClockAhead,
    /// The carrier's clock is six minutes behind.
    #[serde(rename = "clock_-6min")]
    ClockBehind,
    /// A create is lost from sight and arrives after its withdrawal.
    LateCreateAfterWithdraw,
}

impl Profile {
    /// The profile of this name.
    pub fn parse(name: &str) -> Option<Self> {
        serde_json::from_value(name.into()).ok()
    }

    fn skew(self) -> SignedDuration {
        match self {
            Self::ClockAhead => SignedDuration::from_mins(6),
            Self::ClockBehind => SignedDuration::from_mins(-6),
            _ => SignedDuration::ZERO,
        }
    }
}

/// The profile in force, and what it has to remember.
#[derive(Debug, Default)]
pub struct Profiles {
    now: Mutex<(Profile, SignedDuration)>,
    reads: AtomicU64,
    /// Keys of creates that were held back once.
    held: Mutex<BTreeSet<String>>,
}

impl Profiles {
    /// The profile in force.
    pub fn current(&self) -> Profile {
        self.now.lock().expect("the profile").0
    }

    /// How long a create waits to be stored; none where it is stored at once.
    pub fn ingest_after(&self) -> Option<SignedDuration> {
        let (profile, lag) = *self.now.lock().expect("the profile");
        (profile == Profile::AsyncIngest).then_some(lag)
    }

    /// The fault that strikes an admitted call before anything happened.
    pub fn before(&self, operation: &Operation) -> Option<Fault> {
        let read = !operation.mutates && operation.scope.is_some() && operation.name != "capacity.search";
        let struck =
            self.current() == Profile::Gateway404 && read && self.reads.fetch_add(1, Ordering::SeqCst) % 3 != 2;
        struck.then(|| Fault::once(operation.name, When::Before, How::Gateway404))
    }

    /// The fault that strikes in place of an answer; `replayed` is one that was given before.
    pub fn after(&self, operation: &Operation, committed: bool, replayed: bool) -> Option<Fault> {
        let struck = self.current() == Profile::Gateway503AfterCommit && operation.mutates && committed && !replayed;
        struck.then(|| Fault::once(operation.name, When::After, How::Unavailable))
    }

    /// Whether this attempt is held back: a create, and the first under its key.
    pub fn holds_back(&self, operation: &Operation, key: Option<&str>) -> bool {
        self.current() == Profile::LateCreateAfterWithdraw
            && operation.name == "tenders.create"
            && key.is_some_and(|key| self.held.lock().expect("the held creates").insert(key.to_owned()))
    }
}

/// Puts a profile in force. `restored` happens at once and loses the last `lose` commits; the answer is how many.
pub fn set(carrier: &Carrier, profile: Profile, lag: SignedDuration, lose: usize) -> usize {
    *carrier.profiles.now.lock().expect("the profile") = (profile, lag);
    carrier.profiles.held.lock().expect("the held creates").clear();
    carrier.clock.skew(profile.skew());
    let mut store = carrier.store();
    store.lag = (profile == Profile::ReplicaLag).then_some(lag);
    let lost = if profile == Profile::Restored { store.restore(lose, carrier.clock.now()) } else { 0 };
    drop(store);
    carrier.notify();
    lost
}
