//! The gateway's end of the stream: what to send next, and what each answer means.
//!
//! A stream begins with [`Sender::hello`] and, once Welcome came, [`Sender::opened`]; then [`Sender::next`] gives messages
//! until it gives none, and each answer goes to its method. After [`Sender::closed`] everything unacknowledged is sent
//! again on the next stream.

use std::collections::HashSet;

use gladhand_documents::error::{Code, Error, Result};
use gladhand_documents::telemetry::frame::{Epoch, compress};
use gladhand_documents::telemetry::wire::stream_request::Message;
use gladhand_documents::telemetry::wire::{
    Ack, Codec, Credit, DropReason, Durability, Frame, Heartbeat, Hello, LaneStatus, Nack, NackReason, ResumeState,
    Welcome,
};
use gladhand_documents::telemetry::{Lane, Record};

use super::contexts::Contexts;
use super::lane::{Admission, Conservation, Item, LaneQueue, MAX_PAYLOAD};
use super::policy::{DropPolicy, LANES, Policies};

/// The version of the stream protocol.
const PROTOCOL_VERSION: u32 = 1;
/// Refusals in a row, without an acknowledgement between, after which the stream is opened anew.
const MAX_REFUSALS: u32 = 16;

/// How a stream begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opened {
    /// What the collector knew of the epoch.
    pub state: ResumeState,
    /// The collector's clock, Unix nanoseconds.
    pub server_time_unix_nanos: u64,
}

/// Why a stream cannot go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Setback {
    /// The collector acknowledges what was never produced: begin a new epoch ([`Sender::restart`]), then open again.
    UnknownAcknowledgement,
    /// The collector refuses the same again and again: wait, then open again.
    Stuck(String),
}

/// One lane on the present stream.
#[derive(Debug, Default)]
struct Flow {
    sent_bytes: u64,
    credit_bytes: u64,
    /// Payload bytes under way, with the last sequence of each frame.
    under_way: std::collections::VecDeque<(u64, u64)>,
    blocked_since_ms: Option<u64>,
    blocked_total_ms: u64,
}

/// The gateway's end of the stream.
#[derive(Debug)]
pub struct Sender {
    producer: String,
    epoch: Epoch,
    policies: Policies,
    pub(super) contexts: Contexts,
    lanes: [LaneQueue; 4],
    flows: [Flow; 4],
    codec: Codec,
    max_payload: usize,
    /// The smallest durability that lets a record go.
    durability: Durability,
    last_event: u64,
    sampled: u64,
    refusals: u32,
}

impl Sender {
    /// A sender with an empty backlog. `epoch` is random, and new for each life of the backlog.
    pub fn new(producer: impl Into<String>, epoch: Epoch, policies: Policies) -> Self {
        Self {
            producer: producer.into(),
            epoch,
            policies,
            contexts: Contexts::default(),
            lanes: LANES.map(LaneQueue::new),
            flows: Default::default(),
            codec: Codec::Raw,
            max_payload: MAX_PAYLOAD,
            durability: Durability::Memory,
            last_event: 0,
            sampled: 0,
            refusals: 0,
        }
    }

    /// The producer.
    pub fn producer(&self) -> &str {
        &self.producer
    }

    /// The epoch.
    pub fn epoch(&self) -> &Epoch {
        &self.epoch
    }

