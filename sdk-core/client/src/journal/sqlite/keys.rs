//! The schedule of assertion keys: public facts, the same for all processes of the journal.

use gladhand_documents::error::Result;
use gladhand_protocol::proof::schedule::{Change, ScheduledKey, advance};
use rusqlite::params;

use super::tx::Tx;

/// The keys of one carrier, in the order in which they came.
pub(super) fn get(tx: &Tx<'_>, carrier: &str) -> Result<Vec<ScheduledKey>> {
    let sql = "SELECT kid, algorithm, jwk, published, began, replaced, removed, sound FROM sound_assertion_keys
               WHERE carrier = ?1 ORDER BY row";
    tx.all(sql, [carrier], |row| {
        Ok(ScheduledKey {
            kid: row.get(0)?,
            algorithm: row.get(1)?,
            jwk: row.get(2)?,
            published_ms: row.get(3)?,
            began_ms: row.get(4)?,
            replaced_ms: row.get(5)?,
            removed_ms: row.get(6)?,
        })
    })
}

/// What the schedule would become now, and what of it is news.
pub(super) fn next(
    tx: &Tx<'_>,
    carrier: &str,
    at_hand: &[ScheduledKey],
    lead_ms: i64,
) -> Result<(Vec<ScheduledKey>, Vec<Change>)> {
    let mut keys = get(tx, carrier)?;
    let changes = advance(&mut keys, at_hand, tx.ms(), lead_ms);
    Ok((keys, changes))
}

/// Keeps the schedule.
pub(super) fn put(tx: &Tx<'_>, carrier: &str, keys: &[ScheduledKey]) -> Result<()> {
    let sql = "INSERT INTO assertion_keys (carrier, kid, algorithm, jwk, published, began, replaced, removed)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
               ON CONFLICT (carrier, kid) DO UPDATE SET published = excluded.published, began = excluded.began,
                   replaced = excluded.replaced, removed = excluded.removed";
    for key in keys {
        let row = params![
            carrier,
            key.kid,
            key.algorithm,
            key.jwk,
            key.published_ms,
            key.began_ms,
            key.replaced_ms,
            key.removed_ms
        ];
        tx.execute(sql, row)?;
    }
    Ok(())
}
