//! What nobody may print: with `GLADHAND_CANARIES` set to a file's path, every token, assertion, proof, nonce and private key
//! that this carrier issues or sees is appended to it as `kind value`, for a scan over the output of a test run. Without
//! the variable nothing is written anywhere.

use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::sync::{Mutex, OnceLock, PoisonError};

struct Written {
    file: File,
    known: HashSet<String>,
}

static CANARIES: OnceLock<Option<Mutex<Written>>> = OnceLock::new();

fn open() -> Option<Mutex<Written>> {
    let path = std::env::var_os("GLADHAND_CANARIES")?;
    match OpenOptions::new().create(true).append(true).open(&path) {
        Ok(file) => Some(Mutex::new(Written { file, known: HashSet::new() })),
        Err(error) => {
            eprintln!("GLADHAND_CANARIES: {}: {error}", path.display());
            None
        }
    }
}

/// Notes a secret of this kind (`token`, `assertion`, `proof`, `nonce`).
pub fn note(kind: &str, secret: &str) {
    let Some(canaries) = CANARIES.get_or_init(open) else { return };
    let mut written = canaries.lock().unwrap_or_else(PoisonError::into_inner);
    if written.known.insert(secret.to_owned()) {
        // One write, so that lines of several carriers do not mix. A scan that lacks a line is not worth a failure here.
        let _ = written.file.write_all(format!("{kind} {secret}\n").as_bytes());
    }
}

/// Notes the private keys of a PEM text, line by line, as they would appear in an output.
pub fn note_keys(pem: &str) {
    if pem.contains("PRIVATE KEY-----") {
        pem.lines().filter(|line| !line.starts_with("-----")).for_each(|line| note("key", line));
    }
}
