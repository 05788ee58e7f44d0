//! What may be shown of a certificate: its fingerprint, its validity and its names. Nothing of the key.

use gladhand_documents::error::{Code, Error, Result};
use gladhand_protocol::proof::base64url_sha256;
use sha2::{Digest as _, Sha256};
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer as _, X509Certificate};

/// The facts of a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFacts {
    thumbprint: String,
    fingerprint: String,
    not_before: jiff::Timestamp,
    not_after: jiff::Timestamp,
    uris: Vec<String>,
    dns_names: Vec<String>,
}

impl CertificateFacts {
    /// Reads them from DER.
    pub(crate) fn read(der: &[u8]) -> Result<Self> {
        let unreadable = |why: &str| Error::new(Code::CertificateUnreadable, format!("a certificate {why}"));
        let (_, certificate) =
            X509Certificate::from_der(der).map_err(|error| unreadable("is not X.509").caused_by(&error))?;
        let time = |at: x509_parser::time::ASN1Time| {
            jiff::Timestamp::from_second(at.timestamp())
                .map_err(|error| unreadable("has no valid dates").caused_by(&error))
        };
        let names = certificate
            .subject_alternative_name()
            .map_err(|error| unreadable("has unreadable names").caused_by(&error))?
            .map(|extension| extension.value.general_names.clone())
            .unwrap_or_default();
        let (mut uris, mut dns_names) = (Vec::new(), Vec::new());
        for name in names {
            match name {
                GeneralName::URI(uri) => uris.push(uri.to_owned()),
                GeneralName::DNSName(name) => dns_names.push(name.to_owned()),
                _ => {}
            }
        }
        Ok(Self {
            thumbprint: base64url_sha256(der),
            fingerprint: hex_sha256(der),
            not_before: time(certificate.validity().not_before)?,
            not_after: time(certificate.validity().not_after)?,
            uris,
            dns_names,
        })
    }

    /// base64url of the SHA-256 of the DER: what a certificate-bound token carries as `x5t#S256` (RFC 8705 §3.1).
    pub fn thumbprint(&self) -> &str {
        &self.thumbprint
    }

    /// SHA-256 of the DER, hexadecimal: what logs and events call the certificate by.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// The start of its validity.
    pub fn not_before(&self) -> jiff::Timestamp {
        self.not_before
    }

    /// The end of its validity.
    pub fn not_after(&self) -> jiff::Timestamp {
        self.not_after
    }

    /// The URI names, such as a SPIFFE ID.
    pub fn uris(&self) -> &[String] {
        &self.uris
    }

    /// The DNS names.
    pub fn dns_names(&self) -> &[String] {
        &self.dns_names
    }
}

/// SHA-256, hexadecimal.
pub(super) fn hex_sha256(bytes: &[u8]) -> String {
    hex::encode(sha256(bytes))
}

/// SHA-256.
pub(super) fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

#[cfg(test)]
mod tests {
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject as _;

    use super::*;

    #[test]
    fn rfc_8705_appendix_a() {
        let pem = "-----BEGIN CERTIFICATE-----
MIIBBjCBrAIBAjAKBggqhkjOPQQDAjAPMQ0wCwYDVQQDDARtdGxzMB4XDTE4MTAx
ODEyMzcwOVoXDTIyMDUwMjEyMzcwOVowDzENMAsGA1UEAwwEbXRsczBZMBMGByqG
SM49AgEGCCqGSM49AwEHA0IABNcnyxwqV6hY8QnhxxzFQ03C7HKW9OylMbnQZjjJ
/Au08/coZwxS7LfA4vOLS9WuneIXhbGGWvsDSb0tH6IxLm8wCgYIKoZIzj0EAwID
SQAwRgIhAP0RC1E+vwJD/D1AGHGzuri+hlV/PpQEKTWUVeORWz83AiEA5x2eXZOV
bUlJSGQgjwD5vaUaKlLR50Q2DmFfQj1L+SY=
-----END CERTIFICATE-----";
        let der = CertificateDer::from_pem_slice(pem.as_bytes()).unwrap();
        let facts = CertificateFacts::read(&der).unwrap();
        assert_eq!(facts.thumbprint(), "A4DtL2JmUMhAsvJj5tKyn64SqzmuXbMrJa0n761y5v0");
        assert_eq!(facts.not_after().to_string(), "2022-05-02T12:37:09Z");
        assert!(facts.uris().is_empty() && facts.dns_names().is_empty());
    }
}
