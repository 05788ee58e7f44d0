//! What must be unique or unguessable: from the operating system's generator, on every use, so that a forked process does
//! not repeat its parent.

use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use gladhand_documents::error::{Code, Error, Result};
use gladhand_protocol::proof::base64url;

/// 128 random bits in base64url: a `jti`.
pub(crate) fn unique() -> Result<String> {
    let mut bytes = [0; 16];
    fill(&mut bytes)?;
    Ok(base64url(bytes))
}

/// A share of one, evenly spread: for jitter.
pub(crate) fn share() -> f64 {
    let mut bytes = [0; 4];
    // Without randomness there is no jitter, which harms nobody.
    if fill(&mut bytes).is_err() {
        return 0.5;
    }
    f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX)
}

/// `N` random bytes.
pub(crate) fn bytes<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    fill(&mut bytes)?;
    Ok(bytes)
}

fn fill(bytes: &mut [u8]) -> Result<()> {
    SystemRandom::new()
        .fill(bytes)
        .map_err(|error| Error::new(Code::InternalPanic, "the system has no randomness").caused_by(&error))
}
