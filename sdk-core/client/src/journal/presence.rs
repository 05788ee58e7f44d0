//! Which copies of this library have a journal open. SQLite's file locks belong to the process: where two copies of SQLite in
//! one process open one file, the first that closes it lets go of the other's locks. So each process has a file beside the
//! journal, locked by the copy that uses the journal there; a second copy finds it locked and is refused.
//!
//! Several clients of one copy share that lock, as they share SQLite.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use gladhand_documents::error::{Code, Error, Result};

use super::owner;

/// Held for as long as the journal is open.
pub(super) type Presence = Arc<File>;

static OURS: Mutex<BTreeMap<PathBuf, Weak<File>>> = Mutex::new(BTreeMap::new());

/// Takes the place of this process at a journal. To be called under the head lock, before the database is opened: closing it
/// again would do the damage. Error: `journal_unsupported` where another copy in this process has it.
pub(super) fn enter(journal: &Path) -> Result<Presence> {
    let marker = marker(journal);
    let mut ours = OURS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(here) = ours.get(&marker).and_then(Weak::upgrade) {
        return Ok(here);
    }
    sweep(journal, &marker);
    let unusable = |e: std::io::Error| {
        Error::new(Code::JournalUnwritable, format!("{} cannot be made", marker.display())).caused_by(&e)
    };
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(&marker).map_err(unusable)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            return Err(Error::new(
                Code::JournalUnsupported,
                format!(
                    "another copy of Gladhand in this process has the journal {} open; give each copy its own, or load one",
                    journal.display()
                ),
            ));
        }
        Err(TryLockError::Error(error)) => return Err(unusable(error)),
    }
    let here = Arc::new(file);
    ours.insert(marker, Arc::downgrade(&here));
    Ok(here)
}

/// Its name has the namespace of process ids in it: containers may share a journal's folder and count alike.
fn marker(journal: &Path) -> PathBuf {
    let mut name = journal.as_os_str().to_owned();
    name.push(format!(".process-{}{}", std::process::id(), owner::namespace()));
    PathBuf::from(name)
}

/// Removes the files of processes that are gone: nobody has them locked.
fn sweep(journal: &Path, own: &Path) {
    let (Some(folder), Some(name)) = (journal.parent(), journal.file_name()) else { return };
    let start = format!("{}.process-", name.to_string_lossy());
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path == own || !entry.file_name().to_string_lossy().starts_with(&start) {
            continue;
        }
        if File::open(&path).is_ok_and(|file| file.try_lock().is_ok()) {
            let _ = std::fs::remove_file(&path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_copy_in_a_process_and_the_dead_are_swept_out() {
        let dir = tempfile::tempdir().unwrap();
        let journal = dir.path().join("journal.db");
        let dead = dir.path().join("journal.db.process-1-0");
        std::fs::write(&dead, b"").unwrap();
        // As another copy of this library would have it: a lock that is not ours.
        let other = OpenOptions::new().write(true).create(true).truncate(false).open(marker(&journal)).unwrap();
        other.try_lock().unwrap();
        let refused = enter(&journal).unwrap_err();
        assert_eq!(refused.code(), Code::JournalUnsupported);
        assert!(refused.message().contains("another copy"), "{refused}");
        assert!(!dead.exists());
        drop(other);
        let (one, two) = (enter(&journal).unwrap(), enter(&journal).unwrap());
        assert!(Arc::ptr_eq(&one, &two), "two clients of one copy");
        let other = File::open(marker(&journal)).unwrap();
        assert!(matches!(other.try_lock(), Err(TryLockError::WouldBlock)), "another copy would find it locked");
        drop((one, two));
        other.try_lock().unwrap();
    }
}
