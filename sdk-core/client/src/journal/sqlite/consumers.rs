//! Durable cursors of the application (contract 4e): ordered per tender, delivered again until acknowledged, one active
//! reader each.

use gladhand_documents::error::{Code, Error, Result};
use gladhand_documents::json::Document;
use rusqlite::params;

use super::owners;
use super::tx::Tx;
use crate::journal::rows::Delivered;

pub(super) fn lease(tx: &Tx<'_>, consumer: &str, owner: &str, reader: &str) -> Result<()> {
    let holder: Option<(String, String)> =
        tx.find("SELECT owner, reader, sound FROM sound_consumers WHERE name = ?1", [consumer], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
    if let Some((holder, other)) = holder
        && !other.is_empty()
        && other != reader
        && (holder == owner || owners::lapsed(tx, std::slice::from_ref(&holder))?.is_empty())
    {
        return Err(leased(consumer));
    }
    tx.execute(
        "INSERT INTO consumers (name, cursor, owner, reader) VALUES (?1, 0, ?2, ?3)
             ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, reader = excluded.reader",
        [consumer, owner, reader],
    )?;
    owners::beat(tx, owner)
}

pub(super) fn release(tx: &Tx<'_>, consumer: &str, reader: &str) -> Result<()> {
    tx.execute("UPDATE consumers SET reader = '' WHERE name = ?1 AND reader = ?2", [consumer, reader])?;
    Ok(())
}

fn leased(consumer: &str) -> Error {
    Error::new(Code::ConsumerLeased, format!("another reader holds the consumer {consumer}"))
}

/// Everything up to the cursor is acknowledged. For the consumer's reader; with `late`, also for one that has let go of it
/// while nobody else took it.
fn cursor(tx: &Tx<'_>, consumer: &str, reader: &str, late: bool) -> Result<i64> {
    let sql = "SELECT cursor, sound FROM sound_consumers WHERE name = ?1 AND (reader = ?2 OR (?3 AND reader = ''))";
    tx.find(sql, params![consumer, reader, late], |row| row.get(0))?.ok_or_else(|| leased(consumer))
}

pub(super) fn next(tx: &Tx<'_>, consumer: &str, reader: &str, after: u64) -> Result<Option<Delivered>> {
    let from = cursor(tx, consumer, reader, false)?.max(after as i64);
    let row: Option<(i64, Vec<u8>)> = tx.find(
        "SELECT position, bytes, delivery.sound, event.sound
             FROM sound_deliveries AS delivery JOIN sound_inbox AS event ON id = inbox_id
             WHERE position > ?1 AND position NOT IN (SELECT iif(sound, position, 0) FROM sound_acks WHERE consumer = ?2)
             ORDER BY position LIMIT 1",
        params![from, consumer],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    row.map(|(token, bytes)| Ok(Delivered { token: token as u64, event: Document::parse(bytes)? })).transpose()
}

pub(super) fn acknowledge(tx: &Tx<'_>, consumer: &str, reader: &str, token: u64) -> Result<()> {
    let from = cursor(tx, consumer, reader, true)?;
    if token as i64 <= from {
        return Ok(());
    }
    let there: bool =
        tx.one("SELECT EXISTS (SELECT 1 FROM deliveries WHERE position = ?1)", [token as i64], |row| row.get(0))?;
    if !there {
        return Err(Error::new(Code::InvalidArgument, format!("token {token} is of no delivery")));
    }
    tx.execute("INSERT OR IGNORE INTO acks (consumer, position) VALUES (?1, ?2)", params![consumer, token as i64])?;
    // The cursor moves over all that is acknowledged without a hole.
    let open: Option<i64> = tx.one(
        "SELECT min(position) FROM deliveries
             WHERE position > ?1 AND position NOT IN (SELECT iif(sound, position, 0) FROM sound_acks WHERE consumer = ?2)",
        params![from, consumer],
        |row| row.get(0),
    )?;
    let last: i64 = tx.one("SELECT coalesce(max(position), 0) FROM deliveries", [], |row| row.get(0))?;
    let to = open.map_or(last, |open| open - 1);
    tx.execute("UPDATE consumers SET cursor = ?2 WHERE name = ?1", params![consumer, to])?;
    tx.execute("DELETE FROM acks WHERE consumer = ?1 AND position <= ?2", params![consumer, to])?;
    Ok(())
}
