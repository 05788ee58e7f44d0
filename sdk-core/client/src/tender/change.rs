//! What the TMS changes of a tender that the carrier has: a revision before acceptance, an amendment after it, the answer
//! to a counter offer, the request to cancel (contract 4b, rows 7 to 9, 16 and 18). Each is an intent of its own; the
//! carrier decides.

use std::sync::Arc;
use std::time::Duration;

use gladhand_documents::error::{Code, Error, Result, Sent};
use gladhand_documents::json::{Document, quote};
use gladhand_documents::model::tender::{CounterAnswer, LoadTender, TenderCancellation};
use gladhand_documents::model::{self, Model as _, SCHEMA_VERSION};
use gladhand_documents::time::parse_instant;
use gladhand_protocol::tender::{ids, recovery};
use jiff::Timestamp;

use super::send::{Ending, mutate};
use super::{follow_up, prepare, read};
use crate::carrier::{Carrier, segment};
use crate::core::Core;
use crate::journal::rows::{NewIntent, TenderRow};

/// Which change a new content of the tender is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// Of a tender that is not decided: the next revision, and every offer made for an older one is void.
    Revision,
    /// Of a tender that is accepted: a proposal; the tender stays as it is unless the carrier confirms.
    Amendment,
}

impl Content {
    const fn operation(self) -> &'static str {
        match self {
            Self::Revision => "tenders.revise",
            Self::Amendment => "tenders.amend",
        }
    }
}

/// Sends new content. Errors: see [`crate::Client::tender_revise`] and [`crate::Client::tender_amend`].
pub(crate) async fn content(
    core: &Arc<Core>,
    id: &str,
    load: Document,
    kind: Content,
    wait: Option<Duration>,
) -> Result<Document> {
    let (row, carrier) = known(core, id).await?;
    let load = filled(&row, load, wait)?;
    model::validate(LoadTender::entity(), &load)?;
    let revision = load.integer("/revision").unwrap_or_default();
    let respond_by = load.text("/respondBy").and_then(|text| parse_instant(&text).ok());
    let published = carrier.published().await?;
    let intent = NewIntent {
        path: format!("/v1/tenders/{}/revisions/{revision}", segment(id)),
        method: "PUT",
        prefer: prepare::wait(&load, wait, &published),
        resend_until: recovery::resend_until(respond_by, core.clock.now()),
        ..change(core, &carrier, id, kind.operation(), format!("{id}/{revision}"), load)
    };
    finish(core, id, mutate(core, &carrier, intent).await?).await
}

/// The revision that follows on what the journal knows, unless the load names one.
fn filled(row: &TenderRow, load: Document, wait: Option<Duration>) -> Result<Document> {
    let mut load = load;
    let next = (row.revision() + 1).to_string();
    let mode = if wait.is_some() { "express" } else { "standard" };
    let own = [
        ("/schemaVersion", quote(SCHEMA_VERSION)),
        ("/tenderId", quote(&row.tender_id)),
        ("/revision", next),
        ("/mode", quote(mode)),
    ];
    for (pointer, value) in own {
        if load.at(pointer).is_none() {
            load = load.patch(pointer, &value)?;
        }
    }
    for (pointer, ours) in [("/tenderId", &row.tender_id), ("/loadId", &row.load_id)] {
        if load.text(pointer).as_ref() != Some(ours) {
            let what = format!("{pointer} must be {ours}: a change is of the same tender and load");
            return Err(Error::new(Code::InvalidArgument, what).with_tender_id(&row.tender_id));
        }
    }
    Ok(load)
}

/// Takes the open counter offer. Errors: see [`crate::Client::tender_accept_counter`].
pub(crate) async fn accept_counter(core: &Arc<Core>, id: &str, wait: Option<Duration>) -> Result<Document> {
    let (row, carrier) = known(core, id).await?;
    let counter = counter(&row)?;
    let published = carrier.published().await?;
    let asked = wait.map(|wait| wait.min(published.max_wait).as_secs()).filter(|seconds| *seconds > 0);
    let mut intent = answer(core, &carrier, &row, &counter, "tenders.accept_counter", "acceptance", None)?;
    intent.prefer = asked.map(|seconds| format!("wait={seconds}"));
    finish(core, id, mutate(core, &carrier, intent).await?).await
}

/// Declines the open counter offer. Errors: see [`crate::Client::tender_decline_counter`].
pub(crate) async fn decline_counter(core: &Arc<Core>, id: &str, reason: Option<&str>) -> Result<Document> {
    let (row, carrier) = known(core, id).await?;
    let counter = counter(&row)?;
    let intent = answer(core, &carrier, &row, &counter, "tenders.decline_counter", "refusal", reason)?;
    finish(core, id, mutate(core, &carrier, intent).await?).await
}

