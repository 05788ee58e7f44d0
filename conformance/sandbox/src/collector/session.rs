//! One stream of one vehicle gateway: each message in, the answers out. No input or output of its own.

use std::collections::HashMap;
use std::sync::Arc;

use gladhand_documents::telemetry::frame::{Epoch, checksum, decompress};
use gladhand_documents::telemetry::wire::stream_request::Message as Request;
use gladhand_documents::telemetry::wire::stream_response::Message as Response;
use gladhand_documents::telemetry::wire::{
    Ack, Credit, Frame, GapNotice, GoAway, GoAwayReason, Hello, LaneState, Nack, NackReason, StreamContext, Welcome,
};
use gladhand_documents::telemetry::{Codec, Context, Durability, Lane, Record, batch};

use super::hub::Update;
use super::ledger::{Grant, Verdict};
use super::{Collector, MAX_FRAME_PAYLOAD};

/// What may be under way per lane, in bytes of payload. Never less than 16 frames, so that safety records never wait.
const WINDOW: u64 = 16 * MAX_FRAME_PAYLOAD as u64;
/// Contexts that one stream may announce.
const CONTEXTS: usize = 4096;
/// The version of the stream protocol.
const PROTOCOL_VERSION: u32 = 1;

/// The answers to one message, or the end of the stream.
pub(super) type Answers = Result<Vec<Response>, GoAway>;

/// An open stream.
#[derive(Debug)]
pub(super) struct Session {
    collector: Collector,
    identity: String,
    grant: Grant,
    source: Arc<str>,
    lanes: HashMap<Lane, Flow>,
    contexts: HashMap<u32, Announced>,
}

/// Bytes of payload on this stream.
#[derive(Debug)]
struct Flow {
    received: u64,
    granted: u64,
}

#[derive(Debug)]
struct Announced {
    context: Arc<Context>,
    registered: bool,
}

impl Session {
    /// Answers Hello. `identity` is the certificate's, `producer` the producer it names.
    pub(super) fn open(
        collector: Collector,
        identity: &str,
        producer: &str,
        hello: &Hello,
    ) -> Result<(Self, Welcome), GoAway> {
        if hello.producer_id != producer {
            let detail = format!("the certificate is {identity}, Hello names {:?}", hello.producer_id);
            collector.0.security.raise(collector.now(), "producer_mismatch", identity, detail);
            return Err(go_away(GoAwayReason::Unauthorized, "producer_id is not the certificate's"));
        }
        if hello.protocol_version != PROTOCOL_VERSION {
            return Err(violation("this collector speaks protocol version 1"));
        }
        let epoch = Epoch::try_from(hello.epoch.as_slice()).map_err(|_| violation("an epoch has 16 bytes"))?;
        let lanes = lanes(hello)?;
        let opened = collector.0.ledger.open(producer, epoch, &lanes);
        let durability = Durability::Memory as i32;
        let codecs = [Codec::Zstd, Codec::Raw];
        let codec = codecs.into_iter().find(|c| hello.codecs.contains(&(*c as i32))).unwrap_or(Codec::Raw);
        let welcome = Welcome {
            state: opened.state as i32,
            acks: opened
                .through
                .iter()
                .map(|&(lane, through_sequence)| Ack { lane: lane as i32, through_sequence, durability })
                .collect(),
            credits: lanes
                .iter()
                .map(|(lane, _)| Credit { lane: *lane as i32, max_payload_bytes_total: WINDOW })
                .collect(),
            max_frame_payload_bytes: MAX_FRAME_PAYLOAD as u32,
            server_time_unix_nanos: collector.now_nanos(),
            codec: codec as i32,
        };
        let session = Self {
            identity: identity.to_owned(),
            source: format!("{producer}/{}", hex::encode(epoch)).into(),
            lanes: lanes.into_iter().map(|(lane, _)| (lane, Flow { received: 0, granted: WINDOW })).collect(),
            contexts: HashMap::new(),
            grant: opened.grant,
            collector,
        };
        Ok((session, welcome))
    }

    /// Completes when a newer Hello took over or the collector lost its state.
    pub(super) async fn lost(&self) -> GoAway {
        self.grant.lost.cancelled().await;
        self.ended()
    }

    fn ended(&self) -> GoAway {
        go_away(self.collector.0.ledger.reason(&self.grant), "the stream lost its lanes")
    }

    /// Handles one message.
    pub(super) fn handle(&mut self, message: Request) -> Answers {
        match message {
            Request::Hello(_) => Err(violation("Hello comes once, first")),
            Request::Context(context) => self.context(context),
            Request::Frame(frame) => self.frame(&frame),
            Request::Gap(gap) => self.gap(&gap),
            Request::Heartbeat(heartbeat) => {
                tracing::debug!(producer = self.grant.producer, ?heartbeat, "gateway heartbeat");
                Ok(Vec::new())
            }
        }
    }

