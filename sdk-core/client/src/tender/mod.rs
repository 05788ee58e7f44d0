//! Tenders: journaled before they are sent, sent once, resolved whatever happens (contract 4b to 4d).
//!
//! * `prepare`: fills in and checks a load. * `create`: holds it, journals it, sends it.
//! * `send`: one attempt and what its answer proves. * `resolve`: the read-back of an intent without outcome.
//! * `driver`: the background task that resolves what the foreground or a dead process left.
//! * `overdue`: what the carrier left undecided past its time.
//! * `read`: get, list. * `withdraw`. * `change`: revise, amend, counter offers, cancel. * `import`: a carrier's tender that
//!   this journal did not make. * `release`: the operator's override.
//! * [`Watch`]. * `papers`: proof of delivery. * `view`: a tender as the application sees it.

pub(crate) mod change;
mod create;
mod driver;
pub(crate) mod import;
mod overdue;
mod papers;
mod prepare;
mod read;
pub(crate) mod release;
mod resolve;
mod send;
#[cfg(test)]
pub(crate) mod tests;
mod view;
mod watch;
mod withdraw;

use std::time::Duration;

use gladhand_documents::json::Document;

pub(crate) use create::create;
pub(crate) use driver::drive;
pub(crate) use papers::papers;
pub(crate) use read::{get, list, row};
pub(crate) use resolve::follow_up;
pub(crate) use send::{Ending, mutate};
pub(crate) use view::view;
pub use watch::Watch;
pub(crate) use withdraw::withdraw;

/// How a load is tendered.
#[derive(Clone, Debug)]
pub struct CreateOptions {
    /// The carrier's name in the configuration.
    pub carrier: String,
    /// The offer that is tendered against, as capacity search gave it. The load is checked against it before anything is
    /// sent.
    pub capacity: Option<Document>,
    /// For how long the carrier may hold the answer back until it has decided (contract 4d). Makes the tender express
    /// unless the load says otherwise; at most what the carrier publishes.
    pub wait: Option<Duration>,
}

impl CreateOptions {
    /// Without capacity and without waiting.
    pub fn new(carrier: impl Into<String>) -> Self {
        Self { carrier: carrier.into(), capacity: None, wait: None }
    }

    /// Tenders against this offer.
    pub fn capacity(mut self, offer: Document) -> Self {
        self.capacity = Some(offer);
        self
    }

    /// Waits for a decision.
    pub fn wait(mut self, wait: Duration) -> Self {
        self.wait = Some(wait);
        self
    }
}
