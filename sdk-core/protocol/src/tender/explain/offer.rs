//! The offer itself: its status, what it asks to be understood, how long it and its price hold, when tendering ends
//! (contract 3a, 3b, 3d, 3e).

use gladhand_documents::model::{Model as _, capacity::CapacityOffer, not_understood};
use jiff::Timestamp;

use super::{Case, Check, instant};

pub(super) fn checks(case: &Case<'_>, out: &mut Vec<Check>) {
    out.push(status(case));
    out.push(understood(case));
    let end = instant(case.offer, "/availableWindow/end").unwrap_or(Timestamp::MIN);
    let until = instant(case.offer, "/offerValidUntil").unwrap_or(end);
    out.push(deadline(case, "window_outside_offer", "/offerValidUntil", until, "The offer has lapsed; search again."));
    if let Some(until) = instant(case.offer, "/rate/validUntil") {
        out.push(deadline(
            case,
            "window_outside_offer",
            "/rate/validUntil",
            until,
            "The price has lapsed; search again.",
        ));
    }
    if let Some(until) = instant(case.offer, "/constraints/cutoff") {
        let remedy = "Tendering against this capacity has ended; choose another.";
        out.push(deadline(case, "lead_time", "/constraints/cutoff", until, remedy));
    }
}

fn status(case: &Case<'_>) -> Check {
    let status = case.offer.text("/status").unwrap_or_else(|| "available".to_owned());
    // Held is fine for the one who holds it: the carrier knows whether that is us.
    let free = status == "available" || (status == "held" && case.load.text("/holdId").is_some());
    Check::new("capacity_committed", "/status", "/capacityId")
        .actual(status)
        .limit("available")
        .require(free, "Search again; this capacity is not available any more.")
}

fn understood(case: &Case<'_>) -> Check {
    let unknown = not_understood(CapacityOffer::entity(), case.offer);
    let check = Check::new("not_understood", "/mustUnderstand", "");
    if unknown.is_empty() {
        return check;
    }
    check.actual(unknown.join(", ")).no("The offer carries a restriction that this version does not know; upgrade.")
}

fn deadline(case: &Case<'_>, code: &'static str, constraint: &str, until: Timestamp, remedy: &str) -> Check {
    Check::new(code, constraint, "")
        .actual(case.now.to_string())
        .limit(until.to_string())
        .require(case.now <= until, remedy)
}
