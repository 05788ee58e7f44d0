//! Turns expiries into warnings: each threshold of each thing is told once, however often it is looked at.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Activity, Expiry, SecurityEvent, Subject};

/// How often expiries are looked at. Certificates of a minute's life have a third of twenty seconds.
pub(crate) const LOOK: Duration = Duration::from_secs(5);

/// What was warned of already.
#[derive(Debug, Default)]
pub(crate) struct Warnings(BTreeMap<(Subject, String, Option<String>), usize>);

impl Warnings {
    /// The warnings that have become due since the last look. What is gone from the list is forgotten.
    pub(crate) fn due(&mut self, now: jiff::Timestamp, expiries: &[Expiry]) -> Vec<SecurityEvent> {
        let mut seen = BTreeMap::new();
        let mut events = Vec::new();
        for expiry in expiries {
            let key = (expiry.subject, expiry.id.clone(), expiry.carrier.clone());
            let due = expiry.warnings_due(now);
            // Several of one name, such as a list that was renewed: the latest counts.
            if seen.get(&key).is_some_and(|other| *other < due) {
                continue;
            }
            if due > self.0.get(&key).copied().unwrap_or(0) {
                events.push(warning(expiry, now));
            }
            seen.insert(key, due);
        }
        self.0 = seen;
        events
    }
}

fn warning(expiry: &Expiry, now: jiff::Timestamp) -> SecurityEvent {
    let event = SecurityEvent::new(Activity::ExpiryWarning)
        .fact("subject", expiry.subject.as_str())
        .fact("id", &expiry.id)
        .fact("not_after", expiry.until)
        .fact("seconds_left", expiry.until.duration_since(now).as_secs());
    match &expiry.carrier {
        Some(carrier) => event.carrier(carrier),
        None => event,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn certificate(id: &str, from: &str, until: &str) -> Expiry {
        let (from, until) = (from.parse().unwrap(), until.parse().unwrap());
        Expiry { subject: Subject::Certificate, id: id.to_owned(), carrier: None, from, until }
    }

    #[test]
    fn each_threshold_is_told_once() {
        let list = [certificate("a", "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z")];
        let mut warnings = Warnings::default();
        let mut told = |day: &str| warnings.due(format!("{day}T00:00:00Z").parse().unwrap(), &list).len();
        let days = ["2026-11-01", "2026-12-02", "2026-12-03", "2026-12-20", "2026-12-26", "2026-12-31", "2027-01-02"];
        assert_eq!(days.map(&mut told), [0, 1, 0, 1, 1, 1, 1]);
    }

    #[test]
    fn a_renewed_one_is_quiet_and_its_next_end_is_told_again() {
        let now = "2026-12-31T12:00:00Z".parse().unwrap();
        let old = certificate("a", "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z");
        let new = certificate("a", "2026-12-31T00:00:00Z", "2027-12-31T00:00:00Z");
        let mut warnings = Warnings::default();
        assert_eq!(warnings.due(now, std::slice::from_ref(&old)).len(), 1);
        assert!(warnings.due(now, std::slice::from_ref(&new)).is_empty());
        assert_eq!(warnings.due("2027-12-30T12:00:00Z".parse().unwrap(), &[new]).len(), 1);
        assert_eq!(warnings.due(now, &[]).len(), 0);
    }
}
