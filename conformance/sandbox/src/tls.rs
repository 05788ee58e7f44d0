//! The listener's TLS, and what control may do to it while it runs: TLS 1.3 with a required client certificate unless
//! told otherwise. Each new connection takes the configuration of the moment; those that stand are left alone.
//!
//! No tickets and no resumption by default. With them on, sessions outlive a change of certificate, as they do at a
//! server that is none the wiser: a client that resumes an old identity is then seen to.

use std::sync::{Arc, Mutex};

use gladhand_documents::error::{Code, Error, Result};
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{
    ClientHello, NoClientAuth, NoServerSessionStorage, ResolvesServerCert, ServerSessionMemoryCache,
    StoresServerSessions, WebPkiClientVerifier,
};
use rustls::sign::CertifiedKey;
use rustls::{
    ClientConfig, DigitallySignedStruct, DistinguishedName, ServerConfig, SignatureScheme, SupportedProtocolVersion,
};
use serde::Deserialize;
use tokio_util::sync::CancellationToken;

use crate::ca::Pair;
use crate::peer::Peer;
use crate::pki::Pki;
use crate::security::{self, Security};

/// Sessions that may be resumed, at most.
const SESSIONS: usize = 4096;

/// A version of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub enum Version {
    /// TLS 1.2 with ECDHE and AEAD.
    #[serde(rename = "1.2")]
    V12,
    /// TLS 1.3.
    #[serde(rename = "1.3")]
    V13,
}

/// Whether the listener asks clients for a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClientAuth {
    /// No handshake without one.
    Required,
    /// A client may go without: then no token fits it.
    Optional,
    /// It does not ask, which a client must notice.
    None,
}

/// What the listener does to new connections.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The certificate it shows.
    pub shown: Pair,
    /// The oldest version it speaks.
    pub minimum: Version,
    /// The newest version it speaks.
    pub maximum: Version,
    /// Whether it asks for a client certificate.
    pub client_auth: ClientAuth,
    /// Whether it issues tickets and resumes sessions.
    pub resumption: bool,
    /// Whether client certificates are checked against the revocation lists.
    pub revocation: bool,
    /// Whether it hangs up as soon as the handshake is done, as servers do that refuse a certificate late.
    pub close_after_handshake: bool,
}

/// The listener's configuration of the moment.
pub struct Door {
    pki: Arc<Pki>,
    security: Arc<Security>,
    sessions: Arc<dyn StoresServerSessions>,
    now: Mutex<(Settings, Arc<ServerConfig>)>,
    standing: Mutex<CancellationToken>,
}

impl Door {
    /// A listener that shows this certificate.
    pub fn new(pki: Arc<Pki>, security: Arc<Security>, shown: Pair, revocation: bool) -> Result<Self> {
        let settings = Settings {
            shown,
            minimum: Version::V13,
            maximum: Version::V13,
            client_auth: ClientAuth::Required,
            resumption: false,
            revocation,
            close_after_handshake: false,
        };
        let sessions: Arc<dyn StoresServerSessions> = ServerSessionMemoryCache::new(SESSIONS);
        let config = configure(&settings, &pki, &security, &sessions)?;
        let standing = Mutex::default();
        Ok(Self { pki, security, sessions, now: Mutex::new((settings, config)), standing })
    }

    /// Cancelled when the connections of this moment are to go.
    pub fn standing(&self) -> CancellationToken {
        self.standing.lock().expect("the standing connections").clone()
    }

    /// Drops every connection that stands, as a restart of the carrier's front would.
    pub fn hang_up(&self) {
        std::mem::take(&mut *self.standing.lock().expect("the standing connections")).cancel();
    }

    /// What a new connection gets, and whether it is closed right after the handshake.
    pub fn current(&self) -> (Arc<ServerConfig>, bool) {
        let now = self.now.lock().expect("the listener's configuration");
        (now.1.clone(), now.0.close_after_handshake)
    }

