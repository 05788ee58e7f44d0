//! Reads PEM: certificates, keys, roots and revocation lists, from files or inline. An error names the setting and the
//! file.

use gladhand_documents::error::{Code, Error, Result};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::revocation::RevocationLists;
use super::trust::{Anchors, Trust};
use crate::config::{PemIdentity, PemSource};

/// One text, and what to call it in a message.
struct Text {
    pem: Zeroizing<String>,
    source: String,
    setting: String,
}

/// The texts of an identity, read together.
pub(super) struct Contents {
    certificate: Text,
    private_key: Text,
    trust: Text,
    crl: Option<Text>,
}

impl Contents {
    /// Reads all of them. Error: `certificate_unreadable`.
    pub(super) fn read(identity: &PemIdentity, crl: Option<&PemSource>) -> Result<Self> {
        Ok(Self {
            certificate: Text::read(&identity.certificate, "identity.certificate")?,
            private_key: Text::read(&identity.private_key, "identity.private_key")?,
            trust: Text::read(&identity.trust, "identity.trust")?,
            crl: crl.map(|source| Text::read(source, "identity.crl")).transpose()?,
        })
    }

    /// Tells contents apart. Not shown: it covers the key.
    pub(super) fn digest(&self) -> [u8; 32] {
        let mut digest = Sha256::new();
        for text in [Some(&self.certificate), Some(&self.private_key), Some(&self.trust), self.crl.as_ref()] {
            let text = text.map_or("", |text| text.pem.as_str());
            digest.update((text.len() as u64).to_be_bytes());
            digest.update(text);
        }
        digest.finalize().into()
    }

    pub(super) fn chain(&self) -> Result<Vec<CertificateDer<'static>>> {
        self.certificate.certificates()
    }

    pub(super) fn key(&self) -> Result<PrivateKeyDer<'static>> {
        self.private_key.private_key()
    }

    pub(super) fn key_name(&self) -> String {
        self.private_key.source.clone()
    }

    pub(super) fn trust(&self) -> Result<Trust> {
        let anchors = Anchors::new(self.trust.certificates()?);
        anchors.map(Trust::Roots).map_err(|error| self.trust.unreadable("has no usable trust root").caused_by(&error))
    }

    pub(super) fn revocation(&self) -> Result<RevocationLists> {
        self.crl.as_ref().map_or_else(|| Ok(RevocationLists::none()), revocation)
    }
}

/// The lists of this source alone, and the digest of its text.
#[cfg(feature = "spiffe")]
pub(super) fn lists(source: &PemSource) -> Result<(RevocationLists, [u8; 32])> {
    let text = Text::read(source, "identity.crl")?;
    Ok((revocation(&text)?, Sha256::digest(text.pem.as_bytes()).into()))
}

fn revocation(crl: &Text) -> Result<RevocationLists> {
    let lists = CertificateRevocationListDer::pem_slice_iter(crl.pem.as_bytes())
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| crl.unreadable("is not PEM").caused_by(&error))?;
    if lists.is_empty() {
        return Err(crl.unreadable("has no X509 CRL (openssl crl -inform DER -in LIST makes PEM of DER)"));
    }
    RevocationLists::new(&lists).map_err(|error| crl.unreadable(error.message()).caused_by(&error))
}

impl Text {
    fn read(source: &PemSource, setting: &str) -> Result<Self> {
        Ok(Self { pem: read(source, setting)?, source: source.name(), setting: setting.to_owned() })
    }

    /// The certificates in their order, leaf first; at least one.
    fn certificates(&self) -> Result<Vec<CertificateDer<'static>>> {
        let chain: Vec<_> = CertificateDer::pem_slice_iter(self.pem.as_bytes())
            .collect::<Result<_, _>>()
            .map_err(|error| self.unreadable("is not PEM").caused_by(&error))?;
        if chain.is_empty() {
            return Err(self.unreadable("has no CERTIFICATE"));
        }
        Ok(chain)
    }

    /// The private key: PKCS#8, SEC1 or PKCS#1.
    fn private_key(&self) -> Result<PrivateKeyDer<'static>> {
        // Both spellings of an encrypted key: PKCS#8 (RFC 5958) and the older header of OpenSSL.
        if self.pem.contains("BEGIN ENCRYPTED PRIVATE KEY") || self.pem.contains("Proc-Type: 4,ENCRYPTED") {
            let why = "is encrypted; decrypt it (openssl pkey -in KEY -out PLAIN) and protect the file by its mode";
            return Err(self.unreadable(why));
        }
        PrivateKeyDer::from_pem_slice(self.pem.as_bytes())
            .map_err(|error| self.unreadable("has no PKCS#8, SEC1 or PKCS#1 private key").caused_by(&error))
    }

    fn unreadable(&self, why: &str) -> Error {
        Error::new(Code::CertificateUnreadable, format!("`{}`: {} {why}", self.setting, self.source))
    }
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
