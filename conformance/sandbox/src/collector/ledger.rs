//! Who may write to which lane, and in which order everything is written down.
//!
//! What is booked here is queued for the keeper in the same step, so that the files tell what happened in the order in
//! which it happened. Nothing is acknowledged before the keeper has settled it.

use std::collections::HashMap;
use std::sync::mpsc::Sender;
use std::sync::{Mutex, MutexGuard, PoisonError};

use gladhand_documents::telemetry::frame::{Epoch, checksum};
use gladhand_documents::telemetry::wire::{GapNotice, GoAwayReason, LaneState, ResumeState};
use gladhand_documents::telemetry::{Lane, Record};
use tokio_util::sync::CancellationToken;

use super::entry::{Arrived, Declared, Entry, Image, Known, LaneKey, Opened as OpenedEntry, What};
use super::keeper::{Delivery, News, Work};
use super::lane::{Gap, LaneLedger, Outcome};

/// Epochs remembered per producer.
const EPOCHS: usize = 16;

/// What arrived in one lane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaneReport {
    /// The producer.
    pub producer: String,
    /// Its epoch.
    pub epoch: Epoch,
    /// The lane.
    pub lane: Lane,
    /// Everything up to here arrived or was declared lost.
    pub through_sequence: u64,
    /// Records that arrived.
    pub records: u64,
    /// Records that were declared lost.
    pub declared_lost: u64,
    /// Records that arrived again and were not delivered again.
    pub duplicates: u64,
    /// Records that were delivered with `possible_duplicate`.
    pub flagged: u64,
    /// First and last sequence of what arrived; the newest 4096 ranges.
    pub arrived: Vec<(u64, u64)>,
    /// What was declared lost; the newest 4096.
    pub gaps: Vec<Gap>,
}

/// The right of one stream to write to its lanes, until a newer Hello takes it away.
#[derive(Clone, Debug)]
pub(super) struct Grant {
    pub(super) producer: String,
    pub(super) epoch: Epoch,
    /// Which life of the ledger gave it; another one forgot it.
    pub(super) life: u64,
    stream: u64,
    /// Cancelled when the right is lost.
    pub(super) lost: CancellationToken,
}

/// What Hello is answered, once `ticket` is settled.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) grant: Grant,
    pub(super) state: ResumeState,
    /// Watermark per lane of the Hello.
    pub(super) through: Vec<(Lane, u64)>,
    pub(super) ticket: u64,
}

/// What a frame or a gap turned out to be.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is booked, now or before: acknowledge `through` once `ticket` is settled.
    Booked { ticket: u64, through: u64 },
    /// Sequences before it are missing.
    OutOfOrder,
    /// These sequences arrived with other content.
    Reused,
    /// The stream lost its right.
    Lost(GoAwayReason),
}

/// What the files have and may not have been made known.
#[derive(Debug)]
pub(super) enum Untold {
    Frame(Arrived),
    Gap(LaneKey, Gap),
}

#[derive(Debug)]
pub(super) struct Ledger(Mutex<State>);

#[derive(Debug)]
pub(super) struct State {
    queue: Sender<Work>,
    life: u64,
    /// How much was queued in this life.
    tickets: u64,
    streams: u64,
    producers: HashMap<String, Producer>,
}

#[derive(Debug, Default)]
struct Producer {
    /// Newest last.
    epochs: Vec<(Epoch, HashMap<Lane, LaneLedger>)>,
    /// Which stream writes to a lane.
    owners: HashMap<Lane, (u64, CancellationToken)>,
}

