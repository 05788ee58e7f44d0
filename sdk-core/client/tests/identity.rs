//! The identity of a whole client against a whole carrier: its status, its rotation and its end.

mod support;

use gladhand::{Client, Document};
use gladhand_documents::error::Code;
use gladhand_documents::model::{Model as _, sdk, validate};
use support::{Bench, express, soon, text, until_state};

fn status(client: &Client) -> Document {
    let status = client.identity_status().unwrap();
    validate(sdk::IdentityStatus::entity(), &status).unwrap();
    status
}

fn count(status: &Document, event: &str, outcome: &str) -> i64 {
    let events = status.at("/events").unwrap();
    let found = events.items().find(|item| item.get("event").unwrap().text().unwrap() == event);
    found.and_then(|item| item.get(outcome)?.raw().parse().ok()).unwrap_or(0)
}

/// Reads the status until it says so.
async fn until(client: &Client, what: &str, holds: impl Fn(&Document) -> bool) -> Document {
    soon(what, async {
        loop {
            let now = status(client);
            if holds(&now) {
                return now;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_renewed_certificate_is_taken_up_and_the_carrier_sees_it() {
    let bench = Bench::start();
    let client = bench.client().await;
    let tender = client.tender_create(bench.load("L-1"), express()).await.unwrap();
    until_state(&client, &text(&tender, "/tenderId"), "accepted").await;
    let before = status(&client);
    assert_eq!(before.integer("/generations/0/generation"), Some(1));
    assert_eq!(text(&before, "/source"), "pem");
    assert!(count(&before, "token_obtained", "succeeded") >= 1);

    let renewed = bench.post("/identity", r#"{"issue":"client","lifetimeS":3600}"#);
    let fingerprint = text(&renewed, "/fingerprint");
    let after =
        until(&client, "the new identity", |now| now.text("/generations/0/fingerprint").as_ref() == Some(&fingerprint));
    let after = after.await;
    assert_eq!(after.integer("/generations/0/generation"), Some(2));
    let ends = after.at("/expiries").unwrap();
    let certificate = ends.items().find(|end| end.get("subject").unwrap().text().unwrap() == "certificate").unwrap();
    let left: i64 = certificate.get("secondsLeft").unwrap().raw().parse().unwrap();
    assert!((3500..=3600).contains(&left), "{left}");

    let facts = client.connection_facts("aurora").await.unwrap();
    validate(sdk::ConnectionFacts::entity(), &facts).unwrap();
    assert_eq!(text(&facts, "/ourFingerprint"), fingerprint);
    assert_eq!((text(&facts, "/version"), text(&facts, "/keyExchange")), ("TLSv1_3".into(), "X25519MLKEM768".into()));
    let tender = client.tender_create(bench.load("L-2"), express()).await.unwrap();
    until_state(&client, &text(&tender, "/tenderId"), "accepted").await;
    let seen = bench.control("/fingerprints", None);
    let last = seen.at("/requests").unwrap().items().last().unwrap();
    assert_eq!(last.get("fingerprint").unwrap().text().unwrap(), fingerprint, "the carrier sees it too");
    client.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotation_on_demand_is_a_new_generation_and_a_revocation_ends_them_all() {
    let bench = Bench::start();
    let client = bench.client().await;
    let mut events = client.security_events();
    client
        .capacity_search(
            Document::parse(r#"{"origin":{"lat":41.8,"lon":-87.6},"destination":{"lat":34.0,"lon":-118.2}}"#).unwrap(),
        )
        .await
        .unwrap();
    client.rotate().await.unwrap();
    assert_eq!(status(&client).integer("/generations/0/generation"), Some(2));

    client.revoke_now().unwrap();
    let error = client.tender_create(bench.load("L-1"), express()).await.unwrap_err();
    assert_eq!(error.code(), Code::IdentityRevoked, "{error}");
    assert_eq!(bench.creates("L-1"), 0);
    let mut told = Vec::new();
    while !told.contains(&"identity_revoked".to_owned()) {
        let event = soon("the event", events.next()).await.unwrap();
        validate(sdk::SecurityEvent::entity(), &event).unwrap();
        told.push(text(&event, "/message"));
    }
    assert!(told.contains(&"identity_rotated".to_owned()), "{told:?}");
    client.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_short_life_warns_in_its_last_third() {
    let bench = Bench::start();
    bench.post("/identity", r#"{"issue":"client","lifetimeS":12}"#);
    let client = bench.client().await;
    let mut events = client.security_events();
    let warning = soon("the warning", async {
        loop {
            let event = events.next().await.unwrap();
            if text(&event, "/message") == "expiry_warning" && text(&event, "/unmapped/subject") == "certificate" {
                return event;
            }
        }
    });
    let left: i64 = text(&warning.await, "/unmapped/seconds_left").parse().unwrap();
    assert!(left <= 4, "{left}");
    client.close().await;
}
