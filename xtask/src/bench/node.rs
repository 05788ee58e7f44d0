//! What the package costs Node: microseconds of a call beside the host's own round trip to a thread, and how late the event loop
//! is while telemetry is published.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{folder, median};
use crate::paths;
use crate::shell::{Result, Run};

/// How often every program has its turn; an odd number.
const ROUNDS: usize = 3;
const SECONDS: &str = "5";
const PROGRAMS: [&str; 4] = ["calls", "idle", "columns", "single"];

const BARE: &str = "a thread and back, bare";
const CALL: &str = "a call and back";
/// Of the host's own round trip.
const CALL_LIMIT: f64 = 1.3;
const LAG_LIMIT_MS: f64 = 5.0;

/// By name, in the order in which they came: the value of each round.
#[derive(Default)]
struct Measured {
    order: Vec<String>,
    values: BTreeMap<String, Vec<f64>>,
}

pub(super) fn run() -> Result<()> {
    println!("building (release, with what only tests have) and installing the package");
    let release = ["build", "--locked", "--quiet", "--release", "--package", "gladhand-sandbox"];
    Run::new("cargo").args(release).env("CARGO_TARGET_DIR", paths::target()).at(paths::root()).run()?;
    let place = super::telemetry::node_with(true)?;
    let program = "loop.mjs";
    std::fs::copy(folder().join(program), place.join(program)).map_err(|e| format!("{program}: {e}"))?;
    let mut measured = Measured::default();
    for round in 1..=ROUNDS {
        println!("round {round} of {ROUNDS}");
        for what in PROGRAMS {
            let lines = Run::new("node")
                .args([program, what, SECONDS])
                .env("GLADHAND_SANDBOX", paths::target().join("release/gladhand-sandbox"))
                .at(&place)
                .output()?;
            measured.record(&lines)?;
        }
    }
    print!("{}{}", measured.table(), measured.verdict());
    Ok(())
}

impl Measured {
    /// Takes in the lines of a program: a name, a tab, a number.
    fn record(&mut self, lines: &str) -> Result<()> {
        for line in lines.lines() {
            let (name, value) = line.split_once('\t').ok_or_else(|| format!("no measurement: {line}"))?;
            let value = value.trim().parse().map_err(|_| format!("no number: {line}"))?;
            if !self.values.contains_key(name) {
                self.order.push(name.to_owned());
            }
            self.values.entry(name.to_owned()).or_default().push(value);
        }
        Ok(())
    }

    fn of(&self, name: &str) -> f64 {
        median(self.values.get(name).map(Vec::as_slice).unwrap_or_default())
    }

    /// The medians in Markdown.
    fn table(&self) -> String {
        let mut out = String::from("\n| what | median |\n|---|---:|\n");
        for name in &self.order {
            // Writing to a string cannot fail.
            let _ = writeln!(out, "| {name} | {} |", self.of(name));
        }
        out
    }

    /// What the numbers say beside what was promised.
    fn verdict(&self) -> String {
        let mut out = String::from("\n");
        let mut line = |what: &str, value: f64, limit: f64| {
            let met = if value <= limit { "met" } else { "NOT MET" };
            let _ = writeln!(out, "{met}: {what}: {value:.2}, promised {limit}");
        };
        for together in [1, 1000] {
            let us = |name: &str| self.of(&format!("{name}, {together} at once, us"));
            line(&format!("{CALL}, of the host's own, {together} at once"), us(CALL) / us(BARE), CALL_LIMIT);
        }
        for how in ["columns", "single"] {
            let late = self.of(&format!("{how}, event loop delay p99, ms"));
            line(&format!("{how}, event loop delay p99, ms"), late, LAG_LIMIT_MS);
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verdict_is_of_medians() {
        let mut measured = Measured::default();
        for us in ["30", "9", "12"] {
            let lines = format!(
                "{BARE}, 1 at once, us\t10\n{CALL}, 1 at once, us\t{us}\nsingle, event loop delay p99, ms\t7\n"
            );
            measured.record(&lines).expect("lines");
        }
        assert!(measured.table().contains("| a call and back, 1 at once, us | 12 |"), "{}", measured.table());
        let verdict = measured.verdict();
        assert!(
            verdict.contains("met: a call and back, of the host's own, 1 at once: 1.20, promised 1.3"),
            "{verdict}"
        );
        assert!(verdict.contains("NOT MET: single, event loop delay p99, ms: 7.00"), "{verdict}");
        assert!(measured.record("no tab").is_err());
    }
}
