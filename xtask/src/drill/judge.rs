//! What must hold when a TMS has come to rest, whatever happened to it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::parties::{CARRIERS, Parties};
use super::tms::Tms;
use crate::shell::Result;

/// States in which a carrier holds a load (contract 4b, P1).
const HOLDING: &[&str] = &["pending", "countered", "accepted", "dispatched", "enroute"];
/// Events with which it lets go of one.
const ENDS: &[&str] = &[
    "tender.rejected",
    "tender.expired",
    "tender.withdrawn",
    "tender.cancelled",
    "shipment.delivered",
    "shipment.aborted",
];

/// One tender's hold of its load, by the carrier's log.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Hold {
    who: String,
    from: i64,
    to: i64,
}

/// Judges; an error names all that does not hold.
pub(super) fn judge(tms: &Tms, parties: &Parties, ledgers: &[Vec<Value>; 2], profile: Option<&str>) -> Result<()> {
    let mut wrong = Vec::new();
    let report = tms.verify()?;
    if report["intact"] != true || report["unresolved"] != 0 {
        wrong.push(format!("the journal: {report}"));
    }
    let mut all = BTreeSet::new();
    for process in 0..tms.processes {
        let loads: BTreeSet<String> = tms.loads(process)?.into_iter().collect();
        // Nothing more is applied of a load whose carrier tells another history than before.
        let told = told(ledgers, &loads.iter().filter(|load| !frozen(tms, load)).cloned().collect());
        let seen = std::fs::read_to_string(tms.folder.join(format!("seen-{process}"))).unwrap_or_default();
        wrong.extend(events(&seen, &told).into_iter().map(|what| format!("consumer {process}: {what}")));
        all.extend(loads);
    }
    for load in &all {
        wrong.extend(one_tender(parties, load, ledgers, frozen(tms, load), profile.is_none())?);
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("; ")) }
}

/// Whether a process said that the load is frozen: the carrier acknowledged its tender once, and lost it.
fn frozen(tms: &Tms, load: &str) -> bool {
    let said = |process| std::fs::read_to_string(tms.folder.join(format!("log-{process}"))).unwrap_or_default();
    (0..tms.processes).any(|process| said(process).lines().any(|line| line == format!("FROZEN {load}")))
}

/// `tender sequence` of every event of these loads.
fn told(ledgers: &[Vec<Value>; 2], loads: &BTreeSet<String>) -> BTreeSet<String> {
    let ours = ledgers.iter().flatten().filter(|event| loads.contains(event["loadId"].as_str().unwrap_or_default()));
    ours.map(|event| {
        format!("{} {:020}", event["tenderId"].as_str().unwrap_or_default(), event["sequence"].as_u64().unwrap_or(0))
    })
    .collect()
}

/// What an application saw, by its own file, against what it should have.
fn events(seen: &str, told: &BTreeSet<String>) -> Vec<String> {
    let (mut met, mut acked, mut wrong) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
    let mut last: BTreeMap<&str, &str> = BTreeMap::new();
    for line in seen.lines() {
        if let Some(event) = line.strip_prefix("SEEN ") {
            if acked.contains(event) {
                wrong.push(format!("{event} came again after it was acknowledged"));
            }
            if let Some((tender, sequence)) = event.split_once(' ')
                && met.insert(event)
                && last.insert(tender, sequence).is_some_and(|before| before > sequence)
            {
                wrong.push(format!("{event} came out of order"));
            }
        } else if let Some(event) = line.strip_prefix("ACKED ")
            && !acked.insert(event)
        {
            wrong.push(format!("{event} was acknowledged twice"));
        }
    }
    wrong.extend(told.iter().filter(|event| !met.contains(event.as_str())).map(|event| format!("{event} was lost")));
    wrong
}

/// No load is with two carriers at any instant, and each is with one of them now.
fn one_tender(
    parties: &Parties,
    load: &str,
    ledgers: &[Vec<Value>; 2],
    frozen: bool,
    once: bool,
) -> Result<Vec<String>> {
    let mut wrong = Vec::new();
    let mut holds = Vec::new();
    for (carrier, ledger) in CARRIERS.iter().zip(ledgers) {
        holds.extend(holds_of(carrier, ledger.iter().filter(|event| event["loadId"] == load)));
    }
    wrong.extend(together(&holds).map(|(one, other)| format!("{load} was with {one} and {other} at one instant")));
    // A load that the first carrier takes at once goes out once.
    if once && load.contains("-yes-") && holds.len() != 1 {
        wrong.push(format!("{load} was tendered {} times", holds.len()));
    }
    let mut live = 0;
    for number in 0..CARRIERS.len() {
        let state = |tender: &Value| tender["state"].as_str().is_some_and(|state| HOLDING.contains(&state));
        live += parties.tenders(number)?.iter().filter(|tender| tender["loadId"] == load && state(tender)).count();
    }
    if live > 1 || (live == 0 && !frozen) {
        wrong.push(format!("{load} is with {live} carriers in the end"));
    }
    Ok(wrong)
}

/// The holds of one load in one carrier's log.
fn holds_of<'a>(carrier: &str, events: impl Iterator<Item = &'a Value>) -> Vec<Hold> {
    let mut holds: BTreeMap<String, Hold> = BTreeMap::new();
    for event in events {
        let at = event["atUs"].as_i64().unwrap_or(0);
        let kind = event["type"].as_str().unwrap_or_default();
        let kind = kind.trim_start_matches("gladhand.").trim_end_matches(".v1");
        let tender = event["tenderId"].as_str().unwrap_or_default();
        let who = format!("{carrier} ({tender})");
        let hold = holds.entry(tender.to_owned()).or_insert(Hold { who, from: at, to: i64::MAX });
        if ENDS.contains(&kind) {
            hold.to = at;
        }
    }
    holds.into_values().collect()
}

/// Pairs of holds that overlap.
fn together(holds: &[Hold]) -> impl Iterator<Item = (&str, &str)> {
    let pairs = holds.iter().enumerate().flat_map(|(n, one)| holds[n + 1..].iter().map(move |other| (one, other)));
    pairs.filter(|(one, other)| one.from < other.to && other.from < one.to).map(|(one, other)| (&*one.who, &*other.who))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_an_application_saw_is_judged() {
        let told: BTreeSet<String> = ["t 1", "t 2"].map(str::to_owned).into();
        assert!(
            events("SEEN t 1\nACKED t 1\nSEEN t 2\nSEEN t 2\nACKED t 2\n", &told).is_empty(),
            "again until acknowledged"
        );
        assert_eq!(events("SEEN t 1\nACKED t 1\n", &told), ["t 2 was lost"]);
        assert_eq!(
            events("SEEN t 1\nACKED t 1\nSEEN t 2\nSEEN t 1\n", &told),
            ["t 1 came again after it was acknowledged"]
        );
        assert_eq!(events("SEEN t 2\nSEEN t 1\n", &told), ["t 1 came out of order"]);
    }

    #[test]
    fn two_carriers_at_one_instant_are_seen() {
        let event = |tender: &str, kind: &str, at: i64| json!({"tenderId": tender, "type": format!("gladhand.{kind}.v1"), "atUs": at});
        let first = [event("a", "tender.received", 10), event("a", "tender.withdrawn", 20)];
        let second = |at| [event("b", "tender.received", at)];
        let both = |at| {
            let mut holds = holds_of("aurora", first.iter());
            holds.extend(holds_of("borealis", second(at).iter()));
            together(&holds).count()
        };
        assert_eq!((both(15), both(20), both(30)), (1, 0, 0));
    }
}
