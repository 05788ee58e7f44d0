//! Versions of the contract, deprecation, versions that do not exist, and connections that fail without a word.

mod support;

use std::time::Duration;

use gladhand_documents::model::wire::TenderSnapshot;
use reqwest::Method;
use serde_json::{Value, json};
use support::{Answer, POOL, Tms, digest, key, raw_items, start, tender};

async fn list(tms: &Tms, accept: Option<&str>) -> Answer {
    let token = tms.bearer("").await;
    let request = tms.http.get(format!("{}/v1/tenders", tms.url)).bearer_auth(token);
    Answer::of(accept.into_iter().fold(request, |request, range| request.header("accept-version", range))).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_highest_common_version_serves_and_says_so() {
    let (_sandbox, tms) = start();
    assert_eq!(list(&tms, None).await.header("api-version"), "1.0.0");
    let versions = json!({"versions": [
        {"major": 1, "minor": 2, "status": "deprecated", "deprecatedAt": "2026-01-01T00:00:00Z", "sunsetAt": "2040-01-01T00:00:00Z"},
        {"major": 1, "minor": 4, "status": "active"},
        {"major": 2, "minor": 0, "status": "preview"},
    ]});
    tms.control("/contract", versions).await;
    assert_eq!(list(&tms, None).await.header("api-version"), "1.4.0");
    assert_eq!(list(&tms, Some("1.x; min=1.2")).await.header("api-version"), "1.4.0");
    assert_eq!(list(&tms, Some("1.2")).await.header("api-version"), "1.2.0");
    assert_eq!(list(&tms, Some("1.x; min=1.5")).await.code(), "unsupported_version");
    let discovery = Answer::of(tms.http.get(format!("{}/.well-known/gladhand", tms.url))).await.json();
    assert_eq!(discovery["versions"][0]["sunsetAt"], "2040-01-01T00:00:00.000Z");
    // By the carrier's clock the sunset comes.
    tms.control("/clock", json!({"advanceS": 500_000_000})).await;
    assert_eq!(list(&tms, Some("1.2")).await.code(), "version_sunset");
}

#[tokio::test(flavor = "multi_thread")]
async fn deprecation_is_told_by_header_fields_attributes_and_an_event() {
    let (_sandbox, tms) = start();
    tms.create(&tender("t-1", "L-1", "express", POOL), 5).await;
    let deprecated = json!({
        "at": "2026-06-01T00:00:00Z", "sunset": "2027-05-29T00:00:00Z",
        "link": "https://docs.example/v2", "successor": "https://docs.example/v2/tenders",
    });
    tms.control("/contract", json!({"operation": "tenders.list", "deprecated": deprecated})).await;
    let answer = list(&tms, None).await;
    assert_eq!(
        (answer.header("deprecation"), answer.header("sunset")),
        ("@1780272000", "Sat, 29 May 2027 00:00:00 GMT")
    );
    let links = r#"<https://docs.example/v2>; rel="deprecation", <https://docs.example/v2>; rel="sunset", <https://docs.example/v2/tenders>; rel="successor-version""#;
    assert_eq!(answer.header("link"), links);
    assert_eq!(tms.get("/v1/tenders/t-1").await.header("deprecation"), "", "another operation");
    let kind = "gladhand.dispatch.created.v1";
    tms.control("/contract", json!({"event": kind, "deprecated": deprecated})).await;
    tms.control("/progress", json!({"tenderId": "t-1", "to": "dispatched"})).await;
    let page = tms.get("/v1/tenders/t-1/events").await.json();
    let events = page["events"].as_array().unwrap();
    assert_eq!(events[2]["type"], "gladhand.contract.deprecated.v1");
    assert_eq!(events[2]["data"]["operation"], "tenders.list");
    assert_eq!(
        (&events[3]["deprecated"], &events[3]["deprecationsunset"]),
        (&json!(true), &json!("2027-05-29T00:00:00.000Z"))
    );
    let backwards = json!({"operation": "*", "deprecated": {"at": "2027-01-01T00:00:00Z", "sunset": "2026-01-01T00:00:00Z", "link": "x"}});
    assert_eq!(tms.try_control("/contract", backwards).await.code(), "schema_invalid");
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_that_do_not_exist_say_more_or_less_and_keep_the_history_whole() {
    let (_sandbox, tms) = start();
    for (simulate, id) in [("n+1", "t-1"), ("n-1", "t-2")] {
        tms.control("/contract", json!({"reset": true, "simulate": simulate})).await;
        let created = tms.create(&tender(id, &format!("L-{id}"), "express", POOL), 5).await;
        TenderSnapshot::parse(&created.text).unwrap_or_else(|e| panic!("{e}: {}", created.text));
        let snapshot = created.json();
        let page = tms.get(&format!("/v1/tenders/{id}/events")).await;
        let events = raw_items(&page.text, "events");
        assert_eq!(snapshot["historyDigest"], digest(id, &events));
        let first: Value = serde_json::from_str(&events[0]).unwrap();
        if simulate == "n+1" {
            assert_eq!((created.header("api-version"), &snapshot["controlMode"]), ("1.1.0", &json!("platooning")));
            assert!(snapshot["futureMember"].is_object() && first["data"]["futureMember"].is_object());
            assert!(created.text.contains(r#""amount":0.10"#), "a decimal that a float would shorten");
            assert!(events[1].contains("gladhand.shipment.platoon_planned.v1"));
        } else {
            assert_eq!((created.header("api-version"), events.len()), ("1.0.0", 2));
            assert!(snapshot.get("controlMode").is_none() && first.get("dataschema").is_none());
        }
    }
}

/// Attempts a create and gives up after a while.
async fn attempt(tms: &Tms, body: &str) -> Result<Answer, ()> {
    let request = tms.call(Method::POST, "/v1/tenders", &key("create t-1"), body, None).await;
    tokio::time::timeout(Duration::from_millis(700), Answer::of(request)).await.map_err(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_fail_without_a_word_have_done_their_work_or_not() {
    let (_sandbox, tms) = start();
    let body = tender("t-1", "L-1", "express", POOL).to_string();
    let fail = |when: &str, how: &str| json!({"operation": "tenders.create", "when": when, "how": how});
    for how in ["halfopen", "slowloris"] {
        tms.control("/fail", fail("before", how)).await;
        assert!(attempt(&tms, &body).await.is_err(), "{how}");
        assert_eq!(tms.get("/v1/tenders/t-1").await.code(), "not_found", "{how}: other connections are served");
    }
    tms.control("/fail", fail("after", "halfopen")).await;
    assert!(attempt(&tms, &body).await.is_err());
    assert_eq!(tms.get("/v1/tenders/t-1").await.json()["state"], "accepted");
    let replay = attempt(&tms, &body).await.unwrap();
    assert_eq!(replay.header("idempotency-replayed"), "true");
    // A storm of 503 that says nothing of when to come back.
    let storm = json!({"operation": "*", "when": "before", "how": "503", "times": 5, "retryAfterS": null});
    tms.control("/fail", storm).await;
    for _ in 0..5 {
        let answer = tms.get("/v1/tenders/t-1").await;
        assert_eq!((answer.code().as_str(), answer.header("retry-after")), ("capacity_backpressure", ""));
    }
    assert_eq!(tms.get("/v1/tenders/t-1").await.status, 200);
}
