//! A credential epoch (architecture, decision 6): certificate, TLS configuration, connections, DPoP key and tokens belong
//! together and are exchanged together. Today there is one generation for the life of a client; rotation will publish
//! the next one and let this one drain.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use gladhand_documents::error::{Code, Error, Result};
use gladhand_protocol::proof::dpop::DpopKey;
use gladhand_protocol::proof::signer::Es256Key;
use tonic::transport::Channel;
use url::Url;

use super::Identity;
use crate::auth::TokenCache;
use crate::clock::SharedClock;
use crate::transport::{HttpTransport, Transport, grpc_channel};

/// Everything that one identity is used through. A call keeps the generation that it began with.
pub struct Generation {
    number: u64,
    identity: Arc<Identity>,
    tls: Arc<rustls::ClientConfig>,
    http: Arc<dyn Transport>,
    dpop: DpopKey,
    tokens: TokenCache,
}

impl Generation {
    /// A generation over the real network. `server_name`: what the peer's certificate must carry, if not the host.
    pub fn new(number: u64, identity: Arc<Identity>, server_name: Option<&str>, clock: &SharedClock) -> Result<Self> {
        let tls = identity.tls(server_name, clock)?;
        let http = Arc::new(HttpTransport::new(&tls, clock)?);
        Self::assemble(number, identity, tls, http)
    }

    /// A generation over another network, for simulations.
    pub fn with_transport(
        number: u64,
        identity: Arc<Identity>,
        http: Arc<dyn Transport>,
        clock: &SharedClock,
    ) -> Result<Self> {
        let tls = identity.tls(None, clock)?;
        Self::assemble(number, identity, tls, http)
    }

    fn assemble(
        number: u64,
        identity: Arc<Identity>,
        tls: Arc<rustls::ClientConfig>,
        http: Arc<dyn Transport>,
    ) -> Result<Self> {
        // A key per process and generation: nothing to store, nothing to share (identity §3).
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)
            .map_err(|error| Error::new(Code::InternalPanic, "no DPoP key could be made").caused_by(&error))?;
        let dpop = DpopKey::new(Arc::new(Es256Key::new(pair)?));
        Ok(Self { number, identity, tls, http, dpop, tokens: TokenCache::default() })
    }

    /// The same with another key that proves possession; before anything was asked with the one it had.
    pub(crate) fn with_dpop(self, dpop: DpopKey) -> Self {
        Self { dpop, ..self }
    }

    /// Counts the generations of a client, from 1.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The identity.
    pub fn identity(&self) -> &Identity {
        &self.identity
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

    pub(crate) fn tokens(&self) -> &TokenCache {
        &self.tokens
    }
}

impl fmt::Debug for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Generation")
            .field("number", &self.number)
            .field("identity", &self.identity)
            .finish_non_exhaustive()
    }
}
