//! The TLS policy (identity §1): TLS 1.3 alone, key exchange X25519MLKEM768, X25519, P-256, P-384, no resumption, no early
//! data. The provider is passed explicitly and never installed process-wide, so the host's own choice is neither used nor
//! changed.

use std::fmt;
use std::sync::Arc;

use gladhand_documents::error::{Code, Error, Result};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::time_provider::TimeProvider;
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};

use crate::clock::SharedClock;

/// The configuration of one generation. HTTP (`h2`, `http/1.1`) and gRPC (`h2`) share it.
pub(super) fn client(
    certified: Arc<CertifiedKey>,
    roots: Arc<RootCertStore>,
    server_name: Option<&str>,
    clock: &SharedClock,
) -> Result<Arc<ClientConfig>> {
    let provider = Arc::new(provider());
    let defect = |what: &str, error: &dyn std::error::Error| {
        Error::new(Code::TlsHandshake, format!("the TLS policy has no {what}")).caused_by(error)
    };
    let webpki = WebPkiServerVerifier::builder_with_provider(roots, provider.clone())
        .build()
        .map_err(|error| defect("usable trust root", &error))?;
    let verifier: Arc<dyn ServerCertVerifier> = match server_name {
        None => webpki,
        Some(name) => {
            let expected =
                ServerName::try_from(name.to_owned()).map_err(|error| defect("valid server name", &error))?;
            Arc::new(NamedPeer { expected, webpki })
        }
    };
    let mut config = ClientConfig::builder_with_details(provider, Arc::new(InjectedTime(clock.clone())))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(|error| defect("TLS 1.3", &error))?
        // "Dangerous" because a verifier could accept anything; ours is WebPKI, at most with another name to look for.
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_client_cert_resolver(Arc::new(SingleCertAndKey::from(certified)));
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    // A resumed session would keep an identity beyond its generation (A§0.1).
    config.resumption = Resumption::disabled();
    config.enable_early_data = false;
    Ok(Arc::new(config))
}

fn provider() -> CryptoProvider {
    CryptoProvider {
        kx_groups: vec![
            aws_lc_rs::kx_group::X25519MLKEM768,
            aws_lc_rs::kx_group::X25519,
            aws_lc_rs::kx_group::SECP256R1,
            aws_lc_rs::kx_group::SECP384R1,
        ],
        ..aws_lc_rs::default_provider()
    }
}

/// Certificates are valid or not by the injected clock.
struct InjectedTime(SharedClock);

impl TimeProvider for InjectedTime {
    fn current_time(&self) -> Option<UnixTime> {
        let since_epoch = self.0.now().duration_since(jiff::Timestamp::UNIX_EPOCH);
        Some(UnixTime::since_unix_epoch(since_epoch.try_into().ok()?))
    }
}

impl fmt::Debug for InjectedTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InjectedTime")
    }
}

/// WebPKI with the name that the configuration gives, whatever host is dialled.
#[derive(Debug)]
struct NamedPeer {
    expected: ServerName<'static>,
    webpki: Arc<WebPkiServerVerifier>,
}

impl ServerCertVerifier for NamedPeer {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _dialled: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        self.webpki.verify_server_cert(end_entity, intermediates, &self.expected, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.webpki.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.webpki.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.webpki.supported_verify_schemes()
    }
}
