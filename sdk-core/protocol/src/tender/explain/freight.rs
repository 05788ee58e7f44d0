//! What is carried: weight, hazardous materials, equipment, forbidden cargo (contract 3d).

use gladhand_documents::json::{Document, Value};
use rust_decimal::Decimal;

use super::{Case, Check};

pub(super) fn checks(case: &Case<'_>, out: &mut Vec<Check>) {
    out.push(weight(case));
    out.push(hazmat(case));
    out.push(equipment(case));
    cargo(case, out);
}

/// Pounds of one quantity, rounded up (contract 3d); `None` for a unit that is no weight.
fn pounds(quantity: Value<'_>) -> Option<Decimal> {
    let value = quantity.get("value")?;
    let lexeme = value.number().map(str::to_owned).or_else(|| value.text().map(std::borrow::Cow::into_owned))?;
    let amount = Decimal::from_str_exact(&lexeme).ok()?;
    let pounds = match &*quantity.get("unit")?.text()? {
        "lb" | "lbs" => amount,
        // The international pound is exactly 0.45359237 kg.
        "kg" => amount.checked_div(Decimal::new(45_359_237, 8))?,
        _ => return None,
    };
    Some(pounds.ceil())
}

/// Pounds of all commodities; `None` if one of them cannot be read.
fn cargo_pounds(load: &Document) -> Option<Decimal> {
    let lines = load.at("/commodities")?;
    if lines.is_empty() {
        return None;
    }
    lines.items().map(|line| pounds(line.get("weight")?)).try_fold(Decimal::ZERO, |sum, line| sum.checked_add(line?))
}

fn weight(case: &Case<'_>) -> Check {
    let check = Check::new("weight_exceeded", "/constraints/maxWeightLbs", "/commodities");
    let Some(cargo) = cargo_pounds(case.load) else {
        return check.unknown("Give every commodity a weight in lb or kg.");
    };
    let limit = |pointer: &str| case.offer.integer(pointer).map(Decimal::from);
    let max = limit("/constraints/maxWeightLbs").unwrap_or_default();
    let basis = case.offer.text("/constraints/weightBasis").unwrap_or_else(|| "gross_vehicle".to_owned());
    let mut check = check.actual(format!("{cargo} lb of cargo"));
    let own = limit("/constraints/maxCargoWeightLbs");
    let (allowed, how) = match basis.as_str() {
        "cargo" => (own.map_or(max, |own| own.min(max)), format!("{max} lb of cargo")),
        "gross_vehicle" => {
            if let Some(tare) = limit("/constraints/tareWeightLbs") {
                let net = max - tare;
                let net = own.map_or(net, |own| own.min(net));
                (net, format!("{max} lb gross less {tare} lb tare"))
            } else if let Some(own) = own {
                (own.min(max), format!("{own} lb of cargo"))
            } else if case.assumed_tare_lbs > 0 {
                let tare = Decimal::from(case.assumed_tare_lbs);
                (max - tare, format!("{max} lb gross less {tare} lb assumed tare"))
            } else {
                return check
                    .limit(format!("{max} lb gross"))
                    .unknown("Ask the carrier for tareWeightLbs or maxCargoWeightLbs.");
            }
        }
        other => {
            check = check.limit(format!("{max} lb, counted as {other}"));
            return check.unknown("This version does not know the weight basis; upgrade, or ask the carrier.");
        }
    };
    check.limit(how).require(cargo <= allowed, "Reduce the weight, or choose a capacity with a higher limit.")
}

