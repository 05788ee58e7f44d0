//! What became of an intent without outcome: read back, then adopt, resend, tombstone, lapse or wait (contract 4c).

use std::sync::Arc;
use std::time::Duration;

use gladhand_documents::error::{Code, Error, Result, Sent};
use gladhand_documents::json::Document;
use gladhand_documents::model::dispatch::CommandStatus;
use gladhand_documents::model::wire::{TenderSnapshot, TenderState};
use gladhand_protocol::tender::answer::absent;
use gladhand_protocol::tender::recovery::{Facts, ReadBack, Recovery, decide};
use http::Method;

use super::send::{asked, close, cover};
use super::withdraw;
use crate::auth::{Profile, Request};
use crate::carrier::{Carrier, command_scope, document_of, segment};
use crate::core::Core;
use crate::events::pull;
use crate::journal::rows::{Effect, Intent, Outcome};

/// What a resolution came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Resolution {
    /// The intent has its outcome, written by us or by somebody else.
    Closed,
    /// The same bytes may be sent again.
    Resend,
    /// Ask again later, no sooner than the carrier asked for.
    Wait(Duration),
}

/// Reads back once and does what follows.
pub(crate) async fn resolve(core: &Arc<Core>, carrier: &Arc<Carrier>, intent: &Intent) -> Result<Resolution> {
    let (id, fence) = (intent.id, intent.fence);
    if !core.journal.run(move |store| store.holds(id, fence)).await? {
        return Ok(Resolution::Closed);
    }
    match intent.operation.as_str() {
        "tenders.create" => create(core, carrier, intent).await,
        "commands.request" => command(core, carrier, intent).await,
        "tenders.revise"
        | "tenders.amend"
        | "tenders.accept_counter"
        | "tenders.decline_counter"
        | "tenders.request_cancel"
            if core.clock.now() >= intent.resend_until =>
        {
            change(core, carrier, intent).await
        }
        // Until then the carrier answers the same request as it did the first time (contract 4c, layer ii). Withdrawals, revocations and subscriptions say the same however often they are said, until their key is too
        // old to be recognised.
        _ if core.clock.now() < intent.resend_until => Ok(Resolution::Resend),
        _ => {
            close(core, intent, Outcome::of("lapsed"), Effect::None).await?;
            Ok(Resolution::Closed)
        }
    }
}

async fn create(core: &Arc<Core>, carrier: &Arc<Carrier>, intent: &Intent) -> Result<Resolution> {
    let Some(id) = intent.tender_id.clone() else {
        return Err(Error::new(Code::JournalCorrupt, "an intent to tender names no tender"));
    };
    let mut told = Duration::ZERO;
    let (found, epoch, snapshot) = match snapshot(carrier, &id).await {
        Ok(snapshot) => (ReadBack::Found, snapshot.text("/logEpoch"), Some(snapshot)),
        Err(error) => match absent(&error, &id) {
            _ if error.retry_after_ms().is_some() => {
                told = asked(&error);
                (ReadBack::Unclear, None, None)
            }
            Some(epoch) => (ReadBack::Absent, Some(epoch), None),
            None if error.sent_state() == Sent::Acknowledged => (ReadBack::Unclear, None, None),
            None => (ReadBack::Unreachable, None, None),
        },
    };
    let same_epoch = match epoch {
        Some(epoch) => !core.epoch(carrier.name(), &epoch).await?.frozen,
        None => true,
    };
    let row = super::read::row(core, &id).await?;
    let acknowledged = row.proven.then_some(row.updated_at);
    let facts = Facts { resend_until: intent.resend_until, acknowledged, same_epoch, tombstone: true };
    match (decide(found, facts, core.clock.now()), snapshot) {
        (Recovery::Adopt, Some(snapshot)) => {
            let outcome = Outcome { answer: Some(snapshot.clone()), ..Outcome::of("recovered") };
            // Rejected because another tender has the load: that one holds it now.
            let duplicate = snapshot.text("/decision/reasonCode").as_deref() == Some("duplicate");
            let effect = Effect::Snapshot(snapshot);
            let effect = if duplicate { cover(core, carrier, intent, effect, None).await? } else { effect };
            close(core, intent, outcome, effect).await?;
            core.changed();
            Ok(Resolution::Closed)
        }
        (Recovery::Resend, _) => Ok(Resolution::Resend),
        (Recovery::Tombstone, _) => tombstone(core, carrier, intent, &id).await,
        (Recovery::RemoteLost, _) => {
            tracing::error!(target: "gladhand::tender", tender = %id, "the carrier has lost a tender that it acknowledged");
            let effect = Effect::Diverged("the carrier acknowledged the tender and has lost it".to_owned());
            close(core, intent, Outcome::of("remote_lost"), effect).await?;
            core.changed();
            Ok(Resolution::Closed)
        }
        _ => Ok(Resolution::Wait(told)),
    }
}

