//! One run: trouble, then peace, then whether everything has come right.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use gladhand::{Client, Error};
use gladhand_documents::error::Code;
use gladhand_sandbox::faults::{Fault, How, When};
use tokio::time::sleep;

use crate::host::{Books, Host, push_webhooks, read_events};
use crate::plan::Defect;
use crate::setting::{CARRIERS, Setting};
use crate::world::World;
use crate::{brain, tms};

/// How long everything may take to come right once nothing fails any more. Late messages arrive for a minute and a half;
/// a carrier that was asked to wait is asked again within five minutes.
const PEACE: Duration = Duration::from_secs(1_200);
/// Between two looks at whether it has.
const LOOK: Duration = Duration::from_secs(10);

/// What became of a run.
pub struct Outcome {
    /// The seed.
    pub seed: u64,
    /// What was wrong, if anything was.
    pub breach: Option<String>,
    /// The digest of the trace.
    pub digest: String,
    /// What happened.
    pub trace: String,
    /// Virtual time that passed.
    pub passed: Duration,
}

impl fmt::Debug for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outcome")
            .field("seed", &self.seed)
            .field("breach", &self.breach)
            .field("digest", &self.digest)
            .field("passed", &self.passed)
            .finish_non_exhaustive()
    }
}

/// Runs a seed. Must be called on a runtime with one thread and paused time, which is dropped afterwards: what is still at
/// work then ends with it.
pub async fn run(setting: &Arc<Setting>, seed: u64, defect: Defect) -> Result<Outcome, Error> {
    let world = World::new(setting, seed, defect)?;
    let failed = |e: std::io::Error| Error::new(Code::JournalUnwritable, "no folder for the journal").caused_by(&e);
    let folder = setting.journal().map_err(failed)?;
    let first = Host::new(&world, setting, "tms-1", folder.path());
    let mut hosts = vec![first.clone()];
    let other = folder.path().join("other");
    if defect == Defect::FallsBackUnproven {
        std::fs::create_dir(&other).map_err(failed)?;
        hosts.push(Host::new(&world, setting, "tms-2", &other));
    } else if world.plan.second_process && defect == Defect::None {
        hosts.push(Host::new(&world, setting, "tms-2", folder.path()));
    }
    let books = Arc::new(Mutex::new(Books::default()));
    for lane in 0..CARRIERS.len() {
        brain::policy(&world, lane);
        tokio::spawn(brain::work(world.clone(), lane));
        tokio::spawn(push_webhooks(world.clone(), first.clone(), lane));
    }
    for host in &hosts {
        host.start().await;
        tokio::spawn(host.clone().live_and_die(world.plan.crashes));
    }
    tokio::spawn(read_events(first.clone(), books));
    let dispatchers =
        if defect == Defect::FallsBackUnproven { vec![first.clone(), hosts[1].clone()] } else { hosts.clone() };
    for number in 0..world.plan.loads {
        let hosts = if defect == Defect::FallsBackUnproven { hosts.clone() } else { dispatchers.clone() };
        tokio::spawn(tms::cover(world.clone(), hosts, format!("L-{number}")));
    }
    tokio::spawn(misfortune(world.clone()));
    sleep(world.plan.trouble).await;
    world.heal();
    for lane in 0..CARRIERS.len() {
        // No times: takes back what was to strike.
        world.carrier(lane).faults.add(Fault { times: 0, ..Fault::once("*", When::Before, How::Reset) });
        world.carrier(lane).store().lag = None;
    }
    if world.breach().is_none() {
        settle(&world, &first).await;
    }
    let (digest, trace) = world.trace();
    Ok(Outcome { seed, breach: world.breach(), digest, trace, passed: world.time.passed() })
}

/// Partitions, and carriers that restart: nobody reaches them meanwhile, and what was asked of them is not answered.
async fn misfortune(world: Arc<World>) {
    let mut rng = world.fork();
    let trouble = world.plan.trouble.as_millis() as u64;
    for number in 0..world.plan.partitions + world.plan.restarts {
        sleep(rng.between(0, trouble / 2)).await;
        let lane = rng.below(CARRIERS.len() as u64) as usize;
        let restarts = number >= world.plan.partitions;
        let lasts = if restarts { rng.between(500, 4_000) } else { rng.between(1_000, 30_000) };
        if world.healed() {
            return;
        }
        world.note(&format!("{} cannot be reached for {lasts:?}", CARRIERS[lane]));
        world.cut_off(lane, lasts);
    }
}

/// Waits until both sides agree.
async fn settle(world: &Arc<World>, host: &Arc<Host>) {
    let until = world.time.passed() + PEACE;
    // Died in the last moment of trouble: it comes back by itself.
    loop {
        sleep(LOOK).await;
        world.look();
        if world.breach().is_some() {
            return;
        }
        let open = match host.client() {
            Some(client) => differences(world, &client).await,
            None => Err("the process is not there".to_owned()),
        };
        let Err(why) = open else {
            world.note("both sides agree");
            return;
        };
        if world.time.passed() > until {
            world.wrong(&format!("it does not come right: {why}"));
            return;
        }
    }
}

/// What the two sides still see differently.
async fn differences(world: &World, client: &Client) -> Result<(), String> {
    let said = |error: Error| error.to_string();
    let unresolved = client.health().await.map_err(said)?.integer("/unresolved");
    if unresolved != Some(0) {
        return Err(format!("{unresolved:?} intents without outcome"));
    }
    let ours = client.tender_list(None).await.map_err(said)?;
    let mut known = 0;
    for tender in &ours {
        let text = |pointer: &str| tender.text(pointer).unwrap_or_default();
        let (id, state) = (text("/tenderId"), text("/state"));
        if matches!(state.as_str(), "offer" | "pending" | "countered") {
            return Err(format!("{id} is still {state}"));
        }
        let lane = CARRIERS.iter().position(|name| *name == text("/carrier")).ok_or("a carrier of no name")?;
        let store = world.carrier(lane).store();
        let Some(theirs) = store.tenders().find(|t| t.key.tender_id == id) else {
            // Nothing of it was ever executed: the journal proved that.
            if text("/receipt") == "unproven" && matches!(state.as_str(), "rejected" | "withdrawn") {
                continue;
            }
            return Err(format!("the carrier has no {id}, which is {state}"));
        };
        known += 1;
        let (sequence, digest) = (theirs.history.last_sequence(), theirs.history.digest());
        let same = theirs.state.as_str() == state
            && tender.integer("/lastSequence") == i64::try_from(sequence).ok()
            && text("/historyDigest") == digest
            && text("/sync") == "in_sync";
        if !same {
            return Err(format!(
                "{id}: {state} {:?} {} here, {} {sequence} there",
                tender.integer("/lastSequence"),
                text("/sync"),
                theirs.state.as_str()
            ));
        }
    }
    let theirs: usize = (0..CARRIERS.len()).map(|lane| world.carrier(lane).store().tenders().count()).sum();
    if theirs == known {
        Ok(())
    } else {
        Err(format!("the carriers have {theirs} tenders, the journal {known} of them"))
    }
}
