//! A process of the TMS: the client on its journal, what dies with it and what comes back.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use gladhand::auth::Authorized;
use gladhand::clock::SharedClock;
use gladhand::identity::Generation;
use gladhand::observe::SecurityLog;
use gladhand::{Client, Result};
use gladhand_sandbox::webhook::message::{Tamper, message};
use tokio::time::sleep;

use crate::clock::ProcessClock;
use crate::network::Wire;
use crate::plan::Defect;
use crate::setting::{CARRIERS, Setting};
use crate::world::{World, lock};

/// A machine that runs one process of the TMS at a time.
pub(crate) struct Host {
    world: Arc<World>,
    setting: Arc<Setting>,
    name: &'static str,
    folder: PathBuf,
    lives: Mutex<u32>,
    running: Mutex<Option<(Client, Arc<AtomicBool>)>>,
}

impl Host {
    /// A machine with the journal in this folder.
    pub(crate) fn new(world: &Arc<World>, setting: &Arc<Setting>, name: &'static str, folder: &Path) -> Arc<Self> {
        Arc::new(Self {
            world: world.clone(),
            setting: setting.clone(),
            name,
            folder: folder.to_owned(),
            lives: Mutex::default(),
            running: Mutex::default(),
        })
    }

    /// The client, while its process lives.
    pub(crate) fn client(&self) -> Option<Client> {
        lock(&self.running).as_ref().map(|(client, _)| client.clone())
    }

    /// Begins a process. A journal that does not open is wrong.
    pub(crate) async fn start(self: &Arc<Self>) {
        let life = {
            let mut lives = lock(&self.lives);
            *lives += 1;
            *lives
        };
        self.world.note(&format!("{} starts, life {life}", self.name));
        let dead = Arc::new(AtomicBool::new(false));
        match self.connect(life, &dead).await {
            Ok(client) => {
                *lock(&self.running) = Some((client, dead));
            }
            Err(error) => self.world.wrong(&format!("{} does not start: {error}", self.name)),
        }
    }

    async fn connect(&self, life: u32, dead: &Arc<AtomicBool>) -> Result<Client> {
        let forgets = self.world.plan.defect == Defect::ForgetsTheJournal;
        let journal = if forgets { format!("journal-{life}.db") } else { "journal.db".to_owned() };
        let config = self.setting.config(&self.folder.join(journal))?;
        let clock: SharedClock = Arc::new(ProcessClock::new(self.world.time, self.world.fork()));
        let mut callers = Vec::new();
        for (lane, name) in CARRIERS.iter().enumerate() {
            let settings = config.carrier(name)?;
            let wire = Arc::new(Wire::new(self.world.clone(), lane, dead.clone()));
            let security = SecurityLog::new(clock.clone());
            let material = self.setting.material.clone();
            let generation = Generation::with_transport(1, material, settings, wire, &clock, &security)?;
            callers.push(Authorized::with_generation(settings, generation, clock.clone(), security)?);
        }
        Client::connect_repeatable(config, clock, callers).await
    }

    /// Ends the process, as a power cut does.
    pub(crate) fn kill(&self) {
        if let Some((client, dead)) = lock(&self.running).take() {
            dead.store(true, Ordering::SeqCst);
            client.kill();
            self.world.note(&format!("{} dies", self.name));
        }
    }

    /// Dies as often as the seed wants: at any step of whatever it does just then.
    pub(crate) async fn live_and_die(self: Arc<Self>, times: u64) {
        let mut rng = self.world.fork();
        for _ in 0..times {
            sleep(rng.between(500, self.world.plan.trouble.as_millis() as u64)).await;
            for _ in 0..rng.below(40) {
                tokio::task::yield_now().await;
            }
            if self.world.healed() {
                return;
            }
            self.kill();
            sleep(rng.between(100, 8_000)).await;
            self.start().await;
        }
    }
}

/// What the application got from its durable cursor, over all lives of the process.
#[derive(Debug, Default)]
pub(crate) struct Books {
    /// By tender, the last sequence that it got.
    last: BTreeMap<String, u64>,
    acknowledged: BTreeSet<(String, u64)>,
}

/// Reads events as the application does, and acknowledges most.
pub(crate) async fn read_events(host: Arc<Host>, books: Arc<Mutex<Books>>) {
    let world = host.world.clone();
    let mut rng = world.fork();
    loop {
        sleep(Duration::from_secs(1)).await;
        let Some(client) = host.client() else { continue };
        // Leased by the process that died, until its lease is over.
        let Ok(mut reader) = client.events("tms").await else { continue };
        drop(client);
        while let Ok(Some(delivery)) = reader.next().await {
            let id = delivery.event.text("/partitionkey").unwrap_or_default();
            let sequence =
                delivery.event.integer("/data/eventSequence").and_then(|n| u64::try_from(n).ok()).unwrap_or(0);
            {
                let mut books = lock(&books);
                let last = *books.last.get(&id).unwrap_or(&0);
                if books.acknowledged.contains(&(id.clone(), sequence)) {
                    world.wrong(&format!("event {sequence} of {id} came after it was acknowledged"));
                } else if sequence > last + 1 {
                    world.wrong(&format!("event {sequence} of {id} came after {last}"));
                }
                books.last.insert(id.clone(), sequence.max(last));
            }
            if (world.healed() || rng.chance(900)) && reader.ack(delivery.token).await.is_ok() {
                lock(&books).acknowledged.insert((id, sequence));
            }
        }
    }
}

/// Pushes a carrier's events, some lost, some twice, in any order.
pub(crate) async fn push_webhooks(world: Arc<World>, host: Arc<Host>, lane: usize) {
    let mut rng = world.fork();
    let mut changes = world.carrier(lane).changes();
    let mut place = 0;
    loop {
        let events: Vec<(String, bytes::Bytes)> = {
            let store = world.carrier(lane).store();
            let new = store.feed.all().get(place..).unwrap_or_default();
            let events = new.iter().filter_map(|c| store.find(&c.key)?.history.get(c.sequence));
            let events = events.map(|event| (event.id.clone(), event.bytes.clone())).collect();
            place = store.feed.len();
            events
        };
        world.look();
        for (id, body) in events {
            if rng.chance(world.plan.webhook_lost) {
                continue;
            }
            let copies = if rng.chance(world.plan.twice) { 2 } else { 1 };
            for _ in 0..copies {
                let most = if rng.chance(200) { 15_000 } else { 500 };
                let after = rng.between(1, most);
                tokio::spawn(push(world.clone(), host.clone(), lane, (id.clone(), body.clone()), after));
            }
        }
        if changes.changed().await.is_err() {
            return;
        }
    }
}

async fn push(world: Arc<World>, host: Arc<Host>, lane: usize, event: (String, bytes::Bytes), after: Duration) {
    sleep(after).await;
    if !world.reachable(lane) {
        return;
    }
    let Some(client) = host.client() else { return };
    let Some(message) = message(world.carrier(lane), &event.0, &event.1, Tamper::Not, 0) else { return };
    let headers: Vec<_> = message.headers.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    let outcome = match client.receive(&headers, &message.body).await {
        Ok(receipt) => receipt.text("/outcome").unwrap_or_default(),
        Err(error) => error.code().to_string(),
    };
    world.note(&format!("{} webhook: {outcome}", CARRIERS[lane]));
}
