//! The states of a tender and who may move them (contract 4a, 4b): what [`super::transitions`] answers.

use gladhand_documents::error::{Code, Error};
use gladhand_documents::json::quote;
use gladhand_documents::model::wire::TenderState;

pub use super::transitions::{Actor, Step};
use super::transitions::{Origin, STATES, StateRow, moves};

impl Step {
    /// Every step, for exhaustive tests.
    pub const ALL: &'static [Self] = &[
        Self::Received,
        Self::Accepted,
        Self::Rejected,
        Self::Countered,
        Self::CounterAccepted,
        Self::Revised,
        Self::Expired,
        Self::Withdrawn,
        Self::Dispatched,
        Self::Released,
        Self::Departed,
        Self::Delivered,
        Self::Aborted,
        Self::CancelRequested,
        Self::CancelConfirmed,
        Self::CancelDeclined,
        Self::Cancelled,
        Self::AmendmentReceived,
        Self::AmendmentConfirmed,
        Self::AmendmentDeclined,
        Self::AmendmentWithdrawn,
        Self::ExceptionOpened,
        Self::ExceptionCleared,
        Self::Note,
    ];

    /// The step of an event type, such as `gladhand.tender.accepted.v1`. A type that this version does not know is a
    /// [`Step::Note`] (contract 5: a minor version may add event types).
    pub fn of(event_type: &str) -> Self {
        let bare = event_type.strip_prefix("gladhand.").and_then(|rest| rest.strip_suffix(".v1")).unwrap_or("");
        moves().find(|step| step.event == bare).map_or(Self::Note, |step| step.step)
    }

    /// Who causes it, by the first row that has it (contract 4b).
    pub fn actor(self) -> Actor {
        moves().find(|step| step.step == self && self != Self::Note).map_or(Actor::Carrier, |step| step.by)
    }

    /// The state after this step, or `None` where the table has no such transition. `Some(from)` for overlays.
    pub fn from(self, from: &TenderState) -> Option<TenderState> {
        if self == Self::Note {
            // What moves nothing attaches to every tender that the carrier has, the finished ones too.
            return Origin::Known.admits(from).then(|| from.clone());
        }
        let legal = moves().find(|step| step.step == self && step.from.admits(from))?;
        Some(legal.to.clone().unwrap_or_else(|| from.clone()))
    }
}

/// Where a tender may go from here, in the order of the table.
pub fn allowed(from: &TenderState) -> Vec<TenderState> {
    let mut out: Vec<TenderState> = Vec::new();
    for to in moves().filter(|step| step.from.admits(from)).filter_map(|step| step.to.as_ref()) {
        if !out.contains(to) {
            out.push(to.clone());
        }
    }
    out
}

/// `illegal_transition` with what contract 4b wants in it: `{from, attempted, allowed}`, as a problem document.
pub fn illegal(from: &TenderState, attempted: &str) -> Error {
    let allowed: Vec<String> = allowed(from).iter().map(|state| quote(state.as_str())).collect();
    let allowed = allowed.join(",");
    Error::new(Code::IllegalTransition, format!("from {from} there is no way to {attempted}; there is to: [{allowed}]"))
        .with_problem(format!(
            r#"{{"code":"illegal_transition","from":{},"attempted":{},"allowed":[{allowed}]}}"#,
            quote(from.as_str()),
            quote(attempted),
        ))
}

/// What the table says of a state; `None` for one of a later version.
fn row(state: &TenderState) -> Option<&'static StateRow> {
    STATES.iter().find(|row| row.state == *state)
}

/// The states in which nothing moves a tender any more (contract 4a).
pub fn terminal(state: &TenderState) -> bool {
    row(state).is_some_and(|row| row.terminal)
}

/// Whether a tender in this state holds its load (contract 4b). Only what the carrier confirmed releases: a state that
/// this version does not know holds, and so does a history that is not in sync.
pub fn held(state: &TenderState, in_sync: bool) -> bool {
    // A delivered load is done: it is not held, and it is not released for somebody else either.
    !in_sync || !terminal(state)
}

/// Whether the load may go to somebody else.
pub fn released(state: &TenderState, in_sync: bool) -> bool {
    in_sync && terminal(state) && *state != TenderState::Delivered
}

/// The state among the seven of the brief; `None` for what has no image there (contract 4b).
pub fn brief(state: &TenderState) -> Option<&'static str> {
    row(state)?.brief
}

#[cfg(test)]
mod tests {
    use super::*;
    use TenderState as S;

    fn states() -> Vec<S> {
        STATES.iter().map(|row| row.state.clone()).collect()
    }

