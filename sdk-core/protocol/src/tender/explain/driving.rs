//! How much autonomy the load needs, what the driving system may do today, who drives the manual legs, and whether a
//! driverless vehicle can enter (contract 3b to 3d, 3f).

use gladhand_documents::json::Value;

use super::{Case, Check, text};

pub(super) fn checks(case: &Case<'_>, out: &mut Vec<Check>) {
    out.push(level(case));
    manual_legs(case, out);
    access(case, out);
}

fn wanted(case: &Case<'_>) -> String {
    case.load.text("/requirements/autonomousRequired").unwrap_or_else(|| "indifferent".to_owned())
}

fn level(case: &Case<'_>) -> Check {
    let wanted = wanted(case);
    let level = case.offer.text("/autonomyLevel").unwrap_or_default();
    let driverless = matches!(level.as_str(), "L4" | "L5" | "SAE_4" | "SAE_5");
    let supervised = case.offer.boolean("/autonomy/supervised").unwrap_or(false)
        || case.offer.text("/autonomy/humanOnBoard").is_some_and(|who| who == "safety_operator");
    let have = if driverless && supervised { format!("{level}, supervised today") } else { level.clone() };
    let constraint = if driverless && supervised { "/autonomy/supervised" } else { "/autonomyLevel" };
    let check =
        Check::new("odd_ineligible", constraint, "/requirements/autonomousRequired").actual(wanted.clone()).limit(have);
    match wanted.as_str() {
        "preferred" | "indifferent" => check,
        "required" => check.require(
            driverless && !supervised,
            "Choose a capacity of level 4 or 5 that drives without supervision today.",
        ),
        _ => check.unknown("This version does not know the requirement; upgrade, or choose required or indifferent."),
    }
}

/// Segments that are not driven by the vehicle alone.
fn manual_legs(case: &Case<'_>, out: &mut Vec<Check>) {
    let required = wanted(case) == "required";
    let fallback = case.load.boolean("/requirements/manualFallbackAllowed");
    for (place, segment) in case.of_offer("/route").into_iter().enumerate() {
        let Some(mode) = text(segment, "driveMode") else { continue };
        let constraint = format!("/route/{place}/driveMode");
        let check = |load: &str| Check::new("odd_ineligible", constraint.clone(), load).limit(mode.clone());
        match &*mode {
            "autonomous" => {}
            // The first and the last mile are drayage: a load that needs autonomy still takes them, unless it says no.
            "manual" => out.push(check("/requirements/manualFallbackAllowed").require(
                fallback != Some(false),
                "Permit manual legs, or choose a capacity that drives by itself from dock to dock.",
            )),
            "supervised" => out.push(check("/requirements/autonomousRequired").require(
                !required,
                "Choose a capacity that drives without supervision, or prefer autonomy instead of requiring it.",
            )),
            _ => out.push(
                check("/requirements/autonomousRequired")
                    .unknown("This version does not know who drives this segment; upgrade, or ask the carrier."),
            ),
        }
    }
    if let Some(by) = case.offer.text("/constraints/handoff/manualLegBy").filter(|by| by != "carrier") {
        let check =
            Check::new("odd_ineligible", "/constraints/handoff/manualLegBy", "/requirements/manualFallbackAllowed");
        let remedy = "The manual legs are not the carrier's: say with manualFallbackAllowed that you arrange them.";
        out.push(check.limit(by).require(fallback == Some(true), remedy));
    }
}

/// The first and the last stop, where the vehicle itself must be able to enter.
fn access(case: &Case<'_>, out: &mut Vec<Check>) {
    let (stops, route) = (case.of_load("/stops"), case.of_offer("/route"));
    let by_itself = |segment: Option<&Value<'_>>| {
        segment.is_some_and(|segment| text(*segment, "driveMode").is_none_or(|mode| mode == "autonomous"))
    };
    let ends = [(0, 0), (stops.len().saturating_sub(1), route.len().saturating_sub(1))];
    for (stop, segment) in ends.into_iter().take(stops.len().min(2)) {
        let Some(access) = stops.get(stop).and_then(|stop| text(*stop, "autonomousAccess")) else { continue };
        if by_itself(route.get(segment)) {
            let load = format!("/stops/{stop}/autonomousAccess");
            let check =
                Check::new("odd_ineligible", format!("/route/{segment}/driveMode"), load).actual(access.clone());
            let remedy = "Choose a capacity with a manual leg to this stop: a driverless vehicle cannot enter.";
            out.push(check.limit("autonomous").require(access != "no", remedy));
        }
    }
}
