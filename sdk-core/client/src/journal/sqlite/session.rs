//! Transactions: one for each read; one for a whole group of writes, which become durable together (group commit).
//!
//! A group costs one wait for the disk, however many writes are in it: SQLite's for its log. Then the mirrored head is
//! written; that it reaches the disk too is left to [`Session::settle`], a moment later. A group that may be lost in a power
//! cut waits for nothing, and its head is not written before a later sync of the log has taken it along: the head is never
//! ahead of what is on disk. Each write is atomic by itself: it runs under a savepoint, and one that fails leaves nothing.

use std::cell::RefCell;
use std::fs::File;
use std::path::PathBuf;

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
    /// Whether that waits for the disk.
    lasting: bool,
    /// What SQLite was last told of that.
    synchronous: bool,
    open: Option<Open>,
    owes: Owes,
    /// Why the writes of this group are lost, if SQLite gave the whole transaction up.
    lost: Option<Error>,
    /// How many transactions became durable.
    commits: u64,
}

/// What a power cut could still take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Owes {
    Nothing,
    /// The head that is mirrored.
    Head,
    /// What was committed without a sync, and its head, which is not mirrored.
    Log,
    /// A head could not be brought to disk: nothing is written or sent before it is.
    Failed,
}

/// A transaction that writes.
#[derive(Debug)]
struct Open {
    guard: Guard,
    before: Head,
    /// What the mirror said.
    mirrored: Head,
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
            lasting: true,
            synchronous: true,
            open: None,
            owes: Owes::Nothing,
            lost: None,
            commits: 0,
        }
    }

    /// From now on writes wait for [`Session::commit`]; that waits for the disk if they are to be `lasting`.
    pub(super) fn group(&mut self, lasting: bool) {
        self.grouped = true;
        self.lasting = lasting;
    }

    /// Whether [`Session::settle`] has something to do.
    pub(super) fn owes(&self) -> bool {
        self.owes > Owes::Nothing
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
        let lags = self.open.as_ref().is_some_and(|open| open.mirrored != open.before);
        let done = if lags { self.bring_up() } else { Ok(()) }.and_then(|()| work(&self.tx()));
        let ended = if self.grouped { Ok(()) } else { self.commit().and_then(|()| self.settle()) };
        done.and_then(|out| ended.map(|()| out))
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
        let before = (self.grouped, self.lasting);
        self.group(false);
        let out = self.write(what, work);
        let ended = self.commit();
        // The group that this happens in has written nothing yet.
        (self.grouped, self.lasting) = before;
        out.and_then(|out| ended.map(|()| out))
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
        let mut guard = self.mirror.lock()?;
        if self.synchronous != self.lasting {
            // Not within a transaction; and it takes effect when it is prepared, so it is no statement to keep.
            self.connection
                .pragma_update(None, "synchronous", if self.lasting { "FULL" } else { "NORMAL" })
                .map_err(db)?;
            self.synchronous = self.lasting;
        }
        self.execute("BEGIN IMMEDIATE")?;
        match self.agreed(&mut guard) {
            Ok((before, mirrored)) => {
                self.open = Some(Open { guard, before, mirrored, head: before, writes: Vec::new() });
                if self.owes < Owes::Failed {
                    return Ok(());
                }
                // Only what is written anew is known to reach the disk after a sync that failed.
                self.bring_up().inspect_err(|_| {
                    let _ = self.execute("ROLLBACK");
                    self.open = None;
                })
            }
            Err(error) => {
                let _ = self.execute("ROLLBACK");
                Err(error)
            }
        }
    }

    /// The head of the chain, and what the mirror says of it. That lags where a process ended, or could not write it, after its
    /// commit, and after commits that did not wait for the disk; the next commit that waits brings it up.
    fn agreed(&self, guard: &mut Guard) -> Result<(Head, Head)> {
        let (there, mirrored) = (head(&self.connection)?, guard.read()?.unwrap_or_default());
        if mirrored.index > there.index {
            return Err(truncated(mirrored.index, there.index));
        }
        let same = match mirrored.index {
            0 => true,
            index if index == there.index => mirrored == there,
            index => digest_at(&self.connection, index)? == Some(mirrored.digest),
        };
        if same { Ok((there, mirrored)) } else { Err(corrupt(&format!("entry {}", mirrored.index))) }
    }

    /// Brings to disk what was there before this transaction: first the log, then its head. Under the head lock.
    fn bring_up(&mut self) -> Result<()> {
        let log = self.log();
        let Some(open) = &mut self.open else { return Ok(()) };
        let done = sync(&log).and_then(|()| open.guard.write(open.before));
        if done.is_ok() {
            open.mirrored = open.before;
        }
        self.owes = if done.is_ok() { Owes::Nothing } else { Owes::Failed };
        done
    }

    /// SQLite's log, which no process takes a lock on.
    fn log(&self) -> PathBuf {
        log_of(self.connection.path().unwrap_or_default())
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
        let lasting = std::mem::replace(&mut self.lasting, true);
        let lost = self.lost.take();
        let Some(open) = self.open.take() else { return lost.map_or(Ok(()), Err) };
        if open.writes.is_empty() {
            return self.execute("ROLLBACK");
        }
        let ended = self.make_durable(open, lasting);
        if !self.connection.is_autocommit() {
            let _ = self.execute("ROLLBACK");
        }
        ended
    }

    fn make_durable(&mut self, mut open: Open, lasting: bool) -> Result<()> {
        failpoint::journal("before_commit", &open.writes);
        self.connection.execute_batch("COMMIT").map_err(|error| {
            // A log that could not be synced may be on disk all the same.
            let unsure = error.sqlite_error_code() == Some(ErrorCode::SystemIoFailure);
            let sent = if unsure { Sent::MaybeSent } else { Sent::NotSent };
            db(error).sent(sent)
        })?;
        self.commits += 1;
        failpoint::journal("after_commit", &open.writes);
        // Where nothing was appended, SQLite may have had nothing to sync.
        if open.grew() {
            if lasting {
                self.owes = Owes::Failed;
                open.guard.put(open.head).map_err(unmirrored)?;
                self.owes = Owes::Head;
            } else {
                self.owes = self.owes.max(Owes::Log);
            }
        }
        failpoint::journal("after_head", &open.writes);
        Ok(())
    }

    /// Brings to disk what a power cut could still take: commits that did not wait for it, and the head. Whoever wrote does not
    /// wait for this: a head that is behind costs nothing, the next writer brings it up.
    pub(super) fn settle(&mut self) -> Result<()> {
        let settled = match self.owes {
            Owes::Nothing => return Ok(()),
            Owes::Head => self.mirror.sync(),
            Owes::Log | Owes::Failed => {
                let owed = self.owes;
                self.begin()?;
                let brought = if owed == Owes::Failed { Ok(()) } else { self.bring_up() };
                self.open = None;
                self.execute("ROLLBACK").and(brought)
            }
        };
        self.owes = if settled.is_ok() { Owes::Nothing } else { Owes::Failed };
        settled.map_err(unmirrored)
    }

    fn execute(&self, sql: &str) -> Result<()> {
        self.connection.prepare_cached(sql).and_then(|mut statement| statement.execute([])).map(drop).map_err(db)
    }
}

/// The write-ahead log of a database.
pub(super) fn log_of(database: &str) -> PathBuf {
    PathBuf::from(format!("{database}-wal"))
}

/// Waits until a log is on disk. Where there is none, all of it is in the database, synced before the log went.
pub(super) fn sync(log: &std::path::Path) -> Result<()> {
    match File::open(log).and_then(|file| file.sync_data()) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::new(Code::JournalUnwritable, "the journal's log cannot be synced").caused_by(&error))
        }
        _ => Ok(()),
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
