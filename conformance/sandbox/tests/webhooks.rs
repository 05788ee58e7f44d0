//! Webhooks over time: retries by the schedule of Standard Webhooks, replay, rotating keys, heartbeats, a bad network, and
//! events that nobody can digest.

mod support;

use std::collections::BTreeMap;

use aws_lc_rs::hmac;
use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use axum::body::Bytes;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use serde_json::{Value, json};
use support::{Answer, POOL, Received, Tms, digest, raw_items, receiver, start, subscribe, tender, until};

const HOUR: u64 = 3600;

/// The schedule that Standard Webhooks recommends, in seconds.
const SCHEDULE: [u64; 9] = [5, 5 * 60, 30 * 60, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR];

fn sequences(received: &Received) -> Vec<u64> {
    let received = received.lock().unwrap();
    let events = received.iter().map(|(_, body)| serde_json::from_slice::<Value>(body).unwrap());
    events.filter_map(|event| event["data"]["eventSequence"].as_u64()).collect()
}

async fn failures(tms: &Tms, count: usize) {
    while tms.state().await["subscriptions"][0]["failures"] != count {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_is_down_for_75_hours_is_disabled_and_replayed() {
    let (_sandbox, tms) = start();
    let (url, received) = receiver(10).await;
    subscribe(&tms, "s-1", &url, "signature_only").await;
    tms.create(&tender("t-1", "L-1", "express", POOL), 5).await;
    for (attempt, wait) in SCHEDULE.into_iter().enumerate() {
        failures(&tms, attempt + 1).await;
        tms.control("/clock", json!({"advanceS": wait / 2})).await;
        assert_eq!(tms.state().await["subscriptions"][0]["failures"], attempt + 1, "not before its time");
        tms.control("/clock", json!({"advanceS": wait - wait / 2})).await;
    }
    failures(&tms, 10).await;
    assert_eq!(SCHEDULE.iter().sum::<u64>() / HOUR, 75);
    while tms.state().await["subscriptions"][0]["disabled"] != true {
        tokio::task::yield_now().await;
    }
    tms.control("/clock", json!({"advanceS": 90_000})).await;
    assert_eq!(sequences(&received), Vec::<u64>::new(), "nothing comes any more");
    tms.control("/webhooks/replay", json!({"subscriptionId": "s-1"})).await;
    until(|| sequences(&received) == [1, 2]).await;
    assert_eq!(tms.try_control("/webhooks/replay", json!({"subscriptionId": "s-9"})).await.code(), "not_found");
}

fn signatures((headers, _): &(HeaderMap, Bytes)) -> Vec<String> {
    headers["webhook-signature"].to_str().unwrap().split(' ').map(str::to_owned).collect()
}

fn signed((headers, body): &(HeaderMap, Bytes)) -> Vec<u8> {
    let header = |name: &str| headers[name].to_str().unwrap();
    let mut text = format!("{}.{}.", header("webhook-id"), header("webhook-timestamp")).into_bytes();
    text.extend_from_slice(body);
    text
}

/// Which of the published keys verify the message.
async fn verifying(tms: &Tms, delivery: &(HeaderMap, Bytes)) -> Vec<String> {
    let discovery = Answer::of(tms.http.get(format!("{}/.well-known/gladhand", tms.url))).await.json();
    let keys = discovery["webhookKeys"].as_array().unwrap().clone();
    let verifies = |key: &Value| {
        let public = STANDARD.decode(key["publicKey"].as_str().unwrap().strip_prefix("whpk_").unwrap()).unwrap();
        signatures(delivery).iter().filter_map(|s| s.strip_prefix("v1a,")).any(|signature| {
            let signature = STANDARD.decode(signature).unwrap();
            UnparsedPublicKey::new(&ED25519, &public).verify(&signed(delivery), &signature).is_ok()
        })
    };
    keys.iter().filter(|key| verifies(key)).map(|key| key["keyId"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_announced_before_it_signs_and_both_sign_before_the_old_one_goes() {
    let (_sandbox, tms) = start();
    let (url, received) = receiver(0).await;
    subscribe(&tms, "s-1", &url, "signature_only").await;
    tms.create(&tender("t-1", "L-1", "express", POOL), 5).await;
    until(|| sequences(&received).len() == 2).await;
    let steps: [(&str, &[&str]); 3] = [("announce", &["whk-1"]), ("both", &["whk-1", "whk-2"]), ("retire", &["whk-2"])];
    for (place, (step, expected)) in steps.into_iter().enumerate() {
        tms.control("/webhooks/keys", json!({ "step": step })).await;
        tms.control("/status", json!({"tenderId": "t-1", "status": "waiting"})).await;
        until(|| sequences(&received).len() == 3 + place).await;
        let latest = received.lock().unwrap().last().unwrap().clone();
        assert_eq!(verifying(&tms, &latest).await, expected, "{step}");
    }
    assert_eq!(tms.try_control("/webhooks/keys", json!({"step": "retire"})).await.code(), "schema_invalid");
    // A shared secret, for receivers under test that know nothing else.
    let secret = b"a secret of the tests alone";
    tms.control("/webhooks/keys", json!({"hmac": format!("whsec_{}", STANDARD.encode(secret))})).await;
    tms.control("/status", json!({"tenderId": "t-1", "status": "waiting"})).await;
    until(|| sequences(&received).len() == 6).await;
    let latest = received.lock().unwrap().last().unwrap().clone();
    let all = signatures(&latest);
    let tag = STANDARD.decode(all.iter().find_map(|s| s.strip_prefix("v1,")).unwrap()).unwrap();
    hmac::verify(&hmac::Key::new(hmac::HMAC_SHA256, secret), &signed(&latest), &tag).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_heartbeat_tells_where_the_feed_stands() {
    let (_sandbox, tms) = start();
    let (url, received) = receiver(0).await;
    subscribe(&tms, "s-1", &url, "signature_only").await;
    tms.create(&tender("t-1", "L-1", "express", POOL), 5).await;
    until(|| sequences(&received) == [1, 2]).await;
    tms.control("/clock", json!({"advanceS": 61})).await;
    until(|| received.lock().unwrap().len() == 3).await;
    let (headers, body) = received.lock().unwrap()[2].clone();
    let heartbeat: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(headers["content-type"], "application/cloudevents+json");
    assert_eq!(heartbeat["type"], "gladhand.subscription.heartbeat.v1");
    assert_eq!(heartbeat["source"], format!("{}/webhook-subscriptions/s-1", tms.url));
    let feed = tms.get("/v1/events").await.json();
    assert_eq!((&heartbeat["data"]["cursor"], &heartbeat["data"]["logEpoch"]), (&feed["cursor"], &feed["logEpoch"]));
    assert!(heartbeat.get("sequence").is_none(), "outside every sequence");
    assert_eq!(verifying(&tms, &(headers, body)).await, ["whk-1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_network_loses_and_doubles_by_its_dice() {
    let mut runs = Vec::new();
    for _ in 0..2 {
        let (_sandbox, tms) = start();
        let (url, received) = receiver(0).await;
        tms.control("/webhooks/network", json!({"loss": 0.3, "duplication": 0.2, "seed": 7})).await;
        subscribe(&tms, "s-1", &url, "signature_only").await;
        tms.create(&tender("t-1", "L-1", "express", POOL), 5).await;
        for _ in 0..58 {
            tms.control("/status", json!({"tenderId": "t-1", "status": "waiting"})).await;
        }
        while tms.state().await["subscriptions"][0]["attempts"] != 60 {
            tokio::task::yield_now().await;
        }
        let mut counts = BTreeMap::new();
        for sequence in sequences(&received) {
            *counts.entry(sequence).or_insert(0) += 1;
        }
        assert!(counts.len() < 60 && counts.values().any(|count| *count == 2), "{counts:?}");
        runs.push(counts);
        // What a message did not bring the feed has.
        assert_eq!(tms.get("/v1/tenders/t-1").await.json()["lastSequence"], 60);
    }
    assert_eq!(runs[0], runs[1], "the same dice");
}

#[tokio::test(flavor = "multi_thread")]
async fn poison_is_sequenced_and_digested_like_any_other_event() {
    let (_sandbox, tms) = start();
    tms.create(&tender("t-1", "L-1", "express", POOL), 5).await;
    for event in ["illegal", "unknown", "malformed", "oversize"] {
        let snapshot = tms.control("/poison", json!({"tenderId": "t-1", "event": event})).await;
        assert_eq!(snapshot["state"], "accepted");
    }
    let page = tms.get("/v1/tenders/t-1/events").await;
    let events = raw_items(&page.text, "events");
    assert_eq!((events.len(), page.json()["historyDigest"].as_str().unwrap()), (6, digest("t-1", &events).as_str()));
    assert!(events[5].len() > 256 << 10, "larger than a webhook may be");
    assert_eq!(tms.get("/v1/events").await.json()["events"].as_array().unwrap().len(), 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feed_reaches_back_for_thirty_days() {
    let (_sandbox, tms) = start();
    tms.create(&tender("t-1", "L-1", "express", POOL), 5).await;
    let old = tms.get("/v1/events").await.json()["cursor"].as_str().unwrap().to_owned();
    tms.control("/status", json!({"tenderId": "t-1", "status": "waiting"})).await;
    tms.control("/clock", json!({"advanceS": 31 * 86_400})).await;
    let expired = tms.get(&format!("/v1/events?cursor={old}")).await;
    assert_eq!((expired.status.as_u16(), expired.code().as_str()), (410, "cursor_expired"));
    let fresh = tms.get("/v1/events").await.json();
    assert_eq!(fresh["events"], json!([]), "from what is retained on");
    tms.control("/status", json!({"tenderId": "t-1", "status": "arrived"})).await;
    let next = tms.get(&format!("/v1/events?cursor={}", fresh["cursor"].as_str().unwrap())).await.json();
    assert_eq!(next["events"].as_array().unwrap().len(), 1);
    assert_eq!(tms.get("/v1/tenders/t-1/events").await.json()["events"].as_array().unwrap().len(), 4);
}