impl Ledger {
    pub(super) fn new(queue: Sender<Work>) -> Self {
        Self(Mutex::new(State { queue, life: 0, tickets: 0, streams: 0, producers: HashMap::new() }))
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens a stream: the newest Hello of a producer takes its lanes from older streams.
    pub(super) fn open(&self, producer: &str, epoch: Epoch, lanes: &[(Lane, LaneState)]) -> Opened {
        let mut state = self.state();
        state.streams += 1;
        let (stream, life) = (state.streams, state.life);
        let lost = CancellationToken::new();
        let entry = state.producers.entry(producer.to_owned()).or_default();
        for (lane, _) in lanes {
            if let Some((_, older)) = entry.owners.insert(*lane, (stream, lost.clone())) {
                older.cancel();
            }
        }
        let (known, ledgers) = entry.epoch(epoch);
        let mut resume = if known { ResumeState::Resumed } else { ResumeState::UnknownEpoch };
        let (mut through, mut entries) = (Vec::new(), Vec::new());
        for (lane, hello) in lanes {
            let unheard = !ledgers.contains_key(lane);
            let ledger = ledgers.entry(*lane).or_default();
            let before = (ledger.through, ledger.possible_duplicate_through);
            if ledger.open(hello, unheard) {
                resume = ResumeState::StateLost;
            }
            let (ledger_through, possible_duplicate_through) = (ledger.through, ledger.possible_duplicate_through);
            if unheard || before != (ledger_through, possible_duplicate_through) {
                let key = key(producer, &epoch, *lane);
                entries.push(What::Opened(OpenedEntry { key, through: ledger_through, possible_duplicate_through }));
            }
            through.push((*lane, ledger_through));
        }
        for what in entries {
            state.queue(what, None);
        }
        let grant = Grant { producer: producer.to_owned(), epoch, life, stream, lost };
        Opened { grant, state: resume, through, ticket: state.tickets }
    }

    /// Judges a frame and, if it is new, books it and hands it on.
    pub(super) fn frame(&self, grant: &Grant, arrived: Arrived, records: Vec<Record>) -> Verdict {
        let frame = &arrived.frame;
        let (lane, first) = (frame.lane(), frame.first_sequence);
        let known = Known { first, count: frame.count, checksum: frame.checksum_crc32c };
        let received_unix_nanos = arrived.received_unix_nanos;
        self.with(grant, lane, |ledger| {
            let flagged_through = ledger.possible_duplicate_through;
            let delivery = Delivery {
                producer: grant.producer.clone(),
                epoch: grant.epoch,
                lane,
                first,
                records,
                flagged_through,
                received_unix_nanos,
            };
            (ledger.frame(known), What::Frame(arrived), News::Records(delivery))
        })
    }

    /// Whether a frame would be new, without booking it.
    pub(super) fn expects(&self, grant: &Grant, lane: Lane, first: u64) -> bool {
        self.state().lane(grant, lane).is_some_and(|ledger| first == ledger.through + 1)
    }

    /// Whether a frame that comes once more is the one that came.
    pub(super) fn agrees(&self, grant: &Grant, lane: Lane, known: Known) -> bool {
        self.state().lane(grant, lane).is_some_and(|ledger| ledger.agrees(known))
    }

    /// The newest epoch of a producer, and how far one of its lanes is.
    pub(super) fn newest(&self, producer: &str, lane: Lane) -> Option<(Epoch, u64)> {
        let state = self.state();
        let (epoch, lanes) = state.producers.get(producer)?.epochs.last()?;
        Some((*epoch, lanes.get(&lane)?.through))
    }

    /// Books a declared loss.
    pub(super) fn gap(&self, grant: &Grant, gap: GapNotice) -> Verdict {
        let lane = gap.lane();
        self.with(grant, lane, |ledger| {
            let key = key(&grant.producer, &grant.epoch, lane);
            let news = News::Gap(key.clone(), ledger.lost_by(&gap));
            let outcome = ledger.gap(gap.first_sequence, gap.last_sequence, gap.reason());
            (outcome, What::Gap(Declared { key, gap }), news)
        })
    }

    /// The watermark of a lane.
    pub(super) fn through(&self, grant: &Grant, lane: Lane) -> u64 {
        self.state().lane(grant, lane).map_or(0, |ledger| ledger.through)
    }

    /// Whether the payload was made for another epoch or lane that is known: someone recorded it there.
    pub(super) fn made_elsewhere(&self, lane: Lane, first: u64, count: u32, sum: u32, payload: &[u8]) -> bool {
        let epochs: Vec<Epoch> = {
            let state = self.state();
            state.producers.values().flat_map(|producer| producer.epochs.iter().map(|(epoch, _)| *epoch)).collect()
        };
        let lanes = [Lane::Safety, Lane::Operational, Lane::Routine, Lane::Diagnostic];
        let others = lanes.into_iter().filter(|other| *other != lane).chain([lane]);
        others.into_iter().any(|lane| epochs.iter().any(|epoch| checksum(epoch, lane, first, count, payload) == sum))
    }

    pub(super) fn report(&self) -> Vec<LaneReport> {
        let state = self.state();
        let mut reports = Vec::new();
        for (producer, epoch, lane, ledger) in state.lanes() {
            reports.push(LaneReport {
                producer: producer.to_owned(),
                epoch: *epoch,
                lane,
                through_sequence: ledger.through,
                records: ledger.records,
                declared_lost: ledger.declared_lost,
                duplicates: ledger.duplicates,
                flagged: ledger.flagged,
                arrived: ledger.arrived.iter().copied().collect(),
                gaps: ledger.gaps.iter().copied().collect(),
            });
        }
        reports.sort_by(|a, b| (&a.producer, a.epoch, a.lane as i32).cmp(&(&b.producer, b.epoch, b.lane as i32)));
        reports
    }

    fn with(&self, grant: &Grant, lane: Lane, step: impl FnOnce(&mut LaneLedger) -> (Outcome, What, News)) -> Verdict {
        let mut state = self.state();
        let Some(ledger) = state.lane(grant, lane) else { return Verdict::Lost(state.reason(grant)) };
        let (outcome, what, news) = step(ledger);
        let through = ledger.through;
        match outcome {
            Outcome::New => state.queue(what, Some(news)),
            // What came before may still be on its way to the disk.
            Outcome::Duplicate => {}
            Outcome::OutOfOrder => return Verdict::OutOfOrder,
            Outcome::Reused => return Verdict::Reused,
        }
        Verdict::Booked { ticket: state.tickets, through }
    }

    /// Why a stream lost its right.
    pub(super) fn reason(&self, grant: &Grant) -> GoAwayReason {
        self.state().reason(grant)
    }
}

impl State {
    fn reason(&self, grant: &Grant) -> GoAwayReason {
        if self.life == grant.life { GoAwayReason::Superseded } else { GoAwayReason::Shutdown }
    }

