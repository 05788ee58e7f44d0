//! Reconciliation: the journal against the carrier's log, by history digest (contract 4g). Repairs what can be repaired by
//! itself, lists the rest, and is idempotent: a second run finds nothing to repair.

use std::collections::BTreeMap;
use std::sync::Arc;

use gladhand_documents::error::{Error, Result};
use gladhand_documents::json::{Document, Value, quote};
use gladhand_documents::model::sdk::Sync;
use gladhand_documents::model::wire::{DigestPage, TenderState};
use gladhand_documents::time::format_instant;
use gladhand_protocol::tender::reconcile::{Class, Side, classify};
use gladhand_protocol::tender::state::terminal;
use gladhand_protocol::tender::{history, recovery};

use crate::carrier::{Carrier, segment};
use crate::core::Core;
use crate::events::pull;
use crate::journal::rows::TenderRow;
use crate::tender::import::import;

/// A carrier's digest of one tender.
struct Remote {
    tender_id: String,
    state: TenderState,
    sequence: u64,
    digest: [u8; 32],
}

/// A carrier's digests.
struct Digests {
    as_of: String,
    epoch: String,
    items: BTreeMap<String, Remote>,
}

#[derive(Default)]
struct Findings {
    compared: u32,
    equal: u32,
    repairs: u32,
    items: Vec<Item>,
}

struct Item {
    tender_id: String,
    carrier: String,
    class: Class,
    repair: Option<&'static str>,
    open: bool,
    local: Option<u64>,
    remote: Option<u64>,
}

/// Compares all tenders with all carriers.
pub(crate) async fn run(core: &Arc<Core>) -> Result<Document> {
    core.open()?;
    let (mut findings, mut failures) = (Findings::default(), Vec::new());
    for carrier in core.carriers.values() {
        if let Err(error) = compare(core, carrier, &mut findings).await {
            failures.push((carrier.name().to_owned(), error));
        }
    }
    report(core, &findings, &failures)
}

/// Brings one carrier's tenders up to date, and returns the feed cursor up to which that holds.
pub(crate) async fn catch_up(core: &Arc<Core>, carrier: &Arc<Carrier>) -> Result<String> {
    compare(core, carrier, &mut Findings::default()).await
}

async fn compare(core: &Arc<Core>, carrier: &Arc<Carrier>, findings: &mut Findings) -> Result<String> {
    // The fence: what is journaled later is not missing here.
    let name = carrier.name().to_owned();
    let local = core.journal.run(|store| store.tenders(None)).await?;
    let local: Vec<TenderRow> = local.into_iter().filter(|row| row.carrier == name).collect();
    let mut remote = digests(carrier).await?;
    let known = core.epoch(carrier.name(), &remote.epoch).await?;
    // What the carrier has and we could not learn; everything else is frozen by itself, or is the driver's to resolve.
    let mut unlearned = 0;
    for row in local {
        let there = remote.items.remove(&row.tender_id);
        let item = one(core, carrier, &row, there.as_ref(), known.frozen).await?;
        findings.compared += 1;
        match item {
            None => findings.equal += 1,
            Some(item) => {
                findings.repairs += u32::from(item.repair.is_some() && !item.open);
                unlearned += usize::from(item.open && item.class == Class::LocalGap);
                findings.items.push(item);
            }
        }
    }
    for there in remote.items.into_values() {
        findings.compared += 1;
        let side = Side { last_sequence: there.sequence, history_digest: &there.digest, state: &there.state };
        let class = classify(None, Some(side));
        // Journaled by another process since the fence.
        let id = there.tender_id.clone();
        let since = core.journal.run(move |store| store.tender(&id)).await?.is_some();
        if class == Class::Equal || since {
            findings.equal += 1;
            continue;
        }
        // Never cancelled from here: it comes into the journal as it is, and holds its load (contract 4e, 4g).
        let imported = import(core, carrier, &there.tender_id).await;
        if let Err(error) = &imported {
            tracing::warn!(target: "gladhand::tender", tender = %there.tender_id, %error, "an unknown tender is not imported");
        }
        findings.repairs += u32::from(imported.is_ok());
        unlearned += usize::from(imported.is_err());
        findings.items.push(Item {
            tender_id: there.tender_id,
            carrier: carrier.name().to_owned(),
            class,
            repair: imported.is_ok().then_some("imported, unattributed"),
            open: imported.is_err(),
            local: None,
            remote: Some(there.sequence),
        });
    }
    if known.frozen && unlearned == 0 {
        let (name, epoch) = (carrier.name().to_owned(), remote.epoch.clone());
        core.journal.run(move |store| store.thaw(&name, &epoch)).await?;
    }
    Ok(remote.as_of)
}

