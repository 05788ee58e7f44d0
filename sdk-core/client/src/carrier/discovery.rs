//! What a carrier publishes of itself (contract 5): read once, kept for five minutes.

use std::sync::Arc;
use std::time::Duration;

use gladhand_documents::error::{Code, Error, Result, Sent};
use gladhand_documents::json::{Document, Value};
use gladhand_documents::model::wire::Discovery;
use gladhand_documents::time::parse_instant;
use gladhand_protocol::proof::webhook::WebhookKey;
use http::Method;
use jiff::Timestamp;

use super::{Carrier, document_of};
use crate::auth::{Profile, Request};
use crate::observe::{Expiry, Subject};

const LIFETIME: Duration = Duration::from_secs(300);
/// A webhook under an unknown key may be the first after a rotation; so often the keys are read again for that.
const REREAD: Duration = Duration::from_secs(5);

/// The discovery document, as far as this crate acts on it.
#[derive(Debug)]
pub(crate) struct Published {
    /// `environment`.
    pub(crate) environment: String,
    /// `logEpoch`.
    pub(crate) epoch: String,
    /// The longest `Prefer: wait`.
    pub(crate) max_wait: Duration,
    /// Within which the carrier decides, where it says so.
    pub(crate) decision_sla: Option<Duration>,
    /// Keys that sign webhooks.
    pub(crate) webhook_keys: Vec<WebhookKey>,
    /// When it was read.
    pub(crate) read_at: Timestamp,
    /// Pounds assumed for an unknown tare.
    pub(crate) assumed_tare_lbs: Option<i64>,
    /// Optional capabilities.
    pub(crate) features: Vec<String>,
}

impl Published {
    fn of(document: &Document, test_key: Option<&WebhookKey>, read_at: Timestamp) -> Result<Self> {
        let seconds = |pointer: &str| document.integer(pointer).and_then(|n| u64::try_from(n).ok());
        let keys = document.at("/webhookKeys").into_iter().flat_map(Value::items);
        Ok(Self {
            environment: document.text("/environment").unwrap_or_default(),
            epoch: document.text("/logEpoch").unwrap_or_default(),
            max_wait: Duration::from_secs(seconds("/limits/maxWaitSeconds").unwrap_or(0)),
            decision_sla: seconds("/decisionSlaSeconds").map(Duration::from_secs),
            webhook_keys: keys.map(webhook_key).chain(test_key.cloned().map(Ok)).collect::<Result<_>>()?,
            read_at,
            assumed_tare_lbs: document.integer("/assumedTareLbs"),
            features: document
                .at("/features")
                .into_iter()
                .flat_map(Value::items)
                .filter_map(|feature| Some(feature.text()?.into_owned()))
                .collect(),
        })
    }
}

fn webhook_key(key: Value<'_>) -> Result<WebhookKey> {
    let text = |name: &str| key.get(name).and_then(Value::text).unwrap_or_default().into_owned();
    let instant = |name: &str| parse_instant(&text(name)).ok().map(Timestamp::as_second);
    Ok(WebhookKey::parse(text("keyId"), &text("publicKey"))?.valid(instant("notBefore"), instant("notAfter")))
}

impl Carrier {
    /// When the carrier's webhook keys end, as far as it says so.
    pub(crate) fn webhook_key_expiries(&self) -> Vec<Expiry> {
        let Some(published) = self.last_published() else { return Vec::new() };
        let at = |second: i64| Timestamp::from_second(second).ok();
        let ending = published.webhook_keys.iter().filter_map(|key| {
            Some(Expiry {
                subject: Subject::WebhookKey,
                id: key.id().to_owned(),
                carrier: Some(self.name().to_owned()),
                from: key.from().and_then(at).unwrap_or(published.read_at),
                until: key.until().and_then(at)?,
            })
        });
        ending.collect()
    }

    /// What the carrier publishes, at most five minutes old.
    pub(crate) async fn published(&self) -> Result<Arc<Published>> {
        self.published_within(LIFETIME).await
    }

    /// What the carrier publishes, read again if it is a few seconds old.
    pub(crate) async fn published_anew(&self) -> Result<Arc<Published>> {
        self.published_within(REREAD).await
    }

    /// What was last read, without asking.
    pub(crate) fn last_published(&self) -> Option<Arc<Published>> {
        self.published.try_lock().ok()?.as_ref().map(|(published, _)| published.clone())
    }

    async fn published_within(&self, age: Duration) -> Result<Arc<Published>> {
        let mut known = self.published.lock().await;
        let now = self.clock.monotonic();
        if let Some((published, read)) = known.as_ref()
            && now.saturating_sub(*read) < age
        {
            return Ok(published.clone());
        }
        let request = Request::new("discovery", Method::GET, "/.well-known/gladhand", Profile::Open, "");
        // Nothing of the caller's own has left.
        let answer = self.call(request).await.map_err(|error| error.sent(Sent::NotSent))?;
        let published = Arc::new(Published::of(
            &document_of::<Discovery>("discovery", &answer)?,
            self.config.webhook_test_key.as_ref(),
            self.clock.now(),
        )?);
        *known = Some((published.clone(), now));
        Ok(published)
    }

    /// Checks that both sides are in the same world. Error: `environment_mismatch`.
    pub(crate) async fn of_environment(&self, environment: &str) -> Result<Arc<Published>> {
        let published = self.published().await?;
        if published.environment == environment {
            return Ok(published);
        }
        Err(Error::new(
            Code::EnvironmentMismatch,
            format!("carrier {} is in {}, this client in {environment}", self.name(), published.environment),
        ))
    }
}
