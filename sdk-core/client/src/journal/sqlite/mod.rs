//! The journal in SQLite: for all processes of one host (architecture, decision 11). WAL, `synchronous=FULL`; appends
//! hold the chain's head lock, so that two processes never chain onto the same row.
//!
//! * `open`: a new file, or one of ours. * `tx`: one transaction and what it appends.
//! * `tenders`, `intents`, `commands`, `inbox`, `consumers`, `carriers`, `keys`, `check`: the tables.

mod carriers;
mod check;
mod commands;
mod consumers;
mod inbox;
mod intents;
mod keys;
mod open;
mod owners;
mod tenders;
mod tx;

use std::path::{Path, PathBuf};

use gladhand_documents::error::{Code, Error, Result};
use gladhand_documents::json::Document;
use gladhand_protocol::proof::schedule::{Change, ScheduledKey};
use gladhand_protocol::tender::event::Incoming;
use rusqlite::{Connection, ErrorCode, TransactionBehavior};

use super::chain::Mirror;
use super::rows::{
    Accepted, Attention, CarrierRow, CommandRow, Delivered, Effect, Entry, Intent, NewIntent, NewTender, Opened,
    OpenedIntent, Outcome, Override, Report, TenderRow,
};
use super::{Owner, Store};
use crate::clock::SharedClock;
use tx::Tx;

/// The store.
#[derive(Debug)]
pub(super) struct SqliteStore {
    connection: Connection,
    mirror: Mirror,
    tenant: String,
    clock: SharedClock,
}

impl SqliteStore {
    /// See [`super::Journal::open`].
    pub(super) fn open(path: &Path, environment: &str, tenant: &str, clock: SharedClock) -> Result<Self> {
        let path = super::place::check(path)?;
        let mirror = Mirror::open(&head_of(&path))?;
        // Workers that start together make the journal one after the other.
        let guard = mirror.lock()?;
        let mut connection = open::connect(&path)?;
        open::prepare(&mut connection, guard, environment)?;
        Ok(Self { connection, mirror, tenant: tenant.to_owned(), clock })
    }

    /// A transaction that only reads.
    fn read<T>(&mut self, work: impl FnOnce(&Tx<'_>) -> Result<T>) -> Result<T> {
        let tx = self.connection.transaction_with_behavior(TransactionBehavior::Deferred).map_err(db)?;
        work(&Tx::new(&tx, &self.tenant, &*self.clock))
    }

    /// A transaction that writes, and appends nothing to the chain.
    fn write<T>(&mut self, work: impl FnOnce(&Tx<'_>) -> Result<T>) -> Result<T> {
        let tx = self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(db)?;
        let out = work(&Tx::new(&tx, &self.tenant, &*self.clock))?;
        tx.commit().map_err(db)?;
        Ok(out)
    }

    /// A transaction that may append to the chain: under the head lock, mirrored once it is committed.
    fn append<T>(&mut self, work: impl FnOnce(&mut Tx<'_>) -> Result<T>) -> Result<T> {
        let mut guard = self.mirror.lock()?;
        let tx = self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(db)?;
        let mut context = Tx::new(&tx, &self.tenant, &*self.clock);
        let before = context.head()?;
        let mirrored = guard.read()?.unwrap_or_default();
        if mirrored.index > before.index {
            return Err(truncated(mirrored.index, before.index));
        }
        let out = work(&mut context)?;
        let after = context.head()?;
        tx.commit().map_err(db)?;
        if after != before {
            guard.write(after)?;
        }
        Ok(out)
    }
}

#[cfg(test)]
impl SqliteStore {
    /// From now on the disk is full.
    pub(super) fn limit_pages(&self) {
        let pages: i64 = self.connection.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap_or_default();
        let _ = self.connection.pragma_update(None, "max_page_count", pages);
    }
}

/// Where the head is mirrored.
fn head_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".head");
    PathBuf::from(name)
}

fn truncated(mirrored: u64, there: u64) -> Error {
    Error::new(Code::JournalTruncated, format!("the journal once had {mirrored} entries and now ends at {there}"))
}

/// A failure of the database as one of ours.
fn db(error: rusqlite::Error) -> Error {
    let (code, text) = match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            (Code::JournalBusy, "another process holds the journal")
        }
        Some(ErrorCode::DiskFull) => (Code::JournalUnwritable, "the disk of the journal is full"),
        Some(ErrorCode::ReadOnly) => (Code::JournalUnwritable, "the journal is read-only"),
        Some(ErrorCode::DatabaseCorrupt) => (Code::JournalCorrupt, "the journal's file is damaged"),
        Some(ErrorCode::NotADatabase) => (Code::JournalUnsupported, "the journal's file is none of SQLite"),
        Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied | ErrorCode::SystemIoFailure) => {
            (Code::JournalUnwritable, "the journal's file cannot be used")
        }
        _ => (Code::JournalUnwritable, "the journal refused a statement"),
    };
    Error::new(code, text).caused_by(&error)
}

