//! A seal on every row of every table: a digest over all its columns. A row that was changed by anything but this program,
//! a flipped bit or another one's `UPDATE`, is an error where it is read and where it is written, never a wrong answer.
//!
//! Triggers keep the seals; a statement that is run often computes it itself, which spares the second write. Reads go to the views `sound_<table>` and select the column `sound` with the others: computing it
//! fails where the seal is broken. (In a condition SQLite would compute it with the constants that other conditions
//! compare with, in place of what is in the row.) Not a defence against who owns the file: there is
//! no secret in it. What the chain proves is proven by `check`.

use std::fmt::Write as _;

use gladhand_documents::error::Result;
use rusqlite::Connection;
use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::types::ValueRef;
use sha2::{Digest as _, Sha256};

use super::db;

/// How the message of a broken seal begins; see [`super::db`].
pub(super) const BROKEN: &str = "broken seal: ";
const LENGTH: usize = 16;

/// Every table with rows.
pub(in crate::journal) const TABLES: &[&str] = &[
    "meta",
    "entries",
    "owners",
    "tenders",
    "intents",
    "inbox",
    "deliveries",
    "consumers",
    "acks",
    "carriers",
    "dispatches",
    "assertion_keys",
];

/// Teaches a connection the functions that triggers and views use.
pub(in crate::journal) fn teach(connection: &Connection) -> Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC | FunctionFlags::SQLITE_INNOCUOUS;
    connection.create_scalar_function("seal", -1, flags, |context| Ok(seal(context, 0).to_vec())).map_err(db)?;
    let sound = |context: &Context<'_>| {
        // sealed(seal, table, columns…)
        if context.get_raw(0).as_blob_or_null().ok().flatten() == Some(&seal(context, 1)[..]) {
            return Ok(true);
        }
        let table = context.get_raw(1).as_str().unwrap_or_default().to_owned();
        Err(rusqlite::Error::UserFunctionError(format!("{BROKEN}{table}").into()))
    };
    connection.create_scalar_function("sealed", -1, flags, sound).map_err(db)
}

/// The digest of the table's name and the values behind it, each with its type and length.
fn seal(context: &Context<'_>, from: usize) -> [u8; LENGTH] {
    let mut hash = Sha256::new();
    for index in from..context.len() {
        let number: [u8; 8];
        let (kind, bytes): (u8, &[u8]) = match context.get_raw(index) {
            ValueRef::Null => (0, &[]),
            ValueRef::Integer(value) => {
                number = value.to_be_bytes();
                (1, &number)
            }
            ValueRef::Real(value) => {
                number = value.to_be_bytes();
                (2, &number)
            }
            ValueRef::Text(value) => (3, value),
            ValueRef::Blob(value) => (4, value),
        };
        hash.update([kind]);
        hash.update((bytes.len() as u64).to_be_bytes());
        hash.update(bytes);
    }
    let digest = hash.finalize();
    let mut out = [0; LENGTH];
    out.copy_from_slice(&digest[..LENGTH]);
    out
}

/// Makes triggers and views of all tables, from the columns that they have.
pub(super) fn make(connection: &Connection) -> Result<()> {
    let mut sql = String::new();
    for table in TABLES {
        let (columns, keys) = columns(connection, table)?;
        let list = |prefix: &str| columns.iter().map(|c| format!("{prefix}{c}")).collect::<Vec<_>>().join(", ");
        let same = keys.iter().map(|c| format!("{c} = NEW.{c}")).collect::<Vec<_>>().join(" AND ");
        let (plain, old, new) = (list(""), list("OLD."), list("NEW."));
        // Writing to a string cannot fail.
        let _ = write!(
            sql,
            "CREATE TRIGGER {table}_inserted AFTER INSERT ON {table} WHEN NEW.seal IS NULL BEGIN
                 UPDATE {table} SET seal = seal('{table}', {new}) WHERE {same};
             END;
             CREATE TRIGGER {table}_changing BEFORE UPDATE OF {plain} ON {table} WHEN sealed(OLD.seal, '{table}', {old})
                 BEGIN SELECT 1; END;
             CREATE TRIGGER {table}_changed AFTER UPDATE OF {plain} ON {table} WHEN NEW.seal IS OLD.seal BEGIN
                 UPDATE {table} SET seal = seal('{table}', {new}) WHERE {same};
             END;
             CREATE VIEW sound_{table} AS SELECT {plain}, rowid AS row, sealed(seal, '{table}', {plain}) AS sound FROM {table};"
        );
    }
    connection.execute_batch(&sql).map_err(db)
}

