//! Single use of `jti` values, for assertions and for proofs, within the window in which one could be presented again.

use std::collections::HashMap;
use std::sync::Mutex;

/// The `jti` values seen, each with the second after which it may be forgotten.
#[derive(Default)]
pub struct Seen(Mutex<HashMap<String, u64>>);

impl Seen {
    /// Notes a `jti` in its scope (a client, a proof key) until `until` (Unix seconds). False if it was there already.
    pub fn first(&self, scope: &str, jti: &str, now: u64, until: u64) -> bool {
        let mut seen = self.0.lock().expect("seen jti values");
        if seen.len() >= 4096 {
            seen.retain(|_, until| *until >= now);
        }
        seen.insert(format!("{scope}\n{jti}"), until).is_none_or(|previous| previous < now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_use_is_seen_until_it_may_be_forgotten() {
        let seen = Seen::default();
        assert!(seen.first("a", "1", 100, 160));
        assert!(!seen.first("a", "1", 101, 160));
        assert!(seen.first("b", "1", 101, 160));
        assert!(seen.first("a", "1", 161, 200));
    }
}