/// A row that cannot be what was written.
fn corrupt(what: &str) -> Error {
    Error::new(Code::JournalCorrupt, format!("{what} does not match its digest"))
}

impl Store for SqliteStore {
    fn register(&mut self, owner: &Owner) -> Result<()> {
        self.write(|tx| owners::register(tx, owner))
    }
    fn unregister(&mut self, owner: &str) -> Result<()> {
        self.write(|tx| owners::unregister(tx, owner))
    }
    fn beat(&mut self, owner: &str) -> Result<()> {
        if !self.read(|tx| owners::holds_anything(tx, owner))? {
            return Ok(());
        }
        // A lost heartbeat costs nothing: it need not wait for the disk.
        self.connection.pragma_update(None, "synchronous", "NORMAL").map_err(db)?;
        let beat = self.write(|tx| owners::beat(tx, owner));
        self.connection.pragma_update(None, "synchronous", "FULL").map_err(db)?;
        beat
    }

    fn open_tender(&mut self, tender: &NewTender, intent: &NewIntent) -> Result<Opened> {
        self.append(|tx| tenders::open(tx, tender, intent))
    }
    fn open_intent(&mut self, intent: &NewIntent) -> Result<OpenedIntent> {
        self.append(|tx| intents::open(tx, intent))
    }
    fn claim_lapsed(&mut self, owner: &str) -> Result<Vec<Intent>> {
        let lapsed = self.read(|tx| intents::lapsed(tx, owner))?;
        if lapsed.is_empty() { Ok(Vec::new()) } else { self.write(|tx| intents::claim(tx, owner)) }
    }
    fn open_intents(&mut self, tender: Option<&str>) -> Result<Vec<Intent>> {
        self.read(|tx| intents::all_open(tx, tender))
    }
    fn holds(&mut self, id: u64, fence: u64) -> Result<bool> {
        self.read(|tx| intents::holds(tx, id, fence))
    }
    fn taint(&mut self, id: u64, fence: u64) -> Result<()> {
        self.write(|tx| intents::taint(tx, id, fence))
    }
    fn close_intent(&mut self, id: u64, fence: u64, outcome: &Outcome, effect: &Effect) -> Result<bool> {
        self.append(|tx| intents::close(tx, id, fence, outcome, effect))
    }
    fn content(&mut self, operation: &str, operation_id: &str) -> Result<Option<Document>> {
        self.read(|tx| intents::content(tx, operation, operation_id))
    }
    fn count_intents(&mut self, tender: &str, operation: &str) -> Result<u32> {
        self.read(|tx| intents::count(tx, tender, operation))
    }

    fn tender(&mut self, id: &str) -> Result<Option<TenderRow>> {
        self.read(|tx| tenders::get(tx, id))
    }
    fn holder(&mut self, load: &str) -> Result<Option<TenderRow>> {
        self.read(|tx| tenders::taken(tx, load))
    }
    fn latest(&mut self, carrier: &str, load: &str) -> Result<Option<TenderRow>> {
        self.read(|tx| tenders::latest(tx, carrier, load))
    }
    fn tenders_of_dispatch(&mut self, dispatch: &str) -> Result<Vec<TenderRow>> {
        self.read(|tx| tenders::of_dispatch(tx, dispatch))
    }
    fn tenders(&mut self, state: Option<&str>) -> Result<Vec<TenderRow>> {
        self.read(|tx| tenders::list(tx, state))
    }
    fn gaps(&mut self, gap_before_ms: i64) -> Result<Vec<TenderRow>> {
        self.read(|tx| tenders::gaps(tx, gap_before_ms))
    }
    fn snapshot(&mut self, tender: &str, snapshot: &Document) -> Result<TenderRow> {
        self.append(|tx| tenders::snapshot(tx, tender, snapshot))
    }
    fn import(&mut self, tender: &NewTender, snapshot: &Document) -> Result<TenderRow> {
        self.append(|tx| tenders::import(tx, tender, snapshot))
    }
    fn release(&mut self, tender: &str, by: &Override) -> Result<TenderRow> {
        self.append(|tx| tenders::release(tx, tender, by))
    }
    fn diverge(&mut self, tender: &str, why: &str) -> Result<TenderRow> {
        self.append(|tx| tenders::diverge(tx, tender, why))
    }

