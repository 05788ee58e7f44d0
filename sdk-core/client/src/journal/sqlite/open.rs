//! Opening a journal: a new file, or one of ours; anything else is refused.

use std::path::Path;
use std::time::Duration;

use gladhand_documents::error::{Code, Error, Result};
use rusqlite::{Connection, OptionalExtension as _};

use super::{db, truncated};
use crate::journal::chain::Guard;

/// `GLAH`, in the file's header.
const APPLICATION: i32 = 0x474C_4148;
const FORMAT: i32 = 1;

/// Added to format 1. Public facts only.
const ASSERTION_KEYS: &str = include_str!("assertion_keys.sql");
const INDEXES: &str = include_str!("indexes.sql");

/// Loads are nobody's business: the file is made readable for its owner alone.
fn private(path: &Path) -> Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop).map_err(|e| {
        Error::new(Code::JournalUnwritable, format!("the journal {} cannot be used", path.display())).caused_by(&e)
    })
}

pub(super) fn connect(path: &Path) -> Result<Connection> {
    private(path)?;
    let connection = Connection::open(path).map_err(db)?;
    connection.busy_timeout(Duration::from_secs(5)).map_err(db)?;
    connection.set_prepared_statement_cache_capacity(128);
    let mode: String = connection.query_row("PRAGMA journal_mode=WAL", [], |row| row.get(0)).map_err(db)?;
    if !mode.eq_ignore_ascii_case("wal") {
        return Err(Error::new(
            Code::JournalUnsupported,
            format!("the file system of {} cannot hold a shared write-ahead log", path.display()),
        ));
    }
    connection.pragma_update(None, "synchronous", "FULL").map_err(db)?;
    Ok(connection)
}

/// Makes the tables in a new file, or checks that the file is ours, of this format and environment, and whole.
pub(super) fn prepare(connection: &mut Connection, mut guard: Guard, environment: &str) -> Result<()> {
    let tx = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).map_err(db)?;
    let pragma = |name: &str| tx.query_row(&format!("PRAGMA {name}"), [], |row| row.get::<_, i32>(0)).map_err(db);
    let tables: i64 = tx.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(db)?;
    match (pragma("application_id")?, pragma("user_version")?, tables) {
        (0, 0, 0) => {
            tx.execute_batch(include_str!("schema.sql")).map_err(db)?;
            tx.execute_batch(ASSERTION_KEYS).map_err(db)?;
            tx.execute_batch(INDEXES).map_err(db)?;
            tx.execute_batch(&format!("PRAGMA application_id={APPLICATION}; PRAGMA user_version={FORMAT};"))
                .map_err(db)?;
            tx.execute("INSERT INTO meta VALUES ('environment', ?1)", [environment]).map_err(db)?;
        }
        // Made by a version that did not know the table or the indexes yet; nothing else of the format differs.
        (APPLICATION, FORMAT, _) => {
            tx.execute_batch(ASSERTION_KEYS).map_err(db)?;
            tx.execute_batch(INDEXES).map_err(db)?;
        }
        (APPLICATION, other, _) => {
            return Err(Error::new(
                Code::JournalUnsupported,
                format!("the journal has format {other}, this version of Gladhand reads {FORMAT}"),
            ));
        }
        _ => {
            return Err(Error::new(Code::JournalUnsupported, "the journal's file is a database of another program"));
        }
    }
    let made_for: Option<String> = tx
        .query_row("SELECT value FROM meta WHERE key = 'environment'", [], |row| row.get(0))
        .optional()
        .map_err(db)?;
    if made_for.as_deref() != Some(environment) {
        return Err(Error::new(
            Code::ConfigInvalid,
            format!(
                "`journal.path` holds the journal of the environment {}, not of {environment}",
                made_for.unwrap_or_default()
            ),
        ));
    }
    let head = super::tx::head(&tx)?;
    let mirrored = guard.read()?;
    let mirror = mirrored.unwrap_or_default();
    // A head file that is gone while there are entries is a tail that nobody can vouch for.
    if mirror.index > head.index || (mirrored.is_none() && head.index > 0) {
        return Err(truncated(mirror.index, head.index));
    }
    if mirror.index > 0 && super::tx::digest_at(&tx, mirror.index)? != Some(mirror.digest) {
        return Err(super::corrupt(&format!("entry {}", mirror.index)));
    }
    tx.commit().map_err(db)?;
    if mirrored != Some(head) {
        guard.write(head)?;
    }
    Ok(())
}