    fn context(&mut self, message: StreamContext) -> Answers {
        let id = message.context_id;
        let context = Context::from_wire(message).map_err(|e| violation(e.message()))?;
        if let Some(known) = self.contexts.get(&id) {
            let same = *known.context == context;
            return if same { Ok(Vec::new()) } else { Err(violation("a context never changes")) };
        }
        if id == 0 || self.contexts.len() == CONTEXTS {
            return Err(violation("context numbers start at 1, at most 4096 per stream"));
        }
        let registered = self.collector.0.access.vehicle_registered(&self.grant.producer, &context.vehicle_id);
        if !registered {
            let detail = format!("vehicle {:?} is not registered to {}", context.vehicle_id, self.grant.producer);
            self.collector.0.security.raise(self.collector.now(), "vehicle_unregistered", &self.identity, detail);
        }
        self.contexts.insert(id, Announced { context: Arc::new(context), registered });
        Ok(Vec::new())
    }

    fn frame(&mut self, frame: &Frame) -> Answers {
        let (lane, flow) = self.flow(frame.lane)?;
        flow.received += frame.payload.len() as u64;
        if flow.received > flow.granted {
            return Err(violation("more was sent than credit allows"));
        }
        if frame.first_sequence == 0 || frame.first_sequence.checked_add(u64::from(frame.count)).is_none() {
            return Err(violation("sequences start at 1"));
        }
        let mut answers = match self.receive(lane, frame) {
            Ok(()) => vec![self.acknowledge(lane)],
            Err(Refused::Nack(nack)) => vec![Response::Nack(nack)],
            Err(Refused::End(end)) => return Err(end),
        };
        answers.extend(self.more_credit(lane));
        Ok(answers)
    }

    fn receive(&self, lane: Lane, frame: &Frame) -> Result<(), Refused> {
        let refuse = |reason, retryable, detail: &str| Err(self.refuse(lane, frame, reason, retryable, detail));
        if frame.payload.len() > MAX_FRAME_PAYLOAD {
            return refuse(NackReason::TooLarge, false, "a payload has at most 65536 bytes");
        }
        let codec = Codec::try_from(frame.codec).unwrap_or(Codec::Unspecified);
        let payload = match decompress(&frame.payload, codec, MAX_FRAME_PAYLOAD) {
            Ok(payload) => payload,
            Err(error) => return refuse(NackReason::Malformed, false, error.message()),
        };
        let sum = checksum(&self.grant.epoch, lane, frame.first_sequence, frame.count, &payload);
        if sum != frame.checksum_crc32c {
            return refuse(NackReason::ChecksumMismatch, true, "damaged on the way");
        }
        // Only a frame that will be delivered is worth decoding.
        let records = if self.collector.0.ledger.expects(&self.grant, lane, frame.first_sequence) {
            self.decode(lane, frame, &payload)?
        } else {
            Vec::new()
        };
        match self.collector.0.ledger.frame(&self.grant, lane, frame.first_sequence, frame.count, sum) {
            Verdict::New { possible_duplicate_through } => {
                self.deliver(frame.first_sequence, records, possible_duplicate_through);
                Ok(())
            }
            Verdict::Duplicate => Ok(()),
            Verdict::OutOfOrder { .. } => refuse(NackReason::OutOfOrder, true, "earlier sequences are missing"),
            Verdict::Reused => {
                let detail = format!("{lane:?} {}+{} came with other content", frame.first_sequence, frame.count);
                self.collector.0.security.raise(self.collector.now(), "sequence_reused", &self.identity, detail);
                refuse(NackReason::SequenceReused, false, "these sequences were delivered with other content")
            }
            Verdict::Lost(reason) => Err(Refused::End(go_away(reason, "the stream lost its lanes"))),
        }
    }

    fn decode(&self, lane: Lane, frame: &Frame, payload: &[u8]) -> Result<Vec<Record>, Refused> {
        let refuse = |reason, retryable, detail: &str| Err(self.refuse(lane, frame, reason, retryable, detail));
        let unknown = std::cell::Cell::new(false);
        let find = |id| {
            let announced = self.contexts.get(&id);
            unknown.set(unknown.get() || announced.is_none());
            announced.map(|a| a.context.clone())
        };
        let records = match batch::from_bytes(payload, find) {
            Ok(records) if records.len() == frame.count as usize => records,
            Ok(_) => return refuse(NackReason::Malformed, false, "the batch has another count than the frame"),
            Err(_) if unknown.get() => return refuse(NackReason::ContextUnknown, true, "announce the context first"),
            Err(error) => return refuse(NackReason::Malformed, false, error.message()),
        };
        let foreign =
            |record: &Record| !self.contexts.values().any(|a| a.registered && Arc::ptr_eq(&a.context, &record.context));
        let mut last: Option<&Arc<Context>> = None;
        for record in &records {
            if last.is_some_and(|context| Arc::ptr_eq(context, &record.context)) {
                continue;
            }
            if foreign(record) {
                return refuse(NackReason::Unauthorized, false, "the vehicle is not registered to this producer");
            }
            last = Some(&record.context);
        }
        Ok(records)
    }

