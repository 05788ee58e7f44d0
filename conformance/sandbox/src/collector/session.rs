//! One stream of one vehicle gateway: each message in, the answers out. No input or output of its own.
//!
//! Refusals are answered at once, acknowledgements once the keeper has settled what they acknowledge.

mod again;
mod frames;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use gladhand_documents::telemetry::frame::Epoch;
use gladhand_documents::telemetry::wire::stream_request::Message as Request;
use gladhand_documents::telemetry::wire::stream_response::Message as Response;
use gladhand_documents::telemetry::wire::{
    Ack, Credit, GoAway, GoAwayReason, Hello, LaneState, StreamContext, Welcome,
};
use gladhand_documents::telemetry::{Codec, Context, Lane};
use tokio::sync::watch;
use tokio::time::Instant;

use super::faults::Settings;
use super::keeper::Settled;
use super::ledger::Grant;
use super::{Collector, MAX_FRAME_PAYLOAD};

/// What may be under way per lane, in bytes of payload; renewed at half. SAFETY never has less than 16 frames.
const WINDOW: u64 = 16 * MAX_FRAME_PAYLOAD as u64;
const SAFETY_WINDOW: u64 = 2 * WINDOW;
/// What a lane has that gets no credit: two frames, with which it began.
const STARVED: u64 = 2 * MAX_FRAME_PAYLOAD as u64;
/// Contexts that one stream may announce.
const CONTEXTS: usize = 4096;
/// Decoded records that may wait for the disk, in bytes; a stream that has more is not read.
const WAITING: usize = 8 << 20;
/// Acknowledgements that may wait.
const ANSWERS: usize = 4096;
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
    /// The ticket that Welcome waits for.
    opened: u64,
    lanes: HashMap<Lane, Flow>,
    contexts: HashMap<u32, Announced>,
    settled: watch::Receiver<Settled>,
    settings: watch::Receiver<Settings>,
    asked: watch::Receiver<()>,
    sent_away: u64,
    waiting: VecDeque<Waiting>,
    waiting_bytes: usize,
}