/// The open counter offer, as the carrier made it.
fn counter(row: &TenderRow) -> Result<Document> {
    let offered = row.decision().and_then(|decision| decision.extract("/counter"));
    offered.filter(|counter| counter.text("/counterId").is_some()).ok_or_else(|| {
        let what = format!("tender {} is {}: there is no counter offer to answer", row.tender_id, row.state());
        Error::new(Code::IllegalTransition, what).with_tender_id(&row.tender_id)
    })
}

fn answer(
    core: &Core,
    carrier: &Carrier,
    row: &TenderRow,
    counter: &Document,
    operation: &'static str,
    verb: &str,
    reason: Option<&str>,
) -> Result<NewIntent> {
    let counter_id = counter.text("/counterId").unwrap_or_default();
    let reason = reason.map_or_else(String::new, |reason| format!(r#","reason":{}"#, quote(reason)));
    let body = Document::parse(format!(
        r#"{{"schemaVersion":{},"counterId":{},"tenderId":{}{reason}}}"#,
        quote(SCHEMA_VERSION),
        quote(&counter_id),
        quote(&row.tender_id),
    ))?;
    model::validate(CounterAnswer::entity(), &body)?;
    let valid_until = counter.text("/validUntil").and_then(|text| parse_instant(&text).ok());
    let operation_id = ids::counter_operation_id(&row.tender_id, &counter_id);
    Ok(NewIntent {
        path: format!("/v1/tenders/{}/counters/{}/{verb}", segment(&row.tender_id), segment(&counter_id)),
        resend_until: recovery::resend_until(valid_until, core.clock.now()),
        ..change(core, carrier, &row.tender_id, operation, operation_id, body)
    })
}

/// Asks to cancel. Errors: see [`crate::Client::tender_request_cancel`].
pub(crate) async fn request_cancel(core: &Arc<Core>, id: &str, reason: &str) -> Result<Document> {
    let (row, carrier) = known(core, id).await?;
    let name = id.to_owned();
    let number = core.journal.run(move |store| store.count_intents(&name, "tenders.request_cancel")).await?;
    let cancellation = ids::cancellation_id(id, number);
    let body = Document::parse(format!(
        r#"{{"schemaVersion":{},"cancellationId":{},"tenderId":{},"loadId":{},"reason":{}}}"#,
        quote(SCHEMA_VERSION),
        quote(&cancellation),
        quote(id),
        quote(&row.load_id),
        quote(reason),
    ))?;
    model::validate(TenderCancellation::entity(), &body)?;
    let intent = NewIntent {
        path: format!("/v1/tenders/{}/cancellations/{}", segment(id), segment(&cancellation)),
        ..change(core, &carrier, id, "tenders.request_cancel", cancellation, body)
    };
    finish(core, id, mutate(core, &carrier, intent).await?).await
}

async fn known(core: &Arc<Core>, id: &str) -> Result<(TenderRow, Arc<Carrier>)> {
    let row = read::row(core, id).await?;
    let carrier = core.carrier(&row.carrier)?.clone();
    Ok((row, carrier))
}

/// A `POST` that may be said again for ten minutes; the rest is the caller's.
fn change(
    core: &Core,
    carrier: &Carrier,
    id: &str,
    operation: &'static str,
    operation_id: String,
    body: Document,
) -> NewIntent {
    NewIntent {
        operation,
        key: ids::idempotency_key(&core.scope(carrier.name()), operation, &operation_id),
        operation_id,
        tender_id: Some(id.to_owned()),
        carrier: carrier.name().to_owned(),
        origin: carrier.base(),
        method: "POST",
        path: String::new(),
        prefer: None,
        body,
        resend_until: recovery::resend_until(None::<Timestamp>, core.clock.now()),
        owner: core.owner.id.clone(),
    }
}

/// The tender after a change, or why it was refused. A refusal brings what the carrier holds into the journal first, so
/// that the next look is not at the old state.
async fn finish(core: &Arc<Core>, id: &str, ending: Ending) -> Result<Document> {
    match ending {
        Ending::Answered(_) | Ending::Created(_) | Ending::Resolved => {
            follow_up(core, id).await;
            read::local(core, id).await
        }
        Ending::Refused(error) => {
            read::get(core, id).await?;
            Err(error.with_tender_id(id))
        }
        Ending::NotExecuted(error) => Err(error.with_tender_id(id)),
        Ending::Unproven(error) => {
            Err(Error::new(Code::ConnectionLost, "nobody knows yet whether the change arrived; the journal finds out")
                .sent(Sent::MaybeSent)
                .with_tender_id(id)
                .caused_by(&error))
        }
    }
}
