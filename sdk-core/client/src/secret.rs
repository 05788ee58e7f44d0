//! What must not be seen: a text that shows nothing of itself in `Debug`, has no `Display`, and is overwritten when it
//! is dropped. Tokens, assertions, proofs and private keys live in it.

use std::fmt;

use zeroize::Zeroizing;

/// A secret text.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes the text over; the caller's copies, if any, are its own concern.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The text, for the one place that puts it on the wire or parses it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// A header value that HTTP libraries treat as sensitive: not indexed by HPACK and not shown by `Debug`.
    pub(crate) fn header(text: &str) -> Option<http::HeaderValue> {
        let mut value = http::HeaderValue::from_str(text).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

// What it holds is wiped; said aloud, so that the compiler can be asked.
impl zeroize::ZeroizeOnDrop for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

impl<'de> serde::Deserialize<'de> for Secret {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_shows_nothing_of_itself() {
        let secret = Secret::new("canary-5d1f");
        assert_eq!(format!("{secret:?}"), "[secret]");
        assert_eq!(format!("{:?}", Some(vec![secret.clone()])), "Some([[secret]])");
        assert_eq!(secret.expose(), "canary-5d1f");
        let header = Secret::header("DPoP canary-5d1f").unwrap();
        assert!(!format!("{header:?}").contains("canary"));
    }
}
