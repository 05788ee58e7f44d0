//! Transactions: one for each read; one for a whole group of writes, which become durable together (group commit).
//!
//! A group costs two waits for the disk, however many writes are in it: SQLite's for its log, and one for the mirrored
//! head if the chain grew. Whoever wrote waits for the first; the second happens before anything else is written. Each
//! write is atomic by itself: it runs under a savepoint, and one that fails leaves nothing.

use std::cell::RefCell;

use gladhand_documents::error::{Code, Error, Result, Sent};
use rusqlite::{Connection, ErrorCode};

use super::known::Known;
use super::tx::{Tx, digest_at, head};
use super::{corrupt, db, truncated};
use crate::clock::SharedClock;
use crate::failpoint::{self, Write};
use crate::journal::chain::{Guard, Head, Mirror};

/// A connection and what it has under way.
#[derive(Debug)]
pub(super) struct Session {
    connection: Connection,
    mirror: Mirror,
    tenant: String,
    clock: SharedClock,
    known: RefCell<Known>,
    /// Whether writes wait for [`Session::commit`].
    grouped: bool,
    open: Option<Open>,
    /// What is committed while its head is not on disk yet.
    unsettled: Option<Open>,
    /// Whether a head could not be brought to disk.
    behind: bool,
    /// Why the writes of this group are lost, if SQLite gave the whole transaction up.
    lost: Option<Error>,
    /// How many transactions became durable.
    commits: u64,
}

/// A transaction that writes.
#[derive(Debug)]
struct Open {
    guard: Guard,
    before: Head,
    /// With what was appended since.
    head: Head,
    writes: Vec<Write>,
}

impl Open {
    fn grew(&self) -> bool {
        self.head != self.before
    }
}

impl Session {
    pub(super) fn new(connection: Connection, mirror: Mirror, tenant: &str, clock: SharedClock) -> Self {
        let tenant = tenant.to_owned();
        Self {
            connection,
            mirror,
            tenant,
            clock,
            known: RefCell::default(),
            grouped: false,
            open: None,
            unsettled: None,
            behind: false,
            lost: None,
            commits: 0,
        }
    }

    /// From now on writes wait for [`Session::commit`].
    pub(super) fn group(&mut self) {
        self.grouped = true;
    }

    /// Whether what was answered since [`Session::group`] depends on [`Session::commit`].
    pub(super) fn pending(&self) -> bool {
        self.open.is_some() || self.lost.is_some()
    }

    pub(super) fn commits(&self) -> u64 {
        self.commits
    }

    /// Reads one state of the journal, with what the group wrote before.
    pub(super) fn read<T>(&mut self, work: impl FnOnce(&Tx<'_>) -> Result<T>) -> Result<T> {
        if self.open.is_some() {
            return work(&self.tx());
        }
        self.execute("BEGIN DEFERRED")?;
        let out = work(&self.tx());
        let ended = self.execute("COMMIT");
        if ended.is_err() {
            // Left open, it would be the end of every later transaction.
            let _ = self.execute("ROLLBACK");
        }
        // Its own failure says more than that it could not be ended after it.
        let out = out?;
        ended.map(|()| out)
    }

    fn tx(&self) -> Tx<'_> {
        let head = self.open.as_ref().map_or_else(Head::default, |open| open.head);
        Tx::new(&self.connection, &self.tenant, &*self.clock, &self.known, head)
    }

