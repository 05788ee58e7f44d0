//! Tenders: parties, stops, freight, references, appointments (contract 3a, 3f).

use std::collections::{HashMap, HashSet};

use super::{contiguous, decimal, flag, instant, items, push, text, unique};
use crate::error::Violation;
use crate::json::Value;
use crate::time;

/// Order and time zone of an appointment. A fixed one may begin and end at the same instant.
pub fn appointment(value: Value<'_>, path: &str, out: &mut Vec<Violation>) {
    if instant(value, "start").zip(instant(value, "end")).is_some_and(|(start, end)| start > end) {
        push(out, &format!("{path}/end"), "window_order", "must not be before start");
    }
    let Some(zone) = text(value, "timeZone") else { return };
    for name in ["start", "end"] {
        if let Some(Err(why)) = text(value, name).map(|instant| time::check_offset(&instant, &zone)) {
            push(out, &format!("{path}/{name}"), "timezone_offset_mismatch", why);
        }
    }
}

/// Temperatures in order.
pub fn temperature(value: Value<'_>, path: &str, out: &mut Vec<Violation>) {
    super::capacity::setpoints(value, path, out);
}

/// A weight is more than nothing and in pounds or kilograms; a volume is a volume.
pub fn commodity(value: Value<'_>, path: &str, out: &mut Vec<Violation>) {
    let unit = |name: &str| value.get(name).and_then(|quantity| text(quantity, "unit"));
    if !matches!(unit("weight").as_deref(), Some("lb" | "kg")) {
        push(out, &format!("{path}/weight/unit"), "unit", "must be lb or kg");
    }
    if value.get("weight").and_then(|weight| decimal(weight.get("value")?)).is_some_and(|weight| weight.is_zero()) {
        push(out, &format!("{path}/weight/value"), "range", "must be more than 0");
    }
    if unit("volume").is_some_and(|unit| unit != "ft3" && unit != "m3") {
        push(out, &format!("{path}/volume/unit"), "unit", "must be ft3 or m3");
    }
}

/// Parties, stops, freight, references and times of a tender.
pub fn load_tender(value: Value<'_>, path: &str, out: &mut Vec<Violation>) {
    let payers = items(value, "parties").iter().filter(|p| text(**p, "role").as_deref() == Some("bill_to")).count();
    if payers != 1 {
        push(out, &format!("{path}/parties"), "bill_to", format!("must have exactly one bill_to, has {payers}"));
    }
    let stops = items(value, "stops");
    stops_in_order(&stops, &format!("{path}/stops"), out);
    balance(&stops, &items(value, "commodities"), path, out);
    references(&items(value, "references"), &stops, &format!("{path}/references"), out);
    times(value, &stops, path, out);

    let declared = items(value, "mustUnderstand").iter().any(|v| v.text().as_deref() == Some("/synthetic"));
    if flag(value, "synthetic") && !declared {
        push(out, &format!("{path}/mustUnderstand"), "must_understand", "must list /synthetic for a synthetic tender");
    }
}

fn stops_in_order(stops: &[Value<'_>], path: &str, out: &mut Vec<Violation>) {
    contiguous(stops, path, out);
    if stops.first().is_some_and(|stop| !loads(*stop)) {
        push(out, &format!("{path}/0/type"), "stop_order", "must be a pickup: the first stop");
    }
    if stops.last().is_some_and(|stop| !unloads(*stop)) {
        push(out, &format!("{path}/{}/type", stops.len() - 1), "stop_order", "must be a delivery: the last stop");
    }
    unique(stops, "stopId", path, out);
}

/// Freight comes aboard at a pickup, or with the trailer that is hooked there.
fn loads(stop: Value<'_>) -> bool {
    text(stop, "type").is_some_and(|kind| kind == "pickup" || kind == "hook_trailer")
}

/// Freight leaves at a delivery, or with the trailer that is dropped there.
fn unloads(stop: Value<'_>) -> bool {
    text(stop, "type").is_some_and(|kind| kind == "delivery" || kind == "drop_trailer")
}

/// Every line is picked up once and delivered once, in that order; nobody drives to a pickup or a delivery for nothing.
fn balance(stops: &[Value<'_>], lines: &[Value<'_>], path: &str, out: &mut Vec<Violation>) {
    unique(lines, "lineId", &format!("{path}/commodities"), out);
    let order: HashMap<String, usize> =
        stops.iter().enumerate().filter_map(|(place, stop)| Some((text(*stop, "stopId")?, place))).collect();
    let mut visited = HashSet::new();
    for (place, line) in lines.iter().enumerate() {
        let mut unbalanced = |name: &str, why: &str| {
            push(out, &format!("{path}/commodities/{place}/{name}"), "stops_unbalanced", why);
        };
        let at = |name: &str| text(*line, name).and_then(|id| order.get(&id).copied());
        let (pickup, delivery) = (at("pickupStopId"), at("deliveryStopId"));
        visited.extend([pickup, delivery].into_iter().flatten());
        match pickup {
            None => unbalanced("pickupStopId", "must name a stop"),
            Some(stop) if !loads(stops[stop]) => {
                unbalanced("pickupStopId", "must be a pickup, or where a trailer is hooked");
            }
            Some(_) => {}
        }
        match delivery {
            None => unbalanced("deliveryStopId", "must name a stop"),
            Some(stop) if pickup.is_some_and(|pickup| stop <= pickup) => {
                unbalanced("deliveryStopId", "must be a stop after the pickup");
            }
            Some(stop) if !unloads(stops[stop]) => {
                unbalanced("deliveryStopId", "must be a delivery, or where a trailer is dropped");
            }
            Some(_) => {}
        }
    }
    for (place, stop) in stops.iter().enumerate() {
        let kind = text(*stop, "type").unwrap_or_default();
        if matches!(kind.as_str(), "pickup" | "delivery") && !visited.contains(&place) {
            push(
                out,
                &format!("{path}/stops/{place}"),
                "stops_unbalanced",
                format!("is a {kind} of no line of freight"),
            );
        }
    }
}

fn references(references: &[Value<'_>], stops: &[Value<'_>], path: &str, out: &mut Vec<Violation>) {
    let known: HashSet<String> = stops.iter().filter_map(|stop| text(*stop, "stopId")).collect();
    let mut seen = HashSet::new();
    for (place, reference) in references.iter().enumerate() {
        let scope = text(*reference, "scope").unwrap_or_else(|| "load".to_owned());
        if scope != "load" && !known.contains(&scope) {
            push(out, &format!("{path}/{place}/scope"), "scope", "must be load or the stopId of a stop");
        }
        if !seen.insert((text(*reference, "type"), text(*reference, "value"), scope)) {
            push(out, &format!("{path}/{place}"), "unique", "must be unique by type, value and scope");
        }
    }
}

/// The decision falls, and the freight is ready, before the first pickup is over.
fn times(value: Value<'_>, stops: &[Value<'_>], path: &str, out: &mut Vec<Violation>) {
    let first = stops.first().and_then(|stop| stop.get("appointment")).and_then(|when| instant(when, "end"));
    let late = |name: &str| instant(value, name).zip(first).is_some_and(|(instant, end)| instant > end);
    if late("respondBy") {
        push(out, &format!("{path}/respondBy"), "respond_by_past", "must not be after the end of the first pickup");
    }
    if late("pickupNotBefore") {
        push(out, &format!("{path}/pickupNotBefore"), "window_order", "must not be after the end of the first pickup");
    }
}
