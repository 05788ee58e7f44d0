//! The inbox: every event once, in order, whatever way it came (contract 4e).

use gladhand_documents::error::Result;
use gladhand_documents::json::{Document, quote};
use gladhand_documents::model::sdk::{InboxOutcome, Sync};
use gladhand_protocol::tender::event::Incoming;
use gladhand_protocol::tender::history;
use gladhand_protocol::tender::order::{Known, Place, place};
use rusqlite::params;

use super::tx::{Tx, array};
use super::{corrupt, tenders};
use crate::journal::rows::{Accepted, Attention, RELEASED_BY_OPERATOR, TenderRow};

/// Stores one event and applies what can be applied.
pub(super) fn accept(tx: &mut Tx<'_>, event: &Incoming, carrier: &str, via: &str) -> Result<Accepted> {
    let mut row = tenders::must(tx, &event.tender_id)?;
    // The same digest wins over another one: a copy of what is stored is never a reuse.
    let stored: Option<Vec<u8>> = tx.find(
        "SELECT digest, sound FROM sound_inbox WHERE source = ?1 AND (sequence = ?2 OR event_id = ?3)
             ORDER BY digest = ?4 DESC LIMIT 1",
        params![event.source, event.sequence as i64, event.id, event.digest],
        |row| row.get(0),
    )?;
    let stored = stored.map(|digest| array(digest, "an inbox row")).transpose()?;
    let parked: i64 =
        tx.one("SELECT count(*) FROM inbox WHERE tender_id = ?1 AND status = 'parked'", [&event.tender_id], |row| {
            row.get(0)
        })?;
    let known = Known { last: row.fold.last_sequence, stored: stored.as_ref(), parked: parked as usize };
    let outcome = match place(known, event.sequence, &event.digest) {
        Place::Duplicate => {
            tx.execute(
                "UPDATE inbox SET copies = copies + 1 WHERE source = ?1 AND sequence = ?2 AND digest = ?3",
                params![event.source, event.sequence as i64, event.digest],
            )?;
            return Ok(Accepted { outcome: InboxOutcome::Duplicate, tender: row, safety: false });
        }
        Place::Reused => {
            insert(tx, event, carrier, via, "quarantined")?;
            row.sync = Sync::Diverged;
            InboxOutcome::Quarantined
        }
        // Frozen: it goes on consuming into the journal, and applies nothing.
        Place::Apply | Place::Park | Place::Drop if row.sync == Sync::Diverged => {
            insert(tx, event, carrier, via, "recorded")?;
            InboxOutcome::Stored
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
            let status = apply(&mut row, event);
            let id = insert(tx, event, carrier, via, status)?;
            deliver(tx, id, status)?;
            let waiting = parked > 0 && drain(tx, &mut row)?;
            tenders::settle(&mut row);
            if waiting {
                mark_gap(&mut row);
            }
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
    tx.execute(
        "INSERT INTO inbox (source, sequence, digest, event_id, tender_id, carrier, status, safety, copies, bytes)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 1, ?9)",
        params![
            event.source,
            event.sequence as i64,
            event.digest,
            event.id,
            event.tender_id,
            carrier,
            status,
            event.safety(),
            event.document.as_bytes(),
        ],
    )?;
    Ok(tx.sql.last_insert_rowid())
}

/// Applies one event, or finds it illegal and freezes the tender (contract 4e). The status that it is stored with.
fn apply(row: &mut TenderRow, event: &Incoming) -> &'static str {
    if row.fold.apply(event).is_ok() {
        return "applied";
    }
    row.sync = Sync::Diverged;
    "recorded"
}

/// What was applied is for every consumer.
fn deliver(tx: &Tx<'_>, id: i64, status: &str) -> Result<()> {
    if status == "applied" {
        tx.execute("INSERT INTO deliveries (inbox_id) VALUES (?1)", [id])?;
    }
    Ok(())
}

/// Applies what is parked behind the last one. Whether anything still waits.
fn drain(tx: &Tx<'_>, row: &mut TenderRow) -> Result<bool> {
    while row.sync != Sync::Diverged {
        let next: Option<(i64, Vec<u8>)> = tx.find(
            "SELECT id, bytes, sound FROM sound_inbox WHERE tender_id = ?1 AND status = 'parked' AND sequence = ?2",
            params![row.tender_id, row.fold.last_sequence as i64 + 1],
            |r| Ok((r.get(0)?, r.get(1)?)),
        )?;
        let Some((id, bytes)) = next else { break };
        let status = apply(row, &Incoming::parse(&bytes)?);
        deliver(tx, id, status)?;
        tx.execute("UPDATE inbox SET status = ?2 WHERE id = ?1", params![id, status])?;
    }
    let sql = "SELECT EXISTS (SELECT 1 FROM inbox WHERE tender_id = ?1 AND status = 'parked')";
    tx.one(sql, [&row.tender_id], |r| r.get(0))
}

pub(super) fn events(tx: &Tx<'_>, tender: &str, after: u64, limit: usize) -> Result<Vec<Document>> {
    let rows = tx.all(
        "SELECT sequence, bytes, sound FROM sound_inbox WHERE tender_id = ?1 AND status = 'applied' AND sequence > ?2
         ORDER BY sequence LIMIT ?3",
        params![tender, after as i64, limit as i64],
        |row| Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?)),
    )?;
    (after + 1..)
        .zip(rows)
        .map(|(next, (sequence, bytes))| {
            // What was applied has no holes.
            if sequence as u64 == next { Document::parse(bytes) } else { Err(corrupt("a row of inbox")) }
        })
        .collect()
}

