//! After acceptance, over real TLS: dispatch, commands, delivery and its papers, overlays; and webhooks.

mod support;

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use axum::body::Bytes;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gladhand_documents::model::dispatch::{CommandStatus, Dispatch};
use gladhand_documents::model::event::Event;
use gladhand_documents::model::tender::ProofOfDelivery;
use gladhand_documents::model::wire::TenderSnapshot;
use http::{HeaderMap, Method};
use serde_json::{Value, json};
use support::{Answer, POOL, Tms, command, dispatched, key, receiver, request, start, subscribe, tender, until};

async fn status(tms: &Tms, dispatch: &str, id: &str) -> String {
    let path = format!("/v1/dispatches/{dispatch}/commands/{id}");
    let answer = Answer::of(tms.call(Method::GET, &path, "", "", None).await).await;
    CommandStatus::parse(&answer.text).unwrap_or_else(|e| panic!("{e}: {}", answer.text));
    answer.json()["state"].as_str().unwrap().to_owned()
}

async fn event_types(tms: &Tms, tender_id: &str) -> Vec<String> {
    let page = tms.get(&format!("/v1/tenders/{tender_id}/events")).await;
    let short = |e: &String| {
        Event::parse(e).unwrap_or_else(|error| panic!("{error}: {e}"));
        let event: Value = serde_json::from_str(e).unwrap();
        let kind = event["type"].as_str().unwrap();
        kind.trim_start_matches("gladhand.").trim_end_matches(".v1").to_owned()
    };
    support::raw_items(&page.text, "events").iter().map(short).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_runs_from_dispatch_to_its_proof_of_delivery() {
    let (_sandbox, tms) = start();
    let dispatch = dispatched(&tms, "t-1", "L-1").await;
    let document = tms.get(&format!("/v1/dispatches/{dispatch}")).await;
    Dispatch::parse(&document.text).unwrap_or_else(|e| panic!("{e}: {}", document.text));
    assert_eq!(document.json()["assignments"][0]["tractorId"], "aurora-trk-0417");
    tms.control("/progress", json!({"tenderId": "t-1", "to": "enroute"})).await;
    let exception = json!({"tenderId": "t-1", "exceptionId": "x-1", "kind": "minimal_risk_stop", "severity": "critical", "effect": "safety"});
    let snapshot = tms.control("/exception", exception.clone()).await;
    assert_eq!((&snapshot["state"], &snapshot["exceptions"][0]["exceptionId"]), (&json!("enroute"), &json!("x-1")));
    let mut cleared = exception;
    cleared["clear"] = json!(true);
    assert_eq!(tms.control("/exception", cleared).await["exceptions"], json!([]));
    let delivered = tms.control("/progress", json!({"tenderId": "t-1", "to": "delivered"})).await;
    assert_eq!(delivered["state"], "delivered");
    TenderSnapshot::parse(tms.get("/v1/tenders/t-1").await.text).unwrap();
    assert_eq!(
        event_types(&tms, "t-1").await,
        [
            "tender.received",
            "tender.accepted",
            "dispatch.created",
            "shipment.departed_pickup",
            "exception.opened",
            "exception.cleared",
            "shipment.delivered",
            "pod.available"
        ]
    );

    let ledger = tms.look("/ledger?after=1").await;
    assert_eq!((ledger["events"][0]["sequence"].as_u64(), ledger["lost"].as_u64()), (Some(2), Some(0)));
    let end = tms.look(&format!("/ledger?after={}", ledger["next"])).await;
    assert_eq!((end["events"].as_array().map(Vec::len), &end["next"]), (Some(0), &ledger["next"]));

    let list = tms.get("/v1/tenders/t-1/documents").await.json();
    let id = list["documents"][0]["docId"].as_str().unwrap();
    let proof = tms.get(&format!("/v1/tenders/t-1/documents/{id}")).await;
    ProofOfDelivery::parse(&proof.text).unwrap_or_else(|e| panic!("{e}: {}", proof.text));
    assert_eq!(proof.json()["pieces"]["received"], 20);
    let sha256 = |text: &str| hex::encode(<sha2::Sha256 as sha2::Digest>::digest(text));
    assert_eq!(list["documents"][0]["sha256"], sha256(&proof.text));
    let uri = proof.json()["documents"][0]["uri"].as_str().unwrap().to_owned();
    let paper = tms.get(uri.strip_prefix(&tms.url).unwrap()).await;
    assert_eq!(proof.json()["documents"][0]["sha256"], sha256(&paper.text));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_is_asked_for_granted_executed_and_completed() {
    let (_sandbox, tms) = start();
    let dispatch = dispatched(&tms, "t-2", "L-2").await;
    let stop = command(&dispatch, "cmd-1", 1, "conditional_stop");
    let asked = request(&tms, &stop).await;
    assert_eq!(asked.status, 202, "{}", asked.text);
    assert_eq!(
        (asked.json()["state"].as_str(), asked.json()["inverse"].as_str()),
        (Some("acknowledged"), Some("resume"))
    );
    let again = request(&tms, &stop).await;
    assert_eq!((again.status.as_u16(), again.header("idempotency-replayed")), (202, "true"));

    // The stop takes its course in business time.
    tms.control("/clock", json!({"advanceS": 5})).await;
    assert_eq!(status(&tms, &dispatch, "cmd-1").await, "completed");
    let types = event_types(&tms, "t-2").await;
    let commands: Vec<&str> = types.iter().filter_map(|t| t.strip_prefix("command.")).collect();
    assert_eq!(commands, ["acknowledged", "granted", "executing", "completed"]);

    let late = request(&tms, &command(&dispatch, "cmd-2", 1, "resume")).await;
    assert_eq!((late.status.as_u16(), late.code().as_str()), (409, "command_out_of_order"));
    let mut stale = command(&dispatch, "cmd-3", 2, "resume");
    stale["expectedDispatchRevision"] = json!(2);
    assert_eq!(request(&tms, &stale).await.code(), "stale_dispatch");
    let mut other = stop.clone();
    other["reason"] = json!("something else");
    assert_eq!(request(&tms, &other).await.code(), "revision_content_conflict");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_is_refused_held_revoked_or_expires() {
    let (_sandbox, tms) = start();
    let dispatch = dispatched(&tms, "t-3", "L-3").await;
    let path = |id: &str| format!("/v1/dispatches/{dispatch}/commands/{id}");
    tms.control("/command-policy", json!({"stop": "refuse"})).await;
    request(&tms, &command(&dispatch, "c-1", 1, "conditional_stop")).await;
    assert_eq!(status(&tms, &dispatch, "c-1").await, "refused");
    tms.control("/command-policy", json!({"stop": "hold"})).await;
    request(&tms, &command(&dispatch, "c-2", 2, "conditional_stop")).await;
    assert_eq!(status(&tms, &dispatch, "c-2").await, "acknowledged");
    let said = |id: &str| {
        let by = json!({"principal": "dana", "role": "dispatcher"});
        json!({"schemaVersion": "1.0.0", "commandId": id, "reason": "a false alarm", "requestedBy": by})
    };
    let body = said("c-2").to_string();
    let nobody = json!({"schemaVersion": "1.0.0", "commandId": "c-2", "reason": "a whim"}).to_string();
    let nobody = tms.command(Method::POST, &format!("{}/revocation", path("c-2")), &key("nobody"), &nobody).await;
    assert_eq!((nobody.status.as_u16(), nobody.code().as_str()), (400, "schema_invalid"));
    let revoked = tms.command(Method::POST, &format!("{}/revocation", path("c-2")), &key("revoke c-2"), &body).await;
    assert_eq!((revoked.status.as_u16(), revoked.json()["state"].as_str()), (200, Some("revoked")), "{}", revoked.text);
    assert_eq!(revoked.json()["reason"], "a false alarm");
    let kept = tms.look("/state").await["tenders"][0]["commands"][1]["revokedBy"].clone();
    assert_eq!(kept, "dana");
    let body = said("c-1").to_string();
    let twice = tms.command(Method::POST, &format!("{}/revocation", path("c-1")), &key("revoke c-1"), &body).await;
    assert_eq!((twice.status.as_u16(), twice.code().as_str()), (409, "illegal_transition"));
    request(&tms, &command(&dispatch, "c-3", 3, "conditional_stop")).await;
    tms.control("/clock", json!({"advanceS": 601})).await;
    assert_eq!(status(&tms, &dispatch, "c-3").await, "expired");

    tms.control("/control-mode", json!({"tenderId": "t-3", "mode": "minimal_risk"})).await;
    let mut resume = command(&dispatch, "c-4", 4, "resume");
    assert_eq!(request(&tms, &resume).await.code(), "illegal_transition");
    resume["commandId"] = json!("c-5");
    resume["type"] = json!("manual_intervention");
    resume["params"] = json!({"kind": "human_takeover"});
    assert_eq!(request(&tms, &resume).await.status, 202);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_departure_declines_the_cancellation_that_is_open() {
    let (_sandbox, tms) = start();
    dispatched(&tms, "t-7", "L-7").await;
    tms.post("/v1/tenders/t-7/cancellations/x-1", &key("cancel x-1"), "").await;
    let left = tms.control("/progress", json!({"tenderId": "t-7", "to": "enroute"})).await;
    assert_eq!((&left["state"], &left["cancellation"]), (&json!("enroute"), &json!("declined")));
    let page = tms.get("/v1/tenders/t-7/events").await.json();
    let kinds: Vec<&str> = page["events"].as_array().unwrap().iter().filter_map(|e| e["type"].as_str()).collect();
    let asked = ["gladhand.tender.cancel_requested.v1", "gladhand.tender.cancel_declined.v1"];
    assert_eq!(kinds[kinds.len() - 3..], [asked[0], asked[1], "gladhand.shipment.departed_pickup.v1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancellation_is_a_request_that_the_carrier_may_decline() {
    let (_sandbox, tms) = start();
    dispatched(&tms, "t-4", "L-4").await;
    let asked = tms.post("/v1/tenders/t-4/cancellations/x-1", &key("cancel x-1"), "").await;
    assert_eq!((asked.status.as_u16(), asked.json()["cancellation"].as_str()), (202, Some("requested")));
    let declined = tms.control("/cancellation", json!({"tenderId": "t-4", "confirm": false})).await;
    assert_eq!((&declined["state"], &declined["cancellation"]), (&json!("dispatched"), &json!("declined")));
    tms.post("/v1/tenders/t-4/cancellations/x-2", &key("cancel x-2"), "").await;
    let confirmed = tms.control("/cancellation", json!({"tenderId": "t-4", "confirm": true})).await;
    assert_eq!((&confirmed["state"], &confirmed["cancellation"]), (&json!("cancelled"), &json!("confirmed")));
    let pool = tms.state().await["capacity"].as_array().unwrap().iter().find(|c| c["capacityId"] == POOL).cloned();
    assert_eq!(pool.unwrap()["committed"], 0, "the slot is free again");
}

fn verifies(public: &str, (headers, body): &(HeaderMap, Bytes)) -> bool {
    let header = |name: &str| headers[name].to_str().unwrap();
    let mut signed = format!("{}.{}.", header("webhook-id"), header("webhook-timestamp")).into_bytes();
    signed.extend_from_slice(body);
    let key = STANDARD.decode(public.strip_prefix("whpk_").unwrap()).unwrap();
    let signature = STANDARD.decode(header("webhook-signature").strip_prefix("v1a,").unwrap()).unwrap();
    UnparsedPublicKey::new(&ED25519, key).verify(&signed, &signature).is_ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_are_signed_verbatim_and_retried() {
    let (_sandbox, tms) = start();
    let (url, received) = receiver(2).await;
    assert_eq!(subscribe(&tms, "s-1", &url, "signature_only").await.status, 200);
    tms.create(&tender("t-5", "L-5", "express", POOL), 5).await;
    // The schedule of Standard Webhooks, in business time: five seconds, then five minutes.
    for (failures, wait) in [(1, 5), (2, 300)] {
        while tms.state().await["subscriptions"][0]["failures"] != failures {
            tokio::task::yield_now().await;
        }
        tms.control("/clock", json!({"advanceS": wait})).await;
    }
    // Beside them there may be a heartbeat.
    let events = || -> Vec<(HeaderMap, Bytes)> {
        let received = received.lock().unwrap();
        received.iter().filter(|(headers, _)| headers["webhook-id"].as_bytes().starts_with(b"evt-")).cloned().collect()
    };
    until(|| events().len() == 2).await;
    let discovery = Answer::of(tms.http.get(format!("{}/.well-known/gladhand", tms.url))).await.json();
    let public = discovery["webhookKeys"][0]["publicKey"].as_str().unwrap();
    let stored = support::raw_items(&tms.get("/v1/tenders/t-5/events").await.text, "events");
    for (delivery, event) in events().iter().zip(&stored) {
        assert!(verifies(public, delivery));
        assert_eq!(delivery.1, event.as_bytes(), "the bytes of the log, verbatim");
        assert_eq!(delivery.0["content-type"], "application/cloudevents+json");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn held_webhooks_are_released_twice_out_of_order_and_tampered() {
    let (_sandbox, tms) = start();
    let (url, received) = receiver(0).await;
    subscribe(&tms, "s-2", &url, "signature_only").await;
    tms.control("/webhooks", json!({"mode": "hold"})).await;
    tms.create(&tender("t-6", "L-6", "express", POOL), 5).await;
    let wanted = json!({"tenderId": "t-6", "order": [2, 1], "duplicate": 1});
    let released = tms.control("/webhooks/release", wanted).await;
    assert_eq!(released["deliveries"].as_array().unwrap().len(), 4);
    let sequences = || -> Vec<u64> {
        let sequence = |(_, body): &(HeaderMap, Bytes)| {
            serde_json::from_slice::<Value>(body).unwrap()["data"]["eventSequence"].as_u64().unwrap()
        };
        received.lock().unwrap().iter().map(sequence).collect()
    };
    assert_eq!(sequences(), [2, 2, 1, 1]);
    tms.control("/webhooks/release", json!({"tenderId": "t-6", "order": [1], "tamper": true})).await;
    let discovery = Answer::of(tms.http.get(format!("{}/.well-known/gladhand", tms.url))).await.json();
    let public = discovery["webhookKeys"][0]["publicKey"].as_str().unwrap();
    let all = received.lock().unwrap().clone();
    assert!(verifies(public, &all[0]) && !verifies(public, &all[4]));
    assert_eq!(all[3].1.iter().zip(&all[4].1).filter(|(a, b)| a != b).count(), 1, "one byte differs");

    // What was released is delivered: letting go sends the next event only.
    tms.control("/progress", json!({"tenderId": "t-6", "to": "dispatched"})).await;
    tms.control("/webhooks", json!({"mode": "deliver"})).await;
    until(|| sequences().len() == 6).await;
    assert_eq!(sequences(), [2, 2, 1, 1, 1, 3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_must_be_local_and_say_yes() {
    let (_sandbox, tms) = start();
    for url in ["http://169.254.169.254/x", "https://10.0.0.1/x", "https://example.com/x", "file:///x", "nonsense"] {
        let answer = subscribe(&tms, "s-3", url, "signature_only").await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (400, "schema_invalid"), "{url}");
        assert_eq!(answer.json()["violations"][0]["path"], "/url");
    }
    assert_eq!(subscribe(&tms, "s-3", "http://127.0.0.1:9/x", "required").await.status, 400);
    // Nobody answers the handshake there: no event goes out.
    assert_eq!(subscribe(&tms, "s-3", "http://127.0.0.1:9/x", "signature_only").await.status, 200);
    let path = "/v1/webhook-subscriptions/s-3";
    assert_eq!(Answer::of(tms.call(Method::GET, path, "", "", None).await).await.status, 200);
    assert_eq!(Answer::of(tms.call(Method::DELETE, path, &key("delete s-3"), "", None).await).await.status, 200);
    assert_eq!(Answer::of(tms.call(Method::GET, path, "", "", None).await).await.status, 404);
}
