//! The states of a tender and who may move them (contract 4a, 4b).

use gladhand_documents::model::wire::TenderState;

/// Who moves a tender.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Actor {
    /// The TMS.
    Tms,
    /// The carrier.
    Carrier,
    /// The owner of the deadline, which is the carrier: the TMS never expires a tender by its own clock.
    Clock,
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
        match bare {
            "tender.received" => Self::Received,
            "tender.accepted" => Self::Accepted,
            "tender.rejected" => Self::Rejected,
            "tender.countered" => Self::Countered,
            "tender.counter_accepted" => Self::CounterAccepted,
            "tender.revised" => Self::Revised,
            "tender.expired" => Self::Expired,
            "tender.withdrawn" => Self::Withdrawn,
            "dispatch.created" => Self::Dispatched,
            "dispatch.released" => Self::Released,
            "shipment.departed_pickup" => Self::Departed,
            "shipment.delivered" => Self::Delivered,
            "shipment.aborted" => Self::Aborted,
            "tender.cancel_requested" => Self::CancelRequested,
            "tender.cancel_confirmed" => Self::CancelConfirmed,
            "tender.cancel_declined" => Self::CancelDeclined,
            "tender.cancelled" => Self::Cancelled,
            "tender.amendment_received" => Self::AmendmentReceived,
            "tender.amendment_confirmed" => Self::AmendmentConfirmed,
            "tender.amendment_declined" => Self::AmendmentDeclined,
            "tender.amendment_withdrawn" => Self::AmendmentWithdrawn,
            "exception.opened" | "exception.updated" => Self::ExceptionOpened,
            "exception.cleared" => Self::ExceptionCleared,
            _ => Self::Note,
        }
    }

    /// Who causes it (contract 4b).
    pub const fn actor(self) -> Actor {
        match self {
            Self::CounterAccepted
            | Self::Revised
            | Self::Withdrawn
            | Self::CancelRequested
            | Self::AmendmentReceived
            | Self::AmendmentWithdrawn => Actor::Tms,
            Self::Expired => Actor::Clock,
            _ => Actor::Carrier,
        }
    }

    /// The state after this step, or `None` where the table has no such transition. `Some(from)` for overlays.
    pub fn from(self, from: &TenderState) -> Option<TenderState> {
        use TenderState as S;
        let to = match (self, from) {
            (Self::Received, S::Offer) | (Self::Revised, S::Pending | S::Countered) => S::Pending,
            (Self::Accepted, S::Pending | S::Countered) | (Self::Released, S::Dispatched) => S::Accepted,
            (Self::Rejected, S::Pending | S::Countered) => S::Rejected,
            (Self::Countered, S::Pending) | (Self::CounterAccepted, S::Countered) => S::Countered,
            (Self::Expired, S::Pending | S::Countered) => S::Expired,
            (Self::Withdrawn, S::Offer | S::Pending | S::Countered) => S::Withdrawn,
            (Self::Dispatched, S::Accepted) => S::Dispatched,
            (Self::Departed, S::Dispatched) => S::Enroute,
            (Self::Delivered, S::Enroute) => S::Delivered,
            (Self::Aborted, S::Enroute) => S::Aborted,
            (Self::Cancelled, S::Accepted | S::Dispatched) => S::Cancelled,
            (Self::CancelRequested | Self::CancelConfirmed | Self::CancelDeclined, S::Accepted | S::Dispatched) => {
                from.clone()
            }
            (
                Self::AmendmentReceived | Self::AmendmentConfirmed | Self::AmendmentDeclined | Self::AmendmentWithdrawn,
                S::Accepted | S::Dispatched | S::Enroute,
            ) => from.clone(),
            // Overlays and notes attach to every tender that the carrier has, the finished ones too.
            (Self::ExceptionOpened | Self::ExceptionCleared | Self::Note, from) if *from != S::Offer => from.clone(),
            _ => return None,
        };
        Some(to)
    }
}

/// The states in which nothing moves a tender any more (contract 4a).
pub fn terminal(state: &TenderState) -> bool {
    use TenderState as S;
    matches!(state, S::Rejected | S::Expired | S::Withdrawn | S::Delivered | S::Cancelled | S::Aborted)
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
    use TenderState as S;
    Some(match state {
        S::Offer => "offer",
        S::Pending | S::Countered => "pending",
        S::Accepted => "accepted",
        S::Rejected | S::Expired | S::Withdrawn => "rejected",
        S::Dispatched => "dispatched",
        S::Enroute => "enroute",
        S::Delivered => "delivered",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use TenderState as S;

    fn states() -> Vec<S> {
        vec![
            S::Offer,
            S::Pending,
            S::Countered,
            S::Accepted,
            S::Rejected,
            S::Expired,
            S::Withdrawn,
            S::Dispatched,
            S::Enroute,
            S::Delivered,
            S::Cancelled,
            S::Aborted,
        ]
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
    fn the_brief_sees_seven_states() {
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
