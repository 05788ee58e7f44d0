//! What a gateway does by time, whether it is connected or not: makes frames of records that waited long enough, drops what is
//! too old, and makes durable what was made since the last time, together.

use std::sync::Arc;
use std::time::Duration;

use super::gateway::Shared;

/// How often it looks when nothing is due: for age limits.
const IDLE: Duration = Duration::from_secs(5);

/// Keeps until the gateway is closed.
pub(super) async fn keep(shared: Arc<Shared>) {
    while !shared.stop.is_cancelled() {
        let due = shared.sender().poll(shared.now());
        let due = due.unwrap_or_else(|error| {
            tracing::error!(target: "gladhand::telemetry", %error, "records could not be made a frame");
            None
        });
        shared.wake_all();
        commit(&shared).await;
        let timer = shared.clock.sleep(due.map_or(IDLE, Duration::from_millis).min(IDLE));
        tokio::select! {
            () = timer => {}
            () = shared.keep.notified() => {}
            () = shared.stop.cancelled() => {}
        }
    }
}

/// One sync for all frames since the last one. Whoever publishes meanwhile is not held up.
async fn commit(shared: &Shared) {
    let Some(condition) = shared.condition.clone().filter(|condition| condition.is_unsynced()) else { return };
    let committed = tokio::task::spawn_blocking(move || condition.commit()).await;
    if let Ok(Err(error)) = committed {
        tracing::error!(target: "gladhand::telemetry", %error, "the spool was not synced");
        shared.sender().note(error);
    }
}
