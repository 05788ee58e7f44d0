//! One transaction: the database, the time, and what it appends to the chain.

use std::cell::RefCell;

use gladhand_documents::error::Result;
use gladhand_protocol::tender::history;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Params, Row, params};

use super::known::Known;
use super::{corrupt, db};
use crate::clock::Clock;
use crate::journal::chain::{self, Head};

/// A transaction in progress.
pub(super) struct Tx<'a> {
    pub(super) sql: &'a Connection,
    pub(super) tenant: &'a str,
    pub(super) now: Timestamp,
    /// Folds and snapshots that were parsed before.
    pub(super) known: &'a RefCell<Known>,
    /// The last entry, with those of this transaction.
    pub(super) head: Head,
    mono: i64,
}

impl<'a> Tx<'a> {
    /// `head`: of the journal; only what appends needs to know it.
    pub(super) fn new(
        sql: &'a Connection,
        tenant: &'a str,
        clock: &dyn Clock,
        known: &'a RefCell<Known>,
        head: Head,
    ) -> Self {
        let mono = i64::try_from(clock.monotonic().as_micros()).unwrap_or(i64::MAX);
        Self { sql, tenant, now: clock.now(), known, head, mono }
    }

    /// Unix milliseconds, as the tables keep times.
    pub(super) fn ms(&self) -> i64 {
        self.now.as_millisecond()
    }

    /// Runs a statement. Every statement is prepared once for its connection.
    pub(super) fn execute(&self, sql: &str, values: impl Params) -> Result<usize> {
        self.sql.prepare_cached(sql).and_then(|mut statement| statement.execute(values)).map_err(db)
    }

    /// The first row, if there is one.
    pub(super) fn find<T>(
        &self,
        sql: &str,
        values: impl Params,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>> {
        self.sql.prepare_cached(sql).and_then(|mut found| found.query_row(values, read).optional()).map_err(db)
    }

    /// The row of a statement that always has one.
    pub(super) fn one<T>(
        &self,
        sql: &str,
        values: impl Params,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<T> {
        self.sql.prepare_cached(sql).and_then(|mut found| found.query_row(values, read)).map_err(db)
    }

    /// Every row.
    pub(super) fn all<T>(
        &self,
        sql: &str,
        values: impl Params,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>> {
        let mut found = self.sql.prepare_cached(sql).map_err(db)?;
        found.query_map(values, read).and_then(Iterator::collect).map_err(db)
    }

    /// Appends an entry and returns its index.
    pub(super) fn append(&mut self, kind: &str, tender: Option<&str>, body: &str) -> Result<u64> {
        let (index, wall) = (self.head.index + 1, self.now.as_microsecond());
        let body_digest = history::digest(body.as_bytes());
        let digest = chain::digest(&self.head.digest, index, kind, wall, self.mono, &body_digest);
        self.execute(
            "INSERT INTO entries (idx, kind, tender_id, wall, mono, body, body_digest, previous, digest, seal)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, seal('entries', ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9))",
            params![
                index as i64,
                kind,
                tender,
                wall,
                self.mono,
                body.as_bytes(),
                body_digest,
                self.head.digest,
                digest
            ],
        )?;
        self.head = Head { index, digest };
        Ok(index)
    }
}

/// The last entry.
pub(super) fn head(sql: &Connection) -> Result<Head> {
    let row: Option<(i64, Vec<u8>)> = sql
        .prepare_cached("SELECT idx, digest, sound FROM sound_entries ORDER BY idx DESC LIMIT 1")
        .map_err(db)?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()
        .map_err(db)?;
    let Some((index, digest)) = row else { return Ok(Head::default()) };
    Ok(Head { index: index as u64, digest: array(digest, "the last entry")? })
}

/// The digest of one entry.
pub(super) fn digest_at(sql: &Connection, index: u64) -> Result<Option<[u8; 32]>> {
    let digest: Option<Vec<u8>> = sql
        .prepare_cached("SELECT digest, sound FROM sound_entries WHERE idx = ?1")
        .map_err(db)?
        .query_row([index as i64], |row| row.get(0))
        .optional()
        .map_err(db)?;
    digest.map(|digest| array(digest, "an entry")).transpose()
}

/// 32 bytes.
pub(super) fn array(bytes: Vec<u8>, what: &str) -> Result<[u8; 32]> {
    bytes.try_into().map_err(|_| corrupt(what))
}

/// A time from unix milliseconds.
pub(super) fn time(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(ms).unwrap_or_default()
}
