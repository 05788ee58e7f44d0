//! Reads private keys that sign assertions and proofs: PEM, one or several. An error names the setting and the file.
//!
//! A key file that others may read is reported at each reading; it is the operator's to correct.

use std::sync::Arc;

use gladhand_documents::error::{Code, Error, Result};
use gladhand_protocol::proof::signer::{self, Signer};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;
use zeroize::Zeroizing;

use crate::config::PemSource;

/// The keys in their order; at least one. Each is P-256, Ed25519 or RSA, unencrypted. Error: `certificate_unreadable`.
pub(super) fn signers(source: &PemSource, setting: &str) -> Result<Vec<Arc<dyn Signer>>> {
    let unreadable =
        |why: &str| Error::new(Code::CertificateUnreadable, format!("`{setting}`: {} {why}", source.name()));
    let text = match source {
        PemSource::Inline(text) => Zeroizing::new(text.expose().to_owned()),
        PemSource::File(path) => {
            warn_if_open(path);
            Zeroizing::new(
                std::fs::read_to_string(path).map_err(|error| unreadable("cannot be read").caused_by(&error))?,
            )
        }
    };
    // Both spellings of an encrypted key: PKCS#8 (RFC 5958) and the older header of OpenSSL.
    if text.contains("BEGIN ENCRYPTED PRIVATE KEY") || text.contains("Proc-Type: 4,ENCRYPTED") {
        let why = "is encrypted; decrypt it (openssl pkey -in KEY -out PLAIN) and protect the file by its mode";
        return Err(unreadable(why));
    }
    let keys: Vec<PrivateKeyDer<'static>> = PrivateKeyDer::pem_slice_iter(text.as_bytes())
        .collect::<Result<_, _>>()
        .map_err(|error| unreadable("is not PEM").caused_by(&error))?;
    if keys.is_empty() {
        return Err(unreadable("has no PKCS#8, SEC1 or PKCS#1 private key"));
    }
    keys.iter()
        .map(|key| {
            let read = signer::from_der(key.secret_der());
            read.map_err(|error| unreadable("has a key of no supported type").caused_by(&error))
        })
        .collect()
}

#[cfg(unix)]
fn warn_if_open(path: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt as _;
    if std::fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o077 != 0) {
        tracing::warn!(target: "gladhand::security", path = %path.display(), "a key file that others may read: set its mode to 0600");
    }
}

#[cfg(not(unix))]
fn warn_if_open(_: &std::path::Path) {}

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
