//! What is carried, by kind: temperatures, forbidden and allowed commodities, value, livestock, liquids (contract 3b, 3d).

use gladhand_documents::json::Value;
use rust_decimal::Decimal;

use super::{Case, Check, decimal, text};

const RESTRICTIONS: &str = "/constraints/cargoRestrictions";
const OTHER: &str = "Choose a capacity that may carry it.";

pub(super) fn checks(case: &Case<'_>, out: &mut Vec<Check>) {
    let restrictions = case.offer.at(RESTRICTIONS);
    let flag = |name: &str| restrictions.and_then(|r| r.get(name)).and_then(Value::boolean);
    for (place, line) in case.of_load("/commodities").into_iter().enumerate() {
        let load = format!("/commodities/{place}");
        temperature(case, line, &load, flag("tempControl"), out);
        // What moves by itself in the trailer is no cargo for a driverless vehicle, unless the carrier says so.
        for (name, is) in [("livestock", livestock(case, line)), ("liquidBulk", liquid_bulk(case, line))] {
            if is {
                let check = Check::new("odd_ineligible", format!("{RESTRICTIONS}/{name}"), load.clone());
                out.push(check.actual(name).limit("not by default").require(flag(name) == Some(true), OTHER));
            }
        }
        if let Some(restrictions) = restrictions {
            listed(restrictions, line, &load, out);
        }
    }
    if let Some(limit) = restrictions.and_then(|r| r.get("maxValue")) {
        out.push(value(case, limit));
    }
    if flag("teamRequired") == Some(true) {
        let team = case.load.boolean("/requirements/teamOk");
        let check = Check::new("odd_ineligible", format!("{RESTRICTIONS}/teamRequired"), "/requirements/teamOk");
        out.push(
            check.limit("a team").require(team != Some(false), "Permit a team, or choose a capacity without one."),
        );
    }
}

fn temperature(case: &Case<'_>, line: Value<'_>, load: &str, control: Option<bool>, out: &mut Vec<Check>) {
    let Some(temp) = line.get("temp") else { return };
    let load = format!("{load}/temp");
    let degrees = |value: Value<'_>, name: &str| fahrenheit(decimal(value.get(name)?)?, &text(value, "unit")?);
    let wanted = degrees(temp, "min").zip(degrees(temp, "max"));
    if control == Some(false) {
        let check = Check::new("odd_ineligible", format!("{RESTRICTIONS}/tempControl"), load);
        out.push(check.limit("none").no("Choose a capacity that controls temperature."));
        return;
    }
    let Some(range) = case.offer.at("/equipment/reeferSetpointRange") else { return };
    let check = Check::new("equipment_mismatch", "/equipment/reeferSetpointRange", load);
    let (Some((low, high)), Some((from, to))) = (wanted, degrees(range, "min").zip(degrees(range, "max"))) else {
        out.push(check.unknown("Give the temperatures in F or C."));
        return;
    };
    // Some setting of the reefer must lie in the band that the cargo bears.
    out.push(
        check
            .actual(format!("{low} to {high} F"))
            .limit(format!("{from} to {to} F"))
            .require(low <= to && high >= from, "Choose a capacity whose reefer holds these temperatures."),
    );
}

fn fahrenheit(degrees: Decimal, unit: &str) -> Option<Decimal> {
    match unit {
        "F" => Some(degrees),
        "C" => degrees.checked_mul(Decimal::new(18, 1))?.checked_add(Decimal::from(32)).map(|f| f.normalize()),
        _ => None,
    }
}

fn trailer(case: &Case<'_>) -> String {
    case.load.text("/equipmentRequired/trailerType").unwrap_or_default().to_lowercase()
}

fn description(line: Value<'_>) -> String {
    text(line, "description").unwrap_or_default().to_lowercase()
}

/// Live animals: chapter 01 of the Harmonized System, a trailer for them, or what the description says.
fn livestock(case: &Case<'_>, line: Value<'_>) -> bool {
    let words = description(line);
    text(line, "hsCode").is_some_and(|code| code.starts_with("01"))
        || trailer(case) == "livestock"
        || ["livestock", "live animals", "live cattle"].iter().any(|word| words.contains(word))
}

/// Liquid in a tank, where it surges; in drums it does not.
fn liquid_bulk(case: &Case<'_>, line: Value<'_>) -> bool {
    let packaging = text(line, "packaging").unwrap_or_default().to_lowercase();
    matches!(trailer(case).as_str(), "tanker" | "tank") || matches!(packaging.as_str(), "liquid_bulk" | "tnk" | "lbk")
}

/// One line against the lists of words.
fn listed(restrictions: Value<'_>, line: Value<'_>, load: &str, out: &mut Vec<Check>) {
    let words = |name: &str| -> Option<Vec<String>> {
        Some(restrictions.get(name)?.items().filter_map(|word| Some(word.text()?.to_lowercase())).collect())
    };
    let description = description(line);
    let load = format!("{load}/description");
    if let Some(forbidden) = words("forbidden") {
        let found = forbidden.iter().find(|word| description.contains(word.as_str()));
        let limit = found.map_or_else(|| format!("no {}", forbidden.join(", no ")), |word| format!("no {word}"));
        let check = Check::new("odd_ineligible", format!("{RESTRICTIONS}/forbidden"), load.clone());
        out.push(check.actual(description.clone()).limit(limit).require(found.is_none(), OTHER));
    }
    if let Some(allowed) = words("allowedCommodities") {
        let fits = allowed.iter().any(|word| description.contains(word.as_str()));
        let check = Check::new("odd_ineligible", format!("{RESTRICTIONS}/allowedCommodities"), load);
        out.push(check.actual(description).limit(allowed.join(", ")).require(fits, OTHER));
    }
}

/// The value of all lines, in one currency.
fn value(case: &Case<'_>, limit: Value<'_>) -> Check {
    let check = Check::new("odd_ineligible", format!("{RESTRICTIONS}/maxValue"), "/commodities");
    let currency = text(limit, "currency").unwrap_or_default();
    let Some(most) = limit.get("amount").and_then(decimal) else { return check.unknown("Ask the carrier.") };
    let check = check.limit(format!("{most} {currency}"));
    let mut sum = Decimal::ZERO;
    for line in case.of_load("/commodities") {
        let Some(value) = line.get("value") else {
            return check.unknown("Give every commodity its value: the carrier takes no more than its limit.");
        };
        let own = value.get("amount").and_then(decimal).filter(|_| text(value, "currency") == Some(currency.clone()));
        let Some(total) = own.and_then(|own| sum.checked_add(own)) else {
            return check.unknown("Give the values in the currency of the carrier's limit.");
        };
        sum = total;
    }
    check
        .actual(format!("{sum} {currency}"))
        .require(sum <= most, "Split the load, or choose a capacity for this value.")
}
