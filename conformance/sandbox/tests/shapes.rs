//! Every answer is a document of the contract: each entity that the carrier sends, against its published shape.

mod support;

use gladhand_documents::error::Result;
use gladhand_documents::model::tender::TenderDecision;
use gladhand_documents::model::wire::{
    CapacityPage, DigestPage, EventFeed, EventPage, Problem, TenderPage, TenderSnapshot,
};
use serde_json::json;
use support::{raw_items, start, tender};

fn fits<T>(what: &str, text: &str, parsed: Result<T>) {
    if let Err(error) = parsed {
        panic!("{what}: {error}\n{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_has_the_shape_of_the_contract() {
    let (_sandbox, tms) = start();
    let pool = "aurora-dal-hou-pool";
    tms.create(&tender("t-1", "L-1", "express", pool), 5).await;
    tms.create(&tender("t-2", "L-2", "standard", pool), 0).await;
    tms.control("/decide", json!({"tenderId": "t-2", "outcome": "countered"})).await;
    tms.create(&tender("t-3", "L-3", "standard", pool), 0).await;
    tms.control(
        "/decide",
        json!({"tenderId": "t-3", "outcome": "rejected", "reasonCode": "credit", "reasonText": "no"}),
    )
    .await;
    tms.withdraw("t-4", "L-4").await;
    let conflict = tms.create(&tender("t-5", "L-1", "express", pool), 5).await;
    fits("problem", &conflict.text, Problem::parse(&conflict.text));
    let absent = tms.get("/v1/tenders/t-9").await;
    fits("problem", &absent.text, Problem::parse(&absent.text));

    for id in ["t-1", "t-2", "t-3", "t-4", "t-5"] {
        let snapshot = tms.get(&format!("/v1/tenders/{id}")).await;
        fits(id, &snapshot.text, TenderSnapshot::parse(&snapshot.text));
        let events = tms.get(&format!("/v1/tenders/{id}/events")).await;
        fits(id, &events.text, EventPage::parse(&events.text));
        for event in raw_items(&events.text, "events") {
            let event = gladhand_documents::json::Document::parse(&event).unwrap();
            if let Some(decision) = event.extract("/data/decision") {
                fits(id, decision.as_str(), TenderDecision::parse(decision.as_str()));
            }
        }
    }
    let list = tms.get("/v1/tenders").await;
    fits("list", &list.text, TenderPage::parse(&list.text));
    assert_eq!(raw_items(&list.text, "tenders").len(), 5);
    let feed = tms.get("/v1/events").await;
    fits("feed", &feed.text, EventFeed::parse(&feed.text));
    let digests = tms.get("/v1/reconciliation/digests").await;
    fits("digests", &digests.text, DigestPage::parse(&digests.text));
    let found = tms.search(r#"{"origin":{"lat":"32.8","lon":-96.8},"destination":{"lat":29.8,"lon":-95.4}}"#).await;
    fits("capacity", &found.text, CapacityPage::parse(&found.text));
}
