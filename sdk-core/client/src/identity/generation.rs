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
use crate::observe::Expiry;
use crate::transport::{Cut, HttpTransport, Transport, grpc_channel};

/// Everything that one identity is used through at one carrier. A call keeps the generation that it began with.
pub struct Generation {
    number: u64,
    material: Arc<Material>,
    tls: Arc<rustls::ClientConfig>,
    http: Arc<dyn Transport>,
    dpop: DpopKey,
    tokens: TokenCache,
    retired: CancellationToken,
    cut: Cut,
}

impl Generation {
    /// A generation for this carrier, over the real network.
    ///
    /// Codes: `config_invalid` or `config_missing` if the settings do not say which peer is the carrier.
    pub fn new(number: u64, material: Arc<Material>, carrier: &CarrierConfig, clock: &SharedClock) -> Result<Self> {
        let tls = tls::client(&material, carrier, clock)?;
        let cut = Cut::default();
        let http = Arc::new(HttpTransport::new(&tls, clock, &cut)?);
        Self::assemble(number, material, carrier, tls, http, cut)
    }

    /// A generation over another network, for simulations.
    pub fn with_transport(
        number: u64,
        material: Arc<Material>,
        carrier: &CarrierConfig,
        http: Arc<dyn Transport>,
        clock: &SharedClock,
    ) -> Result<Self> {
        let tls = tls::client(&material, carrier, clock)?;
        Self::assemble(number, material, carrier, tls, http, Cut::default())
    }

    fn assemble(
        number: u64,
        material: Arc<Material>,
        carrier: &CarrierConfig,
        tls: Arc<rustls::ClientConfig>,
        http: Arc<dyn Transport>,
        cut: Cut,
    ) -> Result<Self> {
        // Unless one is configured, a key per process and generation: nothing to store, nothing to share (identity §3).
        let dpop = dpop_key(&carrier.dpop, &carrier.name)?;
        let retired = CancellationToken::new();
        Ok(Self { number, material, tls, http, dpop, tokens: TokenCache::default(), retired, cut })
    }

    /// Counts the generations of one carrier, from 1.
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
        self.cut.check()?;
        self.material.check_validity(clock)
    }

    /// Fires when the next generation has taken its place: streams open again there, within five seconds.
    pub fn retired(&self) -> &CancellationToken {
        &self.retired
    }

    /// Fires when what still runs on it ends.
    pub fn cut(&self) -> &CancellationToken {
        self.cut.token()
    }

    pub(super) fn retire(&self) {
        self.retired.cancel();
    }

    /// The cut with its reason.
    pub(crate) fn end(&self) -> &Cut {
        &self.cut
    }

    /// The TLS configuration.
    pub fn tls(&self) -> &Arc<rustls::ClientConfig> {
        &self.tls
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
        grpc_channel(&self.tls, url)
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
