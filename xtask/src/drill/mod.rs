//! `cargo xtask drill crash`: a TMS (`drill_tms`) is killed by SIGKILL at every point around every write of its journal and
//! every exchange with a carrier, and apart from that at random instants, alone and beside other processes of the same TMS on
//! one journal, against two carriers (`gladhand-sandbox`) and under their profiles of faults. After each case it is started
//! again and must come to rest; then both carriers' logs, the journal and what the application saw are judged.
//!
//! * `parties`: the carriers. * `tms`: the processes. * `case`: one case. * `points`: where to kill. * `judge`: what must hold.
//! * `dice`: numbers from a seed. * `telemetry`: another drill, of a gateway and a collector.

mod case;
mod dice;
mod judge;
mod parties;
mod points;
mod telemetry;
mod tms;

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use crate::languages::cargo_binary;
use crate::paths;
use crate::shell::{Result, Run};
use crate::tally::{self, Tally};
use case::{Case, Kill};
use dice::Dice;
use parties::Parties;
use points::Point;

const USAGE: &str =
    "usage: cargo xtask drill crash [--short] [--random N] [--processes 1,2,4] [--profiles NAME,…|all|none]
                        [--points all|none|TEXT] [--seed S] [--jobs N]
       cargo xtask drill telemetry [--seconds N] [--seed S] [--rate RECORDS_A_SECOND]";

/// The faults of real carriers that the sandbox plays (issue: profiles).
const PROFILES: &[&str] = &[
    "replica_lag",
    "async_ingest",
    "gateway_503_after_commit",
    "gateway_404",
    "lost_key_store",
    "restored",
    "clock_+6min",
    "clock_-6min",
    "late_create_after_withdraw",
];
/// Kills of one random case.
const KILLS: u64 = 10;
/// Cases that one pair of carriers plays; their feeds grow.
const PER_PAIR: usize = 20;

/// What is drilled.
#[derive(Clone, Debug)]
struct Plan {
    short: bool,
    random: u64,
    processes: Vec<usize>,
    profiles: Vec<String>,
    points: String,
    seed: u64,
    jobs: usize,
}

/// The programs and the folder of a drill.
#[derive(Debug)]
pub(super) struct Range {
    pub(super) sandbox: PathBuf,
    pub(super) tms: PathBuf,
    pub(super) folder: PathBuf,
}

/// Runs the verb.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let (name, rest) = arguments.split_first().ok_or(USAGE)?;
    match name.as_str() {
        "crash" => {}
        "telemetry" => return telemetry::run(rest),
        _ => return Err(USAGE.to_owned()),
    }
    let plan = Plan::parse(rest)?;
    println!("building the carrier and the TMS");
    let range =
        Range { sandbox: cargo_binary("gladhand-sandbox")?, tms: program()?, folder: paths::target().join("drill") };
    if range.folder.exists() {
        std::fs::remove_dir_all(&range.folder).map_err(|e| format!("{}: {e}", range.folder.display()))?;
    }
    let start = Instant::now();
    let (cases, mut tally) = plan.cases(&range)?;
    println!("seed {}, {} cases", plan.seed, cases.len());
    let kills = AtomicU64::new(0);
    tally.add(play(&range, &plan, &cases, &kills));
    println!("{} kills in {} s", kills.load(Ordering::Relaxed), start.elapsed().as_secs());
    tally::close(tally)
}

/// The TMS of the drill: built as the tests build it, so that nothing is compiled twice.
fn program() -> Result<PathBuf> {
    Run::new("cargo")
        .args([
            "build",
            "--locked",
            "--quiet",
            "--workspace",
            "--exclude",
            "gladhand-python",
            "--exclude",
            "gladhand-node",
        ])
        .args(["--features", "gladhand/failpoints", "--example", "drill_tms"])
        .at(paths::root())
        .run()?;
    Ok(paths::target().join("debug/examples/drill_tms"))
}

