//! Tenders against a real carrier over the real network.

mod support;

use gladhand::{Code, CreateOptions, Requester, Sent};
use support::{Bench, express, soon, text, until_state};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_load_from_capacity_to_reconciliation() {
    let bench = Bench::start();
    let client = bench.client().await;
    let search = gladhand::Document::parse(
        r#"{"origin":{"lat":32.7767,"lon":-96.797},"destination":{"lat":29.7604,"lon":-95.3698},"radiusMi":150}"#,
    )
    .unwrap();
    let found = client.capacity_search(search).await.unwrap();
    assert_eq!(found.at("/failures").unwrap().len(), 0, "{}", found.as_str());
    assert!(!found.at("/offers").unwrap().is_empty(), "{}", found.as_str());

    let load = bench.load("L-1");
    let tender = client.tender_create(load.clone(), express()).await.unwrap();
    assert_eq!(text(&tender, "/state"), "accepted", "{}", tender.as_str());
    assert_eq!((text(&tender, "/receipt"), text(&tender, "/sync")), ("proven".into(), "in_sync".into()));
    assert_eq!(tender.integer("/lastSequence"), Some(2));
    let id = text(&tender, "/tenderId");

    let again = client.tender_create(load, express()).await.unwrap();
    assert_eq!((text(&again, "/tenderId"), again.boolean("/joined")), (id.clone(), Some(true)));
    assert_eq!(bench.creates("L-1"), 1);
    assert_eq!(client.tender_withdraw(&id, "changed my mind").await.unwrap_err().code(), Code::AlreadyAccepted);

    bench.post("/progress", &format!(r#"{{"tenderId":"{id}","to":"dispatched"}}"#));
    let dispatched = until_state(&client, &id, "dispatched").await;
    let dispatch = text(&dispatched, "/dispatchId");
    assert_eq!(text(&client.dispatch_get(&dispatch).await.unwrap(), "/tenderId"), id);
    bench.post("/progress", &format!(r#"{{"tenderId":"{id}","to":"enroute"}}"#));
    until_state(&client, &id, "enroute").await;

    let stop = client
        .stop_at_next_safe_location(&dispatch, "storm ahead", Requester::new("dana@acme.test", "dispatcher"))
        .await
        .unwrap();
    assert_eq!((text(&stop, "/receipt"), stop.integer("/commandSequence")), ("proven".into(), Some(1)));
    let command = text(&stop, "/commandId");
    soon("the stop", async {
        while text(&client.command_status(&dispatch, &command).await.unwrap(), "/state") != "completed" {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let dana = Requester::new("dana@acme.test", "dispatcher");
    let error = client.command_revoke(&dispatch, &command, "no storm", dana.clone()).await.unwrap_err();
    assert_eq!(error.code(), Code::IllegalTransition, "{error}");
    let resumed = client.dispatch_resume(&dispatch, &command, "the storm has passed", dana).await.unwrap();
    assert_eq!(resumed.integer("/commandSequence"), Some(2));

    bench.post("/progress", &format!(r#"{{"tenderId":"{id}","to":"delivered"}}"#));
    let delivered = until_state(&client, &id, "delivered").await;
    assert_eq!(delivered.boolean("/loadReleased"), Some(false));
    assert!(client.documents_list(&id).await.unwrap().as_str().contains("POD"));

    let report = client.reconcile().await.unwrap();
    assert_eq!(
        (report.integer("/differences"), report.integer("/compared")),
        (Some(0), Some(1)),
        "{}",
        report.as_str()
    );
    let journal = client.journal_verify().await.unwrap();
    assert_eq!((journal.boolean("/intact"), journal.integer("/unresolved")), (Some(true), Some(0)));
    let export = client.journal_export().await.unwrap();
    assert_eq!(text(&export[0], "/kind"), "INTENT");
    assert_eq!(export.len() as i64, journal.integer("/entries").unwrap());
    let health = client.health().await.unwrap();
    assert_eq!(text(&health, "/status"), "ok", "{}", health.as_str());
    client.close().await;
    assert_eq!(client.tender_get(&id).await.unwrap_err().code(), Code::ClientClosed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_human_decides_later() {
    let bench = Bench::start();
    let client = bench.client().await;
    let load = bench.load("L-2").with_text("/mode", "standard").unwrap();
    let tender = client.tender_create(load, CreateOptions::new("aurora")).await.unwrap();
    assert_eq!(text(&tender, "/state"), "pending");
    let id = text(&tender, "/tenderId");
    let mut events = client.events("billing").await.unwrap();
    bench.post(
        "/decide",
        &format!(r#"{{"tenderId":"{id}","outcome":"rejected","reasonCode":"lead_time","decidedBy":"olaf"}}"#),
    );
    let rejected = until_state(&client, &id, "rejected").await;
    assert_eq!((text(&rejected, "/reason/code"), rejected.boolean("/loadReleased")), ("lead_time".into(), Some(true)));
    for kind in ["gladhand.tender.received.v1", "gladhand.tender.rejected.v1"] {
        let delivery = soon(kind, events.next()).await.unwrap().unwrap();
        assert_eq!(text(&delivery.event, "/type"), kind);
        events.ack(delivery.token).await.unwrap();
    }
    assert_eq!(client.events("billing").await.unwrap_err().code(), Code::ConsumerLeased);

    // Released: the same call names the same tender, another attempt is another tender.
    let load = bench.load("L-2");
    let same = client.tender_create(load.clone(), express()).await.unwrap();
    assert_eq!(text(&same, "/tenderId"), id);
    let next = client.tender_again(load.clone(), express()).await.unwrap();
    assert_eq!((next.integer("/attempt"), text(&next, "/state")), (Some(2), "accepted".into()));
    assert_ne!(text(&next, "/tenderId"), id);
    assert_eq!(client.tender_again(load, express()).await.unwrap_err().code(), Code::LoadHeld);
    client.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_is_a_rejected_tender() {
    let bench = Bench::start();
    let client = bench.client().await;
    let load = bench.load("L-3").with_text("/capacityId", "nobody-1").unwrap();
    let tender = client.tender_create(load, express()).await.unwrap();
    assert_eq!((text(&tender, "/state"), text(&tender, "/sync")), ("rejected".into(), "in_sync".into()));
    assert_eq!(text(&tender, "/reason/code"), "capacity_gone", "{}", tender.as_str());
    assert_eq!(tender.integer("/lastSequence"), Some(2));
    let report = client.reconcile().await.unwrap();
    assert_eq!(report.integer("/differences"), Some(0), "{}", report.as_str());

    let broken = bench.load("L-4").remove("/stops").unwrap();
    let error = client.tender_create(broken, express()).await.unwrap_err();
    assert_eq!((error.code(), error.sent_state()), (Code::SchemaInvalid, Sent::NotSent));
    assert_eq!(bench.creates("L-4"), 0);
    client.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_happens_twice_on_a_bad_network() {
    let bench = Bench::start();
    let client = bench.client().await;
    for (place, (when, how)) in [
        ("before", "reset"),
        ("after", "reset"),
        ("before", "503"),
        ("after", "503"),
        ("before", "500"),
        ("after", "500"),
        ("after", "gateway404"),
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("L-bad-{place}");
        bench.post("/fail", &format!(r#"{{"operation":"tenders.create","when":"{when}","how":"{how}","times":1}}"#));
        let tender = client.tender_create(bench.load(&name), express()).await.unwrap();
        let id = text(&tender, "/tenderId");
        let settled = until_state(&client, &id, "accepted").await;
        assert_eq!(text(&settled, "/receipt"), "proven", "{when} {how}");
        assert_eq!(bench.creates(&name), 1, "{when} {how}");
    }
    let journal = client.journal_verify().await.unwrap();
    assert_eq!((journal.boolean("/intact"), journal.integer("/unresolved")), (Some(true), Some(0)));
    client.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_workers_tender_one_load_once() {
    let bench = Bench::start();
    let (one, two) = (bench.client().await, bench.client().await);
    for round in 0..5 {
        let name = format!("L-race-{round}");
        bench.offer(&name, 10);
        let load = bench.load_for(&name, &name);
        let (a, b) = tokio::join!(one.tender_create(load.clone(), express()), two.tender_create(load, express()));
        let (a, b) = (a.unwrap(), b.unwrap());
        assert_eq!(text(&a, "/tenderId"), text(&b, "/tenderId"));
        assert!(a.boolean("/joined") != b.boolean("/joined"), "one sends, the other joins");
        assert_eq!(bench.creates(&name), 1);
        until_state(&two, &text(&a, "/tenderId"), "accepted").await;
    }
    one.close().await;
    two.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restored_carrier_gets_nothing_before_a_reconciliation() {
    let bench = Bench::start();
    let client = bench.client().await;
    let id = text(&client.tender_create(bench.load("L-1"), express()).await.unwrap(), "/tenderId");
    bench.post("/epoch", "{}");
    client.tender_get(&id).await.unwrap();
    let error = client.tender_create(bench.load("L-2"), express()).await.unwrap_err();
    assert_eq!((error.code(), bench.creates("L-2")), (Code::EpochChanged, 0));
    assert_eq!(client.reconcile().await.unwrap().integer("/differences"), Some(0));
    let tender = client.tender_create(bench.load("L-2"), express()).await.unwrap();
    assert_eq!(text(&tender, "/state"), "accepted");
    client.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_withdrawal_frees_the_load() {
    let bench = Bench::start();
    let client = bench.client().await;
    let load = bench.load("L-1").with_text("/mode", "standard").unwrap();
    let id = text(&client.tender_create(load.clone(), CreateOptions::new("aurora")).await.unwrap(), "/tenderId");
    bench.post("/fail", r#"{"operation":"tenders.withdraw","when":"after","how":"reset","times":1}"#);
    let withdrawn = client.tender_withdraw(&id, "the shipper called").await.unwrap();
    assert_eq!((text(&withdrawn, "/state"), withdrawn.boolean("/loadReleased")), ("withdrawn".into(), Some(true)));
    let again = client.tender_again(load, CreateOptions::new("aurora")).await.unwrap();
    assert_eq!((text(&again, "/state"), again.integer("/attempt")), ("pending".into(), Some(2)));
    assert_eq!(client.reconcile().await.unwrap().integer("/differences"), Some(0));
    client.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_load_that_does_not_fit_is_not_sent() {
    let bench = Bench::start();
    let client = bench.client().await;
    let offer = bench.offer("small", 1);
    let found = client
        .capacity_search(
            gladhand::Document::parse(
                r#"{"origin":{"lat":32.7767,"lon":-96.797},"destination":{"lat":29.7604,"lon":-95.3698}}"#,
            )
            .unwrap(),
        )
        .await
        .unwrap();
    let offers = found.at("/offers").unwrap();
    let mine = offers.items().find_map(|o| o.get("offer").filter(|o| o.raw().contains("\"small\""))).unwrap();
    assert!(mine.raw().contains("1250.00"), "the offer's own bytes");
    let mine = gladhand::Document::parse(mine.raw()).unwrap();
    let load = bench.load_for("L-1", &offer).patch("/commodities/0/weight/value", "48000").unwrap();
    assert_eq!(text(&client.explain(&load, &mine).unwrap(), "/verdict"), "ineligible");
    let error = client.tender_create(load, express().capacity(mine.clone())).await.unwrap_err();
    assert_eq!((error.code(), error.sent_state()), (Code::WeightExceeded, Sent::NotSent));
    assert_eq!(bench.creates("L-1"), 0);
    let load = bench.load_for("L-1", &offer).remove("/capacityId").unwrap();
    let tender = client.tender_create(load, express().capacity(mine)).await.unwrap();
    assert_eq!(text(&tender, "/state"), "accepted", "{}", tender.as_str());
    client.close().await;
}
