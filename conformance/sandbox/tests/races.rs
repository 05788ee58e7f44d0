//! Many at once: whatever the interleaving, one tender per load, one taker per slot, one effect per request.

mod support;

use std::sync::Arc;

use reqwest::Method;
use serde_json::{Value, json};
use support::{Answer, Tms, key, start, tender};
use tokio::task::JoinSet;

const POOL: &str = "aurora-dal-hou-pool";
const MANY: u64 = 24;

/// Sends all requests at the same time, each with its key.
async fn all(tms: &Arc<Tms>, requests: Vec<(String, Value)>) -> Vec<Answer> {
    let mut running = JoinSet::new();
    for (key, body) in requests {
        let tms = tms.clone();
        running.spawn(async move { tms.post("/v1/tenders", &key, &body.to_string()).await });
    }
    running.join_all().await
}

fn count(answers: &[Answer], code: &str) -> usize {
    answers.iter().filter(|a| a.code() == code).count()
}

fn accepted(answers: &[Answer]) -> usize {
    answers.iter().filter(|a| a.status == 200 && a.json()["state"] == "accepted").count()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_request_repeated_under_one_key_and_under_many_is_one_tender() {
    let (_sandbox, tms) = start();
    let tms = Arc::new(tms);
    let load = tender("t-1", "L-1", "express", POOL);
    let one_key = (0..MANY).map(|_| (key("one"), load.clone()));
    let many_keys = (0..MANY).map(|n| (key(&format!("key {n}")), load.clone()));
    let answers = all(&tms, one_key.chain(many_keys).collect()).await;
    assert_eq!(accepted(&answers) + count(&answers, "idempotency_in_flight"), answers.len());
    let first = answers.iter().filter(|a| a.status == 200 && a.header("idempotency-replayed").is_empty()).count();
    assert_eq!(first, 1, "one answer is the first, every other is a replay");
    let state = tms.state().await;
    assert_eq!(state["loads"]["L-1"], json!({"creates": 1, "live": 1, "accepted": 1}));
    assert_eq!(state["tenders"][0]["lastSequence"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_tenders_for_one_load_leave_one_that_covers_it() {
    let (_sandbox, tms) = start();
    let tms = Arc::new(tms);
    let requests = (0..MANY).map(|n| {
        let id = format!("t-{n}");
        (key(&id), tender(&id, "L-1", "express", POOL))
    });
    let answers = all(&tms, requests.collect()).await;
    assert_eq!((accepted(&answers), count(&answers, "tender_conflict")), (1, answers.len() - 1));
    assert_eq!(tms.state().await["loads"]["L-1"], json!({"creates": MANY, "live": 1, "accepted": 1}));
}

#[tokio::test(flavor = "multi_thread")]
async fn many_loads_for_one_slot_leave_one_taker() {
    let (_sandbox, tms) = start();
    let tms = Arc::new(tms);
    let requests = (0..MANY).map(|n| {
        let id = format!("t-{n}");
        (key(&id), tender(&id, &format!("L-{n}"), "express", "aurora-dal-hou-1"))
    });
    let answers = all(&tms, requests.collect()).await;
    assert_eq!((accepted(&answers), count(&answers, "capacity_committed")), (1, answers.len() - 1));

    // The feed holds every commit once, in an order that every cursor agrees on.
    let mut cursor = String::new();
    let mut seen = Vec::new();
    loop {
        let page = tms.get(&format!("/v1/events{cursor}")).await.json();
        let events = page["events"].as_array().unwrap().clone();
        if events.is_empty() {
            break;
        }
        seen.extend(events.iter().map(|e| e["id"].as_str().unwrap().to_owned()));
        cursor = format!("?cursor={}", page["cursor"].as_str().unwrap());
    }
    assert_eq!(seen.len() as u64, 2 * MANY);
    assert_eq!(seen.iter().collect::<std::collections::HashSet<_>>().len(), seen.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_acceptance_and_a_withdrawal_have_one_winner_that_both_sides_see() {
    let (_sandbox, tms) = start();
    for n in 0..8 {
        let (id, load) = (format!("t-{n}"), format!("L-{n}"));
        tms.create(&tender(&id, &load, "standard", POOL), 0).await;
        let decide = json!({"tenderId": id, "outcome": "accepted"}).to_string();
        let decide = Answer::of(tms.http.post(format!("{}/decide", tms.control)).body(decide));
        let (withdrawn, decided) = tokio::join!(tms.withdraw(&id, &load), decide);
        let state = tms.get(&format!("/v1/tenders/{id}")).await.json()["state"].as_str().unwrap().to_owned();
        match state.as_str() {
            "withdrawn" => {
                assert_eq!((withdrawn.status.as_u16(), decided.code().as_str()), (200, "illegal_transition"));
            }
            "accepted" => {
                assert_eq!((decided.status.as_u16(), withdrawn.code().as_str()), (200, "already_accepted"));
            }
            other => panic!("{other}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_hangs_up_leaves_a_whole_effect() {
    let (_sandbox, tms) = start();
    tms.control("/policy", json!({"decision": "human"})).await;
    let load = tender("t-1", "L-1", "express", POOL).to_string();
    let request = tms.call(Method::POST, "/v1/tenders", &key("gone"), &load, None).await.header("prefer", "wait=20");
    let gone = request.send();
    let heard = tms.get_waiting("/v1/events", Some("wait=20"));
    tokio::select! {
        _ = gone => panic!("nobody decided"),
        answer = heard => assert_eq!(answer.json()["events"].as_array().unwrap().len(), 1),
    }
    // The client is gone, the tender is there, and its key is not lost: the answer comes when the wait is over.
    assert_eq!(tms.get("/v1/tenders/t-1").await.json()["state"], "pending");
    tms.control("/decide", json!({"tenderId": "t-1", "outcome": "accepted"})).await;
    let replay = loop {
        let answer = tms.post("/v1/tenders", &key("gone"), &load).await;
        if answer.code() != "idempotency_in_flight" {
            break answer;
        }
    };
    assert_eq!((replay.status.as_u16(), replay.header("idempotency-replayed")), (200, "true"));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_carriers_share_one_trust_root() {
    let (sandbox, tms) = start();
    let options = gladhand_sandbox::Options {
        carrier: "borealis".to_owned(),
        ca_dir: Some(sandbox.dir().to_owned()),
        ..gladhand_sandbox::Options::default()
    };
    let second = gladhand_sandbox::Sandbox::start(options).unwrap();
    let discovery = Answer::of(tms.http.get(format!("{}/.well-known/gladhand", second.url()))).await.json();
    assert_eq!(discovery["carrier"], json!({"scac": "BORE", "name": "borealis"}));
    let other = Tms::connect(&second, "client", "assertion-key", "tms-acme");
    let load = tender("t-1", "L-1", "express", "borealis-dal-hou-pool");
    assert_eq!(other.create(&load, 5).await.json()["state"], "accepted");
}
