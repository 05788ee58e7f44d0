//! What the carrier left undecided past its time (contract 4b): the TMS never expires a tender by its own clock; once
//! `respondBy` and the grace have passed it reads, and withdraws what is still open.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use gladhand_documents::error::Result;
use gladhand_documents::model::wire::TenderState;
use gladhand_documents::time::parse_instant;
use gladhand_protocol::tender::ids;
use jiff::SignedDuration;

use super::{read, withdraw};
use crate::core::Core;
use crate::journal::rows::TenderRow;

/// The carrier's own grace after `respondBy` (contract 4b, row 10).
const GRACE: SignedDuration = SignedDuration::from_secs(30);
/// How often open tenders are looked through.
const EVERY: Duration = Duration::from_secs(15);

/// When to look next; one look at a time.
#[derive(Debug, Default)]
pub(super) struct Overdue {
    due: Duration,
    looking: Arc<AtomicBool>,
}

impl Overdue {
    /// Looks through the open tenders, in a task of its own, if it is time.
    pub(super) fn look(&mut self, core: &Arc<Core>) {
        let now = core.clock.monotonic();
        if now < self.due || self.looking.swap(true, Ordering::AcqRel) {
            return;
        }
        self.due = now + EVERY;
        let (core, looking) = (core.clone(), self.looking.clone());
        core.tasks.clone().spawn(async move {
            let stop = core.stop.clone();
            tokio::select! {
                () = stop.cancelled() => {}
                looked = all(&core) => {
                    if let Err(error) = looked {
                        tracing::warn!(target: "gladhand::tender", %error, "overdue tenders stay open");
                    }
                }
            }
            looking.store(false, Ordering::Release);
        });
    }
}

async fn all(core: &Arc<Core>) -> Result<()> {
    let mut carriers: BTreeMap<String, Vec<TenderRow>> = BTreeMap::new();
    for state in [TenderState::Pending, TenderState::Countered] {
        let name = state.as_str().to_owned();
        for row in core.journal.run(move |store| store.tenders(Some(&name))).await? {
            carriers.entry(row.carrier.clone()).or_default().push(row);
        }
    }
    // One after the other at one carrier, all carriers at once: one that is down delays no other.
    join_all(carriers.into_values().map(|rows| of_carrier(core, rows))).await;
    Ok(())
}

async fn of_carrier(core: &Arc<Core>, rows: Vec<TenderRow>) {
    for row in rows {
        // One that cannot be closed, of a carrier that is configured no more, must not keep the others open.
        let closed = match overdue(core, &row).await {
            Ok(true) => close(core, &row).await,
            other => other.map(drop),
        };
        if let Err(error) = closed {
            tracing::warn!(target: "gladhand::tender", tender = %row.tender_id, %error, "an overdue tender stays open");
        }
    }
}

/// Whether `respondBy`, as it was sent, and the grace have passed.
async fn overdue(core: &Core, row: &TenderRow) -> Result<bool> {
    let operation_id = ids::create_operation_id(&row.tender_id, 1);
    let sent = core.journal.run(move |store| store.content("tenders.create", &operation_id)).await?;
    let respond_by = sent.and_then(|load| parse_instant(&load.text("/respondBy")?).ok());
    let limit = respond_by.and_then(|at| at.checked_add(GRACE).ok());
    Ok(limit.is_some_and(|limit| core.clock.now() > limit))
}

async fn close(core: &Arc<Core>, row: &TenderRow) -> Result<()> {
    let id = &row.tender_id;
    read::get(core, id).await?;
    let now = read::row(core, id).await?;
    if !matches!(now.state(), TenderState::Pending | TenderState::Countered) {
        return Ok(());
    }
    // Accepted in the same moment, unreachable: the carrier's log decides, and this looks again.
    if let Err(error) = withdraw::withdraw(core, id, "no decision by respondBy").await {
        tracing::info!(target: "gladhand::tender", tender = %id, %error, "an overdue tender is not withdrawn yet");
    }
    Ok(())
}
