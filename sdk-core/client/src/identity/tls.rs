//! The TLS configuration of one generation, by the published policy. The provider is passed explicitly and never installed
//! process-wide, so the host's own choice is neither used nor changed; `SSLKEYLOGFILE` is not looked at.

use std::fmt;
use std::sync::Arc;

use gladhand_documents::error::{Code, Error, Result};
use rustls::ClientConfig;
use rustls::client::Resumption;
use rustls::pki_types::UnixTime;
use rustls::sign::SingleCertAndKey;
use rustls::time_provider::TimeProvider;

use super::verifier::{Authorizer, PeerVerifier};
use super::{Material, policy};
use crate::clock::SharedClock;
use crate::config::CarrierConfig;

/// The configuration of one generation. HTTP (`h2`, `http/1.1`) and gRPC (`h2`) share it.
pub(super) fn client(material: &Material, carrier: &CarrierConfig, clock: &SharedClock) -> Result<Arc<ClientConfig>> {
    let provider = Arc::new(policy::provider(carrier.tls_minimum));
    let verifier = PeerVerifier::new(
        Authorizer::of(carrier, material.trust())?,
        material.trust().clone(),
        material.revocation().clone(),
        provider.signature_verification_algorithms,
    );
    let mut config = ClientConfig::builder_with_details(provider, Arc::new(InjectedTime(clock.clone())))
        .with_protocol_versions(&policy::versions(carrier.tls_minimum))
        .map_err(|error| {
            Error::new(Code::TlsHandshake, "the TLS policy is not usable with this library").caused_by(&error)
        })?
        // "Dangerous" because a verifier could accept anything; ours checks more than the usual one.
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_client_cert_resolver(Arc::new(SingleCertAndKey::from(material.certified().clone())));
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    // A resumed session would keep an identity beyond its generation (A§0.1).
    config.resumption = Resumption::disabled();
    config.enable_early_data = false;
    // RFC 7627: in TLS 1.2 the session's secret is bound to its handshake.
    config.require_ems = true;
    Ok(Arc::new(config))
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
