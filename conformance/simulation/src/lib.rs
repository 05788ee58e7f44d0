//! Proof over a network: the real client and two real carriers in one thread, in virtual time, under loss, duplication,
//! reordering, delay, partition and restart. A seed decides everything; the same seed is the same run.
//!
//! * [`run()`]: one seed. [`Outcome`]: what became of it. [`Plan`]: what a seed has in store. [`Defect`]: what may be wrong
//!   on purpose.
//! * [`Setting`]: what all runs share. `world`: the stage of one. `clock`, `rng`, `trace`.
//! * `network`: what becomes of each message. `host`: processes of the TMS, their deaths, webhooks and the application.
//! * `tms`: its dispatchers. `brain`: the carriers' people.
//! * [`model`]: the state machine with both parties, exhaustively.
//! * `check`: what must hold at every instant. [`Oracle`]: the hand-written matrix.

mod brain;
mod check;
mod clock;
mod host;
pub mod model;
mod network;
mod oracle;
mod plan;
mod rng;
mod run;
mod setting;
mod tms;
mod trace;
mod world;

pub use oracle::Oracle;
pub use plan::{Defect, Plan};
pub use rng::Rng;
pub use run::{Outcome, run};
pub use setting::{CARRIERS, Setting};