pub(super) fn safety(tx: &Tx<'_>, after: i64, limit: usize) -> Result<Vec<(i64, Document)>> {
    let rows: Vec<(i64, Vec<u8>)> = tx.all(
        "SELECT id, bytes, sound FROM sound_inbox WHERE safety = 1 AND id > ?1 AND status <> 'quarantined'
         ORDER BY id LIMIT ?2",
        params![after, limit as i64],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    rows.into_iter().map(|(id, bytes)| Ok((id, Document::parse(bytes)?))).collect()
}

/// Where `meta` keeps the row up to which the application was told what matters to safety.
const SAFETY_TOLD: &str = "safety_told";

pub(super) fn safety_told(tx: &Tx<'_>) -> Result<i64> {
    let row = tx
        .find("SELECT CAST(value AS INTEGER), sound FROM sound_meta WHERE key = ?1", [SAFETY_TOLD], |row| row.get(0))?;
    Ok(row.unwrap_or(0))
}

pub(super) fn tell_safety(tx: &Tx<'_>, row: i64) -> Result<()> {
    tx.execute(
        "INSERT INTO meta (key, value) VALUES (?1, CAST(?2 AS TEXT)) ON CONFLICT (key) DO UPDATE SET value = excluded.value
             WHERE CAST(value AS INTEGER) < ?2",
        params![SAFETY_TOLD, row],
    )?;
    Ok(())
}

/// What does not mend itself (contract 4e, 4g). Each condition has its partial index.
pub(super) fn attention(tx: &Tx<'_>, gap_before: i64) -> Result<Attention> {
    let ids = |condition: &str| -> Result<Vec<String>> {
        let sql =
            format!("SELECT tender_id, sound FROM sound_tenders WHERE {condition} AND tenant = ?1 ORDER BY tender_id");
        tx.all(&sql, [tx.tenant], |row| row.get(0))
    };
    let waiting = |status: &str, condition: &str| -> Result<u64> {
        let sql = format!(
            "SELECT count(*) FROM inbox WHERE status = ?1 AND tender_id IN (SELECT tender_id FROM tenders WHERE {condition})"
        );
        tx.one(&sql, [status], |row| row.get::<_, i64>(0)).map(|n| n as u64)
    };
    // A diverged one would hold its load, unless an operator released it, and so would one that is alive.
    let unreleased = format!("sync = 'diverged' AND held = 0 AND local_code IS NOT '{RELEASED_BY_OPERATOR}'");
    let mut duplicates = ids(&unreleased)?;
    let alive = "state NOT IN ('rejected', 'expired', 'withdrawn', 'delivered', 'cancelled', 'aborted')";
    duplicates.extend(ids(&format!("held = 0 AND {alive} AND sync <> 'diverged'"))?);
    Ok(Attention {
        stale_gaps: tenders::gaps(tx, gap_before)?.into_iter().map(|row| row.tender_id).collect(),
        diverged: ids("sync = 'diverged'")?,
        duplicates,
        parked: waiting("parked", "gap_since IS NOT NULL")?,
        quarantined: waiting("quarantined", "sync = 'diverged'")?,
    })
}
