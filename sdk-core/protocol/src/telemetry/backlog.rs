//! Where sealed frames lie: in memory, or behind [`Backlog`], which a spool on disk implements. Trait alone; no input or
//! output here.

use std::fmt;
use std::sync::Arc;

use gladhand_documents::error::{Error, Result};
use gladhand_documents::telemetry::frame::Epoch;
use gladhand_documents::telemetry::wire::{DropReason, GapNotice, StreamContext};
use gladhand_documents::telemetry::{Context, Lane};

/// How many reasons a drop can have; a [`DropReason`] is an index below it.
pub const REASONS: usize = DropReason::TailUnknown as usize + 1;

/// The time of a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// Milliseconds since an arbitrary moment of this process; never goes back.
    pub ms: u64,
    /// Milliseconds since 1970 by the wall clock, which may jump.
    pub unix_ms: u64,
}

/// Where a frame lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Frames of one segment go together.
    pub segment: u64,
    /// The entry's first byte.
    pub offset: u32,
    /// Bytes that the entry takes.
    pub bytes: u32,
}

/// A sealed frame on its way into a backlog.
#[derive(Clone, Copy, Debug)]
pub struct Sealed<'a> {
    /// The lane.
    pub lane: Lane,
    /// The first record's sequence.
    pub first: u64,
    /// How many records.
    pub count: u32,
    /// The frame's checksum on the wire.
    pub checksum: u32,
    /// The smallest and the largest event sequence.
    pub events: (u64, u64),
    /// When the first record was admitted, milliseconds since 1970.
    pub admitted_unix_ms: u64,
    /// The contexts that the payload refers to.
    pub contexts: &'a [StreamContext],
    /// The uncompressed payload.
    pub payload: &'a [u8],
}

/// Why a backlog did not take something.
#[derive(Clone, Debug)]
pub enum NotKept {
    /// There is no room; something else must go first.
    Full,
    /// It cannot be written.
    Failed(Error),
}

/// Numbers that may be given out, each below the end stated here. A lease is on disk before the first of its numbers is
/// used, so that no number is ever given out twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Leases {
    /// Sequences per lane.
    pub lanes: [u64; 4],
    /// Event sequences.
    pub events: u64,
    /// Numbers of contexts.
    pub contexts: u32,
}

/// What is settled in a lane.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cursor {
    /// Everything up to here was acknowledged or declared.
    pub through: u64,
    /// How many of these records were declared lost, by reason.
    pub dropped: [u64; REASONS],
}

/// A store for sealed frames, declared losses and leases.
pub trait Backlog: fmt::Debug + Send {
    /// Makes these leases durable. If that fails none of the new numbers may be used.
    fn lease(&mut self, leases: &Leases) -> Result<()>;

    /// Takes a frame; `durably`: it survives a power cut when this returns.
    fn append(&mut self, frame: &Sealed<'_>, durably: bool) -> Result<Place, NotKept>;

    /// The payload of a frame, verified. Errors: what lies there is not what was written.
    fn read(&mut self, lane: Lane, place: Place) -> Result<Vec<u8>>;

    /// Takes a declared loss, in place of every one it covers. `settled`: it is being said to the collector.
    fn declare(&mut self, notice: &GapNotice, settled: bool, durably: bool) -> Result<(), NotKept>;

    /// The frames that overlap these sequences and are still there, needed or not, in any order. Their bytes may go at any time.
    fn held(&mut self, lane: Lane, first: u64, last: u64) -> Held;

    /// A frame is needed no more.
    fn release(&mut self, lane: Lane, place: Place);

    /// What is settled in a lane. A hint: it may be lost.
    fn settle(&mut self, lane: Lane, cursor: &Cursor);

    /// Everything that is left belongs to another epoch now, each sequence less the shift of its lane.
    fn renumber(&mut self, epoch: &Epoch, shifts: [u64; 4], leases: &Leases) -> Result<()>;

    /// Makes everything durable, with leases that end where numbering will go on.
    fn close(&mut self, leases: &Leases) -> Result<()>;
}

/// What a backlog held when it was opened.
#[derive(Debug, Default)]
pub struct Recovered {
    /// The epoch.
    pub epoch: Epoch,
    /// Where numbering goes on.
    pub leases: Leases,
    /// What each lane holds.
    pub lanes: [RecoveredLane; 4],
    /// The contexts that frames refer to.
    pub contexts: Vec<(u32, Arc<Context>)>,
}

/// What a backlog held of one lane, in any order.
#[derive(Debug, Default)]
pub struct RecoveredLane {
    /// What was settled, as far as is known.
    pub cursor: Cursor,
    /// Frames.
    pub frames: Vec<RecoveredFrame>,
    /// Losses, and whether each was said to the collector.
    pub gaps: Vec<(GapNotice, bool)>,
}

/// Frames that are still there.
#[derive(Debug, Default)]
pub struct Held {
    /// Frames.
    pub frames: Vec<RecoveredFrame>,
    /// The contexts that they refer to.
    pub contexts: Vec<(u32, Arc<Context>)>,
}

/// A frame that was found.
#[derive(Clone, Debug)]
pub struct RecoveredFrame {
    /// The first record's sequence.
    pub first: u64,
    /// How many records.
    pub count: u32,
    /// The checksum on the wire; nothing if the frame has been renumbered since.
    pub checksum: Option<u32>,
    /// The smallest and the largest event sequence.
    pub events: (u64, u64),
    /// When it was admitted, milliseconds since 1970.
    pub admitted_unix_ms: u64,
    /// The contexts it refers to.
    pub context_ids: Box<[u32]>,
    /// Bytes of the payload.
    pub payload_bytes: u32,
    /// Where it lies.
    pub place: Place,
}
