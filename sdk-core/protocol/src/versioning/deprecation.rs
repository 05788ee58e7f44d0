//! The header fields that say that a route ends: `Deprecation` (RFC 9745), `Sunset` (RFC 8594) and the links that belong
//! to them (RFC 8288).

use jiff::{SignedDuration, Timestamp};

/// What a carrier says of a route that ends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Deprecation {
    /// Since when it is deprecated, or from when on it will be.
    pub since: Option<Timestamp>,
    /// When it ends.
    pub sunset: Option<Timestamp>,
    /// Where to read about it (`rel="deprecation"`).
    pub about: Option<String>,
    /// Where to read about its end (`rel="sunset"`).
    pub about_sunset: Option<String>,
    /// What comes after it (`rel="successor-version"`).
    pub successor: Option<String>,
}

impl Deprecation {
    /// Reads the header fields; `None` where neither is there. A date that cannot be read is left out, and the rest
    /// counts: a route that ends is not to be missed for a typing error. `links`: the values of all `Link` fields.
    pub fn parse<'a>(
        deprecation: Option<&str>,
        sunset: Option<&str>,
        links: impl IntoIterator<Item = &'a str>,
    ) -> Option<Self> {
        if deprecation.is_none() && sunset.is_none() {
            return None;
        }
        let mut out = Self {
            since: deprecation.and_then(|text| structured_date(text).or_else(|| http_date(text))),
            sunset: sunset.and_then(|text| http_date(text).or_else(|| structured_date(text))),
            ..Self::default()
        };
        for (target, relation) in links.into_iter().flat_map(read_links) {
            let place = match relation.as_str() {
                "deprecation" => &mut out.about,
                "sunset" => &mut out.about_sunset,
                "successor-version" => &mut out.successor,
                _ => continue,
            };
            place.get_or_insert(target);
        }
        Some(out)
    }

    /// Whether it ends within so many days from now, or has ended.
    pub fn ends_within(&self, days: u32, now: Timestamp) -> bool {
        ends_within(self.sunset, days, now)
    }
}

/// Whether something ends within so many days from now, or has ended.
pub fn ends_within(sunset: Option<Timestamp>, days: u32, now: Timestamp) -> bool {
    let limit = now.saturating_add(SignedDuration::from_hours(24 * i64::from(days))).unwrap_or(Timestamp::MAX);
    sunset.is_some_and(|sunset| sunset < limit)
}

/// A Date of structured fields (RFC 9651 §3.3.7): `@` and seconds since 1970.
fn structured_date(text: &str) -> Option<Timestamp> {
    // Parameters may follow.
    let bare = text.split(';').next()?.trim();
    Timestamp::from_second(bare.strip_prefix('@')?.parse().ok()?).ok()
}

/// An HTTP date (RFC 9110 §5.6.7).
fn http_date(text: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text.trim()).ok()
}

/// The targets and relations of one `Link` field (RFC 8288 §3); a link with several relations counts once for each.
fn read_links(field: &str) -> Vec<(String, String)> {
    let mut out = Vec::new();
    let mut rest = field;
    // A target may hold commas and semicolons, and so may a quoted value: both are skipped as a whole.
    while let Some(start) = rest.find('<') {
        let Some(length) = rest[start..].find('>') else { break };
        let target = rest[start + 1..start + length].trim().to_owned();
        rest = &rest[start + length + 1..];
        let end = end_of_parameters(rest);
        for (name, value) in parameters(&rest[..end]) {
            if name.eq_ignore_ascii_case("rel") {
                let relations = value.split_ascii_whitespace().map(str::to_ascii_lowercase);
                out.extend(relations.map(|relation| (target.clone(), relation)));
                // Only the first counts (RFC 8288 §3.3).
                break;
            }
        }
        rest = &rest[end..];
    }
    out
}

/// Where the next link begins.
fn end_of_parameters(text: &str) -> usize {
    positions(text, ',').next().unwrap_or(text.len())
}

fn parameters(text: &str) -> Vec<(&str, &str)> {
    let mut cuts: Vec<usize> = positions(text, ';').collect();
    cuts.push(text.len());
    let pairs = cuts.windows(2).filter_map(|cut| text[cut[0] + 1..cut[1]].split_once('='));
    pairs.map(|(name, value)| (name.trim(), value.trim().trim_matches('"'))).collect()
}

/// Where a separator stands outside quotes.
fn positions(text: &str, separator: char) -> impl Iterator<Item = usize> {
    let (mut quoted, mut escaped) = (false, false);
    text.char_indices().filter_map(move |(at, c)| {
        let plain = !quoted && !escaped && c == separator;
        quoted ^= c == '"' && !escaped;
        escaped = quoted && c == '\\' && !escaped;
        plain.then_some(at)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Option<Timestamp> {
        text.parse().ok()
    }

    #[test]
    fn the_fields_of_the_contract_are_read() {
        let read = Deprecation::parse(
            Some("@1780012800"),
            Some("Sat, 29 May 2027 00:00:00 GMT"),
            [
                r#"<https://carrier.test/old?a=1,2;3>; rel="deprecation"; type="text/html", <https://carrier.test/end>; rel=sunset"#,
                r#"<https://carrier.test/v2/tenders>; title="one, \"two\"; three"; REL="alternate successor-version""#,
            ],
        );
        assert_eq!(
            read.unwrap(),
            Deprecation {
                since: at("2026-05-29T00:00:00Z"),
                sunset: at("2027-05-29T00:00:00Z"),
                about: Some("https://carrier.test/old?a=1,2;3".to_owned()),
                about_sunset: Some("https://carrier.test/end".to_owned()),
                successor: Some("https://carrier.test/v2/tenders".to_owned()),
            }
        );
    }

    #[test]
    fn either_field_alone_counts_and_older_forms_are_read() {
        let date = Deprecation::parse(Some("Fri, 29 May 2026 00:00:00 GMT"), None, []).unwrap();
        assert_eq!((date.since, date.sunset), (at("2026-05-29T00:00:00Z"), None));
        // A draft of RFC 9745.
        assert_eq!(Deprecation::parse(Some("true"), None, []), Some(Deprecation::default()));
        let sunset = Deprecation::parse(None, Some("Sat, 29 May 2027 00:00:00 GMT"), []).unwrap();
        assert_eq!((sunset.since, sunset.sunset), (None, at("2027-05-29T00:00:00Z")));
        assert_eq!(Deprecation::parse(None, None, [r#"<https://a.test>; rel="deprecation""#]), None);
    }

    #[test]
    fn broken_links_are_no_links() {
        for links in ["<", "<>", "<a", "<a>;", "<a>;rel", "<a>; rel=\"", "a>; rel=sunset", "", ",,;;", "<a>; x=\"\\"] {
            let read = Deprecation::parse(Some("@0"), None, [links]).unwrap();
            assert_eq!((read.about, read.about_sunset, read.successor), (None, None, None), "{links}");
        }
    }

    #[test]
    fn nearness_is_counted_in_days() {
        let now: Timestamp = "2026-02-20T08:00:00Z".parse().unwrap();
        let ends = |text: &str| Deprecation { sunset: at(text), ..Deprecation::default() };
        assert!(ends("2026-04-21T07:59:59Z").ends_within(60, now));
        assert!(!ends("2026-04-21T08:00:00Z").ends_within(60, now));
        assert!(ends("2026-01-01T00:00:00Z").ends_within(0, now), "it has ended");
        assert!(!Deprecation::default().ends_within(3650, now), "without a date it is only deprecated");
    }
}
