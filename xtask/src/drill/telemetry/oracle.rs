//! The judge: knows nothing of either side but the collector's file of what followers were given and what was declared lost,
//! and the gateway's own counts.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value;

use super::ranges::Ranges;
use crate::shell::Result;

/// The lanes, as the file names them.
const LANES: [&str; 4] = ["LANE_SAFETY", "LANE_OPERATIONAL", "LANE_ROUTINE", "LANE_DIAGNOSTIC"];

/// What the file tells of one lane of one epoch.
#[derive(Debug, Default)]
struct Lane {
    /// Delivered sequences.
    delivered: Ranges,
    /// Declared lost.
    declared: Ranges,
    highest: u64,
    flagged: u64,
}

/// Everything so far.
#[derive(Debug, Default)]
pub(super) struct Oracle {
    lanes: BTreeMap<(String, String), Lane>,
    /// Which lane and sequence an event has, per epoch: the identity of a record.
    events: BTreeMap<String, HashMap<u64, (usize, u64)>>,
    read: usize,
    /// The collector forgot something once: gaps may then cover what had arrived.
    pub(super) forgot: bool,
    /// What does not hold in the file itself.
    wrong: Vec<String>,
}

/// What was checked, and what does not hold.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    pub(super) checks: u64,
    pub(super) wrong: Vec<String>,
}

impl Verdict {
    pub(super) fn check(&mut self, holds: bool, what: impl FnOnce() -> String) {
        self.checks += 1;
        if !holds {
            self.wrong.push(what());
        }
    }
}

impl Oracle {
    /// Reads what is new in the file, to its last whole line.
    pub(super) fn read(&mut self, text: &str) -> Result<()> {
        let new = text.get(self.read..).ok_or("the file of what was delivered became shorter")?;
        let whole = new.rfind('\n').map_or(0, |end| end + 1);
        for line in new[..whole].lines() {
            self.line(line).ok_or_else(|| format!("not a line of what was delivered: {line:?}"))?;
        }
        self.read += whole;
        Ok(())
    }

    fn line(&mut self, line: &str) -> Option<()> {
        let parts: Vec<&str> = line.split(' ').collect();
        match parts[..] {
            ["record", _, epoch, lane, sequence, event, flag] => {
                let (sequence, event): (u64, u64) = (sequence.parse().ok()?, event.parse().ok()?);
                let flagged = flag == "1";
                let place = (LANES.iter().position(|known| *known == lane)?, sequence);
                let known = self.events.entry(epoch.to_owned()).or_default().entry(event).or_insert(place);
                if *known != place {
                    self.wrong.push(format!("event {event} is {known:?} and {place:?} of {epoch}"));
                }
                let state = self.lanes.entry((epoch.to_owned(), lane.to_owned())).or_default();
                if state.delivered.has(sequence) && !flagged {
                    self.wrong.push(format!("{lane} {sequence} of {epoch} was delivered twice, unflagged"));
                }
                if sequence < state.highest && !flagged {
                    self.wrong.push(format!("{lane} {sequence} of {epoch} came after {}", state.highest));
                }
                state.delivered.add(sequence, sequence);
                state.highest = state.highest.max(sequence);
                state.flagged += u64::from(flagged);
            }
            ["gap", _, epoch, lane, first, last, _] => {
                let (first, last): (u64, u64) = (first.parse().ok()?, last.parse().ok()?);
                let state = self.lanes.entry((epoch.to_owned(), lane.to_owned())).or_default();
                state.declared.add(first, last);
            }
            _ => return None,
        }
        Some(())
    }

