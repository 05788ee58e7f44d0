//! Folds and snapshots as they were parsed before. A tender is read at each of its steps, and most of its bytes are the same then.

use std::collections::HashMap;

use gladhand_documents::error::Result;
use gladhand_documents::json::Document;
use gladhand_protocol::tender::fold::Fold;

/// How many tenders are kept at most; then it begins anew.
const MOST: usize = 512;

/// By tender. What is known is compared with the row's bytes, so another process, or a rollback, cannot make it wrong.
#[derive(Debug, Default)]
pub(super) struct Known(HashMap<String, Parsed>);

#[derive(Debug)]
struct Parsed {
    stored: Vec<u8>,
    fold: Fold,
    snapshot: Option<Document>,
}

impl Known {
    /// What the bytes of a row say.
    pub(super) fn read(&mut self, id: &str, fold: &[u8], snapshot: Option<&[u8]>) -> Result<(Fold, Option<Document>)> {
        let before = self.0.get(id);
        let parsed = match before.filter(|known| known.stored == fold) {
            Some(known) => known.fold.clone(),
            None => Fold::from_document(&Document::parse(fold)?)?,
        };
        let told = match (snapshot, before.and_then(|known| known.snapshot.as_ref())) {
            (Some(bytes), Some(told)) if told.as_bytes() == bytes => Some(told.clone()),
            (Some(bytes), _) => Some(Document::parse(bytes)?),
            (None, _) => None,
        };
        self.keep(id, fold, &parsed, told.as_ref());
        Ok((parsed, told))
    }

    /// Keeps what is being written.
    pub(super) fn keep(&mut self, id: &str, stored: &[u8], fold: &Fold, snapshot: Option<&Document>) {
        if self.0.len() >= MOST {
            self.0.clear();
        }
        self.0.insert(
            id.to_owned(),
            Parsed { stored: stored.to_owned(), fold: fold.clone(), snapshot: snapshot.cloned() },
        );
    }
}
