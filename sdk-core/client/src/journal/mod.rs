//! The journal: what was meant, sent, answered and heard, on disk before anything depends on it (contract 4c, 4g).
//!
//! Append-only, hash-chained entries (INTENT, OUTCOME, EVENT_IN, SNAPSHOT, OVERRIDE) and, in the same transactions, the
//! tables that they fold to: tenders, intents, inbox, consumers. It never talks to a network and never decides by itself.
//!
//! * [`Store`]: what any database must offer. * `sqlite`: the one for the processes of a host.
//! * [`rows`]: what it takes and gives. * `chain`: digests of entries and the mirrored head.
//! * `owner`: which process holds an intent, and whether it still lives. * `place`: where a journal may lie.
//! * `presence`: which copies of this library have it open. * [`file`](mod@file): looking into one without a client.
//! * [`Journal`]: the store behind a thread of its own, for asynchronous callers; concurrent writes share a commit.

mod chain;
#[cfg(test)]
mod damage_tests;
#[cfg(test)]
mod disk_tests;
pub mod file;
mod group;
#[cfg(test)]
mod group_tests;
#[cfg(test)]
mod interleavings;
mod owner;
mod place;
mod presence;
pub mod rows;
mod sqlite;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

use gladhand_documents::error::Result;
use gladhand_documents::json::Document;
use gladhand_protocol::proof::schedule::{Change, ScheduledKey};
use gladhand_protocol::tender::event::Incoming;
use jiff::Timestamp;

pub use group::Journal;
pub(crate) use owner::Owner;
use rows::{
    Accepted, Attention, CarrierRow, CommandRow, Delivered, Effect, Entry, Intent, NewIntent, NewTender, Opened,
    OpenedIntent, Outcome, Override, Report, TenderRow,
};

/// For how long a process that says nothing keeps what it holds. Beats come three times as often.
pub(crate) const LEASE: Duration = Duration::from_secs(3);

/// A database that keeps the journal. Every method is atomic by itself: one that fails leaves nothing. One that writes
/// returns only once entry and mirrored head are on disk; between [`Store::group`] and [`Store::commit`], once that has
/// returned. All methods block.
///
/// Errors of every method: `journal_unwritable`, `journal_busy`, `journal_corrupt`, `journal_truncated`. With `not_sent`
/// nothing of the call is in the journal; with `maybe_sent` it may be, and what was meant may be done later.
pub trait Store: Send {
    /// From now on writes wait for [`Store::commit`], and become durable together. Those that need not be `lasting` may be
    /// lost in a power cut until a later group is, or [`Store::settle`]: that commit does not wait for the disk.
    fn group(&mut self, lasting: bool);
    /// Whether what was answered since then depends on that commit.
    fn pending(&self) -> bool;
    /// Ends the group. An error is that of all its writes.
    fn commit(&mut self) -> Result<()>;
    /// Whether a power cut could still take something that was committed, or its mirrored head.
    fn owes(&self) -> bool;
    /// Brings that to disk.
    fn settle(&mut self) -> Result<()>;
    /// How many transactions this store committed.
    fn commits(&self) -> u64;

    /// Registers this process and lets its first lease begin.
    fn register(&mut self, owner: &Owner) -> Result<()>;
    /// Ends what this process holds.
    fn unregister(&mut self, owner: &str) -> Result<()>;
    /// Renews the lease if this process holds anything.
    fn beat(&mut self, owner: &str) -> Result<()>;

    /// Holds the load and appends the INTENT, or returns the tender that is there already (contract 4b). Errors:
    /// `load_held` where `again` is asked of a load that is not released; `epoch_changed` as of [`Store::sendable`].
    fn open_tender(&mut self, tender: &NewTender, intent: &NewIntent) -> Result<Opened>;
    /// Appends the INTENT of another mutation, or returns the open one of the same operation id. Errors: `epoch_changed`;
    /// `tender_unknown` for a mutation of a tender that is not there, or no more.
    fn open_intent(&mut self, intent: &NewIntent) -> Result<OpenedIntent>;
    /// Takes over the open intents whose owners are gone.
    fn claim_lapsed(&mut self, owner: &str) -> Result<Vec<Intent>>;
    /// The open intents: of one tender, or all.
    fn open_intents(&mut self, tender: Option<&str>) -> Result<Vec<Intent>>;
    /// Whether an intent is still open and still held with this fencing number. Fails while the head cannot be mirrored:
    /// what this allows to be sent is on disk for good.
    fn holds(&mut self, id: u64, fence: u64) -> Result<bool>;
    /// Notes that an attempt ended without proof.
    fn taint(&mut self, id: u64, fence: u64) -> Result<()>;
    /// Appends the OUTCOME by compare-and-set on the fencing number, with its effect on the tender. `false` where
    /// somebody else closed or took the intent.
    fn close_intent(&mut self, id: u64, fence: u64, outcome: &Outcome, effect: &Effect) -> Result<bool>;
    /// The content of the latest intent of this operation id.
    fn content(&mut self, operation: &str, operation_id: &str) -> Result<Option<Document>>;
    /// How many finished intents of this operation a tender has; numbers withdrawals.
    fn count_intents(&mut self, tender: &str, operation: &str) -> Result<u32>;

