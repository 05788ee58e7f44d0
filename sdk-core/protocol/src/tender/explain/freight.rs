//! What is carried, in numbers: weight, hazardous materials, equipment (contract 3b, 3d).

use gladhand_documents::json::Value;
use rust_decimal::Decimal;

use super::{Case, Check, decimal, text};

pub(super) fn checks(case: &Case<'_>, out: &mut Vec<Check>) {
    out.push(weight(case));
    hazmat(case, out);
    out.push(equipment(case));
}

/// Pounds of one quantity, rounded up (contract 3d); `None` for a unit that is no weight.
fn pounds(quantity: Value<'_>) -> Option<Decimal> {
    let amount = decimal(quantity.get("value")?)?;
    let pounds = match &*text(quantity, "unit")? {
        "lb" => amount,
        // The international pound is exactly 0.45359237 kg.
        "kg" => amount.checked_div(Decimal::new(45_359_237, 8))?,
        _ => return None,
    };
    Some(pounds.ceil())
}

/// Pounds of all commodities; `None` if one of them cannot be read.
fn cargo_pounds(case: &Case<'_>) -> Option<Decimal> {
    let lines = case.of_load("/commodities");
    if lines.is_empty() {
        return None;
    }
    lines
        .into_iter()
        .map(|line| pounds(line.get("weight")?))
        .try_fold(Decimal::ZERO, |sum, line| sum.checked_add(line?))
}

fn weight(case: &Case<'_>) -> Check {
    let limit = |name: &str| case.offer.integer(&format!("/constraints/{name}")).map(Decimal::from);
    let max = limit("maxWeightLbs").unwrap_or_default();
    let own = limit("maxCargoWeightLbs");
    let basis = case.offer.text("/constraints/weightBasis").unwrap_or_else(|| "gross_vehicle".to_owned());
    // What is left for cargo, where that stands, and how it was counted.
    let by_weight = match basis.as_str() {
        "cargo" => Some((max, "maxWeightLbs", format!("{max} lb of cargo"))),
        "gross_vehicle" => match limit("tareWeightLbs") {
            Some(tare) => Some((max - tare, "maxWeightLbs", format!("{max} lb gross less {tare} lb tare"))),
            None if own.is_none() && case.assumed_tare_lbs > 0 => {
                let tare = Decimal::from(case.assumed_tare_lbs);
                Some((max - tare, "maxWeightLbs", format!("{max} lb gross less {tare} lb assumed tare")))
            }
            None => None,
        },
        other => {
            return Check::new("weight_exceeded", "/constraints/weightBasis", "/commodities")
                .limit(format!("{max} lb, counted as {other}"))
                .unknown("This version does not know the weight basis; upgrade, or ask the carrier.");
        }
    };
    let by_cargo = own.map(|own| (own.min(max), "maxCargoWeightLbs", format!("{own} lb of cargo")));
    let Some((allowed, member, how)) = by_weight.into_iter().chain(by_cargo).min_by_key(|(allowed, ..)| *allowed)
    else {
        return Check::new("weight_exceeded", "/constraints/tareWeightLbs", "/commodities")
            .limit(format!("{max} lb gross"))
            .unknown("Ask the carrier for tareWeightLbs or maxCargoWeightLbs.");
    };
    let check = Check::new("weight_exceeded", format!("/constraints/{member}"), "/commodities").limit(how);
    let Some(cargo) = cargo_pounds(case) else {
        return check.unknown("Give every commodity a weight in lb or kg.");
    };
    check
        .actual(format!("{cargo} lb of cargo"))
        .require(cargo <= allowed, "Reduce the weight, or choose a capacity with a higher limit.")
}