    fn accept(&mut self, event: &Incoming, carrier: &str, via: &str) -> Result<Accepted> {
        self.append(|tx| inbox::accept(tx, event, carrier, via))
    }
    fn events(&mut self, tender: &str, after: u64, limit: usize) -> Result<Vec<Document>> {
        self.read(|tx| inbox::events(tx, tender, after, limit))
    }
    fn safety(&mut self, after: i64, limit: usize) -> Result<Vec<(i64, Document)>> {
        self.read(|tx| inbox::safety(tx, after, limit))
    }
    fn safety_told(&mut self) -> Result<i64> {
        self.read(inbox::safety_told)
    }
    fn tell_safety(&mut self, row: i64) -> Result<()> {
        self.write(|tx| inbox::tell_safety(tx, row))
    }

    fn lease_consumer(&mut self, consumer: &str, owner: &str, reader: &str) -> Result<()> {
        self.write(|tx| consumers::lease(tx, consumer, owner, reader))
    }
    fn release_consumer(&mut self, consumer: &str, reader: &str) -> Result<()> {
        self.write(|tx| consumers::release(tx, consumer, reader))
    }
    fn next_delivery(&mut self, consumer: &str, reader: &str, after: u64) -> Result<Option<Delivered>> {
        self.read(|tx| consumers::next(tx, consumer, reader, after))
    }
    fn acknowledge(&mut self, consumer: &str, reader: &str, token: u64) -> Result<()> {
        self.write(|tx| consumers::acknowledge(tx, consumer, reader, token))
    }

    fn carrier(&mut self, name: &str) -> Result<CarrierRow> {
        self.read(|tx| carriers::get(tx, name))
    }
    fn set_cursor(&mut self, carrier: &str, cursor: &str) -> Result<()> {
        self.write(|tx| carriers::set_cursor(tx, carrier, cursor))
    }
    fn note_epoch(&mut self, carrier: &str, epoch: &str) -> Result<CarrierRow> {
        let known = self.read(|tx| carriers::get(tx, carrier))?;
        if known.epoch.as_deref() == Some(epoch) {
            Ok(known)
        } else {
            self.write(|tx| carriers::epoch(tx, carrier, epoch))
        }
    }
    fn thaw(&mut self, carrier: &str, epoch: &str) -> Result<()> {
        self.write(|tx| carriers::thaw(tx, carrier, epoch))
    }
    fn next_command(&mut self, dispatch: &str) -> Result<u64> {
        self.write(|tx| carriers::next_command(tx, dispatch))
    }
    fn commands(&mut self, dispatch: &str, command: Option<&str>) -> Result<Vec<CommandRow>> {
        self.read(|tx| commands::of(tx, dispatch, command))
    }
    fn attention(&mut self, gap_before_ms: i64) -> Result<Attention> {
        self.read(|tx| inbox::attention(tx, gap_before_ms))
    }
    fn advance_keys(
        &mut self,
        carrier: &str,
        at_hand: &[ScheduledKey],
        lead_ms: i64,
    ) -> Result<(Vec<ScheduledKey>, Vec<Change>)> {
        let (keys, changes) = self.read(|tx| keys::next(tx, carrier, at_hand, lead_ms))?;
        if changes.is_empty() {
            return Ok((keys, changes));
        }
        // Another process may have been faster: what counts is decided again under the lock.
        self.write(|tx| {
            let (keys, changes) = keys::next(tx, carrier, at_hand, lead_ms)?;
            keys::put(tx, carrier, &keys)?;
            Ok((keys, changes))
        })
    }

    fn verify(&mut self) -> Result<Report> {
        let mirrored = self.mirror.lock()?.read()?;
        self.read(|tx| check::verify(tx, mirrored))
    }
    fn entries(&mut self, after: u64, limit: usize) -> Result<Vec<Entry>> {
        self.read(|tx| check::entries(tx, after, limit))
    }
    fn unresolved(&mut self) -> Result<u64> {
        self.read(check::unresolved)
    }
}
