//! Whose clock is wrong. A server's `Date` only ever explains a refusal: no expiry and no proof is made by it, since anybody
//! between us and the server's clock could then move ours (identity §2).

use http::{HeaderMap, header};

/// A difference that is worth a word, in seconds. `Date` has a resolution of one, and answers take their time.
const NOTABLE_S: i64 = 30;

/// A sentence for the message of a refusal, if the server's clock and ours are far apart.
pub(super) fn diagnosis(headers: &HeaderMap, now: jiff::Timestamp) -> Option<String> {
    let date = headers.get(header::DATE)?.to_str().ok()?;
    let date = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(date).ok()?;
    let ahead = date.as_second().saturating_sub(now.as_second());
    let side = if ahead > 0 { "ahead of" } else { "behind" };
    (ahead.abs() >= NOTABLE_S).then(|| format!("the server's clock is {} s {side} ours", ahead.abs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn negative_n19_a_clock_that_is_far_off_is_named() {
        let said = |date: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::DATE, date.parse().unwrap());
            diagnosis(&headers, "2026-02-20T08:00:00Z".parse().unwrap())
        };
        assert_eq!(said("Fri, 20 Feb 2026 08:10:00 GMT").unwrap(), "the server's clock is 600 s ahead of ours");
        assert_eq!(said("Fri, 20 Feb 2026 07:50:00 GMT").unwrap(), "the server's clock is 600 s behind ours");
        assert_eq!(said("Fri, 20 Feb 2026 08:00:29 GMT"), None);
        assert_eq!(said("yesterday"), None);
    }
}
