//! A tender as it changes: first what it is now, then every change, until it is finished.

use std::sync::Arc;

use gladhand_documents::error::Result;
use gladhand_documents::json::Document;
use gladhand_protocol::tender::state;

use super::{read, view};
use crate::core::Core;

/// Follows one tender; see [`crate::Client::tender_watch`].
#[derive(Debug)]
pub struct Watch {
    core: Arc<Core>,
    tender_id: String,
    last: Option<Document>,
    finished: bool,
}

impl Watch {
    pub(crate) fn new(core: Arc<Core>, tender_id: String) -> Self {
        Self { core, tender_id, last: None, finished: false }
    }

    /// The tender after its next change; at once the first time. `None` once it is finished and told, or the client is
    /// closed. Errors: `tender_unknown` and those of the journal.
    pub async fn next(&mut self) -> Result<Option<Document>> {
        while !self.finished {
            let look = self.core.look();
            let row = read::row(&self.core, &self.tender_id).await?;
            let now = view(&row, false)?;
            let done = state::terminal(&row.state()) && !row.held();
            // The time of the last write alone is no change.
            let bare = now.remove("/updatedAt")?;
            if self.last.as_ref() != Some(&bare) {
                self.last = Some(bare);
                self.finished = done;
                return Ok(Some(now));
            }
            if done || !self.core.news(look).await {
                self.finished = true;
            }
        }
        Ok(None)
    }
}
