//! The hand-written matrix of the state machine, `conformance/vectors/transitions.json`: what both parties are judged by.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

const TEXT: &str = include_str!("../../vectors/transitions.json");

/// The matrix.
#[derive(Clone, Debug)]
pub struct Oracle {
    steps: BTreeSet<(String, String)>,
    moves: BTreeMap<(String, String), String>,
    stays: BTreeSet<(String, String)>,
    terminal: BTreeSet<String>,
}

impl Default for Oracle {
    fn default() -> Self {
        Self::read().expect("conformance/vectors/transitions.json is a matrix")
    }
}

impl Oracle {
    fn read() -> Option<Self> {
        let whole: Value = serde_json::from_str(TEXT).ok()?;
        let texts = |value: &Value| -> Option<Vec<String>> {
            value.as_array()?.iter().map(|text| text.as_str().map(str::to_owned)).collect()
        };
        let states = texts(&whole["states"])?;
        let (mut steps, mut terminal) = (BTreeSet::new(), BTreeSet::new());
        for line in whole["matrix"].as_array()? {
            let from = line["from"].as_str()?;
            let cells = texts(&line["to"])?;
            let open = states.iter().zip(&cells).filter(|(_, cell)| *cell != "-");
            let before = steps.len();
            steps.extend(open.map(|(to, _)| (from.to_owned(), to.clone())));
            if steps.len() == before {
                terminal.insert(from.to_owned());
            }
        }
        let mut moves = BTreeMap::new();
        for line in whole["moves"].as_array()? {
            for from in texts(&line["from"])? {
                moves.insert((line["event"].as_str()?.to_owned(), from), line["to"].as_str()?.to_owned());
            }
        }
        let mut stays = BTreeSet::new();
        for line in whole["stays"].as_array()? {
            stays.extend(
                texts(&line["in"])?.into_iter().map(|state| (line["event"].as_str().unwrap_or("").to_owned(), state)),
            );
        }
        Some(Self { steps, moves, stays, terminal })
    }

    /// Whether the matrix has this step.
    pub fn permits(&self, from: &str, to: &str) -> bool {
        self.steps.contains(&(from.to_owned(), to.to_owned()))
    }

    /// Whether nothing leads out of this state.
    pub fn terminal(&self, state: &str) -> bool {
        self.terminal.contains(state)
    }

    /// Where an event leads from a state; `None` where the contract has no such step. `event` without prefix and version.
    /// What the matrix does not name is recorded and moves nothing.
    pub fn after(&self, from: &str, event: &str) -> Option<String> {
        let asked = (event.to_owned(), from.to_owned());
        if let Some(to) = self.moves.get(&asked) {
            return Some(to.clone());
        }
        let named = self.moves.keys().chain(&self.stays).any(|(known, _)| known == event);
        (!named || self.stays.contains(&asked)).then(|| from.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_what_the_matrix_says() {
        let oracle = Oracle::default();
        assert!(oracle.permits("pending", "accepted") && !oracle.permits("offer", "accepted"));
        assert!(oracle.terminal("rejected") && !oracle.terminal("enroute"));
        assert_eq!(oracle.after("offer", "tender.received").as_deref(), Some("pending"));
        assert_eq!(oracle.after("accepted", "tender.cancel_requested").as_deref(), Some("accepted"));
        assert_eq!(oracle.after("accepted", "pod.available").as_deref(), Some("accepted"));
        assert_eq!(oracle.after("accepted", "tender.accepted"), None);
    }
}
