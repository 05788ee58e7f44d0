//! Our side of a TLS connection, put together for a test: settings, material and generation.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use gladhand_documents::error::{Code, Error, Result};
use http::{HeaderMap, Method};
use url::Url;

use super::Authority;
use crate::clock::{SharedClock, SystemClock};
use crate::config::{CarrierConfig, CarrierSettings, Config};
use crate::identity::{Generation, Material};
use crate::observe::SecurityLog;
use crate::transport::{HttpRequest, HttpResponse};

/// One party.
pub(crate) struct Party {
    pub(crate) url: Url,
    pub(crate) settings: CarrierSettings,
    pub(crate) clock: SharedClock,
    pub(crate) security: SecurityLog,
    /// Certificate and key, PEM.
    pub(crate) pair: (String, String),
    pub(crate) trust: String,
    pub(crate) crl: Option<String>,
}

impl Party {
    /// A client that `authority` knows, and that trusts it, of the carrier at `url`.
    pub(crate) fn of(authority: &Authority, url: &Url) -> Self {
        let clock: SharedClock = Arc::new(SystemClock::new());
        Self {
            url: url.clone(),
            settings: CarrierSettings::new(url.as_str(), "tms-acme").tls_client_auth(),
            security: SecurityLog::new(clock.clone()),
            clock,
            pair: authority.client().pair(),
            trust: authority.pem(),
            crl: None,
        }
    }

    pub(crate) fn config(&self) -> Result<Config> {
        let builder = Config::builder().environment("sandbox").tenant("acme").journal_path("j");
        let builder = builder.certificate(&self.pair.0).private_key(&self.pair.1).trust(&self.trust);
        let builder = match &self.crl {
            Some(crl) => builder.crl(crl),
            None => builder,
        };
        builder.carrier("aurora", self.settings.clone()).build()
    }

    pub(crate) fn carrier(&self) -> CarrierConfig {
        self.config().unwrap().carrier("aurora").unwrap().clone()
    }

    pub(crate) fn generation(&self) -> Result<Generation> {
        let material = Material::load(&self.config()?.identity, &*self.clock)?;
        self.generation_of(material)
    }

    pub(crate) fn generation_of(&self, material: Material) -> Result<Generation> {
        Generation::new(1, Arc::new(material), &self.carrier(), &self.clock, &self.security)
    }

    /// One request.
    pub(crate) async fn ask(&self) -> Result<HttpResponse> {
        self.generation()?.http().send(get(&self.url)).await
    }

    /// What one request fails with.
    pub(crate) async fn refusal(&self) -> Error {
        self.ask().await.expect_err("it should have been refused")
    }

    /// The code of it.
    pub(crate) async fn code(&self) -> Code {
        self.refusal().await.code()
    }
}

pub(crate) fn get(url: &Url) -> HttpRequest {
    HttpRequest {
        method: Method::GET,
        url: url.join("/x").unwrap(),
        headers: HeaderMap::new(),
        body: Bytes::new(),
        deadline: Duration::from_secs(20),
        max_answer: 1000,
    }
}