    fn queue(&mut self, what: What, news: Option<News>) {
        self.tickets += 1;
        // The keeper ends after everyone who could queue something.
        let _ = self.queue.send(Work::Entry { entry: what.into(), news });
    }

    pub(super) fn send(&self, work: Work) {
        let _ = self.queue.send(work);
    }

    /// The lane's ledger, if the stream still has the right to write to it.
    fn lane(&mut self, grant: &Grant, lane: Lane) -> Option<&mut LaneLedger> {
        let producer = self.producers.get_mut(&grant.producer)?;
        let (owner, _) = producer.owners.get(&lane)?;
        if *owner != grant.stream {
            return None;
        }
        producer.epochs.iter_mut().find(|(epoch, _)| *epoch == grant.epoch)?.1.get_mut(&lane)
    }

    /// Another life begins: every stream ends, and what is known is what the files tell. Gives the number of the life, and
    /// what may not have been made known.
    pub(super) fn begin(&mut self, entries: Vec<Entry>, damaged: bool) -> (u64, Vec<Untold>) {
        self.life += 1;
        self.tickets = 0;
        for (_, producer) in self.producers.drain() {
            producer.owners.into_values().for_each(|(_, stream)| stream.cancel());
        }
        let mut untold = Vec::new();
        for entry in entries {
            match entry.what {
                Some(What::Image(image)) => self.restore(image),
                Some(What::Opened(opened)) => {
                    if let Some(ledger) = self.known(&opened.key) {
                        ledger.through = opened.through;
                        ledger.possible_duplicate_through = opened.possible_duplicate_through;
                    }
                }
                // What does not fit was preceded by something that is gone: Hello will tell.
                Some(What::Frame(arrived)) => {
                    let frame = &arrived.frame;
                    let known =
                        Known { first: frame.first_sequence, count: frame.count, checksum: frame.checksum_crc32c };
                    if self.known(&arrived.key).is_some_and(|ledger| ledger.frame(known) == Outcome::New) {
                        untold.push(Untold::Frame(arrived));
                    }
                }
                Some(What::Gap(Declared { key, gap })) => {
                    if let Some(ledger) = self.known(&key) {
                        let lost = ledger.lost_by(&gap);
                        if ledger.gap(gap.first_sequence, gap.last_sequence, gap.reason()) == Outcome::New {
                            untold.push(Untold::Gap(key, lost));
                        }
                    }
                }
                Some(What::Delivered(_)) => untold.clear(),
                None => {}
            }
        }
        if damaged {
            let lanes = self.producers.values_mut().flat_map(|p| p.epochs.iter_mut());
            lanes.flat_map(|(_, ledgers)| ledgers.values_mut()).for_each(|ledger| ledger.doubtful = true);
        }
        (self.life, untold)
    }

    fn restore(&mut self, image: Image) {
        self.producers.clear();
        for lane in image.lanes {
            if let Some(ledger) = self.known(&lane.key.clone()) {
                *ledger = LaneLedger::of_image(lane);
            }
        }
    }

    fn known(&mut self, key: &LaneKey) -> Option<&mut LaneLedger> {
        let epoch = Epoch::try_from(key.epoch.as_slice()).ok()?;
        let lane = Lane::try_from(key.lane).ok()?;
        let (_, ledgers) = self.producers.entry(key.producer.clone()).or_default().epoch(epoch);
        Some(ledgers.entry(lane).or_default())
    }

    /// Everything that is known.
    pub(super) fn image(&self) -> Entry {
        let lanes = self.lanes().map(|(producer, epoch, lane, ledger)| ledger.image(key(producer, epoch, lane)));
        What::Image(Image { lanes: lanes.collect() }).into()
    }

    fn lanes(&self) -> impl Iterator<Item = (&str, &Epoch, Lane, &LaneLedger)> {
        self.producers.iter().flat_map(|(name, producer)| {
            producer.epochs.iter().flat_map(move |(epoch, ledgers)| {
                ledgers.iter().map(move |(lane, ledger)| (name.as_str(), epoch, *lane, ledger))
            })
        })
    }
}

impl Producer {
    /// The lanes of an epoch, which is now the newest; and whether it was known.
    fn epoch(&mut self, epoch: Epoch) -> (bool, &mut HashMap<Lane, LaneLedger>) {
        let known = self.epochs.iter().position(|(known, _)| *known == epoch);
        let ledgers = known.map(|index| self.epochs.remove(index).1).unwrap_or_default();
        if self.epochs.len() == EPOCHS {
            self.epochs.remove(0);
        }
        self.epochs.push((epoch, ledgers));
        let newest = self.epochs.len() - 1;
        (known.is_some(), &mut self.epochs[newest].1)
    }
}

pub(super) fn key(producer: &str, epoch: &Epoch, lane: Lane) -> LaneKey {
    LaneKey { producer: producer.to_owned(), epoch: epoch.to_vec(), lane: lane as i32 }
}
