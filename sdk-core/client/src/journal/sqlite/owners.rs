//! Leases of processes.

use gladhand_documents::error::Result;
use rusqlite::params;

use super::tx::Tx;
use crate::journal::owner::dead;
use crate::journal::{LEASE, Owner};

pub(super) fn register(tx: &Tx<'_>, owner: &Owner) -> Result<()> {
    tx.execute(
        "INSERT INTO owners (owner, pid, started, boot, lease_until) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (owner) DO UPDATE SET lease_until = excluded.lease_until",
        params![owner.id, owner.pid, owner.started, owner.boot, lease_end(tx)],
    )?;
    Ok(())
}

pub(super) fn unregister(tx: &Tx<'_>, owner: &str) -> Result<()> {
    tx.execute("UPDATE owners SET lease_until = 0 WHERE owner = ?1", [owner])?;
    // Owners that hold nothing and live no more are of no further use.
    tx.execute(
        "DELETE FROM owners WHERE lease_until < ?1 AND owner NOT IN (SELECT owner FROM intents WHERE outcome IS NULL)",
        [tx.ms() - 3_600_000],
    )?;
    Ok(())
}

pub(super) fn holds_anything(tx: &Tx<'_>, owner: &str) -> Result<bool> {
    tx.one(
        "SELECT EXISTS (SELECT 1 FROM intents WHERE owner = ?1 AND outcome IS NULL)
                 OR EXISTS (SELECT 1 FROM consumers WHERE owner = ?1 AND reader <> '')",
        [owner],
        |row| row.get(0),
    )
}

pub(super) fn beat(tx: &Tx<'_>, owner: &str) -> Result<()> {
    tx.execute("UPDATE owners SET lease_until = ?2 WHERE owner = ?1", params![owner, lease_end(tx)])?;
    Ok(())
}

/// A lease that has most of its time left is good: beats come three times as often.
pub(super) fn ensure(tx: &Tx<'_>, owner: &str) -> Result<()> {
    let enough = lease_end(tx) - i64::try_from(LEASE.as_millis()).unwrap_or(i64::MAX) / 3;
    tx.execute(
        "UPDATE owners SET lease_until = ?2 WHERE owner = ?1 AND lease_until < ?3",
        params![owner, lease_end(tx), enough],
    )?;
    Ok(())
}

fn lease_end(tx: &Tx<'_>) -> i64 {
    tx.ms() + i64::try_from(LEASE.as_millis()).unwrap_or(i64::MAX)
}

/// The owners, of those named, whose lease has lapsed or whose process is gone.
pub(super) fn lapsed(tx: &Tx<'_>, names: &[String]) -> Result<Vec<String>> {
    let mut out = Vec::new();
    for name in names {
        let row: Option<(u32, String, String, i64)> = tx.find(
            "SELECT pid, started, boot, lease_until, sound FROM sound_owners WHERE owner = ?1",
            [name],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)),
        )?;
        if row.is_none_or(|(pid, started, boot, until)| until < tx.ms() || dead(pid, &started, &boot)) {
            out.push(name.clone());
        }
    }
    Ok(out)
}
