//! Damaged bytes, kept for whoever wants to know what happened to them. Nothing here is ever read by a spool.

use super::storage::{SpoolStorage, write_all};

const FOLDER: &str = "quarantine";
/// What is kept at most; the oldest goes first.
const KEPT: u64 = 256 * 1024;

/// Keeps some damaged bytes of a file, as far as the disk allows.
pub(super) fn keep(storage: &dyn SpoolStorage, of: &str, offset: usize, bytes: &[u8]) {
    let bytes = &bytes[..bytes.len().min(KEPT as usize)];
    let mut known = storage.list(FOLDER).unwrap_or_default();
    known.sort();
    let suffix = format!("-{of}-{offset}");
    if known.iter().any(|name| name.ends_with(&suffix)) {
        // From an earlier start.
        return;
    }
    let number = known.last().and_then(|name| name.split('-').next()?.parse::<u64>().ok()).unwrap_or(0) + 1;
    let mut sizes: Vec<(String, u64)> = known.into_iter().map(|name| (name.clone(), size(storage, &name))).collect();
    while !sizes.is_empty() && sizes.iter().map(|(_, size)| size).sum::<u64>() + bytes.len() as u64 > KEPT {
        let _ = storage.remove(&format!("{FOLDER}/{}", sizes.remove(0).0));
    }
    // The number first, so that names sort by age.
    let name = format!("{FOLDER}/{number:08}{suffix}");
    let kept = storage.create(&name, bytes.len() as u64).and_then(|file| write_all(&*file, bytes, 0));
    if let Err(error) = kept {
        tracing::warn!(target: "gladhand::telemetry", %error, of, "damaged bytes could not be kept");
    }
}

/// How many bytes are kept.
pub(super) fn bytes(storage: &dyn SpoolStorage) -> u64 {
    let names = storage.list(FOLDER).unwrap_or_default();
    names.iter().map(|name| size(storage, name)).sum()
}

fn size(storage: &dyn SpoolStorage, name: &str) -> u64 {
    storage.open(&format!("{FOLDER}/{name}")).and_then(|file| file.bytes()).unwrap_or(0)
}