    /// Table 4b, written down a second time as pairs; everything else is illegal.
    #[test]
    fn the_table_is_exactly_that_of_the_contract() {
        let table = [
            (S::Offer, Step::Received, S::Pending),
            (S::Offer, Step::Withdrawn, S::Withdrawn),
            (S::Pending, Step::Accepted, S::Accepted),
            (S::Pending, Step::Rejected, S::Rejected),
            (S::Pending, Step::Countered, S::Countered),
            (S::Pending, Step::Revised, S::Pending),
            (S::Pending, Step::Expired, S::Expired),
            (S::Pending, Step::Withdrawn, S::Withdrawn),
            (S::Countered, Step::CounterAccepted, S::Countered),
            (S::Countered, Step::Accepted, S::Accepted),
            (S::Countered, Step::Rejected, S::Rejected),
            (S::Countered, Step::Revised, S::Pending),
            (S::Countered, Step::Expired, S::Expired),
            (S::Countered, Step::Withdrawn, S::Withdrawn),
            (S::Accepted, Step::Dispatched, S::Dispatched),
            (S::Accepted, Step::Cancelled, S::Cancelled),
            (S::Dispatched, Step::Released, S::Accepted),
            (S::Dispatched, Step::Departed, S::Enroute),
            (S::Dispatched, Step::Cancelled, S::Cancelled),
            (S::Enroute, Step::Delivered, S::Delivered),
            (S::Enroute, Step::Aborted, S::Aborted),
        ];
        for from in states() {
            for step in Step::ALL {
                let moves = table.iter().find(|(f, s, _)| *f == from && s == step).map(|(_, _, to)| to.clone());
                let cancel = matches!(step, Step::CancelRequested | Step::CancelConfirmed | Step::CancelDeclined)
                    && matches!(from, S::Accepted | S::Dispatched);
                let amend = matches!(
                    step,
                    Step::AmendmentReceived
                        | Step::AmendmentConfirmed
                        | Step::AmendmentDeclined
                        | Step::AmendmentWithdrawn
                ) && matches!(from, S::Accepted | S::Dispatched | S::Enroute);
                let attach =
                    matches!(step, Step::ExceptionOpened | Step::ExceptionCleared | Step::Note) && from != S::Offer;
                let expected = moves.or_else(|| (cancel || amend || attach).then(|| from.clone()));
                assert_eq!(step.from(&from), expected, "{step:?} from {from}");
            }
        }
    }

    #[test]
    fn terminal_states_absorb_and_only_they_release() {
        for state in states() {
            for step in Step::ALL {
                if terminal(&state) {
                    assert!(step.from(&state).is_none_or(|to| to == state), "{step:?} moves {state}");
                }
            }
            assert_eq!(held(&state, true), !terminal(&state));
            assert!(held(&state, false), "what is not in sync holds");
        }
        assert!(held(&S::Unknown("parked".to_owned()), true));
        assert!(!released(&S::Delivered, true) && released(&S::Rejected, true) && !released(&S::Rejected, false));
    }

    #[test]
    fn what_is_illegal_says_what_is_allowed() {
        assert_eq!(allowed(&S::Countered), [S::Accepted, S::Rejected, S::Pending, S::Expired, S::Withdrawn]);
        assert_eq!(allowed(&S::Delivered), []);
        let error = illegal(&S::Dispatched, "delivered");
        assert_eq!(error.code(), Code::IllegalTransition);
        assert_eq!(
            error.problem(),
            Some(
                r#"{"code":"illegal_transition","from":"dispatched","attempted":"delivered","allowed":["accepted","enroute","cancelled"]}"#
            )
        );
    }

    #[test]
    fn actors_are_those_of_the_contract() {
        for step in Step::ALL {
            let expected = match step {
                Step::CounterAccepted
                | Step::Revised
                | Step::Withdrawn
                | Step::CancelRequested
                | Step::AmendmentReceived
                | Step::AmendmentWithdrawn => Actor::Tms,
                Step::Expired => Actor::Clock,
                _ => Actor::Carrier,
            };
            assert_eq!(step.actor(), expected, "{step:?}");
        }
    }

    #[test]
    fn the_brief_sees_seven_states() {
        let images: std::collections::BTreeSet<_> = states().iter().filter_map(brief).collect();
        assert_eq!(images.len(), 7);
        assert_eq!(brief(&S::Countered), Some("pending"));
        assert_eq!(brief(&S::Withdrawn), Some("rejected"));
        assert_eq!(brief(&S::Cancelled), None);
    }

    #[test]
    fn later_minor_versions_are_notes() {
        assert_eq!(Step::of("gladhand.shipment.blessed.v1"), Step::Note);
        assert_eq!(Step::of("gladhand.tender.accepted.v2"), Step::Note);
        assert_eq!(Step::of("gladhand.tender.accepted.v1"), Step::Accepted);
    }
}
