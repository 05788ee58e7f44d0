//! The collector's files: what arrived, appended and synced before it is acknowledged.
//!
//! A file begins with an image of everything, so older ones are kept for their payloads alone: at most [`FILES`] files of
//! about [`FILE_BYTES`] each. One process at a time holds the folder.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Error, ErrorKind, Read as _, Result, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::entry::{Delivered, Entry, What};

/// When a file is this long, a new one begins.
const FILE_BYTES: u64 = if cfg!(test) { 64 << 10 } else { 16 << 20 };
/// How many files are kept.
const FILES: usize = 4;
/// How often a folder that is held is tried again, and how long after.
const TRIES: u32 = if cfg!(test) { 3 } else { 50 };
const RETRY: Duration = Duration::from_millis(100);

/// The open files.
#[derive(Debug)]
pub(super) struct Store {
    folder: PathBuf,
    /// Held while this process has the folder.
    _lock: File,
    number: u64,
    file: File,
    length: u64,
}

/// What the files told.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// From the newest image on.
    pub(super) entries: Vec<Entry>,
    /// Some of it was damaged or is missing.
    pub(super) damaged: bool,
}

impl Store {
    /// Takes the folder, making it if it is not there.
    pub(super) fn open(folder: &Path) -> Result<(Self, Told)> {
        fs::create_dir_all(folder)?;
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(folder.join("lock"))?;
        take(&lock, folder)?;
        let told = read(folder)?;
        // A file that nobody has written to yet; the caller puts the image in.
        let number = numbers(folder)?.last().map_or(1, |last| last + 1);
        let file = create(folder, number)?;
        Ok((Self { folder: folder.to_owned(), _lock: lock, number, file, length: 0 }, told))
    }

    /// Appends and syncs. After an error nothing of it counts: [`Store::reread`].
    pub(super) fn append(&mut self, entries: &[Entry]) -> Result<()> {
        let mut bytes = Vec::new();
        for entry in entries {
            entry.write(&mut bytes);
        }
        self.file.write_all(&bytes)?;
        self.file.sync_data()?;
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// Notes that everything so far was delivered. Not synced: a mark that is lost means records that come again, flagged.
    pub(super) fn delivered(&mut self) -> Result<()> {
        let mut bytes = Vec::new();
        Entry::from(What::Delivered(Delivered {})).write(&mut bytes);
        self.file.write_all(&bytes)?;
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// Whether it is time for a new file.
    pub(super) fn is_long(&self) -> bool {
        self.length >= FILE_BYTES
    }

    /// Begins a new file with this image, and drops the oldest.
    pub(super) fn begin(&mut self, image: Entry) -> Result<()> {
        if self.length > 0 {
            self.number += 1;
            self.file = create(&self.folder, self.number)?;
            self.length = 0;
        }
        self.append(&[image])?;
        let numbers = numbers(&self.folder)?;
        for old in numbers.iter().rev().skip(FILES) {
            fs::remove_file(path(&self.folder, *old))?;
        }
        sync_folder(&self.folder)
    }

    /// Takes back what was not synced, and reads again.
    pub(super) fn reread(&mut self) -> Result<Told> {
        self.file.set_len(self.length)?;
        read(&self.folder)
    }

    /// Removes every file.
    pub(super) fn wipe(&mut self) -> Result<()> {
        for number in numbers(&self.folder)? {
            fs::remove_file(path(&self.folder, number))?;
        }
        self.number += 1;
        self.file = create(&self.folder, self.number)?;
        self.length = 0;
        sync_folder(&self.folder)
    }
}

/// The newest file that begins with an image, and those after it.
fn read(folder: &Path) -> Result<Told> {
    let mut told = Told::default();
    for number in numbers(folder)?.into_iter().rev() {
        let mut file = File::open(path(folder, number))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        // What a killed process wrote may not be on the disk yet, and is about to be acknowledged.
        file.sync_data()?;
        let (mut entries, whole) = Entry::read_all(&bytes);
        told.damaged |= whole != bytes.len();
        let begins = matches!(entries.first(), Some(Entry { what: Some(What::Image(_)) }));
        entries.append(&mut told.entries);
        told.entries = entries;
        if begins {
            return Ok(told);
        }
        told.damaged |= !bytes.is_empty();
    }
    Ok(told)
}

fn take(lock: &File, folder: &Path) -> Result<()> {
    for _ in 0..TRIES {
        match lock.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) => std::thread::sleep(RETRY),
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
    Err(Error::new(ErrorKind::ResourceBusy, format!("another process holds `{}`", folder.display())))
}

/// The numbers of the files, ascending.
fn numbers(folder: &Path) -> Result<Vec<u64>> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        let number: Option<u64> =
            name.to_str().and_then(|name| name.strip_suffix(".log")).and_then(|number| number.parse().ok());
        numbers.extend(number);
    }
    numbers.sort_unstable();
    Ok(numbers)
}

fn path(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("{number:08}.log"))
}

fn create(folder: &Path, number: u64) -> Result<File> {
    let file = OpenOptions::new().append(true).create_new(true).open(path(folder, number))?;
    sync_folder(folder)?;
    Ok(file)
}

/// The names in a folder are on the disk once the folder is.
fn sync_folder(folder: &Path) -> Result<()> {
    #[cfg(unix)]
    File::open(folder)?.sync_all()?;
    #[cfg(not(unix))]
    let _ = folder;
    Ok(())
}
