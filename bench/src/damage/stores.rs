//! The peers, each as its documentation recommends for data that must survive: a sync for each frame.

use std::path::Path;

use fjall::{Database, KeyspaceCreateOptions, PersistMode};
use redb::{ReadableDatabase as _, ReadableTable as _, TableDefinition};
use rusqlite::Connection;

use super::{FRAMES, Found, Outcome, Store};

pub(super) const REDB: Store = Store { name: "redb", fill: fill_redb, read: read_redb };
pub(super) const FJALL: Store = Store { name: "fjall", fill: fill_fjall, read: read_fjall };
pub(super) const SQLITE: Store = Store { name: "SQLite (WAL, FULL)", fill: fill_sqlite, read: read_sqlite };

const TABLE: TableDefinition<u64, &[u8]> = TableDefinition::new("frames");

fn fill_redb(folder: &Path, frames: &[Vec<u8>]) -> Outcome<()> {
    let store = redb::Database::create(folder.join("frames.redb"))?;
    for (number, frame) in (0..).zip(frames) {
        insert_redb(&store, number, frame)?;
    }
    std::mem::forget(store);
    Ok(())
}

fn insert_redb(store: &redb::Database, number: u64, frame: &[u8]) -> Outcome<()> {
    let write = store.begin_write()?;
    write.open_table(TABLE)?.insert(number, frame)?;
    Ok(write.commit()?)
}

fn read_redb(folder: &Path) -> Outcome<Found> {
    let store = redb::Database::open(folder.join("frames.redb"))?;
    let mut found = Found::new();
    for entry in store.begin_read()?.open_table(TABLE)?.iter()? {
        let (number, frame) = entry?;
        found.insert(number.value() as usize, frame.value().to_vec());
    }
    insert_redb(&store, FRAMES as u64, b"one more")?;
    Ok(found)
}

fn fill_fjall(folder: &Path, frames: &[Vec<u8>]) -> Outcome<()> {
    let store = Database::builder(folder).open()?;
    let keyspace = store.keyspace("frames", KeyspaceCreateOptions::default)?;
    for (number, frame) in (0u64..).zip(frames) {
        keyspace.insert(&number.to_be_bytes()[..], frame.as_slice())?;
        store.persist(PersistMode::SyncData)?;
    }
    std::mem::forget((keyspace, store));
    Ok(())
}

fn read_fjall(folder: &Path) -> Outcome<Found> {
    let store = Database::builder(folder).open()?;
    let keyspace = store.keyspace("frames", KeyspaceCreateOptions::default)?;
    let mut found = Found::new();
    for number in 0..FRAMES {
        if let Some(frame) = keyspace.get((number as u64).to_be_bytes())? {
            found.insert(number, frame.to_vec());
        }
    }
    keyspace.insert(&(FRAMES as u64).to_be_bytes()[..], b"one more".as_slice())?;
    store.persist(PersistMode::SyncData)?;
    Ok(found)
}

fn open_sqlite(folder: &Path) -> rusqlite::Result<Connection> {
    let store = Connection::open(folder.join("frames.db"))?;
    store.pragma_update(None, "journal_mode", "WAL")?;
    store.pragma_update(None, "synchronous", "FULL")?;
    store.execute_batch("CREATE TABLE IF NOT EXISTS frames (number INTEGER PRIMARY KEY, frame BLOB NOT NULL)")?;
    Ok(store)
}

fn insert_sqlite(store: &Connection, number: usize, frame: &[u8]) -> rusqlite::Result<usize> {
    store.prepare_cached("INSERT INTO frames VALUES (?1, ?2)")?.execute((number as i64, frame))
}

fn fill_sqlite(folder: &Path, frames: &[Vec<u8>]) -> Outcome<()> {
    let store = open_sqlite(folder)?;
    for (number, frame) in frames.iter().enumerate() {
        insert_sqlite(&store, number, frame)?;
    }
    std::mem::forget(store);
    Ok(())
}

fn read_sqlite(folder: &Path) -> Outcome<Found> {
    let store = open_sqlite(folder)?;
    let mut found = Found::new();
    {
        let mut select = store.prepare("SELECT number, frame FROM frames")?;
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            found.insert(row.get::<_, i64>(0)? as usize, row.get(1)?);
        }
    }
    insert_sqlite(&store, FRAMES, b"one more")?;
    Ok(found)
}