    /// One tender.
    fn tender(&mut self, id: &str) -> Result<Option<TenderRow>>;
    /// The tender that holds a load, or has delivered it.
    fn holder(&mut self, load: &str) -> Result<Option<TenderRow>>;
    /// The latest tender of a load at a carrier.
    fn latest(&mut self, carrier: &str, load: &str) -> Result<Option<TenderRow>>;
    /// The tenders that have a dispatch of this id, the latest first: ids are unique at one carrier only.
    fn tenders_of_dispatch(&mut self, dispatch: &str) -> Result<Vec<TenderRow>>;
    /// Every tender in this state, or all, newest first.
    fn tenders(&mut self, state: Option<&str>) -> Result<Vec<TenderRow>>;
    /// The tenders whose history has had a gap since before `gap_before_ms` (unix milliseconds).
    fn gaps(&mut self, gap_before_ms: i64) -> Result<Vec<TenderRow>>;
    /// By carrier, since when its oldest gap has been open.
    fn gap_since(&mut self) -> Result<BTreeMap<String, Timestamp>>;
    /// Takes a carrier's snapshot of a tender over. An older one than already applied changes nothing.
    fn snapshot(&mut self, tender: &str, snapshot: &Document) -> Result<TenderRow>;
    /// Takes over a carrier's tender that this journal did not make; one that it knows already takes the snapshot.
    fn import(&mut self, tender: &NewTender, snapshot: &Document) -> Result<TenderRow>;
    /// Releases a tender's load by an operator's word: appends the OVERRIDE and closes what is open of its creation.
    fn release(&mut self, tender: &str, by: &Override) -> Result<TenderRow>;
    /// Marks a tender's history as different from the carrier's.
    fn diverge(&mut self, tender: &str, why: &str) -> Result<TenderRow>;

    /// Stores an event and applies it if it is the next one, with all that waited behind it (contract 4e).
    fn accept(&mut self, event: &Incoming, carrier: &str, via: &str) -> Result<Accepted>;
    /// A tender's stored events after a sequence, in order, at most `limit`.
    fn events(&mut self, tender: &str, after: u64, limit: usize) -> Result<Vec<Document>>;
    /// Events that matter to safety, stored after this row, with their rows; at most `limit`.
    fn safety(&mut self, after: i64, limit: usize) -> Result<Vec<(i64, Document)>>;
    /// The row up to which the application was told what matters to safety.
    fn safety_told(&mut self) -> Result<i64>;
    /// Notes that the application was told up to this row. An earlier one changes nothing.
    fn tell_safety(&mut self, row: i64) -> Result<()>;

    /// Makes `reader` the one reader of a consumer. Error: `consumer_leased`.
    fn lease_consumer(&mut self, consumer: &str, owner: &str, reader: &str) -> Result<()>;
    /// Lets go of a consumer.
    fn release_consumer(&mut self, consumer: &str, reader: &str) -> Result<()>;
    /// The first applied event after `after` that the consumer has not acknowledged. Error: `consumer_leased`.
    fn next_delivery(&mut self, consumer: &str, reader: &str, after: u64) -> Result<Option<Delivered>>;
    /// Acknowledges a delivery, also for a reader that was released, unless another one has the consumer by now. Error:
    /// `consumer_leased`.
    fn acknowledge(&mut self, consumer: &str, reader: &str, token: u64) -> Result<()>;

    /// What is known of a carrier's log.
    fn carrier(&mut self, name: &str) -> Result<CarrierRow>;
    /// Moves the feed cursor.
    fn set_cursor(&mut self, carrier: &str, cursor: &str) -> Result<()>;
    /// Fails with `epoch_changed` while the carrier is frozen: nothing is sent to it before a reconciliation.
    fn sendable(&mut self, carrier: &str) -> Result<()>;
    /// Notes the log epoch of an answer; the carrier is frozen when it changed. Returns what is known then.
    fn note_epoch(&mut self, carrier: &str, epoch: &str) -> Result<CarrierRow>;
    /// Ends the freeze, after a reconciliation without open differences under this epoch.
    fn thaw(&mut self, carrier: &str, epoch: &str) -> Result<()>;
    /// The next command sequence of a dispatch (contract 4f).
    fn next_command(&mut self, dispatch: &str) -> Result<u64>;
    /// The commands of a dispatch, or the one of this id, the oldest first.
    fn commands(&mut self, dispatch: &str, command: Option<&str>) -> Result<Vec<CommandRow>>;
    /// How a command was taken back, if the carrier may know of it.
    fn revocation(&mut self, dispatch: &str, command: &str) -> Result<Option<Document>>;
    /// What does not mend itself; gaps count that opened before `gap_before_ms` (unix milliseconds).
    fn attention(&mut self, gap_before_ms: i64) -> Result<Attention>;

    /// Brings the schedule of a carrier's assertion keys to now (identity §4): what it is then, and what changed by this
    /// call. `at_hand`: the keys of the configuration, oldest first.
    fn advance_keys(
        &mut self,
        carrier: &str,
        at_hand: &[ScheduledKey],
        lead_ms: i64,
    ) -> Result<(Vec<ScheduledKey>, Vec<Change>)>;

    /// Checks every row against its digest, the chain, and the mirrored head.
    fn verify(&mut self) -> Result<Report>;
    /// Entries after an index, in order, at most `limit`.
    fn entries(&mut self, after: u64, limit: usize) -> Result<Vec<Entry>>;
    /// How many intents are open.
    fn unresolved(&mut self) -> Result<u64>;
}