/// How many rows of a table do not match their seal.
pub(super) fn broken(connection: &Connection, table: &str) -> Result<i64> {
    let (columns, _) = columns(connection, table)?;
    let sql = format!("SELECT count(*) FROM {table} WHERE seal IS NOT seal('{table}', {})", columns.join(", "));
    connection.query_row(&sql, [], |row| row.get(0)).map_err(db)
}

/// The columns of a table without the seal, and those of its key.
fn columns(connection: &Connection, table: &str) -> Result<(Vec<String>, Vec<String>)> {
    let mut statement = connection.prepare(&format!("PRAGMA table_info({table})")).map_err(db)?;
    let rows = statement.query_map([], |row| Ok((row.get::<_, String>(1)?, row.get::<_, i64>(5)? > 0))).map_err(db)?;
    let (mut columns, mut keys) = (Vec::new(), Vec::new());
    for row in rows {
        let (name, key) = row.map_err(db)?;
        if name == "seal" {
            continue;
        }
        if key {
            keys.push(name.clone());
        }
        columns.push(name);
    }
    Ok((columns, keys))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_keeps_its_seal_through_every_kind_of_write() {
        let connection = Connection::open_in_memory().unwrap();
        teach(&connection).unwrap();
        connection.execute_batch(include_str!("schema.sql")).unwrap();
        make(&connection).unwrap();
        let sound = |what: &str| {
            for table in TABLES {
                assert_eq!(broken(&connection, table).unwrap(), 0, "{what}");
            }
        };
        connection.execute("INSERT INTO carriers (name, cursor) VALUES (?1, ?2)", ["a", "c"]).unwrap();
        sound("insert");
        connection.execute("UPDATE carriers SET frozen = 1 WHERE name = ?1", ["a"]).unwrap();
        sound("update");
        connection
            .execute(
                "INSERT INTO carriers (name, epoch) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET epoch = excluded.epoch",
                ["a", "e"],
            )
            .unwrap();
        sound("upsert");
        connection.execute("INSERT OR IGNORE INTO acks (consumer, position) VALUES ('a', 1)", []).unwrap();
        connection.execute("INSERT OR IGNORE INTO acks (consumer, position) VALUES ('a', 1)", []).unwrap();
        connection.execute("UPDATE acks SET position = 2", []).unwrap();
        connection.execute("DELETE FROM acks", []).unwrap();
        sound("the rest");
        // A statement that computes the seal itself, rightly and wrongly.
        let own = "INSERT INTO deliveries (position, inbox_id, seal) VALUES (1, 7, seal('deliveries', 1, 7))";
        connection.execute(own, []).unwrap();
        connection.execute("UPDATE deliveries SET inbox_id = 8, seal = seal('deliveries', position, 8)", []).unwrap();
        sound("computed");
        connection.execute("UPDATE deliveries SET inbox_id = 9, seal = seal('deliveries', position, 8)", []).unwrap();
        sound("the same seal is computed anew");
        let row: (String, i64) = connection
            .query_row("SELECT epoch, frozen, sound FROM sound_carriers WHERE name = 'a'", [], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .unwrap();
        assert_eq!(row, ("e".to_owned(), 1));
        // A row that does not match what is asked for is none, and not a broken one.
        let none =
            connection.query_row("SELECT sound FROM sound_carriers WHERE name = 'a' AND frozen = 0", [], |_| Ok(()));
        assert_eq!(none, Err(rusqlite::Error::QueryReturnedNoRows));
    }
}
