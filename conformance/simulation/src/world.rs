//! The stage of one run: time, chance, the carriers, what was seen, and the first thing that was wrong.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use gladhand_sandbox::carrier::Carrier;
use gladhand_sandbox::clock::Clock;
use gladhand_sandbox::inside::Inside;
use gladhand_sandbox::peer::Peer;
use tokio::time::Instant;

use crate::check::Watchman;
use crate::clock::Time;
use crate::plan::{Defect, Plan};
use crate::rng::Rng;
use crate::setting::{CARRIERS, Setting};
use crate::trace::Trace;

/// The stage of one run.
pub(crate) struct World {
    /// The time of all parties.
    pub time: Time,
    /// What the seed has in store.
    pub plan: Plan,
    /// The carriers, in the order of [`CARRIERS`].
    pub carriers: Vec<Inside>,
    /// The certificate of the TMS.
    pub peer: Peer,
    rng: Mutex<Rng>,
    trace: Mutex<Trace>,
    healed: AtomicBool,
    /// Until when each carrier cannot be reached.
    cut_off: Mutex<[Option<Instant>; CARRIERS.len()]>,
    watchman: Mutex<Watchman>,
    breach: Mutex<Option<String>>,
}

impl World {
    /// A world at its beginning. Needs the runtime of the run.
    pub(crate) fn new(setting: &Setting, seed: u64, defect: Defect) -> Result<Arc<Self>, gladhand::Error> {
        let mut rng = Rng::new(seed);
        let plan = Plan::of(&mut rng, defect);
        let time = Time::begin(setting.wall);
        let carriers = setting.blueprints.iter().map(|blueprint| blueprint.carrier(Clock::on(move || time.now())));
        let world = Self {
            time,
            carriers: carriers.collect::<Result<_, _>>()?,
            // The folder that the configuration of the TMS names.
            peer: setting.blueprints[0].peer().clone(),
            rng: Mutex::new(rng),
            trace: Mutex::default(),
            healed: AtomicBool::new(false),
            cut_off: Mutex::default(),
            watchman: Mutex::default(),
            breach: Mutex::default(),
            plan,
        };
        world.note(&format!("seed {seed}: {:?}", world.plan));
        Ok(Arc::new(world))
    }

    /// One of the carriers.
    pub(crate) fn carrier(&self, lane: usize) -> &Carrier {
        &self.carriers[lane].carrier
    }

    /// Takes a chance.
    pub(crate) fn rng(&self) -> MutexGuard<'_, Rng> {
        lock(&self.rng)
    }

    /// Chance of one party's own.
    pub(crate) fn fork(&self) -> Rng {
        self.rng().fork()
    }

    /// Adds a line to the trace.
    pub(crate) fn note(&self, line: &str) {
        lock(&self.trace).note(self.time.passed(), line);
    }

    /// The trace so far: its digest, and all of it.
    pub(crate) fn trace(&self) -> (String, String) {
        let trace = lock(&self.trace);
        (trace.digest(), trace.text())
    }

    /// Whether nothing fails any more.
    pub(crate) fn healed(&self) -> bool {
        self.healed.load(Ordering::SeqCst)
    }

    /// From now on nothing fails.
    pub(crate) fn heal(&self) {
        self.healed.store(true, Ordering::SeqCst);
        *lock(&self.cut_off) = Default::default();
        self.note("healed");
    }

    /// Cuts a carrier off.
    pub(crate) fn cut_off(&self, lane: usize, until: Duration) {
        if !self.healed() {
            lock(&self.cut_off)[lane] = Some(Instant::now() + until);
        }
    }

    /// Whether a carrier can be reached.
    pub(crate) fn reachable(&self, lane: usize) -> bool {
        lock(&self.cut_off)[lane].is_none_or(|until| Instant::now() >= until)
    }

    /// Looks at the carriers: to be called after whatever may have changed one.
    pub(crate) fn look(&self) {
        let found = lock(&self.watchman).look(self);
        if let Err(what) = found {
            self.wrong(&what);
        }
    }

    /// Something that must not be. The first is kept.
    pub(crate) fn wrong(&self, what: &str) {
        let mut breach = lock(&self.breach);
        if breach.is_none() {
            self.note(&format!("WRONG {what}"));
            *breach = Some(what.to_owned());
        }
    }

    /// The first thing that was wrong.
    pub(crate) fn breach(&self) -> Option<String> {
        lock(&self.breach).clone()
    }
}

/// No panic leaves these half-changed: each step is one assignment.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
