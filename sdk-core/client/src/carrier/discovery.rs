//! What a carrier publishes of itself (contract 5): read once, kept for five minutes.

use std::sync::Arc;
use std::time::Duration;

use gladhand_documents::error::{Code, Error, Result, Sent};
use gladhand_documents::json::{Document, Value};
use gladhand_documents::model::wire::{self, Discovery};
use gladhand_documents::model::{self, Model as _};
use gladhand_documents::time::parse_instant;
use gladhand_protocol::proof::webhook::WebhookKey;
use gladhand_protocol::tender::explain::ASSUMED_TARE_LBS;
use gladhand_protocol::tender::recovery;
use gladhand_protocol::versioning::negotiation::{self, Served};
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
    /// The longest `Prefer: wait`.
    pub(crate) max_wait: Duration,
    /// Within which the carrier decides, where it says so.
    pub(crate) decision_sla: Option<Duration>,
    /// Keys that sign webhooks.
    pub(crate) webhook_keys: Vec<WebhookKey>,
    /// When it was read.
    pub(crate) read_at: Timestamp,
    /// How long the carrier recognises an idempotency key, in hours.
    pub(crate) retention_hours: u32,
    /// Pounds assumed for an unknown tare.
    pub(crate) assumed_tare_lbs: Option<i64>,
    /// Optional capabilities.
    pub(crate) features: Vec<String>,
}

impl Published {
    /// `until`, but not beyond the time for which the carrier surely recognises a key that is first sent now (contract 4c).
    pub(crate) fn recognised(&self, until: Timestamp, now: Timestamp) -> Timestamp {
        recovery::recognised(until, now, self.retention_hours)
    }

    fn of(document: &Document, test_key: Option<&WebhookKey>, read_at: Timestamp) -> Result<Self> {
        let seconds = |pointer: &str| document.integer(pointer).and_then(|n| u64::try_from(n).ok());
        let keys = document.at("/webhookKeys").into_iter().flat_map(Value::items);
        Ok(Self {
            environment: document.text("/environment").unwrap_or_default(),
            max_wait: Duration::from_secs(seconds("/limits/maxWaitSeconds").unwrap_or(0)),
            decision_sla: seconds("/decisionSlaSeconds").map(Duration::from_secs),
            webhook_keys: keys.map(WebhookKey::read).chain(test_key.cloned().map(Ok)).collect::<Result<_>>()?,
            retention_hours: seconds("/idempotency/retentionHours").and_then(|n| u32::try_from(n).ok()).unwrap_or(0),
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

/// The document without the webhook keys that this version does not understand: a key of a new form must not make the
/// carrier unusable. What they sign is refused.
fn understood(carrier: &str, document: &Document) -> Result<Document> {
    let Some(keys) = document.at("/webhookKeys").filter(|keys| keys.is_array()) else { return Ok(document.clone()) };
    let mut kept = Vec::new();
    for key in keys.items() {
        let valid = Document::parse(key.raw()).and_then(|key| model::validate(wire::WebhookKey::entity(), &key));
        match valid.and_then(|()| WebhookKey::read(key)) {
            Ok(_) => kept.push(key.raw().to_owned()),
            Err(error) => {
                tracing::warn!(target: "gladhand::contract", carrier, %error, "a webhook key is not understood and not used");
            }
        }
    }
    document.patch("/webhookKeys", &format!("[{}]", kept.join(",")))
}

fn version(value: Value<'_>) -> Option<Served> {
    let number = |name: &str| value.get(name)?.number()?.parse().ok();
    let text = |name: &str| value.get(name).and_then(Value::text);
    let instant = |name: &str| text(name).and_then(|text| parse_instant(&text).ok());
    Some(Served {
        major: number("major")?,
        minor: number("minor")?,
        status: text("status")?.into_owned(),
        since: instant("deprecatedAt"),
        sunset: instant("sunsetAt"),
    })
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

    /// What is known without asking, of this environment and not too old.
    pub(crate) fn known_of_environment(&self, environment: &str) -> Option<Arc<Published>> {
        let known = self.published.try_lock().ok()?;
        let (published, read) = known.as_ref()?;
        let fresh = self.clock.monotonic().saturating_sub(*read) < LIFETIME;
        (fresh && published.environment == environment).then(|| published.clone())
    }

    /// Pounds assumed for an unknown tare: what was last published, else the default of the contract (3d).
    pub(crate) fn assumed_tare_lbs(&self) -> i64 {
        self.last_published().and_then(|published| published.assumed_tare_lbs).unwrap_or(ASSUMED_TARE_LBS)
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
        let mut answer = self.call(request).await.map_err(|error| error.sent(Sent::NotSent))?;
        if let Ok(document) = Document::parse(&answer.body) {
            answer.body = understood(self.name(), &document)?.as_bytes().to_vec().into();
        }
        let document = document_of::<Discovery>("discovery", &answer)?;
        self.agree(&document)?;
        let published = Arc::new(Published::of(&document, self.config.webhook_test_key.as_ref(), self.clock.now())?);
        *known = Some((published.clone(), now));
        Ok(published)
    }

    /// Checks that our major version is served, and keeps when it ends. Error: `unsupported_version`, with the choices.
    fn agree(&self, document: &Document) -> Result<()> {
        let versions = document.at("/versions").into_iter().flat_map(Value::items);
        let served: Vec<Served> = versions.filter_map(version).collect();
        let chosen = negotiation::choose(&served).map_err(|(there, ours)| {
            let what = format!("carrier {} serves {there}; this SDK speaks {ours}", self.name());
            Error::new(Code::UnsupportedVersion, what)
        })?;
        let days = document.integer("/compatibilityWindowDays").and_then(|n| u32::try_from(n).ok()).unwrap_or(0);
        if negotiation::short_window(days, chosen) {
            tracing::warn!(
                target: "gladhand::contract",
                carrier = self.name(),
                days,
                "the carrier keeps old versions for less time than the contract wants"
            );
        }
        self.version_ends(chosen);
        Ok(())
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
