//! Sixteen callers while the SVIDs of both sides are renewed several times.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::{LIFETIME, World};
use crate::Outcome;
use crate::checks::Checks;
use crate::oidc_provider::{shown, text};
use crate::subject::Subject;

const CALLERS: usize = 16;

/// What one caller saw.
#[derive(Default)]
struct Seen {
    calls: usize,
    failures: Vec<String>,
    fingerprints: BTreeSet<String>,
    /// The least that was left of our certificate when a call came with it, in seconds.
    least_left: i64,
}

pub(super) async fn run(world: &World<'_>, checks: &mut Checks) -> Outcome {
    let subject = Arc::new(world.patiently().await?);
    let before = world.counted().await?;
    let stop = Arc::new(AtomicBool::new(false));
    let mut callers = Vec::new();
    for _ in 0..CALLERS {
        callers.push(tokio::spawn(call_until(subject.clone(), stop.clone())));
    }
    // The agent renews at half of the life: at least three times in two lives.
    tokio::time::sleep(Duration::from_secs(u64::from(LIFETIME) * 2)).await;
    stop.store(true, Ordering::Relaxed);
    let mut all = Seen { least_left: i64::MAX, ..Seen::default() };
    for caller in callers {
        let seen = caller.await.map_err(|error| error.to_string())?;
        all.calls += seen.calls;
        all.failures.extend(seen.failures);
        all.fingerprints.extend(seen.fingerprints);
        all.least_left = all.least_left.min(seen.least_left);
    }
    let after = world.counted().await?;
    let (failed, first) = (all.failures.len(), all.failures.first().cloned().unwrap_or_default());
    let what = format!("{} calls by {CALLERS} callers while SPIRE renews: no call fails", all.calls);
    checks.holds(&what, failed == 0 && all.calls > 1000, format!("{failed} of {}: {first}", all.calls));
    let ours = all.fingerprints.len();
    checks.holds(&format!("our SVID was renewed: {ours} of them were seen"), ours >= 4, ours);
    let own = after["own"].as_object().map_or(0, serde_json::Map::len);
    checks.holds(&format!("so was the carrier's: {own} of them"), own >= 4, own);
    let left = all.least_left;
    checks.holds(&format!("none was used near its end: {left} s were left at the least"), left > 2, left);
    checks.equal("no session was resumed", after["resumed"].as_i64(), Some(0));
    let during = after["requests"].as_u64().unwrap_or_default() - before["requests"].as_u64().unwrap_or_default();
    checks.equal("no call was sent twice", during, all.calls as u64);
    Ok(())
}

async fn call_until(subject: Arc<Subject>, stop: Arc<AtomicBool>) -> Seen {
    let mut seen = Seen { least_left: i64::MAX, ..Seen::default() };
    while !stop.load(Ordering::Relaxed) {
        seen.calls += 1;
        match subject.open("/echo").await {
            Ok(answer) => {
                seen.fingerprints.insert(text(&answer["fingerprint"]));
                let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() as i64);
                seen.least_left = seen.least_left.min(answer["notAfter"].as_i64().unwrap_or(0) - now);
            }
            Err(error) => seen.failures.push(shown(error)),
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    seen
}
