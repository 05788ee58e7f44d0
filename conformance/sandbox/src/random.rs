//! Random identifiers, from the operating system's generator.

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// `N` random bytes.
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).expect("the operating system has randomness");
    bytes
}

/// An identifier of 128 random bits in base64url, behind a readable prefix.
pub fn id(prefix: &str) -> String {
    format!("{prefix}{}", URL_SAFE_NO_PAD.encode(bytes::<16>()))
}

/// 32 lower-case hexadecimal digits, as a trace id wants them.
pub fn hex32() -> String {
    hex::encode(bytes::<16>())
}
