//! The one table of the state machine (contract 4a, 4b): what each state is, and the twenty rows by which a tender moves.
//! The code asks it (`state.rs`), and `cargo xtask contract` prints it into `docs/tender.md`, for which it compiles this file
//! by itself: it needs the documents alone. The sandbox has a table of its own.

use gladhand_documents::model::wire::TenderState;

use Actor::{Carrier, Clock, Operator, Tms};
use TenderState as S;

/// Who moves a tender.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Actor {
    /// The TMS.
    Tms,
    /// The carrier.
    Carrier,
    /// The owner of the deadline, which is the carrier: the TMS never expires a tender by its own clock.
    Clock,
    /// A human operator, of the side that the row names.
    Operator,
}

/// What an event does to the machine; what the table of contract 4b calls a transition or an overlay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// `tender.received`.
    Received,
    /// `tender.accepted`.
    Accepted,
    /// `tender.rejected`.
    Rejected,
    /// `tender.countered`.
    Countered,
    /// `tender.counter_accepted`: the TMS took the counter, the carrier's commit follows.
    CounterAccepted,
    /// `tender.revised`.
    Revised,
    /// `tender.expired`.
    Expired,
    /// `tender.withdrawn`, of an unknown tender too (a tombstone).
    Withdrawn,
    /// `dispatch.created`.
    Dispatched,
    /// `dispatch.released`.
    Released,
    /// `shipment.departed_pickup`.
    Departed,
    /// `shipment.delivered`.
    Delivered,
    /// `shipment.aborted`.
    Aborted,
    /// `tender.cancel_requested`, an overlay.
    CancelRequested,
    /// `tender.cancel_confirmed`, an overlay.
    CancelConfirmed,
    /// `tender.cancel_declined`, an overlay.
    CancelDeclined,
    /// `tender.cancelled`.
    Cancelled,
    /// `tender.amendment_received`, an overlay.
    AmendmentReceived,
    /// `tender.amendment_confirmed`, an overlay.
    AmendmentConfirmed,
    /// `tender.amendment_declined`, an overlay.
    AmendmentDeclined,
    /// `tender.amendment_withdrawn`, an overlay.
    AmendmentWithdrawn,
    /// `exception.opened` and `exception.updated`, overlays.
    ExceptionOpened,
    /// `exception.cleared`, an overlay.
    ExceptionCleared,
    /// Everything that is recorded and moves nothing: status, position, commands, papers, and types of a later minor
    /// version.
    Note,
}

/// What a state is.
#[derive(Debug)]
pub struct StateRow {
    /// The state.
    pub state: TenderState,
    /// Its image among the seven states of the brief; `None` where it has none, and only the full view shows it.
    pub brief: Option<&'static str>,
    /// Whether nothing moves a tender out of it.
    pub terminal: bool,
    /// What is true in it.
    pub meaning: &'static str,
}

/// One row of the table of contract 4b.
#[derive(Debug)]
pub struct Row {
    /// Its number in the contract.
    pub number: u8,
    /// What may happen, event by event, in the order of the history.
    pub moves: &'static [Move],
    /// What must hold.
    pub guard: &'static str,
    /// Its image in X12; empty where it has none.
    pub x12: &'static str,
}

/// One event of a row.
#[derive(Debug)]
pub struct Move {
    /// Where it may start.
    pub from: Origin,
    /// Where it leads; `None` for an overlay, which stays.
    pub to: Option<TenderState>,
    /// Who causes it. The carrier writes it down in every case: it is the only sequencer.
    pub by: Actor,
    /// The event's type without `gladhand.` and `.v1`.
    pub event: &'static str,
    /// What it does to the fold.
    pub step: Step,
}

