//! What a spool needs of a disk, and the file system as that.

use std::fmt;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A folder of files. Names are relative to it; a `/` in one names a folder below.
pub trait SpoolStorage: fmt::Debug + Send + Sync {
    /// Takes the folder for this process alone. `false`: another one has it.
    fn lock(&self) -> io::Result<bool>;
    /// The files of a folder; of the whole for an empty name. Folders are left out.
    fn list(&self, folder: &str) -> io::Result<Vec<String>>;
    /// A file that exists, to read and write.
    fn open(&self, name: &str) -> io::Result<Arc<dyn SpoolFile>>;
    /// A new file of so many zeros, whose blocks are allocated, in place of one of this name.
    fn create(&self, name: &str, bytes: u64) -> io::Result<Arc<dyn SpoolFile>>;
    /// Removes a file.
    fn remove(&self, name: &str) -> io::Result<()>;
    /// Makes durable which files there are.
    fn sync_folder(&self) -> io::Result<()>;
}

/// An open file.
pub trait SpoolFile: fmt::Debug + Send + Sync {
    /// How long it is, in bytes.
    fn bytes(&self) -> io::Result<u64>;
    /// Reads from here; fewer bytes than asked for at the end.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;
    /// Writes here; may write fewer bytes than given.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize>;
    /// Cuts it off.
    fn cut(&self, bytes: u64) -> io::Result<()>;
    /// Makes its content durable.
    fn sync(&self) -> io::Result<()>;
}

/// The whole file, at most `limit` bytes.
pub(super) fn read_all(file: &dyn SpoolFile, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; file.bytes()?.min(limit) as usize];
    let mut filled = 0;
    while filled < bytes.len() {
        match file.read_at(&mut bytes[filled..], filled as u64)? {
            0 => break,
            read => filled += read,
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}

/// Writes everything, however short each write is.
pub(super) fn write_all(file: &dyn SpoolFile, bytes: &[u8], offset: u64) -> io::Result<()> {
    let mut written = 0;
    while written < bytes.len() {
        match file.write_at(&bytes[written..], offset + written as u64)? {
            0 => return Err(io::ErrorKind::WriteZero.into()),
            some => written += some,
        }
    }
    Ok(())
}

/// Whether there was no room.
pub(super) fn is_full(error: &io::Error) -> bool {
    use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge)
}

/// A folder of the file system.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    lock: std::sync::Mutex<Option<File>>,
}

impl Folder {
    /// This folder; it is made if it does not exist.
    ///
    /// Errors: it cannot be made.
    pub fn open(path: impl Into<PathBuf>) -> io::Result<Self> {
        let path = path.into();
        std::fs::create_dir_all(&path)?;
        Ok(Self { path, lock: std::sync::Mutex::default() })
    }

    fn at(&self, name: &str) -> PathBuf {
        name.split('/').fold(self.path.clone(), |path, part| path.join(part))
    }
}

impl SpoolStorage for Folder {
    fn lock(&self) -> io::Result<bool> {
        let path = self.path.join("lock");
        // On a disk that became read-only the file can still be locked.
        let file =
            OpenOptions::new().create(true).truncate(false).write(true).open(&path).or_else(|_| File::open(&path))?;
        match file.try_lock() {
            Ok(()) => {
                *self.lock.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(file);
                Ok(true)
            }
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        let path = if folder.is_empty() { self.path.clone() } else { self.at(folder) };
        let entries = match std::fs::read_dir(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry?;
            if entry.file_type()?.is_file()
                && let Ok(name) = entry.file_name().into_string()
            {
                names.push(name);
            }
        }
        Ok(names)
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn SpoolFile>> {
        let file = OpenOptions::new().read(true).write(true).open(self.at(name))?;
        Ok(Arc::new(Disk(file)))
    }

    fn create(&self, name: &str, bytes: u64) -> io::Result<Arc<dyn SpoolFile>> {
        let path = self.at(name);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let filled = fill(&path, bytes);
        if filled.is_err() {
            // What could not be filled would only take the room that is missing.
            let _ = std::fs::remove_file(&path);
        }
        Ok(Arc::new(Disk(filled?)))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        std::fs::remove_file(self.at(name))
    }

    fn sync_folder(&self) -> io::Result<()> {
        // Only Unix lets a folder be synced; elsewhere the file system's journal has to do.
        if cfg!(unix) { File::open(&self.path)?.sync_all() } else { Ok(()) }
    }
}

fn fill(path: &Path, bytes: u64) -> io::Result<File> {
    const ZEROS: [u8; 16 * 1024] = [0; 16 * 1024];
    let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(path)?;
    let mut left = bytes as usize;
    while left > 0 {
        left -= file.write(&ZEROS[..left.min(ZEROS.len())])?;
    }
    // Otherwise the first sync of an entry would pay for all of it.
    file.sync_all()?;
    Ok(file)
}

#[derive(Debug)]
struct Disk(File);

impl SpoolFile for Disk {
    fn bytes(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    #[cfg(unix)]
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        std::os::unix::fs::FileExt::read_at(&self.0, buffer, offset)
    }

    #[cfg(windows)]
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        std::os::windows::fs::FileExt::seek_read(&self.0, buffer, offset)
    }

    #[cfg(unix)]
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        std::os::unix::fs::FileExt::write_at(&self.0, bytes, offset)
    }

    #[cfg(windows)]
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        std::os::windows::fs::FileExt::seek_write(&self.0, bytes, offset)
    }

    fn cut(&self, bytes: u64) -> io::Result<()> {
        self.0.set_len(bytes)
    }

    fn sync(&self) -> io::Result<()> {
        self.0.sync_data()
    }
}
