//! How much autonomy the load needs, and what the offer's driving system may do today (contract 3b, 3f).

use super::{Case, Check};

pub(super) fn checks(case: &Case<'_>, out: &mut Vec<Check>) {
    let wanted = case.load.text("/requirements/autonomousRequired").unwrap_or_else(|| "indifferent".to_owned());
    let level = case.offer.text("/autonomyLevel").unwrap_or_default();
    let driverless = matches!(level.as_str(), "L4" | "L5" | "SAE_4" | "SAE_5");
    let supervised = case.offer.boolean("/autonomy/supervised").unwrap_or(false)
        || case.offer.text("/autonomy/humanOnBoard").is_some_and(|who| who == "safety_operator");
    let have = if driverless && supervised { format!("{level}, supervised today") } else { level.clone() };
    let check = Check::new("odd_ineligible", "/autonomyLevel", "/requirements/autonomousRequired")
        .actual(wanted.clone())
        .limit(have);
    let check = match wanted.as_str() {
        "preferred" | "indifferent" => check,
        "required" => check.require(
            driverless && !supervised,
            "Choose a capacity of level 4 or 5 that drives without supervision today.",
        ),
        _ => check.unknown("This version does not know the requirement; upgrade, or choose required or indifferent."),
    };
    out.push(check);
}
