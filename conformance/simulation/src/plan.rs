//! What a seed has in store: how bad the network is, how often the process dies, how many loads there are.

use std::time::Duration;

use crate::rng::Rng;

/// Something that is wrong on purpose, so that the simulation can be seen to find it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Defect {
    /// Nothing.
    #[default]
    None,
    /// The TMS comes back from each crash with an empty journal.
    ForgetsTheJournal,
    /// A second dispatcher, without the journal, gives the load to the other carrier when the first does not answer.
    FallsBackUnproven,
    /// A carrier loses its last commits and goes on under the same log epoch.
    LosesCommits,
    /// A carrier confirms withdrawals that it does not store.
    LosesWithdrawals,
    /// A carrier says "ask again later" of what it has stored.
    RefusesAfterTheCommit,
}

/// The chances of one run, in 1000.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Something that is wrong on purpose.
    pub defect: Defect,
    /// Loads that the TMS has to cover.
    pub loads: u64,
    /// For how long everything may fail.
    pub trouble: Duration,
    /// A connection is refused.
    pub refused: u64,
    /// A request never arrives.
    pub lost_request: u64,
    /// The answer never arrives.
    pub lost_answer: u64,
    /// A request arrives when nobody waits for the answer any more.
    pub late: u64,
    /// A request arrives twice.
    pub twice: u64,
    /// A gateway answers in the carrier's place, before or after it.
    pub gateway: u64,
    /// The carrier answers with a fault of its own.
    pub fault: u64,
    /// The longest delay of a message that is not late, in milliseconds.
    pub delay_ms: u64,
    /// A webhook is lost.
    pub webhook_lost: u64,
    /// Partitions of one carrier.
    pub partitions: u64,
    /// Deaths of the TMS's process.
    pub crashes: u64,
    /// Deaths of a carrier's process.
    pub restarts: u64,
    /// Whether a second process of the TMS works on the same journal.
    pub second_process: bool,
    /// Whether the carriers lose their answers by key now and then.
    pub keys_lost: bool,
    /// How far reads lag behind at a carrier.
    pub lag: Option<Duration>,
}

impl Plan {
    /// What this seed has in store. A tenth of the seeds has a good network, so that what needs one comes about too.
    pub fn of(rng: &mut Rng, defect: Defect) -> Self {
        let scale = match rng.below(10) {
            0 => 0,
            1..=3 => 30,
            4..=7 => 80,
            _ => 160,
        };
        let mut upto = |most: u64| rng.below(most * scale / 100 + 1);
        let (refused, lost_request, lost_answer) = (upto(100), upto(100), upto(150));
        let (late, twice, gateway, fault) = (upto(60), upto(100), upto(60), upto(60));
        let webhook_lost = upto(400);
        let fault = if defect == Defect::RefusesAfterTheCommit { fault + 700 } else { fault };
        Self {
            defect,
            loads: 1 + rng.below(3),
            trouble: rng.between(20_000, 60_000),
            refused,
            lost_request,
            lost_answer,
            late,
            twice,
            gateway,
            fault,
            delay_ms: if rng.chance(200) { 3_000 } else { 300 },
            webhook_lost,
            partitions: rng.below(3),
            crashes: rng.below(4),
            restarts: rng.below(2),
            second_process: rng.chance(150),
            keys_lost: rng.chance(200),
            lag: rng.chance(100).then(|| rng.between(200, 3_000)),
        }
    }
}
