//! How far each lane is settled: a hint in two slots, written in turn. If it is lost or stale, frames are sent again and the
//! collector says that it has them.

use std::io;
use std::sync::Arc;

use gladhand_documents::telemetry::frame::Epoch;
use gladhand_protocol::telemetry::{Cursor, REASONS};

use super::bytes::{check, checked};
use super::storage::{SpoolFile, SpoolStorage, read_all, write_all};

const NAME: &str = "cursor";
const MAGIC: [u8; 4] = *b"GHc1";
/// Each slot has a page of its own, so that one torn write cannot damage both.
const SLOT: u64 = 4096;
const LENGTH: usize = 8 + 16 + 4 * (1 + REASONS) * 8;

/// What the file said: the epoch, and how far each lane of it is settled.
pub(super) type Known = (Epoch, [Cursor; 4]);

#[derive(Debug)]
pub(super) struct CursorFile {
    file: Arc<dyn SpoolFile>,
    generation: u64,
    /// Something was written and not synced.
    unsynced: bool,
}

impl CursorFile {
    /// Opens the file, or makes it. Gives what it said, and of which epoch.
    pub(super) fn open(storage: &dyn SpoolStorage, names: &[String]) -> io::Result<(Self, Option<Known>)> {
        let known = names.iter().any(|name| name == NAME);
        let file = if known { storage.open(NAME)? } else { storage.create(NAME, 2 * SLOT)? };
        let bytes = read_all(&*file, 2 * SLOT).unwrap_or_default();
        let slots = [0, SLOT as usize].map(|at| bytes.get(at..).and_then(read));
        let newest = slots.into_iter().flatten().max_by_key(|(generation, ..)| *generation);
        let generation = newest.as_ref().map_or(0, |(generation, ..)| *generation);
        Ok((Self { file, generation, unsynced: false }, newest.map(|(_, epoch, cursors)| (epoch, cursors))))
    }

    pub(super) fn write(&mut self, epoch: &Epoch, cursors: &[Cursor; 4]) -> io::Result<()> {
        self.generation += 1;
        let mut said = Vec::with_capacity(LENGTH);
        said.extend(self.generation.to_le_bytes());
        said.extend(epoch);
        for cursor in cursors {
            said.extend(cursor.through.to_le_bytes());
            cursor.dropped.iter().for_each(|count| said.extend(count.to_le_bytes()));
        }
        self.unsynced = true;
        write_all(&*self.file, &check(MAGIC, said, LENGTH), self.generation % 2 * SLOT)
    }

    pub(super) fn sync(&mut self) -> io::Result<()> {
        if std::mem::take(&mut self.unsynced) { self.file.sync() } else { Ok(()) }
    }
}

fn read(slot: &[u8]) -> Option<(u64, Epoch, [Cursor; 4])> {
    let mut fields = checked(slot, MAGIC, LENGTH)?;
    let (generation, epoch) = (fields.u64()?, fields.array()?);
    let mut cursors = [Cursor::default(); 4];
    for cursor in &mut cursors {
        cursor.through = fields.u64()?;
        for count in &mut cursor.dropped {
            *count = fields.u64()?;
        }
    }
    Some((generation, epoch, cursors))
}
