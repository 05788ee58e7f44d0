//! The end of everything that one generation still does, with the reason.

use std::sync::{Arc, OnceLock};

use gladhand_documents::error::{Error, Result};
use tokio_util::sync::CancellationToken;

/// Ends calls, streams and connections at once. Clones are the same cut.
#[derive(Clone, Debug, Default)]
pub struct Cut {
    token: CancellationToken,
    reason: Arc<OnceLock<Error>>,
}

impl Cut {
    /// Cuts now. The first reason stays.
    pub fn now(&self, why: Error) {
        let _ = self.reason.set(why);
        self.token.cancel();
    }

    /// Fires with the cut.
    pub fn token(&self) -> &CancellationToken {
        &self.token
    }

    /// Fails with the reason once it has happened.
    pub fn check(&self) -> Result<()> {
        self.reason.get().map_or(Ok(()), |why| Err(why.clone()))
    }

    /// Waits for it; gives the reason.
    pub async fn wait(&self) -> Error {
        loop {
            self.token.cancelled().await;
            if let Some(why) = self.reason.get() {
                return why.clone();
            }
            // Whoever cancelled the bare token gave no reason.
            std::future::pending::<()>().await;
        }
    }
}
