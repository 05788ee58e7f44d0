//! Shipment status of X12 214: elements 1650 (AT7-01) and 1651 (AT7-02). A record says little that has a code there: that the
//! load is under way, that it is delayed, and whether by the vehicle's mechanics. A fault of the driving system, a minimal risk
//! stop and the wait for a remote operator have none; they are `SD` for another reason, with the words in free text.

use super::super::open::{AutonomyMode, FaultCode, FaultSeverity};
use super::super::record::Record;

/// A status with its reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// AT7-01, shipment status: `X6` en route to delivery, `SD` shipment delayed.
    pub status: &'static str,
    /// AT7-02, reason: `NS` normal, `AI` mechanical breakdown, `BG` other.
    pub reason: &'static str,
    /// What has no code, for free text (K1); empty if the codes say it all.
    pub text: &'static str,
}

/// The status of each mode in which a vehicle with a load may be.
pub const MODES: &[(AutonomyMode, Status)] = &[
    (AutonomyMode::MANUAL, Status { status: "X6", reason: "NS", text: "" }),
    (AutonomyMode::AUTONOMOUS_ENROUTE, Status { status: "X6", reason: "NS", text: "" }),
    (AutonomyMode::MINIMAL_RISK_MANEUVER, Status { status: "SD", reason: "BG", text: "MINIMAL RISK MANEUVER" }),
    (AutonomyMode::MINIMAL_RISK_CONDITION, Status { status: "SD", reason: "BG", text: "MINIMAL RISK STOP" }),
    (AutonomyMode::REMOTE_ASSIST, Status { status: "SD", reason: "BG", text: "REMOTE ASSISTANCE" }),
    (AutonomyMode::DISENGAGED, Status { status: "SD", reason: "BG", text: "OUT OF SERVICE" }),
];

/// Faults that are a mechanical breakdown to X12.
pub const MECHANICAL: &[FaultCode] =
    &[FaultCode::BRAKE, FaultCode::STEERING, FaultCode::POWER, FaultCode::TIRE_PRESSURE, FaultCode::TRAILER];

/// The status that a record reports of a load that has left its pickup, which a record does not say; nothing without a load, or
/// where there is no code.
pub fn status(record: &Record) -> Option<Status> {
    if record.context.load_id.is_empty() {
        return None;
    }
    let (_, status) = *MODES.iter().find(|(mode, _)| *mode == record.autonomy_mode)?;
    let breakdown = record.faults.iter().any(|fault| {
        fault.active && fault.severity >= FaultSeverity::DEGRADED_OPERATION && MECHANICAL.contains(&fault.code)
    });
    if status.status == "SD" && breakdown {
        return Some(Status { reason: "AI", ..status });
    }
    Some(status)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::tests::record;
    use super::*;

    #[test]
    fn a_load_under_way_is_under_way() {
        let record = record();
        assert_eq!(status(&record), Some(Status { status: "X6", reason: "NS", text: "" }));
    }

    #[test]
    fn a_stop_is_a_delay_and_says_why_in_words() {
        let mut record = record();
        record.autonomy_mode = AutonomyMode::MINIMAL_RISK_CONDITION;
        let found = status(&record).expect("a status");
        assert_eq!((found.status, found.reason, found.text), ("SD", "AI", "MINIMAL RISK STOP"), "the brakes");
        record.faults.clear();
        assert_eq!(status(&record).expect("a status").reason, "BG");
    }

    #[test]
    fn what_has_no_code_has_no_status() {
        let mut record = record();
        record.autonomy_mode = AutonomyMode::AUTONOMOUS_READY;
        assert_eq!(status(&record), None);
        record.autonomy_mode = AutonomyMode(99);
        assert_eq!(status(&record), None);
        record.autonomy_mode = AutonomyMode::MANUAL;
        record.context = Arc::default();
        assert_eq!(status(&record), None);
    }

    #[test]
    fn codes_have_two_characters() {
        assert!(MODES.iter().all(|(_, s)| s.status.len() == 2 && s.reason.len() == 2 && s.text.len() <= 30));
    }
}
