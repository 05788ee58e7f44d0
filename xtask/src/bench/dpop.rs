//! What a proof costs, ours and others'. The table has the median of each and its ratio to a raw signature.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use super::{benchmark, folder, median, python};
use crate::paths;
use crate::shell::{Result, Run};

/// How often every program has its turn.
const ROUNDS: usize = 5;

/// What the ratios refer to.
const RAW: &str = "raw ES256 signature (aws-lc-rs)";

pub(super) fn run() -> Result<()> {
    let bench = || benchmark("gladhand-protocol", "dpop");
    println!("building (release) and installing the peers into the cache");
    bench().arg("--no-run").run()?;
    let (node, python) = (node()?, python()?);
    let mut measured: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    let mut order: Vec<String> = Vec::new();
    for round in 1..=ROUNDS {
        println!("round {round} of {ROUNDS}");
        let ours = bench().args(["--", "--lines"]).output()?;
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
    print!("{}", table(&order, &measured));
    Ok(())
}

/// The medians in Markdown.
fn table(order: &[String], measured: &BTreeMap<String, Vec<f64>>) -> String {
    let median = |name: &str| median(measured.get(name).map(Vec::as_slice).unwrap_or_default());
    let raw = median(RAW);
    let mut out = String::from("\n| what | median, us | of a raw ES256 signature |\n|---|---:|---:|\n");
    for name in order {
        let us = median(name);
        // Writing to a string cannot fail.
        let _ = writeln!(out, "| {name} | {us:.1} | {:.2}x |", us / raw);
    }
    out
}

/// A folder of the cache with the Node peers installed as its lock file says.
pub(super) fn node() -> Result<PathBuf> {
    let place = paths::cache().join("bench-node");
    std::fs::create_dir_all(&place).map_err(|e| format!("{}: {e}", place.display()))?;
    for file in ["package.json", "package-lock.json", "dpop.mjs"] {
        std::fs::copy(folder().join(file), place.join(file)).map_err(|e| format!("{file}: {e}"))?;
    }
    Run::new("npm").args(["ci", "--no-audit", "--no-fund", "--silent"]).at(&place).run()?;
    Ok(place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_medians_and_ratios() {
        let measured =
            BTreeMap::from([(RAW.to_owned(), vec![30.0, 10.0, 20.0]), ("ours".to_owned(), vec![22.0, 21.0, 99.0])]);
        let text = table(&[RAW.to_owned(), "ours".to_owned()], &measured);
        assert!(text.contains("| ours | 22.0 | 1.10x |"), "{text}");
    }
}
