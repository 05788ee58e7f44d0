//! What a tender costs, durable, one at a time and many: the client of this repository, reqwest without a journal, and what a
//! Python program would do with httpx, sqlite3 and a library for the proofs. All against one carrier, with the same mTLS, the
//! same kind of token and a proof for each call.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{benchmark, folder, median, python};
use crate::demo::carrier::Carrier;
use crate::paths;
use crate::shell::{Result, Run};

/// How often every program has its turn; an odd number.
const ROUNDS: usize = 5;

/// How many at a time, and how many are measured.
const LOADS: [(usize, usize); 3] = [(1, 100), (16, 320), (256, 768)];

const OURS: &str = "Gladhand (Rust)";
const FOLLOWED: &str = "Gladhand, its events consumed";
const BARE: &str = "reqwest, no journal";
const PYTHON: &str = "httpx, sqlite3, jwskate (Python)";
const DISK: &str = "one fdatasync";

/// What is in a line of a program, and how the table says it.
const COLUMNS: [(&str, &str); 6] = [
    ("perSecond", "tenders/s"),
    ("p50", "p50, ms"),
    ("p90", "p90, ms"),
    ("p99", "p99, ms"),
    ("clientUs", "client CPU, us"),
    ("serverUs", "server CPU, us"),
];

/// By how many at a time, program and column: the value of each round.
type Measured = BTreeMap<(usize, &'static str, &'static str), Vec<f64>>;

struct Programs {
    python: PathBuf,
    /// The carrier's program.
    carrier: PathBuf,
    /// Of this run; removed at its end.
    place: PathBuf,
}

pub(super) fn run() -> Result<()> {
    println!("building (release) and installing the peers into the cache");
    let package = "gladhand-sandbox";
    Run::new("cargo")
        .args(["build", "--locked", "--quiet", "--release", "--package", package])
        .at(paths::root())
        .run()?;
    benchmark("gladhand-interop", "tender").arg("--no-run").run()?;
    let place = paths::target().join("bench-tender");
    let _ = std::fs::remove_dir_all(&place);
    let carrier = paths::target().join("release").join(package);
    let programs = Programs { python: python()?, carrier, place };
    let mut measured = Measured::new();
    for round in 0..ROUNDS {
        println!("round {} of {ROUNDS}", round + 1);
        for (concurrent, calls) in LOADS {
            let mut order = [DISK, BARE, OURS, FOLLOWED, PYTHON];
            if round % 2 == 1 {
                order.reverse();
            }
            for program in order {
                let line = programs.measure(program, round, concurrent, calls)?;
                for (column, _) in COLUMNS {
                    if let Some(value) = line[column].as_f64() {
                        measured.entry((concurrent, program, column)).or_default().push(value);
                    }
                }
            }
        }
    }
    print!("{}{}", table(&measured), verdict(&measured));
    let place = programs.place.clone();
    drop(programs);
    std::fs::remove_dir_all(&place).map_err(|e| format!("{}: {e}", place.display()))
}

impl Programs {
    /// Each has a carrier of its own: one that has many tenders is slower, and would be slowest for whoever goes last.
    fn measure(&self, program: &'static str, round: usize, concurrent: usize, calls: usize) -> Result<Value> {
        let prefix = |name: &str| format!("{name}-{round}-{concurrent}");
        let carrier = Carrier::start(&self.carrier, &self.place.join(prefix(program)).join("carrier"))?;
        let rust = |client: &str, calls: usize| {
            self.line(
                &carrier,
                benchmark("gladhand-interop", "tender").arg("--"),
                client,
                concurrent,
                calls,
                &prefix(client),
            )
        };
        rust("offer", 0)?;
        match program {
            OURS => rust("ours", calls),
            FOLLOWED => rust("followed", calls),
            BARE => rust("bare", calls),
            DISK => rust("disk", calls),
            _ => {
                let program = Run::new(&self.python).arg(folder().join("tender.py"));
                self.line(&carrier, program, "python", concurrent, calls, &prefix("py"))
            }
        }
    }

