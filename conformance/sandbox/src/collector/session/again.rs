//! Answers of a gateway that was asked for sequences once more.

use gladhand_documents::telemetry::Lane;
use gladhand_documents::telemetry::frame::checksum;
use gladhand_documents::telemetry::wire::{Frame, ReplayGap};

use super::super::MAX_FRAME_PAYLOAD;
use super::super::entry::Known;
use super::super::payload;
use super::{Answers, Session, violation};

impl Session {
    /// A frame once more.
    pub(super) fn replayed(&mut self, frame: Frame) -> Answers {
        let (lane, flow) = self.flow(frame.lane)?;
        flow.received += frame.payload.len() as u64;
        if flow.received > flow.granted {
            return Err(violation("more was sent once more than credit allows"));
        }
        let (first, end) = (frame.first_sequence, frame.first_sequence.checked_add(frame.count.into()));
        let Some(last) = end.and_then(|end| end.checked_sub(1)).filter(|last| first > 0 && *last >= first) else {
            return Err(violation("a frame has at least one record, and sequences start at 1"));
        };
        let came = self.is_as_it_was(lane, &frame);
        self.answered(lane, (first, last), came)
    }

    /// What is not held any more.
    pub(super) fn replay_gap(&mut self, gap: ReplayGap) -> Answers {
        let (lane, _) = self.flow(gap.lane)?;
        self.answered(lane, (gap.first_sequence, gap.last_sequence), false)
    }

    fn answered(&mut self, lane: Lane, range: (u64, u64), came: bool) -> Answers {
        let (producer, epoch) = (&self.grant.producer, &self.grant.epoch);
        if !self.collector.0.replays.answered(producer, epoch, lane, range, came) {
            return Err(violation("nobody asked for these sequences once more"));
        }
        self.ready()
    }

    /// Whether it is whole and what came the first time.
    fn is_as_it_was(&self, lane: Lane, frame: &Frame) -> bool {
        let (first, count, sum) = (frame.first_sequence, frame.count, frame.checksum_crc32c);
        let Ok(payload) = payload::open(&frame.payload, frame.codec(), MAX_FRAME_PAYLOAD) else { return false };
        if checksum(&self.grant.epoch, lane, first, count, &payload) != sum {
            return false;
        }
        if !self.collector.0.ledger.agrees(&self.grant, lane, Known { first, count, checksum: sum }) {
            self.raise("sequence_reused", format!("{lane:?} {first}+{count} came once more with other content"));
            return false;
        }
        self.decode(lane, frame, &payload).is_ok()
    }
}
