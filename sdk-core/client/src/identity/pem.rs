//! Reads PEM: certificates, keys and roots, from files or inline. An error names the setting and the file.

use gladhand_documents::error::{Code, Error, Result};
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use zeroize::Zeroizing;

use crate::config::PemSource;

/// The certificates in their order, leaf first; at least one.
pub(super) fn certificates(source: &PemSource, setting: &str) -> Result<Vec<CertificateDer<'static>>> {
    let text = read(source, setting)?;
    let chain: Vec<_> = CertificateDer::pem_slice_iter(text.as_bytes())
        .collect::<Result<_, _>>()
        .map_err(|error| unreadable(source, setting, "is not PEM").caused_by(&error))?;
    if chain.is_empty() {
        return Err(unreadable(source, setting, "has no CERTIFICATE"));
    }
    Ok(chain)
}

/// The trust roots; at least one, and each of them usable.
pub(super) fn roots(source: &PemSource, setting: &str) -> Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(source, setting)? {
        roots.add(certificate).map_err(|error| {
            unreadable(source, setting, "has a certificate that is no trust root").caused_by(&error)
        })?;
    }
    Ok(roots)
}

/// The private key: PKCS#8, SEC1 or PKCS#1.
pub(super) fn private_key(source: &PemSource, setting: &str) -> Result<PrivateKeyDer<'static>> {
    let text = read(source, setting)?;
    // Both spellings of an encrypted key: PKCS#8 (RFC 5958) and the older header of OpenSSL.
    if text.contains("BEGIN ENCRYPTED PRIVATE KEY") || text.contains("Proc-Type: 4,ENCRYPTED") {
        let why = "is encrypted; decrypt it (openssl pkey -in KEY -out PLAIN) and protect the file by its mode";
        return Err(unreadable(source, setting, why));
    }
    PrivateKeyDer::from_pem_slice(text.as_bytes())
        .map_err(|error| unreadable(source, setting, "has no PKCS#8, SEC1 or PKCS#1 private key").caused_by(&error))
}

fn read(source: &PemSource, setting: &str) -> Result<Zeroizing<String>> {
    match source {
        PemSource::Inline(text) => Ok(Zeroizing::new(text.expose().to_owned())),
        PemSource::File(path) => std::fs::read_to_string(path)
            .map(Zeroizing::new)
            .map_err(|error| unreadable(source, setting, "cannot be read").caused_by(&error)),
    }
}

fn unreadable(source: &PemSource, setting: &str, why: &str) -> Error {
    Error::new(Code::CertificateUnreadable, format!("`{setting}`: {} {why}", source.name()))
}
