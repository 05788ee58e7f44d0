//! What telemetry costs: bytes per record and records a second, ours and others', on the recorded minute and a synthetic hour.
//!
//! The Rust programs are in `bench/`, a workspace of its own, so that nothing that is shipped depends on a peer; those of Python
//! and Node are beside the others in `conformance/interop-bench`, and measure the installed packages.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::{folder, median, python};
use crate::paths;
use crate::shell::{Result, Run};

/// How often every program has its turn; an odd number.
const ROUNDS: usize = 3;

const TRACES: [&str; 2] = ["minute", "hour"];
const BATCHES: [&str; 3] = ["10", "100", "600"];
const FORMATS: [&str; 5] = ["Gladhand", "Arrow IPC", "JSON lines", "OTLP logs", "OTLP spans"];

const RUST: &str = "Gladhand, with zstd and CRC32C";
const RUST_PEER: &str = "OpenTelemetry SDK, spans";
const PYTHON_PEER: &str = "OpenTelemetry SDK (Python), spans";
const NODE_PEER: &str = "OpenTelemetry SDK (Node), spans";

/// What is measured in records a second: its name, and the peer that it is compared with.
const SPEEDS: [(&str, &str); 17] = [
    (RUST, RUST_PEER),
    ("Gladhand, bytes alone", RUST_PEER),
    (RUST_PEER, RUST_PEER),
    ("OTLP spans without an SDK", RUST_PEER),
    ("OTLP logs without an SDK", RUST_PEER),
    ("Arrow IPC", RUST_PEER),
    ("JSON lines", RUST_PEER),
    ("Gladhand (Python), columns", PYTHON_PEER),
    ("Gladhand (Python), publish()", PYTHON_PEER),
    ("Gladhand (Python), Record objects", PYTHON_PEER),
    (PYTHON_PEER, PYTHON_PEER),
    ("JSON (Python)", PYTHON_PEER),
    ("Gladhand (Node), typed arrays", NODE_PEER),
    ("Gladhand (Node), publish()", NODE_PEER),
    (NODE_PEER, NODE_PEER),
    ("JSON (Node)", NODE_PEER),
    ("collector, decoded and deduplicated", ""),
];

