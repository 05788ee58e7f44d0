//! One dispatcher's morning, in Rust: capacity, three tenders, a dispatch, a truck on the road, a stop, a delivery, and the
//! proof that both sides hold the same history. `cargo xtask demo --language rust` runs it against a sandbox carrier.
//!
//! * [`steps`]: prints what happened. * [`webhooks`]: the TMS's own web server. * [`truck`]: the vehicle gateway.

mod steps;
mod truck;
mod webhooks;

use std::time::Duration;

use gladhand::config::Config;
use gladhand::{Client, CreateOptions, Document, Error, Requester, Result, Sandbox, Value};
use steps::{expect, text};

#[tokio::main(worker_threads = 2)]
async fn main() -> Result<()> {
    // The carrier of this demo, asked to play the human who decides, drives and delivers.
    let carrier = Sandbox::attach(&steps::variable("GLADHAND_SANDBOX_CONTROL"))?;
    let gh = Client::connect(Config::load()?).await?;
    let offer = capacity(&gh).await?;
    express(&gh, &carrier, &offer).await?;
    let tender = asynchronous(&gh, &carrier).await?;
    refused(&gh, &carrier).await?;
    held(&gh, &carrier).await?;
    on_the_road(&gh, &carrier, &tender).await?;
    delivered(&gh, &carrier, &tender).await?;
    gh.close().await;
    Ok(())
}

async fn capacity(gh: &Client) -> Result<Document> {
    let found = gh
        .capacity_search(Document::parse(
            r#"{"origin":{"lat":41.8781,"lon":-87.6298},"destination":{"lat":34.0522,"lon":-118.2437}}"#,
        )?)
        .await?;
    let offer = found.extract("/offers/0/offer").ok_or_else(|| steps::missing("an offer"))?;
    // The contract's own example is among them; its window has passed, so the load goes on the same lane's next truck.
    let offers = found.at("/offers").map_or(0, Value::len);
    let canonical = (0..offers)
        .filter_map(|place| found.extract(&format!("/offers/{place}/offer")))
        .find(|offer| text(offer, "/capacityId") == "aurora-12345")
        .ok_or_else(|| steps::missing("the canonical offer"))?;
    let kept = canonical.number("/rate/amount") == Some("1250.00");
    expect("capacity in canonical JSON", kept, format!("{}, byte for byte:", text(&canonical, "/capacityId")));
    println!("{}", canonical.as_str().trim_end());
    Ok(offer)
}

async fn express(gh: &Client, carrier: &Sandbox, offer: &Document) -> Result<()> {
    let load = carrier.load("load-1001", Some(offer))?;
    let verdict = gh.explain(&load, offer)?;
    let checks = verdict.at("/checks").map_or(0, Value::len);
    expect(
        "eligibility explained",
        text(&verdict, "/verdict") == "eligible",
        format!("{checks} checks, before anything is sent"),
    );

    let options = CreateOptions::new("aurora").capacity(offer.clone()).wait(Duration::from_secs(20));
    let tender = gh.tender_create(load, options).await?;
    expect(
        "express tender",
        text(&tender, "/state") == "accepted",
        format!("{} {}", text(&tender, "/tenderId"), text(&tender, "/state")),
    );
    Ok(())
}

