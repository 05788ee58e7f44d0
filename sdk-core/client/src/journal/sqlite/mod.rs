//! The journal in SQLite: for all processes of one host (architecture, decision 11). WAL, `synchronous=FULL`; writes hold the
//! chain's head lock, so that two processes never chain onto the same row.
//!
//! * `open`: a new file, or one of ours. * `session`: transactions, group commit. * `tx`: what one of them appends.
//! * `known`: what need not be parsed again. * `seal`: a digest over each row. * `check`: the chain and everything else, verified.
//! * `tenders`, `intents`, `commands`, `inbox`, `consumers`, `carriers`, `keys`, `owners`: the tables.

mod carriers;
mod check;
mod commands;
mod consumers;
mod inbox;
mod intents;
mod keys;
mod known;
mod open;
mod owners;
mod seal;
mod session;
mod tenders;
mod tx;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use gladhand_documents::error::{Code, Error, Result};
use gladhand_documents::json::Document;
use gladhand_protocol::proof::schedule::{Change, ScheduledKey};
use gladhand_protocol::tender::event::Incoming;
use jiff::Timestamp;
use rusqlite::ErrorCode;

use super::chain::Mirror;
use super::presence::{self, Presence};
use super::rows::{
    Accepted, Attention, CarrierRow, CommandRow, Delivered, Effect, Entry, Intent, NewIntent, NewTender, Opened,
    OpenedIntent, Outcome, Override, Report, TenderRow,
};
use super::{Owner, Store};
use crate::clock::SharedClock;
use crate::failpoint::Write;
use session::Session;

/// The store.
#[derive(Debug)]
pub(super) struct SqliteStore {
    session: Session,
    /// Let go of after the database is closed.
    _presence: Option<Presence>,
}

impl SqliteStore {
    /// See [`super::Journal::open`].
    pub(super) fn open(path: &Path, environment: &str, tenant: &str, clock: SharedClock) -> Result<Self> {
        let path = super::place::check(path)?;
        let mirror = Mirror::open(&head_of(&path))?;
        // Workers that start together make the journal one after the other.
        let guard = mirror.lock()?;
        let presence = presence::enter(&path)?;
        let mut connection = open::connect(&path)?;
        open::prepare(&mut connection, guard, environment)?;
        Ok(Self { session: Session::new(connection, mirror, tenant, clock), _presence: Some(presence) })
    }

    /// Opens one to read, live or copied; nothing in its folder is made or changed by this but what SQLite itself keeps
    /// beside a database. See [`super::file`].
    pub(super) fn open_to_read(path: &Path) -> Result<Self> {
        let mirror = Mirror::open_to_read(&head_of(path))?;
        let connection = open::connect_to_read(path)?;
        let clock = std::sync::Arc::new(crate::clock::SystemClock::new());
        Ok(Self { session: Session::new(connection, mirror, "", clock), _presence: None })
    }
}

#[cfg(test)]
pub(super) use seal::{TABLES, teach};

#[cfg(test)]
impl SqliteStore {
    /// From now on the disk is full.
    pub(super) fn limit_pages(&self) {
        let connection = self.session.raw();
        let pages: i64 = connection.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap_or_default();
        let _ = connection.pragma_update(None, "max_page_count", pages);
    }

    /// From now on the head file cannot be written.
    pub(super) fn spoil_head(&mut self) {
        let file = self.session.raw().path().map(|path| head_of(Path::new(path))).unwrap_or_default();
        self.mend_head(Mirror::open_to_read(&file).unwrap());
    }

    pub(super) fn mend_head(&mut self, mirror: Mirror) {
        self.session.replace_mirror(mirror);
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
    let said = match &error {
        rusqlite::Error::SqliteFailure(_, Some(text)) => text.as_str(),
        _ => "",
    };
    if let Some(table) = said.strip_prefix(seal::BROKEN) {
        return corrupt(&format!("a row of {table}"));
    }
    let (code, text) = match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            (Code::JournalBusy, "another process holds the journal")
        }
        Some(ErrorCode::DiskFull) => (Code::JournalUnwritable, "the disk of the journal is full"),
        Some(ErrorCode::ReadOnly) => (Code::JournalUnwritable, "the journal is read-only"),
        Some(ErrorCode::DatabaseCorrupt) => (Code::JournalCorrupt, "the journal's file is damaged"),
        // Of another type than was written, or no text.
        None => (Code::JournalCorrupt, "a row of the journal cannot be read"),
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
    fn group(&mut self, lasting: bool) {
        self.session.group(lasting);
    }
    fn pending(&self) -> bool {
        self.session.pending()
    }
    fn commit(&mut self) -> Result<()> {
        self.session.commit()
    }
    fn owes(&self) -> bool {
        self.session.owes()
    }
    fn settle(&mut self) -> Result<()> {
        self.session.settle()
    }
    fn commits(&self) -> u64 {
        self.session.commits()
    }

