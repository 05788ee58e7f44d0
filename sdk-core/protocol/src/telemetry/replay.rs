//! Records once more: the collector asks for acknowledged sequences, and gets what the backlog still holds of them.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use gladhand_documents::telemetry::Context;
use gladhand_documents::telemetry::frame::checksum;
use gladhand_documents::telemetry::wire::stream_request::Message;
use gladhand_documents::telemetry::wire::{Frame, Replay, ReplayGap};

use super::backlog::RecoveredFrame;
use super::flow::Stream;
use super::policy::LANES;
use super::sender::{Sender, index};

/// The most sequences that one request is answered for: what is remembered of an answer is bounded.
const MOST: u64 = 4096;

/// An answer in the making.
#[derive(Debug)]
pub(super) struct Answer {
    /// The first sequence that nothing was said of yet.
    next: u64,
    last: u64,
    /// Ascending; those that the backlog still had when it was asked.
    frames: VecDeque<RecoveredFrame>,
    contexts: HashMap<u32, Arc<Context>>,
    /// The first of the frames, read and compressed, while it waits for credit.
    prepared: Option<Frame>,
}

impl Sender {
    /// The collector asks for sequences once more. [`Sender::next`] answers behind everything that is new, on this stream: with
    /// the frames that are still held, whole even if only a part was asked for, and with gaps for the rest.
    pub fn replay(&mut self, wanted: &Replay) {
        let Ok(index) = index(wanted.lane()) else { return };
        let first = wanted.first_sequence.max(1);
        // What is not acknowledged comes by itself.
        let through = self.lanes[index].released_through();
        let last = wanted.last_sequence.min(through).min(first.saturating_add(MOST - 1));
        if first > last {
            return;
        }
        let held = self.backlog.as_mut().map(|backlog| backlog.held(LANES[index], first, last)).unwrap_or_default();
        let mut frames = held.frames;
        frames.sort_by_key(|frame| frame.first);
        self.flows[index].replay = Some(Answer {
            next: first,
            last,
            frames: frames.into(),
            contexts: held.contexts.into_iter().collect(),
            prepared: None,
        });
    }

    /// The next message of an answer, if credit allows.
    pub(super) fn next_again(&mut self, stream: Stream, index: usize, now_ms: u64) -> Option<Message> {
        loop {
            let answer = self.flows[index].replay.as_mut()?;
            if answer.next > answer.last {
                self.flows[index].replay = None;
                return None;
            }
            while answer.frames.front().is_some_and(|frame| end_of(frame) <= answer.next) {
                answer.frames.pop_front();
            }
            match answer.frames.front() {
                Some(frame) if frame.first <= answer.next => {
                    if self.prepare_again(stream, index) {
                        return self.offer_again(stream, index, now_ms);
                    }
                    // It went meanwhile, or is damaged.
                    let answer = self.flows[index].replay.as_mut()?;
                    answer.frames.pop_front();
                }
                behind => {
                    let last = behind.map_or(answer.last, |frame| answer.last.min(frame.first - 1));
                    let first = std::mem::replace(&mut answer.next, last + 1);
                    let lane = LANES[index] as i32;
                    return Some(Message::ReplayGap(ReplayGap { lane, first_sequence: first, last_sequence: last }));
                }
            }
        }
    }

    /// Reads and compresses the first frame of an answer, once. `false` if there is nothing to read.
    fn prepare_again(&mut self, stream: Stream, index: usize) -> bool {
        let (Some(answer), Some(backlog)) = (&mut self.flows[index].replay, &mut self.backlog) else { return false };
        if answer.prepared.is_some() {
            return true;
        }
        let Some(frame) = answer.frames.front() else { return false };
        let (lane, link) = (LANES[index], &self.links[stream as usize]);
        let Ok(payload) = backlog.read(lane, frame.place) else { return false };
        if payload.len() > link.max_payload {
            return false;
        }
        let sum = || checksum(&self.epoch, lane, frame.first, frame.count, &payload);
        let checksum_crc32c = frame.checksum.unwrap_or_else(sum);
        let (codec, compressed) = self.compressor.compress(&payload, link.codec);
        answer.prepared = Some(Frame {
            lane: lane as i32,
            first_sequence: frame.first,
            count: frame.count,
            codec: codec as i32,
            checksum_crc32c,
            payload: compressed.to_vec(),
        });
        true
    }

    /// The prepared frame or a context that it needs first. It is never acknowledged, so the window does not count it.
    fn offer_again(&mut self, stream: Stream, index: usize, now_ms: u64) -> Option<Message> {
        let (link, flow) = (&mut self.links[stream as usize], &mut self.flows[index]);
        let answer = flow.replay.as_mut()?;
        let bytes = answer.prepared.as_ref()?.payload.len() as u64;
        if flow.sent_bytes + bytes > flow.credit_bytes {
            flow.blocked(now_ms);
            return None;
        }
        let frame = answer.frames.front()?;
        if let Some(id) = frame.context_ids.iter().find(|id| !link.announced.contains(id)) {
            link.announced.insert(*id);
            if let Some(context) = answer.contexts.get(id) {
                return Some(Message::Context(context.to_wire(*id)));
            }
        }
        answer.next = end_of(frame);
        flow.sent_bytes += bytes;
        let message = answer.prepared.take().map(Message::Replayed);
        flow.unblocked(now_ms);
        message
    }
}

/// The sequence behind a frame.
fn end_of(frame: &RecoveredFrame) -> u64 {
    frame.first.saturating_add(u64::from(frame.count))
}