/// By trace and name: the value of each round.
type Measured = BTreeMap<(&'static str, String), Vec<f64>>;

struct Programs {
    rust: PathBuf,
    python: Packaged,
    node: PathBuf,
    sandbox: PathBuf,
}

/// The interpreter with the peers, and where our installed package is.
struct Packaged {
    interpreter: PathBuf,
    site: PathBuf,
}

pub(super) fn run() -> Result<()> {
    println!("building (release) and installing the packages and the peers");
    let programs = Programs::prepare()?;
    let mut measured = Measured::new();
    for trace in TRACES {
        record(&mut measured, trace, &programs.ours("sizes", &place(trace))?)?;
    }
    for round in 1..=ROUNDS {
        for trace in TRACES {
            println!("round {round} of {ROUNDS}, the {trace}");
            for lines in programs.round(&place(trace), round % 2 == 0)? {
                record(&mut measured, trace, &lines)?;
            }
        }
    }
    print!("{}{}{}", sizes(&measured), speeds(&measured), verdict(&measured));
    programs.once()
}

/// Where a trace is.
fn place(trace: &str) -> PathBuf {
    paths::target().join("bench").join(format!("{trace}.jsonl"))
}

impl Programs {
    fn prepare() -> Result<Self> {
        let target = paths::target().join("bench");
        let build = || Run::new("cargo").args(["build", "--locked", "--quiet"]).at(paths::root());
        build().args(["--release", "--manifest-path", "bench/Cargo.toml", "--target-dir"]).arg(&target).run()?;
        // It gives the gateways an identity, and is gone before anything is measured.
        build().args(["--package", "gladhand-sandbox"]).run()?;
        let rust = target.join("release/gladhand-bench");
        let minute = paths::root().join("conformance/vectors/telemetry/highway_minute.jsonl.gz");
        for (trace, arguments) in
            [("hour", vec!["hour".into()]), ("minute", vec!["minute".into(), minute.into_os_string()])]
        {
            let lines = Run::new(&rust).arg("trace").args(arguments).output()?;
            std::fs::write(place(trace), lines).map_err(|e| format!("{}: {e}", place(trace).display()))?;
        }
        let python = Packaged { interpreter: python()?, site: our_python()? };
        let sandbox = paths::target().join("debug/gladhand-sandbox");
        Ok(Self { rust, python, node: node()?, sandbox })
    }

    fn ours(&self, what: &str, trace: &Path) -> Result<String> {
        Run::new(&self.rust).arg(what).arg(trace).output()
    }

    /// What is measured once, and printed by the program itself: damage, latencies, uplink, memory.
    fn once(&self) -> Result<()> {
        let folder = paths::target().join("bench/work");
        let run = |what: &[&str], trace: Option<&str>, in_folder: bool| {
            println!("\n── {} ─", what.join(" "));
            let run = Run::new(&self.rust).args(what.iter().copied()).args(trace.map(place));
            run.args(in_folder.then(|| folder.clone())).run()
        };
        run(&["admission"], Some("hour"), true)?;
        run(&["backlog"], Some("hour"), true)?;
        run(&["uplink"], Some("minute"), true)?;
        run(&["collector"], Some("hour"), true)?;
        run(&["memory", "spool"], None, true)?;
        run(&["memory", "gateway"], Some("hour"), false)?;
        run(&["memory", "follower"], Some("hour"), false)?;
        run(&["damage"], None, true)?;
        std::fs::remove_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))
    }

    /// Every program once; whoever went first goes last in the next round.
    fn round(&self, trace: &Path, reversed: bool) -> Result<Vec<String>> {
        let python = |who: &str| {
            Run::new(&self.python.interpreter)
                .arg(folder().join("telemetry.py"))
                .arg(who)
                .arg(trace)
                .env("PYTHONPATH", &self.python.site)
                .env("GLADHAND_SANDBOX", &self.sandbox)
                .output()
        };
        let node = |who: &str| {
            Run::new("node")
                .arg("telemetry.mjs")
                .arg(who)
                .arg(trace)
                .at(&self.node)
                .env("GLADHAND_SANDBOX", &self.sandbox)
                .output()
        };
        let mut programs: Vec<Box<dyn Fn() -> Result<String> + '_>> = vec![
            Box::new(|| self.ours("encode", trace)),
            Box::new(|| self.ours("collect", trace)),
            Box::new(|| python("gladhand")),
            Box::new(|| python("opentelemetry")),
            Box::new(|| python("json")),
            Box::new(|| node("gladhand")),
            Box::new(|| node("opentelemetry")),
            Box::new(|| node("json")),
        ];
        if reversed {
            programs.reverse();
        }
        programs.iter().map(|program| program()).collect()
    }
}

/// Our wheel, built for release and installed; gives the folder.
fn our_python() -> Result<PathBuf> {
    let python = crate::python::ensure_venv(&paths::cache())?;
    python.install(&python.build_wheel(true, false)?)?;
    Ok(paths::target().join("python/site"))
}

fn node() -> Result<PathBuf> {
    let place = node_with(false)?;
    std::fs::copy(folder().join("telemetry.mjs"), place.join("telemetry.mjs"))
        .map_err(|e| format!("telemetry.mjs: {e}"))?;
    Ok(place)
}

/// A folder of the cache with the Node peers installed as its lock file says, and our package, built for release; `testing` adds
/// what only tests have.
pub(super) fn node_with(testing: bool) -> Result<PathBuf> {
    let place = super::dpop::node()?;
    crate::node::install()?;
    let link = place.join("node_modules/gladhand");
    let _ = std::fs::remove_file(&link);
    std::os::unix::fs::symlink(crate::node::build(true, testing)?, &link)
        .map_err(|e| format!("{}: {e}", link.display()))?;
    Ok(place)
}

/// Takes in the lines of a program: a name, a tab, a number.
fn record(measured: &mut Measured, trace: &'static str, lines: &str) -> Result<()> {
    for line in lines.lines() {
        let (name, value) = line.split_once('\t').ok_or_else(|| format!("no measurement: {line}"))?;
        let value = value.trim().parse().map_err(|_| format!("no number: {line}"))?;
        measured.entry((trace, name.to_owned())).or_default().push(value);
    }
    Ok(())
}

fn of(measured: &Measured, trace: &'static str, name: &str) -> f64 {
    median(measured.get(&(trace, name.to_owned())).map(Vec::as_slice).unwrap_or_default())
}

