//! Records out: what to send next on a stream, and what each answer means.

use gladhand_documents::telemetry::frame::checksum;
use gladhand_documents::telemetry::wire::stream_request::Message;
use gladhand_documents::telemetry::wire::{
    Ack, Codec, Credit, DropReason, Frame, Hello, Nack, NackReason, ResumeState, Welcome,
};

use super::flow::{Stream, UnderWay};
use super::item::{Body, Item};
use super::policy::{LANES, MAX_PAYLOAD};
use super::sender::{Sender, index};

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
    /// The collector acknowledges what was never sent: begin a new epoch ([`Sender::restart`]), then open again.
    UnknownAcknowledgement,
    /// The collector refuses the same again and again: wait, then open again.
    Stuck(String),
}

impl Sender {
    /// The first message of a stream.
    pub fn hello(&self, stream: Stream) -> Hello {
        Hello {
            producer_id: self.producer.clone(),
            epoch: self.epoch.to_vec(),
            protocol_version: PROTOCOL_VERSION,
            lanes: self.lanes[stream.lanes()].iter().map(super::lane::LaneQueue::hello).collect(),
            codecs: vec![Codec::Zstd as i32, Codec::Raw as i32],
        }
    }

    /// Welcome came: the stream is open.
    pub fn opened(&mut self, stream: Stream, welcome: &Welcome, now_ms: u64) -> Result<Opened, Setback> {
        self.closed(stream);
        let link = &mut self.links[stream as usize];
        link.codec = welcome.codec();
        link.max_payload = MAX_PAYLOAD.min(welcome.max_frame_payload_bytes as usize);
        link.refusals = 0;
        for ack in welcome.acks.iter().filter(|ack| Stream::of(ack.lane()) == stream) {
            self.acknowledged(ack, now_ms)?;
        }
        for queue in &mut self.lanes[stream.lanes()] {
            queue.sent_through = queue.released_through();
        }
        for credit in welcome.credits.iter().filter(|credit| Stream::of(credit.lane()) == stream) {
            self.credited(credit);
        }
        Ok(Opened { state: welcome.state(), server_time_unix_nanos: welcome.server_time_unix_nanos })
    }

    /// The stream is gone. What was not acknowledged will be sent again.
    pub fn closed(&mut self, stream: Stream) {
        self.links[stream as usize].reset();
        for (queue, flow) in self.lanes[stream.lanes()].iter_mut().zip(&mut self.flows[stream.lanes()]) {
            queue.sent_through = queue.released_through();
            flow.reset();
        }
    }

    /// The next message, most urgent lane first, and what was asked for once more last; nothing while there is nothing to send
    /// or no credit to send it.
    pub fn next(&mut self, stream: Stream, now_ms: u64) -> Option<Message> {
        let new = stream.lanes().find_map(|index| self.next_of(stream, index, now_ms));
        new.or_else(|| stream.lanes().find_map(|index| self.next_again(stream, index, now_ms)))
    }

    fn next_of(&mut self, stream: Stream, index: usize, now_ms: u64) -> Option<Message> {
        loop {
            let queue = &mut self.lanes[index];
            let at = queue.items.partition_point(|item| item.first() <= queue.sent_through);
            match queue.items.get_mut(at)? {
                Item::Gap(gap) => {
                    let news = !std::mem::replace(&mut gap.settled, true);
                    let notice = gap.notice.clone();
                    queue.sent_through = notice.last_sequence;
                    queue.highest_sent = queue.highest_sent.max(notice.last_sequence);
                    if news {
                        // From here on the collector counts it as lost; so must whoever comes after this process.
                        self.declare(index, notice.last_sequence, true);
                    }
                    return Some(Message::Gap(notice));
                }
                Item::Frame(frame) => {
                    let first = frame.first;
                    let too_large = frame.payload_bytes as usize > self.links[stream as usize].max_payload;
                    let lost = if too_large {
                        DropReason::RecordTooLarge
                    } else if self.prepare(stream, index, at) {
                        return self.offer(stream, index, at, now_ms);
                    } else {
                        DropReason::SpoolCorrupt
                    };
                    let dropped = self.lanes[index].drop_frame(first, lost, &self.contexts);
                    self.went(index, dropped);
                }
            }
        }
    }

