//! Where: stops outside of a segment's corridor need a detour that is permitted (contract 3c). Where the offer draws no
//! corridor it says nothing of the way, and nothing is checked.

use gladhand_documents::geo;
use gladhand_documents::json::Value;
use gladhand_documents::model::rules::line::{Point, of_corridor};
use rust_decimal::Decimal;
use rust_decimal::prelude::FromPrimitive as _;

use super::{Case, Check, decimal, text};

const METRES_PER_MILE: f64 = 1_609.344;

/// A segment with a corridor.
struct Corridor<'a> {
    place: usize,
    segment: Value<'a>,
    line: Vec<Point>,
    tolerance_m: f64,
}

pub(super) fn checks(case: &Case<'_>, out: &mut Vec<Check>) {
    let corridors: Vec<Corridor<'_>> = case
        .of_offer("/route")
        .into_iter()
        .enumerate()
        .filter_map(|(place, segment)| {
            let corridor = segment.get("corridor")?;
            let tolerance_m = corridor.get("toleranceM")?.number()?.parse().ok()?;
            Some(Corridor { place, segment, line: of_corridor(corridor)?, tolerance_m })
        })
        .collect();
    // A segment without a corridor may pass anywhere.
    if corridors.is_empty() || corridors.len() < case.of_offer("/route").len() {
        return;
    }
    for (place, stop) in case.of_load("/stops").into_iter().enumerate() {
        let point = stop.get("location").and_then(|l| {
            let degrees = |name: &str| decimal(l.get(name)?)?.to_string().parse::<f64>().ok();
            degrees("lat").zip(degrees("lon"))
        });
        let load = format!("/stops/{place}/location");
        let Some(point) = point else {
            let constraint = format!("/route/{}/corridor", corridors[0].place);
            let check = Check::new("detour_not_permitted", constraint, load);
            out.push(check.unknown("Give the stop a latitude and a longitude: the route has a corridor."));
            continue;
        };
        let off = |c: &Corridor<'_>| geo::distance_to_line_m(point, &c.line) - c.tolerance_m;
        let nearest = corridors.iter().map(|c| (off(c), c)).min_by(|a, b| a.0.total_cmp(&b.0));
        if let Some((outside_m, corridor)) = nearest {
            out.push(judged(corridor, outside_m, load));
        }
    }
}

/// A stop that is so many metres outside of the corridor; negative is inside.
fn judged(corridor: &Corridor<'_>, outside_m: f64, load: String) -> Check {
    let check = |member: &str| {
        Check::new("detour_not_permitted", format!("/route/{}/{member}", corridor.place), load.clone())
            .limit(format!("{} m to either side", corridor.tolerance_m))
    };
    if outside_m <= 0.0 {
        return check("corridor").actual("inside");
    }
    // Out and back again, at least.
    let extra = Decimal::from_f64(2.0 * outside_m / METRES_PER_MILE).unwrap_or(Decimal::MAX).round_dp(1);
    let actual = format!("{outside_m:.0} m outside, {extra} mi of detour");
    let Some(detours) = corridor.segment.get("permittedDetours") else {
        return check("permittedDetours").actual(actual).unknown("Ask the carrier whether it may leave the corridor.");
    };
    let fits = |detour: &Value<'_>| detour.get("maxExtraMi").and_then(decimal).is_some_and(|most| extra <= most);
    let named = |detour: Value<'_>| text(detour, "detourId").unwrap_or_default().into_owned();
    let mut permitted = detours.items().filter(fits).peekable();
    if permitted.peek().is_none() {
        let remedy = "Choose a capacity whose route passes the stop, or that permits a detour to it.";
        return check("permittedDetours").actual(actual).no(remedy);
    }
    match permitted.find(|detour| detour.get("needsApproval").and_then(Value::boolean) == Some(false)) {
        Some(detour) => check("permittedDetours").actual(actual).limit(format!("detour {}", named(detour))),
        None => check("permittedDetours").actual(actual).unknown("The detour needs an approval; request it first."),
    }
}
