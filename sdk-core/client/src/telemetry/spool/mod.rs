//! The spool: sealed frames, declared losses and leases on disk, so that a gateway that is killed, loses power or finds its
//! disk damaged goes on where it was, and says what is missing.
//!
//! * [`Spool`]: the backlog of a [`Sender`](gladhand_protocol::telemetry::Sender). `recover`: how it starts. `again`: what it
//!   still has of what is acknowledged.
//! * [`SpoolStorage`], [`SpoolFile`]: what it needs of a disk; [`Folder`]: a folder of the file system.
//! * [`Condition`]: how it is, and the group commit.
//! * `entry`, `segments`, `scan`: frames. `lease`: which numbers may be used. `cursor`: what is settled. `reserve`: declared
//!   losses. `quarantine`: what was damaged. `bytes`: fields.
//!
//! Nothing is shared between files and nothing has to agree with anything: a start is a scan of the folder. It never fails
//! because of what is in the files.

mod again;
mod bytes;
mod condition;
mod cursor;
#[cfg(test)]
mod damage;
mod entry;
#[cfg(test)]
mod fault;
mod lease;
#[cfg(test)]
mod oracle;
mod quarantine;
mod recover;
mod reserve;
mod scan;
mod segments;
mod storage;
mod store;
#[cfg(test)]
mod tests;

pub use condition::Condition;
pub use gladhand_protocol::telemetry::{
    Backlog, Cursor, Held, Leases, NotKept, Now, Place, Recovered, RecoveredFrame, RecoveredLane, Sealed, Sender,
    Stream,
};
pub use storage::{Folder, SpoolFile, SpoolStorage};
pub use store::Spool;

/// What is in the bytes of a segment: how many whole entries, how many damaged ones that can still be placed, and how many
/// bytes that are neither.
#[doc(hidden)]
pub fn examine(segment: &[u8]) -> (usize, usize, usize) {
    let found = scan::scan(segment);
    let whole = found.seen.iter().filter(|seen| seen.whole).count();
    (whole, found.seen.len() - whole, found.damaged.iter().map(|(from, to)| to - from).sum())
}
