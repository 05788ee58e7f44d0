//! Reading everything back: the file, every row against its seal, the chain, the mirrored head, and whether the tables
//! still say what the chain says.

use gladhand_documents::error::Result;
use gladhand_documents::json::Document;
use gladhand_protocol::tender::history;
use jiff::Timestamp;
use rusqlite::params;

use super::tx::{Tx, array};
use super::{db, seal};
use crate::journal::chain::{self, Head};
use crate::journal::rows::{Entry, Report};

/// How many defects are told; the first ones say enough.
const TOLD: usize = 20;

/// Numbers that must agree, each pair with what it says if they do not.
const AGREEMENTS: &[(&str, &str, &str)] = &[
    ("SELECT count(*) FROM entries WHERE kind = 'INTENT'", "SELECT count(*) FROM intents", "an intent is missing"),
    (
        "SELECT count(*) FROM entries WHERE kind = 'OUTCOME'",
        "SELECT count(*) FROM intents JOIN entries ON idx = outcome AND kind = 'OUTCOME'",
        "an outcome is missing",
    ),
    ("SELECT count(*) FROM entries WHERE kind = 'EVENT_IN'", "SELECT count(*) FROM inbox", "an event is missing"),
    (
        "SELECT count(*) FROM inbox WHERE status = 'applied'",
        "SELECT count(DISTINCT inbox.id) FROM deliveries JOIN inbox ON inbox.id = inbox_id AND status = 'applied'",
        "a delivery is missing",
    ),
];

pub(super) fn verify(tx: &Tx<'_>, mirrored: Option<Head>) -> Result<Report> {
    let mut damage = file(tx)?;
    for table in seal::TABLES {
        match seal::broken(tx.sql, table)? {
            0 => {}
            rows => damage.push(format!("{table}: {rows} row(s) do not match their seal")),
        }
    }
    let head = chained(tx, mirrored.unwrap_or_default(), &mut damage)?;
    for (one, other, what) in AGREEMENTS {
        let number = |sql: &str| tx.one(sql, [], |row| row.get::<_, i64>(0));
        if number(one)? != number(other)? {
            damage.push((*what).to_owned());
        }
    }
    damage.truncate(TOLD);
    Ok(Report {
        intact: damage.is_empty(),
        entries: head.index,
        head: head.digest,
        unresolved: unresolved(tx)?,
        damage,
    })
}

/// What SQLite itself finds: pages, and rows that an index lacks.
fn file(tx: &Tx<'_>) -> Result<Vec<String>> {
    let mut statement = tx.sql.prepare(&format!("PRAGMA integrity_check({TOLD})")).map_err(db)?;
    let found = statement.query_map([], |row| row.get::<_, String>(0)).map_err(db)?;
    let found: Vec<String> = found.collect::<rusqlite::Result<_>>().map_err(db)?;
    Ok(found.into_iter().filter(|line| line != "ok").collect())
}

/// Every entry against its digests, and the one that the mirror names.
fn chained(tx: &Tx<'_>, mirrored: Head, damage: &mut Vec<String>) -> Result<Head> {
    let mut statement = tx
        .sql
        .prepare("SELECT idx, kind, wall, mono, body, body_digest, previous, digest FROM entries ORDER BY idx")
        .map_err(db)?;
    let mut rows = statement.query([]).map_err(db)?;
    let mut head = Head::default();
    while let Some(row) = rows.next().map_err(db)? {
        let index = row.get::<_, i64>(0).map_err(db)? as u64;
        let kind: String = row.get(1).map_err(db)?;
        let (wall, mono): (i64, i64) = (row.get(2).map_err(db)?, row.get(3).map_err(db)?);
        let body: Vec<u8> = row.get(4).map_err(db)?;
        let digests: Vec<Vec<u8>> =
            [5, 6, 7].into_iter().map(|column| row.get(column)).collect::<rusqlite::Result<_>>().map_err(db)?;
        let expected = chain::digest(&head.digest, index, &kind, wall, mono, &history::digest(&body));
        let whole = index == head.index + 1
            && digests[0] == history::digest(&body)
            && digests[1] == head.digest
            && digests[2] == expected;
        if !whole {
            damage.push(format!("entry {index} does not follow from the one before it"));
        }
        head = Head { index, digest: expected };
        if mirrored.index == index && mirrored.digest != expected {
            damage.push(format!("entry {index} is not the one whose digest the head file has"));
        }
    }
    if mirrored.index > head.index {
        damage.push(format!("the journal once had {} entries and now ends at {}", mirrored.index, head.index));
    }
    Ok(head)
}

pub(super) fn entries(tx: &Tx<'_>, after: u64, limit: usize) -> Result<Vec<Entry>> {
    let mut statement = tx
        .sql
        .prepare_cached(
            "SELECT idx, kind, wall, body, body_digest, previous, digest, sound FROM sound_entries WHERE idx > ?1 ORDER BY idx LIMIT ?2",
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
    tx.one("SELECT count(*) FROM intents WHERE outcome IS NULL", [], |row| row.get::<_, i64>(0)).map(|n| n as u64)
}
