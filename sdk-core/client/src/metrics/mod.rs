//! Numbers to watch a client by (operations 6e): ages, ratios and dates that alerts are made of. Labels name partners and
//! routes, never a load or a tender. Asks no carrier.

use std::collections::BTreeMap;
use std::sync::Arc;

use gladhand_documents::error::Result;
use gladhand_documents::json::{Document, quote};
use jiff::Timestamp;

use crate::core::Core;
use crate::journal::Store;

/// What the journal says, per carrier.
struct Journaled {
    unresolved: u64,
    /// When the oldest create without outcome was journaled.
    unknown_since: BTreeMap<String, Timestamp>,
    /// Since when the oldest gap has been open.
    gap_since: BTreeMap<String, Timestamp>,
}

/// The document `Metrics`.
pub(crate) async fn metrics(core: &Arc<Core>) -> Result<Document> {
    core.open()?;
    let journal = core.journal.run(|store| journaled(store)).await?;
    let (now, ticks) = (core.clock.now(), core.clock.monotonic());
    let age = |since: Option<&Timestamp>| since.map_or(0.0, |since| now.duration_since(*since).as_secs_f64().max(0.0));
    let mut samples = Vec::new();
    let each = |samples: &mut Vec<String>, name: &str, value: &dyn Fn(&crate::carrier::Carrier) -> String| {
        samples.extend(core.carriers.values().map(|carrier| {
            let labels = format!(r#"{{"partner":{}}}"#, quote(carrier.name()));
            sample(name, &labels, &value(carrier))
        }));
    };
    each(&mut samples, "gladhand_backpressure_ratio", &|carrier| format!("{:.3}", carrier.backpressure(ticks)));
    // No date is no sample: at 0 a date would lie in 1970, and the alert would go off.
    for carrier in core.carriers.values() {
        samples.extend(carrier.deprecations().into_iter().filter_map(|(route, deprecation)| {
            let labels = format!(r#"{{"partner":{},"route":{}}}"#, quote(carrier.name()), quote(route));
            let ends = deprecation.sunset?.as_second().to_string();
            Some(sample("gladhand_contract_sunset_timestamp_seconds", &labels, &ends))
        }));
    }
    each(&mut samples, "gladhand_event_gap_age_seconds", &|carrier| {
        format!("{:.3}", age(journal.gap_since.get(carrier.name())))
    });
    samples.push(sample("gladhand_journal_unresolved", "{}", &journal.unresolved.to_string()));
    each(&mut samples, "gladhand_retry_budget", &|carrier| carrier.budget().tokens().to_string());
    each(&mut samples, "gladhand_tender_unknown_age_seconds", &|carrier| {
        format!("{:.3}", age(journal.unknown_since.get(carrier.name())))
    });
    Document::parse(format!(r#"{{"samples":[{}]}}"#, samples.join(",")))
}

fn sample(name: &str, labels: &str, value: &str) -> String {
    format!(r#"{{"name":{},"labels":{labels},"value":{value}}}"#, quote(name))
}

fn journaled(store: &mut dyn Store) -> Result<Journaled> {
    let mut unknown_since = BTreeMap::new();
    // Oldest first: the first of each carrier counts.
    for intent in store.open_intents(None)? {
        if intent.operation != "tenders.create" || unknown_since.contains_key(&intent.carrier) {
            continue;
        }
        if let Some(entry) = store.entries(intent.id - 1, 1)?.into_iter().next() {
            unknown_since.insert(intent.carrier, entry.at);
        }
    }
    Ok(Journaled { unresolved: store.unresolved()?, unknown_since, gap_since: store.gap_since()? })
}
