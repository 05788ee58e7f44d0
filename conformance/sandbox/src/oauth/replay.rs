//! Single use of `jti` values, for assertions and for proofs, within the window in which one could be presented again.
//! One store for all instances of a carrier, if they share a folder.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use crate::shared::Shared;

/// The `jti` values seen.
pub enum Seen {
    /// By this process alone: each with the second after which it may be forgotten.
    Own(Mutex<HashMap<String, u64>>),
    /// By every instance.
    Shared(Arc<Shared>),
}

impl Default for Seen {
    fn default() -> Self {
        Self::Own(Mutex::default())
    }
}

impl Seen {
    /// Notes a `jti` in its scope (a client, a proof key) until `until` (Unix seconds). False if it was there already.
    pub fn first(&self, scope: &str, jti: &str, now: u64, until: u64) -> bool {
        match self {
            Self::Own(seen) => {
                let mut seen = seen.lock().expect("seen jti values");
                if seen.len() >= 4096 {
                    seen.retain(|_, until| *until >= now);
                }
                seen.insert(format!("{scope}\n{jti}"), until).is_none_or(|previous| previous < now)
            }
            Self::Shared(store) => store.first(scope, jti, now),
        }
    }

    /// Forgets what this process has seen, as one instance of many has not seen what another took.
    pub fn forget(&self) {
        if let Self::Own(seen) = self {
            seen.lock().expect("seen jti values").clear();
        }
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