    /// Takes a record into a lane. What has to go for it, or it itself, is declared to the collector.
    ///
    /// Errors: `schema_invalid` as [`Record::validate`]; `record_too_large` for one that no frame can carry. Such a record
    /// is not counted as produced.
    pub fn admit(&mut self, lane: Lane, mut record: Record, now_ms: u64) -> Result<Admission> {
        let index = index(lane)?;
        record.validate()?;
        let cost = LaneQueue::cost(&record);
        if cost > MAX_PAYLOAD {
            return Err(Error::new(Code::RecordTooLarge, format!("a record may take {MAX_PAYLOAD} bytes, not {cost}")));
        }
        let context_id = self.contexts.id(&record.context)?;
        if record.event_sequence == 0 {
            record.event_sequence = self.last_event + 1;
        }
        self.last_event = self.last_event.max(record.event_sequence);
        let event_sequence = record.event_sequence;
        let refusal = self.make_room(index, cost)?;
        let policy = *self.policies.of(lane);
        let queue = &mut self.lanes[index];
        let full = queue.open_bytes() + cost > MAX_PAYLOAD || queue.open_records() >= policy.frame_records.max(1);
        if full || refusal.is_some() {
            // Sequences are contiguous, so what is open goes before a gap.
            queue.seal(&self.epoch)?;
        }
        let sequence = match refusal {
            Some(reason) => queue.refuse(&record, reason),
            None => queue.take(record, context_id, now_ms),
        };
        if policy.linger_ms == 0 || queue.open_records() >= policy.frame_records {
            queue.seal(&self.epoch)?;
        }
        self.forget_contexts();
        Ok(Admission { lane, sequence, event_sequence, accepted: refusal.is_none() })
    }

    /// Makes room for `cost` bytes in a lane, or says why the record itself must go.
    fn make_room(&mut self, index: usize, cost: usize) -> Result<Option<DropReason>> {
        let policy = *self.policies.of(LANES[index]);
        let held = self.lanes[index].held_bytes;
        if let DropPolicy::Sample(one_in) = policy.drop
            && held > policy.budget_bytes / 2
        {
            self.sampled += 1;
            if !self.sampled.is_multiple_of(u64::from(one_in.max(1))) {
                return Ok(Some(DropReason::SampledOut));
            }
        }
        if held + cost <= policy.budget_bytes {
            return Ok(None);
        }
        if LANES[index] == Lane::Safety {
            // Safety drops nothing while another lane has bytes to give.
            let total = self.policies.total_bytes();
            for other in (1..LANES.len()).rev() {
                self.lanes[other].seal(&self.epoch)?;
                while self.held() + cost > total && self.lanes[other].drop_oldest(DropReason::SpoolFull).is_some() {}
            }
            if self.held() + cost <= total {
                return Ok(None);
            }
        }
        if policy.drop == DropPolicy::Newest {
            return Ok(Some(DropReason::SpoolFull));
        }
        let mut freed = 0;
        self.lanes[index].seal(&self.epoch)?;
        while freed < cost {
            match self.lanes[index].drop_oldest(DropReason::SpoolFull) {
                Some(bytes) => freed += bytes,
                // All that is left is under way.
                None => return Ok(Some(DropReason::SpoolFull)),
            }
        }
        Ok(None)
    }

    fn held(&self) -> usize {
        self.lanes.iter().map(|lane| lane.held_bytes).sum()
    }

    fn forget_contexts(&mut self) {
        if !self.contexts.crowded() {
            return;
        }
        let mut used: HashSet<u32> = HashSet::new();
        for lane in &self.lanes {
            used.extend(lane.open_contexts());
            for item in &lane.items {
                if let Item::Frame(frame) = item {
                    used.extend(&frame.context_ids);
                }
            }
        }
        self.contexts.keep(&used);
    }

    /// Makes frames of what has waited long enough and drops what is too old. Gives the milliseconds until it wants to be
    /// called again, if anything waits.
    ///
    /// Errors: none that a validated record can cause.
    pub fn poll(&mut self, now_ms: u64) -> Result<Option<u64>> {
        let mut next: Option<u64> = None;
        for queue in &mut self.lanes {
            let policy = self.policies.of(queue.lane);
            if let Some(age) = policy.max_age_ms {
                queue.expire(now_ms.saturating_sub(age));
            }
            if let Some(since) = queue.open_since_ms() {
                let due = since.saturating_add(policy.linger_ms);
                if due <= now_ms {
                    queue.seal(&self.epoch)?;
                } else {
                    next = Some(next.unwrap_or(u64::MAX).min(due - now_ms));
                }
            }
        }
        Ok(next)
    }