    /// Judges what the gateway said when it had closed: every number that it gave out was delivered, declared or is still
    /// with it, and both count alike.
    pub(super) fn judge(&mut self, status: &Value) -> Verdict {
        let mut verdict = Verdict::default();
        let wrong = std::mem::take(&mut self.wrong);
        verdict.check(wrong.is_empty(), || wrong.join("; "));
        let epoch = status["epoch"].as_str().unwrap_or_default();
        let number = |value: &Value, name: &str| value[name].as_u64().unwrap_or(u64::MAX);
        verdict
            .check(status["difference"] == 0, || format!("the gateway's own difference is {}", status["difference"]));
        for key in LANES {
            let name = key.trim_start_matches("LANE_").to_lowercase();
            let counts = &status["lanes"][name.as_str()];
            let [produced, acknowledged, dropped, pending] =
                ["produced", "acknowledged", "dropped", "pending"].map(|field| number(counts, field));
            let sum = acknowledged.saturating_add(dropped).saturating_add(pending);
            verdict.check(produced == sum, || format!("{name}: {produced} produced, {sum} accounted for"));
            let none = Lane::default();
            let lane = self.lanes.get(&(epoch.to_owned(), key.to_owned())).unwrap_or(&none);
            let (delivered, declared) = (lane.delivered.count(), lane.declared.count());
            let both = lane.delivered.common(&lane.declared);
            verdict.check(self.forgot || both == 0, || format!("{name}: {both} delivered and declared lost"));
            let known = delivered + declared - both;
            let highest = lane.delivered.highest().max(lane.declared.highest());
            verdict.check(highest <= produced, || format!("{name}: {highest} arrived, {produced} were produced"));
            // What is not at the collector is still with the gateway. Something may be at both, when the acknowledgement
            // was lost.
            let missing = produced.saturating_sub(known);
            verdict.check(missing <= pending, || {
                let first = lane.delivered.first_absent(&lane.declared);
                format!(
                    "{name}: {missing} of {produced} neither arrived nor were declared, {pending} wait; first {first}"
                )
            });
            verdict.check(acknowledged <= delivered, || {
                format!("{name}: the gateway has {acknowledged} acknowledged, {delivered} were delivered")
            });
            if pending == 0 && !self.forgot {
                verdict.check(acknowledged == delivered && dropped == declared, || {
                    format!("{name}: acknowledged {acknowledged}, delivered {delivered}; dropped {dropped}, declared {declared}")
                });
            }
        }
        verdict
    }

    /// How much there was: delivered, flagged, declared lost, epochs.
    pub(super) fn summary(&self) -> String {
        let sum = |of: fn(&Lane) -> u64| self.lanes.values().map(of).sum::<u64>();
        let epochs: BTreeSet<&str> = self.lanes.keys().map(|(epoch, _)| epoch.as_str()).collect();
        format!(
            "{} records delivered, {} flagged deliveries, {} declared lost, {} epochs",
            sum(|lane| lane.delivered.count()),
            sum(|lane| lane.flagged),
            sum(|lane| lane.declared.count()),
            epochs.len(),
        )
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn status(routine: [u64; 4]) -> Value {
        let lane = |[produced, acknowledged, dropped, pending]: [u64; 4]| json!({"produced": produced, "acknowledged": acknowledged, "dropped": dropped, "pending": pending});
        let none = lane([0; 4]);
        json!({"epoch": "e", "difference": 0, "lanes": {
            "safety": none, "operational": none, "routine": lane(routine), "diagnostic": none,
        }})
    }

    fn judge(file: &str, routine: [u64; 4]) -> Vec<String> {
        let mut oracle = Oracle::default();
        oracle.read(file).expect("lines");
        oracle.judge(&status(routine)).wrong
    }

    #[test]
    fn finds_what_is_wrong_and_nothing_else() {
        let good = "record p e LANE_ROUTINE 1 1 0\nrecord p e LANE_ROUTINE 2 2 0\ngap p e LANE_ROUTINE 3 4 R\n";
        assert_eq!(judge(good, [4, 2, 2, 0]), [""; 0]);
        assert_eq!(judge(&format!("{good}record p e LANE_ROUTINE 2 2 1\n"), [4, 2, 2, 0]), [""; 0]);
        let cases = [
            (format!("{good}record p e LANE_ROUTINE 2 2 0\n"), [4, 2, 2, 0], "twice"),
            (
                format!("{good}record p e LANE_ROUTINE 6 6 0\nrecord p e LANE_ROUTINE 5 5 0\n"),
                [6, 4, 2, 0],
                "came after",
            ),
            (good.to_owned(), [5, 3, 2, 0], "neither arrived"),
            (good.to_owned(), [4, 2, 1, 0], "accounted for"),
            (good.to_owned(), [4, 3, 1, 0], "3 acknowledged, 2 were delivered"),
            (good.to_owned(), [3, 1, 2, 0], "4 arrived, 3 were produced"),
            (format!("{good}record p e LANE_ROUTINE 5 2 0\n"), [5, 3, 2, 0], "event 2"),
            (format!("{good}gap p e LANE_ROUTINE 2 2 R\n"), [4, 2, 2, 0], "delivered and declared"),
        ];
        for (file, counts, complaint) in cases {
            let wrong = judge(&file, counts).join("; ");
            assert!(wrong.contains(complaint), "{complaint}: {wrong:?}");
        }
        assert_eq!(judge(good, [6, 2, 2, 2]), [""; 0], "what waits is not missing");
        assert!(Oracle::default().read("record p e\n").is_err());
    }
}
