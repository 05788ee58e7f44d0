//! Rules that span members. Each takes the value of its entity after every member by itself was found in shape.
//!
//! * [`capacity`]: offer, route, corridor, constraints. * [`tender`]: parties, stops, freight, appointments.
//! * [`money`]: currencies and sums. * [`event`]: what an event says twice, exceptions, dispatches. * [`line`]: GeoJSON and polylines.
//! * Here: what several of them share, decisions, commands and webhook addresses.

pub mod capacity;
pub mod event;
pub mod line;
pub mod money;
pub mod tender;

use std::collections::HashSet;
use std::net::IpAddr;

use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;

use crate::error::Violation;
use crate::json::Value;
use crate::time;

fn push(out: &mut Vec<Violation>, path: &str, code: &str, message: impl Into<String>) {
    out.push(Violation { path: path.to_owned(), code: code.to_owned(), message: message.into() });
}

fn text(value: Value<'_>, name: &str) -> Option<String> {
    value.get(name)?.text().map(std::borrow::Cow::into_owned)
}

fn decimal(value: Value<'_>) -> Option<Decimal> {
    let lexeme = value.number().map(str::to_owned).or_else(|| value.text().map(std::borrow::Cow::into_owned))?;
    Decimal::from_str_exact(&lexeme).ok()
}

fn degrees(place: Value<'_>) -> Option<(f64, f64)> {
    let number =
        |name| place.get(name).and_then(|v| v.number().map(str::to_owned).or_else(|| v.text().map(Into::into)));
    Some((number("lat")?.parse().ok()?, number("lon")?.parse().ok()?))
}

fn instant(value: Value<'_>, name: &str) -> Option<Timestamp> {
    time::parse_instant(&text(value, name)?).ok()
}

fn flag(value: Value<'_>, name: &str) -> bool {
    value.get(name).and_then(Value::boolean).unwrap_or(false)
}

fn items<'a>(value: Value<'a>, name: &str) -> Vec<Value<'a>> {
    value.get(name).map(|list| list.items().collect()).unwrap_or_default()
}

/// Start before end (contract 3b).
pub fn window(value: Value<'_>, path: &str, out: &mut Vec<Violation>) {
    if instant(value, "start").zip(instant(value, "end")).is_some_and(|(start, end)| start >= end) {
        push(out, &format!("{path}/end"), "window_order", "must be after start");
    }
}

