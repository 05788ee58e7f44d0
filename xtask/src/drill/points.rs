//! Where to kill: every point that the TMS reaches, found by letting it write them down, so that none can be forgotten; and
//! that each write of the journal is among them.

use std::collections::{BTreeMap, BTreeSet};

use super::Range;
use super::case::prepare;
use super::parties::Parties;
use super::tms::Tms;
use crate::shell::{Result, Run};

/// What must have happened for a point to be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Setup {
    /// Nothing.
    Plain,
    /// A process died and left an intent open.
    Recovery,
    /// An answer that proves nothing.
    Doubt,
    /// The first carrier's epoch is known, and one tender is with it.
    Learned,
    /// A carrier that then says that it restored from a backup.
    Epoch,
}

const SETUPS: [Setup; 4] = [Setup::Plain, Setup::Recovery, Setup::Doubt, Setup::Epoch];

/// Writes that the drilled TMS does not do: its carriers do not contradict themselves and have no tenders of strangers, it has
/// no operator who overrides, and it asks for no safety stream.
const UNREACHED: &[&str] = &["diverge", "import", "release", "tell_safety"];

/// A point, as `GLADHAND_FAILPOINT` names it.
#[derive(Clone, Debug)]
pub(super) struct Point {
    pub(super) name: String,
    pub(super) setup: Setup,
}

impl Point {
    pub(super) fn plain(name: &str) -> Self {
        Self { name: name.to_owned(), setup: Setup::Plain }
    }
}

/// Every point that is reached, with the first setup that reaches it; and those that are declared and were not.
pub(super) fn discover(range: &Range) -> Result<(Vec<Point>, Vec<String>)> {
    let mut found: BTreeMap<String, Setup> = BTreeMap::new();
    for setup in SETUPS {
        let name = format!("{setup:?}").to_lowercase();
        let parties = Parties::start(range, &format!("discovery-{name}"))?;
        let tms = Tms::new(range, &parties, range.folder.join(&name), &name, 1)?;
        prepare(&tms, &parties, setup)?;
        let trace = tms.folder.join("trace");
        tms.start(0, None, Some(&trace))?.done()?;
        let reached = std::fs::read_to_string(&trace).map_err(|e| format!("{}: {e}", trace.display()))?;
        for point in reached.lines() {
            found.entry(point.to_owned()).or_insert(setup);
        }
    }
    let declared = Run::new(&range.tms).arg("points").output()?;
    let missing = missing(&declared, &found.keys().map(String::as_str).collect());
    Ok((found.into_iter().map(|(name, setup)| Point { name, setup }).collect(), missing))
}

fn missing(declared: &str, found: &BTreeSet<&str>) -> Vec<String> {
    let lines = declared.lines().filter_map(|line| line.split_once(' '));
    lines
        .filter(|(kind, point)| match *kind {
            "write" => {
                let excused = UNREACHED.iter().any(|write| point.ends_with(&format!("@{write}")));
                !excused && !found.contains(point)
            }
            _ => !found.iter().any(|reached| reached.starts_with(&format!("{point}@"))),
        })
        .map(|(_, point)| point.to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_declared_point_that_nothing_reaches_is_named() {
        let declared =
            "write before_commit@taint\nwrite before_commit@diverge\nexchange mid_body\nexchange after_head\n";
        let found = BTreeSet::from(["mid_body@tenders.create"]);
        assert_eq!(missing(declared, &found), ["before_commit@taint", "after_head"]);
    }
}
