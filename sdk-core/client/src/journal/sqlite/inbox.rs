//! The inbox: every event once, in order, whatever way it came (contract 4e).

use gladhand_documents::error::Result;
use gladhand_documents::json::{Document, quote};
use gladhand_documents::model::sdk::{InboxOutcome, Sync};
use gladhand_protocol::tender::event::Incoming;
use gladhand_protocol::tender::history;
use gladhand_protocol::tender::order::{Known, Place, place};
use rusqlite::{OptionalExtension as _, params};

use super::tx::{Tx, array};
use super::{db, tenders};
use crate::journal::rows::{Accepted, TenderRow};

/// Stores one event and applies what can be applied.
pub(super) fn accept(tx: &mut Tx<'_>, event: &Incoming, carrier: &str, via: &str) -> Result<Accepted> {
    let mut row = tenders::must(tx, &event.tender_id)?;
    // The same digest wins over another one: a copy of what is stored is never a reuse.
    let stored: Option<Vec<u8>> = tx
        .sql
        .prepare_cached(
            "SELECT digest FROM inbox WHERE source = ?1 AND (sequence = ?2 OR event_id = ?3)
             ORDER BY digest = ?4 DESC LIMIT 1",
        )
        .map_err(db)?
        .query_row(params![event.source, event.sequence as i64, event.id, event.digest], |row| row.get(0))
        .optional()
        .map_err(db)?;
    let stored = stored.map(|digest| array(digest, "an inbox row")).transpose()?;
    let parked: i64 = tx
        .sql
        .query_row("SELECT count(*) FROM inbox WHERE tender_id = ?1 AND status = 'parked'", [&event.tender_id], |row| {
            row.get(0)
        })
        .map_err(db)?;
    let known = Known { last: row.fold.last_sequence, stored: stored.as_ref(), parked: parked as usize };
    let outcome = match place(known, event.sequence, &event.digest) {
        Place::Duplicate => {
            tx.sql
                .execute(
                    "UPDATE inbox SET copies = copies + 1 WHERE source = ?1 AND sequence = ?2 AND digest = ?3",
                    params![event.source, event.sequence as i64, event.digest],
                )
                .map_err(db)?;
            return Ok(Accepted { outcome: InboxOutcome::Duplicate, tender: row, safety: false });
        }
        Place::Reused => {
            insert(tx, event, carrier, via, "quarantined")?;
            row.sync = Sync::Diverged;
            InboxOutcome::Quarantined
        }
        // What matters to safety is kept however many wait: the application hears of it from the stored row.
        Place::Drop if !event.safety() => {
            mark_gap(&mut row);
            InboxOutcome::Parked
        }
        Place::Park | Place::Drop => {
            insert(tx, event, carrier, via, "parked")?;
            mark_gap(&mut row);
            InboxOutcome::Parked
        }
        Place::Apply => {
            let id = insert(tx, event, carrier, via, "parked")?;
            apply(tx, &mut row, event, id)?;
            drain(tx, &mut row)?;
            settle(tx, &mut row)?;
            InboxOutcome::Stored
        }
    };
    row.proven = true;
    row.updated_at = tx.now;
    tenders::save(tx, &row)?;
    Ok(Accepted { outcome, tender: row, safety: event.safety() })
}

fn mark_gap(row: &mut TenderRow) {
    if row.sync != Sync::Diverged {
        row.sync = Sync::Gap;
    }
}

fn insert(tx: &mut Tx<'_>, event: &Incoming, carrier: &str, via: &str, status: &str) -> Result<i64> {
    let entry = format!(
        r#"{{"source":{},"sequence":{},"id":{},"type":{},"digest":{},"carrier":{},"via":{},"status":{}}}"#,
        quote(&event.source),
        event.sequence,
        quote(&event.id),
        quote(&event.event_type),
        quote(&history::hex(&event.digest)),
        quote(carrier),
        quote(via),
        quote(status),
    );
    tx.append("EVENT_IN", Some(&event.tender_id), &entry)?;
    tx.sql
        .prepare_cached(
            "INSERT INTO inbox (source, sequence, digest, event_id, tender_id, carrier, status, safety, copies, bytes)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 1, ?9)",
        )
        .map_err(db)?
        .execute(params![
            event.source,
            event.sequence as i64,
            event.digest,
            event.id,
            event.tender_id,
            carrier,
            status,
            event.safety(),
            event.document.as_bytes(),
        ])
        .map_err(db)?;
    Ok(tx.sql.last_insert_rowid())
}