    /// Runs a program with a folder of its own and reads the line that it prints.
    fn line(
        &self,
        carrier: &Carrier,
        program: Run,
        client: &str,
        concurrent: usize,
        calls: usize,
        prefix: &str,
    ) -> Result<Value> {
        let journal = self.place.join(prefix);
        std::fs::create_dir_all(&journal).map_err(|e| format!("{}: {e}", journal.display()))?;
        let shown = |path: &Path| path.display().to_string();
        let Carrier { url, control, folder, .. } = carrier;
        let arguments = [
            ("client", client.to_owned()),
            ("folder", shown(folder)),
            ("base", url.clone()),
            ("control", control.clone()),
            ("load", shown(&self.place.join("load.json"))),
            ("prefix", prefix.to_owned()),
            ("concurrent", concurrent.to_string()),
            ("calls", calls.to_string()),
            ("server", carrier.process().to_string()),
            ("journal", shown(&journal)),
        ];
        let text = program.args(arguments.map(|(key, value)| format!("{key}={value}"))).output()?;
        serde_json::from_str(&text).map_err(|e| format!("{client} printed no line: {e}: {text}"))
    }
}

fn of(measured: &Measured, concurrent: usize, program: &'static str, column: &'static str) -> f64 {
    median(measured.get(&(concurrent, program, column)).map(Vec::as_slice).unwrap_or_default())
}

/// The medians in Markdown.
fn table(measured: &Measured) -> String {
    let mut out = String::from("\n| at a time | what |");
    for (_, title) in COLUMNS {
        // Writing to a string cannot fail.
        let _ = write!(out, " {title} |");
    }
    let _ = writeln!(out, "\n|---:|---|{}", "---:|".repeat(COLUMNS.len()));
    for (concurrent, _) in LOADS {
        for program in [OURS, FOLLOWED, BARE, PYTHON, DISK] {
            let _ = write!(out, "| {concurrent} | {program} |");
            for (column, _) in COLUMNS {
                let value = of(measured, concurrent, program, column);
                let _ = match column {
                    _ if value.is_nan() => write!(out, " |"),
                    "p50" | "p90" | "p99" => write!(out, " {:.2} |", value / 1000.0),
                    _ => write!(out, " {value:.0} |"),
                };
            }
            out.push('\n');
        }
    }
    out
}

/// What the numbers say: how much longer than without a journal, in waits for the disk; how much of the Python program's
/// processor time; and whose processor time is the limit.
fn verdict(measured: &Measured) -> String {
    let mut out = String::new();
    for (concurrent, _) in LOADS {
        let of = |program, column| of(measured, concurrent, program, column);
        let (ours, bare, disk) = (of(OURS, "p50"), of(BARE, "p50"), of(DISK, "p50"));
        let _ = writeln!(
            out,
            "{concurrent} at a time: latency {:.2}x of reqwest's, {:.2}x of 1.3 times reqwest's and one fdatasync; client CPU 1/{:.1} of Python's, a bare call and one fdatasync alone 1/{:.1}; the server has {:.0} % of all CPU",
            ours / bare,
            ours / (1.3 * bare + disk),
            of(PYTHON, "clientUs") / of(OURS, "clientUs"),
            of(PYTHON, "clientUs") / (of(BARE, "clientUs") + of(DISK, "clientUs")),
            100.0 * of(OURS, "serverUs") / (of(OURS, "serverUs") + of(OURS, "clientUs")),
        );
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verdict_compares_medians_with_what_was_promised() {
        let mut measured = Measured::new();
        for (program, p50, cpu) in [(OURS, 3300.0, 100.0), (BARE, 1000.0, 50.0), (PYTHON, 9000.0, 900.0)] {
            measured.insert((1, program, "p50"), vec![p50]);
            measured.insert((1, program, "clientUs"), vec![cpu]);
        }
        measured.insert((1, OURS, "serverUs"), vec![300.0]);
        measured.insert((1, DISK, "p50"), vec![9000.0, 2000.0, 1000.0]);
        measured.insert((1, DISK, "clientUs"), vec![150.0]);
        let text = verdict(&measured);
        let first = text.lines().next().unwrap_or_default();
        assert_eq!(
            first,
            "1 at a time: latency 3.30x of reqwest's, 1.00x of 1.3 times reqwest's and one fdatasync; client CPU 1/9.0 of Python's, a bare call and one fdatasync alone 1/4.5; the server has 75 % of all CPU"
        );
        assert!(table(&measured).contains(&format!("| 1 | {DISK} | | 2.00 | | | 150 |")), "{}", table(&measured));
    }
}
