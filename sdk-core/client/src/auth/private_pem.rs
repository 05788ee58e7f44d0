//! Reads private keys that sign assertions and proofs: PEM, one or several. An error names the setting and the file.
//!
//! A key file that others may read is reported; it is the operator's to correct.

use std::sync::Arc;

use gladhand_documents::error::{Code, Error, Result};
use gladhand_protocol::proof::signer::{self, Signer};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;
use zeroize::Zeroizing;

use crate::config::PemSource;

/// The keys in their order; at least one. Each is P-256, Ed25519 or RSA, unencrypted. Error: `certificate_unreadable`.
pub(super) fn signers(source: &PemSource, setting: &str) -> Result<Vec<Arc<dyn Signer>>> {
    warn_if_open(source);
    parse(&read(source, setting)?, source, setting)
}

/// The PEM text.
pub(super) fn read(source: &PemSource, setting: &str) -> Result<Zeroizing<String>> {
    match source {
        PemSource::Inline(text) => Ok(Zeroizing::new(text.expose().to_owned())),
        PemSource::File(path) => std::fs::read_to_string(path)
            .map(Zeroizing::new)
            .map_err(|error| unreadable(source, setting, "cannot be read").caused_by(&error)),
    }
}

/// The keys of a PEM text.
pub(super) fn parse(text: &str, source: &PemSource, setting: &str) -> Result<Vec<Arc<dyn Signer>>> {
    // Both spellings of an encrypted key: PKCS#8 (RFC 5958) and the older header of OpenSSL.
    if text.contains("BEGIN ENCRYPTED PRIVATE KEY") || text.contains("Proc-Type: 4,ENCRYPTED") {
        let why = "is encrypted; decrypt it (openssl pkey -in KEY -out PLAIN) and protect the file by its mode";
        return Err(unreadable(source, setting, why));
    }
    let keys: Vec<PrivateKeyDer<'static>> = PrivateKeyDer::pem_slice_iter(text.as_bytes())
        .collect::<Result<_, _>>()
        .map_err(|error| unreadable(source, setting, "is not PEM").caused_by(&error))?;
    if keys.is_empty() {
        return Err(unreadable(source, setting, "has no PKCS#8, SEC1 or PKCS#1 private key"));
    }
    keys.iter()
        .map(|key| {
            let read = signer::from_der(key.secret_der());
            read.map_err(|error| unreadable(source, setting, "has a key of no supported type").caused_by(&error))
        })
        .collect()
}

fn unreadable(source: &PemSource, setting: &str, why: &str) -> Error {
    Error::new(Code::CertificateUnreadable, format!("`{setting}`: {} {why}", source.name()))
}

/// Reports a key file that others than its owner may read. `true` if it did.
#[cfg(unix)]
pub(super) fn warn_if_open(source: &PemSource) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    let PemSource::File(path) = source else { return false };
    let is_open = std::fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o077 != 0);
    if is_open {
        tracing::warn!(target: "gladhand::security", path = %path.display(), "a key file that others may read: set its mode to 0600");
    }
    is_open
}

/// Permissions of this kind do not exist here.
#[cfg(not(unix))]
pub(super) fn warn_if_open(_: &PemSource) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::tests::assertion_pem;
    use crate::secret::Secret;

    fn inline(text: &str) -> PemSource {
        PemSource::Inline(Secret::new(text))
    }

    #[test]
    fn several_keys_are_read_in_their_order() {
        let (a, b) = (assertion_pem(), assertion_pem());
        let both = signers(&inline(&format!("{a}{b}")), "k").unwrap();
        let alone = |pem: &str| signers(&inline(pem), "k").unwrap()[0].jwk().thumbprint();
        let read: Vec<String> = both.iter().map(|key| key.jwk().thumbprint()).collect();
        assert_eq!(read, [alone(&a), alone(&b)]);
    }

    #[test]
    #[cfg(unix)]
    fn negative_n35_a_key_file_that_others_may_read_is_reported() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("k.pem");
        std::fs::write(&path, assertion_pem()).unwrap();
        for (mode, reported) in [(0o600, false), (0o400, false), (0o640, true), (0o604, true), (0o644, true)] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(warn_if_open(&PemSource::File(path.clone())), reported, "{mode:o}");
        }
    }

    #[test]
    fn what_is_no_key_is_named() {
        for (text, why) in [
            ("-----BEGIN ENCRYPTED PRIVATE KEY-----\nAA==\n-----END ENCRYPTED PRIVATE KEY-----\n", "is encrypted"),
            ("-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n", "no PKCS#8"),
            ("-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----\n", "no supported type"),
        ] {
            let error = signers(&inline(text), "carriers.a.assertion_key").unwrap_err();
            assert_eq!(error.code(), Code::CertificateUnreadable);
            assert!(error.message().contains(why) && error.message().contains("carriers.a.assertion_key"), "{error}");
        }
    }
}