/// Bytes per record in Markdown.
fn sizes(measured: &Measured) -> String {
    let mut out = String::from(
        "\n| bytes per record: raw / zstd | minute, 1 s | minute, 10 s | minute, 60 s | hour, 1 s | hour, 10 s | hour, 60 s |\n\
         |---|---:|---:|---:|---:|---:|---:|\n",
    );
    // Writing to a string cannot fail.
    for format in FORMATS {
        let _ = write!(out, "| {format} |");
        for trace in TRACES {
            for batch in BATCHES {
                let of = |kind: &str| of(measured, trace, &format!("{format}, {batch}, {kind}"));
                let _ = write!(out, " {:.1} / {:.1} |", of("raw"), of("zstd"));
            }
        }
        out.push('\n');
    }
    let _ = write!(out, "| the frame around our payload |");
    for trace in TRACES {
        for batch in BATCHES {
            let _ = write!(out, " {:.1} |", of(measured, trace, &format!("frame around the payload, {batch}")));
        }
    }
    out.push('\n');
    out
}

/// Records a second in Markdown.
fn speeds(measured: &Measured) -> String {
    let mut out = String::from(
        "\n| thousand records a second, one thread | minute | hour | of the language's OpenTelemetry SDK (hour) |\n\
         |---|---:|---:|---:|\n",
    );
    for (name, peer) in SPEEDS {
        let of = |trace| of(measured, trace, name) / 1000.0;
        let ratio = self::of(measured, "hour", name) / self::of(measured, "hour", peer);
        let ratio = if peer.is_empty() { String::new() } else { format!(" {ratio:.1}x") };
        let _ = writeln!(out, "| {name} | {:.1} | {:.1} |{ratio} |", of("minute"), of("hour"));
    }
    out
}

/// What the numbers say beside what was promised.
fn verdict(measured: &Measured) -> String {
    let mut out = String::from("\n");
    let mut line = |what: &str, value: f64, limit: f64, below: bool| {
        let met = if below { value <= limit } else { value >= limit };
        let _ = writeln!(out, "{}: {what}: {value:.1}, promised {limit}", if met { "met" } else { "NOT MET" });
    };
    for trace in TRACES {
        let size = |format: &str, batch: &str| of(measured, trace, &format!("{format}, {batch}, zstd"));
        let speed = |name: &str| of(measured, trace, name);
        line(&format!("{trace}, bytes per record at 10 s"), size("Gladhand", "100"), 11.5, true);
        line(
            &format!("{trace}, OTLP logs to ours at 10 s"),
            size("OTLP logs", "100") / size("Gladhand", "100"),
            5.0,
            false,
        );
        line(&format!("{trace}, bytes per record at 1 s"), size("Gladhand", "10"), 20.0, true);
        line(
            &format!("{trace}, OTLP logs to ours at 1 s"),
            size("OTLP logs", "10") / size("Gladhand", "10"),
            6.5,
            false,
        );
        line(&format!("{trace}, Rust to its OpenTelemetry SDK"), speed(RUST) / speed(RUST_PEER), 20.0, false);
        for (name, limit) in [
            ("Gladhand (Python), columns", 2500.0),
            ("Gladhand (Python), publish()", 300.0),
            ("Gladhand (Python), Record objects", 150.0),
            ("Gladhand (Node), typed arrays", 2000.0),
            ("Gladhand (Node), publish()", 250.0),
            ("collector, decoded and deduplicated", 1500.0),
        ] {
            line(&format!("{trace}, {name}, thousand a second"), speed(name) / 1000.0, limit, false);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_have_medians_and_ratios() {
        let mut measured = Measured::new();
        for value in ["30000", "10000", "20000"] {
            record(&mut measured, "hour", &format!("{RUST}\t{value}\n{RUST_PEER}\t1000\n")).expect("lines");
        }
        record(&mut measured, "minute", "Gladhand, 10, zstd\t19.5\nOTLP logs, 10, zstd\t137\n").expect("lines");
        assert!(speeds(&measured).contains(&format!("| {RUST} | NaN | 20.0 | 20.0x |")), "{}", speeds(&measured));
        let verdict = verdict(&measured);
        assert!(verdict.contains("met: hour, Rust to its OpenTelemetry SDK: 20.0, promised 20"), "{verdict}");
        assert!(verdict.contains("met: minute, OTLP logs to ours at 1 s: 7.0, promised 6.5"), "{verdict}");
        assert!(verdict.contains("NOT MET: hour, bytes per record at 1 s"), "{verdict}");
        assert!(record(&mut measured, "hour", "no tab").is_err());
    }
}
