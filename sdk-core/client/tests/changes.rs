//! What the TMS changes of a tender, against a real carrier: revisions, counter offers, amendments, cancellations, holds; and
//! tenders that another journal made.

mod support;

use gladhand::{Client, Code, CreateOptions, Document};
use support::{Bench, express, soon, text, until_state};

async fn pending(bench: &Bench, client: &Client, load: &str) -> (Document, String) {
    let load = bench.load(load).with_text("/mode", "standard").unwrap();
    let tender = client.tender_create(load.clone(), CreateOptions::new("aurora")).await.unwrap();
    assert_eq!(text(&tender, "/state"), "pending", "{}", tender.as_str());
    let id = text(&tender, "/tenderId");
    (load, id)
}

fn decide(bench: &Bench, id: &str, outcome: &str, more: &str) {
    bench.post("/decide", &format!(r#"{{"tenderId":"{id}","outcome":"{outcome}"{more}}}"#));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tender_is_revised_until_it_is_accepted_and_amended_afterwards() {
    let bench = Bench::start();
    let client = bench.client().await;
    let (load, id) = pending(&bench, &client, "L-1").await;

    let cheaper = load.patch("/rate/amount", "1200.00").unwrap();
    let revised = client.tender_revise(&id, cheaper.clone(), None).await.unwrap();
    assert_eq!((text(&revised, "/state"), revised.integer("/revision")), ("pending".into(), Some(2)));
    let foreign = cheaper.with_text("/loadId", "L-2").unwrap();
    assert_eq!(client.tender_revise(&id, foreign, None).await.unwrap_err().code(), Code::InvalidArgument);
    let skipped = cheaper.patch("/revision", "4").unwrap();
    assert_eq!(client.tender_revise(&id, skipped, None).await.unwrap_err().code(), Code::RevisionGap);

    decide(&bench, &id, "accepted", "");
    let late = client.tender_revise(&id, cheaper.clone(), None).await.unwrap_err();
    assert_eq!(late.code(), Code::AlreadyAccepted, "{late}");
    let now = client.tender_get(&id).await.unwrap();
    assert_eq!((text(&now, "/state"), now.integer("/revision")), ("accepted".into(), Some(2)));

    let amended = client.tender_amend(&id, cheaper).await.unwrap();
    assert_eq!((text(&amended, "/state"), text(&amended, "/amendment")), ("accepted".into(), "received".into()));
    assert_eq!(amended.integer("/revision"), Some(2), "not before the carrier confirms");
    let report = client.reconcile().await.unwrap();
    assert_eq!(report.integer("/differences"), Some(0), "{}", report.as_str());
    client.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_counter_offer_is_taken_or_declined() {
    let bench = Bench::start();
    let client = bench.client().await;
    let (_, taken) = pending(&bench, &client, "L-1").await;
    let none = client.tender_accept_counter(&taken, None).await.unwrap_err();
    assert_eq!(none.code(), Code::IllegalTransition, "{none}");

    let counter = r#","counter":{"rate":{"currency":"USD","amount":1300.00}}"#;
    decide(&bench, &taken, "countered", counter);
    let offered = until_state(&client, &taken, "countered").await;
    assert_eq!(offered.number("/decision/counter/rate/amount"), Some("1300.00"));
    let accepted = client.tender_accept_counter(&taken, None).await.unwrap();
    assert_eq!((text(&accepted, "/state"), text(&accepted, "/sync")), ("accepted".into(), "in_sync".into()));

    let (_, declined) = pending(&bench, &client, "L-2").await;
    decide(&bench, &declined, "countered", counter);
    until_state(&client, &declined, "countered").await;
    let refused = client.tender_decline_counter(&declined, Some("too dear")).await.unwrap();
    assert_eq!((text(&refused, "/state"), refused.boolean("/loadReleased")), ("rejected".into(), Some(true)));
    client.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancellation_is_a_request_until_the_carrier_confirms() {
    let bench = Bench::start();
    let client = bench.client().await;
    let tender = client.tender_create(bench.load("L-1"), express()).await.unwrap();
    let id = text(&tender, "/tenderId");
    let asked = client.tender_request_cancel(&id, "the shipper is not ready").await.unwrap();
    assert_eq!((text(&asked, "/state"), text(&asked, "/cancellation")), ("accepted".into(), "requested".into()));
    assert_eq!(asked.boolean("/loadReleased"), Some(false));
    bench.post("/cancellation", &format!(r#"{{"tenderId":"{id}","confirm":false}}"#));
    soon("the refusal", async {
        while text(&client.tender_get(&id).await.unwrap(), "/cancellation") != "declined" {
            tokio::task::yield_now().await;
        }
    })
    .await;
    client.tender_request_cancel(&id, "still not").await.unwrap();
    bench.post("/cancellation", &format!(r#"{{"tenderId":"{id}","confirm":true}}"#));
    let cancelled = until_state(&client, &id, "cancelled").await;
    assert_eq!(cancelled.boolean("/loadReleased"), Some(true));
    client.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slot_is_held_and_let_go() {
    let bench = Bench::start();
    let client = bench.client().await;
    let held = client.capacity_hold("aurora", "aurora-chi-lax-2", Some("h-1")).await.unwrap();
    assert_eq!(text(&held, "/hold/holdId"), "h-1", "{}", held.as_str());
    client.capacity_hold("aurora", "aurora-chi-lax-2", Some("h-1")).await.unwrap();
    let taken = client.capacity_hold("aurora", "aurora-chi-lax-2", None).await.unwrap_err();
    assert_eq!(taken.code(), Code::CapacityCommitted, "{taken}");
    client.capacity_release("aurora", "aurora-chi-lax-2", "h-1").await.unwrap();
    let free = client.capacity_get("aurora", "aurora-chi-lax-2").await.unwrap();
    assert!(free.at("/hold").is_none(), "{}", free.as_str());
    client.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_journal_that_begins_anew_imports_what_lives_and_never_tenders_it_again() {
    let bench = Bench::start();
    let client = bench.client().await;
    let tender = client.tender_create(bench.load("L-1"), express()).await.unwrap();
    let named = bench.load("L-2").with_text("/tenderId", "named-by-the-tms").unwrap();
    client.tender_create(named, express()).await.unwrap();
    client.close().await;

    // Another journal, of the same TMS: it knows neither of them.
    let anew = Client::connect(bench.config("anew.db")).await.unwrap();
    let other = bench.load("L-2").with_text("/tenderId", "another-name").unwrap();
    let refused = anew.tender_create(other, express()).await.unwrap();
    assert_eq!((text(&refused, "/state"), text(&refused, "/reason/code")), ("rejected".into(), "duplicate".into()));
    assert_eq!(refused.boolean("/loadReleased"), Some(false), "another tender has the load");
    let joined = anew.tender_create(bench.load("L-2"), express()).await.unwrap();
    assert_eq!((text(&joined, "/tenderId"), joined.boolean("/joined")), ("named-by-the-tms".into(), Some(true)));

    let report = anew.reconcile().await.unwrap();
    assert_eq!(report.integer("/differences"), Some(0), "{}", report.as_str());
    let second = anew.reconcile().await.unwrap();
    assert_eq!((second.integer("/repairs"), second.integer("/differences")), (Some(0), Some(0)), "{}", second.as_str());
    let known = anew.tender_get(&text(&tender, "/tenderId")).await.unwrap();
    assert_eq!((text(&known, "/state"), text(&known, "/sync")), ("accepted".into(), "in_sync".into()));
    assert_eq!(known.integer("/attempt"), Some(1));
    let joined = anew.tender_create(bench.load("L-1"), express()).await.unwrap();
    assert_eq!(joined.boolean("/joined"), Some(true));
    assert_eq!(bench.creates("L-1"), 1);
    anew.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restored_carrier_is_sent_nothing_until_everything_is_settled() {
    let bench = Bench::start();
    let client = bench.client().await;
    let kept = client.tender_create(bench.load("L-1"), express()).await.unwrap();
    bench.post("/epoch", "{}");
    client.tender_get(&text(&kept, "/tenderId")).await.unwrap();
    let frozen = client.tender_create(bench.load("L-2"), express()).await.unwrap_err();
    assert_eq!(frozen.code(), Code::EpochChanged, "{frozen}");
    let report = client.reconcile().await.unwrap();
    assert_eq!(report.integer("/differences"), Some(0), "{}", report.as_str());
    let tender = client.tender_create(bench.load("L-2"), express()).await.unwrap();
    assert_eq!(text(&tender, "/state"), "accepted");
    client.close().await;
}
