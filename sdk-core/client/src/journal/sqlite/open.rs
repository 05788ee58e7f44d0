//! Opening a journal: a new file, or one of ours; anything else is refused.

use std::path::Path;
use std::time::Duration;

use gladhand_documents::error::{Code, Error, Result};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, OptionalExtension as _};

use super::session::{log_of, sync};
use super::{db, seal, truncated};
use crate::journal::chain::Guard;

/// `GLAH`, in the file's header.
const APPLICATION: i32 = 0x474C_4148;
const FORMAT: i32 = 2;

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

/// A connection that only reads; the journal must be there, ours and of this format.
pub(super) fn connect_to_read(path: &Path) -> Result<Connection> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(db)?;
    connection.busy_timeout(Duration::from_secs(5)).map_err(db)?;
    seal::teach(&connection)?;
    let pragma = |name: &str| connection.query_row(&format!("PRAGMA {name}"), [], |row| row.get::<_, i32>(0));
    match (pragma("application_id").map_err(db)?, pragma("user_version").map_err(db)?) {
        (APPLICATION, FORMAT) => Ok(connection),
        (APPLICATION, other) => Err(format_unknown(other)),
        _ => Err(Error::new(Code::JournalUnsupported, "the file is no journal")),
    }
}

fn format_unknown(format: i32) -> Error {
    let why = format!("the journal has format {format}, this version of Gladhand reads {FORMAT}");
    Error::new(Code::JournalUnsupported, why)
}

pub(super) fn connect(path: &Path) -> Result<Connection> {
    private(path)?;
    let connection = Connection::open(path).map_err(db)?;
    connection.busy_timeout(Duration::from_secs(5)).map_err(db)?;
    connection.set_prepared_statement_cache_capacity(256);
    // Otherwise SQLite prepares a statement again for each new value that is bound.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map_err(db)?;
    seal::teach(&connection)?;
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
            seal::make(&tx)?;
            tx.execute_batch(&format!("PRAGMA application_id={APPLICATION}; PRAGMA user_version={FORMAT};"))
                .map_err(db)?;
            tx.execute("INSERT INTO meta (key, value) VALUES ('environment', ?1)", [environment]).map_err(db)?;
        }
        (APPLICATION, FORMAT, _) => {}
        (APPLICATION, other, _) => return Err(format_unknown(other)),
        _ => {
            return Err(Error::new(Code::JournalUnsupported, "the journal's file is a database of another program"));
        }
    }
    let made_for: Option<String> = tx
        .query_row("SELECT value, sound FROM sound_meta WHERE key = 'environment'", [], |row| row.get(0))
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
        // Nothing says that what is behind the mirrored head was synced before its process ended.
        sync(&log_of(connection.path().unwrap_or_default()))?;
        guard.write(head)?;
    }
    Ok(())
}
