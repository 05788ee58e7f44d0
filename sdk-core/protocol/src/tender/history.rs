//! The digest that proves two histories equal (contract 4e): h0 = SHA-256(tenderId),
//! hn = SHA-256(h(n-1) || u64be(sequence) || SHA-256(event bytes)). Only digests enter the chain, so a body can be erased
//! and the chain still verifies.

use sha2::{Digest, Sha256};

/// SHA-256 of some bytes.
pub fn digest(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// The digest of a tender's empty history.
pub fn start(tender_id: &str) -> [u8; 32] {
    digest(tender_id.as_bytes())
}

/// The digest after one more event, given the digest of its bytes.
pub fn extend(previous: &[u8; 32], sequence: u64, event_digest: &[u8; 32]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(previous);
    hash.update(sequence.to_be_bytes());
    hash.update(event_digest);
    hash.finalize().into()
}

/// Lower-case hexadecimal, as the contract writes digests.
pub fn hex(digest: &[u8; 32]) -> String {
    digest.iter().fold(String::with_capacity(64), |mut text, byte| {
        use std::fmt::Write as _;
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Reads [`hex`] back; `None` for anything but 64 hexadecimal digits.
pub fn unhex(text: &str) -> Option<[u8; 32]> {
    let mut out = [0; 32];
    // Each byte by itself: reading a number would also take a sign.
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    for (place, byte) in out.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[place * 2..place * 2 + 2], 16).ok()?;
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_and_content_matter() {
        let (a, b) = (digest(b"a"), digest(b"b"));
        let start = start("t-1");
        let ab = extend(&extend(&start, 1, &a), 2, &b);
        let ba = extend(&extend(&start, 1, &b), 2, &a);
        assert_ne!(ab, ba);
        assert_eq!(unhex(&hex(&ab)), Some(ab));
        assert_eq!(unhex("zz"), None);
        assert_eq!(unhex(&"+f".repeat(32)), None);
    }
}
