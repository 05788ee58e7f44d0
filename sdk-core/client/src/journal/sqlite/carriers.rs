//! What is known of each carrier's log, and the numbers of commands.

use gladhand_documents::error::Result;
use rusqlite::{OptionalExtension as _, params};

use super::db;
use super::tx::Tx;
use crate::journal::rows::CarrierRow;

pub(super) fn get(tx: &Tx<'_>, name: &str) -> Result<CarrierRow> {
    let row = tx
        .sql
        .prepare_cached("SELECT cursor, epoch, frozen, sound FROM sound_carriers WHERE name = ?1")
        .map_err(db)?
        .query_row([name], |row| Ok(CarrierRow { cursor: row.get(0)?, epoch: row.get(1)?, frozen: row.get(2)? }))
        .optional()
        .map_err(db)?;
    Ok(row.unwrap_or_default())
}

pub(super) fn set_cursor(tx: &Tx<'_>, name: &str, cursor: &str) -> Result<()> {
    tx.sql
        .execute(
            "INSERT INTO carriers (name, cursor) VALUES (?1, ?2)
             ON CONFLICT (name) DO UPDATE SET cursor = excluded.cursor",
            [name, cursor],
        )
        .map_err(db)?;
    Ok(())
}

/// The first epoch is learned; another one freezes. The old one stays on record until the thaw.
pub(super) fn epoch(tx: &Tx<'_>, name: &str, epoch: &str) -> Result<CarrierRow> {
    tx.sql
        .execute(
            "INSERT INTO carriers (name, epoch) VALUES (?1, ?2)
             ON CONFLICT (name) DO UPDATE SET frozen = CASE WHEN epoch IS NULL OR epoch = ?2 THEN frozen ELSE 1 END,
                 epoch = coalesce(epoch, ?2)",
            [name, epoch],
        )
        .map_err(db)?;
    get(tx, name)
}

pub(super) fn thaw(tx: &Tx<'_>, name: &str, epoch: &str) -> Result<()> {
    tx.sql
        .execute(
            "UPDATE carriers SET frozen = 0, epoch = ?2, cursor = CASE WHEN epoch = ?2 THEN cursor ELSE NULL END
             WHERE name = ?1",
            [name, epoch],
        )
        .map_err(db)?;
    Ok(())
}

pub(super) fn next_command(tx: &Tx<'_>, dispatch: &str) -> Result<u64> {
    tx.sql
        .query_row(
            "INSERT INTO dispatches (dispatch_id, command_sequence) VALUES (?1, 1)
             ON CONFLICT (dispatch_id) DO UPDATE SET command_sequence = command_sequence + 1
             RETURNING command_sequence",
            params![dispatch],
            |row| row.get::<_, i64>(0),
        )
        .map(|n| n as u64)
        .map_err(db)
}
