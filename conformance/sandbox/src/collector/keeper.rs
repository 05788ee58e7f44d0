//! The thread that writes down what was booked, syncs it, and only then hands it to followers.
//!
//! While it syncs, more is booked; all of that shares the next sync, so acknowledgements come in batches under load and
//! nobody waits for company. Bounded: a stream is not read further while much of it waits ([`super::session`]).

use std::fmt::Write as _;
use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Weak};

use gladhand_documents::telemetry::frame::Epoch;
use gladhand_documents::telemetry::wire::Durability;
use gladhand_documents::telemetry::{Context, Lane, Record, batch};
use tokio::sync::watch;

use super::entry::{Entry, LaneKey};
use super::hub::Update;
use super::lane::Gap;
use super::ledger::Untold;
use super::store::{Store, Told};
use super::{MAX_FRAME_PAYLOAD, Shared, payload};

/// The most entries of one sync.
const BATCH: usize = 1024;

/// What the keeper is asked to do.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "nearly all of it is entries")]
pub(super) enum Work {
    /// Write this down, then deliver.
    Entry { entry: Entry, news: Option<News> },
    /// Lose what is not on the disk (`memory`), or what is (`store`), or both.
    Lose { memory: bool, store: bool, done: Sender<()> },
}

/// What is made known once it is settled.
#[derive(Debug)]
pub(super) enum News {
    /// Records for followers.
    Records(Delivery),
    /// A loss, for who keeps the books.
    Gap(LaneKey, Gap),
}

/// Records for followers.
#[derive(Debug)]
pub(super) struct Delivery {
    pub(super) producer: String,
    pub(super) epoch: Epoch,
    pub(super) lane: Lane,
    pub(super) first: u64,
    pub(super) records: Vec<Record>,
    /// Sequences through here may have been delivered before.
    pub(super) flagged_through: u64,
    pub(super) received_unix_nanos: u64,
}

/// How far the keeper is: everything through `ticket` of this `life` is settled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Settled {
    pub(super) life: u64,
    pub(super) ticket: u64,
    /// Nothing can be written down: no stream is taken.
    pub(super) broken: bool,
}

/// The keeper's ends that everyone may hold.
#[derive(Debug)]
pub(super) struct Keeper {
    pub(super) settled: watch::Receiver<Settled>,
    pub(super) durability: Durability,
}

/// The keeper's own ends.
#[derive(Debug)]
pub(super) struct Bench {
    queue: Receiver<Work>,
    settled: watch::Sender<Settled>,
    store: Option<Store>,
    told: Told,
    delivered: Option<File>,
}

/// Opens the files; nothing is written yet.
pub(super) fn prepare(
    folder: Option<&Path>,
    delivered: Option<File>,
) -> std::io::Result<(Keeper, Bench, Sender<Work>)> {
    let (store, told) = match folder {
        Some(folder) => Store::open(folder).map(|(store, told)| (Some(store), told))?,
        None => (None, Told::default()),
    };
    let (queue, work) = channel();
    let (settled, watched) = watch::channel(Settled::default());
    let durability = if store.is_some() { Durability::Fsync } else { Durability::Memory };
    let keeper = Keeper { settled: watched, durability };
    Ok((keeper, Bench { queue: work, settled, store, told, delivered }, queue))
}

/// What shares a sync, and what is to be lost after it.
#[derive(Debug, Default)]
struct Batch {
    entries: Vec<Entry>,
    news: Vec<News>,
    lose: Option<(bool, bool, Sender<()>)>,
}

impl Batch {
    fn add(&mut self, work: Work) {
        match work {
            Work::Entry { entry, news } => {
                self.entries.push(entry);
                self.news.extend(news);
            }
            Work::Lose { memory, store, done } => self.lose = Some((memory, store, done)),
        }
    }
}

impl Bench {
    /// Works until nobody can queue anything any more. Before it returns from the first step, what the files told is known.
    pub(super) fn run(mut self, shared: &Weak<Shared>, ready: &Sender<std::io::Result<()>>) {
        if let Some(shared) = shared.upgrade() {
            let told = std::mem::take(&mut self.told);
            let begun = self.begin(&shared, told);
            if ready.send(begun).is_err() {
                return;
            }
        }
        while let Ok(work) = self.queue.recv() {
            let Some(shared) = shared.upgrade() else { return };
            self.step(&shared, work);
        }
    }

    fn step(&mut self, shared: &Arc<Shared>, work: Work) {
        let mut batch = Batch::default();
        batch.add(work);
        self.gather(&mut batch, BATCH);
        let mut lose = batch.lose.take();
        let mut outcome = self.settle(shared, batch);
        if outcome.is_ok() && lose.is_none() && self.store.as_ref().is_some_and(Store::is_long) {
            let mut rest = Batch::default();
            let image = {
                let state = shared.ledger.state();
                // The image has what is booked, so all of that is written down and delivered before it.
                self.gather(&mut rest, usize::MAX);
                state.image()
            };
            lose = rest.lose.take();
            outcome = self.settle(shared, rest);
            if let (Some(store), Ok(()), None) = (&mut self.store, &outcome, &lose) {
                outcome = store.begin(image);
            }
        }
        if let Err(error) = outcome {
            tracing::error!(%error, "the collector cannot write; every stream ends");
            self.lose(shared, true, false);
        }
        if let Some((memory, store, done)) = lose {
            self.lose(shared, memory, store);
            let _ = done.send(());
        }
    }

