//! The state machine of a tender as the carrier keeps it (contract 4a, 4b), written down a second time on purpose.

use gladhand_documents::error::Code;
use serde_json::json;

use crate::problem::{Problem, Result};

/// The state of a tender at the carrier; `offer` exists in the TMS's view only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum State {
    Pending,
    Countered,
    Accepted,
    Rejected,
    Expired,
    Withdrawn,
    Dispatched,
    Enroute,
    Delivered,
    Cancelled,
    Aborted,
}

use State::{
    Aborted, Accepted, Cancelled, Countered, Delivered, Dispatched, Enroute, Expired, Pending, Rejected, Withdrawn,
};

impl State {
    /// Every state.
    pub const ALL: [Self; 11] = [
        Pending, Countered, Accepted, Rejected, Expired, Withdrawn, Dispatched, Enroute, Delivered, Cancelled, Aborted,
    ];

    /// As the contract writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Pending => "pending",
            Countered => "countered",
            Accepted => "accepted",
            Rejected => "rejected",
            Expired => "expired",
            Withdrawn => "withdrawn",
            Dispatched => "dispatched",
            Enroute => "enroute",
            Delivered => "delivered",
            Cancelled => "cancelled",
            Aborted => "aborted",
        }
    }

    /// The state of this name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }

    /// Where it may go next (contract 4b, rows 4 to 17; `pending` from `pending` is a revision).
    pub const fn next(self) -> &'static [Self] {
        match self {
            Pending => &[Pending, Accepted, Rejected, Countered, Expired, Withdrawn],
            Countered => &[Pending, Accepted, Rejected, Expired, Withdrawn],
            Accepted => &[Dispatched, Cancelled],
            Dispatched => &[Accepted, Enroute, Cancelled],
            Enroute => &[Delivered, Aborted],
            Rejected | Expired | Withdrawn | Delivered | Cancelled | Aborted => &[],
        }
    }

    /// Whether a tender in it holds its load at this carrier.
    pub const fn is_live(self) -> bool {
        matches!(self, Pending | Countered | Accepted | Dispatched | Enroute)
    }

    /// Whether the carrier still has to decide.
    pub const fn is_open(self) -> bool {
        matches!(self, Pending)
    }

    /// Whether no decision is final yet.
    pub const fn is_undecided(self) -> bool {
        matches!(self, Pending | Countered)
    }

    /// Whether a slot of capacity is taken in it.
    pub const fn holds_capacity(self) -> bool {
        matches!(self, Accepted | Dispatched | Enroute | Delivered | Aborted)
    }

    /// Refuses with `illegal_transition` unless the table has the step.
    pub fn to(self, next: Self) -> Result<Self> {
        if self.next().contains(&next) { Ok(next) } else { Err(self.illegal(next.as_str())) }
    }

    /// `illegal_transition` with what was attempted and what is allowed.
    pub fn illegal(self, attempted: &str) -> Problem {
        let allowed: Vec<&str> = self.next().iter().map(|s| s.as_str()).collect();
        Problem::new(Code::IllegalTransition, format!("from {} there is no way to {attempted}", self.as_str()))
            .with("from", self.as_str())
            .with("attempted", attempted)
            .with("allowed", json!(allowed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_driven_has_used_its_slot() {
        let used = State::ALL.into_iter().filter(|state| state.holds_capacity());
        assert_eq!(used.collect::<Vec<_>>(), [Accepted, Dispatched, Enroute, Delivered, Aborted]);
    }

    #[test]
    fn terminal_states_absorb_and_every_way_ends() {
        let terminal = [Rejected, Expired, Withdrawn, Delivered, Cancelled, Aborted];
        for from in State::ALL {
            assert_eq!(from.next().is_empty(), terminal.contains(&from), "{from:?}");
            assert_eq!(State::parse(from.as_str()), Some(from));
            for to in State::ALL {
                assert_eq!(from.to(to).is_ok(), from.next().contains(&to));
            }
        }
        assert_eq!(State::ALL.iter().map(|s| s.next().len()).sum::<usize>(), 18);
    }
}
