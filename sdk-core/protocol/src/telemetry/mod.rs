//! The rules of the telemetry stream, on both of our ends. Pure: time is an argument, and nothing here waits.
//!
//! * [`Sender`]: the gateway's end. Lanes with budgets, frames, credit, acknowledgements, resume, declared gaps. `admit`:
//!   records in. `stream`: records out. `replay`: records once more. `lane`, `item`: what waits. `drops`: what goes. `flow`, `window`: what is under way.
//! * [`Stream`]: safety has one of its own, the other lanes share one.
//! * [`Policies`], [`LanePolicy`], [`DropPolicy`]: what a lane may hold, and what goes when it is full.
//! * [`Backlog`]: where frames lie beyond the life of a process; [`Recovered`]: what it held. `recover`: a lane from that.
//! * [`Conservation`]: produced = acknowledged + declared dropped + pending, counted independently.
//! * [`Latest`]: the follower's end. The newest position of each load, and how many were left out.
//! * [`ServerClock`]: how fresh a position is, by the collector's clock.
//! * [`Backoff`]: how long to wait before the next attempt.

mod admit;
mod backlog;
mod backoff;
mod contexts;
mod counts;
mod drops;
mod flow;
mod freshness;
mod item;
mod lane;
mod latest;
mod many;
mod policy;
mod recover;
mod replay;
mod sender;
mod stream;
#[cfg(test)]
mod tests;
mod window;

pub use backlog::{
    Backlog, Cursor, Held, Leases, NotKept, Now, Place, REASONS, Recovered, RecoveredFrame, RecoveredLane, Sealed,
};
pub use backoff::Backoff;
pub use counts::{Admission, Conservation};
pub use flow::Stream;
pub use freshness::ServerClock;
pub use latest::{Latest, Seen};
pub use many::Published;
pub use policy::{DropPolicy, LANES, LanePolicy, Policies};
pub use sender::Sender;
pub use stream::{Opened, Setback};
