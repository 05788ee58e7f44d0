//! Reading the chain back: every row against its digest, the chain, the mirrored head.

use gladhand_documents::error::Result;
use gladhand_documents::json::Document;
use gladhand_protocol::tender::history;
use jiff::Timestamp;
use rusqlite::params;

use super::db;
use super::tx::{Tx, array};
use crate::journal::chain::{self, Head};
use crate::journal::rows::{Entry, Report};

pub(super) fn verify(tx: &Tx<'_>, mirrored: Option<Head>) -> Result<Report> {
    let mut statement = tx
        .sql
        .prepare("SELECT idx, kind, wall, mono, body, body_digest, previous, digest FROM entries ORDER BY idx")
        .map_err(db)?;
    let mut rows = statement.query([]).map_err(db)?;
    let (mut head, mut intact) = (Head::default(), true);
    let mirrored = mirrored.unwrap_or_default();
    while let Some(row) = rows.next().map_err(db)? {
        let index = row.get::<_, i64>(0).map_err(db)? as u64;
        let kind: String = row.get(1).map_err(db)?;
        let (wall, mono): (i64, i64) = (row.get(2).map_err(db)?, row.get(3).map_err(db)?);
        let body: Vec<u8> = row.get(4).map_err(db)?;
        let digests: Vec<Vec<u8>> =
            [5, 6, 7].into_iter().map(|column| row.get(column)).collect::<rusqlite::Result<_>>().map_err(db)?;
        let expected = chain::digest(&head.digest, index, &kind, wall, mono, &history::digest(&body));
        intact &= index == head.index + 1
            && digests[0] == history::digest(&body)
            && digests[1] == head.digest
            && digests[2] == expected;
        head = Head { index, digest: expected };
        intact &= mirrored.index != index || mirrored.digest == expected;
    }
    intact &= mirrored.index <= head.index;
    Ok(Report { intact, entries: head.index, head: head.digest, unresolved: unresolved(tx)? })
}

pub(super) fn entries(tx: &Tx<'_>, after: u64, limit: usize) -> Result<Vec<Entry>> {
    let mut statement = tx
        .sql
        .prepare_cached(
            "SELECT idx, kind, wall, body, body_digest, previous, digest FROM entries WHERE idx > ?1 ORDER BY idx LIMIT ?2",
        )
        .map_err(db)?;
    let mut rows = statement.query(params![after as i64, limit as i64]).map_err(db)?;
    let mut out = Vec::new();
    while let Some(row) = rows.next().map_err(db)? {
        let index = row.get::<_, i64>(0).map_err(db)? as u64;
        let what = format!("entry {index}");
        let body: Vec<u8> = row.get(3).map_err(db)?;
        if array(row.get(4).map_err(db)?, &what)? != history::digest(&body) {
            return Err(super::corrupt(&what));
        }
        out.push(Entry {
            index,
            kind: row.get(1).map_err(db)?,
            at: Timestamp::from_microsecond(row.get(2).map_err(db)?).unwrap_or_default(),
            body: Document::parse(body)?,
            previous: array(row.get(5).map_err(db)?, &what)?,
            digest: array(row.get(6).map_err(db)?, &what)?,
        });
    }
    Ok(out)
}

pub(super) fn unresolved(tx: &Tx<'_>) -> Result<u64> {
    tx.sql
        .query_row("SELECT count(*) FROM intents WHERE outcome IS NULL", [], |row| row.get::<_, i64>(0))
        .map(|n| n as u64)
        .map_err(db)
}
