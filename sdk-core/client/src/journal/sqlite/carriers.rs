//! What is known of each carrier's log, and the numbers of commands.

use gladhand_documents::error::{Code, Error, Result};
use rusqlite::params;

use super::tx::Tx;
use crate::journal::rows::CarrierRow;

pub(super) fn get(tx: &Tx<'_>, name: &str) -> Result<CarrierRow> {
    let row = tx.find("SELECT cursor, epoch, frozen, sound FROM sound_carriers WHERE name = ?1", [name], |row| {
        Ok(CarrierRow { cursor: row.get(0)?, epoch: row.get(1)?, frozen: row.get(2)? })
    })?;
    Ok(row.unwrap_or_default())
}

/// Nothing new is meant for a carrier whose log is another one than it was (contract 4e).
pub(super) fn sendable(tx: &Tx<'_>, name: &str) -> Result<()> {
    if get(tx, name)?.frozen {
        let what = format!("carrier {name} restored from a backup; nothing is sent before a reconciliation");
        return Err(Error::new(Code::EpochChanged, what));
    }
    Ok(())
}

pub(super) fn set_cursor(tx: &Tx<'_>, name: &str, cursor: &str) -> Result<()> {
    tx.execute(
        "INSERT INTO carriers (name, cursor) VALUES (?1, ?2)
             ON CONFLICT (name) DO UPDATE SET cursor = excluded.cursor",
        [name, cursor],
    )?;
    Ok(())
}

/// The first epoch is learned; another one freezes. The old one stays on record until the thaw.
pub(super) fn epoch(tx: &Tx<'_>, name: &str, epoch: &str) -> Result<CarrierRow> {
    tx.execute(
        "INSERT INTO carriers (name, epoch) VALUES (?1, ?2)
             ON CONFLICT (name) DO UPDATE SET frozen = CASE WHEN epoch IS NULL OR epoch = ?2 THEN frozen ELSE 1 END,
                 epoch = coalesce(epoch, ?2)",
        [name, epoch],
    )?;
    get(tx, name)
}

pub(super) fn thaw(tx: &Tx<'_>, name: &str, epoch: &str) -> Result<()> {
    tx.execute(
        "UPDATE carriers SET frozen = 0, epoch = ?2, cursor = CASE WHEN epoch = ?2 THEN cursor ELSE NULL END
             WHERE name = ?1",
        [name, epoch],
    )?;
    Ok(())
}

pub(super) fn next_command(tx: &Tx<'_>, dispatch: &str) -> Result<u64> {
    tx.one(
        "INSERT INTO dispatches (dispatch_id, command_sequence) VALUES (?1, 1)
             ON CONFLICT (dispatch_id) DO UPDATE SET command_sequence = command_sequence + 1
             RETURNING command_sequence",
        params![dispatch],
        |row| row.get::<_, i64>(0),
    )
    .map(|n| n as u64)
}