    fn register(&mut self, owner: &Owner) -> Result<()> {
        self.session.write(Write::Register, |tx| owners::register(tx, owner))
    }
    fn unregister(&mut self, owner: &str) -> Result<()> {
        self.session.write(Write::Unregister, |tx| owners::unregister(tx, owner))
    }
    fn beat(&mut self, owner: &str) -> Result<()> {
        if !self.session.read(|tx| owners::holds_anything(tx, owner))? {
            return Ok(());
        }
        // A lost heartbeat costs nothing.
        self.session.write_lax(Write::Beat, |tx| owners::beat(tx, owner))
    }

    fn open_tender(&mut self, tender: &NewTender, intent: &NewIntent) -> Result<Opened> {
        self.session.write(Write::OpenTender, |tx| tenders::open(tx, tender, intent))
    }
    fn open_intent(&mut self, intent: &NewIntent) -> Result<OpenedIntent> {
        self.session.write(Write::OpenIntent, |tx| intents::open(tx, intent))
    }
    fn claim_lapsed(&mut self, owner: &str) -> Result<Vec<Intent>> {
        let lapsed = self.session.read(|tx| intents::lapsed(tx, owner))?;
        if lapsed.is_empty() {
            Ok(Vec::new())
        } else {
            self.session.write(Write::Claim, |tx| intents::claim(tx, owner))
        }
    }
    fn open_intents(&mut self, tender: Option<&str>) -> Result<Vec<Intent>> {
        self.session.read(|tx| intents::all_open(tx, tender))
    }
    fn holds(&mut self, id: u64, fence: u64) -> Result<bool> {
        self.session.read_durable(|tx| intents::holds(tx, id, fence))
    }
    fn taint(&mut self, id: u64, fence: u64) -> Result<()> {
        self.session.write(Write::Taint, |tx| intents::taint(tx, id, fence))
    }
    fn close_intent(&mut self, id: u64, fence: u64, outcome: &Outcome, effect: &Effect) -> Result<bool> {
        self.session.write(Write::Close, |tx| intents::close(tx, id, fence, outcome, effect))
    }
    fn content(&mut self, operation: &str, operation_id: &str) -> Result<Option<Document>> {
        self.session.read(|tx| intents::content(tx, operation, operation_id))
    }
    fn count_intents(&mut self, tender: &str, operation: &str) -> Result<u32> {
        self.session.read(|tx| intents::count(tx, tender, operation))
    }

    fn tender(&mut self, id: &str) -> Result<Option<TenderRow>> {
        self.session.read(|tx| tenders::get(tx, id))
    }
    fn holder(&mut self, load: &str) -> Result<Option<TenderRow>> {
        self.session.read(|tx| tenders::taken(tx, load))
    }
    fn latest(&mut self, carrier: &str, load: &str) -> Result<Option<TenderRow>> {
        self.session.read(|tx| tenders::latest(tx, carrier, load))
    }
    fn tenders_of_dispatch(&mut self, dispatch: &str) -> Result<Vec<TenderRow>> {
        self.session.read(|tx| tenders::of_dispatch(tx, dispatch))
    }
    fn tenders(&mut self, state: Option<&str>) -> Result<Vec<TenderRow>> {
        self.session.read(|tx| tenders::list(tx, state))
    }
    fn gaps(&mut self, gap_before_ms: i64) -> Result<Vec<TenderRow>> {
        self.session.read(|tx| tenders::gaps(tx, gap_before_ms))
    }
    fn gap_since(&mut self) -> Result<BTreeMap<String, Timestamp>> {
        self.session.read(tenders::gap_since)
    }
    fn snapshot(&mut self, tender: &str, snapshot: &Document) -> Result<TenderRow> {
        self.session.write(Write::Snapshot, |tx| tenders::snapshot(tx, tender, snapshot))
    }
    fn import(&mut self, tender: &NewTender, snapshot: &Document) -> Result<TenderRow> {
        self.session.write(Write::Import, |tx| tenders::import(tx, tender, snapshot))
    }
    fn release(&mut self, tender: &str, by: &Override) -> Result<TenderRow> {
        self.session.write(Write::Override, |tx| tenders::release(tx, tender, by))
    }
    fn diverge(&mut self, tender: &str, why: &str) -> Result<TenderRow> {
        self.session.write(Write::Diverge, |tx| tenders::diverge(tx, tender, why))
    }

