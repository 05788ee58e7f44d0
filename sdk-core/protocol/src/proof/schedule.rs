//! When a key of ours that signs assertions is published, begins to sign, and goes (identity §4). A new key is published for
//! at least the authorization server's cache time before it signs; the one that it replaces stays published longer than its
//! last assertion can live. Only public facts are kept, in a place that all processes share, so that all sign by the same key.
//!
//! The keys at hand are those of the configuration, oldest first: a new key is appended. The first key ever seen is taken to be
//! registered already and signs at once. Where the key that signs is no longer at hand, another must take over at once, before
//! its time if need be, and that is told.

use gladhand_documents::json::quote;

use super::signer::Signer;

/// How long a replaced key stays published, in milliseconds: the 60 seconds that an assertion lives, and four minutes for
/// clocks that differ and requests under way.
pub const RETENTION_MS: i64 = 300_000;

/// The public facts of one key. Times are unix milliseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduledKey {
    /// Its RFC 7638 thumbprint.
    pub kid: String,
    /// How it signs.
    pub algorithm: String,
    /// The public key: the members that RFC 7638 requires, and no other.
    pub jwk: String,
    /// Since when it is published.
    pub published_ms: i64,
    /// Since when it signs, or signed.
    pub began_ms: Option<i64>,
    /// When another took its place.
    pub replaced_ms: Option<i64>,
    /// When it was taken out of the published set.
    pub removed_ms: Option<i64>,
}

/// What happened to a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// It is published now.
    Published,
    /// It signs from now on.
    Began {
        /// Before it was published for as long as it should be.
        early: bool,
    },
    /// Another signs in its place; it stays published.
    Replaced,
    /// It is published no longer.
    Removed,
}

impl Step {
    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Published => "published",
            Self::Began { early: false } => "began",
            Self::Began { early: true } => "began_early",
            Self::Replaced => "replaced",
            Self::Removed => "removed",
        }
    }
}

/// A step of one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The key.
    pub kid: String,
    /// What happened to it.
    pub step: Step,
}

impl ScheduledKey {
    /// The public facts of a key that is published from `now_ms` on.
    pub fn of(signer: &dyn Signer, now_ms: i64) -> Self {
        Self {
            kid: signer.jwk().thumbprint(),
            algorithm: signer.algorithm().as_str().to_owned(),
            jwk: signer.jwk().to_json(),
            published_ms: now_ms,
            began_ms: None,
            replaced_ms: None,
            removed_ms: None,
        }
    }

    fn signs(&self) -> bool {
        self.began_ms.is_some() && self.replaced_ms.is_none()
    }

    /// When it leaves the published set, if that is certain.
    pub fn leaves_ms(&self) -> Option<i64> {
        self.replaced_ms.filter(|_| self.removed_ms.is_none()).map(|at| at.saturating_add(RETENTION_MS))
    }
}

/// The key that signs.
pub fn signing(keys: &[ScheduledKey]) -> Option<&ScheduledKey> {
    keys.iter().find(|key| key.signs())
}

/// The published set as a document (RFC 7517 §5): public members, `kid`, `use`, `alg`.
pub fn jwks<'a>(keys: impl IntoIterator<Item = &'a ScheduledKey>) -> String {
    let keys: Vec<String> = keys
        .into_iter()
        .filter(|key| key.removed_ms.is_none())
        .map(|key| {
            let members = key.jwk.strip_suffix('}').unwrap_or(&key.jwk);
            format!(r#"{members},"kid":{},"use":"sig","alg":{}}}"#, quote(&key.kid), quote(&key.algorithm))
        })
        .collect();
    format!(r#"{{"keys":[{}]}}"#, keys.join(","))
}

/// Brings the schedule to `now_ms`. `at_hand`: the keys of the configuration, oldest first, with any `published_ms`.
/// `lead_ms`: how long a new key is published before it signs. What changed is applied and returned in its order.
pub fn advance(keys: &mut Vec<ScheduledKey>, at_hand: &[ScheduledKey], now_ms: i64, lead_ms: i64) -> Vec<Change> {
    let mut changes = Vec::new();
    let is_first = keys.is_empty();
    publish(keys, at_hand, now_ms, &mut changes);
    let place = |kid: &str| at_hand.iter().position(|key| key.kid == kid);
    let is_due = |key: &ScheduledKey| {
        let unused = key.began_ms.is_none() && key.removed_ms.is_none();
        place(&key.kid).is_some() && unused && key.published_ms.saturating_add(lead_ms) <= now_ms
    };
    // The newest that is due; of those published together, the last of the configuration.
    let rank = |key: &ScheduledKey| (key.published_ms, place(&key.kid));
    let due = (0..keys.len()).filter(|at| is_due(&keys[*at])).max_by_key(|at| rank(&keys[*at]));
    let current = keys.iter().position(ScheduledKey::signs);
    let next = match current.filter(|at| place(&keys[*at].kid).is_some()) {
        Some(current) => due.filter(|due| rank(&keys[*due]) > rank(&keys[current])),
        // Nobody can sign: the one that is known longest, of the same age the oldest.
        None => due.filter(|_| !is_first).or_else(|| {
            let usable = (0..keys.len()).filter(|at| place(&keys[*at].kid).is_some());
            usable.min_by_key(|at| (keys[*at].removed_ms.is_some(), rank(&keys[*at])))
        }),
    };
    if let Some(next) = next {
        if let Some(current) = current {
            keys[current].replaced_ms = Some(now_ms);
            changes.push(Change { kid: keys[current].kid.clone(), step: Step::Replaced });
        }
        let key = &mut keys[next];
        let known = key.removed_ms.is_none() && key.published_ms.saturating_add(lead_ms) <= now_ms;
        if key.removed_ms.take().is_some() {
            key.published_ms = now_ms;
            changes.push(Change { kid: key.kid.clone(), step: Step::Published });
        }
        (key.began_ms, key.replaced_ms) = (Some(now_ms), None);
        changes.push(Change { kid: key.kid.clone(), step: Step::Began { early: !known && !is_first } });
    }
    for key in keys.iter_mut().filter(|key| key.leaves_ms().is_some_and(|at| at <= now_ms)) {
        key.removed_ms = Some(now_ms);
        changes.push(Change { kid: key.kid.clone(), step: Step::Removed });
    }
    changes
}

/// New keys come in; keys that were never used and are no longer at hand go.
fn publish(keys: &mut Vec<ScheduledKey>, at_hand: &[ScheduledKey], now_ms: i64, changes: &mut Vec<Change>) {
    for new in at_hand {
        let fresh = ScheduledKey { published_ms: now_ms, ..new.clone() };
        match keys.iter_mut().find(|key| key.kid == new.kid) {
            None => keys.push(fresh),
            Some(known) if known.removed_ms.is_some() && known.began_ms.is_none() => *known = fresh,
            Some(_) => continue,
        }
        changes.push(Change { kid: new.kid.clone(), step: Step::Published });
    }
    // Without any key at hand nothing can be concluded: the file may be on its way.
    let is_gone = |key: &&mut ScheduledKey| {
        let unused = key.began_ms.is_none() && key.removed_ms.is_none();
        unused && !at_hand.is_empty() && !at_hand.iter().any(|known| known.kid == key.kid)
    };
    for key in keys.iter_mut().filter(is_gone) {
        key.removed_ms = Some(now_ms);
        changes.push(Change { kid: key.kid.clone(), step: Step::Removed });
    }
}

#[cfg(test)]
#[path = "schedule_tests.rs"]
mod tests;
