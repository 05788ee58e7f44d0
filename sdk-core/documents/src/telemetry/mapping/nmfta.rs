//! Faults as `Vehicle Fault Code Event` of the NMFTA Open Telematics API 1.0: those that have the numbers of SAE J1939. What a
//! record does not know (odometer, engine speed, source address, count of occurrences) is left out: whoever serves that API has
//! it from elsewhere.

use jiff::Timestamp;
use serde::Serialize;

use super::super::open::FaultSeverity;
use super::super::record::{Fault, Record};
use crate::error::Result;
use crate::json::Document;
use crate::time::format_instant;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FaultCodeEvent<'a> {
    vehicle_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<String>,
    #[serde(skip_serializing_if = "str::is_empty")]
    event_comment: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    triggered_date: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cleared_date: Option<&'a str>,
    fault_type: &'static str,
    j1939_fault: J1939,
    urgent_flag: bool,
    /// Kilometres per hour.
    #[serde(skip_serializing_if = "Option::is_none")]
    ecm_speed: Option<f64>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct J1939 {
    suspect_parameter_number: u32,
    failure_mode_identifier: u32,
}

/// Whether a fault is urgent: the vehicle cannot drive on as it should.
pub fn urgent(fault: &Fault) -> bool {
    matches!(fault.severity, FaultSeverity::DEGRADED_OPERATION | FaultSeverity::SAFETY_CRITICAL)
}

/// The fault as an event; nothing without the numbers of SAE J1939. A fault that has gone has a `clearedDate`.
///
/// Errors: none that a valid record can cause.
pub fn fault_event(record: &Record, fault: &Fault) -> Result<Option<Document>> {
    let (Some(suspect_parameter_number), Some(failure_mode_identifier)) = (fault.j1939_spn, fault.j1939_fmi) else {
        return Ok(None);
    };
    let observed = Timestamp::from_nanosecond(record.observed_unix_nanos.into()).ok().map(format_instant);
    let (triggered, cleared) = if fault.active { (observed, None) } else { (None, observed) };
    let event = FaultCodeEvent {
        vehicle_id: &record.context.vehicle_id,
        location: record.location.map(|l| format!("{} {}", l.latitude_deg(), l.longitude_deg())),
        event_comment: &fault.vendor_code,
        triggered_date: triggered.as_deref(),
        cleared_date: cleared.as_deref(),
        fault_type: "FAULT_TYPE_J1939",
        j1939_fault: J1939 { suspect_parameter_number, failure_mode_identifier },
        urgent_flag: urgent(fault),
        ecm_speed: record.kinematics.map(|k| f64::from(k.speed_mmps) * 36.0 / 1e4),
    };
    Document::from_serde(&event).map(Some)
}

#[cfg(test)]
mod tests {
    use super::super::tests::record;
    use super::*;

    #[test]
    fn a_fault_of_the_bus_becomes_an_event() {
        let mut record = record();
        record.faults[1].vendor_code = "EBS-4".into();
        let event = fault_event(&record, &record.faults[1]).expect("json").expect("an event");
        assert_eq!(
            event.as_str(),
            r#"{"vehicleId":"aurora-trk-0417","location":"32.7767 -96.797","eventComment":"EBS-4","triggeredDate":"2026-02-20T08:00:00.5Z","faultType":"FAULT_TYPE_J1939","j1939Fault":{"suspectParameterNumber":521049,"failureModeIdentifier":5},"urgentFlag":true,"ecmSpeed":90.0}"#
        );
        record.faults[1].active = false;
        let event = fault_event(&record, &record.faults[1]).expect("json").expect("an event");
        assert_eq!(event.text("/clearedDate").as_deref(), Some("2026-02-20T08:00:00.5Z"));
        assert!(event.at("/triggeredDate").is_none());
    }

    #[test]
    fn a_fault_without_numbers_has_no_event() {
        let record = record();
        assert_eq!(fault_event(&record, &record.faults[0]).expect("json"), None);
    }

    #[test]
    fn what_stops_the_vehicle_is_urgent() {
        let of = |severity| urgent(&Fault { severity, ..Fault::default() });
        assert_eq!(
            [FaultSeverity::INFO, FaultSeverity::WARNING, FaultSeverity::DEGRADED_OPERATION].map(of),
            [false, false, true]
        );
        assert!(of(FaultSeverity::SAFETY_CRITICAL) && !of(FaultSeverity(99)));
    }
}
