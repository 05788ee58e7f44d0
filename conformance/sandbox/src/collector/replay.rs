//! What gateways are asked to send once more, and what they answered: for operators whose own systems missed it. It went through
//! the ledger already, so followers get none of it again.

use std::sync::{Mutex, MutexGuard, PoisonError};

use gladhand_documents::telemetry::Lane;
use gladhand_documents::telemetry::frame::Epoch;
use gladhand_documents::telemetry::wire::Replay;
use tokio::sync::watch;

/// Requests remembered; beyond it the oldest goes.
const KEPT: usize = 64;
/// The most sequences that a gateway answers at once.
const MOST: u64 = 4096;

/// A request for sequences of one lane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The producer.
    pub producer: String,
    /// Its epoch.
    pub epoch: Epoch,
    /// The lane.
    pub lane: Lane,
    /// The first sequence.
    pub first: u64,
    /// The last one.
    pub last: u64,
    /// What came, as it had come before.
    pub arrived: Vec<(u64, u64)>,
    /// What the gateway does not hold any more, or holds damaged.
    pub missing: Vec<(u64, u64)>,
    /// The first sequence that nothing was answered of yet.
    next: u64,
    /// Through where the present stream was asked.
    asked_through: u64,
}

impl Wanted {
    /// Whether everything was answered.
    pub fn is_answered(&self) -> bool {
        self.next > self.last
    }

    fn is_of(&self, producer: &str, epoch: &Epoch, lane: Lane) -> bool {
        !self.is_answered() && self.producer == producer && self.epoch == *epoch && self.lane == lane
    }
}

/// All of them, in the order in which they were made.
#[derive(Debug, Default)]
pub(super) struct Replays {
    wanted: Mutex<Vec<Wanted>>,
    asked: watch::Sender<()>,
}

impl Replays {
    fn wanted(&self) -> MutexGuard<'_, Vec<Wanted>> {
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn all(&self) -> Vec<Wanted> {
        self.wanted().clone()
    }

    pub(super) fn watch(&self) -> watch::Receiver<()> {
        self.asked.subscribe()
    }

    pub(super) fn ask(&self, producer: &str, epoch: Epoch, lane: Lane, first: u64, last: u64) {
        let mut wanted = self.wanted();
        if wanted.len() == KEPT {
            wanted.remove(0);
        }
        let (arrived, missing) = (Vec::new(), Vec::new());
        let producer = producer.to_owned();
        wanted.push(Wanted { producer, epoch, lane, first, last, arrived, missing, next: first, asked_through: 0 });
        drop(wanted);
        self.asked.send_modify(|()| {});
    }

    /// A new stream has this lane: what the one before was asked is forgotten.
    pub(super) fn reopened(&self, producer: &str, epoch: &Epoch, lane: Lane) {
        for wanted in self.wanted().iter_mut().filter(|wanted| wanted.is_of(producer, epoch, lane)) {
            wanted.asked_through = 0;
        }
    }

    /// What to ask of a lane now: nothing while an answer is on its way.
    pub(super) fn due(&self, producer: &str, epoch: &Epoch, lane: Lane) -> Option<Replay> {
        let mut all = self.wanted();
        let wanted = all.iter_mut().find(|wanted| wanted.is_of(producer, epoch, lane))?;
        if wanted.asked_through >= wanted.next {
            return None;
        }
        wanted.asked_through = wanted.last.min(wanted.next.saturating_add(MOST - 1));
        Some(Replay { lane: lane as i32, first_sequence: wanted.next, last_sequence: wanted.asked_through })
    }

    /// An answer for these sequences. `false` if nobody asked for them, or others come first.
    pub(super) fn answered(
        &self,
        producer: &str,
        epoch: &Epoch,
        lane: Lane,
        (first, last): (u64, u64),
        came: bool,
    ) -> bool {
        let mut all = self.wanted();
        let Some(wanted) = all.iter_mut().find(|wanted| wanted.is_of(producer, epoch, lane)) else { return false };
        if wanted.asked_through < wanted.next || first > wanted.next || last < wanted.next {
            return false;
        }
        // Frames come whole, and may begin before and end behind what was asked for.
        let range = (wanted.next, last.min(wanted.asked_through));
        wanted.next = range.1 + 1;
        let ranges = if came { &mut wanted.arrived } else { &mut wanted.missing };
        match ranges.last_mut() {
            Some((_, end)) if *end + 1 == range.0 => *end = range.1,
            _ => ranges.push(range),
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EPOCH: Epoch = [1; 16];

    #[test]
    fn a_long_range_is_asked_for_in_pieces_and_each_answer_in_its_place() {
        let replays = Replays::default();
        replays.ask("edge-1", EPOCH, Lane::Safety, 3, 5000);
        let answered = |first, last, came| replays.answered("edge-1", &EPOCH, Lane::Safety, (first, last), came);
        assert!(!answered(3, 4, true), "it was not asked yet");
        assert_eq!(replays.due("edge-1", &[2; 16], Lane::Safety), None);
        let due = || replays.due("edge-1", &EPOCH, Lane::Safety).map(|ask| (ask.first_sequence, ask.last_sequence));
        assert_eq!(due(), Some((3, 4098)));
        assert_eq!(due(), None, "the answer is on its way");
        assert!(answered(3, 100, false));
        assert!(!answered(102, 103, true), "101 comes first");
        assert!(answered(95, 110, true));
        replays.reopened("edge-1", &EPOCH, Lane::Safety);
        assert_eq!(due(), Some((111, 4206)));
        assert!(answered(111, 4210, true));
        assert_eq!(due(), Some((4207, 5000)));
        assert!(answered(4207, 6000, true));
        assert_eq!(due(), None);
        let all = replays.all();
        assert!(all[0].is_answered());
        assert_eq!((all[0].arrived.as_slice(), all[0].missing.as_slice()), (&[(101, 5000)][..], &[(3, 100)][..]));
    }
}
