//! What a call costs Python and Node beside the host's own round trip to a thread; how many calls a second a thousand awaits on
//! one client make, beside a Rust program; and how late Node's event loop is while telemetry is published.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use super::{benchmark, folder, median};
use crate::paths;
use crate::shell::{Result, Run};

/// How often every program has its turn; an odd number.
const ROUNDS: usize = 3;
const SECONDS: &str = "3";
const LOOPS: [&str; 3] = ["idle", "columns", "single"];

const ECHO: &str = "a call that does not wait";
const BARE: &str = "a thread and back, bare";
const CALL: &str = "a call and back";
/// Of Python's, in microseconds.
const ECHO_LIMIT_US: f64 = 20.0;
/// Of the host's own round trip.
const CALL_LIMIT: f64 = 1.3;
const LAG_LIMIT_MS: f64 = 5.0;

/// A thousand at once: how long the carrier takes (ms), how many calls, and what part of the Rust program's is promised.
const WAITS: [(&str, &str, f64); 2] = [("200", "10000", 0.9), ("0", "10000", 0.7)];
const TOGETHER: &str = "1000";
const PER_SECOND: &str = "calls a second";

/// By name, in the order in which they came: the value of each round.
#[derive(Default)]
struct Measured {
    order: Vec<String>,
    values: BTreeMap<String, Vec<f64>>,
}

/// What is built before anything is measured.
struct Programs {
    python: PathBuf,
    site: PathBuf,
    node: PathBuf,
    sandbox: PathBuf,
}

pub(super) fn run() -> Result<()> {
    println!("building (release, with what only tests have) and installing the packages");
    let programs = Programs::prepare()?;
    let mut measured = Measured::default();
    for round in 1..=ROUNDS {
        println!("round {round} of {ROUNDS}");
        measured.record("Python", &programs.python("calls.py", &[SECONDS])?)?;
        measured.record("Node", &programs.node("loop.mjs", &["calls", SECONDS])?)?;
        for what in LOOPS {
            measured.record("Node", &programs.node("loop.mjs", &[what, SECONDS])?)?;
        }
        for (latency, calls, _) in WAITS {
            let arguments = [latency, TOGETHER, calls];
            let rust = benchmark("gladhand-interop", "waiting").arg("--").args(arguments);
            measured.record(&waits("Rust", latency), &rust.env("GLADHAND_SANDBOX", &programs.sandbox).output()?)?;
            measured.record(&waits("Python", latency), &programs.python("waiting.py", &arguments)?)?;
            measured.record(&waits("Node", latency), &programs.node("waiting.mjs", &arguments)?)?;
        }
    }
    print!("{}{}", measured.table(), measured.verdict());
    Ok(())
}

fn waits(language: &str, latency: &str) -> String {
    format!("{language}, {TOGETHER} awaits, carrier takes {latency} ms")
}

impl Programs {
    fn prepare() -> Result<Self> {
        let release = ["build", "--locked", "--quiet", "--release", "--package", "gladhand-sandbox"];
        Run::new("cargo").args(release).env("CARGO_TARGET_DIR", paths::target()).at(paths::root()).run()?;
        benchmark("gladhand-interop", "waiting").arg("--no-run").run()?;
        let python = crate::python::ensure_venv(&paths::cache())?;
        python.install(&python.build_wheel(true, true)?)?;
        let node = super::telemetry::node_with(true)?;
        for program in ["loop.mjs", "waiting.mjs"] {
            std::fs::copy(folder().join(program), node.join(program)).map_err(|e| format!("{program}: {e}"))?;
        }
        Ok(Self {
            python: python.interpreter().0,
            site: paths::target().join("python/site"),
            node,
            sandbox: paths::target().join("release/gladhand-sandbox"),
        })
    }

    fn python(&self, program: &str, arguments: &[&str]) -> Result<String> {
        let run = Run::new(&self.python).arg(folder().join(program)).args(arguments.iter().copied());
        run.env("PYTHONPATH", &self.site).env("GLADHAND_SANDBOX", &self.sandbox).output()
    }

    fn node(&self, program: &str, arguments: &[&str]) -> Result<String> {
        let run = Run::new("node").arg(program).args(arguments.iter().copied());
        run.env("GLADHAND_SANDBOX", &self.sandbox).at(&self.node).output()
    }
}

impl Measured {
    /// Takes in the lines of a program: a name, a tab, a number. What it is of stands before the name.
    fn record(&mut self, of: &str, lines: &str) -> Result<()> {
        for line in lines.lines() {
            let (name, value) = line.split_once('\t').ok_or_else(|| format!("no measurement: {line}"))?;
            let value = value.trim().parse().map_err(|_| format!("no number: {line}"))?;
            let name = format!("{of}: {name}");
            if !self.values.contains_key(&name) {
                self.order.push(name.clone());
            }
            self.values.entry(name).or_default().push(value);
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
        let mut line = |what: &str, value: f64, limit: f64, at_most: bool| {
            let met = if (value <= limit) == at_most { "met" } else { "NOT MET" };
            let bound = if at_most { "at most" } else { "at least" };
            let _ = writeln!(out, "{met}: {what}: {value:.2}, promised {bound} {limit}");
        };
        line(&format!("Python: {ECHO}, us"), self.of(&format!("Python: {ECHO}, us")), ECHO_LIMIT_US, true);
        for language in ["Python", "Node"] {
            for together in [1, 1000] {
                let us = |name: &str| self.of(&format!("{language}: {name}, {together} at once, us"));
                let what = format!("{language}: {CALL}, of the host's own, {together} at once");
                line(&what, us(CALL) / us(BARE), CALL_LIMIT, true);
            }
        }
        for how in ["columns", "single"] {
            let name = format!("Node: {how}, event loop delay p99, ms");
            line(&name, self.of(&name), LAG_LIMIT_MS, true);
        }
        for (latency, _, part) in WAITS {
            let rate = |language: &str| self.of(&format!("{}: {PER_SECOND}", waits(language, latency)));
            for language in ["Python", "Node"] {
                let what = format!("{}: of the Rust program's calls a second", waits(language, latency));
                line(&what, rate(language) / rate("Rust"), part, false);
            }
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
            measured.record("Node", &lines).expect("lines");
        }
        for (language, rate) in [("Rust", "1000"), ("Python", "950"), ("Node", "800")] {
            measured.record(&waits(language, "200"), &format!("{PER_SECOND}\t{rate}\n")).expect("a line");
        }
        assert!(measured.table().contains("| Node: a call and back, 1 at once, us | 12 |"), "{}", measured.table());
        let verdict = measured.verdict();
        let says = |line: &str| assert!(verdict.lines().any(|said| said == line), "{verdict}");
        says("met: Node: a call and back, of the host's own, 1 at once: 1.20, promised at most 1.3");
        says("NOT MET: Node: single, event loop delay p99, ms: 7.00, promised at most 5");
        says(
            "met: Python, 1000 awaits, carrier takes 200 ms: of the Rust program's calls a second: 0.95, promised at least 0.9",
        );
        says(
            "NOT MET: Node, 1000 awaits, carrier takes 200 ms: of the Rust program's calls a second: 0.80, promised at least 0.9",
        );
        assert!(measured.record("Node", "no tab").is_err());
    }
}