fn hazmat(case: &Case<'_>, out: &mut Vec<Check>) {
    let permitted = case.offer.boolean("/constraints/hazmat").unwrap_or(false);
    let classes = case.offer.at("/constraints/hazmatClasses");
    let before = out.len();
    for (place, line) in case.of_load("/commodities").into_iter().enumerate() {
        let Some(hazmat) = line.get("hazmat") else { continue };
        let load = format!("/commodities/{place}/hazmat");
        let check = |constraint: &str| Check::new("hazmat_not_permitted", constraint, load.clone());
        let own: Vec<_> = text(hazmat, "hazardClass")
            .into_iter()
            .chain(hazmat.get("subsidiary").into_iter().flat_map(Value::items).filter_map(Value::text))
            .collect();
        let actual = format!("class {}", own.join(", "));
        if !permitted {
            let remedy = "Choose a capacity that permits hazardous materials.";
            out.push(check("/constraints/hazmat").actual(actual).limit("none").no(remedy));
        } else if text(hazmat, "hazardClass").is_none() {
            out.push(check("/constraints/hazmatClasses").unknown("Give the hazard class of the line."));
        } else if let Some(allowed) = classes {
            let allowed: Vec<_> = allowed.items().filter_map(Value::text).collect();
            let fits = own.iter().all(|class| allowed.iter().any(|allowed| covers(allowed, class)));
            out.push(
                check("/constraints/hazmatClasses")
                    .actual(actual)
                    .limit(format!("class {}", allowed.join(", ")))
                    .require(fits, "Choose a capacity that permits these hazard classes."),
            );
        } else {
            out.push(check("/constraints/hazmat").actual(actual).limit("permitted"));
        }
    }
    if out.len() == before {
        let limit = if permitted { "permitted" } else { "none" };
        out.push(Check::new("hazmat_not_permitted", "/constraints/hazmat", "/commodities").actual("none").limit(limit));
    }
}

/// Class `2` covers its divisions, and division `1.4` its compatibility groups.
fn covers(allowed: &str, class: &str) -> bool {
    class.strip_prefix(allowed).is_some_and(|rest| {
        rest.is_empty() || rest.starts_with('.') || (allowed.contains('.') && rest.starts_with(char::is_alphabetic))
    })
}

fn equipment(case: &Case<'_>) -> Check {
    let check = |constraint: &str, load: &str| Check::new("equipment_mismatch", constraint, load);
    let trailer = "/equipmentRequired/trailerType";
    let Some(wanted) = case.load.text(trailer) else {
        return check("/equipment", trailer)
            .unknown("Say which trailer the load needs in equipmentRequired.trailerType.");
    };
    // An offer that says nothing of equipment leaves the trailer to the carrier's yard.
    if case.offer.at("/equipment").is_none() {
        return check("/equipment", trailer).actual(wanted).limit("not stated");
    }
    // So a load brings its own trailer: it asks for none, or hooks one at its first stop.
    let hooked = case.load.text("/stops/0/type").as_deref() == Some("hook_trailer");
    let own = hooked || wanted == "power_only" || wanted == "tractor_only";
    match case.offer.text("/equipment/provides").as_deref() {
        Some("tractor_only") => {
            return check("/equipment/provides", trailer).actual(wanted).limit("tractor_only").require(
                own,
                "Bring a trailer of your own (power_only, or hook it at the first stop), or choose a capacity with one.",
            );
        }
        None | Some("tractor_and_trailer") => {}
        Some(other) => {
            return check("/equipment/provides", trailer)
                .actual(wanted)
                .limit(other)
                .unknown("This version does not know what the carrier brings; upgrade, or ask the carrier.");
        }
    }
    let types: Vec<String> =
        case.of_offer("/equipment/trailerTypes").into_iter().filter_map(|t| Some(t.text()?.into_owned())).collect();
    if !own && !types.is_empty() && !types.contains(&wanted) {
        return check("/equipment/trailerTypes", trailer)
            .actual(wanted)
            .limit(types.join(", "))
            .no("Choose a capacity with the trailer that the load needs.");
    }
    let lengths = case
        .load
        .integer("/equipmentRequired/trailerLengthFt")
        .zip(case.offer.integer("/equipment/trailerLengthFt"))
        .filter(|_| !own);
    if let Some((need, have)) = lengths {
        return check("/equipment/trailerLengthFt", "/equipmentRequired/trailerLengthFt")
            .actual(format!("{wanted}, {need} ft"))
            .limit(format!("{have} ft"))
            .require(have >= need, "Choose a capacity with a longer trailer.");
    }
    check("/equipment/trailerTypes", trailer).actual(wanted).limit(if types.is_empty() {
        "not stated".to_owned()
    } else {
        types.join(", ")
    })
}