/// An acknowledgement that waits for the keeper.
#[derive(Debug)]
struct Waiting {
    ticket: u64,
    /// Not before this, when the collector is told to be slow.
    due: Instant,
    lane: Lane,
    through: u64,
    bytes: usize,
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
        let settings = collector.0.faults.watch();
        let (refuse, sent_away) = {
            let settings = settings.borrow();
            (settings.refuse, settings.sent_away.0)
        };
        let settled = collector.0.keeper.settled.clone();
        if refuse || settled.borrow().broken {
            return Err(GoAway { retry_after_ms: 1000, ..go_away(GoAwayReason::Shutdown, "the collector is closed") });
        }
        let opened = collector.0.ledger.open(producer, epoch, &lanes);
        for (lane, _) in &lanes {
            collector.0.replays.reopened(producer, &epoch, *lane);
        }
        let durability = collector.0.keeper.durability as i32;
        let codecs = [Codec::Zstd, Codec::Raw];
        let codec = codecs.into_iter().find(|c| hello.codecs.contains(&(*c as i32))).unwrap_or(Codec::Raw);
        let granted = |lane: Lane| if settings.borrow().starved.contains(&lane) { STARVED } else { window(lane) };
        let flows: HashMap<Lane, Flow> =
            lanes.iter().map(|(lane, _)| (*lane, Flow { received: 0, granted: granted(*lane) })).collect();
        let credit = |lane: &Lane| Credit { lane: *lane as i32, max_payload_bytes_total: flows[lane].granted };
        let welcome = Welcome {
            state: opened.state as i32,
            acks: opened
                .through
                .iter()
                .map(|&(lane, through_sequence)| Ack { lane: lane as i32, through_sequence, durability })
                .collect(),
            credits: lanes.iter().map(|(lane, _)| credit(lane)).collect(),
            max_frame_payload_bytes: MAX_FRAME_PAYLOAD as u32,
            server_time_unix_nanos: collector.now_nanos(),
            codec: codec as i32,
        };
        let session = Self {
            identity: identity.to_owned(),
            lanes: flows,
            contexts: HashMap::new(),
            grant: opened.grant,
            opened: opened.ticket,
            settled,
            settings,
            asked: collector.0.replays.watch(),
            sent_away,
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            collector,
        };
        Ok((session, welcome))
    }

    /// Completes when Welcome may be said: what it acknowledges is as durable as it says.
    pub(super) async fn welcome(&self) {
        self.until(self.opened).await;
    }

    /// Completes when what was queued through this ticket is settled. Never, if that is lost.
    async fn until(&self, ticket: u64) {
        let mut settled = self.settled.clone();
        let reached = |s: &Settled| s.life == self.grant.life && s.ticket >= ticket;
        if settled.wait_for(reached).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Completes when [`Session::ready`] has something to say.
    pub(super) async fn progress(&self) {
        let (mut settings, mut asked) = (self.settings.clone(), self.asked.clone());
        let acknowledge = async {
            match self.waiting.front() {
                Some(front) => {
                    self.until(front.ticket).await;
                    tokio::time::sleep_until(front.due).await;
                }
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = acknowledge => {}
            changed = settings.changed() => if changed.is_err() { std::future::pending().await },
            changed = asked.changed() => if changed.is_err() { std::future::pending().await },
        }
    }

    /// Whether more may be read.
    pub(super) fn has_room(&self) -> bool {
        self.waiting_bytes < WAITING && self.waiting.len() < ANSWERS
    }

    /// A message so large that it was not read, and with it the place where the next one begins.
    pub(super) fn flooded(&self) -> GoAway {
        self.raise("frame_oversize", "a message beyond what is read at all".to_owned());
        violation("a message is larger than anything that this collector reads")
    }

    /// What can be acknowledged now, one answer per lane; credit that is due again; and what is wanted once more.
    pub(super) fn ready(&mut self) -> Answers {
        let (sent_away, retry_after_ms) = self.settings.borrow_and_update().sent_away;
        if sent_away != self.sent_away {
            return Err(GoAway { retry_after_ms, ..go_away(GoAwayReason::Shutdown, "the collector shuts down") });
        }
        let settled = *self.settled.borrow();
        let now = Instant::now();
        let mut through: Vec<(Lane, u64)> = Vec::new();
        while let Some(front) = self.waiting.front() {
            if settled.life != self.grant.life || front.ticket > settled.ticket || front.due > now {
                break;
            }
            let Some(done) = self.waiting.pop_front() else { break };
            self.waiting_bytes -= done.bytes;
            match through.iter_mut().find(|(lane, _)| *lane == done.lane) {
                Some((_, known)) => *known = done.through.max(*known),
                None => through.push((done.lane, done.through)),
            }
        }
        let durability = self.collector.0.keeper.durability as i32;
        let ack = |(lane, through_sequence)| Response::Ack(Ack { lane: lane as i32, through_sequence, durability });
        let mut answers: Vec<Response> = through.into_iter().map(ack).collect();
        let lanes: Vec<Lane> = self.lanes.keys().copied().collect();
        answers.extend(lanes.iter().filter_map(|lane| self.more_credit(*lane)));
        self.asked.mark_unchanged();
        let (replays, grant) = (&self.collector.0.replays, &self.grant);
        let wanted = lanes.into_iter().filter_map(|lane| replays.due(&grant.producer, &grant.epoch, lane));
        answers.extend(wanted.map(Response::Replay));
        Ok(answers)
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
            Request::Frame(frame) => self.frame(frame),
            Request::Gap(gap) => self.gap(gap),
            Request::Replayed(frame) => self.replayed(frame),
            Request::ReplayGap(gap) => self.replay_gap(gap),
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

    /// An acknowledgement for later.
    fn wait(&mut self, ticket: u64, lane: Lane, through: u64, bytes: usize) {
        let delay = Duration::from_millis(self.settings.borrow().ack_delay_ms);
        self.waiting.push_back(Waiting { ticket, due: Instant::now() + delay, lane, through, bytes });
        self.waiting_bytes += bytes;
    }

    fn raise(&self, kind: &'static str, detail: String) {
        self.collector.0.security.raise(self.collector.now(), kind, &self.identity, detail);
    }

    fn flow(&mut self, lane: i32) -> Result<(Lane, &mut Flow), GoAway> {
        let lane = Lane::try_from(lane).map_err(|_| violation("there is no such lane"))?;
        let flow = self.lanes.get_mut(&lane).ok_or_else(|| violation("Hello did not name this lane"))?;
        Ok((lane, flow))
    }

    fn more_credit(&mut self, lane: Lane) -> Option<Response> {
        let starved = self.settings.borrow().starved.contains(&lane);
        let flow = self.lanes.get_mut(&lane)?;
        if starved || flow.granted.saturating_sub(flow.received) > window(lane) / 2 {
            return None;
        }
        flow.granted = flow.received + window(lane);
        Some(Response::Credit(Credit { lane: lane as i32, max_payload_bytes_total: flow.granted }))
    }
}

/// The credit of a lane.
fn window(lane: Lane) -> u64 {
    if lane == Lane::Safety { SAFETY_WINDOW } else { WINDOW }
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
