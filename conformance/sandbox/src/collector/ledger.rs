//! What arrived: a watermark per producer, epoch and lane, and which stream may write to a lane.
//!
//! Sequences are contiguous, so one number says what arrived. Frames never change once made; a frame below the watermark
//! is compared with what is remembered of it: the same checksum is a duplicate, another one is someone reusing sequences.

use std::collections::{HashMap, VecDeque};
use std::sync::Mutex;

use gladhand_documents::telemetry::Lane;
use gladhand_documents::telemetry::frame::Epoch;
use gladhand_documents::telemetry::wire::{GoAwayReason, LaneState, ResumeState};
use tokio_util::sync::CancellationToken;

/// Epochs remembered per producer.
const EPOCHS: usize = 8;
/// Frames remembered per lane, to tell duplicates from reuse.
const FRAMES: usize = 4096;

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
}

/// The right of one stream to write to its lanes, until a newer Hello takes it away.
#[derive(Clone, Debug)]
pub(super) struct Grant {
    pub(super) producer: String,
    pub(super) epoch: Epoch,
    stream: u64,
    /// Cancelled when the right is lost.
    pub(super) lost: CancellationToken,
}

/// What Hello is answered.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) grant: Grant,
    pub(super) state: ResumeState,
    /// Watermark per lane of the Hello.
    pub(super) through: Vec<(Lane, u64)>,
}

/// What a frame or a gap turned out to be.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// New. Sequences up to `possible_duplicate_through` may have been delivered by an earlier life of the collector.
    New { possible_duplicate_through: u64 },
    /// It arrived before; acknowledge, do not deliver.
    Duplicate,
    /// Sequences before it are missing.
    OutOfOrder { expected: u64 },
    /// These sequences arrived with other content.
    Reused,
    /// The stream lost its right.
    Lost(GoAwayReason),
}

#[derive(Debug, Default)]
pub(super) struct Ledger(Mutex<State>);

#[derive(Debug, Default)]
struct State {
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

#[derive(Debug, Default)]
struct LaneLedger {
    through: u64,
    possible_duplicate_through: u64,
    frames: VecDeque<(u64, u32, u32)>,
    records: u64,
    declared_lost: u64,
    duplicates: u64,
}

impl Ledger {
    /// Opens a stream: the newest Hello of a producer takes its lanes from older streams.
    pub(super) fn open(&self, producer: &str, epoch: Epoch, lanes: &[(Lane, LaneState)]) -> Opened {
        let mut state = self.0.lock().expect("the ledger");
        state.streams += 1;
        let stream = state.streams;
        let entry = state.producers.entry(producer.to_owned()).or_default();
        let lost = CancellationToken::new();
        for (lane, _) in lanes {
            if let Some((_, older)) = entry.owners.insert(*lane, (stream, lost.clone())) {
                older.cancel();
            }
        }
        let known = entry.epochs.iter().position(|(known, _)| *known == epoch);
        let mut ledgers = known.map(|index| entry.epochs.remove(index).1).unwrap_or_default();
        let mut resume = if known.is_some() { ResumeState::Resumed } else { ResumeState::UnknownEpoch };
        let mut through = Vec::new();
        for (lane, hello) in lanes {
            let released = hello.oldest_available_sequence.saturating_sub(1);
            let unheard = !ledgers.contains_key(lane);
            let ledger = ledgers.entry(*lane).or_default();
            // Released sequences were acknowledged by someone, and sent ones may have been: if that was an earlier life of
            // this collector, followers may have seen them.
            if ledger.through < released || (unheard && hello.highest_sent_sequence > 0) {
                resume = ResumeState::StateLost;
                ledger.through = ledger.through.max(released);
                ledger.possible_duplicate_through = hello.highest_sent_sequence;
            }
            through.push((*lane, ledger.through));
        }
        entry.epochs.push((epoch, ledgers));
        if entry.epochs.len() > EPOCHS {
            entry.epochs.remove(0);
        }
        let grant = Grant { producer: producer.to_owned(), epoch, stream, lost };
        Opened { grant, state: resume, through }
    }

