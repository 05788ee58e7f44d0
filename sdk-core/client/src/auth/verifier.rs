//! Whether a signature holds. `jsonwebtoken` answers, behind a trait of ours.
//!
//! That crate has a backend for the whole process, which panics where two are compiled in and none was chosen, and which the
//! first use pins for everybody. We never touch it: [`JsonWebToken`] calls the aws-lc backend by name, so what a host program
//! installs neither harms us nor is disturbed by us. A build that compiles a second backend in makes `jsonwebtoken` panic for
//! everybody else in the process, so it is told at connect ([`ready`]): `crypto_provider_conflict`, never a panic.

use std::fmt;

use gladhand_documents::error::{Code, Error, Result};
use gladhand_documents::json::Document;
use gladhand_protocol::proof::compact::Signed;
use gladhand_protocol::proof::keyset::{KeySet, PublishedKey, Verification};
use jsonwebtoken::crypto::CryptoProvider;
use jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER as AWS_LC;
use jsonwebtoken::{Algorithm, DecodingKey};

/// Checks signatures.
pub(crate) trait Verifier: fmt::Debug + Send + Sync {
    /// Whether this key made this signature of `signed`. A key that cannot be used has made none.
    fn holds(&self, key: &PublishedKey, algorithm: Verification, signed: &[u8], signature: &[u8]) -> bool;
}

/// `jsonwebtoken` on aws-lc.
#[derive(Clone, Copy, Debug)]
pub(crate) struct JsonWebToken;

impl Verifier for JsonWebToken {
    fn holds(&self, key: &PublishedKey, algorithm: Verification, signed: &[u8], signature: &[u8]) -> bool {
        let algorithm = match algorithm {
            Verification::Es256 => Algorithm::ES256,
            Verification::EdDsa => Algorithm::EdDSA,
            Verification::Ps256 => Algorithm::PS256,
            Verification::Rs256 => Algorithm::RS256,
        };
        let jwk: Option<jsonwebtoken::jwk::Jwk> = serde_json::from_str(&key.jwk().to_json()).ok();
        let key = jwk.and_then(|jwk| DecodingKey::from_jwk(&jwk).ok());
        let verifier = key.and_then(|key| (AWS_LC.verifier_factory)(&algorithm, &key).ok());
        verifier.is_some_and(|verifier| verifier.verify(signed, &signature.to_vec()).is_ok())
    }
}

/// Whether one of the set's keys made this signature, by this algorithm.
pub(crate) fn is_authentic(verifier: &dyn Verifier, keys: &KeySet, text: &Signed<'_>, algorithm: Verification) -> bool {
    let mut candidates = keys.candidates(text.key_id(), algorithm);
    candidates.any(|key| verifier.holds(key, algorithm, text.signed().as_bytes(), text.signature()))
}

/// Fails with `crypto_provider_conflict` where a second backend of `jsonwebtoken` is compiled in, or where the one that we
/// name does not tell a signature from none.
pub(crate) fn ready(verifier: &dyn Verifier) -> Result<()> {
    ready_with(verifier, has_second_backend())
}

fn ready_with(verifier: &dyn Verifier, second: bool) -> Result<()> {
    if second {
        let why = "jsonwebtoken was built with `rust_crypto` beside `aws_lc_rs`";
        return Err(Error::new(Code::CryptoProviderConflict, why));
    }
    // RFC 7515 appendix A.3.
    const TOKEN: &str = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
    const KEY: &str = r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#;
    let told_apart = || {
        let key = PublishedKey::read(Document::parse(KEY).ok()?.root())?;
        let text = Signed::parse(TOKEN).ok()?;
        let signed = text.signed().as_bytes();
        let mut forged = text.signature().to_vec();
        forged[0] ^= 1;
        let holds = |signature: &[u8]| verifier.holds(&key, Verification::Es256, signed, signature);
        Some(holds(text.signature()) && !holds(&forged))
    };
    if told_apart() == Some(true) {
        return Ok(());
    }
    Err(Error::new(Code::CryptoProviderConflict, "the backend of jsonwebtoken cannot verify a known signature"))
}

/// What stands for the second backend where it is not compiled in.
mod rust_crypto {
    pub(super) struct Absent;
    pub(super) static DEFAULT_PROVIDER: Absent = Absent;
}

trait Backend {
    const PRESENT: bool;
}

impl Backend for rust_crypto::Absent {
    const PRESENT: bool = false;
}

impl Backend for CryptoProvider {
    const PRESENT: bool = true;
}

/// Whether the crate was compiled with its other backend: then its module of that name hides ours. Asking the crate itself
/// would pin or panic.
fn has_second_backend() -> bool {
    #[allow(clippy::wildcard_imports, unused_imports)]
    use jsonwebtoken::crypto::*;
    const fn present<B: Backend>(_: &B) -> bool {
        B::PRESENT
    }
    present(&rust_crypto::DEFAULT_PROVIDER)
}

#[cfg(test)]
#[path = "verifier_tests.rs"]
mod tests;
