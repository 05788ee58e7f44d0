//! When: lead time, the offer's window, hours of operation, maintenance and charging, time to drive, inspection
//! (contract 3b, 3d).

use gladhand_documents::json::Value;

use super::calendar::{Span, minutes_within, open_hours, without};
use super::{Case, Check, instant, minutes, text};

const NO_APPOINTMENT: &str = "Give every stop an appointment with start and end.";

/// The stops' appointments, and what the offer says of its time.
struct Plan<'a> {
    stops: Vec<Option<Span>>,
    available: Option<Span>,
    hours: Vec<Value<'a>>,
    segments: Vec<Option<String>>,
    /// When the vehicle surely cannot be used.
    out_of_service: Vec<Span>,
}

pub(super) fn checks(case: &Case<'_>, out: &mut Vec<Check>) {
    let charging = case.of_offer("/constraints/chargingWindows");
    let maintenance = case.of_offer("/constraints/maintenanceWindows");
    let plan = Plan {
        stops: case.of_load("/stops").into_iter().map(|stop| Span::of(stop.get("appointment")?)).collect(),
        available: case.offer.at("/availableWindow").and_then(Span::of),
        hours: case.of_offer("/constraints/hoursOfOperation"),
        segments: case.of_offer("/route").into_iter().map(|s| text(s, "segmentId").map(Into::into)).collect(),
        out_of_service: mandatory(&maintenance)
            .chain(mandatory(&charging).filter(fills_its_window))
            .filter_map(window)
            .collect(),
    };
    out.push(lead_time(case, &plan));
    if plan.stops.is_empty() {
        out.push(Check::new("window_outside_offer", "/availableWindow", "/stops").unknown(NO_APPOINTMENT));
    }
    for (place, stop) in plan.stops.iter().enumerate() {
        at_stop(&plan, place, *stop, out);
    }
    out.push(order(&plan));
    out.push(time_to_drive(case, &plan, &charging));
    if case.offer.at("/constraints/inspection").is_some() {
        out.push(inspection(case, &plan));
    }
}

fn mandatory<'a>(windows: &[Value<'a>]) -> impl Iterator<Item = Value<'a>> {
    windows.iter().copied().filter(|window| window.get("mandatory").and_then(Value::boolean) != Some(false))
}

fn window(entry: Value<'_>) -> Option<Span> {
    Span::of(entry.get("window")?)
}

/// Whether charging takes all of its window, so that no minute of it can be chosen for driving.
fn fills_its_window(charging: &Value<'_>) -> bool {
    let length = window(*charging).map_or(0, Span::minutes);
    minutes(*charging, "minMinutes").is_none_or(|minutes| minutes >= length)
}

fn shown(span: Span) -> String {
    format!("{} to {}", span.start, span.end)
}

fn lead_time(case: &Case<'_>, plan: &Plan<'_>) -> Check {
    let check = Check::new("lead_time", "/constraints/minLeadTimeMin", "/stops/0/appointment/end");
    let wanted = case.offer.integer("/constraints/minLeadTimeMin").unwrap_or(0);
    let Some(pickup) = plan.stops.first().copied().flatten() else { return check.unknown(NO_APPOINTMENT) };
    let ahead = pickup.end.duration_since(case.now).as_mins();
    check
        .actual(format!("{ahead} min"))
        .limit(format!("{wanted} min"))
        .require(ahead >= wanted && pickup.end >= case.now, "Tender earlier, or move the pickup back.")
}

/// What every stop must find: the capacity there, driving, and in service.
fn at_stop(plan: &Plan<'_>, place: usize, stop: Option<Span>, out: &mut Vec<Check>) {
    let load = format!("/stops/{place}/appointment");
    let check = |constraint: &str| Check::new("window_outside_offer", constraint, load.clone());
    let Some(stop) = stop else {
        out.push(check("/availableWindow").unknown(NO_APPOINTMENT));
        return;
    };
    let within = plan.available.and_then(|available| available.and(stop));
    out.push(
        check("/availableWindow")
            .actual(shown(stop))
            .limit(plan.available.map(shown).unwrap_or_default())
            .require(within.is_some(), "Move the appointment into the capacity's available window."),
    );
    if !plan.hours.is_empty() {
        let driven = segments_at(plan, place).any(|segment| !open_hours(&plan.hours, segment, stop).is_empty());
        out.push(
            check("/constraints/hoursOfOperation")
                .actual(shown(stop))
                .require(driven, "Move the appointment into the hours in which this capacity drives there."),
        );
    }
    if let Some(cut) = plan.out_of_service.iter().find(|cut| cut.and(stop).is_some()) {
        let left = without(stop, &plan.out_of_service);
        let instant = stop.start == stop.end;
        out.push(
            check("/constraints/maintenanceWindows")
                .actual(shown(stop))
                .limit(format!("not from {}", shown(*cut)))
                .require(
                    !left.is_empty() && !instant,
                    "Move the appointment out of the time for maintenance and charging.",
                ),
        );
    }
}

