//! What changes after the first answer: holds, revisions and amendments, counter offers, cancellations, commands that last.

mod support;

use reqwest::Method;
use serde_json::{Value, json};
use support::{Answer, POOL, Tms, command, dispatched, key, request, start, tender};

fn is(answer: &Answer, status: u16, code: &str) {
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (status, code), "{}", answer.text);
}

async fn snapshot(tms: &Tms, tender_id: &str) -> Value {
    tms.get(&format!("/v1/tenders/{tender_id}")).await.json()
}

async fn kinds(tms: &Tms, tender_id: &str) -> Vec<String> {
    let page = tms.get(&format!("/v1/tenders/{tender_id}/events")).await.json();
    let kinds = page["events"].as_array().unwrap().iter().map(|e| e["type"].as_str().unwrap().to_owned());
    kinds.map(|kind| kind.trim_start_matches("gladhand.").trim_end_matches(".v1").to_owned()).collect()
}

async fn left(tms: &Tms, capacity: &str) -> Value {
    let stock = tms.state().await["capacity"].clone();
    stock.as_array().unwrap().iter().find(|c| c["capacityId"] == capacity).unwrap()["left"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_keeps_its_slot_for_the_tender_that_names_it() {
    let (sandbox, tms) = start();
    let other = Tms::connect(&sandbox, "other", "other-assertion-key", "tms-globex");
    let path = "/v1/capacity/aurora-dal-hou-1/holds/h-1";
    let before = tms.get("/v1/capacity/aurora-dal-hou-1").await;
    let held = tms.put(path, &key("h-1"), "").await;
    assert_eq!((held.status.as_u16(), &held.json()["hold"]["holdId"]), (200, &json!("h-1")), "{}", held.text);
    assert_eq!((&held.json()["status"], &held.json()["capacityRevision"]), (&json!("held"), &json!(2)));
    assert_ne!(before.header("etag"), held.header("etag"));
    assert_eq!(tms.put(path, &key("again"), "").await.header("idempotency-replayed"), "true");
    let body = json!({"holdId": "h-1", "heldUntil": "2040-01-01T00:00:00Z"}).to_string();
    is(&tms.put(path, &key("other"), &body).await, 409, "revision_content_conflict");

    // Nobody else gets the slot, and nobody else sees whose it is.
    let second = other.put("/v1/capacity/aurora-dal-hou-1/holds/h-1", &key("g"), "").await;
    is(&second, 409, "capacity_committed");
    assert_eq!(other.get("/v1/capacity/aurora-dal-hou-1").await.json()["hold"], Value::Null);
    let stranger = tender("t-g", "L-g", "express", "aurora-dal-hou-1");
    is(&other.create(&stranger, 5).await, 409, "capacity_committed");
    let mut load = tender("t-1", "L-1", "standard", "aurora-dal-hou-1");
    load["holdId"] = json!("h-1");
    assert_eq!(tms.create(&load, 0).await.status, 202);
    // As long as its tender is undecided the hold does not lapse.
    tms.control("/clock", json!({"advanceS": 1000})).await;
    assert_eq!(left(&tms, "aurora-dal-hou-1").await, 0);
    let decided = tms.control("/decide", json!({"tenderId": "t-1", "outcome": "accepted"})).await;
    assert_eq!(decided["state"], "accepted");
    is(&tms.send(Method::DELETE, path, &key("release"), "", &[]).await, 409, "capacity_committed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_is_released_or_lapses_and_its_id_is_used_up() {
    let (_sandbox, tms) = start();
    let path = |hold: &str| format!("/v1/capacity/aurora-dal-hou-1/holds/{hold}");
    tms.put(&path("h-1"), &key("h-1"), "").await;
    let tag = tms.get("/v1/capacity/aurora-dal-hou-1").await.header("etag").to_owned();
    let released = tms.send(Method::DELETE, &path("h-1"), &key("r-1"), "", &[]).await;
    assert_eq!((released.status.as_u16(), &released.json()["status"]), (200, &json!("available")));
    is(&tms.put(&path("h-1"), &key("h-1 again"), "").await, 409, "hold_expired");
    is(&tms.send(Method::DELETE, &path("h-9"), &key("r-9"), "", &[]).await, 404, "not_found");

    let stale = tms.send(Method::PUT, &path("h-2"), &key("h-2"), "", &[("if-match", &tag)]).await;
    is(&stale, 412, "etag_mismatch");
    let until = format!("{:.0}", jiff::Timestamp::now() + jiff::SignedDuration::from_mins(2));
    let body = json!({"holdId": "h-2", "heldUntil": until}).to_string();
    assert_eq!(tms.put(&path("h-2"), &key("h-2"), &body).await.status, 200);
    assert_eq!(left(&tms, "aurora-dal-hou-1").await, 0);
    tms.control("/clock", json!({"advanceS": 125})).await;
    assert_eq!(left(&tms, "aurora-dal-hou-1").await, 1);
    let mut late = tender("t-1", "L-1", "express", "aurora-dal-hou-1");
    late["holdId"] = json!("h-2");
    is(&tms.create(&late, 5).await, 409, "hold_expired");
    assert_eq!(snapshot(&tms, "t-1").await["decision"]["reasonCode"], "capacity_gone");
    is(&tms.put("/v1/capacity/nobody-1/holds/h-3", &key("h-3"), "").await, 422, "capacity_unknown");
}

/// The body of revision `number` of a tender, with another reference.
fn revised(load: &Value, number: u32, reference: &str) -> String {
    let mut load = load.clone();
    load["revision"] = json!(number);
    load["references"][0]["value"] = json!(reference);
    load.to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revision_of_an_accepted_tender_is_an_amendment_if_it_says_so() {
    let (_sandbox, tms) = start();
    let load = tender("t-1", "L-1", "express", POOL);
    let accepted = tms.create(&load, 5).await;
    let (path, tag) = ("/v1/tenders/t-1/revisions/2", accepted.header("etag").to_owned());
    let body = revised(&load, 2, "4712");
    is(&tms.put(path, &key("2"), &body).await, 409, "already_accepted");
    let amend = |body: String, name: &'static str, tag: String| {
        let tms = &tms;
        async move { tms.send(Method::PUT, path, &key(name), &body, &[("if-match", &tag)]).await }
    };
    is(&amend(body.clone(), "a", r#""1.1""#.to_owned()).await, 412, "etag_mismatch");
    let received = amend(body.clone(), "a", tag.clone()).await;
    assert_eq!(received.status, 202, "{}", received.text);
    let overlay = |s: &Value| [s["state"].clone(), s["revision"].clone(), s["amendment"].clone()];
    assert_eq!(overlay(&received.json()), [json!("accepted"), json!(1), json!("received")]);
    assert_eq!(received.json()["pendingRevision"], 2);
    // The same again is no second amendment, whatever the tag has become; other content is a conflict.
    let again = amend(body.clone(), "a again", tag.clone()).await;
    assert_eq!((again.status.as_u16(), again.header("idempotency-replayed")), (202, "true"));
    is(&amend(revised(&load, 2, "4713"), "b", "*".to_owned()).await, 409, "revision_content_conflict");

    let declined = tms.control("/amendment", json!({"tenderId": "t-1", "outcome": "declined"})).await;
    assert_eq!(overlay(&declined), [json!("accepted"), json!(1), json!("declined")]);
    // To repeat what was declined is not to propose it again; another proposal takes the same number.
    assert_eq!(amend(body, "a once more", "*".to_owned()).await.header("idempotency-replayed"), "true");
    let second = amend(revised(&load, 2, "4714"), "c", "*".to_owned()).await;
    assert_eq!(overlay(&second.json()), [json!("accepted"), json!(1), json!("received")]);
    let confirmed = tms.control("/amendment", json!({"tenderId": "t-1", "outcome": "confirmed"})).await;
    assert_eq!(overlay(&confirmed), [json!("accepted"), json!(2), json!("confirmed")]);
    is(
        &tms.try_control("/amendment", json!({"tenderId": "t-1", "outcome": "confirmed"})).await,
        409,
        "illegal_transition",
    );
    let amendments: Vec<String> = kinds(&tms, "t-1").await.into_iter().skip(2).collect();
    let names = ["received", "declined", "received", "confirmed"];
    assert_eq!(amendments, names.map(|name| format!("tender.amendment_{name}")));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_released_does_not_change_and_an_amendment_ends_with_its_tender() {
    let (_sandbox, tms) = start();
    dispatched(&tms, "t-1", "L-1").await;
    let load = tender("t-1", "L-1", "express", POOL);
    let amend = |body: String, number: u32, name: &'static str| {
        let tms = &tms;
        let path = format!("/v1/tenders/t-1/revisions/{number}");
        async move { tms.send(Method::PUT, &path, &key(name), &body, &[("if-match", "*")]).await }
    };
    let mut moved = load.clone();
    moved["stops"][1]["location"]["name"] = json!("Galveston");
    let refused = amend(revised(&moved, 2, "1"), 2, "moved").await;
    is(&refused, 409, "illegal_transition");
    assert_eq!(refused.json()["violations"][0]["path"], "/stops/1/location");
    assert_eq!(amend(revised(&load, 2, "2"), 2, "reference").await.status, 202);
    tms.control("/amendment", json!({"tenderId": "t-1", "outcome": "confirmed"})).await;
    let dispatch = snapshot(&tms, "t-1").await["dispatchId"].as_str().unwrap().to_owned();
    let dispatch = tms.get(&format!("/v1/dispatches/{dispatch}")).await;
    assert_eq!((&dispatch.json()["dispatchRevision"], dispatch.header("etag")), (&json!(2), "\"2\""));

    // Withdrawn by the TMS, which names it; and one that is open when the load is delivered.
    assert_eq!(amend(revised(&load, 3, "3"), 3, "third").await.status, 202);
    let withdrawal = json!({
        "schemaVersion": "1.0.0", "tenderId": "t-1", "withdrawalId": "w-1", "loadId": "L-1", "reason": "no", "revision": 3,
    });
    let path = "/v1/tenders/t-1/withdrawals/w-1";
    let withdrawn = tms.post(path, &key("w-1"), &withdrawal.to_string()).await;
    assert_eq!(
        (&withdrawn.json()["state"], &withdrawn.json()["amendment"]),
        (&json!("dispatched"), &json!("withdrawn"))
    );
    let again = tms.post(path, &key("w-1 again"), &withdrawal.to_string()).await;
    assert_eq!((again.status.as_u16(), again.header("idempotency-replayed")), (200, "true"));
    let other = withdrawal.to_string().replace("\"no\"", "\"yes\"");
    is(&tms.post(path, &key("w-1 other"), &other).await, 409, "revision_content_conflict");
    assert_eq!(amend(revised(&load, 3, "4"), 3, "fourth").await.status, 202);
    for to in ["enroute", "delivered"] {
        tms.control("/progress", json!({"tenderId": "t-1", "to": to})).await;
    }
    let ended = snapshot(&tms, "t-1").await;
    assert_eq!((&ended["amendment"], &ended["pendingRevision"]), (&json!("declined"), &Value::Null));
    is(&amend(revised(&load, 3, "5"), 3, "too late").await, 409, "illegal_transition");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_firm_counter_offer_has_its_slot_and_one_that_is_not_may_lose_it() {
    let (_sandbox, tms) = start();
    let one = "aurora-dal-hou-1";
    let counter = |tender: &str, firm: bool| json!({"tenderId": tender, "outcome": "countered", "counter": {"counterId": "c-1", "firm": firm}});
    let accept = |tender: &str| format!("/v1/tenders/{tender}/counters/c-1/acceptance");
    tms.create(&tender("t-1", "L-1", "standard", one), 0).await;
    tms.control("/decide", counter("t-1", false)).await;
    assert_eq!(tms.create(&tender("t-2", "L-2", "express", one), 5).await.json()["state"], "accepted");
    let lost = tms.post(&accept("t-1"), &key("t-1"), "").await.json();
    assert_eq!((&lost["state"], &lost["decision"]["reasonCode"]), (&json!("rejected"), &json!("capacity_gone")));
    assert_eq!(kinds(&tms, "t-1").await[2..], ["tender.counter_accepted", "tender.rejected"]);

    let two = "aurora-dal-hou-2";
    tms.create(&tender("t-3", "L-3", "standard", two), 0).await;
    tms.control("/decide", counter("t-3", true)).await;
    is(&tms.create(&tender("t-4", "L-4", "express", two), 5).await, 409, "capacity_committed");
    let kept = tms.post(&accept("t-3"), &key("t-3"), "").await;
    assert_eq!(kept.json()["state"], "accepted");
    let again = tms.post(&accept("t-3"), &key("t-3 again"), "").await;
    assert_eq!((again.status.as_u16(), again.header("idempotency-replayed")), (200, "true"), "{}", again.text);

    // A guarantee ends with its offer: by a refusal, by time, by a revision.
    let three = "aurora-chi-lax-2";
    let lane = |id: &str, load: &str| {
        let mut tender = tender(id, load, "standard", three);
        tender["stops"][0]["location"]["name"] = json!("Chicago");
        tender
    };
    tms.create(&lane("t-5", "L-5"), 0).await;
    tms.control("/decide", counter("t-5", true)).await;
    assert_eq!(left(&tms, three).await, 0);
    let refused = tms.post("/v1/tenders/t-5/counters/c-1/refusal", &key("no"), "").await.json();
    assert_eq!((&refused["state"], left(&tms, three).await), (&json!("rejected"), json!(1)));
    tms.create(&lane("t-6", "L-6"), 0).await;
    tms.control("/decide", counter("t-6", true)).await;
    tms.put("/v1/tenders/t-6/revisions/2", &key("rev"), &revised(&lane("t-6", "L-6"), 2, "9")).await;
    assert_eq!((&snapshot(&tms, "t-6").await["state"], left(&tms, three).await), (&json!("pending"), json!(1)));
    tms.control("/decide", counter("t-6", true)).await;
    tms.control("/clock", json!({"advanceS": 901})).await;
    assert_eq!((&snapshot(&tms, "t-6").await["state"], left(&tms, three).await), (&json!("expired"), json!(1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_at_a_terminal_lasts_as_long_as_its_lease_is_renewed() {
    let (_sandbox, tms) = start();
    let dispatch = dispatched(&tms, "t-1", "L-1").await;
    let state = |id: &'static str| {
        let (tms, path) = (&tms, format!("/v1/dispatches/{dispatch}/commands/{id}"));
        async move { Answer::of(tms.call(Method::GET, &path, "", "", None).await).await.json()["state"].clone() }
    };
    request(&tms, &command(&dispatch, "cmd-1", 1, "hold_at_terminal")).await;
    tms.control("/clock", json!({"advanceS": 30})).await;
    assert_eq!(state("cmd-1").await, "executing");
    let mut renewal = command(&dispatch, "cmd-2", 2, "hold_at_terminal");
    renewal["params"] = json!({"commandRef": "cmd-1"});
    assert_eq!(request(&tms, &renewal).await.status, 202);
    tms.control("/clock", json!({"advanceS": 40})).await;
    assert_eq!([state("cmd-1").await, state("cmd-2").await], ["completed", "executing"], "renewed before it lapsed");
    let mut release = command(&dispatch, "cmd-3", 3, "release");
    release["params"]["commandRef"] = json!("cmd-9");
    is(&request(&tms, &release).await, 400, "schema_invalid");
    tms.control("/clock", json!({"advanceS": 40})).await;
    assert_eq!(state("cmd-2").await, "expired", "nobody renewed it");
    let types = kinds(&tms, "t-1").await;
    let commands: Vec<&str> = types.iter().filter_map(|t| t.strip_prefix("command.")).collect();
    let expected = "acknowledged granted executing acknowledged granted executing completed expired";
    assert_eq!(commands.join(" "), expected);

    request(&tms, &command(&dispatch, "cmd-4", 4, "hold_at_terminal")).await;
    tms.control("/clock", json!({"advanceS": 5})).await;
    let mut release = command(&dispatch, "cmd-5", 5, "release");
    release["params"]["commandRef"] = json!("cmd-4");
    assert_eq!(request(&tms, &release).await.status, 202);
    tms.control("/clock", json!({"advanceS": 5})).await;
    assert_eq!([state("cmd-4").await, state("cmd-5").await], ["completed", "completed"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_route_that_nobody_permitted_waits_for_approval_and_makes_a_new_revision() {
    let (_sandbox, tms) = start();
    let dispatch = dispatched(&tms, "t-1", "L-1").await;
    let status = |id: &'static str| {
        let (tms, path) = (&tms, format!("/v1/dispatches/{dispatch}/commands/{id}"));
        async move { Answer::of(tms.call(Method::GET, &path, "", "", None).await).await.json()["state"].clone() }
    };
    request(&tms, &command(&dispatch, "cmd-1", 1, "route_change")).await;
    tms.control("/clock", json!({"advanceS": 5})).await;
    assert_eq!(status("cmd-1").await, "completed", "a detour that is permitted");
    let mut free = command(&dispatch, "cmd-2", 2, "route_change");
    free["params"] = json!({"newSegments": [{"from": {"lat": 32.7, "lon": -96.8}, "to": {"lat": 29.8, "lon": -95.4}}]});
    is(&request(&tms, &free).await, 409, "stale_dispatch");
    free["commandId"] = json!("cmd-3");
    free["expectedDispatchRevision"] = json!(2);
    assert_eq!(request(&tms, &free).await.status, 202);
    assert_eq!(status("cmd-3").await, "queued");
    let path = format!("/v1/dispatches/{dispatch}/commands/cmd-3/revocation");
    tms.control("/command", json!({"tenderId": "t-1", "commandId": "cmd-3", "to": "granted"})).await;
    tms.control("/clock", json!({"advanceS": 5})).await;
    assert_eq!(status("cmd-3").await, "completed");
    is(&tms.command(Method::POST, &path, &key("revoke"), "").await, 409, "illegal_transition");
    assert_eq!(tms.get(&format!("/v1/dispatches/{dispatch}")).await.json()["dispatchRevision"], 3);
}
