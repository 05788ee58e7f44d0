//! Offers: window, route, corridor, detours, constraints (contract 3b to 3d).

use std::collections::HashSet;

use jiff::SignedDuration;

use super::{contiguous, decimal, degrees, flag, instant, items, line, push, text, unique};
use crate::error::Violation;
use crate::geo;
use crate::json::Value;

/// The longest `availableWindow`.
const MOST_WINDOW: SignedDuration = SignedDuration::from_hours(30 * 24);
/// How far one segment may begin from where the one before it ended, in metres.
const MOST_GAP_M: f64 = 500.0;

/// The window's length, the last instant to tender, the route's contiguity, and the segments that hours name.
pub fn offer(value: Value<'_>, path: &str, out: &mut Vec<Violation>) {
    let span = value.get("availableWindow").and_then(|w| instant(w, "start").zip(instant(w, "end")));
    if let Some((start, end)) = span {
        if end.duration_since(start) > MOST_WINDOW {
            push(out, &format!("{path}/availableWindow"), "window_length", "must span at most 30 days");
        }
        if instant(value, "offerValidUntil").is_some_and(|until| until > end) {
            push(out, &format!("{path}/offerValidUntil"), "window_order", "must not be after availableWindow.end");
        }
    }
    let segments = items(value, "route");
    for (place, pair) in segments.windows(2).enumerate() {
        let ends = pair[0].get("to").and_then(degrees).zip(pair[1].get("from").and_then(degrees));
        if ends.is_some_and(|(to, from)| geo::distance_m(to, from) > MOST_GAP_M) && !flag(pair[0], "gapAllowed") {
            push(
                out,
                &format!("{path}/route/{}/from", place + 1),
                "route_gap",
                "must lie within 500 m of the end of the segment before, or that segment must have gapAllowed",
            );
        }
    }
    contiguous(&segments, &format!("{path}/route"), out);
    unique(&segments, "segmentId", &format!("{path}/route"), out);
    for (place, segment) in segments.iter().enumerate() {
        let detours = items(*segment, "permittedDetours");
        unique(&detours, "detourId", &format!("{path}/route/{place}/permittedDetours"), out);
    }

    let known: HashSet<String> = segments.iter().filter_map(|segment| text(*segment, "segmentId")).collect();
    let hours = value.get("constraints").map(|c| items(c, "hoursOfOperation")).unwrap_or_default();
    for (place, entry) in hours.into_iter().enumerate() {
        if text(entry, "appliesTo").is_some_and(|segment| !known.contains(&segment)) {
            let at = format!("{path}/constraints/hoursOfOperation/{place}/appliesTo");
            push(out, &at, "segment_unknown", "must be the segmentId of a segment of the route");
        }
    }
}

/// Hazard classes need hazmat; a tare leaves something of a gross limit (contract 3d).
pub fn constraints(value: Value<'_>, path: &str, out: &mut Vec<Violation>) {
    if !flag(value, "hazmat") && value.get("hazmatClasses").is_some_and(|classes| !classes.is_empty()) {
        push(out, &format!("{path}/hazmatClasses"), "hazmat_classes", "must be absent where hazmat is false");
    }
    let number = |name| value.get(name).and_then(decimal);
    let gross = text(value, "weightBasis").is_none_or(|basis| basis == "gross_vehicle");
    if gross && number("tareWeightLbs").zip(number("maxWeightLbs")).is_some_and(|(tare, max)| tare >= max) {
        push(
            out,
            &format!("{path}/tareWeightLbs"),
            "range",
            "must be less than maxWeightLbs, which counts the vehicle",
        );
    }
}

/// The time that charging takes lies in its window (contract 3d).
pub fn charging(value: Value<'_>, path: &str, out: &mut Vec<Violation>) {
    let Some(span) = value.get("window").and_then(|w| instant(w, "start").zip(instant(w, "end"))) else { return };
    let minutes = value.get("minMinutes").and_then(Value::number).and_then(|n| n.parse::<i64>().ok());
    if minutes.is_some_and(|minutes| SignedDuration::from_mins(minutes) > span.1.duration_since(span.0)) {
        push(out, &format!("{path}/minMinutes"), "range", "must fit into the window");
    }
}

/// An inspection is passed before it lapses (contract 3d).
pub fn inspection(value: Value<'_>, path: &str, out: &mut Vec<Violation>) {
    let span = instant(value, "lastPassedAt").zip(instant(value, "validUntil"));
    if span.is_some_and(|(passed, until)| passed >= until) {
        push(out, &format!("{path}/validUntil"), "window_order", "must be after lastPassedAt");
    }
}

/// Temperatures in order (contract 3b).
pub fn setpoints(value: Value<'_>, path: &str, out: &mut Vec<Violation>) {
    let number = |name| value.get(name).and_then(decimal);
    if number("min").zip(number("max")).is_some_and(|(min, max)| min > max) {
        push(out, &format!("{path}/max"), "range", "must not be below min");
    }
}

/// One line, in one of the two notations (contract 3c).
pub fn corridor(value: Value<'_>, path: &str, out: &mut Vec<Violation>) {
    match (text(value, "polyline5"), value.get("geoJson")) {
        (Some(polyline), None) => {
            if line::decode(&polyline).is_none_or(|points| points.len() < 2) {
                push(
                    out,
                    &format!("{path}/polyline5"),
                    "polyline",
                    "must be an encoded polyline of two points or more",
                );
            }
        }
        (None, Some(shape)) => {
            if line::of(shape).is_none() {
                let why = "must be a GeoJSON LineString of two positions or more, each [lon, lat]";
                push(out, &format!("{path}/geoJson"), "geojson", why);
            }
        }
        _ => push(out, path, "one_of", "must have polyline5 or geoJson, and not both"),
    }
}

/// The area of a detour is a polygon (contract 3c).
pub fn detour(value: Value<'_>, path: &str, out: &mut Vec<Violation>) {
    if value.get("area").is_some_and(|area| !line::is_polygon(area)) {
        let why = "must be a GeoJSON Polygon: rings of four positions or more that end where they began";
        push(out, &format!("{path}/area"), "geojson", why);
    }
}
