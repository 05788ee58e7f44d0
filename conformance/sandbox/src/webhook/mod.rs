//! Webhooks: each event is signed by Standard Webhooks with ed25519 and posted to the subscriptions that want it, in the
//! order of commits, until the receiver takes it (contract 4e). Control can hold them back and release them out of
//! order, twice, or with a byte changed, and can make the network bad.
//!
//! * [`keys`]: what signs. [`message`]: what is sent. [`network`]: what becomes of it on the way.
//! * Here: the delivery loop of a subscription, its retries and its heartbeat.

pub mod keys;
pub mod message;
pub mod network;

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use gladhand_documents::error::{Code, Error};
use http::Method;
use jiff::{SignedDuration, Timestamp};
use url::Url;

use crate::carrier::Carrier;
use crate::clock::rfc3339;
use crate::object::Object;
use crate::random;
use crate::state::Store;
use message::{Tamper, message};
use network::Fate;

/// Waits between attempts in seconds of business time: the schedule that Standard Webhooks recommends, ten attempts in
/// 75 hours. After the last the subscription is disabled.
const RETRY_S: [i64; 9] = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];
/// Between heartbeats (contract 4e), in business time.
const HEARTBEAT: SignedDuration = SignedDuration::from_secs(60);

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
        let mut heartbeat = plus(carrier.clock.now(), HEARTBEAT);
        loop {
            changes.borrow_and_update();
            let next = match next(&mut carrier.store(), &name, generation) {
                Next::Gone => return,
                Next::Nothing => None,
                Next::Deliver(delivery) => Some(delivery),
            };
            let Some(delivery) = next else {
                let now = carrier.clock.now();
                if heartbeat <= now {
                    heartbeat = plus(now, HEARTBEAT);
                    beat(&carrier, &name).await;
                    continue;
                }
                tokio::select! {
                    _ = changes.changed() => continue,
                    () = tokio::time::sleep(carrier.clock.until(heartbeat)) => continue,
                    () = carrier.stop.cancelled() => return,
                }
            };
            let began = carrier.clock.now();
            let answer = attempt(&carrier, &name, &delivery).await;
            let taken = answer.is_some_and(|status| (200..300).contains(&status));
            note(&carrier, &name, generation, delivery.place, taken);
            if taken {
                failures = 0;
                continue;
            }
            // 410 is the receiver's word that it wants no more (Standard Webhooks).
            if failures == RETRY_S.len() || answer == Some(410) {
                failures = 0;
                disable(&carrier, &name, generation);
                continue;
            }
            let wait = SignedDuration::from_secs(RETRY_S[failures]);
            failures += 1;
            pause(&carrier, &name, generation, plus(began, wait)).await;
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
    if hold || subscription.disabled {
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
    let committed = store.feed.all().get(place).filter(|c| c.key.tenant == subscription.tenant)?;
    let event = store.find(&committed.key)?.history.get(committed.sequence)?;
    subscription.wants(&event.kind).then(|| Delivery {
        place,
        id: event.id.clone(),
        body: event.bytes.clone(),
        url: subscription.url.clone(),
        verified: subscription.verified,
    })
}

/// One attempt: the status of the receiver's answer, `None` where there was none.
async fn attempt(carrier: &Carrier, name: &(String, String), delivery: &Delivery) -> Option<u16> {
    if !delivery.verified {
        if !handshake(carrier, &delivery.url).await {
            return None;
        }
        if let Some(subscription) = carrier.store().subscriptions.all.get_mut(name) {
            subscription.verified = true;
        }
    }
    let fate = carrier.store().subscriptions.network.fate();
    match fate {
        Fate::Never => Some(202),
        Fate::Once => post(carrier, delivery, false).await,
        Fate::Twice => {
            post(carrier, delivery, false).await;
            post(carrier, delivery, false).await
        }
    }
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

/// One attempt: the status of the answer, `None` where there was none. `tamper` changes one byte after signing.
pub async fn post(carrier: &Carrier, delivery: &Delivery, tamper: bool) -> Option<u16> {
    let tamper = if tamper { Tamper::Body } else { Tamper::Not };
    send(carrier, &delivery.url, &delivery.id, &delivery.body, tamper).await
}

async fn send(carrier: &Carrier, url: &Url, id: &str, event: &[u8], tamper: Tamper) -> Option<u16> {
    let message = message(carrier, id, event, tamper, 0)?;
    let mut request = carrier.webhook_client.post(url.clone());
    for (name, value) in message.headers {
        request = request.header(name, value);
    }
    let answer = request.body(message.body).send().await.ok()?;
    Some(answer.status().as_u16())
}

/// Tells a receiver how far the feed has come: the loss of a last event shows no gap. Outside every sequence, sent once.
async fn beat(carrier: &Carrier, name: &(String, String)) {
    let (url, cursor, epoch) = {
        let store = carrier.store();
        let Some(subscription) = store.subscriptions.all.get(name) else { return };
        if !subscription.verified || subscription.disabled || store.subscriptions.hold {
            return;
        }
        (subscription.url.clone(), store.head(), store.log_epoch.clone())
    };
    let id = random::id("hb-");
    let data = Object::new().text("subscriptionId", &name.1).text("cursor", &cursor).text("logEpoch", &epoch);
    let event = Object::new()
        .text("specversion", "1.0")
        .text("id", &id)
        .text("source", &format!("{}/webhook-subscriptions/{}", carrier.reached, name.1))
        .text("type", "gladhand.subscription.heartbeat.v1")
        .text("time", &rfc3339(carrier.clock.now()))
        .text("datacontenttype", "application/json")
        .raw("data", &data.finish())
        .finish();
    send(carrier, &url, &id, event.as_bytes(), Tamper::Not).await;
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

/// Nothing more goes to the subscription until it is put again or replayed.
fn disable(carrier: &Carrier, name: &(String, String), generation: u64) {
    if let Some(subscription) = carrier.store().subscriptions.all.get_mut(name)
        && subscription.generation == generation
    {
        subscription.disabled = true;
    }
}

fn plus(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.saturating_add(by).unwrap_or(Timestamp::MAX)
}

/// Waits in business time: pushing the clock ahead ends it, and so does the end of the subscription.
async fn pause(carrier: &Carrier, name: &(String, String), generation: u64, until: Timestamp) {
    let mut changes = carrier.changes();
    loop {
        changes.borrow_and_update();
        let left = carrier.clock.until(until);
        let stands = carrier.store().subscriptions.all.get(name).is_some_and(|s| s.generation == generation);
        if left.is_zero() || !stands {
            return;
        }
        tokio::select! {
            () = tokio::time::sleep(left) => {}
            _ = changes.changed() => {}
            () = carrier.stop.cancelled() => return,
        }
    }
}