    /// Reads and compresses a frame, once. `false` if its bytes are damaged.
    fn prepare(&mut self, stream: Stream, index: usize, at: usize) -> bool {
        let Some(Item::Frame(frame)) = self.lanes[index].items.get(at) else { return false };
        let flow = &mut self.flows[index];
        if flow.prepared.as_ref().is_some_and(|ready| ready.first_sequence == frame.first && ready.count == frame.count)
        {
            return true;
        }
        let stored;
        let payload: &[u8] = match (&frame.body, &mut self.backlog) {
            (Body::Memory(payload), _) => payload,
            (Body::Stored(place), Some(backlog)) => match backlog.read(LANES[index], *place) {
                Ok(payload) => {
                    stored = payload;
                    &stored
                }
                Err(why) => {
                    self.trouble = Some(why);
                    return false;
                }
            },
            (Body::Stored(_), None) => return false,
        };
        let (codec, compressed) = self.compressor.compress(payload, self.links[stream as usize].codec);
        let sum =
            frame.checksum.unwrap_or_else(|| checksum(&self.epoch, LANES[index], frame.first, frame.count, payload));
        flow.prepared = Some(Frame {
            lane: LANES[index] as i32,
            first_sequence: frame.first,
            count: frame.count,
            codec: codec as i32,
            checksum_crc32c: sum,
            payload: compressed.to_vec(),
        });
        true
    }

    /// The prepared frame or a context that it needs first, if credit and window allow.
    fn offer(&mut self, stream: Stream, index: usize, at: usize, now_ms: u64) -> Option<Message> {
        let (link, flow, queue) = (&mut self.links[stream as usize], &mut self.flows[index], &mut self.lanes[index]);
        let bytes = flow.prepared.as_ref()?.payload.len() as u64;
        if flow.sent_bytes + bytes > flow.credit_bytes {
            flow.blocked(now_ms);
            return None;
        }
        if stream == Stream::Others && !link.window.allows(bytes) {
            return None;
        }
        let Some(Item::Frame(frame)) = queue.items.get(at) else { return None };
        if let Some(id) = frame.context_ids.iter().find(|id| !link.announced.contains(id)) {
            link.announced.insert(*id);
            if let Some(context) = self.contexts.message(*id) {
                return Some(Message::Context(context));
            }
        }
        flow.unblocked(now_ms);
        let last = frame.last();
        flow.sent_bytes += bytes;
        flow.under_way.push_back(UnderWay { last, bytes, mark: link.window.sent(bytes, now_ms) });
        queue.sent_through = last;
        queue.highest_sent = queue.highest_sent.max(last);
        flow.prepared.take().map(Message::Frame)
    }

    /// An acknowledgement came.
    pub fn acknowledged(&mut self, ack: &Ack, now_ms: u64) -> Result<(), Setback> {
        let Ok(index) = index(ack.lane()) else { return Ok(()) };
        let (link, flow) = (&mut self.links[Stream::of(ack.lane()) as usize], &mut self.flows[index]);
        let queue = &mut self.lanes[index];
        // What was never sent cannot have arrived: to let it go would lose it silently.
        if ack.through_sequence > queue.highest_sent {
            return Err(Setback::UnknownAcknowledgement);
        }
        let mut arrived = None;
        while flow.under_way.front().is_some_and(|sent| sent.last <= ack.through_sequence) {
            let Some(sent) = flow.under_way.pop_front() else { break };
            arrived = Some((arrived.map_or(0, |(bytes, _)| bytes) + sent.bytes, sent.mark));
        }
        if let Some((bytes, mark)) = arrived {
            link.window.arrived(bytes, mark, now_ms);
        }
        if ack.through_sequence > queue.released_through() {
            link.refusals = 0;
        }
        if ack.durability < link.durability as i32 {
            return Ok(());
        }
        if ack.through_sequence <= queue.released_through() {
            return Ok(());
        }
        let places = queue.acknowledge(ack.through_sequence);
        queue.sent_through = queue.sent_through.max(queue.released_through());
        self.settle(index);
        self.release(LANES[index], places);
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
        let link = &mut self.links[Stream::of(nack.lane()) as usize];
        link.refusals += 1;
        if link.refusals > MAX_REFUSALS {
            return Err(Setback::Stuck(format!("{}: {}", nack.reason().as_str_name(), nack.detail)));
        }
        if nack.reason() == NackReason::ContextUnknown {
            link.announced.clear();
        }
        if !nack.retryable {
            let dropped =
                self.lanes[index].drop_frame(nack.first_sequence, DropReason::RejectedByServer, &self.contexts);
            self.went(index, dropped);
        }
        let (queue, flow) = (&mut self.lanes[index], &mut self.flows[index]);
        // Everything from there on will have been refused as out of order.
        let expected = if nack.retryable { nack.expected_sequence } else { nack.first_sequence };
        let through = expected.saturating_sub(1).max(queue.released_through());
        if through < queue.sent_through {
            queue.sent_through = through;
            let window = &mut self.links[Stream::of(nack.lane()) as usize].window;
            flow.under_way.retain(|sent| {
                let stays = sent.last <= through;
                if !stays {
                    window.taken_back(sent.bytes);
                }
                stays
            });
        }
        Ok(())
    }
}
