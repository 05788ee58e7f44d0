//! Rules that span members. Each takes the value of its entity after every member by itself was found in shape.

use std::collections::{HashMap, HashSet};

use rust_decimal::Decimal;

use crate::error::Violation;
use crate::json::Value;
use crate::{geo, money, time};

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

/// Start before end (contract 3b).
pub fn window(value: Value<'_>, path: &str, out: &mut Vec<Violation>) {
    let instants = text(value, "start").zip(text(value, "end"));
    let Some((Ok(start), Ok(end))) = instants.map(|(s, e)| (time::parse_instant(&s), time::parse_instant(&e))) else {
        return;
    };
    if start >= end {
        push(out, &format!("{path}/end"), "window_order", "must be after start");
    }
}

/// The window's length, the route's contiguity, and the last instant to tender (contract 3b).
pub fn capacity_offer(value: Value<'_>, path: &str, out: &mut Vec<Violation>) {
    let span = value.get("availableWindow").and_then(|w| {
        let start = time::parse_instant(&text(w, "start")?).ok()?;
        Some((start, time::parse_instant(&text(w, "end")?).ok()?))
    });
    if let Some((start, end)) = span {
        if end.duration_since(start).as_hours() > 30 * 24 {
            push(out, &format!("{path}/availableWindow"), "window_length", "must span at most 30 days");
        }
        let until = text(value, "offerValidUntil").and_then(|t| time::parse_instant(&t).ok());
        if until.is_some_and(|until| until > end) {
            push(out, &format!("{path}/offerValidUntil"), "window_order", "must not be after availableWindow.end");
        }
    }
    let Some(route) = value.get("route") else { return };
    let segments: Vec<_> = route.items().collect();
    for (place, pair) in segments.windows(2).enumerate() {
        let free = pair[0].get("gapAllowed").and_then(Value::boolean).unwrap_or(false);
        let ends = pair[0].get("to").and_then(degrees).zip(pair[1].get("from").and_then(degrees));
        if let Some((to, from)) = ends
            && !free
            && geo::distance_m(to, from) > 500.0
        {
            push(
                out,
                &format!("{path}/route/{}/from", place + 1),
                "route_gap",
                "must lie within 500 m of the end of the segment before, or that segment must have gapAllowed",
            );
        }
    }
    contiguous(&segments, &format!("{path}/route"), out);
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

/// No place lies at (0, 0) (contract 3a).
pub fn coordinate(value: Value<'_>, path: &str, out: &mut Vec<Violation>) {
    let zero = |name| value.get(name).and_then(decimal).is_some_and(|d| d.is_zero());
    if zero("lat") && zero("lon") {
        push(out, path, "coordinate_null_island", "must be a real place; (0, 0) is a missing position");
    }
}

/// Hazard classes need hazmat (contract 3d).
pub fn constraints(value: Value<'_>, path: &str, out: &mut Vec<Violation>) {
    let permitted = value.get("hazmat").and_then(Value::boolean).unwrap_or(false);
    if !permitted && value.get("hazmatClasses").is_some_and(|classes| !classes.is_empty()) {
        push(out, &format!("{path}/hazmatClasses"), "hazmat_classes", "must be absent where hazmat is false");
    }
}

/// The currency is in the ISO 4217 table (contract 3e).
pub fn currency(value: Value<'_>, path: &str, out: &mut Vec<Violation>) {
    if text(value, "currency").is_some_and(|code| money::minor_digits(&code).is_none()) {
        push(out, &format!("{path}/currency"), "currency_unknown", "must be an ISO 4217 currency code");
    }
}

/// Line haul, fuel and accessorials add up to the amount, where line haul is given (contract 3e).
pub fn rate(value: Value<'_>, path: &str, out: &mut Vec<Violation>) {
    let Some(linehaul) = value.get("linehaul").and_then(decimal) else { return };
    let (Some(amount), Some(currency)) = (value.get("amount").and_then(decimal), text(value, "currency")) else {
        return;
    };
    let mut sum = money::round(linehaul, &currency);
    if let Some(fuel) = value.get("fuelSurcharge") {
        let explicit = fuel.get("amount").and_then(decimal);
        let percent = (text(fuel, "method").as_deref() == Some("percent"))
            .then(|| fuel.get("value").and_then(decimal).map(|p| linehaul * p / Decimal::ONE_HUNDRED))
            .flatten();
        sum += money::round(explicit.or(percent).unwrap_or_default(), &currency);
    }
    for (place, line) in value.get("accessorials").into_iter().flat_map(Value::items).enumerate() {
        let Some(money_value) = line.get("amount") else { continue };
        if text(money_value, "currency").as_deref() != Some(&currency) {
            push(
                out,
                &format!("{path}/accessorials/{place}/amount/currency"),
                "currency_mixed",
                format!("must be {currency}, as the rate"),
            );
        }
        sum += money::round(money_value.get("amount").and_then(decimal).unwrap_or_default(), &currency);
    }
    if sum != amount {
        push(
            out,
            &format!("{path}/amount"),
            "rate_sum_mismatch",
            format!("must be {}, the sum of its lines", money::format(sum, &currency)),
        );
    }
}

/// A cap is in the currency of the charge (contract 3e).
pub fn accessorial(value: Value<'_>, path: &str, out: &mut Vec<Violation>) {
    let of = |name: &str| value.get(name).and_then(|m| text(m, "currency"));
    if of("cap").is_some() && of("cap") != of("amount") {
        push(out, &format!("{path}/cap/currency"), "currency_mixed", "must be the currency of the amount");
    }
}

/// Order and time zone of an appointment (contract 3a, 3f).
pub fn appointment(value: Value<'_>, path: &str, out: &mut Vec<Violation>) {
    window(value, path, out);
    let Some(zone) = text(value, "timeZone") else { return };
    for name in ["start", "end"] {
        if let Some(Err(why)) = text(value, name).map(|instant| time::check_offset(&instant, &zone)) {
            push(out, &format!("{path}/{name}"), "timezone_offset_mismatch", why);
        }
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

/// When a command lapses, and what its type needs (contract 3f, 4f).
pub fn command(value: Value<'_>, path: &str, out: &mut Vec<Violation>) {
    let at = |name| text(value, name).and_then(|t| time::parse_instant(&t).ok());
    if let Some((issued, expires)) = at("issuedAt").zip(at("expiresAt"))
        && (expires <= issued || expires.duration_since(issued).as_secs() > 15 * 60)
    {
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

/// Parties, stops, freight and references of a tender (contract 3f).
pub fn load_tender(value: Value<'_>, path: &str, out: &mut Vec<Violation>) {
    let list = |name: &str| value.get(name).map(|v| v.items().collect::<Vec<_>>()).unwrap_or_default();

    let payers = list("parties").iter().filter(|p| text(**p, "role").as_deref() == Some("bill_to")).count();
    if payers != 1 {
        push(out, &format!("{path}/parties"), "bill_to", format!("must have exactly one bill_to, has {payers}"));
    }

    let stops = list("stops");
    contiguous(&stops, &format!("{path}/stops"), out);
    if stops.first().and_then(|s| text(*s, "type")).is_some_and(|t| t != "pickup" && t != "hook_trailer") {
        push(out, &format!("{path}/stops/0/type"), "stop_order", "must be a pickup: the first stop");
    }
    if stops.last().and_then(|s| text(*s, "type")).is_some_and(|t| t != "delivery" && t != "drop_trailer") {
        push(out, &format!("{path}/stops/{}/type", stops.len() - 1), "stop_order", "must be a delivery: the last stop");
    }
    let mut order = HashMap::new();
    for (place, stop) in stops.iter().enumerate() {
        if order.insert(text(*stop, "stopId").unwrap_or_default(), place).is_some() {
            push(out, &format!("{path}/stops/{place}/stopId"), "unique", "must be unique among the stops");
        }
    }

    for (place, line) in list("commodities").iter().enumerate() {
        let at = |name: &str| text(*line, name).and_then(|id| order.get(&id).copied());
        match (at("pickupStopId"), at("deliveryStopId")) {
            (Some(pickup), Some(delivery)) if pickup < delivery => {}
            (Some(_), Some(_)) => push(
                out,
                &format!("{path}/commodities/{place}/deliveryStopId"),
                "stops_unbalanced",
                "must be a stop after the pickup",
            ),
            (None, _) => {
                push(out, &format!("{path}/commodities/{place}/pickupStopId"), "stops_unbalanced", "must name a stop");
            }
            (_, None) => {
                push(
                    out,
                    &format!("{path}/commodities/{place}/deliveryStopId"),
                    "stops_unbalanced",
                    "must name a stop",
                );
            }
        }
        let unit = line.get("weight").and_then(|w| text(w, "unit"));
        if !matches!(unit.as_deref(), Some("lb" | "kg")) {
            push(out, &format!("{path}/commodities/{place}/weight/unit"), "unit", "must be lb or kg");
        }
    }

    let mut seen = HashSet::new();
    for (place, reference) in list("references").iter().enumerate() {
        let key = (text(*reference, "type"), text(*reference, "value"), text(*reference, "scope"));
        if !seen.insert(key) {
            push(out, &format!("{path}/references/{place}"), "unique", "must be unique by type, value and scope");
        }
    }

    let synthetic = value.get("synthetic").and_then(Value::boolean).unwrap_or(false);
    let declared = |pointer: &str| list("mustUnderstand").iter().any(|v| v.text().as_deref() == Some(pointer));
    if synthetic && !declared("/synthetic") {
        push(out, &format!("{path}/mustUnderstand"), "must_understand", "must list /synthetic for a synthetic tender");
    }
}
