//! What the carrier checks before it takes a well-formed tender: time, load, capacity, freight. The first broken rule is
//! the refusal; each has a reason for the rejected tender that is stored with it (contract 4b, row 3).

use gladhand_documents::error::{Code, Violation};
use gladhand_documents::json::{Document, Value};
use gladhand_documents::time::parse_instant;
use jiff::Timestamp;

use crate::clock::plus_seconds;
use crate::problem::{Problem, Result};
use crate::state::capacity::Capacity;

/// At least so far ahead `respondBy` must lie, in seconds (contract 3f).
const RESPOND_BY_LEAD_S: i64 = 60;

/// Whether `respondBy` leaves time and lies before the first pickup ends.
pub fn in_time(tender: &Document, now: Timestamp) -> Result<()> {
    let Some(respond_by) = instant(tender, "/respondBy") else {
        return Err(at(Code::SchemaInvalid, "/respondBy", "must be an instant"));
    };
    if respond_by <= plus_seconds(now, RESPOND_BY_LEAD_S) {
        return Err(at(Code::RespondByPast, "/respondBy", "must be more than 60 seconds ahead"));
    }
    if instant(tender, "/stops/0/appointment/end").is_some_and(|end| respond_by > end) {
        return Err(at(Code::RespondByPast, "/respondBy", "must not be after the end of the first pickup"));
    }
    Ok(())
}

/// Whether the freight fits the offer.
pub fn fits(tender: &Document, capacity: &Capacity, now: Timestamp) -> Result<()> {
    within_window(tender, capacity)?;
    inspected(tender, capacity, now)?;
    reachable(tender, capacity)?;
    hazmat(tender, capacity)?;
    equipment(tender, capacity)?;
    weight(tender, capacity)
}

/// The reason that a rejected tender carries for a refusal.
pub fn reason(code: Code) -> &'static str {
    match code {
        Code::TenderConflict => "duplicate",
        Code::CapacityCommitted | Code::CapacityUnknown | Code::HoldExpired => "capacity_gone",
        Code::InspectionExpired => "inspection_window",
        Code::OddIneligible => "route_not_eligible",
        Code::WeightExceeded => "weight",
        Code::HazmatNotPermitted => "hazmat",
        Code::WindowOutsideOffer | Code::TimezoneOffsetMismatch => "appointment",
        Code::EquipmentMismatch => "equipment",
        Code::RespondByPast => "lead_time",
        Code::RateSumMismatch | Code::CurrencyUnknown => "rate",
        _ => "other",
    }
}

fn within_window(tender: &Document, capacity: &Capacity) -> Result<()> {
    let (start, end) = capacity.window;
    let stops = tender.at("/stops").map_or(0, Value::len);
    for stop in 0..stops {
        let pointer = format!("/stops/{stop}/appointment");
        let from = instant(tender, &format!("{pointer}/start"));
        let to = instant(tender, &format!("{pointer}/end"));
        if let (Some(from), Some(to)) = (from, to)
            && (to < start || from > end)
        {
            return Err(at(Code::WindowOutsideOffer, &pointer, "must overlap the capacity's availableWindow"));
        }
    }
    Ok(())
}

/// The inspection must hold until the first pickup: the vehicle leaves then.
fn inspected(tender: &Document, capacity: &Capacity, now: Timestamp) -> Result<()> {
    let Some(until) = instant(&capacity.document, "/constraints/inspection/validUntil") else { return Ok(()) };
    let leaves = instant(tender, "/stops/0/appointment/start").unwrap_or(now).max(now);
    if until >= leaves {
        return Ok(());
    }
    Err(at(Code::InspectionExpired, "/stops/0/appointment/start", "is after the vehicle's inspection lapses"))
}