    /// Makes frames of everything that waits for company.
    ///
    /// Errors: none that a validated record can cause.
    pub fn seal(&mut self) -> Result<()> {
        self.lanes.iter_mut().try_for_each(|queue| queue.seal(&self.epoch))
    }

    /// The first message of a stream.
    pub fn hello(&self) -> Hello {
        Hello {
            producer_id: self.producer.clone(),
            epoch: self.epoch.to_vec(),
            protocol_version: PROTOCOL_VERSION,
            lanes: self.lanes.iter().map(LaneQueue::hello).collect(),
            codecs: vec![Codec::Zstd as i32, Codec::Raw as i32],
        }
    }

    /// Welcome came: the stream is open.
    pub fn opened(&mut self, welcome: &Welcome) -> Result<Opened, Setback> {
        self.closed();
        self.codec = welcome.codec();
        self.max_payload = MAX_PAYLOAD.min(welcome.max_frame_payload_bytes as usize);
        self.refusals = 0;
        for ack in &welcome.acks {
            self.acknowledged(ack)?;
        }
        for queue in &mut self.lanes {
            queue.sent_through = queue.released_through();
        }
        for credit in &welcome.credits {
            self.credited(credit);
        }
        Ok(Opened { state: welcome.state(), server_time_unix_nanos: welcome.server_time_unix_nanos })
    }

    /// The stream is gone. What was not acknowledged will be sent again.
    pub fn closed(&mut self) {
        self.contexts.forget_announcements();
        for (queue, flow) in self.lanes.iter_mut().zip(&mut self.flows) {
            queue.sent_through = queue.released_through();
            *flow = Flow { blocked_total_ms: flow.blocked_total_ms, ..Flow::default() };
        }
    }

    /// The next message, most urgent lane first; nothing while there is nothing to send or no credit to send it.
    pub fn next(&mut self, now_ms: u64) -> Option<Message> {
        LANES.iter().enumerate().find_map(|(index, _)| self.next_of(index, now_ms))
    }

    fn next_of(&mut self, index: usize, now_ms: u64) -> Option<Message> {
        let (queue, flow) = (&mut self.lanes[index], &mut self.flows[index]);
        loop {
            let at = queue.items.partition_point(|item| item.first() <= queue.sent_through);
            let frame = match queue.items.get_mut(at)? {
                Item::Gap { notice, settled } => {
                    *settled = true;
                    queue.sent_through = notice.last_sequence;
                    queue.highest_sent = queue.highest_sent.max(notice.last_sequence);
                    return Some(Message::Gap(notice.clone()));
                }
                Item::Frame(frame) => frame,
            };
            if frame.payload.len() > self.max_payload {
                let first = frame.first;
                queue.drop_frame(first, DropReason::RecordTooLarge);
                continue;
            }
            let under_way: u64 = flow.under_way.iter().map(|(_, bytes)| bytes).sum();
            let window = self.policies.of(queue.lane).in_flight_bytes;
            let (codec, payload) = compress(&frame.payload, self.codec);
            let bytes = payload.len() as u64;
            let no_credit = flow.sent_bytes + bytes > flow.credit_bytes;
            // A window never holds back the only frame.
            if no_credit || (under_way > 0 && window.is_some_and(|window| under_way + bytes > window)) {
                if no_credit {
                    flow.blocked_since_ms.get_or_insert(now_ms);
                }
                return None;
            }
            if let Some(context) = self.contexts.announce(&frame.context_ids) {
                return Some(Message::Context(context));
            }
            if let Some(since) = flow.blocked_since_ms.take() {
                flow.blocked_total_ms += now_ms.saturating_sub(since);
            }
            let last = frame.first + u64::from(frame.count) - 1;
            flow.sent_bytes += bytes;
            flow.under_way.push_back((last, bytes));
            queue.sent_through = last;
            queue.highest_sent = queue.highest_sent.max(last);
            return Some(Message::Frame(Frame {
                lane: queue.lane as i32,
                first_sequence: frame.first,
                count: frame.count,
                codec: codec as i32,
                checksum_crc32c: frame.checksum,
                payload: payload.into_owned(),
            }));
        }
    }

