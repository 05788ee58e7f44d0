//! Every profile of a real carrier's faults does what the README says, and no more.

mod support;

use reqwest::Method;
use serde_json::{Value, json};
use support::{Answer, Tms, digest, key, raw_items, start, start_with, tender};

const POOL: &str = "aurora-dal-hou-pool";

fn is(answer: &Answer, status: u16, code: &str) {
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (status, code), "{}", answer.text);
}

async fn profile(tms: &Tms, name: &str) -> Value {
    tms.control("/profile", json!({ "name": name })).await
}

async fn state(tms: &Tms, tender_id: &str) -> Value {
    let answer = tms.get(&format!("/v1/tenders/{tender_id}")).await;
    if answer.status == 200 { answer.json()["state"].clone() } else { json!(answer.code()) }
}

async fn loads(tms: &Tms, load_id: &str) -> Value {
    tms.state().await["loads"][load_id].clone()
}

/// A create whose answer need not come.
async fn attempt(tms: &Tms, tender_id: &str, load_id: &str) -> Result<reqwest::Response, reqwest::Error> {
    let body = tender(tender_id, load_id, "express", POOL).to_string();
    tms.call(Method::POST, "/v1/tenders", &key(&format!("create {tender_id}")), &body, None).await.send().await
}

#[tokio::test(flavor = "multi_thread")]
async fn replica_lag_hides_what_was_written_from_reads_and_from_nothing_else() {
    let (_sandbox, tms) = start();
    tms.control("/profile", json!({"name": "replica_lag", "lagMs": 600_000})).await;
    let load = tender("t-1", "L-1", "express", POOL);
    let created = tms.create(&load, 5).await;
    assert_eq!(created.json()["state"], "accepted");
    let absent = tms.get("/v1/tenders/t-1").await;
    is(&absent, 404, "not_found");
    assert_eq!((&absent.json()["tenderId"], absent.json()["logEpoch"].is_string()), (&json!("t-1"), true));
    assert_eq!(tms.get("/v1/events").await.json()["events"], json!([]));
    assert_eq!(tms.get("/v1/reconciliation/digests").await.json()["items"], json!([]));
    // Writes do not lag: the key and the business layer both know the tender.
    assert_eq!(tms.create(&load, 5).await.header("idempotency-replayed"), "true");
    is(&tms.create(&tender("t-2", "L-1", "express", POOL), 5).await, 409, "tender_conflict");

    tms.control("/clock", json!({"advanceS": 601})).await;
    assert_eq!(state(&tms, "t-1").await, "accepted");
    tms.control("/progress", json!({"tenderId": "t-1", "to": "dispatched"})).await;
    let behind = tms.get("/v1/tenders/t-1").await.json();
    assert_eq!((&behind["state"], &behind["lastSequence"]), (&json!("accepted"), &json!(2)));
    let events = tms.get("/v1/tenders/t-1/events").await;
    assert_eq!(behind["historyDigest"], digest("t-1", &raw_items(&events.text, "events")));
    profile(&tms, "none").await;
    assert_eq!(state(&tms, "t-1").await, "dispatched");
}

#[tokio::test(flavor = "multi_thread")]
async fn async_ingest_says_202_before_the_tender_is_there() {
    let (_sandbox, tms) = start();
    tms.control("/profile", json!({"name": "async_ingest", "lagMs": 600_000})).await;
    let load = tender("t-1", "L-1", "express", POOL);
    let created = tms.create(&load, 5).await;
    assert_eq!((created.status.as_u16(), created.header("location")), (202, "/v1/tenders/t-1"));
    assert_eq!((&created.json()["state"], &created.json()["lastSequence"]), (&json!("pending"), &json!(0)));
    assert_eq!(state(&tms, "t-1").await, "not_found");
    // Again under the same key, again under another, and with other content.
    assert_eq!(tms.create(&load, 5).await.status, 202);
    assert_eq!(tms.post("/v1/tenders", &key("another"), &load.to_string()).await.status, 202);
    let mut other = load.clone();
    other["ext"] = json!({"com.example": {}});
    is(&tms.post("/v1/tenders", &key("other"), &other.to_string()).await, 409, "revision_content_conflict");
    // One is withdrawn before it is stored, one will be refused.
    assert_eq!(tms.create(&tender("t-2", "L-2", "express", POOL), 5).await.status, 202);
    assert_eq!(tms.withdraw("t-2", "L-2").await.json()["state"], "withdrawn");
    assert_eq!(tms.create(&tender("t-3", "L-3", "express", "nobody-1"), 5).await.status, 202);

    tms.control("/clock", json!({"advanceS": 601})).await;
    let ends = [state(&tms, "t-1").await, state(&tms, "t-2").await, state(&tms, "t-3").await];
    assert_eq!(ends, ["accepted", "withdrawn", "rejected"]);
    assert_eq!(loads(&tms, "L-1").await, json!({"creates": 1, "live": 1, "accepted": 1}));
    assert_eq!(loads(&tms, "L-2").await, json!({"creates": 0, "live": 0, "accepted": 0}));
}

