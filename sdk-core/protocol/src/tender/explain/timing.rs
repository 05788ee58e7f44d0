//! When: the offer's validity, its window, hours of operation, lead time, inspection (contract 3b, 3d).

use gladhand_documents::json::Value;
use jiff::civil::Weekday;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan as _};

use super::{Case, Check};

pub(super) fn checks(case: &Case<'_>, out: &mut Vec<Check>) {
    out.push(status(case));
    out.push(understood(case));
    out.push(validity(case));
    let pickup = span(case);
    out.push(window(case, pickup));
    out.push(hours(case, pickup));
    out.push(lead_time(case, pickup));
    out.push(inspection(case, pickup));
}

/// The first stop's appointment.
fn span(case: &Case<'_>) -> Option<(Timestamp, Timestamp)> {
    Case::instant(case.load, "/stops/0/appointment/start").zip(Case::instant(case.load, "/stops/0/appointment/end"))
}

const NO_PICKUP: &str = "Give the first stop an appointment with start and end.";

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
    use gladhand_documents::model::{Model as _, capacity::CapacityOffer, not_understood};
    let unknown = not_understood(CapacityOffer::entity(), case.offer);
    let check = Check::new("not_understood", "/mustUnderstand", "");
    if unknown.is_empty() {
        return check;
    }
    check.actual(unknown.join(", ")).no("The offer carries a restriction that this version does not know; upgrade.")
}

fn validity(case: &Case<'_>) -> Check {
    let until = Case::instant(case.offer, "/offerValidUntil")
        .or_else(|| Case::instant(case.offer, "/availableWindow/end"))
        .unwrap_or(Timestamp::MIN);
    let cutoff = Case::instant(case.offer, "/constraints/cutoff").unwrap_or(Timestamp::MAX);
    Check::new("window_outside_offer", "/offerValidUntil", "")
        .actual(case.now.to_string())
        .limit(until.min(cutoff).to_string())
        .require(case.now <= until.min(cutoff), "The offer has lapsed; search again.")
}

fn window(case: &Case<'_>, pickup: Option<(Timestamp, Timestamp)>) -> Check {
    let check = Check::new("window_outside_offer", "/availableWindow", "/stops/0/appointment");
    let Some((start, end)) = pickup else { return check.unknown(NO_PICKUP) };
    let available = |member: &str| Case::instant(case.offer, &format!("/availableWindow/{member}"));
    let (Some(from), Some(to)) = (available("start"), available("end")) else {
        return check.unknown("The offer has no window; ask the carrier.");
    };
    check
        .actual(format!("{start} to {end}"))
        .limit(format!("{from} to {to}"))
        .require(start <= to && end >= from, "Move the pickup into the capacity's available window.")
}

fn lead_time(case: &Case<'_>, pickup: Option<(Timestamp, Timestamp)>) -> Check {
    let check = Check::new("lead_time", "/constraints/minLeadTimeMin", "/stops/0/appointment/end");
    let Some(minutes) = case.offer.integer("/constraints/minLeadTimeMin") else { return check };
    let Some((_, end)) = pickup else { return check.unknown(NO_PICKUP) };
    let ahead = end.duration_since(case.now).as_mins();
    check
        .actual(format!("{ahead} min"))
        .limit(format!("{minutes} min"))
        .require(ahead >= minutes, "Tender earlier, or move the pickup back.")
}

fn inspection(case: &Case<'_>, pickup: Option<(Timestamp, Timestamp)>) -> Check {
    let check = Check::new("inspection_expired", "/constraints/inspection/validUntil", "/stops/0/appointment/start");
    let Some(until) = Case::instant(case.offer, "/constraints/inspection/validUntil") else { return check };
    let Some((start, _)) = pickup else { return check.unknown(NO_PICKUP) };
    // The vehicle leaves no earlier than now and no earlier than the appointment begins.
    let leaves = start.max(case.now);
    check
        .actual(leaves.to_string())
        .limit(until.to_string())
        .require(leaves <= until, "The inspection lapses before pickup; choose another capacity.")
}

fn hours(case: &Case<'_>, pickup: Option<(Timestamp, Timestamp)>) -> Check {
    let check = Check::new("window_outside_offer", "/constraints/hoursOfOperation", "/stops/0/appointment");
    let Some(hours) = case.offer.at("/constraints/hoursOfOperation").filter(|hours| !hours.is_empty()) else {
        return check.limit("24 h");
    };
    let Some((start, end)) = pickup else { return check.unknown(NO_PICKUP) };
    let first = case.offer.text("/route/0/segmentId");
    let mut relevant = hours.items().filter(|entry| {
        entry.get("appliesTo").and_then(Value::text).is_none_or(|segment| Some(&*segment) == first.as_deref())
    });
    let open = relevant.any(|entry| overlaps(entry, start, end).unwrap_or(false));
    check
        .actual(format!("{start} to {end}"))
        .require(open, "Move the pickup into the hours in which this capacity drives.")
}

/// Whether an entry of hours has an instant in common with the span; an end before the start crosses midnight, an equal
/// one means 24 hours (contract 3a).
fn overlaps(entry: Value<'_>, start: Timestamp, end: Timestamp) -> Option<bool> {
    let text = |name: &str| entry.get(name).and_then(Value::text);
    let zone = TimeZone::get(&text("timeZone")?).ok()?;
    let (opens, closes) = (time_of_day(&text("startLocal")?)?, time_of_day(&text("endLocal")?)?);
    let days: Vec<Weekday> = entry.get("days")?.items().filter_map(|day| weekday(&day.text()?)).collect();
    // An appointment may span weeks; a week of days then already contains every entry.
    let last = end.min(start.saturating_add(SignedDuration::from_hours(24 * 8)).ok()?);
    let mut day = start.to_zoned(zone.clone()).date().checked_sub(1.day()).ok()?;
    let until = last.to_zoned(zone.clone()).date();
    while day <= until {
        if days.contains(&day.weekday()) {
            let from = day.to_datetime(opens).to_zoned(zone.clone()).ok()?.timestamp();
            let close_day = if closes <= opens { day.checked_add(1.day()).ok()? } else { day };
            let to = close_day.to_datetime(closes).to_zoned(zone.clone()).ok()?.timestamp();
            if start < to && end >= from {
                return Some(true);
            }
        }
        day = day.checked_add(1.day()).ok()?;
    }
    Some(false)
}

fn time_of_day(text: &str) -> Option<jiff::civil::Time> {
    let (hour, minute) = text.split_once(':')?;
    jiff::civil::Time::new(hour.parse().ok()?, minute.parse().ok()?, 0, 0).ok()
}

fn weekday(text: &str) -> Option<Weekday> {
    Some(match text.to_ascii_lowercase().as_str() {
        "mon" => Weekday::Monday,
        "tue" => Weekday::Tuesday,
        "wed" => Weekday::Wednesday,
        "thu" => Weekday::Thursday,
        "fri" => Weekday::Friday,
        "sat" => Weekday::Saturday,
        "sun" => Weekday::Sunday,
        _ => return None,
    })
}
