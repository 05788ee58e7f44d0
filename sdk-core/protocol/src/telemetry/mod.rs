//! The rules of the telemetry stream, on both of our ends. Pure: time is an argument, and nothing here waits.
//!
//! * [`Sender`]: the gateway's end. Lanes with budgets, frames, credit, acknowledgements, resume, declared gaps.
//! * [`Policies`], [`LanePolicy`], [`DropPolicy`]: what a lane may hold, and what goes when it is full.
//! * [`Conservation`]: produced = acknowledged + declared dropped + pending, counted independently.
//! * [`Latest`]: the follower's end. The newest position of each load, and how many were left out.
//! * [`ServerClock`]: how fresh a position is, by the collector's clock.
//! * [`Backoff`]: how long to wait before the next attempt.
//!
//! The backlog is held in memory and is lost with the process; sequence leases and a spool on disk take the place of the
//! queue in `lane` without a change to the stream.

mod backoff;
mod contexts;
mod freshness;
mod lane;
mod latest;
mod many;
mod policy;
mod sender;
#[cfg(test)]
mod tests;

pub use backoff::Backoff;
pub use freshness::ServerClock;
pub use lane::{Admission, Conservation};
pub use latest::{Latest, Seen};
pub use many::Published;
pub use policy::{DropPolicy, LANES, LanePolicy, Policies};
pub use sender::{Opened, Sender, Setback};
