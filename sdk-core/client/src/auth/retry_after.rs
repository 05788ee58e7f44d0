//! `Retry-After` (RFC 9110 §10.2.3): seconds, or a date.

use http::{HeaderMap, header};

/// The longest wait that is believed: a day, in milliseconds.
const MAX_MS: u64 = 86_400_000;

/// The wait in milliseconds, counted from the answer's own `Date` where it has one, since only the peer knows what its
/// clock means.
pub(super) fn milliseconds(headers: &HeaderMap, now: jiff::Timestamp) -> Option<u64> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    let ms = if let Ok(seconds) = text.parse::<u64>() {
        seconds.saturating_mul(1000)
    } else {
        let from = headers.get(header::DATE).and_then(|date| at(date.to_str().ok()?)).unwrap_or(now);
        u64::try_from(at(text)?.duration_since(from).as_millis()).unwrap_or(0)
    };
    Some(ms.min(MAX_MS))
}

/// An HTTP date in its one modern form (RFC 9110 §5.6.7).
fn at(text: &str) -> Option<jiff::Timestamp> {
    jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(retry_after: &str, date: Option<&str>) -> Option<u64> {
        let mut headers = HeaderMap::new();
        headers.insert(header::RETRY_AFTER, retry_after.parse().unwrap());
        if let Some(date) = date {
            headers.insert(header::DATE, date.parse().unwrap());
        }
        milliseconds(&headers, "2026-02-20T08:00:00Z".parse().unwrap())
    }

    #[test]
    fn seconds_and_dates_are_read() {
        assert_eq!(wait("3", None), Some(3000));
        assert_eq!(wait("Fri, 20 Feb 2026 08:00:10 GMT", None), Some(10_000));
        assert_eq!(wait("Fri, 20 Feb 2026 09:00:10 GMT", Some("Fri, 20 Feb 2026 09:00:00 GMT")), Some(10_000));
        assert_eq!(wait("Fri, 20 Feb 2026 07:00:00 GMT", None), Some(0));
        assert_eq!(wait("99999999999999", None), Some(86_400_000));
        assert_eq!(wait("soon", None), None);
        assert_eq!(milliseconds(&HeaderMap::new(), jiff::Timestamp::UNIX_EPOCH), None);
    }
}