#[tokio::test(flavor = "multi_thread")]
async fn gateway_503_after_commit_loses_the_first_answer_only() {
    let (_sandbox, tms) = start();
    profile(&tms, "gateway_503_after_commit").await;
    let first = attempt(&tms, "t-1", "L-1").await.unwrap();
    assert_eq!((first.status().as_u16(), &first.headers()["content-type"]), (503, &"text/html".parse().unwrap()));
    assert!(!first.headers().contains_key("retry-after"));
    assert_eq!(state(&tms, "t-1").await, "accepted");
    let again = attempt(&tms, "t-1", "L-1").await.unwrap();
    assert_eq!((again.status().as_u16(), &again.headers()["idempotency-replayed"]), (200, &"true".parse().unwrap()));
    assert_eq!(loads(&tms, "L-1").await, json!({"creates": 1, "live": 1, "accepted": 1}));
}

#[tokio::test(flavor = "multi_thread")]
async fn gateway_404_answers_two_of_three_reads() {
    let (_sandbox, tms) = start();
    attempt(&tms, "t-1", "L-1").await.unwrap();
    profile(&tms, "gateway_404").await;
    let mut statuses = Vec::new();
    for _ in 0..6 {
        let answer = tms.get("/v1/tenders/t-1").await;
        let proxy = answer.header("content-type") == "text/html";
        statuses.push((answer.status.as_u16(), proxy));
    }
    assert_eq!(statuses, [(404, true), (404, true), (200, false)].repeat(2));
    assert_eq!(attempt(&tms, "t-2", "L-2").await.unwrap().status(), 200, "writes get through");
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_key_store_leaves_the_business_layer() {
    let (_sandbox, tms) = start();
    profile(&tms, "lost_key_store").await;
    let load = tender("t-1", "L-1", "express", POOL);
    assert_eq!(tms.create(&load, 5).await.status, 200);
    let again = tms.create(&load, 5).await;
    assert_eq!((again.status.as_u16(), again.header("idempotency-replayed")), (200, "true"));
    assert_eq!(again.header("idempotency-original-date"), "", "no stored answer: the tender itself says so");
    assert_eq!(loads(&tms, "L-1").await, json!({"creates": 1, "live": 1, "accepted": 1}));
    // What was refused is refused again, from the tender that is stored as rejected.
    let taken = tender("t-2", "L-1", "express", POOL);
    is(&tms.create(&taken, 5).await, 409, "tender_conflict");
    assert_eq!(tms.create(&taken, 5).await.json()["state"], "rejected");
}

#[tokio::test(flavor = "multi_thread")]
async fn restored_goes_back_in_the_log_and_says_so_by_a_new_epoch() {
    let (_sandbox, tms) = start();
    tms.create(&tender("t-1", "L-1", "express", POOL), 5).await;
    let before = tms.get("/v1/tenders/t-1").await.json();
    let cursor = tms.get("/v1/events").await.json()["cursor"].as_str().unwrap().to_owned();
    tms.create(&tender("t-2", "L-2", "express", POOL), 5).await;

    // Three commits back: t-2 never was, and the acceptance of t-1 is decided anew, under the same sequence.
    let restored = tms.control("/profile", json!({"name": "restored", "lose": 3})).await;
    assert_eq!(restored["lost"], 3);
    assert_ne!(restored["logEpoch"], before["logEpoch"]);
    let absent = tms.get("/v1/tenders/t-2").await;
    is(&absent, 404, "not_found");
    assert_eq!(absent.json()["logEpoch"], restored["logEpoch"]);
    let after = tms.get("/v1/tenders/t-1").await.json();
    assert_eq!((&after["state"], &after["lastSequence"]), (&json!("accepted"), &json!(2)));
    assert_ne!(after["historyDigest"], before["historyDigest"], "the sequence was reused");
    is(&tms.get(&format!("/v1/events?cursor={cursor}")).await, 410, "cursor_expired");
    let pool = tms.state().await["capacity"].as_array().unwrap().iter().find(|c| c["capacityId"] == POOL).cloned();
    assert_eq!(pool.unwrap()["committed"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_six_minutes_off_dates_decides_and_expires_by_itself() {
    for (name, minutes) in [("clock_+6min", 6_i64), ("clock_-6min", -6)] {
        let profile = gladhand_sandbox::profile::Profile::parse(name).unwrap();
        let options = gladhand_sandbox::Options { profile, ..gladhand_sandbox::Options::default() };
        let (_sandbox, tms) = start_with(options);
        let off = |instant: jiff::Timestamp| {
            let offset = instant.duration_since(jiff::Timestamp::now()).as_secs() - minutes * 60;
            assert!(offset.abs() < 30, "{name}: {instant}");
        };
        let answer = tms.create(&tender("t-1", "L-1", "express", POOL), 5).await;
        off(answer.json()["decision"]["decidedAt"].as_str().unwrap().parse().unwrap());
        let date = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(answer.header("date")).unwrap();
        off(date);
        let messages = tms.control("/webhooks/messages", json!({"tenderId": "t-1"})).await;
        let signed = messages["messages"][0]["headers"][2][1].as_str().unwrap().parse().unwrap();
        off(jiff::Timestamp::from_second(signed).unwrap());
        let mut soon = tender("t-2", "L-2", "express", POOL);
        soon["respondBy"] = json!(format!("{:.0}", jiff::Timestamp::now() + jiff::SignedDuration::from_mins(5)));
        let answer = tms.create(&soon, 5).await;
        assert_eq!(answer.status.as_u16(), if minutes > 0 { 422 } else { 200 }, "{}", answer.text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_create_finds_the_tombstone_of_its_withdrawal() {
    let (_sandbox, tms) = start();
    profile(&tms, "late_create_after_withdraw").await;
    assert!(attempt(&tms, "t-1", "L-1").await.is_err(), "the create is lost from sight");
    assert_eq!(state(&tms, "t-1").await, "not_found");
    assert_eq!(tms.withdraw("t-1", "L-1").await.json()["state"], "withdrawn");
    let arrived = || async {
        let latest = tms.state().await["requests"]["latest"].as_array().unwrap().clone();
        latest.iter().any(|r| r["operation"] == "tenders.create" && r["code"] == "tender_withdrawn")
    };
    while !arrived().await {
        tokio::task::yield_now().await;
    }
    assert_eq!(loads(&tms, "L-1").await, json!({"creates": 0, "live": 0, "accepted": 0}));

    // Repeated, a create gets through, and the one that was lost changes nothing when it comes.
    assert!(attempt(&tms, "t-2", "L-2").await.is_err());
    assert_eq!(attempt(&tms, "t-2", "L-2").await.unwrap().status(), 200);
    // Never withdrawn and never repeated, it arrives in the end.
    assert!(attempt(&tms, "t-3", "L-3").await.is_err());
    tms.control("/clock", json!({"advanceS": 31})).await;
    while state(&tms, "t-3").await != "accepted" {
        tokio::task::yield_now().await;
    }
    assert_eq!(loads(&tms, "L-2").await, json!({"creates": 1, "live": 1, "accepted": 1}));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_profile_is_refused() {
    let (_sandbox, tms) = start();
    let body = json!({"name": "meteorite"}).to_string();
    let answer = Answer::of(tms.http.post(format!("{}/profile", tms.control)).body(body)).await;
    is(&answer, 400, "schema_invalid");
    assert!(gladhand_sandbox::profile::Profile::parse("meteorite").is_none());
}
