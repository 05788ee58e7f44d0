//! Every code of the error table that a carrier can say is said, with the status that the table gives it.

mod support;

use std::collections::BTreeSet;

use gladhand_documents::error::{Code, Retry};
use gladhand_documents::model::wire::Problem;
use reqwest::Method;
use serde_json::{Value, json};
use support::{Answer, POOL, Tms, command, dispatched, hash, key, request, start, tender};

/// Codes with a status that no carrier says, and who does.
const OF_A_TMS: [(&str, &str); 3] = [
    ("webhook_signature_missing", "a TMS says it to whoever calls its webhook receiver"),
    ("webhook_signature_invalid", "a TMS says it to whoever calls its webhook receiver"),
    ("webhook_source_foreign", "a TMS says it to a carrier that speaks of another's tender"),
];

/// What was said so far.
struct Walk<'a> {
    tms: &'a Tms,
    said: BTreeSet<String>,
}

impl Walk<'_> {
    fn says(&mut self, answer: &Answer, code: &str) {
        assert_eq!(answer.code(), code, "{}", answer.text);
        let known = Code::parse(code).expect("a code of the table");
        assert_eq!(answer.status.as_u16(), known.http_status(), "{code}");
        assert_eq!(answer.header("content-type"), "application/problem+json", "{code}");
        Problem::parse(&answer.text).unwrap_or_else(|e| panic!("{e}: {}", answer.text));
        assert_eq!(answer.json()["retryable"], json!(known.retry() != Retry::Never), "{code}");
        assert_eq!(answer.json()["status"], json!(known.http_status()));
        if known.retry() == Retry::After {
            assert!(answer.header("retry-after").parse::<u64>().is_ok(), "{code} wants Retry-After");
        }
        self.said.insert(code.to_owned());
    }

    /// A create with one thing changed.
    async fn create(&mut self, code: &str, change: impl FnOnce(&mut Value)) {
        let id = format!("t-{code}");
        let mut load = tender(&id, &format!("L-{code}"), "express", POOL);
        change(&mut load);
        let answer = self.tms.create(&load, 5).await;
        self.says(&answer, code);
    }

    async fn fails(&mut self, code: &str, how: &str) {
        self.tms.control("/fail", json!({"operation": "tenders.list", "when": "before", "how": how})).await;
        let answer = self.tms.get("/v1/tenders").await;
        self.says(&answer, code);
    }

    async fn reads(&mut self, code: &str, path: &str) {
        let answer = self.tms.get(path).await;
        self.says(&answer, code);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_code_that_a_carrier_can_say_is_said() {
    let (sandbox, tms) = start();
    let other = Tms::connect(&sandbox, "other", "other-assertion-key", "tms-globex");
    let mut walk = Walk { tms: &tms, said: BTreeSet::new() };
    requests(&mut walk).await;
    identity(&mut walk, &other).await;
    freight(&mut walk).await;
    conflicts(&mut walk).await;
    commands(&mut walk).await;
    machinery(&mut walk).await;
    time(&mut walk).await;

    let exceptions: BTreeSet<&str> = OF_A_TMS.iter().map(|(code, _)| *code).collect();
    let table = Code::ALL.iter().filter(|code| code.http_status() != 0).map(|code| code.as_str());
    let missing: Vec<&str> = table.filter(|code| !exceptions.contains(code) && !walk.said.contains(*code)).collect();
    assert_eq!(missing, Vec::<&str>::new(), "codes that nothing provokes");
    assert!(exceptions.iter().all(|code| Code::parse(code).is_some_and(|c| c.http_status() != 0)));
}

/// 400, 413, 415: what is wrong with a request as such.
async fn requests(walk: &mut Walk<'_>) {
    let tms = walk.tms;
    walk.says(&tms.post("/v1/tenders", &key("twice"), r#"{"a":1,"a":2}"#).await, "malformed_json");
    walk.create("schema_invalid", |load| load["stops"][1]["sequence"] = json!(7)).await;
    let load = tender("t-0", "L-0", "express", POOL).to_string();
    walk.says(&tms.post("/v1/tenders", "", &load).await, "idempotency_key_required");
    let token = tms.bearer("").await;
    let list = || tms.http.get(format!("{}/v1/tenders", tms.url)).bearer_auth(&token);
    let answer = Answer::of(list().header("accept-version", "9.x; min=9.1")).await;
    walk.says(&answer, "unsupported_version");
    assert_eq!(answer.json()["versions"][0]["major"], 1, "the choices are listed");
    let large = format!(r#"{{"x":"{}"}}"#, "x".repeat(1 << 20));
    walk.says(&tms.post("/v1/tenders", &key("large"), &large).await, "too_large");
    let mut plain = tms.call(Method::POST, "/v1/tenders", &key("plain"), &load, None).await.build().unwrap();
    plain.headers_mut().insert("content-type", "text/plain".parse().unwrap());
    let answer = Answer::of(reqwest::RequestBuilder::from_parts(tms.http.clone(), plain)).await;
    walk.says(&answer, "unsupported_media");
}

/// 401, 403 and what a token says of its environment.
async fn identity(walk: &mut Walk<'_>, other: &Tms) {
    let tms = walk.tms;
    for (patch, code) in [
        (json!({"exp": 1_000}), "token_expired"),
        (json!({"tenant": "globex"}), "tenant_forbidden"),
        (json!({"environment": "production"}), "environment_mismatch"),
        (json!({"scope": "capacity:read"}), "scope_missing"),
    ] {
        tms.control("/oauth", json!({ "reset": true, "claims": patch })).await;
        walk.reads(code, "/v1/tenders").await;
    }
    tms.control("/oauth", json!({"reset": true})).await;
    let address = format!("{}/v1/tenders", tms.url);
    walk.says(&Answer::of(tms.http.get(&address).bearer_auth("nonsense")).await, "token_invalid");
    let token = tms.bearer("").await;
    walk.says(&Answer::of(other.http.get(&address).bearer_auth(&token)).await, "cert_mismatch");

    let bound = tms.bound("").await;
    let proved = |proof: Option<String>| {
        let request = tms.http.post(&address).header("authorization", format!("DPoP {bound}"));
        proof.into_iter().fold(request, |request, proof| request.header("dpop", proof))
    };
    walk.says(&Answer::of(proved(None)).await, "pop_missing");
    let ath = json!({ "ath": hash(bound.as_bytes()) });
    let elsewhere = tms.proof("POST", "https://elsewhere.test/v1/tenders", &ath);
    walk.says(&Answer::of(proved(Some(elsewhere))).await, "pop_invalid");
    let proof = tms.proof("POST", &address, &ath);
    Answer::of(proved(Some(proof.clone()))).await;
    walk.says(&Answer::of(proved(Some(proof))).await, "pop_replayed");
    walk.says(&tms.put("/v1/dispatches/d-1/commands/c-1", &key("c"), "{}").await, "use_dpop_nonce");

    tms.control("/policy", json!({"capacityId": "aurora-chi-lax-2", "contracted": false})).await;
    walk.create("lane_not_contracted", |load| load["capacityId"] = json!("aurora-chi-lax-2")).await;
    walk.reads("not_found", "/v1/tenders/t-lane_not_contracted").await;
    tms.control("/oauth", json!({"consent": {"position": false, "driver_pii": false, "analytics": false}})).await;
    let positions = json!({
        "schemaVersion": "1.0.0", "subscriptionId": "s-1", "url": "http://127.0.0.1:9/x", "mtls": "signature_only",
        "types": ["gladhand.shipment.position.v1"],
    });
    let answer = tms.put("/v1/webhook-subscriptions/s-1", &key("positions"), &positions.to_string()).await;
    walk.says(&answer, "data_sharing_denied");
    tms.control("/oauth", json!({"consent": {"position": true, "driver_pii": false, "analytics": false}})).await;
}

/// 422: freight, money and time that the carrier does not take.
async fn freight(walk: &mut Walk<'_>) {
    let ahead = |days: i64| format!("{:.0}", jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24 * days));
    walk.create("not_understood", |load| load["mustUnderstand"] = json!(["/noDetour"])).await;
    walk.create("capacity_unknown", |load| load["capacityId"] = json!("nobody-1")).await;
    walk.create("currency_unknown", |load| load["rate"]["currency"] = json!("ZZZ")).await;
    walk.create("weight_exceeded", |load| load["commodities"][0]["weight"]["value"] = json!(60_000)).await;
    walk.create("hazmat_not_permitted", |load| {
        load["commodities"][0]["hazmat"] = json!({
            "unNumber": "UN1203", "properShippingName": "Gasoline", "hazardClass": "3", "packingGroup": "II",
            "quantity": "200 L", "emergencyPhone": "+18005550143",
        });
    })
    .await;
    walk.create("odd_ineligible", |load| load["stops"][1]["autonomousAccess"] = json!("no")).await;
    walk.create("window_outside_offer", |load| {
        load["stops"][1]["appointment"]["start"] = json!(ahead(60));
        load["stops"][1]["appointment"]["end"] = json!(ahead(61));
    })
    .await;
    walk.create("rate_sum_mismatch", |load| load["rate"]["linehaul"] = json!(700)).await;
    walk.create("stops_unbalanced", |load| {
        load["commodities"][0]["pickupStopId"] = json!("d");
        load["commodities"][0]["deliveryStopId"] = json!("p");
    })
    .await;
    walk.create("timezone_offset_mismatch", |load| {
        for stop in 0..2 {
            load["stops"][stop]["appointment"]["timeZone"] = json!("America/Chicago");
        }
    })
    .await;
    let soon = format!("{:.0}", jiff::Timestamp::now() + jiff::SignedDuration::from_secs(20));
    walk.create("respond_by_past", |load| load["respondBy"] = json!(soon)).await;
    walk.create("equipment_mismatch", |load| load["equipmentRequired"]["trailerType"] = json!("reefer")).await;

    let now = jiff::Timestamp::now();
    let hour = |hours: i64| format!("{:.0}", now + jiff::SignedDuration::from_hours(hours));
    let inspected = json!({
        "capacityId": "aurora-inspected", "vehicleType": "tractor-std", "autonomyLevel": "L4",
        "availableWindow": {"start": hour(0), "end": hour(240)},
        "route": [{"from": {"lat": 32.7767, "lon": -96.7970}, "to": {"lat": 29.7604, "lon": -95.3698}}],
        "constraints": {"maxWeightLbs": 80000, "hazmat": false, "inspection": {
            "scheme": "CVSA_ECMV", "lastPassedAt": hour(-22), "validUntil": hour(2), "intervalH": 24,
        }},
        "rate": {"currency": "USD", "amount": 780},
    });
    walk.tms.control("/capacity", inspected).await;
    walk.create("inspection_expired", |load| load["capacityId"] = json!("aurora-inspected")).await;
}

/// 409, 412, 422 and 428: what contradicts what is there.
async fn conflicts(walk: &mut Walk<'_>) {
    let tms = walk.tms;
    let standard = |id: &str, load: &str| tender(id, load, "standard", POOL);
    tms.create(&tender("t-1", "L-1", "express", "aurora-dal-hou-1"), 5).await;
    walk.create("tender_conflict", |load| load["loadId"] = json!("L-1")).await;
    walk.create("capacity_committed", |load| load["capacityId"] = json!("aurora-dal-hou-1")).await;
    walk.says(&tms.withdraw("t-1", "L-1").await, "already_accepted");
    let rejected = "/v1/tenders/t-tender_conflict/cancellations/x-1";
    walk.says(&tms.post(rejected, &key("cancel"), "").await, "illegal_transition");
    tms.withdraw("t-2", "L-2").await;
    walk.says(&tms.create(&standard("t-2", "L-2"), 0).await, "tender_withdrawn");

    tms.create(&standard("t-3", "L-3"), 0).await;
    let revision = |number: u32| {
        let mut load = standard("t-3", "L-3");
        load["revision"] = json!(number);
        load.to_string()
    };
    let path = |number: u32| format!("/v1/tenders/t-3/revisions/{number}");
    walk.says(&tms.put(&path(5), &key("five"), &revision(5)).await, "revision_gap");
    let stale = [("if-match", r#""1.7""#)];
    walk.says(&tms.send(Method::PUT, &path(2), &key("tag"), &revision(2), &stale).await, "etag_mismatch");
    tms.control("/policy", json!({"tagsRequired": true})).await;
    walk.says(&tms.put(&path(2), &key("tag"), &revision(2)).await, "etag_required");
    tms.control("/policy", json!({"tagsRequired": false})).await;
    assert_eq!(tms.put(&path(2), &key("two"), &revision(2)).await.status, 202);
    walk.says(&tms.post("/v1/tenders", &key("one"), &revision(1)).await, "stale_revision");
    let other = revision(2).replace("4711", "4712");
    walk.says(&tms.put(&path(2), &key("two again"), &other).await, "revision_content_conflict");
    walk.says(&tms.put(&path(2), &key("two"), &other).await, "idempotency_key_reused");

    tms.control("/policy", json!({"decision": "human", "mode": "express"})).await;
    let waiting = tender("t-4", "L-4", "express", POOL);
    let rest = async {
        let there = || async { tms.get("/v1/tenders/t-4").await.status == 200 };
        while !there().await {
            tokio::task::yield_now().await;
        }
        let second = tms.create(&waiting, 20).await;
        tms.control("/decide", json!({"tenderId": "t-4", "outcome": "accepted"})).await;
        second
    };
    let (_, second) = tokio::join!(tms.create(&waiting, 20), rest);
    walk.says(&second, "idempotency_in_flight");
    tms.control("/policy", json!({"decision": "accept", "mode": "express"})).await;
}

/// What becomes of commands that the carrier does not take.
async fn commands(walk: &mut Walk<'_>) {
    let tms = walk.tms;
    let dispatch = dispatched(tms, "t-5", "L-5").await;
    let mut detour = command(&dispatch, "cmd-0", 1, "route_change");
    detour["params"]["detourId"] = json!("scenic");
    walk.says(&request(tms, &detour).await, "detour_not_permitted");
    let mut skewed = command(&dispatch, "cmd-9", 1, "hold_at_terminal");
    let ahead = |minutes: i64| format!("{:.0}", jiff::Timestamp::now() + jiff::SignedDuration::from_mins(minutes));
    skewed["issuedAt"] = json!(ahead(6));
    skewed["expiresAt"] = json!(ahead(10));
    let answer = request(tms, &skewed).await;
    walk.says(&answer, "clock_skew");
    assert!((355..=360).contains(&answer.json()["offsetS"].as_i64().unwrap()), "the offset is measured");
    request(tms, &command(&dispatch, "cmd-1", 5, "conditional_stop")).await;
    tms.get("/v1/tenders").await;
    walk.says(&request(tms, &command(&dispatch, "cmd-2", 4, "resume")).await, "command_out_of_order");
    let mut stale = command(&dispatch, "cmd-3", 6, "resume");
    stale["expectedDispatchRevision"] = json!(2);
    walk.says(&request(tms, &stale).await, "stale_dispatch");
}

/// 410, 429 and 5xx: what the carrier's machinery says.
async fn machinery(walk: &mut Walk<'_>) {
    let tms = walk.tms;
    for (code, how) in [
        ("internal", "500"),
        ("bad_gateway", "502"),
        ("timeout", "504"),
        ("capacity_backpressure", "503"),
        ("maintenance", "maintenance"),
    ] {
        walk.fails(code, how).await;
    }
    tms.control("/limit", json!({"perMinute": 0})).await;
    let limited = tms.get("/v1/tenders").await;
    walk.says(&limited, "rate_limited");
    assert_eq!((limited.header("ratelimit-limit"), limited.header("ratelimit-remaining")), ("0", "0"));
    tms.control("/limit", json!({"perMinute": null})).await;
    let cursor = tms.get("/v1/events").await.json()["cursor"].as_str().unwrap().to_owned();
    tms.control("/cursors/expire", json!({})).await;
    walk.reads("cursor_expired", &format!("/v1/events?cursor={cursor}")).await;
    tms.control("/archive", json!({"tenderId": "t-tender_conflict"})).await;
    walk.reads("archived", "/v1/tenders/t-tender_conflict").await;
    tms.control("/contract", json!({"versions": [{"major": 1, "minor": 0, "status": "sunset"}]})).await;
    walk.reads("version_sunset", "/v1/tenders").await;
    tms.control("/contract", json!({"reset": true})).await;
}

/// What lapses: last, since the clock does not go back.
async fn time(walk: &mut Walk<'_>) {
    let tms = walk.tms;
    let hold = format!("/v1/capacity/{POOL}/holds/h-1");
    assert_eq!(tms.put(&hold, &key("hold"), "").await.status, 200);
    tms.create(&tender("t-6", "L-6", "standard", POOL), 0).await;
    let counter = json!({"tenderId": "t-6", "outcome": "countered", "counter": {"counterId": "c-1"}});
    tms.control("/decide", counter).await;
    tms.control("/clock", json!({"advanceS": 901})).await;
    walk.create("hold_expired", |load| load["holdId"] = json!("h-1")).await;
    let late = tms.post("/v1/tenders/t-6/counters/c-1/acceptance", &key("c-1"), "").await;
    walk.says(&late, "counter_expired");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_carrier_far_away_answers_the_same_later() {
    let (_sandbox, tms) = start();
    let before = tms.get("/v1/tenders").await;
    tms.control("/latency", json!({"ms": 150})).await;
    let begun = std::time::Instant::now();
    let after = tms.get("/v1/tenders").await;
    assert_eq!((before.status, before.json()), (after.status, after.json()));
    // Never earlier than it was told; how much later is the machine's affair.
    assert!(begun.elapsed() >= std::time::Duration::from_millis(150));
}