    /// [`Session::read`] of what is on disk for good: with the head mirrored, and no other process writing meanwhile.
    pub(super) fn read_durable<T>(&mut self, work: impl FnOnce(&Tx<'_>) -> Result<T>) -> Result<T> {
        self.begin()?;
        let out = work(&self.tx());
        let ended = if self.grouped { Ok(()) } else { self.commit().and_then(|()| self.settle()) };
        ended.and(out)
    }

    /// Writes, and appends to the chain. On disk when it returns, or, in a group, once that is committed.
    pub(super) fn write<T>(&mut self, what: Write, work: impl FnOnce(&mut Tx<'_>) -> Result<T>) -> Result<T> {
        self.begin()?;
        let done = self.saved(what, work);
        let ended = if self.grouped { Ok(()) } else { self.commit().and_then(|()| self.settle()) };
        // Its own failure says more than that nothing could be committed after it.
        let out = done?;
        ended.map(|()| out)
    }

    /// A write that may be lost in a power cut: it need not wait for the disk, unless it is in a group that does.
    pub(super) fn write_lax<T>(&mut self, what: Write, work: impl FnOnce(&mut Tx<'_>) -> Result<T>) -> Result<T> {
        if self.open.is_some() {
            return self.write(what, work);
        }
        let grouped = std::mem::replace(&mut self.grouped, false);
        self.connection.pragma_update(None, "synchronous", "NORMAL").map_err(db)?;
        let out = self.write(what, work);
        self.grouped = grouped;
        self.connection.pragma_update(None, "synchronous", "FULL").map_err(db)?;
        out
    }

    /// What the mirror says, from under the head lock.
    pub(super) fn mirrored(&mut self) -> Result<Option<Head>> {
        match &mut self.open {
            Some(open) => open.guard.read(),
            None => self.mirror.lock()?.read(),
        }
    }

    /// The head lock, then a transaction: always in this order, so that two processes never wait for each other.
    fn begin(&mut self) -> Result<()> {
        if let Some(lost) = &self.lost {
            return Err(lost.clone());
        }
        if self.open.is_some() {
            return Ok(());
        }
        self.settle()?;
        let mut guard = self.mirror.lock()?;
        self.execute("BEGIN IMMEDIATE")?;
        match self.agreed(&mut guard) {
            Ok(before) => {
                self.open = Some(Open { guard, before, head: before, writes: Vec::new() });
                Ok(())
            }
            Err(error) => {
                let _ = self.execute("ROLLBACK");
                Err(error)
            }
        }
    }

    /// The head of the chain, once the mirror says the same. It lags where a process ended, or could not write it, after
    /// its commit; nothing is appended or sent before it is brought up.
    fn agreed(&mut self, guard: &mut Guard) -> Result<Head> {
        let (there, mirrored) = (head(&self.connection)?, guard.read()?.unwrap_or_default());
        if mirrored.index > there.index {
            return Err(truncated(mirrored.index, there.index));
        }
        let same = match mirrored.index {
            0 => true,
            index if index == there.index => mirrored == there,
            index => digest_at(&self.connection, index)? == Some(mirrored.digest),
        };
        if !same {
            return Err(corrupt(&format!("entry {}", mirrored.index)));
        }
        // After a failed sync only what is written anew is known to reach the disk.
        if mirrored != there || self.behind {
            guard.write(there)?;
            self.behind = false;
        }
        Ok(there)
    }

    /// One write under a savepoint.
    fn saved<T>(&mut self, what: Write, work: impl FnOnce(&mut Tx<'_>) -> Result<T>) -> Result<T> {
        self.execute("SAVEPOINT one")?;
        let (done, head) = {
            let mut tx = self.tx();
            (work(&mut tx), tx.head)
        };
        let ended = match &done {
            Ok(_) => self.execute("RELEASE one"),
            // SQLite rolls the whole transaction back where it cannot undo the statement alone.
            Err(error) if self.connection.is_autocommit() => Err(error.clone()),
            Err(_) => self.execute("ROLLBACK TO one").and_then(|()| self.execute("RELEASE one")),
        };
        if let Err(error) = ended {
            let _ = self.execute("ROLLBACK");
            self.open = None;
            self.lost = Some(error.clone());
            return Err(done.err().unwrap_or(error));
        }
        if let (Some(open), Ok(_)) = (&mut self.open, &done) {
            open.writes.push(what);
            open.head = head;
        }
        done
    }

    /// Makes durable what was written, and ends the group; [`Session::settle`] then brings the head to disk.
    ///
    /// An error is that of every write of the group. `not_sent`: nothing of it is in the journal. `maybe_sent`: it may be,
    /// or it is and only the head is not mirrored; then the driver does what was meant as soon as the head can be written,
    /// and nothing goes out before.
    pub(super) fn commit(&mut self) -> Result<()> {
        self.grouped = false;
        let lost = self.lost.take();
        let Some(open) = self.open.take() else { return lost.map_or(Ok(()), Err) };
        if open.writes.is_empty() {
            return self.execute("ROLLBACK");
        }
        let ended = self.make_durable(open);
        if !self.connection.is_autocommit() {
            let _ = self.execute("ROLLBACK");
        }
        ended
    }

    fn make_durable(&mut self, mut open: Open) -> Result<()> {
        failpoint::journal("before_commit", &open.writes);
        self.connection.execute_batch("COMMIT").map_err(|error| {
            // A log that could not be synced may be on disk all the same.
            let unsure = error.sqlite_error_code() == Some(ErrorCode::SystemIoFailure);
            let sent = if unsure { Sent::MaybeSent } else { Sent::NotSent };
            db(error).sent(sent)
        })?;
        self.commits += 1;
        failpoint::journal("after_commit", &open.writes);
        if open.grew() {
            open.guard.put(open.head).map_err(unmirrored)?;
        }
        self.unsettled = Some(open);
        Ok(())
    }

    /// Brings the head of what was committed to disk. It never is ahead of the journal: the journal was there first. That it
    /// may be behind after a power cut costs nothing, the next writer brings it up; so whoever wrote need not wait for it.
    pub(super) fn settle(&mut self) -> Result<()> {
        let Some(mut open) = self.unsettled.take() else { return Ok(()) };
        let synced = if open.grew() { open.guard.sync() } else { Ok(()) };
        self.behind |= synced.is_err();
        failpoint::journal("after_head", &open.writes);
        synced.map_err(unmirrored)
    }

    fn execute(&self, sql: &str) -> Result<()> {
        self.connection.prepare_cached(sql).and_then(|mut statement| statement.execute([])).map(drop).map_err(db)
    }
}

fn unmirrored(error: Error) -> Error {
    let text = "the entry is in the journal, its mirrored head is not on disk; nothing goes out before it is";
    let mut told = Error::new(Code::JournalUnwritable, text).sent(Sent::MaybeSent);
    for cause in error.causes() {
        told = told.caused_by(&std::io::Error::other(cause.clone()));
    }
    told
}

#[cfg(test)]
impl Session {
    /// The connection itself, for what only tests do.
    pub(super) fn raw(&self) -> &Connection {
        &self.connection
    }

    pub(super) fn replace_mirror(&mut self, mirror: Mirror) {
        self.mirror = mirror;
    }
}
