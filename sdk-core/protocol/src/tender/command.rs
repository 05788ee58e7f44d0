//! The life of a command (contract 4f). A command is a wish: the carrier's operations centre decides, nothing is actuated, and
//! no answer in time is a no.
//!
//! requested → acknowledged → queued | granted | refused → executing → completed | failed; also expired and revoked.

use gladhand_documents::model::dispatch::{CommandState, CommandType, ControlMode};
use jiff::Timestamp;

/// Whether a command may go from one state to another. Steps that the carrier does not tell may be left out before its
/// decision, never after it. `leased`: a hold is executed until it is released, or until its lease lapses.
pub fn may(from: &CommandState, to: &CommandState, leased: bool) -> bool {
    use CommandState as S;
    match to {
        S::Acknowledged => *from == S::Requested,
        S::Queued => matches!(from, S::Requested | S::Acknowledged),
        S::Granted | S::Refused => undecided(from),
        // Taken back until it is executed.
        S::Revoked => undecided(from) || *from == S::Granted,
        S::Executing => *from == S::Granted,
        S::Completed => *from == S::Executing,
        // Overtaken by the end of the shipment, at any time.
        S::Failed => !terminal(from) && !matches!(from, S::Unknown(_)),
        S::Expired => undecided(from) || (leased && *from == S::Executing),
        _ => false,
    }
}

/// Whether nothing moves it any more.
pub fn terminal(state: &CommandState) -> bool {
    use CommandState as S;
    matches!(state, S::Refused | S::Completed | S::Failed | S::Expired | S::Revoked)
}

/// Whether the carrier has not decided yet.
pub fn undecided(state: &CommandState) -> bool {
    use CommandState as S;
    matches!(state, S::Requested | S::Acknowledged | S::Queued)
}

/// The state at `now`, given what was last heard: what was not decided by `expires_at` is not granted, whatever may still
/// come (VDA 5050: no response in time is treated as not granted).
pub fn at(state: &CommandState, expires_at: Timestamp, now: Timestamp) -> CommandState {
    if undecided(state) && now >= expires_at { CommandState::Expired } else { state.clone() }
}

/// The type that undoes a type; `None` for what nothing undoes.
pub fn inverse(kind: &CommandType) -> Option<CommandType> {
    use CommandType as C;
    Some(match kind {
        C::ConditionalStop => C::Resume,
        C::Resume => C::ConditionalStop,
        C::HoldAtTerminal => C::Release,
        C::Release => C::HoldAtTerminal,
        // Back to the previous revision, by the same type.
        C::RouteChange => C::RouteChange,
        C::RescheduleStop => C::RescheduleStop,
        _ => return None,
    })
}

/// Whether a command of this type is taken while this is in control of the vehicle. Where a person drives or the vehicle
/// stands, only a person can be asked for (VDA 5050, table 11); a mode that this version does not know is none of those.
pub fn taken_in(mode: &ControlMode, kind: &CommandType) -> bool {
    let by_itself = !matches!(mode, ControlMode::ManualOverride | ControlMode::MinimalRisk | ControlMode::OutOfService);
    by_itself || *kind == CommandType::ManualIntervention
}

#[cfg(test)]
mod tests {
    use super::*;
    use CommandState as S;
    use CommandType as C;

    const STATES: [S; 10] = [
        S::Requested,
        S::Acknowledged,
        S::Queued,
        S::Granted,
        S::Refused,
        S::Executing,
        S::Completed,
        S::Failed,
        S::Expired,
        S::Revoked,
    ];

    /// The lifecycle, written down a second time: a row for each state from which, a column for each state to which.
    #[test]
    fn the_lifecycle_is_exactly_that_of_the_contract() {
        let table = [
            ("requested   ", ".XXXX..XXX"),
            ("acknowledged", "..XXX..XXX"),
            ("queued      ", "...XX..XXX"),
            ("granted     ", ".....X.X.X"),
            ("refused     ", ".........."),
            ("executing   ", "......XXl."),
            ("completed   ", ".........."),
            ("failed      ", ".........."),
            ("expired     ", ".........."),
            ("revoked     ", ".........."),
        ];
        for ((name, row), from) in table.iter().zip(&STATES) {
            assert_eq!(name.trim(), from.as_str());
            for (cell, to) in row.chars().zip(&STATES) {
                assert_eq!(may(from, to, false), cell == 'X', "{from} to {to}");
                assert_eq!(may(from, to, true), cell != '.', "{from} to {to}, leased");
            }
            assert_eq!(terminal(from), row.chars().all(|cell| cell == '.'));
            assert!(!may(from, &S::Unknown("blessed".to_owned()), true), "an unknown state is no step");
        }
    }

    #[test]
    fn no_answer_in_time_is_a_no() {
        let expires: Timestamp = "2026-02-20T15:05:00Z".parse().unwrap();
        let before = expires - jiff::SignedDuration::from_secs(1);
        for state in &STATES {
            assert_eq!(at(state, expires, before), *state);
            let after = if undecided(state) { S::Expired } else { state.clone() };
            assert_eq!(at(state, expires, expires), after, "{state}");
        }
    }

    #[test]
    fn every_type_has_its_inverse_or_none() {
        let pairs = [
            (C::ConditionalStop, Some(C::Resume)),
            (C::Resume, Some(C::ConditionalStop)),
            (C::HoldAtTerminal, Some(C::Release)),
            (C::Release, Some(C::HoldAtTerminal)),
            (C::RouteChange, Some(C::RouteChange)),
            (C::RescheduleStop, Some(C::RescheduleStop)),
            (C::ManualIntervention, None),
        ];
        for (kind, expected) in pairs {
            assert_eq!(inverse(&kind), expected, "{kind}");
        }
    }

    #[test]
    fn where_a_person_drives_only_a_person_is_asked_for() {
        use ControlMode as M;
        for mode in [M::ManualOverride, M::MinimalRisk, M::OutOfService] {
            assert!(taken_in(&mode, &C::ManualIntervention) && !taken_in(&mode, &C::Resume), "{mode}");
        }
        for mode in [M::Autonomous, M::Supervised, M::RemoteAssist, M::Unknown("towed".to_owned())] {
            assert!(taken_in(&mode, &C::ConditionalStop), "{mode}");
        }
    }
}
