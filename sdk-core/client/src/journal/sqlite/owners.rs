//! Leases of processes.

use gladhand_documents::error::Result;
use rusqlite::params;

use super::db;
use super::tx::Tx;
use crate::journal::owner::dead;
use crate::journal::{LEASE, Owner};

pub(super) fn register(tx: &Tx<'_>, owner: &Owner) -> Result<()> {
    tx.sql
        .execute(
            "INSERT INTO owners (owner, pid, started, boot, lease_until) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (owner) DO UPDATE SET lease_until = excluded.lease_until",
            params![owner.id, owner.pid, owner.started, owner.boot, lease_end(tx)],
        )
        .map_err(db)?;
    Ok(())
}

pub(super) fn unregister(tx: &Tx<'_>, owner: &str) -> Result<()> {
    tx.sql.execute("UPDATE owners SET lease_until = 0 WHERE owner = ?1", [owner]).map_err(db)?;
    // Owners that hold nothing and live no more are of no further use.
    tx.sql
        .execute(
            "DELETE FROM owners WHERE lease_until < ?1 AND owner NOT IN (SELECT owner FROM intents WHERE outcome IS NULL)",
            [tx.ms() - 3_600_000],
        )
        .map_err(db)?;
    Ok(())
}

pub(super) fn holds_anything(tx: &Tx<'_>, owner: &str) -> Result<bool> {
    tx.sql
        .query_row(
            "SELECT EXISTS (SELECT 1 FROM intents WHERE owner = ?1 AND outcome IS NULL)
                 OR EXISTS (SELECT 1 FROM consumers WHERE owner = ?1 AND reader <> '')",
            [owner],
            |row| row.get(0),
        )
        .map_err(db)
}

pub(super) fn beat(tx: &Tx<'_>, owner: &str) -> Result<()> {
    tx.sql.execute("UPDATE owners SET lease_until = ?2 WHERE owner = ?1", params![owner, lease_end(tx)]).map_err(db)?;
    Ok(())
}

fn lease_end(tx: &Tx<'_>) -> i64 {
    tx.ms() + i64::try_from(LEASE.as_millis()).unwrap_or(i64::MAX)
}

/// The owners, of those named, whose lease has lapsed or whose process is gone.
pub(super) fn lapsed(tx: &Tx<'_>, names: &[String]) -> Result<Vec<String>> {
    let mut out = Vec::new();
    let mut find = tx
        .sql
        .prepare_cached("SELECT pid, started, boot, lease_until, sound FROM sound_owners WHERE owner = ?1")
        .map_err(db)?;
    for name in names {
        let mut rows = find.query([name]).map_err(db)?;
        let gone = match rows.next().map_err(db)? {
            Some(row) => {
                let (pid, started, boot, until): (u32, String, String, i64) = (
                    row.get(0).map_err(db)?,
                    row.get(1).map_err(db)?,
                    row.get(2).map_err(db)?,
                    row.get(3).map_err(db)?,
                );
                until < tx.ms() || dead(pid, &started, &boot)
            }
            None => true,
        };
        if gone {
            out.push(name.clone());
        }
    }
    Ok(out)
}