/// The segments that may serve a stop: the first, the last, or for stops between any.
fn segments_at<'a>(plan: &'a Plan<'_>, place: usize) -> impl Iterator<Item = Option<&'a str>> {
    let last = plan.segments.len().saturating_sub(1);
    let range = match place {
        0 => 0..=0,
        _ if place + 1 == plan.stops.len() => last..=last,
        _ => 0..=last,
    };
    range.map(|segment| plan.segments.get(segment).and_then(Option::as_deref))
}

/// Appointments in the order of the stops (contract 3f): a remark, no refusal.
fn order(plan: &Plan<'_>) -> Check {
    let check = Check::new("appointment_order", "/route", "/stops");
    let late = plan.stops.windows(2).position(|pair| matches!(pair, [Some(a), Some(b)] if b.end < a.start));
    match late {
        None => check,
        Some(place) => check
            .actual(format!("stop {} ends before stop {} begins", place + 2, place + 1))
            .advice("Check the appointments: they run against the order of the stops."),
    }
}

/// Whether the time between pickup and delivery is enough to drive, less closed hours, maintenance and charging.
fn time_to_drive(case: &Case<'_>, plan: &Plan<'_>, charging: &[Value<'_>]) -> Check {
    let constraint = if charging.is_empty() { "/route" } else { "/constraints/chargingWindows" };
    let check = Check::new("window_outside_offer", constraint, "/stops");
    let planned: Option<i64> = case.of_offer("/route").into_iter().map(|s| minutes(s, "plannedDurationMin")).sum();
    let Some(planned) = planned else { return check.actual("driving time not stated") };
    let ends = plan.stops.first().copied().flatten().zip(plan.stops.last().copied().flatten());
    let Some((pickup, delivery)) = ends else { return check.unknown(NO_APPOINTMENT) };
    let dwell: i64 = case.of_load("/stops").into_iter().filter_map(|stop| minutes(stop, "dwellMinExpected")).sum();
    let transfers = case
        .of_offer("/route")
        .windows(2)
        .filter(|pair| text(pair[0], "driveMode") != text(pair[1], "driveMode"))
        .count();
    let transfer = case.offer.integer("/constraints/handoff/transferMin").unwrap_or(0) * transfers as i64;
    let needed = planned + dwell + transfer;

    let open = plan.available.map_or(pickup.start, |available| available.start).max(pickup.start).max(case.now);
    let close = plan.available.map_or(delivery.end, |available| available.end).min(delivery.end);
    let journey = Span { start: open, end: close };
    let hours: Vec<Span> = (0..plan.segments.len())
        .flat_map(|segment| open_hours(&plan.hours, plan.segments[segment].as_deref(), journey))
        .flat_map(|open| without(open, &plan.out_of_service))
        .collect();
    let driving = if journey.start < journey.end { minutes_within(journey, &hours) } else { 0 };
    // Of a longer window the vehicle chooses when to charge; what fits outside of the journey costs it nothing.
    let charged: i64 = mandatory(charging)
        .filter(|entry| !fills_its_window(entry))
        .filter_map(|entry| {
            let whole = window(entry)?;
            let inside = whole.and(journey).map_or(0, Span::minutes);
            Some((minutes(entry, "minMinutes")? - (whole.minutes() - inside)).clamp(0, inside))
        })
        .sum();
    check
        .actual(format!("{needed} min of driving and stops"))
        .limit(format!("{} min between pickup and delivery", driving - charged))
        .require(
            needed <= driving - charged,
            "Move the delivery back, or choose a capacity with more time on the road.",
        )
}

fn inspection(case: &Case<'_>, plan: &Plan<'_>) -> Check {
    let check = Check::new("inspection_expired", "/constraints/inspection/validUntil", "/stops/0/appointment/start");
    let until = instant(case.offer, "/constraints/inspection/validUntil");
    let Some((pickup, until)) = plan.stops.first().copied().flatten().zip(until) else {
        return check.unknown(NO_APPOINTMENT);
    };
    // The vehicle leaves no earlier than now and no earlier than the appointment begins.
    let leaves = pickup.start.max(case.now);
    check
        .actual(leaves.to_string())
        .limit(until.to_string())
        .require(leaves <= until, "The inspection lapses before pickup; choose another capacity.")
}
