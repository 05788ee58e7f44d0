//! Puts a new generation in the place of the present one: first its tokens, then the publication, so that no call waits
//! and none carries a token of another generation's certificate.

use std::sync::Arc;
use std::time::Duration;

use gladhand_documents::error::Result;

use super::Authorized;
use super::cache::TokenKey;
use crate::identity::epochs::{cut_before, sleep_until};
use crate::identity::{Generation, Material};
use crate::observe::{Activity, SecurityEvent};

/// How long to wait for tokens where the new material says whom to trust no longer: that must not wait for an issuer.
const HURRY: Duration = Duration::from_secs(5);
/// The wait between two attempts for which nobody named one.
const PAUSE: Duration = Duration::from_millis(250);

impl Authorized {
    /// Makes a generation of this material, fetches for it the tokens that are in use, and publishes it. If the issuer
    /// gives none until the old certificate is about to end, it is published without. Gives way to a newer call, and then
    /// returns when that one is done. Material that is in use already is published anew only where `again` says so.
    pub(crate) async fn renew(&self, material: Arc<Material>, again: bool) -> Result<Arc<Generation>> {
        let turn = self.epochs().ask();
        let Some(guard) = turn.begin().await else {
            turn.newer_is_done().await;
            return Ok(self.generation());
        };
        let old = self.generation();
        if !again && Arc::ptr_eq(old.identity(), &material) && old.end().check().is_ok() {
            return Ok(old);
        }
        let next =
            Generation::new(self.epochs().next_number(), material, self.carrier(), self.clock(), self.security())?;
        let next = Arc::new(next);
        let fetched = tokio::select! {
            fetched = self.prefetch(&old, &next) => fetched,
            () = self.too_late(&old, &next) => false,
            () = turn.superseded() => {
                drop(guard);
                turn.newer_is_done().await;
                return Ok(self.generation());
            }
        };
        // Taken away while this waited: the same material must not come back as a new generation.
        if Arc::ptr_eq(old.identity(), next.identity()) {
            old.end().check()?;
        }
        let event = SecurityEvent::new(Activity::IdentityRotated)
            .fact("fingerprint", next.identity().facts().fingerprint())
            .fact("previous", old.identity().facts().fingerprint())
            .fact("generation", next.number())
            .fact("not_after", next.identity().facts().not_after())
            .fact("tokens", if fetched { "ready" } else { "missing" });
        let published = self.epochs().publish(next);
        self.record(event);
        Ok(published)
    }

    /// Fetches for `next` what is in use on `old`, again and again. `true` when all is there.
    async fn prefetch(&self, old: &Arc<Generation>, next: &Arc<Generation>) -> bool {
        let mut missing: Vec<TokenKey> = old.tokens().in_use(self.clock().monotonic());
        loop {
            let mut still = Vec::new();
            let mut wait = Duration::ZERO;
            for key in missing {
                if let Err(error) = self.token(next, &key).await {
                    wait = wait.max(error.retry_after_ms().map_or(PAUSE, Duration::from_millis));
                    still.push(key);
                }
            }
            if still.is_empty() {
                return true;
            }
            missing = still;
            self.clock().sleep(wait).await;
        }
    }

    /// Waits until the publication must not wait any longer.
    async fn too_late(&self, old: &Generation, next: &Generation) {
        let (was, is) = (old.identity(), next.identity());
        let other_peers = !was.trust().is_same(is.trust()) || was.revocation().facts() != is.revocation().facts();
        tokio::select! {
            // Taken away: calls fail, so there is nothing to keep them from.
            () = old.cut().cancelled() => {}
            () = self.clock().sleep(HURRY), if other_peers => {}
            () = sleep_until(&**self.clock(), cut_before(was.facts())) => {}
        }
    }
}
