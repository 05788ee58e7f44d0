//! Events, exceptions and dispatches (contract 3f, 4e).

use super::{instant, items, push, text, unique};
use crate::error::Violation;
use crate::json::Value;

/// What an event says twice, it says alike; its instants are in UTC (contract 3a, 4e).
pub fn event(value: Value<'_>, path: &str, out: &mut Vec<Violation>) {
    if text(value, "specversion").as_deref() != Some("1.0") {
        push(out, &format!("{path}/specversion"), "specversion", "must be 1.0");
    }
    for name in ["time", "recordedtime"] {
        if text(value, name).is_some_and(|instant| !instant.ends_with('Z')) {
            push(out, &format!("{path}/{name}"), "instant", "must be in UTC and end with Z");
        }
    }
    let sequence = text(value, "sequence").and_then(|digits| digits.parse::<u64>().ok()).unwrap_or_default();
    if sequence == 0 {
        push(out, &format!("{path}/sequence"), "sequence", "must be 1 or more");
    }
    let Some(data) = value.get("data") else { return };
    let own = data.get("eventSequence").and_then(Value::number).and_then(|n| n.parse::<u64>().ok());
    if own != Some(sequence) {
        push(out, &format!("{path}/data/eventSequence"), "inconsistent", "must be the number of sequence");
    }
    let (tender, load) = (text(data, "tenderId"), text(data, "loadId"));
    if text(value, "partitionkey") != tender {
        push(out, &format!("{path}/partitionkey"), "inconsistent", "must be data.tenderId");
    }
    if text(value, "subject") != load {
        push(out, &format!("{path}/subject"), "inconsistent", "must be data.loadId");
    }
    let source = text(value, "source").unwrap_or_default();
    if source.rsplit_once("/tenders/").map(|(_, id)| id) != tender.as_deref() {
        push(out, &format!("{path}/source"), "inconsistent", "must end with /tenders/ and data.tenderId");
    }
}

/// An exception is cleared after it was opened (contract 3f).
pub fn exception(value: Value<'_>, path: &str, out: &mut Vec<Violation>) {
    if instant(value, "openedAt").zip(instant(value, "clearedAt")).is_some_and(|(opened, cleared)| cleared < opened) {
        push(out, &format!("{path}/clearedAt"), "window_order", "must not be before openedAt");
    }
}

/// Drivers on manual legs only; the base ends at one of the legs (contract 3f).
pub fn dispatch(value: Value<'_>, path: &str, out: &mut Vec<Violation>) {
    let legs = items(value, "assignments");
    unique(&legs, "legId", &format!("{path}/assignments"), out);
    for (place, leg) in legs.iter().enumerate() {
        if leg.get("driverRef").is_some() && text(*leg, "driveMode").as_deref() != Some("manual") {
            let at = format!("{path}/assignments/{place}/driverRef");
            push(out, &at, "driver_ref", "must be absent: only a manual leg has a driver");
        }
    }
    let released = text(value, "releasedThrough");
    if released.is_some() && !legs.iter().any(|leg| text(*leg, "legId") == released) {
        push(out, &format!("{path}/releasedThrough"), "leg_unknown", "must be the legId of one of the legs");
    }
}
