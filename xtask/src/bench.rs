//! `cargo xtask bench --suite dpop`: what a proof costs, ours and others', measured in one run. The programs alternate, so that
//! a machine that is busy is busy for all of them; the table has the median of each and its ratio to a raw signature.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use crate::paths;
use crate::shell::{Result, Run, find};

const USAGE: &str = "usage: cargo xtask bench --suite dpop";

/// How often every program has its turn.
const ROUNDS: usize = 5;

/// What the ratios refer to.
const RAW: &str = "raw ES256 signature (aws-lc-rs)";

/// Runs the suite that the arguments name.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    match arguments {
        [flag, suite] if flag == "--suite" && suite == "dpop" => dpop(),
        [] => dpop(),
        _ => Err(USAGE.to_owned()),
    }
}

fn folder() -> PathBuf {
    paths::root().join("conformance/interop-bench")
}

fn dpop() -> Result<()> {
    let bench = || Run::new("cargo").args(["bench", "--quiet", "--package", "gladhand-protocol", "--bench", "dpop"]);
    println!("building (release) and installing the peers into the cache");
    bench().arg("--no-run").at(paths::root()).run()?;
    let (node, python) = (node()?, python()?);
    let mut measured: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    let mut order: Vec<String> = Vec::new();
    for round in 1..=ROUNDS {
        println!("round {round} of {ROUNDS}");
        let ours = bench().args(["--", "--lines"]).at(paths::root()).output()?;
        let ours =
            ours.lines().filter_map(|line| line.split_once('\t')).map(|(name, us)| (name.to_owned(), us.to_owned()));
        let jose = Run::new("node").arg("dpop.mjs").at(&node).output()?;
        let oauth2client = Run::new(&python).arg(folder().join("dpop.py")).output()?;
        let peers = [("jose (Node) proof, ES256", jose), ("requests_oauth2client (Python) proof, ES256", oauth2client)];
        let peers = peers.map(|(name, us)| (name.to_owned(), us));
        for (name, us) in ours.chain(peers) {
            let us = us.trim().parse().map_err(|_| format!("{name} printed no number: {us}"))?;
            if !order.contains(&name) {
                order.push(name.clone());
            }
            measured.entry(name).or_default().push(us);
        }
    }
    print!("{}", table(&order, &mut measured));
    Ok(())
}

/// The medians in Markdown.
fn table(order: &[String], measured: &mut BTreeMap<String, Vec<f64>>) -> String {
    let mut median = |name: &str| {
        let values = measured.get_mut(name).map(Vec::as_mut_slice).unwrap_or_default();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
    };
    let raw = median(RAW);
    let mut out = String::from("\n| what | median, us | of a raw ES256 signature |\n|---|---:|---:|\n");
    for name in order {
        let us = median(name);
        // Writing to a string cannot fail.
        let _ = writeln!(out, "| {name} | {us:.1} | {:.2}x |", us / raw);
    }
    out
}

/// A folder of the cache with the Node peer installed as its lock file says.
fn node() -> Result<PathBuf> {
    let place = paths::cache().join("bench-node");
    std::fs::create_dir_all(&place).map_err(|e| format!("{}: {e}", place.display()))?;
    for file in ["package.json", "package-lock.json", "dpop.mjs"] {
        std::fs::copy(folder().join(file), place.join(file)).map_err(|e| format!("{file}: {e}"))?;
    }
    Run::new("npm").args(["ci", "--no-audit", "--no-fund", "--silent"]).at(&place).run()?;
    Ok(place)
}

/// The interpreter of a virtual environment of the cache with the pinned Python peer.
fn python() -> Result<PathBuf> {
    let place = paths::cache().join("bench-python");
    let interpreter = place.join("bin/python");
    let requirements = folder().join("requirements.txt");
    if !interpreter.exists() {
        let host = find("python3").ok_or("Python 3.10 or newer is not on the PATH")?;
        Run::new(host).args(["-m", "venv"]).arg(&place).run()?;
    }
    Run::new(&interpreter)
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"])
        .arg(requirements)
        .run()?;
    Ok(interpreter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_medians_and_ratios() {
        let mut measured =
            BTreeMap::from([(RAW.to_owned(), vec![30.0, 10.0, 20.0]), ("ours".to_owned(), vec![22.0, 21.0, 99.0])]);
        let text = table(&[RAW.to_owned(), "ours".to_owned()], &mut measured);
        assert!(text.contains("| ours | 22.0 | 1.10x |"), "{text}");
    }
}