impl Plan {
    fn parse(arguments: &[String]) -> Result<Self> {
        let all = || PROFILES.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let mut plan = Self {
            short: false,
            random: 500,
            processes: vec![1, 2, 4],
            profiles: all(),
            points: "all".to_owned(),
            seed: 1,
            jobs: 3,
        };
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            let mut value = || rest.next().ok_or_else(|| format!("{argument} wants a value"));
            let number = |text: &String| text.parse().map_err(|_| format!("{text} is no number"));
            match argument.as_str() {
                "--short" => {
                    plan = Self { short: true, random: KILLS, profiles: Vec::new(), ..plan };
                }
                "--random" => plan.random = number(value()?)?,
                "--seed" => plan.seed = number(value()?)?,
                "--jobs" => plan.jobs = number(value()?)? as usize,
                "--points" => plan.points.clone_from(value()?),
                "--processes" => {
                    plan.processes = value()?
                        .split(',')
                        .map(|n| n.parse().ok().filter(|n| (1..=8).contains(n)).ok_or(format!("{n} is not 1 to 8")))
                        .collect::<Result<_>>()?;
                }
                "--profiles" => {
                    plan.profiles = match value()?.as_str() {
                        "all" => all(),
                        "none" => Vec::new(),
                        names => names.split(',').map(str::to_owned).collect(),
                    };
                }
                other => return Err(format!("drill does not know {other}\n{USAGE}")),
            }
        }
        Ok(plan)
    }

    /// Every case, and how the enumeration of points itself went: a point that nothing reaches is a failure.
    fn cases(&self, range: &Range) -> Result<(Vec<Case>, Tally)> {
        let mut dice = Dice::new(self.seed);
        let (mut cases, mut tally) = (Vec::new(), Tally::default());
        if self.points != "none" {
            let (points, missing) = points::discover(range)?;
            println!("{} points, {} that no setup reaches", points.len(), missing.len());
            for point in &missing {
                println!("NOT REACHED {point}");
                tally.failed += 1;
            }
            tally.passed += u64::from(missing.is_empty());
            if self.short {
                // Each with one number of processes, in turn.
                let numbers = self.processes.iter().cycle();
                cases.extend(self.chosen(&points).zip(numbers).map(|(point, number)| Case::at(point, *number, None)));
            } else {
                for number in &self.processes {
                    cases.extend(self.chosen(&points).map(|point| Case::at(point, *number, None)));
                }
            }
        }
        for processes in &self.processes {
            for profile in &self.profiles {
                let critical =
                    ["after_send@tenders.create", "before_outcome@tenders.create", "after_commit@open_tender"];
                cases.extend(critical.map(|name| Case::at(&Point::plain(name), *processes, Some(profile))));
                cases.push(Case::random(KILLS, dice.next(), *processes, Some(profile)));
            }
            for _ in 0..self.random.div_ceil(KILLS) {
                cases.push(Case::random(KILLS, dice.next(), *processes, None));
            }
        }
        Ok((cases, tally))
    }

    /// The points that are drilled.
    fn chosen<'a>(&'a self, points: &'a [Point]) -> impl Iterator<Item = &'a Point> {
        const SHORT: &[&str] = &[
            "before_commit@open_tender",
            "after_commit@open_tender",
            "after_head@open_tender",
            "after_commit@close_intent",
            "after_commit@accept",
            "after_commit@acknowledge",
            "before_send@tenders.create",
            "mid_body@tenders.create",
            "after_send@tenders.create",
            "before_outcome@tenders.create",
        ];
        points.iter().filter(move |point| match self.points.as_str() {
            "all" if self.short => SHORT.contains(&point.name.as_str()),
            "all" => true,
            text => point.name.contains(text),
        })
    }
}

/// Plays the cases on several pairs of carriers at once.
fn play(range: &Range, plan: &Plan, cases: &[Case], kills: &AtomicU64) -> Tally {
    let (tally, next) = (Mutex::new(Tally::default()), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for job in 0..plan.jobs.max(1) {
            let (tally, next) = (&tally, &next);
            scope.spawn(move || {
                let mut pair: Option<(Parties, usize)> = None;
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed) as usize;
                    let Some(case) = cases.get(number) else { return };
                    // Carriers are shared until their feeds are long.
                    let fresh = case.alone() || pair.as_ref().is_none_or(|(_, played)| *played >= PER_PAIR);
                    let started = if fresh {
                        Parties::start(range, &format!("pair-{job}-{number}")).map(|p| (p, 0))
                    } else {
                        pair.take().ok_or_else(String::new)
                    };
                    let outcome = started.and_then(|(parties, played)| {
                        let outcome = case.play(range, &parties, number);
                        if !case.alone() && outcome.is_ok() {
                            pair = Some((parties, played + 1));
                        }
                        outcome
                    });
                    let mut tally = tally.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                    match outcome {
                        Ok(killed) => {
                            kills.fetch_add(killed, Ordering::Relaxed);
                            tally.passed += 1;
                            println!("ok {number} {case}");
                        }
                        Err(why) => {
                            tally.failed += 1;
                            println!("FAILED {number} {case}: {why}");
                        }
                    }
                }
            });
        }
    });
    tally.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Where a case keeps its files.
fn folder_of(range: &Range, number: usize) -> PathBuf {
    range.folder.join(format!("case-{number}"))
}

/// Writes a file of a case.
fn put(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text).map_err(|e| format!("{}: {e}", path.display()))
}

// The kinds of kill, for the lines of the report.
impl std::fmt::Display for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.kill {
            Kill::At(point) => write!(f, "{}", point.name)?,
            Kill::Random { times, seed } => write!(f, "{times} random instants, seed {seed}")?,
        }
        write!(f, ", {} process(es)", self.processes)?;
        self.profile.as_ref().map_or(Ok(()), |profile| write!(f, ", {profile}"))
    }
}
