//! Spans of time: when a segment is driven, in the local time of its hours of operation across midnight and the change of
//! the clocks, and what is left of them (contract 3a, 3d).

use gladhand_documents::json::Value;
use jiff::civil::{Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan as _};

use super::text;

/// From an instant to a later one, without the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) start: Timestamp,
    pub(super) end: Timestamp,
}

/// Hours are laid out over so many days at most; an offer's window is shorter.
const MOST_DAYS: i64 = 40;

impl Span {
    /// The span of a value with `start` and `end`, such as a window or an appointment.
    pub(super) fn of(value: Value<'_>) -> Option<Self> {
        let at = |name| gladhand_documents::time::parse_instant(&text(value, name)?).ok();
        Some(Self { start: at("start")?, end: at("end")? })
    }

    /// What both have in common. An instant (start and end alike) is in a span that contains it.
    pub(super) fn and(self, other: Self) -> Option<Self> {
        let both = Self { start: self.start.max(other.start), end: self.end.min(other.end) };
        let instant = both.start == both.end && (self.start == self.end || other.start == other.end);
        (both.start < both.end || instant).then_some(both)
    }

    pub(super) fn minutes(self) -> i64 {
        self.end.duration_since(self.start).as_mins().max(0)
    }
}

/// What is left of `span` without `cuts`, in order.
pub(super) fn without(span: Span, cuts: &[Span]) -> Vec<Span> {
    let mut left = vec![span];
    for cut in cuts {
        left = left
            .into_iter()
            .flat_map(|piece| {
                if piece.and(*cut).is_none() {
                    return [Some(piece), None];
                }
                let before = Span { start: piece.start, end: cut.start };
                let after = Span { start: cut.end, end: piece.end };
                [before, after].map(|part| (part.start < part.end).then_some(part))
            })
            .flatten()
            .collect();
    }
    left
}

/// Minutes of `span` that lie in at least one of `open`.
pub(super) fn minutes_within(span: Span, open: &[Span]) -> i64 {
    let closed = without(span, open);
    span.minutes() - closed.into_iter().map(Span::minutes).sum::<i64>()
}

/// The spans of `within` in which a segment is driven: those of the entries for it and of the entries for all. Without any
/// such entry it is driven at all hours.
pub(super) fn open_hours(entries: &[Value<'_>], segment: Option<&str>, within: Span) -> Vec<Span> {
    let mut relevant = entries
        .iter()
        .filter(|entry| text(**entry, "appliesTo").is_none_or(|own| segment.is_some_and(|segment| own == segment)))
        .peekable();
    if relevant.peek().is_none() {
        return vec![within];
    }
    relevant.flat_map(|entry| spans(*entry, within).unwrap_or_default()).collect()
}

/// The spans of one entry. Its days are those on which it starts; an end before the start is on the next day, an equal one
/// means 24 hours. Where the clocks go back or forth, what is surely open counts: it opens late and closes early.
fn spans(entry: Value<'_>, within: Span) -> Option<Vec<Span>> {
    let zone = TimeZone::get(&text(entry, "timeZone")?).ok()?;
    let (opens, closes) = (time_of_day(&text(entry, "startLocal")?)?, time_of_day(&text(entry, "endLocal")?)?);
    let days: Vec<Weekday> = entry.get("days")?.items().filter_map(|day| weekday(&day.text()?)).collect();
    let last = within.end.min(within.start.saturating_add(SignedDuration::from_hours(24 * MOST_DAYS)).ok()?);
    let mut day = within.start.to_zoned(zone.clone()).date().checked_sub(1.day()).ok()?;
    let until = last.to_zoned(zone.clone()).date();
    let mut found = Vec::new();
    while day <= until {
        let next = day.checked_add(1.day()).ok()?;
        if days.contains(&day.weekday()) {
            let closing = if closes <= opens { next } else { day };
            let start = zone.to_ambiguous_timestamp(day.to_datetime(opens)).later().ok()?;
            let end = zone.to_ambiguous_timestamp(closing.to_datetime(closes)).earlier().ok()?;
            found.extend(Span { start, end }.and(within));
        }
        day = next;
    }
    Some(found)
}

fn time_of_day(text: &str) -> Option<Time> {
    let (hour, minute) = text.split_once(':')?;
    Time::new(hour.parse().ok()?, minute.parse().ok()?, 0, 0).ok()
}

fn weekday(text: &str) -> Option<Weekday> {
    Some(match text {
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

#[cfg(test)]
mod tests {
    use gladhand_documents::json::Document;

    use super::*;

    fn span(start: &str, end: &str) -> Span {
        Span { start: start.parse().unwrap(), end: end.parse().unwrap() }
    }

    /// The minutes of a night that `22:00` to `04:00` in Chicago leaves open.
    fn night(day: &str, within: Span) -> i64 {
        let entry =
            format!(r#"{{"days":["{day}"],"startLocal":"22:00","endLocal":"04:00","timeZone":"America/Chicago"}}"#);
        let entry = Document::parse(entry).unwrap();
        open_hours(&[entry.root()], None, within).into_iter().map(Span::minutes).sum()
    }

    #[test]
    fn nights_are_as_long_as_the_clocks_make_them() {
        assert_eq!(night("fri", span("2026-02-20T12:00:00Z", "2026-02-22T12:00:00Z")), 6 * 60);
        // Saturday into Sunday the clocks go forward in March and back in November.
        assert_eq!(night("sat", span("2026-03-07T12:00:00Z", "2026-03-09T12:00:00Z")), 5 * 60);
        assert_eq!(night("sat", span("2026-10-31T12:00:00Z", "2026-11-02T12:00:00Z")), 7 * 60);
    }

    #[test]
    fn an_hour_that_the_clocks_repeat_is_open_once() {
        let entry = r#"{"days":["sun"],"startLocal":"01:15","endLocal":"01:45","timeZone":"America/Chicago"}"#;
        let entry = Document::parse(entry).unwrap();
        // It opens at the second 01:15 and closes at the first 01:45: nothing is surely open.
        assert_eq!(open_hours(&[entry.root()], None, span("2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z")), []);
    }

    #[test]
    fn cuts_leave_the_rest() {
        let day = span("2026-02-20T08:00:00Z", "2026-02-20T20:00:00Z");
        let lunch = span("2026-02-20T12:00:00Z", "2026-02-20T13:00:00Z");
        assert_eq!(without(day, &[lunch]).into_iter().map(Span::minutes).collect::<Vec<_>>(), [240, 420]);
        assert_eq!(without(lunch, &[day]), []);
        assert_eq!(without(lunch, &[lunch]), []);
        assert_eq!(minutes_within(day, &[lunch, lunch]), 60);
    }
}
