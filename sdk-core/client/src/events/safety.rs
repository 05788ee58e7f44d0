//! What matters to safety, at once and out of band: also an event that waits for its turn behind a gap (contract 4e).

use std::collections::VecDeque;
use std::sync::Arc;

use gladhand_documents::error::Result;
use gladhand_documents::json::Document;

use crate::core::Core;

/// Events that matter to safety; see [`crate::Client::safety`].
#[derive(Debug)]
pub struct SafetyStream {
    core: Arc<Core>,
    after: Option<i64>,
    ready: VecDeque<Document>,
}

impl SafetyStream {
    pub(crate) async fn open(core: Arc<Core>) -> Result<Self> {
        // From now on: what is stored already was told by somebody.
        let after = core.journal.run(|store| store.last_row()).await?;
        Ok(Self { core, after: Some(after), ready: VecDeque::new() })
    }

    /// The next event, byte for byte; whichever process of this host it came to. `None` once the client is closed.
    pub async fn next(&mut self) -> Result<Option<Document>> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Ok(Some(event));
            }
            if self.core.stop.is_cancelled() {
                return Ok(None);
            }
            let look = self.core.look();
            let after = self.after.unwrap_or(0);
            for (row, event) in self.core.journal.run(move |store| store.safety(after, 100)).await? {
                self.after = Some(row);
                self.ready.push_back(event);
            }
            if self.ready.is_empty() && !self.core.news(look).await {
                return Ok(None);
            }
        }
    }
}