/// Each element has its own id.
fn unique(elements: &[Value<'_>], id: &str, path: &str, out: &mut Vec<Violation>) {
    let mut seen = HashSet::new();
    for (place, element) in elements.iter().enumerate() {
        if text(*element, id).is_some_and(|id| !seen.insert(id)) {
            push(out, &format!("{path}/{place}/{id}"), "unique", "must be unique in its list");
        }
    }
}

fn contiguous(items: &[Value<'_>], path: &str, out: &mut Vec<Violation>) {
    for (place, item) in items.iter().enumerate() {
        let sequence = item.get("sequence").and_then(|s| s.number().and_then(|n| n.parse::<usize>().ok()));
        if sequence.is_some_and(|sequence| sequence != place + 1) {
            push(
                out,
                &format!("{path}/{place}/sequence"),
                "sequence",
                format!("must be {}: contiguous from 1", place + 1),
            );
        }
    }
}

/// A position whole or not at all, and never at (0, 0) (contract 3a).
pub fn location(value: Value<'_>, path: &str, out: &mut Vec<Violation>) {
    for (there, missing) in [("lat", "lon"), ("lon", "lat")] {
        if value.get(there).is_some() && value.get(missing).is_none() {
            push(out, &format!("{path}/{missing}"), "required", format!("is required beside {there}"));
        }
    }
    coordinate(value, path, out);
}

/// No place lies at (0, 0) (contract 3a).
pub fn coordinate(value: Value<'_>, path: &str, out: &mut Vec<Violation>) {
    let zero = |name| value.get(name).and_then(decimal).is_some_and(|d| d.is_zero());
    if zero("lat") && zero("lon") {
        push(out, path, "coordinate_null_island", "must be a real place; (0, 0) is a missing position");
    }
}

/// A rejection has a reason, a counter a counter offer (contract 3f).
pub fn decision(value: Value<'_>, path: &str, out: &mut Vec<Violation>) {
    let outcome = text(value, "outcome").unwrap_or_default();
    if outcome == "rejected" && value.get("reasonCode").is_none() {
        push(out, &format!("{path}/reasonCode"), "required", "is required for a rejection");
    }
    if outcome == "countered" && value.get("counter").is_none() {
        push(out, &format!("{path}/counter"), "required", "is required for a counter offer");
    }
}

const MOST_COMMAND_LIFE: SignedDuration = SignedDuration::from_mins(15);

/// When a command lapses, and what its type needs (contract 3f, 4f).
pub fn command(value: Value<'_>, path: &str, out: &mut Vec<Violation>) {
    let times = instant(value, "issuedAt").zip(instant(value, "expiresAt"));
    if times.is_some_and(|(issued, expires)| expires <= issued || expires.duration_since(issued) > MOST_COMMAND_LIFE) {
        push(out, &format!("{path}/expiresAt"), "expiry", "must be after issuedAt by at most 15 minutes");
    }
    let kind = text(value, "type").unwrap_or_default();
    match (value.get("leaseS").is_some(), kind == "hold_at_terminal") {
        (false, true) => push(out, &format!("{path}/leaseS"), "required", "is required for a hold"),
        (true, false) => push(out, &format!("{path}/leaseS"), "lease", "must be absent: only a hold is leased"),
        _ => {}
    }
    command_params(value, &kind, path, out);
}

fn command_params(value: Value<'_>, kind: &str, path: &str, out: &mut Vec<Violation>) {
    let param = |name: &str| value.get("params").and_then(|params| params.get(name));
    let mut needs = |name: &str, why: &str| {
        if param(name).is_none() {
            push(out, &format!("{path}/params/{name}"), "required", format!("is required for {why}"));
        }
    };
    match kind {
        "conditional_stop" => {
            needs("condition", "a conditional stop");
            match param("condition").and_then(Value::text).as_deref() {
                None | Some("next_safe_location") => {}
                Some(condition) => {
                    needs("latestBy", &format!("the condition {condition}"));
                    match condition {
                        "at_stop" => needs("stopId", "the condition at_stop"),
                        "if" => needs("exceptionKind", "the condition if"),
                        _ => {}
                    }
                }
            }
        }
        "resume" => needs("commandRef", "a resume: the stop that it ends"),
        "release" => needs("commandRef", "a release: the hold that it ends"),
        "manual_intervention" => needs("kind", "an intervention"),
        "reschedule_stop" => {
            needs("stopId", "a rescheduled stop");
            needs("appointment", "a rescheduled stop");
        }
        "route_change" if param("detourId").is_some() == param("newSegments").is_some() => {
            let why = "must be there, or newSegments, and not both";
            push(out, &format!("{path}/params/detourId"), "one_of", why);
        }
        _ => {}
    }
    let latest = param("latestBy").and_then(Value::text).and_then(|t| time::parse_instant(&t).ok());
    let issued = text(value, "issuedAt").and_then(|t| time::parse_instant(&t).ok());
    if latest.zip(issued).is_some_and(|(latest, issued)| latest <= issued) {
        push(out, &format!("{path}/params/latestBy"), "window_order", "must be after issuedAt");
    }
}

/// An address that a carrier may be asked to call (contract 4e): https or, for receivers that rely on the signature alone,
/// http; a host; no user and no fragment; never an address of a private network, of the link or of the cloud's metadata.
/// Names are checked by the carrier at every dial. The loopback addresses are the carrier's own to refuse: a sandbox on the
/// same machine takes them.
pub fn webhook_url(value: Value<'_>, path: &str, out: &mut Vec<Violation>) {
    let Some(url) = text(value, "url") else { return };
    let path = format!("{path}/url");
    let signed_only = text(value, "mtls").as_deref() == Some("signature_only");
    let rest = match url.split_once("://") {
        Some(("https", rest)) => rest,
        Some(("http", rest)) if signed_only => rest,
        _ => return push(out, &path, "url", "must be an https address; http takes signature_only"),
    };
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    if url.chars().any(|c| c.is_whitespace() || c.is_control()) || url.contains(['#', '\\']) || authority.contains('@')
    {
        return push(out, &path, "url", "must have no user, no fragment and no white space");
    }
    let host = match authority.strip_prefix('[') {
        Some(literal) => literal.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    if host.is_empty() {
        push(out, &path, "url", "must name a host");
    } else if !address_allowed(host) {
        push(out, &path, "address_not_allowed", "must be a public address");
    }
}

/// Whether a host may be called: a name, or a literal address that is public or loopback. A number that is no dotted
/// address, such as `2852039166`, is one to many resolvers, so it is refused.
fn address_allowed(host: &str) -> bool {
    let numeric = |part: &str| {
        let digits = part.strip_prefix("0x").or_else(|| part.strip_prefix("0X"));
        !part.is_empty()
            && digits.map_or_else(
                || part.bytes().all(|b| b.is_ascii_digit()),
                |hex| hex.bytes().all(|b| b.is_ascii_hexdigit()),
            )
    };
    match host.parse::<IpAddr>() {
        Ok(IpAddr::V4(ip)) => {
            let [a, b, ..] = ip.octets();
            let shared = a == 100 && (64..128).contains(&b);
            !(ip.is_private()
                || ip.is_link_local()
                || ip.is_multicast()
                || ip.is_broadcast()
                || a == 0
                || a >= 240
                || shared)
        }
        Ok(IpAddr::V6(ip)) => {
            if let Some(mapped) = ip.to_ipv4_mapped() {
                return address_allowed(&mapped.to_string());
            }
            let first = ip.segments()[0];
            ip.is_loopback()
                || !(ip.is_unspecified() || ip.is_multicast() || first & 0xfe00 == 0xfc00 || first & 0xffc0 == 0xfe80)
        }
        Err(_) => !numeric(host.trim_end_matches('.').rsplit('.').next().unwrap_or_default()),
    }
}
