//! Things that end: certificates, revocation lists, tokens, key sets, webhook keys. A warning is due at 30, 14, 7 and 1 days
//! before the end of a long life, and at the last third of a short one (identity §1). What renews itself before its last
//! third, a token or a key set, counts as due at its last tenth: then its renewal has failed, or nobody uses it.

use std::time::Duration;

use gladhand_documents::json::quote;
use gladhand_documents::time::format_instant;

/// What ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Subject {
    /// Our client certificate.
    Certificate,
    /// A trust root or intermediate.
    TrustAnchor,
    /// A certificate revocation list, at its next update.
    RevocationList,
    /// An access token.
    Token,
    /// A peer's key set, at the end of its time to live.
    KeySet,
    /// A key that signs webhooks.
    WebhookKey,
    /// A key of ours that signs assertions.
    AssertionKey,
}

impl Subject {
    /// Its name, in snake case.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Certificate => "certificate",
            Self::TrustAnchor => "trust_anchor",
            Self::RevocationList => "revocation_list",
            Self::Token => "token",
            Self::KeySet => "key_set",
            Self::WebhookKey => "webhook_key",
            Self::AssertionKey => "assertion_key",
        }
    }

    /// How long before the end to warn. A life of 30 days or less is short.
    fn thresholds(self, life: Duration) -> Vec<Duration> {
        let mut out = match self {
            Self::Token | Self::KeySet => vec![life / 10],
            _ if life > 30 * DAY => vec![30 * DAY, 14 * DAY, 7 * DAY, DAY],
            _ => vec![life / 3],
        };
        out.push(Duration::ZERO);
        out
    }
}

/// Something that ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expiry {
    /// What it is.
    pub subject: Subject,
    /// Which one: a SHA-256 fingerprint, an issuer's name, a scope, a key id. Never a secret.
    pub id: String,
    /// The carrier, where it belongs to one.
    pub carrier: Option<String>,
    /// When its life began.
    pub from: jiff::Timestamp,
    /// When it ends.
    pub until: jiff::Timestamp,
}

const DAY: Duration = Duration::from_secs(86_400);

impl Expiry {
    /// How many of its warnings are due: 0 for none, and one more for each threshold passed; the last is the end itself.
    pub fn warnings_due(&self, now: jiff::Timestamp) -> usize {
        let left = self.until.duration_since(now);
        let life = Duration::try_from(self.until.duration_since(self.from)).unwrap_or_default();
        let due =
            |before: &Duration| left <= jiff::SignedDuration::try_from(*before).unwrap_or(jiff::SignedDuration::MAX);
        self.subject.thresholds(life).iter().filter(|before| due(before)).count()
    }

    /// The member of the document `IdentityStatus`. Seconds are negative after the end.
    pub fn json(&self, now: jiff::Timestamp) -> String {
        let carrier = self.carrier.as_ref().map_or_else(String::new, |name| format!(r#","carrier":{}"#, quote(name)));
        format!(
            r#"{{"subject":{},"id":{}{carrier},"notBefore":{},"notAfter":{},"secondsLeft":{},"warningsDue":{}}}"#,
            quote(self.subject.as_str()),
            quote(&self.id),
            quote(&format_instant(self.from)),
            quote(&format_instant(self.until)),
            self.until.duration_since(now).as_secs(),
            self.warnings_due(now),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expiry(days: i64) -> Expiry {
        let from: jiff::Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let until = from + jiff::SignedDuration::from_hours(24 * days);
        Expiry { subject: Subject::Certificate, id: "f".to_owned(), carrier: None, from, until }
    }

    #[test]
    fn a_long_life_warns_at_30_14_7_and_1_days_and_at_its_end() {
        let long = expiry(365);
        for (days_left, due) in [(200, 0), (31, 0), (30, 1), (15, 1), (14, 2), (7, 3), (2, 3), (1, 4), (0, 5), (-3, 5)]
        {
            let now = long.until - jiff::SignedDuration::from_hours(24 * days_left);
            assert_eq!(long.warnings_due(now), due, "{days_left} days left");
        }
    }

    #[test]
    fn a_short_life_warns_in_its_last_third() {
        let short = expiry(3);
        for (hours_left, due) in [(72, 0), (25, 0), (24, 1), (1, 1), (0, 2)] {
            let now = short.until - jiff::SignedDuration::from_hours(hours_left);
            assert_eq!(short.warnings_due(now), due, "{hours_left} hours left");
        }
    }
}
