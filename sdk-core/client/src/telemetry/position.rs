//! A record as the document `Position`. Numbers are written as exact decimals of the scaled integers.

use gladhand_documents::error::Result;
use gladhand_documents::json::Document;
use gladhand_documents::telemetry::AutonomyMode;
use gladhand_protocol::telemetry::{Seen, ServerClock};
use jiff::Timestamp;
use serde_json::value::RawValue;

#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct Position<'a> {
    load_id: &'a str,
    vehicle_id: &'a str,
    observed_at: String,
    received_at: String,
    freshness_ms: i64,
    lat: Box<RawValue>,
    lon: Box<RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    speed_mps: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    heading_deg: Option<Box<RawValue>>,
    autonomy_mode: String,
    event_sequence: String,
    skipped: u64,
    possible_duplicate: bool,
}

/// The position, `now_nanos` being the moment it is handed over; nothing for a record without a location.
///
/// Freshness is never below 0: a vehicle's clock that runs ahead makes nothing fresher than new.
pub(super) fn document(seen: &Seen, clock: &ServerClock, now_nanos: u64) -> Result<Option<Document>> {
    let Some(record) = &seen.update.record else { return Ok(None) };
    let (Some(location), Some(ids)) = (&record.location, &record.correlation) else { return Ok(None) };
    let motion = record.kinematics.as_ref();
    let position = Position {
        load_id: &ids.load_id,
        vehicle_id: &ids.vehicle_id,
        observed_at: instant(record.observed_time_unix_nanos),
        received_at: instant(seen.arrived_unix_nanos),
        freshness_ms: clock.age_ms(record.observed_time_unix_nanos, now_nanos).max(0),
        lat: decimal(location.latitude_e7_deg.into(), 7)?,
        lon: decimal(location.longitude_e7_deg.into(), 7)?,
        speed_mps: motion.map(|k| decimal(k.speed_mmps.into(), 3)).transpose()?,
        heading_deg: motion.map(|k| decimal(i64::from(k.heading_cdeg % 36_000), 2)).transpose()?,
        autonomy_mode: AutonomyMode(record.autonomy_mode).to_string(),
        event_sequence: record.event_sequence.to_string(),
        skipped: seen.update.skipped,
        possible_duplicate: seen.update.possible_duplicate,
    };
    Document::from_serde(&position).map(Some)
}

/// RFC 3339 in UTC with milliseconds, rounded down.
fn instant(nanos: u64) -> String {
    let at = Timestamp::from_nanosecond(i128::from(nanos)).unwrap_or(Timestamp::MAX);
    format!("{at:.3}")
}

/// `value` / 10^`places`, exactly and without zeros at the end.
fn decimal(value: i64, places: usize) -> Result<Box<RawValue>> {
    let digits = format!("{:0width$}", value.unsigned_abs(), width = places + 1);
    let (whole, fraction) = digits.split_at(digits.len() - places);
    let fraction = fraction.trim_end_matches('0');
    let sign = if value < 0 { "-" } else { "" };
    let text = if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") };
    RawValue::from_string(text).map_err(|e| {
        gladhand_documents::error::Error::new(gladhand_documents::error::Code::InternalPanic, "no number").caused_by(&e)
    })
}

#[cfg(test)]
mod tests {
    use gladhand_documents::model;
    use gladhand_documents::telemetry::wire::{Correlation, FollowUpdate, TelemetryRecord};
    use gladhand_documents::telemetry::{Kinematics, Location};

    use super::*;

    #[test]
    fn decimals_are_exact() {
        for (value, places, text) in [
            (377_210_000, 7, "37.721"),
            (-1_224_722_991, 7, "-122.4722991"),
            (-5, 7, "-0.0000005"),
            (0, 3, "0"),
            (7974, 3, "7.974"),
            (i64::from(i32::MIN), 7, "-214.7483648"),
        ] {
            assert_eq!(decimal(value, places).expect("a number").get(), text);
        }
    }

    #[test]
    fn the_document_keeps_the_contract() {
        let record = TelemetryRecord {
            correlation: Some(Correlation { vehicle_id: "v".into(), load_id: "l".into(), ..Correlation::default() }),
            event_sequence: u64::MAX,
            observed_time_unix_nanos: 1_771_574_400_099_989_000,
            location: Some(Location { latitude_e7_deg: 1, longitude_e7_deg: -1, ..Location::default() }),
            kinematics: Some(Kinematics { speed_mmps: -20, heading_cdeg: 36_000, ..Kinematics::default() }),
            autonomy_mode: 3,
            ..TelemetryRecord::default()
        };
        let arrived_unix_nanos = 1_771_574_400_500_000_000;
        let mut seen = Seen {
            update: FollowUpdate { record: Some(record), skipped: 4, ..FollowUpdate::default() },
            arrived_unix_nanos,
        };
        let clock = ServerClock::default();
        let position = document(&seen, &clock, arrived_unix_nanos).expect("json").expect("located");
        model::validate(<model::sdk::Position as model::Model>::entity(), &position).expect("a valid Position");
        assert_eq!(
            position.as_str(),
            concat!(
                r#"{"loadId":"l","vehicleId":"v","observedAt":"2026-02-20T08:00:00.099Z","#,
                r#""receivedAt":"2026-02-20T08:00:00.500Z","freshnessMs":400,"lat":0.0000001,"lon":-0.0000001,"#,
                r#""speedMps":-0.02,"headingDeg":0,"autonomyMode":"autonomous_enroute","#,
                r#""eventSequence":"18446744073709551615","skipped":4,"possibleDuplicate":false}"#
            )
        );
        seen.update.record.as_mut().expect("a record").location = None;
        assert!(document(&seen, &clock, arrived_unix_nanos).expect("json").is_none());
    }
}