fn hazmat(case: &Case<'_>) -> Check {
    let check = Check::new("hazmat_not_permitted", "/constraints/hazmat", "/commodities");
    let classes: Vec<String> = case
        .load
        .at("/commodities")
        .into_iter()
        .flat_map(Value::items)
        .filter_map(|line| line.get("hazmat"))
        .map(|h| h.get("hazardClass").and_then(Value::text).unwrap_or_default().into_owned())
        .collect();
    let permitted = case.offer.boolean("/constraints/hazmat").unwrap_or(false);
    let check = check.limit(if permitted { "permitted" } else { "none" });
    if classes.is_empty() {
        return check.actual("none");
    }
    let check = check.actual(format!("class {}", classes.join(", ")));
    if !permitted {
        return check.no("Choose a capacity that permits hazardous materials.");
    }
    let Some(allowed) = case.offer.at("/constraints/hazmatClasses") else { return check };
    let allowed: Vec<_> = allowed.items().filter_map(Value::text).collect();
    check.limit(format!("class {}", allowed.join(", "))).require(
        classes.iter().all(|class| allowed.iter().any(|a| a == class)),
        "Choose a capacity that permits these hazard classes.",
    )
}

fn equipment(case: &Case<'_>) -> Check {
    let check = Check::new("equipment_mismatch", "/equipment", "/equipmentRequired");
    let Some(wanted) = case.load.text("/equipmentRequired/trailerType") else {
        return check.unknown("Say which trailer the load needs in equipmentRequired.trailerType.");
    };
    let check = check.actual(&wanted);
    // An offer that says nothing of equipment leaves the trailer to the carrier's yard.
    if case.offer.at("/equipment").is_none() {
        return check.limit("not stated");
    }
    if case.offer.text("/equipment/provides").as_deref() == Some("tractor_only") {
        return check.limit("tractor only").require(
            wanted == "power_only" || wanted == "tractor_only",
            "Bring a trailer of your own (power_only), or choose a capacity with a trailer.",
        );
    }
    let types: Vec<_> = case
        .offer
        .at("/equipment/trailerTypes")
        .into_iter()
        .flat_map(Value::items)
        .filter_map(|item| item.text().map(std::borrow::Cow::into_owned))
        .collect();
    let length = case.load.integer("/equipmentRequired/trailerLengthFt");
    let offered = case.offer.integer("/equipment/trailerLengthFt");
    let fits = length.zip(offered).is_none_or(|(need, have)| have >= need);
    let check = check.limit(if types.is_empty() { "not stated".to_owned() } else { types.join(", ") });
    check
        .require(types.is_empty() || types.contains(&wanted), "Choose a capacity with the trailer that the load needs.")
        .and(fits, "Choose a capacity with a longer trailer.")
}

impl Check {
    /// A second condition of the same check.
    fn and(self, holds: bool, remedy: &str) -> Self {
        if self.remedy.is_some() { self } else { self.require(holds, remedy) }
    }
}

fn cargo(case: &Case<'_>, out: &mut Vec<Check>) {
    let Some(restrictions) = case.offer.at("/constraints/cargoRestrictions") else { return };
    let check = Check::new("odd_ineligible", "/constraints/cargoRestrictions", "/commodities");
    let list = |name: &str| -> Option<Vec<String>> {
        let items = restrictions.get(name)?.items();
        Some(items.filter_map(|item| item.text().map(|text| text.to_lowercase())).collect())
    };
    let (allowed, forbidden) = (list("allowedCommodities"), list("forbidden").unwrap_or_default());
    let lines = case.load.at("/commodities").into_iter().flat_map(Value::items);
    for line in lines {
        let description = line.get("description").and_then(Value::text).unwrap_or_default().to_lowercase();
        if let Some(word) = forbidden.iter().find(|word| description.contains(word.as_str())) {
            out.push(
                check
                    .actual(description.clone())
                    .limit(format!("no {word}"))
                    .no("Choose a capacity that may carry it."),
            );
            return;
        }
        if allowed.as_ref().is_some_and(|allowed| !allowed.iter().any(|word| description.contains(word.as_str()))) {
            out.push(
                check
                    .actual(description.clone())
                    .limit(allowed.unwrap_or_default().join(", "))
                    .no("Choose a capacity that may carry it."),
            );
            return;
        }
        if line.get("temp").is_some() && restrictions.get("tempControl").and_then(Value::boolean) == Some(false) {
            out.push(
                check.actual("temperature control").limit("none").no("Choose a capacity that controls temperature."),
            );
            return;
        }
    }
    out.push(check);
}
