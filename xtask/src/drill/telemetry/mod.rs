//! `cargo xtask drill telemetry`: a vehicle gateway and a collector, each a process of its own with a network between them, and
//! everything that can go wrong with the three. Both are killed at random instants, the network is slow, silent, shut and cut,
//! the spool's files are damaged while its gateway is down, its disk is full, the collector loses its state, is slow, refuses.
//! At each checkpoint everything heals, the gateway closes, and the oracle counts.
//!
//! * `proxy`: the network. * `collector`, `gateway`: the processes. * `trouble`: what happens to them.
//! * `oracle`, `ranges`: what must hold.

mod collector;
mod gateway;
mod oracle;
mod proxy;
mod ranges;
mod trouble;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::dice::Dice;
use crate::languages::cargo_binary;
use crate::paths;
use crate::shell::{Result, Run, find};
use collector::Collector;
use gateway::Plan;
use oracle::{Oracle, Verdict};
use proxy::Proxy;
use trouble::Stage;

const USAGE: &str = "usage: cargo xtask drill telemetry [--seconds N] [--seed S] [--rate RECORDS_A_SECOND]";
/// What the spool may hold: little, so that a partition of seconds makes it drop.
const SPOOL_BYTES: u64 = 2 << 20;
/// The disk of the second stage, which is full before the spool's budget is.
const DISK: &str = "1400k";

/// Runs the verb.
pub(super) fn run(arguments: &[String]) -> Result<()> {
    let (mut seconds, mut seed, mut rate) = (60, 1, 500);
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let value = rest.next().ok_or_else(|| format!("{argument} wants a value\n{USAGE}"))?;
        let number: u64 = value.parse().map_err(|_| format!("{value} is no number"))?;
        match argument.as_str() {
            "--seconds" => seconds = number,
            "--seed" => seed = number,
            "--rate" => rate = number,
            _ => return Err(USAGE.to_owned()),
        }
    }
    println!("building the carrier and the gateway");
    let programs = [cargo_binary("gladhand-sandbox")?, gateway_program()?];
    let folder = paths::target().join("drill-telemetry");
    let _ = std::fs::remove_dir_all(&folder);
    let mut verdict = Verdict::default();
    println!("seed {seed}");
    let mut dice = Dice::new(seed);
    let small = SmallDisk::mount(&folder.join("small-disk"));
    let half = Duration::from_millis(if small.is_some() { seconds * 500 } else { seconds * 1000 });
    stage("a disk with room", &programs, &folder.join("room"), None, half, rate, &mut dice, &mut verdict)?;
    match &small {
        Some(disk) => {
            let spool = Some(disk.0.join("spool"));
            stage("a full disk", &programs, &folder.join("full"), spool, half, rate, &mut dice, &mut verdict)?;
        }
        None => println!("no right to mount a small disk: a full one is played by the spool's budget alone"),
    }
    drop(small);
    println!("drill: {} checks, {} failed", verdict.checks, verdict.wrong.len());
    if verdict.wrong.is_empty() {
        // What went well leaves nothing.
        let _ = std::fs::remove_dir_all(&folder);
        return Ok(());
    }
    Err(format!("the files are in {}", folder.display()))
}

fn gateway_program() -> Result<PathBuf> {
    Run::new("cargo")
        .args(["build", "--locked", "--quiet", "--package", "gladhand-vehicle-gateway"])
        .at(paths::root())
        .run()?;
    Ok(paths::target().join("debug/vehicle-gateway"))
}

/// One gateway and one collector for some time.
#[allow(clippy::too_many_arguments, reason = "called twice, with one thing different")]
fn stage(
    name: &str,
    [sandbox, program]: &[PathBuf; 2],
    folder: &Path,
    spool: Option<PathBuf>,
    time: Duration,
    rate: u64,
    dice: &mut Dice,
    verdict: &mut Verdict,
) -> Result<()> {
    println!("\n── {name} ─");
    let collector = Collector::start(sandbox, folder)?;
    let proxy = Proxy::start(collector.port)?;
    let plan = Plan {
        program: program.clone(),
        config: collector.gateway_config(proxy.port, SPOOL_BYTES)?,
        state: spool.unwrap_or_else(|| folder.join("spool")),
        log: folder.join("gateway-log"),
        recording: Arc::new(recording()?),
        rate,
    };
    let mut stage = Stage::new(collector, proxy, plan);
    let mut oracle = Oracle::default();
    let end = Instant::now() + time;
    let mut round = 0;
    while Instant::now() < end {
        round += 1;
        let before = verdict.wrong.len();
        let checks = verdict.checks;
        for _ in 0..3 + dice.below(4) {
            if let Err(why) = stage.trouble(dice) {
                verdict.check(false, || why);
            }
        }
        let closed = stage.rest();
        oracle.forgot |= stage.forgot;
        match closed {
            Ok(status) => {
                verdict.check(true, String::new);
                oracle.read(&stage.collector.delivered()?)?;
                let judged = oracle.judge(&status);
                verdict.checks += judged.checks;
                verdict.wrong.extend(judged.wrong);
            }
            Err(why) => verdict.check(false, || why),
        }
        println!("{round}: {} checks; {}", verdict.checks - checks, stage.took());
        for wrong in &verdict.wrong[before..] {
            println!("FAILED {round}: {wrong}");
        }
        if dice.below(2) == 0 {
            stage.damage(dice)?;
        }
    }
    println!("{}; {}", oracle.summary(), stage.summary());
    Ok(())
}

/// The recorded minute, unpacked.
fn recording() -> Result<Vec<String>> {
    let path = paths::root().join("conformance/vectors/telemetry/highway_minute.jsonl.gz");
    let gzip = find("gzip").ok_or("gzip is not on the PATH")?;
    Ok(Run::new(gzip).args(["-dc"]).arg(path).output()?.lines().map(str::to_owned).collect())
}

/// A file system of its own that is soon full; gone at the end.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(at: &Path) -> Option<Self> {
        std::fs::create_dir_all(at).ok()?;
        let mut command = std::process::Command::new("mount");
        command.args(["-t", "tmpfs", "-o", &format!("size={DISK}"), "gladhand-drill"]).arg(at);
        let mounted = command.stderr(std::process::Stdio::null()).status().is_ok_and(|status| status.success());
        mounted.then(|| Self(at.to_owned()))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg(&self.0).status();
    }
}
