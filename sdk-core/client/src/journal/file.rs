//! Looking into a journal's file without a client: for an operator, on a live journal or on a copy. Never writes.

use std::path::Path;

use gladhand_documents::error::{Code, Error, Result};
use gladhand_documents::json::Document;

use super::Store as _;
use super::sqlite::SqliteStore;

/// How many entries one step reads.
const PAGE: usize = 500;

/// Checks the whole journal (document `JournalReport`).
///
/// Errors: `journal_unsupported` where there is no journal of this version; `journal_corrupt` where so much is damaged that
/// it cannot be read; `journal_unwritable` where the file cannot be opened.
pub fn verify(path: &Path) -> Result<Document> {
    open(path)?.verify()?.to_document(path)
}

/// Gives every entry, oldest first (documents `JournalEntry`). Errors: those of [`verify`], and those of `each`.
pub fn export(path: &Path, mut each: impl FnMut(Document) -> Result<()>) -> Result<()> {
    let mut store = open(path)?;
    let mut after = 0;
    loop {
        let page = store.entries(after, PAGE)?;
        let Some(last) = page.last() else { return Ok(()) };
        after = last.index;
        for entry in &page {
            each(entry.to_document()?)?;
        }
    }
}

fn open(path: &Path) -> Result<SqliteStore> {
    if !path.is_file() {
        return Err(Error::new(Code::JournalUnsupported, format!("there is no journal at {}", path.display())));
    }
    SqliteStore::open_to_read(path)
}
