//! The DPoP nonces that servers gave (RFC 9449 §8 and §9), the latest per origin. Keep one store for authorization
//! servers and another for resource servers.

use std::collections::VecDeque;

use url::Url;

use super::htu::origin;

/// The most origins that a store remembers; the least recently used is forgotten.
pub const MAX_ORIGINS: usize = 100;

/// The longest nonce that is taken, in bytes. The RFC sets none; a header of this size is still reasonable.
pub const MAX_NONCE_BYTES: usize = 1024;

/// The latest nonce of each origin.
#[derive(Clone, Default)]
pub struct Nonces(VecDeque<(String, String)>);

impl Nonces {
    /// The nonce to use at this address, which counts as a use of it.
    pub fn get(&mut self, url: &Url) -> Option<&str> {
        let origin = origin(url);
        let at = self.0.iter().position(|(known, _)| *known == origin)?;
        if let Some(used) = self.0.remove(at) {
            self.0.push_back(used);
        }
        self.0.back().map(|(_, nonce)| nonce.as_str())
    }

    /// Whether there is a nonce for this address.
    pub fn has(&self, url: &Url) -> bool {
        let origin = origin(url);
        self.0.iter().any(|(known, _)| *known == origin)
    }

    /// Takes over the nonce of an answer from this address. `false` if the text is no nonce (RFC 9449 §8.1) and was
    /// ignored.
    pub fn put(&mut self, url: &Url, nonce: &str) -> bool {
        if !legal(nonce) {
            return false;
        }
        let origin = origin(url);
        self.0.retain(|(known, _)| *known != origin);
        if self.0.len() >= MAX_ORIGINS {
            self.0.pop_front();
        }
        self.0.push_back((origin, nonce.to_owned()));
        true
    }
}

impl std::fmt::Debug for Nonces {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(origin, _)| origin)).finish()
    }
}

/// `1*NQCHAR` (RFC 6749 appendix A).
fn legal(nonce: &str) -> bool {
    (1..=MAX_NONCE_BYTES).contains(&nonce.len()) && nonce.bytes().all(|b| matches!(b, 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn the_latest_nonce_of_an_origin_counts_whatever_the_path_and_the_spelling_of_the_port() {
        let mut nonces = Nonces::default();
        assert!(nonces.put(&url("https://a.example/token"), "n1"));
        assert!(nonces.put(&url("https://A.example:443/v1"), "n2"));
        assert!(nonces.put(&url("https://a.example:8443/"), "other"));
        assert_eq!(nonces.get(&url("https://a.example/x?y")), Some("n2"));
        assert_eq!(nonces.get(&url("https://b.example/")), None);
    }

    #[test]
    fn what_is_no_nonce_is_ignored() {
        let mut nonces = Nonces::default();
        let long = "n".repeat(MAX_NONCE_BYTES + 1);
        for text in ["", "a b", "a\"b", "a\\b", "ä", "a\n", &long] {
            assert!(!nonces.put(&url("https://a.example"), text), "{text:?}");
        }
        assert_eq!(nonces.get(&url("https://a.example")), None);
    }

    #[test]
    fn it_is_bounded_and_shows_no_nonce() {
        let mut nonces = Nonces::default();
        for i in 0..=MAX_ORIGINS {
            nonces.put(&url(&format!("https://h{i}.example")), "canary-n");
        }
        assert_eq!(nonces.get(&url("https://h0.example")), None);
        assert_eq!(nonces.get(&url("https://h100.example")), Some("canary-n"));
        assert!(!format!("{nonces:?}").contains("canary"));
    }

    #[test]
    fn the_one_that_was_used_longest_ago_goes_first() {
        let mut nonces = Nonces::default();
        for i in 0..MAX_ORIGINS {
            nonces.put(&url(&format!("https://h{i}.example")), "n");
        }
        assert!(nonces.get(&url("https://h0.example")).is_some());
        nonces.put(&url("https://new.example"), "n");
        assert!(nonces.has(&url("https://h0.example")) && !nonces.has(&url("https://h1.example")));
    }
}
