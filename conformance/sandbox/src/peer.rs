//! Who is at the other end: the names and the fingerprint of a client certificate.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use x509_parser::extensions::GeneralName;

/// Who is at the other end of a connection, by its certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Peer {
    /// `x5t#S256` of RFC 8705: base64url(SHA-256(DER)). Empty without a certificate: no token is bound to that.
    pub thumbprint: String,
    /// SHA-256 of the DER in lower-case hex; empty without a certificate.
    pub fingerprint: String,
    /// The URI names of the certificate; ours carry exactly one.
    pub uris: Vec<String>,
    /// The DNS names.
    pub dns: Vec<String>,
    /// The subject, as RFC 4514 writes it.
    pub subject: String,
}

impl Peer {
    /// Nobody: a connection without a client certificate.
    pub fn nobody() -> Self {
        Self::default()
    }

    /// Reads the identity from the certificate that the handshake verified; none if there is a certificate that cannot
    /// be read.
    pub fn of(connection: &rustls::ServerConnection) -> Option<Self> {
        match connection.peer_certificates().and_then(<[_]>::first) {
            Some(certificate) => Self::from_der(certificate),
            None => Some(Self::nobody()),
        }
    }

    /// Reads the identity from a certificate's DER.
    pub fn from_der(certificate: &[u8]) -> Option<Self> {
        let (rest, parsed) = x509_parser::parse_x509_certificate(certificate).ok()?;
        if !rest.is_empty() {
            return None;
        }
        let names = parsed.subject_alternative_name().ok().flatten();
        let (mut uris, mut dns) = (Vec::new(), Vec::new());
        for name in names.iter().flat_map(|names| &names.value.general_names) {
            match name {
                GeneralName::URI(uri) => uris.push((*uri).to_owned()),
                GeneralName::DNSName(name) => dns.push((*name).to_owned()),
                _ => {}
            }
        }
        let digest = Sha256::digest(certificate);
        Some(Self {
            thumbprint: URL_SAFE_NO_PAD.encode(digest),
            fingerprint: hex::encode(digest),
            uris,
            dns,
            subject: parsed.subject().to_string(),
        })
    }

    /// The fingerprint, if there is a certificate.
    pub fn fingerprint(&self) -> Option<String> {
        (!self.fingerprint.is_empty()).then(|| self.fingerprint.clone())
    }
}