    /// Judges a frame and, if it is new, books it.
    pub(super) fn frame(&self, grant: &Grant, lane: Lane, first: u64, count: u32, checksum: u32) -> Verdict {
        self.with(grant, lane, |ledger| {
            let last = first + u64::from(count) - 1;
            if last <= ledger.through {
                let overlap = |&&(f, c, _): &&(u64, u32, u32)| f <= last && f + u64::from(c) > first;
                if ledger.frames.iter().filter(overlap).any(|known| *known != (first, count, checksum)) {
                    return Verdict::Reused;
                }
                ledger.duplicates += u64::from(count);
                return Verdict::Duplicate;
            }
            if first <= ledger.through {
                return Verdict::Reused;
            }
            if first > ledger.through + 1 {
                return Verdict::OutOfOrder { expected: ledger.through + 1 };
            }
            ledger.through = last;
            ledger.records += u64::from(count);
            if ledger.frames.len() == FRAMES {
                ledger.frames.pop_front();
            }
            ledger.frames.push_back((first, count, checksum));
            Verdict::New { possible_duplicate_through: ledger.possible_duplicate_through }
        })
    }

    /// Whether a frame would be new, without booking it.
    pub(super) fn expects(&self, grant: &Grant, lane: Lane, first: u64) -> bool {
        self.0.lock().expect("the ledger").lane(grant, lane).is_some_and(|ledger| first == ledger.through + 1)
    }

    /// Books a declared loss.
    pub(super) fn gap(&self, grant: &Grant, lane: Lane, first: u64, last: u64) -> Verdict {
        self.with(grant, lane, |ledger| {
            if last <= ledger.through {
                return Verdict::Duplicate;
            }
            if first > ledger.through + 1 {
                return Verdict::OutOfOrder { expected: ledger.through + 1 };
            }
            ledger.declared_lost += last - ledger.through;
            ledger.through = last;
            Verdict::New { possible_duplicate_through: ledger.possible_duplicate_through }
        })
    }

    /// The watermark of a lane.
    pub(super) fn through(&self, grant: &Grant, lane: Lane) -> u64 {
        self.0.lock().expect("the ledger").lane(grant, lane).map_or(0, |ledger| ledger.through)
    }

    pub(super) fn lose_state(&self) {
        let mut state = self.0.lock().expect("the ledger");
        for (_, producer) in state.producers.drain() {
            for (_, (_, stream)) in producer.owners {
                stream.cancel();
            }
        }
    }

    pub(super) fn report(&self) -> Vec<LaneReport> {
        let state = self.0.lock().expect("the ledger");
        let mut reports = Vec::new();
        for (producer, entry) in &state.producers {
            for (epoch, lanes) in &entry.epochs {
                reports.extend(lanes.iter().map(|(lane, ledger)| LaneReport {
                    producer: producer.clone(),
                    epoch: *epoch,
                    lane: *lane,
                    through_sequence: ledger.through,
                    records: ledger.records,
                    declared_lost: ledger.declared_lost,
                    duplicates: ledger.duplicates,
                }));
            }
        }
        reports.sort_by(|a, b| (&a.producer, a.epoch, a.lane as i32).cmp(&(&b.producer, b.epoch, b.lane as i32)));
        reports
    }

    fn with(&self, grant: &Grant, lane: Lane, step: impl FnOnce(&mut LaneLedger) -> Verdict) -> Verdict {
        let mut state = self.0.lock().expect("the ledger");
        let known = state.producers.contains_key(&grant.producer);
        match state.lane(grant, lane) {
            Some(ledger) => step(ledger),
            None if known => Verdict::Lost(GoAwayReason::Superseded),
            None => Verdict::Lost(GoAwayReason::Shutdown),
        }
    }

    /// Why a stream lost its right.
    pub(super) fn reason(&self, grant: &Grant) -> GoAwayReason {
        let state = self.0.lock().expect("the ledger");
        if state.producers.contains_key(&grant.producer) { GoAwayReason::Superseded } else { GoAwayReason::Shutdown }
    }
}

impl State {
    /// The lane's ledger, if the stream still has the right to write to it.
    fn lane(&mut self, grant: &Grant, lane: Lane) -> Option<&mut LaneLedger> {
        let producer = self.producers.get_mut(&grant.producer)?;
        let (owner, _) = producer.owners.get(&lane)?;
        if *owner != grant.stream {
            return None;
        }
        producer.epochs.iter_mut().find(|(epoch, _)| *epoch == grant.epoch)?.1.get_mut(&lane)
    }
}
