//! Files that only their owner may read, and replacing them in one step.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use gladhand_documents::error::{Code, Error, Result};

use crate::{canaries, random};

/// Writes `file` in `dir`.
pub fn write(dir: &Path, file: &str, text: &str) -> Result<()> {
    write_path(&dir.join(file), text)
}

/// Writes a file; the mode is set before the first byte.
pub fn write_path(path: &Path, text: &str) -> Result<()> {
    canaries::note_keys(text);
    let _ = fs::remove_file(path);
    create(path, text.as_bytes()).map_err(|e| failed(path, &e))
}

/// Replaces `file` in `dir` by one rename, so that a reader sees the old or the new one and nothing in between.
pub fn replace(dir: &Path, file: &str, text: &str) -> Result<()> {
    canaries::note_keys(text);
    let (path, next) = (dir.join(file), dir.join(random::id(".next-")));
    create(&next, text.as_bytes()).and_then(|()| fs::rename(&next, &path)).map_err(|e| failed(&path, &e))
}

/// Creates a file that is not there yet, readable by its owner only.
pub fn create(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(bytes)
}

fn failed(path: &Path, error: &std::io::Error) -> Error {
    Error::new(Code::SandboxFailed, format!("cannot write `{}`", path.display())).caused_by(error)
}
