//! What must hold of the carriers at every instant (contract 4b), read from their true state and not from what they say.

use std::collections::BTreeMap;

use gladhand_sandbox::state::Store;
use gladhand_sandbox::state::tender::Tender;

use crate::oracle::Oracle;
use crate::setting::CARRIERS;
use crate::world::World;

/// Remembers what it saw last.
#[derive(Debug, Default)]
pub(crate) struct Watchman {
    oracle: Oracle,
    /// By carrier, tender: how much of its log was judged, and where that leads.
    seen: BTreeMap<(usize, String), (u64, String)>,
}

impl Watchman {
    /// Judges what happened since the last look.
    pub(crate) fn look(&mut self, world: &World) -> Result<(), String> {
        let mut holders: BTreeMap<String, String> = BTreeMap::new();
        for (lane, name) in CARRIERS.iter().enumerate() {
            let store = world.carrier(lane).store();
            for tender in store.tenders() {
                self.judge(lane, tender).map_err(|why| format!("{name} {}: {why}", tender.key.tender_id))?;
                if live(tender) {
                    let here = format!("{name} {} ({})", tender.key.tender_id, tender.state.as_str());
                    if let Some(other) = holders.insert(tender.load_id.clone(), here.clone()) {
                        return Err(format!("P1: load {} is held twice: {other}, {here}", tender.load_id));
                    }
                }
            }
            stock(&store).map_err(|why| format!("{name}: {why}"))?;
        }
        Ok(())
    }

    fn judge(&mut self, lane: usize, tender: &Tender) -> Result<(), String> {
        let key = (lane, tender.key.tender_id.clone());
        let known = self.seen.entry(key).or_insert_with(|| (0, "offer".to_owned()));
        let last = tender.history.last_sequence();
        if last < known.0 {
            return Err(format!("its log was {} events long and is {last}", known.0));
        }
        for sequence in known.0 + 1..=last {
            let kind = tender.history.get(sequence).map(|event| event.kind.clone()).unwrap_or_default();
            let event = kind.trim_start_matches("gladhand.").trim_end_matches(".v1");
            if sequence == 1 && event != "tender.received" {
                return Err(format!("its log begins with {event}"));
            }
            let Some(to) = self.oracle.after(&known.1, event) else {
                return Err(format!("{event} from {}", known.1));
            };
            if to != known.1 && self.oracle.terminal(&known.1) {
                return Err(format!("{} is no end: {event}", known.1));
            }
            *known = (sequence, to);
        }
        // A tombstone has no log (contract 4b, row 11).
        let tombstone = tender.is_tombstone() && tender.state.as_str() == "withdrawn" && last == 0;
        if tender.state.as_str() != known.1 && !tombstone {
            return Err(format!("it is {}, its log leads to {}", tender.state.as_str(), known.1));
        }
        Ok(())
    }
}

/// Whether a tender is in pending…enroute.
pub(crate) fn live(tender: &Tender) -> bool {
    matches!(tender.state.as_str(), "pending" | "countered" | "accepted" | "dispatched" | "enroute")
}

/// No more is committed than there is, and what is committed is what tenders have.
fn stock(store: &Store) -> Result<(), String> {
    for capacity in store.stock.iter() {
        let taken = store.tenders().filter(|t| t.capacity_id.as_deref() == Some(capacity.id.as_str()));
        let taken = taken
            .filter(|t| {
                let firm = t.counter.as_ref().is_some_and(|counter| counter.firm);
                t.state.holds_capacity() || firm
            })
            .count();
        if taken != capacity.committed as usize {
            return Err(format!("{}: {} are committed, {taken} are taken", capacity.id, capacity.committed));
        }
        if capacity.committed > capacity.quantity {
            return Err(format!("{}: {} of {} are committed", capacity.id, capacity.committed, capacity.quantity));
        }
    }
    Ok(())
}