    /// The settings.
    pub fn settings(&self) -> Settings {
        self.now.lock().expect("the listener's configuration").0.clone()
    }

    /// Changes the settings for the connections to come; revocation lists are read anew.
    pub fn change(&self, change: impl FnOnce(&mut Settings)) -> Result<()> {
        let mut now = self.now.lock().expect("the listener's configuration");
        let mut settings = now.0.clone();
        change(&mut settings);
        let config = configure(&settings, &self.pki, &self.security, &self.sessions)?;
        *now = (settings, config);
        Ok(())
    }
}

fn configure(
    settings: &Settings,
    pki: &Pki,
    security: &Arc<Security>,
    sessions: &Arc<dyn StoresServerSessions>,
) -> Result<Arc<ServerConfig>> {
    let provider: Arc<CryptoProvider> = Arc::new(aws_lc_rs::default_provider());
    let shown = CertifiedKey::from_der(settings.shown.chain(), settings.shown.key(), &provider);
    let shown = Arc::new(shown.map_err(|e| failed(&e))?);
    let offered: [(Version, &'static SupportedProtocolVersion); 2] =
        [(Version::V13, &rustls::version::TLS13), (Version::V12, &rustls::version::TLS12)];
    let range = settings.minimum.min(settings.maximum)..=settings.maximum;
    let versions: Vec<_> = offered.iter().filter(|(v, _)| range.contains(v)).map(|(_, version)| *version).collect();
    let mut config = ServerConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(&versions)
        .map_err(|e| failed(&e))?
        .with_client_cert_verifier(verifier(settings, pki, security, provider)?)
        .with_cert_resolver(Arc::new(Shown(shown)));
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    if settings.resumption {
        config.session_storage = sessions.clone();
    } else {
        config.send_tls13_tickets = 0;
        config.session_storage = Arc::new(NoServerSessionStorage {});
    }
    Ok(Arc::new(config))
}

fn verifier(
    settings: &Settings,
    pki: &Pki,
    security: &Arc<Security>,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>> {
    if settings.client_auth == ClientAuth::None {
        return Ok(Arc::new(NoClientAuth));
    }
    let roots = Pki::store([pki.clients_root()])?;
    let mut builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
    if settings.revocation {
        // The whole chain; what no list speaks of is refused, and so is what an old list speaks of.
        builder = builder.with_crls(pki.lists()?).enforce_revocation_expiration();
    }
    if settings.client_auth == ClientAuth::Optional {
        builder = builder.allow_unauthenticated();
    }
    let inner = builder.build().map_err(|e| failed(&e))?;
    Ok(Arc::new(Watched { inner, security: security.clone() }))
}

/// TLS towards webhook receivers: only those of our roots, and our certificate for those that want one (contract 4e).
pub fn client_config(own: &Pair, pki: &Pki) -> Result<ClientConfig> {
    ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(|e| failed(&e))?
        .with_root_certificates(pki.all_roots()?)
        .with_client_auth_cert(own.chain(), own.key())
        .map_err(|e| failed(&e))
}

#[derive(Debug)]
struct Shown(Arc<CertifiedKey>);

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.clone())
    }
}

/// A verifier whose refusals are noted; it decides nothing itself.
#[derive(Debug)]
struct Watched {
    inner: Arc<dyn ClientCertVerifier>,
    security: Arc<Security>,
}

impl ClientCertVerifier for Watched {
    fn offer_client_auth(&self) -> bool {
        self.inner.offer_client_auth()
    }

    fn client_auth_mandatory(&self) -> bool {
        self.inner.client_auth_mandatory()
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.inner.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        self.inner.verify_client_cert(end_entity, intermediates, now).inspect_err(|error| {
            let fingerprint = Peer::from_der(end_entity).and_then(|peer| peer.fingerprint());
            self.security.note(security::of_handshake(error), None, fingerprint, &error.to_string());
        })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

fn failed(error: &dyn std::error::Error) -> Error {
    Error::new(Code::SandboxFailed, "the TLS server could not be set up").caused_by(error)
}
