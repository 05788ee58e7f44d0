//! Frames and declared losses on a stream: what is refused, and how; what is booked.

use gladhand_documents::telemetry::frame::checksum;
use gladhand_documents::telemetry::wire::stream_response::Message as Response;
use gladhand_documents::telemetry::wire::{Frame, GapNotice, GoAway, Nack, NackReason, StreamContext};
use gladhand_documents::telemetry::{Lane, Record, batch};

use super::super::MAX_FRAME_PAYLOAD;
use super::super::entry::Arrived;
use super::super::ledger::{Verdict, key};
use super::super::payload::{self, Closed};
use super::{Announced, Answers, Session, go_away, violation};

#[derive(Debug)]
pub(super) enum Refused {
    Nack(Nack),
    End(GoAway),
}

impl Session {
    pub(super) fn frame(&mut self, mut frame: Frame) -> Answers {
        let (lane, flow) = self.flow(frame.lane)?;
        flow.received += frame.payload.len() as u64;
        let over_credit = flow.received > flow.granted;
        if frame.first_sequence == 0 || frame.first_sequence.checked_add(u64::from(frame.count)).is_none() {
            return Err(violation("sequences start at 1"));
        }
        if frame.count == 0 {
            return Err(violation("a frame has at least one record"));
        }
        if self.collector.0.faults.corrupts()
            && let Some(byte) = frame.payload.last_mut()
        {
            *byte ^= 1;
        }
        let refused = match self.receive(lane, frame, over_credit) {
            Ok(()) => None,
            Err(Refused::Nack(nack)) => Some(Response::Nack(nack)),
            Err(Refused::End(end)) => return Err(end),
        };
        let mut answers = self.ready()?;
        answers.extend(refused);
        Ok(answers)
    }

    fn receive(&mut self, lane: Lane, mut frame: Frame, over_credit: bool) -> Result<(), Refused> {
        let (first, count) = (frame.first_sequence, frame.count);
        let refuse = |session: &Self, reason, retryable, detail: &str| {
            Err(session.refuse(lane, first, reason, retryable, detail))
        };
        if frame.payload.len() > MAX_FRAME_PAYLOAD {
            let detail = format!("{lane:?} {first}+{count} has {} bytes of payload", frame.payload.len());
            self.raise("frame_oversize", detail);
            return refuse(self, NackReason::TooLarge, false, "a payload has at most 65536 bytes");
        }
        if over_credit {
            return refuse(self, NackReason::OverCredit, true, "more was sent than credit allows");
        }
        if let Some(reason) = self.collector.0.faults.next_nack() {
            return refuse(self, reason, may_come_again(reason), "the collector was told to refuse it");
        }
        let payload = match payload::open(&frame.payload, frame.codec(), MAX_FRAME_PAYLOAD) {
            Ok(payload) => payload,
            Err(Closed::Damaged) => {
                return refuse(self, NackReason::ChecksumMismatch, true, "damaged on the way");
            }
            Err(Closed::TooLarge) => {
                let detail = format!("{lane:?} {first}+{count}: {} bytes unfold beyond the limit", frame.payload.len());
                self.raise("frame_bomb", detail);
                return refuse(self, NackReason::TooLarge, false, "a payload has at most 65536 bytes, uncompressed");
            }
            Err(Closed::UnknownCodec) => return refuse(self, NackReason::Malformed, false, "the codec is unknown"),
        };
        let sum = checksum(&self.grant.epoch, lane, first, count, &payload);
        if sum != frame.checksum_crc32c {
            let stated = frame.checksum_crc32c;
            if self.collector.0.ledger.made_elsewhere(lane, first, count, stated, &payload) {
                self.raise("frame_replayed", format!("{lane:?} {first}+{count} was made for another epoch or lane"));
                return refuse(self, NackReason::ChecksumMismatch, false, "made for another epoch or lane");
            }
            return refuse(self, NackReason::ChecksumMismatch, true, "damaged on the way");
        }
        // Only a frame that will be delivered is worth decoding.
        let (records, contexts) = if self.collector.0.ledger.expects(&self.grant, lane, first) {
            self.decode(lane, &frame, &payload)?
        } else {
            Default::default()
        };
        let bytes = payload.len() + records.iter().map(size).sum::<usize>();
        frame.lane = lane as i32;
        let arrived = Arrived {
            key: key(&self.grant.producer, &self.grant.epoch, lane),
            frame,
            contexts,
            received_unix_nanos: self.collector.now_nanos(),
        };
        match self.collector.0.ledger.frame(&self.grant, arrived, records) {
            Verdict::Booked { ticket, through } => {
                self.wait(ticket, lane, through, bytes);
                Ok(())
            }
            Verdict::OutOfOrder => refuse(self, NackReason::OutOfOrder, true, "earlier sequences are missing"),
            Verdict::Reused => {
                self.raise("sequence_reused", format!("{lane:?} {first}+{count} came with other content"));
                refuse(self, NackReason::SequenceReused, false, "these sequences were delivered with other content")
            }
            Verdict::Lost(reason) => Err(Refused::End(go_away(reason, "the stream lost its lanes"))),
        }
    }

