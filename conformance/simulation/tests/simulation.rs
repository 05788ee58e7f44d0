//! Seeds. `GLADHAND_SEEDS`: how many (300 unless set); `GLADHAND_SEED`: the first, or, alone, the only one, whose trace is
//! printed.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex};

use gladhand_simulation::{Defect, Outcome, Setting, run};

static SETTING: LazyLock<Arc<Setting>> = LazyLock::new(|| {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    Arc::new(runtime.block_on(Setting::new()).expect("the setting"))
});

fn simulate(seed: u64, defect: Defect) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
    runtime.expect("a runtime").block_on(run(&SETTING, seed, defect)).expect("a run")
}

fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn both_sides_agree_whatever_the_network_does() {
    let (seeds, only) = (variable("GLADHAND_SEEDS"), variable("GLADHAND_SEED"));
    let first = only.unwrap_or(1);
    let count = seeds.unwrap_or(if only.is_some() { 1 } else { 300 });
    let began = std::time::Instant::now();
    let (next, failed) = (AtomicU64::new(first), Mutex::new(Vec::new()));
    // Each run has one thread; the runs share nothing that moves.
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + count {
                        return;
                    }
                    let outcome = simulate(seed, Defect::None);
                    if only.is_some() && seeds.is_none() {
                        println!("{}\n{outcome:?}", outcome.trace);
                    }
                    let Some(breach) = outcome.breach else { continue };
                    let mut failed = failed.lock().expect("no panic with the lock");
                    if failed.is_empty() && seeds.is_some() {
                        println!("{}", outcome.trace);
                    }
                    failed.push(format!("seed {seed}: {breach} (again with GLADHAND_SEED={seed})"));
                }
            });
        }
    });
    let failed = failed.into_inner().expect("no panic with the lock");
    println!("{count} seeds from {first} on, {} failed, {:?}", failed.len(), began.elapsed());
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn a_seed_is_one_run() {
    for seed in [3, 17, 64, 123] {
        let (one, two) = (simulate(seed, Defect::None), simulate(seed, Defect::None));
        if one.digest != two.digest {
            let differs = one.trace.lines().zip(two.trace.lines()).find(|(a, b)| a != b);
            panic!("seed {seed} is two runs, from here on: {differs:#?}");
        }
    }
}

/// The seed at which a defect is found first, of the first hundred, by a breach that says this.
fn found(defect: Defect, by: &str) -> String {
    let outcomes = (1..=100).map(|seed| simulate(seed, defect));
    let mut breaches = outcomes.filter_map(|outcome| Some(format!("seed {}: {}", outcome.seed, outcome.breach?)));
    breaches.find(|breach| breach.contains(by)).unwrap_or_else(|| panic!("nobody sees {defect:?}"))
}

#[test]
fn what_is_wrong_is_found() {
    for (defect, by) in [
        (Defect::FallsBackUnproven, "P1"),
        (Defect::RefusesAfterTheCommit, "P1"),
        (Defect::ForgetsTheJournal, ""),
        (Defect::LosesCommits, ""),
        (Defect::LosesWithdrawals, ""),
    ] {
        println!("{defect:?}: {}", found(defect, by));
    }
}
