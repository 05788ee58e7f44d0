//! The rules of a tender (contract 4a to 4g), sans-IO: every function takes the time, the randomness and the bytes.
//!
//! * [`transitions`]: the one table of states and moves; the code asks it and `docs/tender.md` is printed from it.
//! * [`state`]: who may move a tender by which event, what holds a load, the view of the brief.
//! * [`fold`]: a tender's history folded into its state and overlays.
//! * [`event`]: what the fold and the inbox need of one CloudEvent.
//! * [`order`]: apply, duplicate, park, or a sequence used twice.
//! * [`history`]: the digest that proves two histories equal.
//! * [`command`]: the life of a command.
//! * [`ids`]: tender ids, operation ids and idempotency keys.
//! * [`explain`]: whether a load fits an offer, check by check.
//! * [`answer`]: what a carrier's answer to a mutation proves.
//! * [`recovery`]: what to do with an intent that has no outcome.
//! * [`retry`]: backoff with jitter, and the budget of retries.
//! * [`circuit`]: sparing a carrier that answers 503.
//! * [`reconcile`]: the class of a difference between two histories.

pub mod answer;
pub mod circuit;
pub mod command;
pub mod event;
pub mod explain;
pub mod fold;
pub mod history;
pub mod ids;
pub mod order;
pub mod reconcile;
pub mod recovery;
pub mod retry;
pub mod state;
pub mod transitions;
