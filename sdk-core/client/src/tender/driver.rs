//! The background task: renews this process's lease, takes over what dead processes left, resolves what the foreground
//! gave up on, and closes gaps in histories (contract 4c, 4e).

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use gladhand_documents::error::Result;
use gladhand_protocol::tender::retry::Backoff;

use super::overdue::Overdue;
use super::resolve::{Resolution, resolve};
use super::send::{asked, once_more};
use crate::core::{Core, jitter};
use crate::events::{Alarms, catch_up, pull};
use crate::journal::LEASE;
use crate::journal::rows::{Intent, TenderRow};
use crate::trace::{self, TraceContext};

/// How long a gap may close by itself before the tender's feed is pulled (contract 4e).
const GAP_TIMER: Duration = Duration::from_secs(5);

/// How many histories of one carrier are pulled at most in a round.
const PULLS: usize = 16;

/// The longest wait that a carrier may ask of the driver: a held load is not forgotten for a day.
const PATIENCE: Duration = Duration::from_secs(300);

/// Runs until the client ends.
pub(crate) async fn drive(core: Arc<Core>) {
    let (mut seen, pulls) = (HashSet::new(), Arc::new(Pulls::default()));
    let (mut overdue, mut alarms) = (Overdue::default(), Alarms::default());
    while !core.stop.is_cancelled() {
        overdue.look(&core);
        let driven = match round(&core, &mut seen, &pulls).await {
            Ok(()) => alarms.look(&core).await,
            failed => failed,
        };
        if let Err(error) = driven {
            tracing::warn!(target: "gladhand::tender", %error, "the journal cannot be driven");
        }
        tokio::select! {
            () = core.stop.cancelled() => {}
            () = core.wake.notified() => {}
            () = core.clock.sleep(LEASE / 3) => {}
        }
    }
}

async fn round(core: &Arc<Core>, seen: &mut HashSet<u64>, pulls: &Arc<Pulls>) -> Result<()> {
    let owner = core.owner.id.clone();
    let (claimed, open) = core
        .journal
        .run(move |store| {
            store.beat(&owner)?;
            let claimed = store.claim_lapsed(&owner)?;
            let open = store.open_intents(None)?.into_iter().filter(|intent| intent.owner == owner);
            Ok((claimed, open.collect::<Vec<_>>()))
        })
        .await?;
    for (intent, trace) in core.handed_over() {
        start(core, intent, trace);
    }
    // Whose trace these belonged to died with their process.
    for intent in claimed {
        start(core, intent, None);
    }
    // Ours, open, seen a round ago already, and nobody at it: a failure of the journal left it.
    let known = std::mem::replace(seen, open.iter().map(|intent| intent.id).collect());
    for intent in open.into_iter().filter(|intent| known.contains(&intent.id)) {
        start(core, intent, None);
    }
    gaps(core, pulls).await
}

/// Resolves one intent in a task of its own, unless somebody is at it.
fn start(core: &Arc<Core>, intent: Intent, trace: Option<TraceContext>) {
    let Some(working) = core.work_on(intent.id) else { return };
    let core = core.clone();
    core.tasks.clone().spawn(trace::resume(trace, async move {
        let _working = working;
        let stop = core.stop.clone();
        tokio::select! {
            () = stop.cancelled() => {}
            () = until_closed(&core, intent) => {}
        }
    }));
}

async fn until_closed(core: &Arc<Core>, mut intent: Intent) {
    let mut number = 1;
    loop {
        let told = match step(core, &mut intent).await {
            Ok(Resolution::Closed) => break,
            Ok(Resolution::Wait(told)) => told,
            Ok(Resolution::Resend) => Duration::ZERO,
            Err(error) => {
                tracing::warn!(target: "gladhand::tender", %error, intent = intent.id, "not resolved yet");
                asked(&error)
            }
        };
        number += 1;
        let wait = Backoff::READ_BACK.delay(number, jitter(&*core.clock)).unwrap_or(Backoff::READ_BACK.cap);
        if !core.pause(wait.max(told.min(PATIENCE))).await {
            return;
        }
    }
    core.changed();
    if let Some(tender) = &intent.tender_id {
        super::follow_up(core, tender).await;
        core.changed();
    }
}

/// One round of a resolution.
async fn step(core: &Arc<Core>, intent: &mut Intent) -> Result<Resolution> {
    let carrier = core.carrier(&intent.carrier)?.clone();
    match resolve(core, &carrier, intent).await? {
        Resolution::Resend => {
            core.may_send(&carrier).await?;
            once_more(core, &carrier, intent).await
        }
        other => Ok(other),
    }
}

/// Pulls what has been missing for long enough.
async fn gaps(core: &Arc<Core>, pulls: &Arc<Pulls>) -> Result<()> {
    let before = core.clock.now().as_millisecond() - i64::try_from(GAP_TIMER.as_millis()).unwrap_or(0);
    let rows = core.journal.run(move |store| store.gaps(before)).await?;
    pulls.map().retain(|id, pull| pull.running || rows.iter().any(|row| row.tender_id == *id));
    let mut behind: BTreeMap<String, Vec<TenderRow>> = BTreeMap::new();
    for row in rows {
        behind.entry(row.carrier.clone()).or_default().push(row);
    }
    for (carrier, rows) in behind {
        // One reading of the account's feed brings what many histories miss.
        if rows.len() > PULLS {
            catch_up(core, &carrier);
        }
        let due = rows.into_iter().filter(|row| pulls.begin(&row.tender_id, core.clock.monotonic()));
        for row in due.take(PULLS) {
            pull_later(core, pulls, row.tender_id);
        }
    }
    Ok(())
}

fn pull_later(core: &Arc<Core>, pulls: &Arc<Pulls>, id: String) {
    let (core, pulls) = (core.clone(), pulls.clone());
    core.tasks.clone().spawn(async move {
        let stop = core.stop.clone();
        let pulled = tokio::select! {
            () = stop.cancelled() => return,
            pulled = pull(&core, &id) => pulled,
        };
        if let Err(error) = &pulled {
            tracing::warn!(target: "gladhand::tender", tender = %id, %error, "a gap in the history stays open");
        }
        pulls.end(&id, core.clock.monotonic());
    });
}

/// Which tenders are being pulled, and when those whose gap stays open are due again.
#[derive(Debug, Default)]
struct Pulls(Mutex<HashMap<String, Pull>>);

#[derive(Debug, Default)]
struct Pull {
    running: bool,
    rounds: u32,
    due: Duration,
}

impl Pulls {
    fn map(&self) -> MutexGuard<'_, HashMap<String, Pull>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self, id: &str, now: Duration) -> bool {
        let mut map = self.map();
        let pull = map.entry(id.to_owned()).or_default();
        let free = !pull.running && pull.due <= now;
        pull.running |= free;
        free
    }

    fn end(&self, id: &str, now: Duration) {
        if let Some(pull) = self.map().get_mut(id) {
            pull.running = false;
            pull.rounds += 1;
            pull.due = now + Backoff::READ_BACK.ceiling(pull.rounds + 1);
        }
    }
}
