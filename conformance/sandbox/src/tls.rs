//! TLS 1.3 with a required client certificate, and a server certificate that the control interface can spoil.
//! No tickets and no resumption: a switched certificate is seen by the very next connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gladhand_documents::error::{Code, Error, Result};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::CertificateDer;
use rustls::server::{ClientHello, NoServerSessionStorage, ResolvesServerCert, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use sha2::{Digest as _, Sha256};
use x509_parser::extensions::GeneralName;

use crate::ca::Pair;

/// Which certificate the server shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presented {
    /// The valid one.
    Good,
    /// One that ended yesterday.
    Expired,
    /// A valid one of an authority that nobody trusts.
    WrongCa,
}

/// The server's certificates and which of them it shows.
#[derive(Debug)]
pub struct Switch {
    certificates: [Arc<CertifiedKey>; 3],
    shown: AtomicU8,
}

impl Switch {
    /// A switch that shows the good certificate.
    pub fn new(good: &Pair, expired: &Pair, wrong_ca: &Pair) -> Result<Self> {
        let provider = aws_lc_rs::default_provider();
        let load = |pair: &Pair| CertifiedKey::from_der(pair.chain(), pair.key(), &provider).map(Arc::new);
        let certificates = match (load(good), load(expired), load(wrong_ca)) {
            (Ok(a), Ok(b), Ok(c)) => [a, b, c],
            (Err(e), ..) | (_, Err(e), _) | (.., Err(e)) => return Err(failed(&e)),
        };
        Ok(Self { certificates, shown: AtomicU8::new(0) })
    }

    /// Shows another certificate from the next connection on.
    pub fn show(&self, which: Presented) {
        self.shown.store(which as u8, Ordering::SeqCst);
    }
}

impl ResolvesServerCert for Switch {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.certificates.get(usize::from(self.shown.load(Ordering::SeqCst))).cloned()
    }
}

/// The server's TLS configuration: client certificates of `root` only.
pub fn server_config(switch: Arc<Switch>, root: &CertificateDer<'static>) -> Result<ServerConfig> {
    let provider: Arc<CryptoProvider> = Arc::new(aws_lc_rs::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(root.clone()).map_err(|e| failed(&e))?;
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone())
        .build()
        .map_err(|e| failed(&e))?;
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(|e| failed(&e))?
        .with_client_cert_verifier(verifier)
        .with_cert_resolver(switch);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config.send_tls13_tickets = 0;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    Ok(config)
}

/// TLS towards webhook receivers: only those of `root`, and our certificate for those that want one (contract 4e).
pub fn client_config(own: &Pair, root: &CertificateDer<'static>) -> Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(root.clone()).map_err(|e| failed(&e))?;
    ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(|e| failed(&e))?
        .with_root_certificates(roots)
        .with_client_auth_cert(own.chain(), own.key())
        .map_err(|e| failed(&e))
}

/// Who is at the other end of a connection, by its certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// `x5t#S256` of RFC 8705: base64url(SHA-256(DER)).
    pub thumbprint: String,
    /// The URI names of the certificate; ours carry exactly one.
    pub uris: Vec<String>,
}

impl Peer {
    /// Reads the identity from the certificate that the handshake verified.
    pub fn of(connection: &rustls::ServerConnection) -> Option<Self> {
        let certificate = connection.peer_certificates()?.first()?;
        let (_, parsed) = x509_parser::parse_x509_certificate(certificate).ok()?;
        let names = parsed.subject_alternative_name().ok().flatten();
        let uris = names.map_or_else(Vec::new, |names| {
            let uri = |name: &GeneralName<'_>| match name {
                GeneralName::URI(uri) => Some((*uri).to_owned()),
                _ => None,
            };
            names.value.general_names.iter().filter_map(uri).collect()
        });
        Some(Self { thumbprint: URL_SAFE_NO_PAD.encode(Sha256::digest(certificate)), uris })
    }
}

fn failed(error: &dyn std::error::Error) -> Error {
    Error::new(Code::SandboxFailed, "the TLS server could not be set up").caused_by(error)
}