    pub(super) fn decode(
        &self,
        lane: Lane,
        frame: &Frame,
        payload: &[u8],
    ) -> Result<(Vec<Record>, Vec<StreamContext>), Refused> {
        let refuse =
            |reason, retryable, detail: &str| Err(self.refuse(lane, frame.first_sequence, reason, retryable, detail));
        let (unknown, used) = (std::cell::Cell::new(false), std::cell::RefCell::new(Vec::new()));
        let find = |id| {
            let announced = self.contexts.get(&id);
            unknown.set(unknown.get() || announced.is_none());
            used.borrow_mut().push(id);
            announced.map(|a| a.context.clone())
        };
        let records = match batch::from_bytes(payload, find) {
            Ok(records) if records.len() == frame.count as usize => records,
            Ok(_) => return refuse(NackReason::Malformed, false, "the batch has another count than the frame"),
            Err(_) if unknown.get() => return refuse(NackReason::ContextUnknown, true, "announce the context first"),
            Err(error) => return refuse(NackReason::Malformed, false, error.message()),
        };
        let mut used = used.into_inner();
        used.sort_unstable();
        used.dedup();
        let contexts: Vec<(u32, &Announced)> =
            used.iter().filter_map(|id| Some((*id, self.contexts.get(id)?))).collect();
        if contexts.iter().any(|(_, announced)| !announced.registered) {
            return refuse(NackReason::Unauthorized, false, "the vehicle is not registered to this producer");
        }
        Ok((records, contexts.into_iter().map(|(id, announced)| announced.context.to_wire(id)).collect()))
    }

    pub(super) fn gap(&mut self, gap: GapNotice) -> Answers {
        let (lane, _) = self.flow(gap.lane)?;
        let first = gap.first_sequence;
        if first == 0 || gap.last_sequence < first {
            return Err(violation("a gap has a first and a last sequence, from 1"));
        }
        tracing::info!(producer = self.grant.producer, ?lane, ?gap, "declared loss");
        match self.collector.0.ledger.gap(&self.grant, gap) {
            Verdict::Booked { ticket, through } => {
                self.wait(ticket, lane, through, 0);
                self.ready()
            }
            Verdict::OutOfOrder => {
                let detail = "earlier sequences are missing";
                match self.refuse(lane, first, NackReason::OutOfOrder, true, detail) {
                    Refused::Nack(nack) => Ok(vec![Response::Nack(nack)]),
                    Refused::End(end) => Err(end),
                }
            }
            Verdict::Reused => Err(violation("a gap never replaces what was delivered")),
            Verdict::Lost(reason) => Err(go_away(reason, "the stream lost its lanes")),
        }
    }

    fn refuse(&self, lane: Lane, first_sequence: u64, reason: NackReason, retryable: bool, detail: &str) -> Refused {
        Refused::Nack(Nack {
            lane: lane as i32,
            first_sequence,
            reason: reason as i32,
            retryable,
            retry_after_ms: 0,
            expected_sequence: self.collector.0.ledger.through(&self.grant, lane) + 1,
            detail: detail.to_owned(),
        })
    }
}

/// What a record takes while it waits, roughly.
fn size(record: &Record) -> usize {
    size_of::<Record>() + 16 * record.sensor_health.len() + 64 * record.faults.len()
}

/// Whether a frame that was refused for this reason is in order, and may come again.
fn may_come_again(reason: NackReason) -> bool {
    matches!(
        reason,
        NackReason::ChecksumMismatch | NackReason::OutOfOrder | NackReason::ContextUnknown | NackReason::OverCredit
    )
}
