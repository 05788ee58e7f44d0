//! One case: something happens to the TMS, it is started again, it comes to rest, and is judged.

use std::time::Duration;

use serde_json::json;

use super::dice::Dice;
use super::parties::Parties;
use super::points::{Point, Setup};
use super::tms::{Process, Tms};
use super::{Range, folder_of, judge};
use crate::shell::Result;

/// The longest that a process lives before a random kill, in milliseconds: about as long as all its work takes.
const LIFE_MS: u64 = 900;

/// How the TMS dies.
#[derive(Clone, Debug)]
pub(super) enum Kill {
    /// One process, at this point.
    At(Point),
    /// Any process, at instants that the seed determines.
    Random { times: u64, seed: u64 },
}

/// What is to be played.
#[derive(Clone, Debug)]
pub(super) struct Case {
    pub(super) kill: Kill,
    pub(super) processes: usize,
    pub(super) profile: Option<String>,
}

impl Case {
    pub(super) fn at(point: &Point, processes: usize, profile: Option<&str>) -> Self {
        Self { kill: Kill::At(point.clone()), processes, profile: profile.map(str::to_owned) }
    }

    pub(super) fn random(times: u64, seed: u64, processes: usize, profile: Option<&str>) -> Self {
        Self { kill: Kill::Random { times, seed }, processes, profile: profile.map(str::to_owned) }
    }

    /// Whether it needs carriers of its own: those of a profile behave unlike others, and one that says that it restored is
    /// compared with, where the tenders of other cases would be strangers.
    pub(super) fn alone(&self) -> bool {
        let restores = matches!(&self.kill, Kill::At(point) if point.setup == Setup::Epoch);
        self.profile.is_some() || restores
    }

    /// Plays it, and gives how often something was killed.
    pub(super) fn play(&self, range: &Range, parties: &Parties, number: usize) -> Result<u64> {
        // A process may find that another one, or the feed, has just done what it was to die at: it is given a start, and tries anew.
        for start in [0, 100, 300, 1000, 3000] {
            let name = format!("n{number}-{start}");
            let tms = Tms::new(range, parties, folder_of(range, number).join(&name), &name, self.processes)?;
            match self.once(&tms, parties, Duration::from_millis(start))? {
                None => {}
                Some(kills) => {
                    // What went well leaves nothing.
                    let _ = std::fs::remove_dir_all(folder_of(range, number));
                    return Ok(kills);
                }
            }
        }
        Err("the point was not reached".to_owned())
    }

    /// `None`: the point was not reached.
    fn once(&self, tms: &Tms, parties: &Parties, start: Duration) -> Result<Option<u64>> {
        let mut before = 0;
        if let Some(profile) = &self.profile {
            if profile == "restored" {
                // There must be something to lose.
                before = prepare(tms, parties, Setup::Learned)?;
            }
            parties.profile(profile)?;
        }
        let kills = match &self.kill {
            Kill::At(point) => match die_at(tms, parties, point, start)? {
                Some(kills) => kills,
                None => return Ok(None),
            },
            Kill::Random { times, seed } => die_often(tms, *times, &mut Dice::new(*seed))?,
        };
        // Whatever the carriers' logs hold now, every consumer must have seen when all have come to rest once more.
        let ledgers = [parties.ledger(0)?, parties.ledger(1)?];
        if matches!(self.profile.as_deref(), Some("replica_lag" | "gateway_404")) {
            // What cannot be read yet is no loss: reads come right before all come to rest.
            parties.profile("none")?;
        }
        tms.rest()?;
        judge::judge(tms, parties, &ledgers, self.profile.as_deref())?;
        Ok(Some(before + kills))
    }
}

/// One process dies at the point while the others, which begin a little later, work on. `None`: it was not reached.
fn die_at(tms: &Tms, parties: &Parties, point: &Point, start: Duration) -> Result<Option<u64>> {
    let before = prepare(tms, parties, point.setup)?;
    let victim = tms.start(0, Some(&point.name), None)?;
    std::thread::sleep(start);
    let others = (1..tms.processes).map(|process| tms.start(process, None, None)).collect::<Result<Vec<_>>>()?;
    let reached = victim.killed()?;
    if reached {
        // It starts again beside the others.
        tms.start(0, None, None)?.done()?;
    }
    others.into_iter().try_for_each(Process::done)?;
    Ok(reached.then_some(before + 1))
}

/// Brings about what some points need.
pub(super) fn prepare(tms: &Tms, parties: &Parties, setup: Setup) -> Result<u64> {
    match setup {
        Setup::Plain => Ok(0),
        Setup::Recovery => {
            let died = tms.start(0, Some("after_send@tenders.create"), None)?.killed()?;
            if died { Ok(1) } else { Err("nothing was left to recover".to_owned()) }
        }
        Setup::Doubt => {
            let fault = json!({"operation": "tenders.create", "when": "after", "how": "503", "times": 1});
            parties.post(0, "/fail", &fault).map(|_| 0)
        }
        Setup::Learned => {
            let died = tms.start(0, Some("after_head@close_intent"), None)?.killed()?;
            if died { Ok(1) } else { Err("no epoch was learned".to_owned()) }
        }
        Setup::Epoch => {
            let kills = prepare(tms, parties, Setup::Learned)?;
            parties.post(0, "/epoch", &json!({}))?;
            Ok(kills)
        }
    }
}

/// Every process may die at any instant, again and again.
fn die_often(tms: &Tms, times: u64, dice: &mut Dice) -> Result<u64> {
    let mut running = (0..tms.processes).map(|process| tms.start(process, None, None)).collect::<Result<Vec<_>>>()?;
    let mut kills = 0;
    for _ in 0..times {
        std::thread::sleep(Duration::from_millis(dice.below(LIFE_MS)));
        let victim = dice.below(tms.processes as u64) as usize;
        if running[victim].runs() {
            running[victim].kill();
            kills += 1;
        }
        running[victim] = tms.start(victim, None, None)?;
    }
    running.into_iter().try_for_each(Process::done)?;
    Ok(kills)
}
