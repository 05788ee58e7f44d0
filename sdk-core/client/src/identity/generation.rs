//! A credential epoch (architecture, decision 6): certificate, TLS configuration, connections, DPoP key and tokens belong
//! together and are exchanged together.

use std::fmt;
use std::sync::Arc;

use gladhand_documents::error::Result;
use gladhand_protocol::proof::dpop::DpopKey;
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;
use url::Url;

use super::{Material, tls};
use crate::auth::{TokenCache, dpop_key};
use crate::clock::{Clock, SharedClock};
use crate::config::CarrierConfig;
use crate::observe::{Expiry, SecurityLog};
use crate::transport::{ConnectionFacts, Connector, Cut, HttpTransport, Origin, Transport, grpc_channel};

/// Everything that one identity is used through at one carrier. A call keeps the generation that it began with.
pub struct Generation {
    number: u64,
    material: Arc<Material>,
    origin: Arc<Origin>,
    http: Arc<dyn Transport>,
    dpop: DpopKey,
    tokens: TokenCache,
    retired: CancellationToken,
}

impl Generation {
    /// A generation for this carrier, over the real network.
    ///
    /// Codes: `config_invalid` or `config_missing` if the settings do not say which peer is the carrier.
    pub fn new(
        number: u64,
        material: Arc<Material>,
        carrier: &CarrierConfig,
        clock: &SharedClock,
        security: &SecurityLog,
    ) -> Result<Self> {
        let tls = tls::client(&material, carrier, clock)?;
        let origin = Origin::new((number, material.clone(), tls), carrier, clock, security);
        let http = Arc::new(HttpTransport::new(origin.clone()));
        Self::assemble(number, material, carrier, origin, http)
    }

    /// A generation over another network, for simulations.
    pub fn with_transport(
        number: u64,
        material: Arc<Material>,
        carrier: &CarrierConfig,
        http: Arc<dyn Transport>,
        clock: &SharedClock,
        security: &SecurityLog,
    ) -> Result<Self> {
        let tls = tls::client(&material, carrier, clock)?;
        let origin = Origin::new((number, material.clone(), tls), carrier, clock, security);
        Self::assemble(number, material, carrier, origin, http)
    }

    fn assemble(
        number: u64,
        material: Arc<Material>,
        carrier: &CarrierConfig,
        origin: Arc<Origin>,
        http: Arc<dyn Transport>,
    ) -> Result<Self> {
        // Unless one is configured, a key per process and generation: nothing to store, nothing to share (identity §3).
        let dpop = dpop_key(&carrier.dpop, &carrier.name)?;
        let retired = CancellationToken::new();
        Ok(Self { number, material, origin, http, dpop, tokens: TokenCache::default(), retired })
    }

    /// Rises from 1 with each generation of one carrier. A number may be left out: of one that a newer overtook.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The identity.
    pub fn identity(&self) -> &Arc<Material> {
        &self.material
    }

    /// Fails if nothing may begin on it any more: `identity_revoked`, `identity_unavailable`, `certificate_expired`. Asked
    /// before every call and stream.
    pub fn usable(&self, clock: &dyn Clock) -> Result<()> {
        self.origin.cut.check()?;
        self.material.check_validity(clock)
    }

    /// Fires when the next generation has taken its place: streams open again there, within five seconds.
    pub fn retired(&self) -> &CancellationToken {
        &self.retired
    }

    /// Fires when what still runs on it ends.
    pub fn cut(&self) -> &CancellationToken {
        self.origin.cut.token()
    }

    pub(super) fn retire(&self) {
        self.retired.cancel();
    }

    /// The cut with its reason.
    pub(crate) fn end(&self) -> &Cut {
        &self.origin.cut
    }

    /// The TLS configuration.
    pub fn tls(&self) -> &Arc<rustls::ClientConfig> {
        &self.origin.tls
    }

    /// The network.
    pub fn http(&self) -> &dyn Transport {
        &*self.http
    }

    /// The key that proves possession.
    pub fn dpop(&self) -> &DpopKey {
        &self.dpop
    }

    /// A new gRPC connection of this generation.
    pub fn grpc_channel(&self, url: &Url) -> Result<Channel> {
        grpc_channel(&self.origin, url)
    }

    /// What was negotiated on the newest connection, if there is one yet.
    pub fn latest_facts(&self) -> Option<Arc<ConnectionFacts>> {
        self.origin.latest()
    }

    /// What was negotiated on the newest connection; where there is none yet, one is made to `url` to learn it.
    pub async fn connection_facts(&self, url: &Url) -> Result<Arc<ConnectionFacts>> {
        match self.origin.latest() {
            Some(facts) => Ok(facts),
            None => Connector::http(self.origin.clone()).probe(url).await,
        }
    }

    /// What of it ends: the certificate, the trust anchors, the revocation lists.
    pub fn expiries(&self) -> Vec<Expiry> {
        self.material.expiries()
    }

    pub(crate) fn tokens(&self) -> &TokenCache {
        &self.tokens
    }
}

impl fmt::Debug for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Generation")
            .field("number", &self.number)
            .field("material", &self.material)
            .finish_non_exhaustive()
    }
}