async fn asynchronous(gh: &Client, carrier: &Sandbox) -> Result<Document> {
    let server = webhooks::serve(gh.clone()).await?;
    gh.webhook_subscribe("aurora", "morning", &server.url, &[], "signature_only").await?;
    control(carrier, "/policy", r#"{"decision":"human"}"#)?;
    control(carrier, "/webhooks", r#"{"mode":"hold"}"#)?;

    let tender = gh.tender_create(carrier.load("load-1002", None)?, CreateOptions::new("aurora")).await?;
    let id = text(&tender, "/tenderId");
    expect("asynchronous tender", text(&tender, "/state") == "pending", "a human will decide");

    control(carrier, "/decide", &format!(r#"{{"tenderId":"{id}","outcome":"accepted","decidedBy":"dispatcher-7"}}"#))?;
    control(carrier, "/webhooks/release", &format!(r#"{{"tenderId":"{id}","order":[2,1],"duplicate":2}}"#))?;
    let outcomes = server.outcomes(4).await;
    let decided = state(gh, &id, "accepted").await?;
    expect(
        "webhooks twice and out of order",
        text(&decided, "/state") == "accepted" && outcomes.iter().any(|o| o == "duplicate"),
        format!("received {}; applied once, in order", outcomes.join(", ")),
    );
    control(carrier, "/webhooks", r#"{"mode":"deliver"}"#)?;
    Ok(decided)
}

async fn refused(gh: &Client, carrier: &Sandbox) -> Result<()> {
    control(carrier, "/policy", r#"{"decision":"reject","reasonCode":"weather_forecast"}"#)?;
    let tender = gh
        .tender_create(carrier.load("load-1003", None)?, CreateOptions::new("aurora").wait(Duration::from_secs(10)))
        .await?;
    let reason = text(&tender, "/reason/code");
    expect("third tender refused", text(&tender, "/state") == "rejected", format!("{reason}: the load is free again"));
    control(carrier, "/policy", r#"{"decision":"accept"}"#)?;
    Ok(())
}

async fn held(gh: &Client, carrier: &Sandbox) -> Result<()> {
    let tender = gh.tender_create(carrier.load("load-1002", None)?, CreateOptions::new("aurora")).await?;
    expect("held load joins", tender.boolean("/joined") == Some(true), "the same load again sends nothing");
    Ok(())
}

async fn on_the_road(gh: &Client, carrier: &Sandbox, tender: &Document) -> Result<()> {
    let (id, load) = (text(tender, "/tenderId"), text(tender, "/loadId"));
    control(carrier, "/progress", &format!(r#"{{"tenderId":"{id}","to":"dispatched"}}"#))?;
    let dispatched = state(gh, &id, "dispatched").await?;
    let dispatch_id = text(&dispatched, "/dispatchId");
    let dispatch = gh.dispatch_get(&dispatch_id).await?;
    let tractor = text(&dispatch, "/assignments/0/tractorId");
    expect("dispatch", !tractor.is_empty(), format!("{dispatch_id}, tractor {tractor}"));
    control(carrier, "/progress", &format!(r#"{{"tenderId":"{id}","to":"enroute"}}"#))?;
    state(gh, &id, "enroute").await?;

    let positions = gh.telemetry_follow(std::slice::from_ref(&load)).await?;
    let truck = truck::drive(load, dispatch_id.clone());
    let (mut seen, mut last) = (0, None);
    // The minute takes six seconds; after two seconds of silence the truck has arrived.
    while let Ok(position) = tokio::time::timeout(Duration::from_secs(2), positions.next()).await {
        let Some(position) = position? else { break };
        seen += 1;
        last = Some(position);
    }
    let sent = truck.await.map_err(|e| Error::new(gladhand::Code::InternalPanic, e.to_string()))??;
    let last = last.ok_or_else(|| steps::missing("a position"))?;
    expect("the real highway minute", sent == 600, format!("{sent} records streamed and acknowledged"));
    expect(
        "position and freshness",
        seen > 0,
        format!("{seen} positions; the last at {}, {}", text(&last, "/lat"), text(&last, "/lon")),
    );

    let status = gh
        .stop_at_next_safe_location(&dispatch_id, "load shifted", Requester::new("dispatcher-7", "dispatcher"))
        .await?;
    let command = text(&status, "/commandId");
    let outcome = steps::eventually(|| async {
        let status = gh.command_status(&dispatch_id, &command).await?;
        Ok((text(&status, "/state") == "completed").then_some(status))
    })
    .await?;
    expect("conditional stop", true, format!("{}: {}", text(&outcome, "/state"), text(&outcome, "/outcome")));
    Ok(())
}

async fn delivered(gh: &Client, carrier: &Sandbox, tender: &Document) -> Result<()> {
    let id = text(tender, "/tenderId");
    control(carrier, "/progress", &format!(r#"{{"tenderId":"{id}","to":"delivered"}}"#))?;
    state(gh, &id, "delivered").await?;
    let papers = gh.documents_list(&id).await?;
    let count = papers.at("/documents").map_or(0, Value::len);
    expect("delivery", count > 0, format!("{count} paper(s), the proof of delivery among them"));

    let report = gh.reconcile().await?;
    let (compared, differences) = (text(&report, "/compared"), text(&report, "/differences"));
    expect("reconcile", differences == "0", format!("{compared} histories compared, {differences} differences"));

    let journal = gh.journal_verify().await?;
    let intact = journal.boolean("/intact") == Some(true);
    expect("journal", intact, format!("{} entries, chain intact", text(&journal, "/entries")));
    Ok(())
}

/// Waits until a tender is in a state; the feed brings it.
async fn state(gh: &Client, id: &str, wanted: &str) -> Result<Document> {
    steps::eventually(|| async {
        let tender = gh.tender_get(id).await?;
        Ok((text(&tender, "/state") == wanted).then_some(tender))
    })
    .await
}

fn control(carrier: &Sandbox, path: &str, body: &str) -> Result<Document> {
    carrier.control(path, Some(&Document::parse(body)?))
}