/// Compares one tender, repairs a gap, and compares again. `None` if there is no difference. A live tender that the carrier
/// has lost, or whose history it tells otherwise since it `restored`, is frozen (contract 4c, 4g): nothing goes on with it.
async fn one(
    core: &Arc<Core>,
    carrier: &Arc<Carrier>,
    row: &TenderRow,
    remote: Option<&Remote>,
    restored: bool,
) -> Result<Option<Item>> {
    let mut class = class_of(core, row, remote).await?;
    if row.overridden() {
        // An operator released it. What the carrier does not have is settled; what is alive there needs a human.
        class = match remote {
            Some(remote) if !terminal(&remote.state) => Class::OrphanRemote,
            _ => Class::Equal,
        };
    }
    let item = |class, repair, open, local| Item {
        tender_id: row.tender_id.clone(),
        carrier: carrier.name().to_owned(),
        class,
        repair,
        open,
        local: Some(local),
        remote: remote.map(|r| r.sequence),
    };
    match class {
        Class::Equal => Ok(None),
        Class::LocalGap => {
            let pulled = pull(core, &row.tender_id).await;
            let after = crate::tender::row(core, &row.tender_id).await?;
            let mended =
                pulled.is_ok() && matches!(class_of(core, &after, remote).await?, Class::Equal | Class::RemoteLag);
            Ok(Some(item(class, Some("pulled and applied"), !mended, after.fold.last_sequence)))
        }
        class => {
            let lost = match class {
                Class::RemoteLost => restored || recovery::lost(row.updated_at, core.clock.now()),
                Class::RemoteLag | Class::ContentDivergence | Class::StateDivergence => restored,
                _ => false,
            };
            if lost && row.sync != Sync::Diverged && !row.overridden() && !terminal(&row.state()) {
                let (id, why) =
                    (row.tender_id.clone(), "the carrier acknowledged the tender and has lost it, or a part of it");
                core.journal.run(move |store| store.diverge(&id, why)).await?;
                core.changed();
            }
            Ok(Some(item(class, None, true, row.fold.last_sequence)))
        }
    }
}

async fn class_of(core: &Core, row: &TenderRow, remote: Option<&Remote>) -> Result<Class> {
    let state = row.state();
    let local = Side { last_sequence: row.fold.last_sequence, history_digest: &row.fold.history_digest, state: &state };
    let there = remote.map(|r| Side { last_sequence: r.sequence, history_digest: &r.digest, state: &r.state });
    let class = classify(Some(local), there);
    if row.sync == Sync::Diverged {
        // Frozen: pulling again would mend nothing.
        return Ok(if class == Class::RemoteLost { class } else { Class::ContentDivergence });
    }
    if class != Class::LostOutcome {
        return Ok(class);
    }
    // Acknowledged by an answer, though its events never came.
    if row.ahead().is_some() {
        return Ok(Class::RemoteLost);
    }
    // Never acknowledged, and not there: that is a difference only while an intent is open.
    let id = row.tender_id.clone();
    let open = core.journal.run(move |store| store.open_intents(Some(&id))).await?;
    Ok(if open.is_empty() { Class::Equal } else { class })
}

async fn digests(carrier: &Carrier) -> Result<Digests> {
    let mut out = Digests { as_of: String::new(), epoch: String::new(), items: BTreeMap::new() };
    let mut cursor: Option<String> = None;
    loop {
        let path = match &cursor {
            Some(cursor) => format!("/v1/reconciliation/digests?cursor={}", segment(cursor)),
            None => "/v1/reconciliation/digests".to_owned(),
        };
        let page = carrier.read::<DigestPage>("reconciliation.digests", path, "reconcile:read", None).await?;
        if cursor.is_none() {
            // Of the first page: the feed after it holds everything that the later pages may have missed.
            out.as_of = page.text("/asOf").unwrap_or_default();
            out.epoch = page.text("/logEpoch").unwrap_or_default();
        }
        for item in page.at("/items").into_iter().flat_map(Value::items) {
            let text = |name: &str| item.get(name).and_then(Value::text).unwrap_or_default().into_owned();
            let remote = Remote {
                tender_id: text("tenderId"),
                state: TenderState::from(text("state").as_str()),
                sequence: item.get("lastSequence").and_then(Value::number).and_then(|n| n.parse().ok()).unwrap_or(0),
                digest: history::unhex(&text("historyDigest")).unwrap_or_default(),
            };
            out.items.insert(remote.tender_id.clone(), remote);
        }
        cursor = page.text("/cursor");
        if cursor.is_none() {
            return Ok(out);
        }
    }
}

fn report(core: &Core, findings: &Findings, failures: &[(String, Error)]) -> Result<Document> {
    let items: Vec<String> = findings
        .items
        .iter()
        .map(|item| {
            let mut out = format!(
                r#"{{"tenderId":{},"carrier":{},"class":{},"open":{}"#,
                quote(&item.tender_id),
                quote(&item.carrier),
                quote(item.class.as_str()),
                item.open
            );
            for (name, raw) in [
                ("repair", item.repair.map(quote)),
                ("localSequence", item.local.map(|n| n.to_string())),
                ("remoteSequence", item.remote.map(|n| n.to_string())),
            ] {
                if let Some(raw) = raw {
                    out.extend([",\"", name, "\":", &raw]);
                }
            }
            out + "}"
        })
        .collect();
    let failures: Vec<String> = failures
        .iter()
        .map(|(carrier, error)| {
            format!(
                r#"{{"carrier":{},"code":{},"message":{}}}"#,
                quote(carrier),
                quote(error.code().as_str()),
                quote(&error.message().chars().take(2000).collect::<String>())
            )
        })
        .collect();
    Document::parse(format!(
        r#"{{"at":{},"compared":{},"equal":{},"differences":{},"repairs":{},"items":[{}],"failures":[{}]}}"#,
        quote(&format_instant(core.clock.now())),
        findings.compared,
        findings.equal,
        findings.items.iter().filter(|item| item.open).count(),
        findings.repairs,
        items.join(","),
        failures.join(","),
    ))
}