    /// An acknowledgement came.
    pub fn acknowledged(&mut self, ack: &Ack) -> Result<(), Setback> {
        let Ok(index) = index(ack.lane()) else { return Ok(()) };
        if ack.durability < self.durability as i32 {
            return Ok(());
        }
        let (queue, flow) = (&mut self.lanes[index], &mut self.flows[index]);
        if ack.through_sequence >= queue.next_sequence() {
            return Err(Setback::UnknownAcknowledgement);
        }
        if ack.through_sequence > queue.released_through() {
            self.refusals = 0;
        }
        queue.acknowledge(ack.through_sequence);
        queue.sent_through = queue.sent_through.max(queue.released_through());
        while flow.under_way.front().is_some_and(|(last, _)| *last <= ack.through_sequence) {
            flow.under_way.pop_front();
        }
        Ok(())
    }

    /// Credit came.
    pub fn credited(&mut self, credit: &Credit) {
        if let Ok(index) = index(credit.lane()) {
            let flow = &mut self.flows[index];
            flow.credit_bytes = flow.credit_bytes.max(credit.max_payload_bytes_total);
        }
    }

    /// A refusal came. What can be sent again will be; what cannot is declared lost.
    pub fn refused(&mut self, nack: &Nack) -> Result<(), Setback> {
        let Ok(index) = index(nack.lane()) else { return Ok(()) };
        self.refusals += 1;
        if self.refusals > MAX_REFUSALS {
            return Err(Setback::Stuck(format!("{}: {}", nack.reason().as_str_name(), nack.detail)));
        }
        let (queue, flow) = (&mut self.lanes[index], &mut self.flows[index]);
        if !nack.retryable {
            queue.drop_frame(nack.first_sequence, DropReason::RejectedByServer);
        }
        if nack.reason() == NackReason::ContextUnknown {
            self.contexts.forget_announcements();
        }
        // Everything from there on will have been refused as out of order.
        let expected = if nack.retryable { nack.expected_sequence } else { nack.first_sequence };
        let through = expected.saturating_sub(1).max(queue.released_through());
        if through < queue.sent_through {
            queue.sent_through = through;
            flow.under_way.retain(|(last, _)| *last <= through);
        }
        Ok(())
    }

    /// Numbers everything anew under another epoch, after [`Setback::UnknownAcknowledgement`].
    pub fn restart(&mut self, epoch: Epoch) {
        self.epoch = epoch;
        for queue in &mut self.lanes {
            queue.renumber(&epoch);
        }
        self.closed();
    }

    /// How the lanes are; free of credit.
    pub fn heartbeat(&self, now_ms: u64) -> Heartbeat {
        let status = |(queue, flow): (&LaneQueue, &Flow)| {
            let budget = self.policies.of(queue.lane).budget_bytes.max(1);
            let blocked = flow.blocked_since_ms.map_or(0, |since| now_ms.saturating_sub(since));
            LaneStatus {
                lane: queue.lane as i32,
                occupancy_permille: (queue.held_bytes as u64 * 1000 / budget as u64) as u32,
                held_bytes: queue.held_bytes as u64,
                oldest_age_ms: queue.oldest_ms().map_or(0, |oldest| now_ms.saturating_sub(oldest)),
                dropped_total: queue.dropped,
                credit_blocked_ms_total: flow.blocked_total_ms + blocked,
            }
        };
        Heartbeat { lanes: self.lanes.iter().zip(&self.flows).map(status).collect() }
    }

    /// The invariant of a lane.
    pub fn conservation_of(&self, lane: Lane) -> Conservation {
        index(lane).map(|index| self.lanes[index].conservation()).unwrap_or_default()
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

fn index(lane: Lane) -> Result<usize> {
    LANES
        .iter()
        .position(|known| *known == lane)
        .ok_or_else(|| Error::new(Code::InvalidArgument, "a lane is SAFETY, OPERATIONAL, ROUTINE or DIAGNOSTIC"))
}