    fn accept(&mut self, event: &Incoming, carrier: &str, via: &str) -> Result<Accepted> {
        self.session.write(Write::Accept, |tx| inbox::accept(tx, event, carrier, via))
    }
    fn events(&mut self, tender: &str, after: u64, limit: usize) -> Result<Vec<Document>> {
        self.session.read(|tx| inbox::events(tx, tender, after, limit))
    }
    fn safety(&mut self, after: i64, limit: usize) -> Result<Vec<(i64, Document)>> {
        self.session.read(|tx| inbox::safety(tx, after, limit))
    }
    fn safety_told(&mut self) -> Result<i64> {
        self.session.read(inbox::safety_told)
    }
    fn tell_safety(&mut self, row: i64) -> Result<()> {
        self.session.write(Write::Told, |tx| inbox::tell_safety(tx, row))
    }

    fn lease_consumer(&mut self, consumer: &str, owner: &str, reader: &str) -> Result<()> {
        self.session.write(Write::Lease, |tx| consumers::lease(tx, consumer, owner, reader))
    }
    fn release_consumer(&mut self, consumer: &str, reader: &str) -> Result<()> {
        self.session.write(Write::Release, |tx| consumers::release(tx, consumer, reader))
    }
    fn next_delivery(&mut self, consumer: &str, reader: &str, after: u64) -> Result<Option<Delivered>> {
        self.session.read(|tx| consumers::next(tx, consumer, reader, after))
    }
    fn acknowledge(&mut self, consumer: &str, reader: &str, token: u64) -> Result<()> {
        self.session.write(Write::Acknowledge, |tx| consumers::acknowledge(tx, consumer, reader, token))
    }

    fn carrier(&mut self, name: &str) -> Result<CarrierRow> {
        self.session.read(|tx| carriers::get(tx, name))
    }
    fn sendable(&mut self, carrier: &str) -> Result<()> {
        self.session.read(|tx| carriers::sendable(tx, carrier))
    }
    fn set_cursor(&mut self, carrier: &str, cursor: &str) -> Result<()> {
        self.session.write(Write::Cursor, |tx| carriers::set_cursor(tx, carrier, cursor))
    }
    fn note_epoch(&mut self, carrier: &str, epoch: &str) -> Result<CarrierRow> {
        let known = self.session.read(|tx| carriers::get(tx, carrier))?;
        if known.epoch.as_deref() == Some(epoch) {
            Ok(known)
        } else {
            self.session.write(Write::Epoch, |tx| carriers::epoch(tx, carrier, epoch))
        }
    }
    fn thaw(&mut self, carrier: &str, epoch: &str) -> Result<()> {
        self.session.write(Write::Thaw, |tx| carriers::thaw(tx, carrier, epoch))
    }
    fn next_command(&mut self, dispatch: &str) -> Result<u64> {
        self.session.write(Write::Command, |tx| carriers::next_command(tx, dispatch))
    }
    fn commands(&mut self, dispatch: &str, command: Option<&str>) -> Result<Vec<CommandRow>> {
        self.session.read(|tx| commands::of(tx, dispatch, command))
    }
    fn revocation(&mut self, dispatch: &str, command: &str) -> Result<Option<Document>> {
        self.session.read(|tx| commands::revocation(tx, dispatch, command))
    }
    fn attention(&mut self, gap_before_ms: i64) -> Result<Attention> {
        self.session.read(|tx| inbox::attention(tx, gap_before_ms))
    }
    fn advance_keys(
        &mut self,
        carrier: &str,
        at_hand: &[ScheduledKey],
        lead_ms: i64,
    ) -> Result<(Vec<ScheduledKey>, Vec<Change>)> {
        let (keys, changes) = self.session.read(|tx| keys::next(tx, carrier, at_hand, lead_ms))?;
        if changes.is_empty() {
            return Ok((keys, changes));
        }
        // Another process may have been faster: what counts is decided again under the lock.
        self.session.write(Write::Keys, |tx| {
            let (keys, changes) = keys::next(tx, carrier, at_hand, lead_ms)?;
            keys::put(tx, carrier, &keys)?;
            Ok((keys, changes))
        })
    }

    fn verify(&mut self) -> Result<Report> {
        let mirrored = self.session.mirrored()?;
        self.session.read(|tx| check::verify(tx, mirrored))
    }
    fn entries(&mut self, after: u64, limit: usize) -> Result<Vec<Entry>> {
        self.session.read(|tx| check::entries(tx, after, limit))
    }
    fn unresolved(&mut self) -> Result<u64> {
        self.session.read(check::unresolved)
    }
}