/// A stop that no driverless vehicle can enter takes a manual leg.
fn reachable(tender: &Document, capacity: &Capacity) -> Result<()> {
    let manual = |segment: Value<'_>| segment.get("driveMode").and_then(Value::text).as_deref() == Some("manual");
    let handed_over = capacity.document.at("/constraints/handoff/manualLegBy").is_some();
    if handed_over || capacity.document.at("/route").is_some_and(|route| route.items().any(manual)) {
        return Ok(());
    }
    let stops = tender.at("/stops").into_iter().flat_map(Value::items);
    for (place, stop) in stops.enumerate() {
        if stop.get("autonomousAccess").and_then(Value::text).as_deref() == Some("no") {
            let pointer = format!("/stops/{place}/autonomousAccess");
            return Err(at(Code::OddIneligible, &pointer, "is no, and this capacity has no manual leg"));
        }
    }
    Ok(())
}

fn hazmat(tender: &Document, capacity: &Capacity) -> Result<()> {
    if capacity.document.boolean("/constraints/hazmat") == Some(true) {
        return Ok(());
    }
    let lines = tender.at("/commodities").into_iter().flat_map(|lines| lines.items().enumerate());
    for (line, commodity) in lines {
        if commodity.get("hazmat").is_some() {
            let pointer = format!("/commodities/{line}/hazmat");
            return Err(at(Code::HazmatNotPermitted, &pointer, "is not permitted by this capacity"));
        }
    }
    Ok(())
}

fn equipment(tender: &Document, capacity: &Capacity) -> Result<()> {
    let Some(wanted) = tender.text("/equipmentRequired/trailerType") else { return Ok(()) };
    let Some(types) = capacity.document.at("/equipment/trailerTypes") else { return Ok(()) };
    if !types.items().any(|t| t.text().as_deref() == Some(wanted.as_str())) {
        let pointer = "/equipmentRequired/trailerType";
        return Err(at(Code::EquipmentMismatch, pointer, "is not a trailer of this capacity"));
    }
    let long_enough = tender
        .integer("/equipmentRequired/trailerLengthFt")
        .zip(capacity.document.integer("/equipment/trailerLengthFt"))
        .is_none_or(|(wanted, offered)| offered >= wanted);
    if long_enough {
        return Ok(());
    }
    Err(at(Code::EquipmentMismatch, "/equipmentRequired/trailerLengthFt", "is longer than this capacity's trailer"))
}

fn weight(tender: &Document, capacity: &Capacity) -> Result<()> {
    let total: u64 = tender
        .at("/commodities")
        .into_iter()
        .flat_map(Value::items)
        .filter_map(|line| {
            let weight = line.get("weight")?;
            let value = weight.get("value")?;
            let lexeme = value.number().map(str::to_owned).or_else(|| Some(value.text()?.into_owned()))?;
            Some(pounds(&lexeme, weight.get("unit")?.text()?.as_ref()))
        })
        .sum();
    let limit = u64::from(capacity.cargo_limit_lbs());
    if total <= limit {
        return Ok(());
    }
    let message = format!("weigh {total} lb together, the capacity takes {limit} lb of cargo");
    Err(at(Code::WeightExceeded, "/commodities", &message))
}

/// Whole pounds, rounded up (contract 3d). A weight is judged against limits of whole pounds; binary floats are exact
/// far beyond any truck, and the lexeme itself is not touched.
fn pounds(lexeme: &str, unit: &str) -> u64 {
    const LB_PER_KG: f64 = 2.204_622_621_85;
    let value: f64 = lexeme.parse().unwrap_or(f64::MAX);
    let pounds = if unit == "kg" { value * LB_PER_KG } else { value };
    pounds.clamp(0.0, 1e12).ceil() as u64
}

fn instant(document: &Document, pointer: &str) -> Option<Timestamp> {
    parse_instant(&document.text(pointer)?).ok()
}

fn at(code: Code, path: &str, message: &str) -> Problem {
    Problem::new(code, format!("{path} {message}")).violations(&[Violation {
        path: path.to_owned(),
        code: code.as_str().to_owned(),
        message: message.to_owned(),
    }])
}
