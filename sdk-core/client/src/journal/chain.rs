//! Digests of entries, and the head of the chain mirrored in a second file, so that a cut tail is seen (contract 4c).
//!
//! The mirror has two slots that are written in turn, each with a checksum: a write that a power cut tears leaves the
//! other slot. It is also the lock that appending processes take.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::time::Duration;

use gladhand_documents::error::{Code, Error, Result};
use sha2::{Digest as _, Sha256};

const MAGIC: &[u8; 8] = b"GLADHEAD";
const SLOT: usize = 8 + 8 + 32 + 32;
/// Apart by a page, so that one torn write cannot spoil both.
const STRIDE: u64 = 4096;

/// The digest of an entry. Only the digest of the body enters, so that a body can be erased.
pub(super) fn digest(previous: &[u8; 32], index: u64, kind: &str, wall: i64, mono: i64, body: &[u8; 32]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(previous);
    hash.update(index.to_be_bytes());
    hash.update((kind.len() as u32).to_be_bytes());
    hash.update(kind.as_bytes());
    hash.update(wall.to_be_bytes());
    hash.update(mono.to_be_bytes());
    hash.update(body);
    hash.finalize().into()
}

/// Index and digest of the last entry; zeros before the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) index: u64,
    pub(super) digest: [u8; 32],
}

/// The mirror.
#[derive(Debug)]
pub(super) struct Mirror {
    file: File,
}

impl Mirror {
    /// Opens the mirror or makes it.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(|e| unwritable(&e))?;
        Ok(Self { file })
    }

    /// Opens one that is there, to read it.
    pub(super) fn open_to_read(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(|e| {
            Error::new(Code::JournalTruncated, format!("the journal's head file {} cannot be read", path.display()))
                .caused_by(&e)
        })?;
        Ok(Self { file })
    }

    /// Waits until what was put is on disk.
    pub(super) fn sync(&self) -> Result<()> {
        self.file.sync_data().map_err(|e| unwritable(&e))
    }

    /// Takes the lock that writes need; it is let go when the guard is dropped. Waits at most five seconds.
    pub(super) fn lock(&self) -> Result<Guard> {
        let file = self.file.try_clone().map_err(|e| unwritable(&e))?;
        for _ in 0..2500 {
            match file.try_lock() {
                Ok(()) => return Ok(Guard { file }),
                Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(2)),
                Err(TryLockError::Error(e)) => return Err(unwritable(&e)),
            }
        }
        Err(Error::new(Code::JournalBusy, "another process has held the head of the journal for five seconds"))
    }
}

/// The lock on the head.
#[derive(Debug)]
pub(super) struct Guard {
    file: File,
}

impl Guard {
    /// The head as mirrored; the newer of the two slots that match their checksum. `None` for a file without one.
    pub(super) fn read(&mut self) -> Result<Option<Head>> {
        let slots = [self.slot(0)?, self.slot(1)?];
        Ok(slots.into_iter().flatten().max_by_key(|head| head.index))
    }

    fn slot(&mut self, number: u64) -> Result<Option<Head>> {
        self.file.seek(SeekFrom::Start(number * STRIDE)).map_err(|e| unwritable(&e))?;
        let mut bytes = [0; SLOT];
        let mut filled = 0;
        while filled < SLOT {
            match self.file.read(&mut bytes[filled..]).map_err(|e| unwritable(&e))? {
                0 => return Ok(None),
                n => filled += n,
            }
        }
        let sound = &bytes[..8] == MAGIC && Sha256::digest(&bytes[..48])[..] == bytes[48..];
        let mut head = Head::default();
        let mut index = [0; 8];
        index.copy_from_slice(&bytes[8..16]);
        head.index = u64::from_be_bytes(index);
        head.digest.copy_from_slice(&bytes[16..48]);
        Ok(sound.then_some(head))
    }

    /// Writes the head and waits until it is on disk.
    pub(super) fn write(&mut self, head: Head) -> Result<()> {
        self.put(head)?;
        self.file.sync_data().map_err(|e| unwritable(&e))
    }

    /// Writes the head. Every process sees it from now on; a power cut may still lose it.
    pub(super) fn put(&mut self, head: Head) -> Result<()> {
        let mut bytes = Vec::with_capacity(SLOT);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&head.index.to_be_bytes());
        bytes.extend_from_slice(&head.digest);
        let checksum = Sha256::digest(&bytes);
        bytes.extend_from_slice(&checksum);
        let write = || -> std::io::Result<()> {
            let mut file = &self.file;
            file.seek(SeekFrom::Start((head.index % 2) * STRIDE))?;
            file.write_all(&bytes)
        };
        write().map_err(|e| unwritable(&e))
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        // The lock ends with the last duplicate of the descriptor at the latest.
        let _ = self.file.unlock();
    }
}

fn unwritable(error: &std::io::Error) -> Error {
    Error::new(Code::JournalUnwritable, "the journal's head file cannot be used").caused_by(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newer_sound_slot_wins() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("head");
        let mirror = Mirror::open(&path).unwrap();
        let head = |index| Head { index, digest: [index as u8; 32] };
        {
            let mut guard = mirror.lock().unwrap();
            assert_eq!(guard.read().unwrap(), None);
            guard.write(head(1)).unwrap();
            guard.write(head(2)).unwrap();
            assert_eq!(guard.read().unwrap(), Some(head(2)));
        }
        // A torn write of entry 2 leaves entry 1.
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[20] ^= 1;
        std::fs::write(&path, &bytes).unwrap();
        let mirror = Mirror::open(&path).unwrap();
        assert_eq!(mirror.lock().unwrap().read().unwrap(), Some(head(1)));
    }
}