/// Where a move may start.
#[derive(Debug)]
pub enum Origin {
    /// There is no tender yet.
    Nothing,
    /// One of these states.
    OneOf(&'static [TenderState]),
    /// Any state that a carrier knows, terminal ones and those of a later version too; so not `offer`.
    Known,
}

impl Origin {
    /// Whether a move may start in this state.
    pub fn admits(&self, state: &TenderState) -> bool {
        match self {
            Self::Nothing => false,
            Self::OneOf(states) => states.contains(state),
            Self::Known => *state != S::Offer,
        }
    }
}

const fn state(state: TenderState, brief: Option<&'static str>, terminal: bool, meaning: &'static str) -> StateRow {
    StateRow { state, brief, terminal, meaning }
}

/// Every state, in the order of the contract.
pub static STATES: &[StateRow] = &[
    state(
        S::Offer,
        Some("offer"),
        false,
        "Journaled and perhaps sent; the carrier has not confirmed it. Only your side sees it.",
    ),
    state(S::Pending, Some("pending"), false, "The carrier has it, durably; it has not decided."),
    state(S::Countered, Some("pending"), false, "The carrier offers something else instead, until `validUntil`."),
    state(S::Accepted, Some("accepted"), false, "The carrier drives it; the capacity is taken."),
    state(S::Rejected, Some("rejected"), true, "The carrier does not drive it, or you declined its counter offer."),
    state(S::Expired, Some("rejected"), true, "Nobody decided by `respondBy`."),
    state(S::Withdrawn, Some("rejected"), true, "You took it back before it was accepted."),
    state(S::Dispatched, Some("dispatched"), false, "A vehicle is assigned; it may be on its way to the pickup."),
    state(S::Enroute, Some("enroute"), false, "The freight is on the vehicle, past the first pickup."),
    state(S::Delivered, Some("delivered"), true, "Every delivery stop is complete. Papers may follow."),
    state(S::Cancelled, None, true, "Called off after acceptance, with `cancelledBy`."),
    state(S::Aborted, None, true, "The carrier could not complete it; who has the freight is recorded."),
];

const UNDECIDED: Origin = Origin::OneOf(&[S::Pending, S::Countered]);
const PENDING: Origin = Origin::OneOf(&[S::Pending]);
const COUNTERED: Origin = Origin::OneOf(&[S::Countered]);
const ACCEPTED: Origin = Origin::OneOf(&[S::Accepted]);
const DISPATCHED: Origin = Origin::OneOf(&[S::Dispatched]);
const ENROUTE: Origin = Origin::OneOf(&[S::Enroute]);
const BEFORE_DEPARTURE: Origin = Origin::OneOf(&[S::Accepted, S::Dispatched]);
const AFTER_ACCEPTANCE: Origin = Origin::OneOf(&[S::Accepted, S::Dispatched, S::Enroute]);

const fn to(to: TenderState, from: Origin, by: Actor, event: &'static str, step: Step) -> Move {
    Move { from, to: Some(to), by, event, step }
}

const fn stay(from: Origin, by: Actor, event: &'static str, step: Step) -> Move {
    Move { from, to: None, by, event, step }
}

/// Every row, in the order of the contract. Whatever is not here is `illegal_transition`.
pub static TABLE: &[Row] = &[
    Row {
        number: 1,
        // In no carrier's log: its log begins with `tender.received`.
        moves: &[to(S::Offer, Origin::Nothing, Tms, "tender.offered", Step::Note)],
        guard: "schema and local eligibility hold; the intent with its key is on disk",
        x12: "204/00",
    },
    Row {
        number: 2,
        moves: &[to(S::Pending, Origin::OneOf(&[S::Offer]), Carrier, "tender.received", Step::Received)],
        guard: "stored durably, not after `respondBy` by the carrier's clock; a later read finds it; always sequence 1",
        x12: "824 TA (997 A is not enough)",
    },
    Row {
        number: 3,
        moves: &[to(S::Rejected, PENDING, Carrier, "tender.rejected", Step::Rejected)],
        guard: "refused at once (409 or 422 of a well-formed create): stored with its events, so that a read finds it",
        x12: "990 D/R",
    },
    Row {
        number: 4,
        moves: &[to(S::Accepted, PENDING, Carrier, "tender.accepted", Step::Accepted)],
        guard: "capacity reserved atomically; the revision is current; not after `respondBy`",
        x12: "990 A",
    },
    Row {
        number: 5,
        moves: &[to(S::Rejected, PENDING, Carrier, "tender.rejected", Step::Rejected)],
        guard: "has a `reasonCode`",
        x12: "990 D/R",
    },
    Row {
        number: 6,
        moves: &[to(S::Countered, PENDING, Carrier, "tender.countered", Step::Countered)],
        guard: "has a counter offer with `validUntil`",
        x12: "990 C/B",
    },
    Row {
        number: 7,
        moves: &[
            stay(COUNTERED, Tms, "tender.counter_accepted", Step::CounterAccepted),
            to(S::Accepted, COUNTERED, Carrier, "tender.accepted", Step::Accepted),
            to(S::Rejected, COUNTERED, Carrier, "tender.rejected", Step::Rejected),
        ],
        guard: "same revision, before `validUntil`; then the carrier commits, or rejects with `capacity_gone` unless the counter was `firm`",
        x12: "204/05 and 990 A",
    },
    Row {
        number: 8,
        moves: &[to(S::Pending, UNDECIDED, Tms, "tender.revised", Step::Revised)],
        guard: "revision + 1; offers for older revisions are void; after an acceptance 409 `already_accepted`",
        x12: "204/04",
    },
    Row {
        number: 9,
        moves: &[
            to(S::Rejected, COUNTERED, Tms, "tender.rejected", Step::Rejected),
            to(S::Expired, COUNTERED, Clock, "tender.expired", Step::Expired),
        ],
        guard: "you declined the counter offer (`by: tms`), or its time is over",
        x12: "204/01",
    },
    Row {
        number: 10,
        moves: &[to(S::Expired, PENDING, Clock, "tender.expired", Step::Expired)],
        guard: "no decision 30 s after `respondBy`",
        x12: "",
    },
    Row {
        number: 11,
        moves: &[to(
            S::Withdrawn,
            Origin::OneOf(&[S::Offer, S::Pending, S::Countered]),
            Tms,
            "tender.withdrawn",
            Step::Withdrawn,
        )],
        guard: "not accepted yet, else 409 `already_accepted`; of an unknown tender it is a tombstone: a create that arrives later gets 409 `tender_withdrawn`",
        x12: "204/01",
    },
    Row {
        number: 12,
        moves: &[to(S::Dispatched, ACCEPTED, Carrier, "dispatch.created", Step::Dispatched)],
        guard: "equipment, inspection and operating domain valid",
        x12: "214 XB",
    },
    Row {
        number: 13,
        moves: &[to(S::Accepted, DISPATCHED, Carrier, "dispatch.released", Step::Released)],
        guard: "unassigned before departure, with a reason",
        x12: "",
    },
    Row {
        number: 14,
        moves: &[to(S::Enroute, DISPATCHED, Carrier, "shipment.departed_pickup", Step::Departed)],
        guard: "left the first pickup with the freight; the empty drive there is `dispatched`",
        x12: "214 AF",
    },
    Row {
        number: 15,
        moves: &[to(S::Delivered, ENROUTE, Carrier, "shipment.delivered", Step::Delivered)],
        guard: "all delivery stops complete",
        x12: "214 D1",
    },
    Row {
        number: 16,
        moves: &[
            stay(BEFORE_DEPARTURE, Tms, "tender.cancel_requested", Step::CancelRequested),
            stay(BEFORE_DEPARTURE, Carrier, "tender.cancel_declined", Step::CancelDeclined),
            stay(BEFORE_DEPARTURE, Carrier, "tender.cancel_confirmed", Step::CancelConfirmed),
            to(S::Cancelled, BEFORE_DEPARTURE, Carrier, "tender.cancelled", Step::Cancelled),
        ],
        guard: "not after departure; yours is a request that the carrier may decline; a truck ordered and not used (TONU) may cost",
        x12: "204/01 and 990; 214 CA",
    },
    Row {
        number: 17,
        moves: &[to(S::Aborted, ENROUTE, Carrier, "shipment.aborted", Step::Aborted)],
        guard: "the handover of the freight is recorded",
        x12: "214 A3/CA",
    },
    Row {
        number: 18,
        moves: &[
            stay(AFTER_ACCEPTANCE, Tms, "tender.amendment_received", Step::AmendmentReceived),
            stay(AFTER_ACCEPTANCE, Carrier, "tender.amendment_confirmed", Step::AmendmentConfirmed),
            stay(AFTER_ACCEPTANCE, Carrier, "tender.amendment_declined", Step::AmendmentDeclined),
            stay(AFTER_ACCEPTANCE, Tms, "tender.amendment_withdrawn", Step::AmendmentWithdrawn),
        ],
        guard: "revision + 1 once confirmed; released legs do not change",
        x12: "204/04 and 990",
    },
    Row {
        number: 19,
        moves: &[
            stay(Origin::Known, Carrier, "exception.opened", Step::ExceptionOpened),
            stay(Origin::Known, Carrier, "exception.updated", Step::ExceptionOpened),
            stay(Origin::Known, Carrier, "exception.cleared", Step::ExceptionCleared),
            stay(Origin::Known, Operator, "control.mode_changed", Step::Note),
        ],
        guard: "`exceptionId` is unique; the operator of an override is the carrier's",
        x12: "214 SD with its reason",
    },
    Row {
        number: 20,
        moves: &[stay(Origin::Known, Operator, "reconciliation.override_applied", Step::Note)],
        guard: "an operator of each side; of a later release: until then a divergence freezes, and is exported",
        x12: "",
    },
];

/// Every move of every row.
pub fn moves() -> impl Iterator<Item = &'static Move> {
    TABLE.iter().flat_map(|row| row.moves)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twenty_rows_and_twelve_states() {
        assert!(TABLE.iter().map(|row| row.number).eq(1..=20));
        assert_eq!(STATES.len(), 12);
        for row in STATES {
            let leaves =
                moves().any(|step| step.from.admits(&row.state) && step.to.as_ref().is_some_and(|to| *to != row.state));
            assert_eq!(row.terminal, !leaves, "{}", row.state);
        }
    }

    #[test]
    fn one_event_from_one_state_has_one_end_and_one_meaning() {
        for one in moves() {
            for other in moves().filter(|other| other.event == one.event) {
                assert_eq!(one.step, other.step, "{}", one.event);
                for row in STATES.iter().filter(|row| one.from.admits(&row.state) && other.from.admits(&row.state)) {
                    assert_eq!(one.to, other.to, "{} from {}", one.event, row.state);
                }
            }
        }
    }

    #[test]
    fn whoever_waits_has_a_way_out() {
        for row in STATES.iter().filter(|row| !row.terminal) {
            let (mut reached, mut grew) = (vec![&row.state], true);
            while grew {
                let next: Vec<_> = moves()
                    .filter(|step| reached.iter().any(|state| step.from.admits(state)))
                    .filter_map(|step| step.to.as_ref())
                    .filter(|to| !reached.contains(to))
                    .collect();
                grew = !next.is_empty();
                reached.extend(next);
            }
            assert!(STATES.iter().any(|end| end.terminal && reached.contains(&&end.state)), "{} is a trap", row.state);
        }
    }
}
