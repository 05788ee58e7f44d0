//! One transaction: the database, the time, and what it appends to the chain.

use gladhand_documents::error::Result;
use gladhand_protocol::tender::history;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::{corrupt, db};
use crate::clock::Clock;
use crate::journal::chain::{self, Head};

/// A transaction in progress.
pub(super) struct Tx<'a> {
    pub(super) sql: &'a Connection,
    pub(super) tenant: &'a str,
    pub(super) now: Timestamp,
    mono: i64,
}

impl<'a> Tx<'a> {
    pub(super) fn new(sql: &'a Connection, tenant: &'a str, clock: &dyn Clock) -> Self {
        let mono = i64::try_from(clock.monotonic().as_micros()).unwrap_or(i64::MAX);
        Self { sql, tenant, now: clock.now(), mono }
    }

    /// Unix milliseconds, as the tables keep times.
    pub(super) fn ms(&self) -> i64 {
        self.now.as_millisecond()
    }

    pub(super) fn head(&self) -> Result<Head> {
        head(self.sql)
    }

    /// Appends an entry and returns its index.
    pub(super) fn append(&mut self, kind: &str, tender: Option<&str>, body: &str) -> Result<u64> {
        let head = self.head()?;
        let (index, wall) = (head.index + 1, self.now.as_microsecond());
        let body_digest = history::digest(body.as_bytes());
        let digest = chain::digest(&head.digest, index, kind, wall, self.mono, &body_digest);
        self.sql
            .prepare_cached(
                "INSERT INTO entries (idx, kind, tender_id, wall, mono, body, body_digest, previous, digest)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            )
            .map_err(db)?
            .execute(params![
                index as i64,
                kind,
                tender,
                wall,
                self.mono,
                body.as_bytes(),
                body_digest,
                head.digest,
                digest
            ])
            .map_err(db)?;
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
