//! The gateway's end: what it holds, and where that lies. `admit` takes records in, `stream` sends them.

use gladhand_documents::error::{Code, Error, Result};
use gladhand_documents::telemetry::Lane;
use gladhand_documents::telemetry::batch::Encoder;
use gladhand_documents::telemetry::frame::{Compressor, Epoch};
use gladhand_documents::telemetry::wire::{Durability, Heartbeat, LaneStatus};

use super::backlog::{Backlog, Leases, Now, REASONS, Recovered};
use super::contexts::Contexts;
use super::counts::Conservation;
use super::flow::{Flow, Link};
use super::lane::LaneQueue;
use super::policy::{LANES, Policies};
use super::recover::rebuild;

/// The gateway's end of its two streams.
///
/// A stream begins with [`Sender::hello`] and, once Welcome came, [`Sender::opened`]; then [`Sender::next`] gives messages
/// until it gives none, and each answer goes to its method. After [`Sender::closed`] everything unacknowledged is sent
/// again on the next stream.
#[derive(Debug)]
pub struct Sender {
    pub(super) producer: String,
    pub(super) epoch: Epoch,
    /// The epoch to go on with in memory if the backlog can give no more numbers.
    spare: Epoch,
    pub(super) policies: Policies,
    pub(super) contexts: Contexts,
    pub(super) lanes: [LaneQueue; 4],
    pub(super) flows: [Flow; 4],
    pub(super) links: [Link; 2],
    /// Of all lanes, as there is one frame in the making at a time.
    pub(super) encoder: Encoder,
    /// Of both streams, for the same reason.
    pub(super) compressor: Compressor,
    pub(super) backlog: Option<Box<dyn Backlog>>,
    pub(super) leases: Leases,
    /// Why the backlog does not take everything.
    pub(super) trouble: Option<Error>,
    set_aside: bool,
    pub(super) last_event: u64,
    pub(super) sampled: u64,
    /// Something was opened or sealed since the last poll.
    pub(super) attention: bool,
}

impl Sender {
    /// A sender that holds everything in memory. `epoch` is random, and new for each life of the sender.
    pub fn new(producer: impl Into<String>, epoch: Epoch, policies: Policies) -> Self {
        Self {
            producer: producer.into(),
            epoch,
            spare: epoch,
            policies,
            contexts: Contexts::default(),
            lanes: LANES.map(LaneQueue::new),
            flows: Default::default(),
            links: Default::default(),
            encoder: Encoder::new(),
            compressor: Compressor::new(),
            backlog: None,
            leases: Leases::default(),
            trouble: None,
            set_aside: false,
            last_event: 0,
            sampled: 0,
            attention: false,
        }
    }

    /// A sender that goes on where a backlog ends. `spare` is random: the epoch in which it would go on in memory.
    pub fn resume(
        producer: impl Into<String>,
        backlog: Box<dyn Backlog>,
        found: Recovered,
        spare: Epoch,
        policies: Policies,
        now: Now,
    ) -> Self {
        let mut sender = Self::new(producer, found.epoch, policies);
        sender.spare = spare;
        sender.leases = found.leases;
        sender.last_event = found.leases.events.max(1) - 1;
        for link in &mut sender.links {
            link.durability = Durability::Fsync;
        }
        sender.contexts.restore(found.contexts, found.leases.contexts);
        let mut unneeded = Vec::new();
        for (index, lane) in found.lanes.into_iter().enumerate() {
            let (queue, places) = rebuild(LANES[index], lane, found.leases.lanes[index], now);
            sender.lanes[index] = queue;
            unneeded.extend(places.into_iter().map(|place| (LANES[index], place)));
        }
        sender.backlog = Some(backlog);
        for index in 0..LANES.len() {
            sender.declare_all(index);
            sender.settle(index);
        }
        for (lane, place) in unneeded {
            sender.release(lane, [place]);
        }
        sender
    }

    /// The producer.
    pub fn producer(&self) -> &str {
        &self.producer
    }

    /// The epoch. A stream that was opened under another one has to be opened again.
    pub fn epoch(&self) -> &Epoch {
        &self.epoch
    }

    /// Whether a backlog keeps what is here beyond the life of this process.
    pub fn has_backlog(&self) -> bool {
        self.backlog.is_some()
    }

    /// Why not everything is kept in the backlog, if that is so, and whether the backlog was set aside altogether: then
    /// it could not give out numbers, what it holds waits there for the next start, and the sender goes on in memory
    /// under another epoch.
    pub fn backlog_trouble(&self) -> (Option<&Error>, bool) {
        (self.trouble.as_ref(), self.set_aside)
    }

    /// There is no backlog, although there should be one.
    pub fn without_backlog(&mut self, why: Error) {
        self.trouble = Some(why);
        self.set_aside = true;
    }

    /// What was appended may not be on disk after all.
    pub fn note(&mut self, trouble: Error) {
        self.trouble = Some(trouble);
    }