    /// Takes what is queued, up to what ends a batch.
    fn gather(&self, batch: &mut Batch, limit: usize) {
        while batch.lose.is_none() && batch.entries.len() < limit {
            match self.queue.try_recv() {
                Ok(work) => batch.add(work),
                Err(_) => return,
            }
        }
    }

    fn settle(&mut self, shared: &Arc<Shared>, batch: Batch) -> std::io::Result<()> {
        if batch.entries.is_empty() {
            return Ok(());
        }
        if let Some(store) = &mut self.store {
            store.append(&batch.entries)?;
        }
        self.tell(shared, batch.news)?;
        if let Some(store) = &mut self.store {
            store.delivered()?;
        }
        self.settled.send_modify(|settled| settled.ticket += batch.entries.len() as u64);
        Ok(())
    }

    fn tell(&mut self, shared: &Shared, news: Vec<News>) -> std::io::Result<()> {
        let mut lines = self.delivered.as_ref().map(|_| String::new());
        for news in news {
            match news {
                News::Records(delivery) => deliver(shared, delivery, &mut lines),
                News::Gap(key, Gap { first, last, reason }) => {
                    if let (Some(lines), Ok(lane)) = (&mut lines, Lane::try_from(key.lane)) {
                        let (epoch, lane, reason) = (hex::encode(key.epoch), lane.as_str_name(), reason.as_str_name());
                        let _ = writeln!(lines, "gap {} {epoch} {lane} {first} {last} {reason}", key.producer);
                    }
                }
            }
        }
        match (&mut self.delivered, lines) {
            (Some(file), Some(lines)) => file.write_all(lines.as_bytes()),
            _ => Ok(()),
        }
    }

    /// Everything that is queued is gone, every stream ends; what the files tell is known.
    fn lose(&mut self, shared: &Arc<Shared>, memory: bool, store: bool) {
        let again = (|| {
            let Some(files) = &mut self.store else { return Ok(Told::default()) };
            if store {
                files.wipe()?;
            }
            if memory { files.reread() } else { Ok(Told::default()) }
        })();
        let begun = match again {
            Ok(_) if !memory => Ok(()),
            Ok(told) => self.begin(shared, told),
            Err(error) => Err(error),
        };
        if let Err(error) = begun {
            tracing::error!(%error, "the collector's files cannot be used");
            let (life, _) = shared.ledger.state().begin(Vec::new(), false);
            self.settled.send_replace(Settled { life, ticket: 0, broken: true });
        }
    }

    fn begin(&mut self, shared: &Arc<Shared>, told: Told) -> std::io::Result<()> {
        let (life, untold, image) = {
            let mut state = shared.ledger.state();
            // Whatever was queued belongs to the life before: it was neither acknowledged nor delivered.
            while let Ok(work) = self.queue.try_recv() {
                if let Work::Lose { done, .. } = work {
                    let _ = done.send(());
                }
            }
            let (life, untold) = state.begin(told.entries, told.damaged);
            (life, untold, state.image())
        };
        self.tell(shared, untold.into_iter().filter_map(again).collect())?;
        if let Some(store) = &mut self.store {
            store.begin(image)?;
        }
        self.settled.send_replace(Settled { life, ticket: 0, broken: false });
        Ok(())
    }
}

/// Hands records to followers, and a line for each to `lines`.
fn deliver(shared: &Shared, delivery: Delivery, lines: &mut Option<String>) {
    let epoch = hex::encode(delivery.epoch);
    let source: Arc<str> = format!("{}/{epoch}", delivery.producer).into();
    let lane = delivery.lane.as_str_name();
    for (sequence, record) in (delivery.first..).zip(delivery.records) {
        let possible_duplicate = sequence <= delivery.flagged_through;
        if let Some(lines) = lines {
            let (producer, event, flag) = (&delivery.producer, record.event_sequence, u8::from(possible_duplicate));
            let _ = writeln!(lines, "record {producer} {epoch} {lane} {sequence} {event} {flag}");
        }
        let update = Update {
            record: Arc::new(record),
            received_unix_nanos: delivery.received_unix_nanos,
            possible_duplicate,
            source: source.clone(),
            skipped: 0,
            number: 0,
        };
        shared.hub.deliver(update, &*shared.access);
    }
}

/// What the files tell, for who may have heard it.
fn again(untold: Untold) -> Option<News> {
    let arrived = match untold {
        Untold::Frame(arrived) => arrived,
        Untold::Gap(key, gap) => return Some(News::Gap(key, gap)),
    };
    let epoch = Epoch::try_from(arrived.key.epoch.as_slice()).ok()?;
    let frame = &arrived.frame;
    let bytes = payload::open(&frame.payload, frame.codec(), MAX_FRAME_PAYLOAD).ok()?;
    let contexts: Vec<(u32, Arc<Context>)> = arrived
        .contexts
        .into_iter()
        .filter_map(|context| Some((context.context_id, Arc::new(Context::from_wire(context).ok()?))))
        .collect();
    let find = |id| contexts.iter().find(|(known, _)| *known == id).map(|(_, context)| context.clone());
    Some(News::Records(Delivery {
        producer: arrived.key.producer,
        epoch,
        lane: frame.lane(),
        first: frame.first_sequence,
        records: batch::from_bytes(&bytes, find).ok()?,
        flagged_through: u64::MAX,
        received_unix_nanos: arrived.received_unix_nanos,
    }))
}