    fn deliver(&self, first: u64, records: Vec<Record>, possible_duplicate_through: u64) {
        let received_unix_nanos = self.collector.now_nanos();
        for (sequence, record) in (first..).zip(records) {
            let update = Update {
                record: Arc::new(record),
                received_unix_nanos,
                possible_duplicate: sequence <= possible_duplicate_through,
                source: self.source.clone(),
                skipped: 0,
                number: 0,
            };
            self.collector.0.hub.deliver(update, &*self.collector.0.access);
        }
    }

    fn gap(&mut self, gap: &GapNotice) -> Answers {
        let (lane, _) = self.flow(gap.lane)?;
        if gap.first_sequence == 0 || gap.last_sequence < gap.first_sequence {
            return Err(violation("a gap has a first and a last sequence, from 1"));
        }
        match self.collector.0.ledger.gap(&self.grant, lane, gap.first_sequence, gap.last_sequence) {
            Verdict::New { .. } => {
                tracing::info!(producer = self.grant.producer, ?lane, ?gap, "declared loss");
                Ok(vec![self.acknowledge(lane)])
            }
            Verdict::Duplicate => Ok(vec![self.acknowledge(lane)]),
            Verdict::OutOfOrder { expected } => Ok(vec![Response::Nack(Nack {
                lane: lane as i32,
                first_sequence: gap.first_sequence,
                reason: NackReason::OutOfOrder as i32,
                retryable: true,
                retry_after_ms: 0,
                expected_sequence: expected,
                detail: "earlier sequences are missing".into(),
            })]),
            Verdict::Reused => Err(violation("a gap never replaces what was delivered")),
            Verdict::Lost(reason) => Err(go_away(reason, "the stream lost its lanes")),
        }
    }

    fn flow(&mut self, lane: i32) -> Result<(Lane, &mut Flow), GoAway> {
        let lane = Lane::try_from(lane).map_err(|_| violation("there is no such lane"))?;
        let flow = self.lanes.get_mut(&lane).ok_or_else(|| violation("Hello did not name this lane"))?;
        Ok((lane, flow))
    }

    fn acknowledge(&self, lane: Lane) -> Response {
        let through_sequence = self.collector.0.ledger.through(&self.grant, lane);
        Response::Ack(Ack { lane: lane as i32, through_sequence, durability: Durability::Memory as i32 })
    }

    fn more_credit(&mut self, lane: Lane) -> Option<Response> {
        let flow = self.lanes.get_mut(&lane)?;
        if flow.granted - flow.received >= WINDOW / 2 {
            return None;
        }
        flow.granted = flow.received + WINDOW;
        Some(Response::Credit(Credit { lane: lane as i32, max_payload_bytes_total: flow.granted }))
    }

    fn refuse(&self, lane: Lane, frame: &Frame, reason: NackReason, retryable: bool, detail: &str) -> Refused {
        Refused::Nack(Nack {
            lane: lane as i32,
            first_sequence: frame.first_sequence,
            reason: reason as i32,
            retryable,
            retry_after_ms: 0,
            expected_sequence: self.collector.0.ledger.through(&self.grant, lane) + 1,
            detail: detail.to_owned(),
        })
    }
}

#[derive(Debug)]
enum Refused {
    Nack(Nack),
    End(GoAway),
}

/// The lanes of a Hello: each once, each known.
fn lanes(hello: &Hello) -> Result<Vec<(Lane, LaneState)>, GoAway> {
    let mut lanes: Vec<(Lane, LaneState)> = Vec::new();
    for state in &hello.lanes {
        match Lane::try_from(state.lane) {
            Ok(lane) if lane != Lane::Unspecified && lanes.iter().all(|(known, _)| *known != lane) => {
                lanes.push((lane, *state));
            }
            _ => return Err(violation("Hello names each lane once")),
        }
    }
    if lanes.is_empty() {
        return Err(violation("Hello names no lane"));
    }
    Ok(lanes)
}

pub(super) fn go_away(reason: GoAwayReason, detail: &str) -> GoAway {
    GoAway { reason: reason as i32, retry_after_ms: 0, detail: detail.to_owned() }
}

pub(super) fn violation(detail: &str) -> GoAway {
    go_away(GoAwayReason::ProtocolViolation, detail)
}
