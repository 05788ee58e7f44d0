//! Withdrawing a tender before the carrier accepted it; a tombstone where it does not know it (contract 4b, row 11).

use std::sync::Arc;

use gladhand_documents::error::{Code, Error, Result, Sent};
use gladhand_documents::json::{Document, quote};
use gladhand_documents::model::{self, Model as _, SCHEMA_VERSION, tender::TenderWithdrawal, wire::TenderState};
use gladhand_protocol::tender::ids;
use jiff::SignedDuration;

use super::send::{Ending, mutate};
use super::{follow_up, read};
use crate::carrier::{Carrier, segment};
use crate::core::Core;
use crate::journal::rows::{NewIntent, TenderRow};

/// Withdraws. Errors: `already_accepted`, or `maybe_sent` while the journal resolves it.
pub(crate) async fn withdraw(core: &Arc<Core>, id: &str, reason: &str) -> Result<Document> {
    let row = read::row(core, id).await?;
    if row.state() == TenderState::Withdrawn {
        return read::local(core, id).await;
    }
    let carrier = core.carrier(&row.carrier)?.clone();
    let ending = mutate(core, &carrier, intent(core, &carrier, &row, reason).await?).await?;
    follow_up(core, id).await;
    match ending {
        Ending::Answered(_) => read::local(core, id).await,
        Ending::Refused(error) | Ending::NotExecuted(error) => Err(error.with_tender_id(id)),
        Ending::Created(_) | Ending::Resolved => match read::row(core, id).await?.state() {
            TenderState::Withdrawn => read::local(core, id).await,
            _ => Err(unproven(id)),
        },
        Ending::Unproven(error) => Err(unproven(id).caused_by(&error)),
    }
}

fn unproven(id: &str) -> Error {
    Error::new(Code::ConnectionLost, "nobody knows yet whether the withdrawal arrived")
        .sent(Sent::MaybeSent)
        .with_tender_id(id)
}

/// Withdraws a tender that may never have arrived. `true` once the carrier has confirmed it.
pub(super) async fn tombstone(core: &Arc<Core>, carrier: &Arc<Carrier>, id: &str) -> Result<bool> {
    let row = read::row(core, id).await?;
    let intent = intent(core, carrier, &row, "never confirmed in time").await?;
    // A 2xx that shows anything else is no tombstone: the tender may be alive.
    let gone = |answer: &Document| answer.text("/state").as_deref() == Some(TenderState::Withdrawn.as_str());
    Ok(matches!(mutate(core, carrier, intent).await?, Ending::Answered(answer) if gone(&answer)))
}

async fn intent(core: &Arc<Core>, carrier: &Carrier, row: &TenderRow, reason: &str) -> Result<NewIntent> {
    let id = row.tender_id.clone();
    let number = core.journal.run(move |store| store.count_intents(&id, "tenders.withdraw")).await?;
    let withdrawal = ids::withdrawal_id(&row.tender_id, number);
    let body = Document::parse(format!(
        r#"{{"schemaVersion":{},"withdrawalId":{},"tenderId":{},"loadId":{},"reason":{}}}"#,
        quote(SCHEMA_VERSION),
        quote(&withdrawal),
        quote(&row.tender_id),
        quote(&row.load_id),
        quote(reason),
    ))?;
    model::validate(TenderWithdrawal::entity(), &body)?;
    Ok(NewIntent {
        operation: "tenders.withdraw",
        key: ids::idempotency_key(&core.scope(carrier.name()), "tenders.withdraw", &withdrawal),
        path: format!("/v1/tenders/{}/withdrawals/{}", segment(&row.tender_id), segment(&withdrawal)),
        operation_id: withdrawal,
        tender_id: Some(row.tender_id.clone()),
        carrier: carrier.name().to_owned(),
        origin: carrier.base(),
        method: "POST",
        body,
        prefer: None,
        // The key is recognised for at least a week; a withdrawal is never wrong to repeat within a day.
        resend_until: core.clock.now().saturating_add(SignedDuration::from_hours(24)).unwrap_or(jiff::Timestamp::MAX),
        owner: core.owner.id.clone(),
    })
}
