//! Webhooks: each event is signed by Standard Webhooks with ed25519 and posted to the subscriptions that want it, in the
//! order of commits, until the receiver takes it (contract 4e). Control can hold them back and release them out of
//! order, twice, or with a byte changed.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::signature::Ed25519KeyPair;
use axum::body::Bytes;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gladhand_documents::error::{Code, Error};
use http::Method;
use url::Url;

use crate::carrier::Carrier;
use crate::state::Store;

/// Waits between attempts, in milliseconds of business time; the last one repeats.
const BACKOFF_MS: [u64; 7] = [250, 1_000, 5_000, 30_000, 120_000, 600_000, 3_600_000];

/// What goes to a receiver.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Its place in the feed.
    pub place: usize,
    /// `webhook-id`: the event's id, the same for every attempt.
    pub id: String,
    /// The event, verbatim.
    pub body: Bytes,
    /// Where to.
    pub url: Url,
    verified: bool,
}

/// The HTTP client for receivers: no redirects, no proxy, fifteen seconds.
pub fn client(tls: rustls::ClientConfig) -> gladhand_documents::error::Result<reqwest::Client> {
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .timeout(Duration::from_secs(15))
        .build()
        .map_err(|e| Error::new(Code::SandboxFailed, "the webhook client could not be made").caused_by(&e))
}

/// Starts the delivery loop of a subscription; it ends when the subscription is replaced or deleted.
pub fn deliver(carrier: &Arc<Carrier>, tenant: String, id: String, generation: u64) {
    let carrier = carrier.clone();
    tokio::spawn(async move {
        let name = (tenant, id);
        let mut failures = 0;
        let mut changes = carrier.changes();
        loop {
            changes.borrow_and_update();
            let next = match next(&mut carrier.store(), &name, generation) {
                Next::Gone => return,
                Next::Nothing => None,
                Next::Deliver(delivery) => Some(delivery),
            };
            let Some(delivery) = next else {
                tokio::select! {
                    _ = changes.changed() => continue,
                    () = carrier.stop.cancelled() => return,
                }
            };
            let taken = attempt(&carrier, &name, &delivery).await;
            note(&carrier, &name, generation, delivery.place, taken);
            if taken {
                failures = 0;
            } else {
                let wait = BACKOFF_MS[failures.min(BACKOFF_MS.len() - 1)];
                failures += 1;
                pause(&carrier, Duration::from_millis(wait)).await;
            }
        }
    });
}

enum Next {
    Gone,
    Nothing,
    Deliver(Delivery),
}

fn next(store: &mut Store, name: &(String, String), generation: u64) -> Next {
    let hold = store.subscriptions.hold;
    let Some(subscription) = store.subscriptions.all.get(name) else { return Next::Gone };
    if subscription.generation != generation {
        return Next::Gone;
    }
    if hold {
        return Next::Nothing;
    }
    let mut skipped = Vec::new();
    let mut found = None;
    for place in subscription.from..store.feed.len() {
        if subscription.done.contains(&place) {
            continue;
        }
        found = delivery(store, name, place);
        if found.is_some() {
            break;
        }
        skipped.push(place);
    }
    if let Some(subscription) = store.subscriptions.all.get_mut(name) {
        for place in skipped {
            subscription.delivered(place);
        }
    }
    found.map_or(Next::Nothing, Next::Deliver)
}

/// What a subscription gets of a place of the feed, if it is its tenant's and of a type that it wants.
pub fn delivery(store: &Store, name: &(String, String), place: usize) -> Option<Delivery> {
    let subscription = store.subscriptions.all.get(name)?;
    let committed = store.feed.get(place).filter(|c| c.key.tenant == subscription.tenant)?;
    let event = store.find(&committed.key)?.history.get(committed.sequence)?;
    subscription.wants(&event.kind).then(|| Delivery {
        place,
        id: event.id.clone(),
        body: event.bytes.clone(),
        url: subscription.url.clone(),
        verified: subscription.verified,
    })
}

async fn attempt(carrier: &Carrier, name: &(String, String), delivery: &Delivery) -> bool {
    if !delivery.verified {
        if !handshake(carrier, &delivery.url).await {
            return false;
        }
        if let Some(subscription) = carrier.store().subscriptions.all.get_mut(name) {
            subscription.verified = true;
        }
    }
    post(carrier, delivery, false).await.is_some_and(|status| (200..300).contains(&status))
}