/// Applies one stored event, or records that it is illegal and stops: a frozen tender keeps consuming into the journal,
/// and applies nothing (contract 4e).
fn apply(tx: &Tx<'_>, row: &mut TenderRow, event: &Incoming, id: i64) -> Result<()> {
    let status = if row.sync == Sync::Diverged {
        "recorded"
    } else if row.fold.apply(event).is_err() {
        row.sync = Sync::Diverged;
        "recorded"
    } else {
        tx.sql.execute("INSERT INTO deliveries (inbox_id) VALUES (?1)", [id]).map_err(db)?;
        "applied"
    };
    tx.sql.execute("UPDATE inbox SET status = ?2 WHERE id = ?1", params![id, status]).map_err(db)?;
    Ok(())
}

/// Applies what is parked behind the last one.
fn drain(tx: &Tx<'_>, row: &mut TenderRow) -> Result<()> {
    while row.sync != Sync::Diverged {
        let next: Option<(i64, Vec<u8>)> = tx
            .sql
            .prepare_cached("SELECT id, bytes FROM inbox WHERE tender_id = ?1 AND status = 'parked' AND sequence = ?2")
            .map_err(db)?
            .query_row(params![row.tender_id, row.fold.last_sequence as i64 + 1], |r| Ok((r.get(0)?, r.get(1)?)))
            .optional()
            .map_err(db)?;
        let Some((id, bytes)) = next else { return Ok(()) };
        apply(tx, row, &Incoming::parse(&bytes)?, id)?;
    }
    Ok(())
}

/// In sync again once nothing is parked and no snapshot is ahead.
fn settle(tx: &Tx<'_>, row: &mut TenderRow) -> Result<()> {
    let waiting: bool = tx
        .sql
        .query_row(
            "SELECT EXISTS (SELECT 1 FROM inbox WHERE tender_id = ?1 AND status = 'parked')",
            [&row.tender_id],
            |r| r.get(0),
        )
        .map_err(db)?;
    tenders::settle(row);
    if waiting {
        mark_gap(row);
    }
    Ok(())
}

pub(super) fn events(tx: &Tx<'_>, tender: &str, after: u64, limit: usize) -> Result<Vec<Document>> {
    let mut statement = tx
        .sql
        .prepare_cached(
            "SELECT bytes FROM inbox WHERE tender_id = ?1 AND status = 'applied' AND sequence > ?2
             ORDER BY sequence LIMIT ?3",
        )
        .map_err(db)?;
    let rows =
        statement.query_map(params![tender, after as i64, limit as i64], |row| row.get::<_, Vec<u8>>(0)).map_err(db)?;
    rows.map(|bytes| Document::parse(bytes.map_err(db)?)).collect()
}

pub(super) fn safety(tx: &Tx<'_>, after: i64, limit: usize) -> Result<Vec<(i64, Document)>> {
    let mut statement = tx
        .sql
        .prepare_cached(
            "SELECT id, bytes FROM inbox WHERE safety = 1 AND id > ?1 AND status <> 'quarantined' ORDER BY id LIMIT ?2",
        )
        .map_err(db)?;
    let rows = statement
        .query_map(params![after, limit as i64], |row| Ok((row.get(0)?, row.get::<_, Vec<u8>>(1)?)))
        .map_err(db)?;
    rows.map(|row| {
        let (id, bytes) = row.map_err(db)?;
        Ok((id, Document::parse(bytes)?))
    })
    .collect()
}

pub(super) fn last_row(tx: &Tx<'_>) -> Result<i64> {
    tx.sql.query_row("SELECT coalesce(max(id), 0) FROM inbox", [], |row| row.get(0)).map_err(db)
}