    /// Numbers everything anew under another epoch, after [`super::Setback::UnknownAcknowledgement`].
    pub fn restart(&mut self, epoch: Epoch) {
        let shifts = std::array::from_fn(|index| self.lanes[index].released_through());
        let leases = Leases {
            lanes: std::array::from_fn(|index| self.lanes[index].next_sequence() - shifts[index]),
            ..self.leases
        };
        if let Some(backlog) = &mut self.backlog
            && let Err(why) = backlog.renumber(&epoch, shifts, &leases)
        {
            self.leave_backlog(why);
            return;
        }
        self.epoch = epoch;
        self.leases = leases;
        for (queue, shift) in self.lanes.iter_mut().zip(shifts) {
            queue.renumber(shift);
        }
        self.all_closed();
    }

    /// Makes sure that the next numbers of a lane may be used.
    pub(super) fn lease(&mut self, index: usize, event_sequence: u64) {
        let Some(backlog) = &mut self.backlog else { return };
        let mut wanted = self.leases;
        let next = self.lanes[index].next_sequence();
        if next >= wanted.lanes[index] {
            wanted.lanes[index] = next + LEASE;
        }
        if event_sequence >= wanted.events {
            wanted.events = event_sequence.saturating_add(LEASE);
        }
        if self.contexts.next_id() >= wanted.contexts {
            wanted.contexts = self.contexts.next_id().saturating_add(CONTEXT_LEASE);
        }
        if wanted == self.leases {
            return;
        }
        match backlog.lease(&wanted) {
            Ok(()) => self.leases = wanted,
            Err(why) => self.leave_backlog(why),
        }
    }

    /// No number may be given out any more: what the backlog holds stays there, and we go on in memory.
    fn leave_backlog(&mut self, why: Error) {
        self.backlog = None;
        self.trouble = Some(why);
        self.set_aside = true;
        self.epoch = self.spare;
        for queue in &mut self.lanes {
            queue.leave_behind();
        }
        for link in &mut self.links {
            link.durability = Durability::Memory;
        }
        self.all_closed();
    }

    fn all_closed(&mut self) {
        for stream in super::Stream::BOTH {
            self.closed(stream);
        }
    }

    /// Ends the backlog's life: it is exact about what was given out, so that its next start has nothing to declare.
    /// Nothing may be admitted afterwards.
    ///
    /// Errors: it cannot be written; nothing is lost by that.
    pub fn close(&mut self, now: Now) -> Result<()> {
        self.seal(now)?;
        let leases = Leases {
            lanes: std::array::from_fn(|index| self.lanes[index].next_sequence()),
            events: self.last_event.saturating_add(1),
            contexts: self.contexts.next_id(),
        };
        for index in 0..LANES.len() {
            // Frames that are in memory alone are gone with this process, and their numbers with them.
            self.settle(index);
        }
        match self.backlog.take() {
            Some(mut backlog) => backlog.close(&leases),
            None => Ok(()),
        }
    }

    /// How the lanes are; free of credit.
    pub fn heartbeat(&self, now_ms: u64) -> Heartbeat {
        let status = |(queue, flow): (&LaneQueue, &Flow)| {
            let budget = self.policies.of(queue.lane).budget_bytes.max(1);
            let age = queue.oldest_ms().map_or(0, |oldest| now_ms as i64 - oldest);
            LaneStatus {
                lane: queue.lane as i32,
                occupancy_permille: (queue.held_bytes as u64 * 1000 / budget as u64) as u32,
                held_bytes: queue.held_bytes as u64,
                oldest_age_ms: age.max(0) as u64,
                dropped_total: queue.dropped().iter().sum(),
                credit_blocked_ms_total: flow.blocked_ms(now_ms),
            }
        };
        Heartbeat { lanes: self.lanes.iter().zip(&self.flows).map(status).collect() }
    }

    /// The invariant of a lane.
    pub fn conservation_of(&self, lane: Lane) -> Conservation {
        index(lane).map(|index| self.lanes[index].conservation()).unwrap_or_default()
    }

    /// Records of a lane that were dropped in this epoch; the index is the reason's number.
    pub fn dropped_of(&self, lane: Lane) -> [u64; REASONS] {
        index(lane).map(|index| *self.lanes[index].dropped()).unwrap_or_default()
    }

    /// The invariant over all lanes.
    pub fn conservation(&self) -> Conservation {
        LANES.iter().fold(Conservation::default(), |sum, lane| {
            let one = self.conservation_of(*lane);
            Conservation {
                produced: sum.produced + one.produced,
                acknowledged: sum.acknowledged + one.acknowledged,
                dropped: sum.dropped + one.dropped,
                pending: sum.pending + one.pending,
            }
        })
    }

    /// Whether nothing waits, neither a record nor a declaration.
    pub fn is_settled(&self) -> bool {
        self.lanes.iter().all(|queue| queue.items.is_empty() && queue.open_records() == 0)
    }
}

/// Sequences leased at once.
const LEASE: u64 = 4096;
/// Numbers of contexts leased at once.
const CONTEXT_LEASE: u32 = 256;

pub(super) fn index(lane: Lane) -> Result<usize> {
    LANES
        .iter()
        .position(|known| *known == lane)
        .ok_or_else(|| Error::new(Code::InvalidArgument, "a lane is SAFETY, OPERATIONAL, ROUTINE or DIAGNOSTIC"))
}
