//! Tenders over real TLS: the express lane, the asynchronous one, idempotency, refusals, withdrawal, faults.

mod support;

use reqwest::Method;
use serde_json::json;
use support::{Answer, Tms, digest, key, raw_items, start, tender};

const POOL: &str = "aurora-dal-hou-pool";

fn refused(answer: &Answer, status: u16, code: &str) {
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (status, code), "{}", answer.text);
    assert_eq!(answer.header("content-type"), "application/problem+json");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_express_tender_is_accepted_at_once_and_its_log_verifies() {
    let (_sandbox, tms) = start();
    let answer = tms.create(&tender("t-1", "L-1", "express", POOL), 5).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let snapshot = answer.json();
    assert_eq!(snapshot["state"], "accepted");
    assert_eq!(snapshot["decision"]["decidedBy"]["kind"], "system");
    assert_eq!(snapshot["lastSequence"], 2);

    let page = tms.get("/v1/tenders/t-1/events?after=0").await;
    let events = raw_items(&page.text, "events");
    let types: Vec<String> = events
        .iter()
        .map(|e| serde_json::from_str::<serde_json::Value>(e).unwrap()["type"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(types, ["gladhand.tender.received.v1", "gladhand.tender.accepted.v1"]);
    assert_eq!(snapshot["historyDigest"], digest("t-1", &events));
    assert_eq!(page.json()["historyDigest"], digest("t-1", &events));
    let half = tms.get("/v1/tenders/t-1/digests?at=1").await.json();
    assert_eq!(half["historyDigest"], digest("t-1", &events[..1]));
    let first: serde_json::Value = serde_json::from_str(&events[0]).unwrap();
    assert_eq!(first["sequence"], "00000000000000000001");
    assert_eq!(first["data"]["status"], "pending");
    assert_eq!(first["source"], format!("{}/tenders/t-1", tms.url));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_standard_tender_is_pending_until_a_human_decides() {
    let (_sandbox, tms) = start();
    let answer = tms.create(&tender("t-2", "L-2", "standard", POOL), 0).await;
    assert_eq!(answer.status, 202, "{}", answer.text);
    assert_eq!(answer.header("location"), "/v1/tenders/t-2");
    assert_eq!(answer.header("retry-after"), "1");
    assert_eq!(tms.get("/v1/tenders/t-2").await.json()["state"], "pending");
    let waiting = tms.get("/v1/events").await.json();
    let cursor = waiting["cursor"].as_str().unwrap().to_owned();
    assert_eq!(waiting["events"].as_array().unwrap().len(), 1);

    // The long poll hears of the decision while it waits.
    let path = format!("/v1/events?cursor={cursor}");
    let poll = tms.get_waiting(&path, Some("wait=20"));
    let decide = async {
        tokio::task::yield_now().await;
        tms.control("/decide", json!({"tenderId": "t-2", "outcome": "accepted", "decidedBy": "maria"})).await
    };
    let (fresh, snapshot) = tokio::join!(poll, decide);
    assert_eq!(snapshot["decision"]["decidedBy"], json!({"kind": "human", "id": "maria"}));
    let fresh = fresh.json();
    assert_eq!(fresh["events"][0]["type"], "gladhand.tender.accepted.v1");
    assert_ne!(fresh["cursor"], cursor.as_str());
    let again = tms.get(&path).await.json();
    assert_eq!(again["events"][0], fresh["events"][0], "a cursor can be read again");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_express_tender_waits_for_the_human_and_then_becomes_asynchronous() {
    let (_sandbox, tms) = start();
    tms.control("/policy", json!({"decision": "human"})).await;
    let first = tender("t-3", "L-3", "express", POOL);
    let second = tender("t-4", "L-4", "express", POOL);
    let decide = async {
        // The tender must be there before it can be decided; the feed says when it is.
        tms.get_waiting("/v1/events", Some("wait=20")).await;
        tms.control("/decide", json!({"tenderId": "t-3", "outcome": "rejected", "reasonCode": "credit"})).await;
    };
    let (answer, ()) = tokio::join!(tms.create(&first, 20), decide);
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.json()["decision"]["reasonCode"], "credit");

    let answer = tms.create(&second, 1).await;
    assert_eq!((answer.status.as_u16(), answer.json()["state"].as_str()), (202, Some("pending")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_replays_its_answer_and_refuses_another_body() {
    let (_sandbox, tms) = start();
    let mut load = tender("t-5", "L-5", "express", POOL);
    let first = tms.create(&load, 5).await;
    let second = tms.create(&load, 5).await;
    assert_eq!(second.header("idempotency-replayed"), "true");
    assert!(second.header("idempotency-original-date").ends_with(" GMT"));
    assert_eq!((first.status, first.text), (second.status, second.text));

    load["ext"] = json!({"com.example": {"note": "other bytes"}});
    refused(&tms.create(&load, 5).await, 422, "idempotency_key_reused");

    // The business layer holds without the key store: the same content is the same tender, other content is refused.
    load.as_object_mut().unwrap().remove("ext");
    tms.control("/keys/forget", json!({})).await;
    let third = tms.create(&load, 5).await;
    assert_eq!((third.status.as_u16(), third.header("idempotency-replayed")), (200, "true"));
    load["ext"] = json!({"com.example": {"note": "other bytes"}});
    tms.control("/keys/forget", json!({})).await;
    refused(&tms.create(&load, 5).await, 409, "revision_content_conflict");
    assert_eq!(tms.state().await["loads"]["L-5"], json!({"creates": 1, "live": 1, "accepted": 1}));

    let no_key = Answer::of(tms.call(Method::POST, "/v1/tenders", "", &load.to_string(), None).await).await;
    refused(&no_key, 400, "idempotency_key_required");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_attempt_under_a_running_key_is_told_to_wait() {
    let (_sandbox, tms) = start();
    tms.control("/policy", json!({"decision": "human"})).await;
    let load = tender("t-6", "L-6", "express", POOL);
    let rest = async {
        tms.get_waiting("/v1/events", Some("wait=20")).await;
        let second = tms.create(&load, 20).await;
        refused(&second, 409, "idempotency_in_flight");
        assert_eq!(second.header("retry-after"), "1");
        tms.control("/decide", json!({"tenderId": "t-6", "outcome": "accepted"})).await;
    };
    let (first, ()) = tokio::join!(tms.create(&load, 20), rest);
    assert_eq!(first.json()["state"], "accepted");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_covered_load_and_taken_capacity_are_conflicts_that_are_stored() {
    let (_sandbox, tms) = start();
    tms.create(&tender("t-7", "L-7", "express", "aurora-dal-hou-1"), 5).await;
    let conflict = tms.create(&tender("t-8", "L-7", "express", POOL), 5).await;
    refused(&conflict, 409, "tender_conflict");
    assert_eq!(conflict.json()["existing"]["tenderId"], "t-7");
    assert_eq!(conflict.json()["existing"]["state"], "accepted");
    assert_eq!(conflict.json()["tenderId"], "t-8");
    let stored = tms.get("/v1/tenders/t-8").await.json();
    assert_eq!((stored["state"].as_str(), stored["lastSequence"].as_u64()), (Some("rejected"), Some(2)));
    assert_eq!(stored["decision"]["reasonCode"], "duplicate");

    let late = tender("t-9", "L-9", "express", "aurora-dal-hou-1");
    refused(&tms.create(&late, 5).await, 409, "capacity_committed");
    let replay = tms.create(&late, 5).await;
    refused(&replay, 409, "capacity_committed");
    assert_eq!(replay.header("idempotency-replayed"), "true");
    refused(&tms.create(&tender("t-10", "L-10", "express", "nobody-1"), 5).await, 422, "capacity_unknown");
    let found = tms.search(r#"{"origin":{"lat":32.8,"lon":-96.8},"destination":{"lat":29.8,"lon":-95.4}}"#).await;
    assert!(!found.text.contains("dal-hou-1\""), "what is taken is not offered");
}

#[tokio::test(flavor = "multi_thread")]
async fn freight_that_does_not_fit_is_refused_with_the_place_and_stored() {
    let (_sandbox, tms) = start();
    let mut heavy = tender("t-11", "L-11", "express", POOL);
    heavy["commodities"][0]["weight"] = json!({"value": 21000, "unit": "kg"});
    let answer = tms.create(&heavy, 5).await;
    refused(&answer, 422, "weight_exceeded");
    assert_eq!(answer.json()["violations"][0]["path"], "/commodities");
    assert_eq!(tms.get("/v1/tenders/t-11").await.json()["decision"]["reasonCode"], "weight");

    let mut hazmat = tender("t-12", "L-12", "express", POOL);
    hazmat["commodities"][0]["hazmat"] = json!({
        "unNumber": "UN1203", "properShippingName": "Gasoline", "hazardClass": "3", "quantity": "200 L",
        "emergencyPhone": "+18005550143",
    });
    refused(&tms.create(&hazmat, 5).await, 422, "hazmat_not_permitted");
    let mut reefer = tender("t-13", "L-13", "express", POOL);
    reefer["equipmentRequired"]["trailerType"] = json!("reefer");
    refused(&tms.create(&reefer, 5).await, 422, "equipment_mismatch");
    let mut late = tender("t-14", "L-14", "express", POOL);
    late["respondBy"] = json!(format!("{:.0}", jiff::Timestamp::now() + jiff::SignedDuration::from_secs(20)));
    refused(&tms.create(&late, 5).await, 422, "respond_by_past");
    let mut foreign = tender("t-15", "L-15", "express", POOL);
    foreign["mustUnderstand"] = json!(["/noDetour"]);
    refused(&tms.create(&foreign, 5).await, 422, "not_understood");
    let mut broken = tender("t-16", "L-16", "express", POOL);
    broken["stops"][1]["sequence"] = json!(7);
    refused(&tms.create(&broken, 5).await, 400, "schema_invalid");
    refused(&tms.get("/v1/tenders/t-16").await, 404, "not_found");
    let text = tms.post("/v1/tenders", &key("broken"), "{\"a\":1,\"a\":2}").await;
    refused(&text, 400, "malformed_json");
}

#[tokio::test(flavor = "multi_thread")]
async fn withdrawal_tombstones_and_wrong_transitions() {
    let (_sandbox, tms) = start();
    let absent = tms.get("/v1/tenders/t-20").await;
    refused(&absent, 404, "not_found");
    assert_eq!(absent.json()["tenderId"], "t-20");
    assert!(absent.json()["logEpoch"].as_str().unwrap().starts_with("epoch-"));

    let tombstone = tms.withdraw("t-20", "L-20").await;
    assert_eq!((tombstone.status.as_u16(), tombstone.json()["state"].as_str()), (200, Some("withdrawn")));
    assert_eq!(tombstone.json()["lastSequence"], 0);
    assert_eq!(tombstone.json()["historyDigest"], digest("t-20", &[]));
    refused(&tms.create(&tender("t-20", "L-20", "express", POOL), 5).await, 409, "tender_withdrawn");

    tms.create(&tender("t-21", "L-21", "standard", POOL), 0).await;
    assert_eq!(tms.withdraw("t-21", "L-21").await.json()["state"], "withdrawn");
    let again = tms.create(&tender("t-22", "L-21", "express", POOL), 5).await;
    assert_eq!(again.json()["state"], "accepted", "a withdrawn tender releases its load");
    refused(&tms.withdraw("t-22", "L-21").await, 409, "already_accepted");

    let request =
        reqwest_control(&tms, "/decide", r#"{"tenderId":"t-22","outcome":"rejected","reasonCode":"rate"}"#).await;
    refused(&request, 409, "illegal_transition");
    let problem = request.json();
    assert_eq!((&problem["from"], &problem["attempted"]), (&json!("accepted"), &json!("rejected")));
    assert_eq!(problem["allowed"], json!(["dispatched", "cancelled"]));
    refused(
        &reqwest_control(&tms, "/progress", r#"{"tenderId":"t-22","to":"delivered"}"#).await,
        409,
        "illegal_transition",
    );
}

async fn reqwest_control(tms: &Tms, path: &str, body: &str) -> Answer {
    Answer::of(tms.http.post(format!("{}{path}", tms.control)).body(body.to_owned())).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_undecided_tender_expires_by_the_virtual_clock() {
    let (_sandbox, tms) = start();
    tms.create(&tender("t-30", "L-30", "standard", POOL), 0).await;
    tms.control("/clock", json!({"advanceS": 3620})).await;
    assert_eq!(tms.get("/v1/tenders/t-30").await.json()["state"], "pending", "the grace of 30 s is not over");
    tms.control("/clock", json!({"advanceS": 15})).await;
    let expired = tms.get("/v1/tenders/t-30").await.json();
    assert_eq!((expired["state"].as_str(), expired["lastSequence"].as_u64()), (Some("expired"), Some(2)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_counter_offer_is_accepted_and_its_rate_is_the_agreed_one() {
    let (_sandbox, tms) = start();
    tms.create(&tender("t-31", "L-31", "standard", POOL), 0).await;
    let body = r#"{"tenderId":"t-31","outcome":"countered","counter":{"counterId":"c-1","rate":{"currency":"USD","amount":912.50}}}"#;
    assert_eq!(reqwest_control(&tms, "/decide", body).await.status, 200);
    let accepted = tms.post("/v1/tenders/t-31/counters/c-1/acceptance", &key("counter c-1"), "").await;
    assert_eq!(accepted.status, 200, "{}", accepted.text);
    assert!(accepted.text.contains(r#""acceptedRate":{"currency":"USD","amount":912.50}"#), "{}", accepted.text);
    assert_eq!(accepted.json()["lastSequence"], 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_strike_before_or_after_the_commit() {
    let (_sandbox, tms) = start();
    let load = tender("t-40", "L-40", "express", POOL);
    let attempt = || async {
        let body = load.to_string();
        tms.call(Method::POST, "/v1/tenders", &key("create t-40"), &body, None).await.send().await
    };
    let fail = |when: &str, how: &str| json!({"operation": "tenders.create", "when": when, "how": how, "times": 1});

    tms.control("/fail", fail("before", "reset")).await;
    assert!(attempt().await.is_err());
    refused(&tms.get("/v1/tenders/t-40").await, 404, "not_found");
    tms.control("/fail", fail("before", "503")).await;
    let saturated = attempt().await.unwrap();
    assert_eq!((saturated.status().as_u16(), &saturated.headers()["retry-after"]), (503, &"1".parse().unwrap()));
    assert!(saturated.text().await.unwrap().contains("capacity_backpressure"));
    assert_eq!(tms.state().await["loads"]["L-40"], serde_json::Value::Null);

    tms.control("/fail", fail("after", "reset")).await;
    assert!(attempt().await.is_err());
    assert_eq!(tms.get("/v1/tenders/t-40").await.json()["state"], "accepted");
    tms.control("/fail", fail("after", "gateway404")).await;
    let proxy = attempt().await.unwrap();
    assert_eq!((proxy.status().as_u16(), &proxy.headers()["content-type"]), (404, &"text/html".parse().unwrap()));
    let replay = attempt().await.unwrap();
    assert_eq!((replay.status().as_u16(), &replay.headers()["idempotency-replayed"]), (200, &"true".parse().unwrap()));
    assert_eq!(tms.state().await["loads"]["L-40"], json!({"creates": 1, "live": 1, "accepted": 1}));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_sees_nothing_of_another() {
    let (sandbox, tms) = start();
    tms.create(&tender("t-50", "L-50", "express", POOL), 5).await;
    let other = Tms::connect(&sandbox, "other", "other-assertion-key", "tms-globex");
    refused(&other.get("/v1/tenders/t-50").await, 404, "not_found");
    assert_eq!(other.get("/v1/events").await.json()["events"], json!([]));
    assert_eq!(other.get("/v1/reconciliation/digests").await.json()["items"], json!([]));
    assert_eq!(other.get("/v1/tenders").await.json()["tenders"], json!([]));
    let mine = tms.get("/v1/reconciliation/digests").await.json();
    assert_eq!((mine["items"].as_array().unwrap().len(), &mine["items"][0]["state"]), (1, &json!("accepted")));
    assert_eq!(tms.get("/v1/tenders?state=accepted").await.json()["tenders"][0]["tenderId"], "t-50");
}
