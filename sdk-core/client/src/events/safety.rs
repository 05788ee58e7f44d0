//! What matters to safety, at once and out of band: also an event that waits for its turn behind a gap (contract 4e).
//!
//! At least once, over restarts: the journal keeps how far the application was told. An event counts as told once the next one
//! is asked for, so one whose handling did not come to its end is told again. What was stored while nobody listened is told
//! first. Every listener of a journal is told everything from then on, in each process: nobody's news is taken away.

use std::sync::Arc;
use std::time::Duration;

use gladhand_documents::error::Result;
use gladhand_documents::json::Document;

use crate::core::Core;

/// How long to wait after a failure of the journal.
const AGAIN: Duration = Duration::from_secs(1);

/// Events that matter to safety; see [`crate::Client::safety`].
#[derive(Debug)]
pub struct SafetyStream {
    core: Arc<Core>,
    /// The last row that was given out.
    given: i64,
    /// The last row that the journal knows as told by this stream.
    told: i64,
}

impl SafetyStream {
    pub(crate) async fn open(core: Arc<Core>) -> Result<Self> {
        let told = core.journal.run(|store| store.safety_told()).await?;
        Ok(Self { core, given: told, told })
    }

    /// The next event, byte for byte; whichever process of this host it came to. The one before counts as told. `None` once
    /// the client is closed. Dropping the future loses nothing.
    ///
    /// A failure of the journal does not end the stream and is no error of this call: it is reported (`tracing`, target
    /// `gladhand::events`) and outwaited.
    pub async fn next(&mut self) -> Result<Option<Document>> {
        loop {
            if self.core.stop.is_cancelled() {
                return Ok(None);
            }
            let look = self.core.look();
            let waited = match self.look().await {
                Ok(Some(event)) => return Ok(Some(event)),
                Ok(None) => self.core.news(look).await,
                Err(error) => {
                    tracing::error!(target: "gladhand::events", %error, "safety events cannot be read; tried again");
                    self.core.pause(AGAIN).await
                }
            };
            if !waited {
                return Ok(None);
            }
        }
    }

    /// What [`SafetyStream::next`] gave last has not arrived: it is given again.
    pub fn give_back(&mut self) {
        self.given = self.told;
    }

    async fn look(&mut self) -> Result<Option<Document>> {
        if self.given > self.told {
            let row = self.given;
            self.core.journal.run(move |store| store.tell_safety(row)).await?;
            self.told = row;
        }
        let after = self.given;
        let next = self.core.journal.run(move |store| store.safety(after, 1)).await?.pop();
        Ok(next.map(|(row, event)| {
            self.given = row;
            event
        }))
    }
}
