//! What ever happened, whatever became of the log since: what tests judge by. Bounded: the newest are kept, and a reader is
//! told how many are gone.

use std::collections::VecDeque;

use jiff::Timestamp;

use crate::state::tender::Key;

/// Events kept.
const KEPT: usize = 1 << 18;

/// An event that was recorded.
#[derive(Clone, Debug)]
pub struct Happened {
    /// When, by the machine's clock, which all carriers of a test share and no profile sets wrong.
    pub at: Timestamp,
    /// The load.
    pub load_id: String,
    /// The tender.
    pub key: Key,
    /// Which event of its log.
    pub sequence: u64,
    /// The event's type.
    pub kind: String,
}

/// All that is kept; numbers count from 0 and are never reused.
#[derive(Debug, Default)]
pub struct Ledger {
    kept: VecDeque<Happened>,
    gone: u64,
}

/// Some of it.
pub struct Page<'a> {
    /// The events, oldest first.
    pub events: Vec<&'a Happened>,
    /// The number that follows the last of them.
    pub next: u64,
    /// How many that were asked for are not kept any more.
    pub lost: u64,
}

impl Ledger {
    /// Notes an event.
    pub fn note(&mut self, event: Happened) {
        if self.kept.len() == KEPT {
            self.kept.pop_front();
            self.gone += 1;
        }
        self.kept.push_back(event);
    }

    /// At most `limit` events from this number on.
    pub fn page(&self, from: u64, limit: usize) -> Page<'_> {
        let begin = from.clamp(self.gone, self.gone + self.kept.len() as u64);
        let skip = usize::try_from(begin - self.gone).unwrap_or(usize::MAX);
        let events: Vec<&Happened> = self.kept.iter().skip(skip).take(limit).collect();
        Page { next: begin + events.len() as u64, lost: begin.saturating_sub(from), events }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_are_kept_and_a_reader_learns_what_is_gone() {
        let mut ledger = Ledger::default();
        let key = Key { tenant: "acme".to_owned(), tender_id: "t-1".to_owned() };
        for sequence in 0..KEPT as u64 + 3 {
            let (load_id, kind) = (String::new(), String::new());
            ledger.note(Happened { at: Timestamp::UNIX_EPOCH, load_id, key: key.clone(), sequence, kind });
        }
        let page = ledger.page(1, 2);
        assert_eq!((page.lost, page.next), (2, 5));
        assert_eq!(page.events.iter().map(|e| e.sequence).collect::<Vec<_>>(), [3, 4]);
        let last = ledger.page(KEPT as u64 + 2, 9);
        assert_eq!((last.events.len(), last.lost, last.next), (1, 0, KEPT as u64 + 3));
        let beyond = ledger.page(u64::MAX, 9);
        assert_eq!((beyond.events.len(), beyond.lost, beyond.next), (0, 0, KEPT as u64 + 3));
    }
}
