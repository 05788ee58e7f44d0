//! Where an event belongs in a tender's history (contract 4e).

/// At most so many events of one tender wait for a gap to close; beyond it they are dropped and pulled.
pub const MAX_PARKED: usize = 1000;

/// What to do with an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// It is the next one: apply it, then what is parked behind it.
    Apply,
    /// The same bytes are there already: count it, answer 2xx.
    Duplicate,
    /// It is early: keep it until the gap closes.
    Park,
    /// It is early and too many wait already: drop it, the feed has it.
    Drop,
    /// Its sequence or id was used with other bytes: quarantine it and freeze the tender.
    Reused,
}

/// What is known when an event arrives.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// The last sequence applied; 0 for none.
    pub last: u64,
    /// The digest stored at the event's sequence, or under its id, if any: applied, parked or quarantined.
    pub stored: Option<&'a [u8; 32]>,
    /// How many events of the tender are parked.
    pub parked: usize,
}

/// Decides where the event with this sequence and digest belongs.
pub fn place(known: Known<'_>, sequence: u64, digest: &[u8; 32]) -> Place {
    match known.stored {
        Some(stored) if stored == digest => Place::Duplicate,
        Some(_) => Place::Reused,
        // Applied from a snapshot or erased since: nothing to compare with, and nothing to apply.
        None if sequence <= known.last => Place::Duplicate,
        None if sequence == known.last + 1 => Place::Apply,
        None if known.parked >= MAX_PARKED => Place::Drop,
        None => Place::Park,
    }
}

#[cfg(test)]
#[path = "order_tests.rs"]
mod interleavings;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_arrival_has_one_place() {
        let (a, b) = ([1; 32], [2; 32]);
        let known = |last, stored, parked| Known { last, stored, parked };
        assert_eq!(place(known(0, None, 0), 1, &a), Place::Apply);
        assert_eq!(place(known(1, Some(&a), 0), 1, &a), Place::Duplicate);
        assert_eq!(place(known(1, Some(&a), 0), 1, &b), Place::Reused);
        assert_eq!(place(known(1, None, 0), 3, &a), Place::Park);
        assert_eq!(place(known(1, Some(&a), 1), 3, &a), Place::Duplicate);
        assert_eq!(place(known(1, Some(&b), 1), 3, &a), Place::Reused);
        assert_eq!(place(known(1, None, MAX_PARKED), 3, &a), Place::Drop);
        assert_eq!(place(known(1, None, MAX_PARKED), 2, &a), Place::Apply);
    }
}
