//! The client under test, through the crate's public interface and from settings alone.

use std::path::Path;

use gladhand::auth::{Authorized, Caller as _, Profile, Request, Response};
use gladhand::{Client, Config, Error};
use http::Method;
use serde_json::Value;

use crate::pki::Pair;

/// What all settings call the peer.
pub(crate) const PEER: &str = "peer";

/// A connected client of one carrier.
pub(crate) struct Subject {
    pub(crate) client: Client,
    caller: Authorized,
}

/// The settings of one client: keys of `gladhand.toml`.
#[derive(Clone, Default)]
pub(crate) struct Settings(Vec<(String, String)>);

impl Settings {
    /// A client with these credentials in memory.
    pub(crate) fn inline(pair: &Pair, trust: &str) -> Self {
        Self::default()
            .set("identity.certificate", &pair.certificate)
            .set("identity.private_key", &pair.key)
            .set("identity.trust", trust)
    }

    pub(crate) fn set(mut self, key: &str, value: impl Into<String>) -> Self {
        self.0.push((key.to_owned(), value.into()));
        self
    }

    /// A setting of the carrier.
    pub(crate) fn peer(self, leaf: &str, value: impl Into<String>) -> Self {
        let key = format!("carriers.{PEER}.{leaf}");
        self.set(&key, value)
    }
}

impl Subject {
    /// Connects with a journal of its own in `folder`.
    pub(crate) async fn connect(folder: &Path, settings: Settings) -> Result<Self, Error> {
        let journal = tempfile::Builder::new().prefix("journal").tempdir_in(folder).map(tempfile::TempDir::keep);
        let journal = journal.map_err(|error| Error::new(gladhand::Code::JournalUnwritable, error.to_string()))?;
        let mut builder = Config::builder().environment("interop").tenant("acme");
        builder = builder.journal_path(journal.join("journal.db").display().to_string());
        for (key, value) in settings.0 {
            builder = builder.set(&key, value);
        }
        let client = Client::connect(builder.build()?).await?;
        let caller = client.authorized(PEER)?;
        let caller = caller.ok_or_else(|| Error::new(gladhand::Code::CarrierUnknown, "the client has no network"))?;
        Ok(Self { client, caller })
    }

    /// The RFC 7638 thumbprint of our DPoP key.
    pub(crate) fn key_thumbprint(&self) -> String {
        self.caller.generation().dpop().thumbprint().to_owned()
    }

    /// The call with a certificate-bound token.
    pub(crate) async fn read(&self, path: &str) -> Result<Value, Error> {
        self.call(Request::new("interop.read", Method::GET, path, Profile::CertificateBound, "capacity:read")).await
    }

    /// The call with a DPoP-bound token and content.
    pub(crate) async fn tender(&self, path: &str, body: &str) -> Result<Value, Error> {
        let request = Request::new("interop.tender", Method::POST, path, Profile::Dpop, "tender:write");
        self.call(request.body(body.as_bytes().to_vec())).await
    }

    /// The call with another DPoP-bound token for the same key.
    pub(crate) async fn other_scope(&self, path: &str, body: &str) -> Result<Value, Error> {
        let request = Request::new("interop.other", Method::POST, path, Profile::Dpop, "capacity:read");
        self.call(request.body(body.as_bytes().to_vec())).await
    }

    /// The call without a token.
    pub(crate) async fn open(&self, path: &str) -> Result<Value, Error> {
        self.call(Request::new("interop.open", Method::GET, path, Profile::Open, "")).await
    }

    async fn call(&self, request: Request) -> Result<Value, Error> {
        let answer: Response = self.caller.call(request).await?;
        serde_json::from_slice(&answer.body)
            .map_err(|error| Error::new(gladhand::Code::UnexpectedAnswer, format!("the peer's answer: {error}")))
    }
}