/// The last look at a change that is too old to be said again: whatever the carrier holds by now is what became of it.
async fn change(core: &Arc<Core>, carrier: &Arc<Carrier>, intent: &Intent) -> Result<Resolution> {
    let id = intent.tender_id.clone().unwrap_or_default();
    let (outcome, effect) = match snapshot(carrier, &id).await {
        Ok(snapshot) => {
            let outcome = Outcome { answer: Some(snapshot.clone()), ..Outcome::of("recovered") };
            (outcome, Effect::Snapshot(snapshot))
        }
        Err(error) if absent(&error, &id).is_some() => {
            let effect = Effect::Diverged("the carrier acknowledged the tender and has lost it".to_owned());
            (Outcome::of("remote_lost"), effect)
        }
        Err(error) => return Ok(Resolution::Wait(asked(&error))),
    };
    close(core, intent, outcome, effect).await?;
    core.changed();
    Ok(Resolution::Closed)
}

/// Withdraws a tender that may still be on its way, then closes it as never sent.
async fn tombstone(core: &Arc<Core>, carrier: &Arc<Carrier>, intent: &Intent, id: &str) -> Result<Resolution> {
    // Boxed: performing a withdrawal may itself resolve.
    if !Box::pin(withdraw::tombstone(core, carrier, id)).await? {
        return Ok(Resolution::Wait(Duration::ZERO));
    }
    let effect = Effect::State {
        state: TenderState::Withdrawn,
        code: "unsent".to_owned(),
        text: "it never reached the carrier in time and was withdrawn".to_owned(),
    };
    close(core, intent, Outcome::of("tombstoned"), effect).await?;
    core.changed();
    Ok(Resolution::Closed)
}

async fn command(core: &Arc<Core>, carrier: &Arc<Carrier>, intent: &Intent) -> Result<Resolution> {
    let kind = intent.body.text("/type").unwrap_or_default();
    let request = Request::new("commands.get", Method::GET, &intent.path, Profile::Dpop, command_scope(&kind));
    let (found, status) = match carrier.call(request).await {
        Ok(answer) => (ReadBack::Found, Some(document_of::<CommandStatus>("commands.get", &answer)?)),
        Err(error) if error.code() == Code::NotFound && error.sent_state() == Sent::Acknowledged => {
            (ReadBack::Absent, None)
        }
        Err(error) if error.sent_state() == Sent::Acknowledged => (ReadBack::Unclear, None),
        Err(_) => (ReadBack::Unreachable, None),
    };
    let facts = Facts { resend_until: intent.resend_until, acknowledged: None, same_epoch: true, tombstone: false };
    let outcome = match decide(found, facts, core.clock.now()) {
        Recovery::Adopt => Outcome { answer: status, ..Outcome::of("recovered") },
        Recovery::Lapse => Outcome::of("lapsed"),
        Recovery::Resend => return Ok(Resolution::Resend),
        _ => return Ok(Resolution::Wait(Duration::ZERO)),
    };
    close(core, intent, outcome, Effect::None).await?;
    core.changed();
    Ok(Resolution::Closed)
}

/// The carrier's snapshot of a tender.
pub(crate) async fn snapshot(carrier: &Carrier, id: &str) -> Result<Document> {
    let path = format!("/v1/tenders/{}", segment(id));
    carrier.read::<TenderSnapshot>("tenders.get", path, "tender:read", None).await
}

/// Pulls the events behind an answer, so that the history is whole. What cannot be pulled now, the driver pulls later.
pub(crate) async fn follow_up(core: &Arc<Core>, id: &str) {
    let behind = match super::read::row(core, id).await {
        Ok(row) => row.ahead().is_some() || (row.fold.last_sequence == 0 && row.local.is_some()),
        Err(_) => false,
    };
    if behind && let Err(error) = pull(core, id).await {
        tracing::debug!(target: "gladhand::tender", tender = id, %error, "the history is pulled later");
    }
}