/// The CloudEvents abuse protection: the receiver must name us before it gets its first event.
async fn handshake(carrier: &Carrier, url: &Url) -> bool {
    let origin = carrier.reached.trim_start_matches("https://");
    let request = carrier
        .webhook_client
        .request(Method::OPTIONS, url.clone())
        .header("webhook-request-origin", origin)
        .header("webhook-request-rate", "120");
    let Ok(answer) = request.send().await else { return false };
    let allowed = answer.headers().get("webhook-allowed-origin").and_then(|v| v.to_str().ok()).map(str::to_owned);
    answer.status().is_success() && allowed.is_some_and(|allowed| allowed == "*" || allowed == origin)
}

/// What is wrong with a message, for tests of receivers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tamper {
    /// Nothing.
    #[default]
    Not,
    /// One byte of the body was changed after signing.
    Body,
    /// A stranger's key signed it.
    Key,
}

/// An event as it travels: header fields and body.
pub struct Message {
    /// Names and values.
    pub headers: [(&'static str, String); 4],
    /// The event, verbatim unless tampered with.
    pub body: Vec<u8>,
}

/// Signs an event as of `age_s` seconds ago. `None` only if no key can be made.
pub fn message(carrier: &Carrier, id: &str, event: &[u8], tamper: Tamper, age_s: u64) -> Option<Message> {
    let timestamp = carrier.clock.unix().saturating_sub(age_s).to_string();
    let mut signed = format!("{id}.{timestamp}.").into_bytes();
    signed.extend_from_slice(event);
    let stranger = if tamper == Tamper::Key { Some(Ed25519KeyPair::generate().ok()?) } else { None };
    let signature = STANDARD.encode(stranger.as_ref().unwrap_or(&carrier.webhook_key).sign(&signed).as_ref());
    let mut body = event.to_vec();
    // Still JSON, still the same event to anyone who does not check: `1.0` becomes `1.1`.
    let needle = b"\"specversion\":\"1.";
    if tamper == Tamper::Body
        && let Some(at) = body.windows(needle.len()).position(|w| w == needle)
    {
        body[at + needle.len()] = b'1';
    }
    let headers = [
        ("content-type", "application/cloudevents+json".to_owned()),
        ("webhook-id", id.to_owned()),
        ("webhook-timestamp", timestamp),
        ("webhook-signature", format!("v1a,{signature}")),
    ];
    Some(Message { headers, body })
}

/// One attempt: the status of the answer, `None` where there was none. `tamper` changes one byte after signing.
pub async fn post(carrier: &Carrier, delivery: &Delivery, tamper: bool) -> Option<u16> {
    let tamper = if tamper { Tamper::Body } else { Tamper::Not };
    let message = message(carrier, &delivery.id, &delivery.body, tamper, 0)?;
    let mut request = carrier.webhook_client.post(delivery.url.clone());
    for (name, value) in message.headers {
        request = request.header(name, value);
    }
    let answer = request.body(message.body).send().await.ok()?;
    Some(answer.status().as_u16())
}

/// Notes an attempt.
pub fn note(carrier: &Carrier, name: &(String, String), generation: u64, place: usize, taken: bool) {
    if let Some(subscription) = carrier.store().subscriptions.all.get_mut(name)
        && subscription.generation == generation
    {
        subscription.attempts.0 += 1;
        if taken {
            subscription.delivered(place);
        } else {
            subscription.attempts.1 += 1;
        }
    }
}

/// Waits in business time: pushing the clock ahead ends it.
async fn pause(carrier: &Carrier, wait: Duration) {
    let wait = jiff::SignedDuration::try_from(wait).unwrap_or(jiff::SignedDuration::ZERO);
    let until = carrier.clock.now().saturating_add(wait).unwrap_or(jiff::Timestamp::MAX);
    let mut changes = carrier.changes();
    loop {
        let left = carrier.clock.until(until);
        if left.is_zero() {
            return;
        }
        tokio::select! {
            () = tokio::time::sleep(left) => {}
            _ = changes.changed() => {}
            () = carrier.stop.cancelled() => return,
        }
    }
}
