//! SPIFFE IDs, read as strictly as the standard says (SPIFFE-ID §2).

use std::fmt;

/// The longest ID, in bytes (SPIFFE-ID §2.3).
const LONGEST: usize = 2048;

/// A SPIFFE ID, or a whole trust domain: `spiffe://example.org/fleet/aurora`, `spiffe://example.org`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SpiffeId {
    text: String,
    /// Where the path begins; the length of the text without one.
    path: usize,
}

const SCHEME: &str = "spiffe://";

impl SpiffeId {
    /// Reads an ID. The error says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let rest = text.strip_prefix(SCHEME).ok_or("must begin with spiffe://")?;
        if text.len() > LONGEST {
            return Err("is longer than 2048 bytes");
        }
        let domain = rest.split('/').next().unwrap_or_default();
        if domain.is_empty() || domain.len() > 255 || !domain.bytes().all(is_domain) {
            return Err("must have a trust domain of lower-case letters, digits, `.`, `-` and `_`");
        }
        let path = &rest[domain.len()..];
        let segment = |segment: &str| {
            !matches!(segment, "" | "." | "..") && segment.bytes().all(|b| is_domain(b) || b.is_ascii_uppercase())
        };
        if !path.is_empty() && !path[1..].split('/').all(segment) {
            return Err("must have a path of letters, digits, `.`, `-` and `_`, without empty or relative parts");
        }
        Ok(Self { text: text.to_owned(), path: SCHEME.len() + domain.len() })
    }

    /// The trust domain, such as `example.org`.
    pub fn trust_domain(&self) -> &str {
        &self.text[SCHEME.len()..self.path]
    }

    /// Whether it names a workload, not a whole trust domain.
    pub fn has_path(&self) -> bool {
        self.path < self.text.len()
    }

    /// Whether this one, as an authorizer, covers the other: it is the same, or it is the other's trust domain.
    pub fn covers(&self, other: &Self) -> bool {
        if self.has_path() { self == other } else { self.trust_domain() == other.trust_domain() }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

fn is_domain(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-_".contains(&byte)
}

impl fmt::Debug for SpiffeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Display for SpiffeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_standard_allows_is_read_and_nothing_else() {
        for good in ["spiffe://example.org", "spiffe://example.org/a", "spiffe://e_x-1.org/A.b/c_d/-"] {
            assert_eq!(SpiffeId::parse(good).unwrap().as_str(), good);
        }
        for bad in [
            "",
            "spiffe://",
            "spiffe:///a",
            "SPIFFE://example.org/a",
            "https://example.org/a",
            "spiffe://Example.org/a",
            "spiffe://example.org/",
            "spiffe://example.org/a/",
            "spiffe://example.org//a",
            "spiffe://example.org/./a",
            "spiffe://example.org/../a",
            "spiffe://example.org/a?b",
            "spiffe://example.org/a#b",
            "spiffe://example.org/a%20b",
            "spiffe://example.org:443/a",
            "spiffe://user@example.org/a",
            "spiffe://example.org/ä",
        ] {
            assert!(SpiffeId::parse(bad).is_err(), "{bad}");
        }
        assert!(SpiffeId::parse(&format!("spiffe://example.org/{}", "a".repeat(2048))).is_err());
    }

    #[test]
    fn an_exact_id_covers_itself_and_a_trust_domain_all_of_its_paths() {
        let id = |text| SpiffeId::parse(text).unwrap();
        assert!(id("spiffe://a/b").covers(&id("spiffe://a/b")));
        assert!(!id("spiffe://a/b").covers(&id("spiffe://a/b/c")));
        assert!(!id("spiffe://a/b").covers(&id("spiffe://a")));
        assert!(id("spiffe://a").covers(&id("spiffe://a/b/c")));
        assert!(!id("spiffe://a").covers(&id("spiffe://a.b/c")));
    }
}
