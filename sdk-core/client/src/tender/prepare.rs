//! Fills in what the SDK owns of a load tender and checks the rest, before anything is journaled or sent.

use std::time::Duration;

use gladhand_documents::error::{Code, Error, Result};
use gladhand_documents::json::{Document, quote};
use gladhand_documents::model::{self, Model as _, SCHEMA_VERSION, tender::LoadTender};
use gladhand_documents::time::parse_instant;
use gladhand_protocol::tender::explain::{explain, refusal};
use gladhand_protocol::tender::{ids, recovery};

use super::CreateOptions;
use crate::carrier::{Carrier, Published};
use crate::core::Core;
use crate::journal::rows::{NewIntent, NewTender};

/// What express waits for unless told otherwise (contract 4d).
const DEFAULT_WAIT: Duration = Duration::from_secs(25);

/// A tender that may be journaled.
pub(super) struct Prepared {
    pub(super) tender: NewTender,
    pub(super) intent: NewIntent,
}

/// Fills in and checks. Nothing of it leaves this process.
pub(super) fn prepare(
    core: &Core,
    carrier: &Carrier,
    load: Document,
    options: &CreateOptions,
    attempt: u32,
    again: bool,
    published: &Published,
) -> Result<Prepared> {
    let load_id = load
        .text("/loadId")
        .filter(|id| !id.is_empty())
        .ok_or_else(|| Error::new(Code::SchemaInvalid, "the load has no loadId"))?;
    let load = filled(core, carrier, &load, options, &load_id, attempt)?;
    model::validate(LoadTender::entity(), &load)?;
    if let Some(offer) = &options.capacity {
        eligible(core, carrier, &load, offer)?;
    }
    let tender_id = load.text("/tenderId").unwrap_or_default();
    let revision = load.integer("/revision").and_then(|n| u32::try_from(n).ok()).unwrap_or(1);
    let operation_id = ids::create_operation_id(&tender_id, revision);
    let respond_by = load.text("/respondBy").and_then(|text| parse_instant(&text).ok());
    if load.boolean("/synthetic") == Some(true) && !published.features.iter().any(|f| f == "synthetic") {
        return Err(Error::new(
            Code::NotUnderstood,
            format!("carrier {} does not take synthetic tenders", carrier.name()),
        ));
    }
    let intent = NewIntent {
        operation: "tenders.create",
        key: ids::idempotency_key(&core.scope(carrier.name()), "tenders.create", &operation_id),
        operation_id,
        tender_id: Some(tender_id.clone()),
        carrier: carrier.name().to_owned(),
        origin: carrier.base(),
        method: "POST",
        path: "/v1/tenders".to_owned(),
        prefer: wait(&load, options.wait, published),
        body: load,
        resend_until: published.recognised(recovery::resend_until(respond_by, core.clock.now()), core.clock.now()),
        owner: core.owner.id.clone(),
    };
    let tender = NewTender { tender_id, load_id, carrier: carrier.name().to_owned(), attempt, revision, again };
    Ok(Prepared { tender, intent })
}

fn filled(
    core: &Core,
    carrier: &Carrier,
    load: &Document,
    options: &CreateOptions,
    load_id: &str,
    attempt: u32,
) -> Result<Document> {
    let derived = ids::tender_id(&core.scope(carrier.name()), load_id, attempt);
    let mode = if options.wait.is_some() { "express" } else { "standard" };
    let mut defaults = vec![
        ("schemaVersion", quote(SCHEMA_VERSION)),
        ("tenderId", quote(&derived)),
        ("revision", "1".to_owned()),
        ("mode", quote(mode)),
    ];
    if let Some(offered) = options.capacity.as_ref().and_then(|offer| offer.text("/capacityId")) {
        match load.text("/capacityId") {
            Some(named) if named != offered => {
                let why = format!("the load names capacity {named}, the offer is {offered}");
                return Err(Error::new(Code::InvalidArgument, why));
            }
            _ => defaults.push(("capacityId", quote(&offered))),
        }
    }
    load.with_defaults(&defaults)
}

/// The guard of transition 1: local eligibility (contract 4b).
fn eligible(core: &Core, carrier: &Carrier, load: &Document, offer: &Document) -> Result<()> {
    let verdict = explain(load, offer, core.clock.now(), carrier.assumed_tare_lbs())?;
    refusal(&verdict).map_or(Ok(()), Err)
}

/// The `Prefer` header: for express only, at most what the carrier permits, and not where a human decides anyway.
pub(super) fn wait(load: &Document, asked: Option<Duration>, published: &Published) -> Option<String> {
    if load.text("/mode").as_deref() != Some("express") {
        return None;
    }
    let wait = asked.unwrap_or(DEFAULT_WAIT).min(published.max_wait);
    if wait.as_secs() == 0 || published.decision_sla.is_some_and(|sla| sla > wait) {
        return None;
    }
    Some(format!("wait={}", wait.as_secs()))
}
