//! Commands against a real carrier: every type, holds and their leases, and what the journal knows of it all.

mod support;

use gladhand::{Client, Code, CommandRequest, Document, Requester, Sent};
use support::{Bench, express, soon, text, until_state};

fn by() -> Requester {
    Requester::new("dana@acme.test", "dispatcher")
}

/// A tender that is under way, and its dispatch.
async fn enroute(bench: &Bench, client: &Client, load: &str) -> (String, String) {
    let id = text(&client.tender_create(bench.load(load), express()).await.unwrap(), "/tenderId");
    for state in ["dispatched", "enroute"] {
        bench.post("/progress", &format!(r#"{{"tenderId":"{id}","to":"{state}"}}"#));
    }
    let tender = until_state(client, &id, "enroute").await;
    (id, text(&tender, "/dispatchId"))
}

async fn until(client: &Client, dispatch: &str, command: &str, state: &str) -> Document {
    soon(state, async {
        loop {
            let status = client.command_status(dispatch, command).await.unwrap();
            if text(&status, "/state") == state {
                return status;
            }
            tokio::task::yield_now().await;
        }
    })
    .await
}

fn history(record: &Document) -> Vec<String> {
    record.at("/history").unwrap().items().map(|step| step.get("state").unwrap().text().unwrap().into_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hold_is_renewed_released_or_lapses() {
    let bench = Bench::start();
    let client = bench.client().await;
    let (_, dispatch) = enroute(&bench, &client, "L-1").await;
    let command = |status: &Document| text(status, "/commandId");
    let first = command(&client.dispatch_hold(&dispatch, "the dock is full", by(), 60).await.unwrap());
    let held = until(&client, &dispatch, &first, "executing").await;
    assert_eq!((text(&held, "/inverse"), held.text("/leaseUntil").is_some()), ("release".into(), true));
    let second = CommandRequest::renew_hold(&first, "still full", by(), 60).unwrap();
    let second = command(&client.command_request(&dispatch, second).await.unwrap());
    until(&client, &dispatch, &first, "completed").await;
    until(&client, &dispatch, &second, "executing").await;
    // Nobody renews it: it lapses, and the carrier does what it publishes.
    bench.post("/clock", r#"{"advanceS":61}"#);
    until(&client, &dispatch, &second, "expired").await;
    let third = command(&client.dispatch_hold(&dispatch, "full again", by(), 900).await.unwrap());
    until(&client, &dispatch, &third, "executing").await;
    let release = command(&client.dispatch_release(&dispatch, &third, "the dock is free", by()).await.unwrap());
    until(&client, &dispatch, &third, "completed").await;
    bench.post("/clock", r#"{"advanceS":5}"#);
    until(&client, &dispatch, &release, "completed").await;

    // The same from the journal alone, once the carrier's events are here.
    let records = soon("the record", async {
        loop {
            let records = client.command_records(&dispatch).await.unwrap();
            if records.len() == 4 && text(&records[3], "/state") == "completed" {
                return records;
            }
            client.tender_get(&text(&records[0], "/tenderId")).await.unwrap();
        }
    })
    .await;
    let states: Vec<String> = records.iter().map(|record| text(record, "/state")).collect();
    assert_eq!(states, ["completed", "expired", "completed", "completed"]);
    assert_eq!(history(&records[1]), ["acknowledged", "granted", "executing", "expired"]);
    let numbers: Vec<_> = records.iter().map(|record| record.integer("/command/commandSequence").unwrap()).collect();
    assert_eq!(numbers, [1, 2, 3, 4], "strictly rising");
    assert_eq!(text(&records[2], "/command/requestedBy/principal"), "dana@acme.test");
    assert_eq!(text(&records[2], "/command/reason"), "full again");
    client.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_route_changes_within_what_is_permitted() {
    let bench = Bench::start();
    let client = bench.client().await;
    let (_, dispatch) = enroute(&bench, &client, "L-1").await;
    let error = client.dispatch_change_route(&dispatch, "through-town", "closure", by()).await.unwrap_err();
    assert_eq!((error.code(), error.sent_state()), (Code::DetourNotPermitted, Sent::Acknowledged));
    let change = client.dispatch_change_route(&dispatch, "i45-i35", "closure", by()).await.unwrap();
    let change = text(&change, "/commandId");
    bench.post("/clock", r#"{"advanceS":5}"#);
    let done = until(&client, &dispatch, &change, "completed").await;
    assert_eq!((text(&done, "/inverse"), done.boolean("/irreversible")), ("route_change".into(), Some(false)));
    assert_eq!(client.dispatch_get(&dispatch).await.unwrap().integer("/dispatchRevision"), Some(2));
    // The next command names the revision that holds now.
    let stop = client.stop_at_next_safe_location(&dispatch, "debris", by()).await.unwrap();
    let stop = text(&stop, "/commandId");
    bench.post("/clock", r#"{"advanceS":5}"#);
    until(&client, &dispatch, &stop, "completed").await;
    let error = client.command_revoke(&dispatch, &stop, "a false alarm", by()).await.unwrap_err();
    assert_eq!(error.code(), Code::IllegalTransition, "too late to take it back");
    let resumed = client.dispatch_resume(&dispatch, &stop, "it is clear", by()).await.unwrap();
    until(&client, &dispatch, &text(&resumed, "/commandId"), "executing").await;
    client.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_the_vehicle_stands_a_person_is_asked_for_and_a_wish_can_be_taken_back() {
    let bench = Bench::start();
    let client = bench.client().await;
    let (id, dispatch) = enroute(&bench, &client, "L-1").await;
    bench.post("/command-policy", r#"{"manual_intervention":"hold","stop":"hold"}"#);
    let stop = text(&client.stop_at_next_safe_location(&dispatch, "debris", by()).await.unwrap(), "/commandId");
    let revoked = client.command_revoke(&dispatch, &stop, "a false alarm", by()).await.unwrap();
    assert_eq!((text(&revoked, "/state"), text(&revoked, "/receipt")), ("revoked".into(), "proven".into()));
    assert_eq!(text(&revoked, "/reason"), "a false alarm");
    // Somebody else says it again: it is taken back already, and who did it stands.
    let other = Requester::new("eli@acme.test", "dispatcher");
    let again = client.command_revoke(&dispatch, &stop, "I think so too", other).await.unwrap();
    assert_eq!((text(&again, "/state"), text(&again, "/reason")), ("revoked".into(), "a false alarm".into()));
    let record = client.command_records(&dispatch).await.unwrap().remove(0);
    assert_eq!(text(&record, "/revocation/requestedBy/principal"), "dana@acme.test");
    let novel = client.command_revoke(&dispatch, &stop, &"why ".repeat(200), by()).await.unwrap_err();
    assert_eq!((novel.code(), novel.sent_state()), (Code::SchemaInvalid, Sent::NotSent));

    bench.post("/control-mode", &format!(r#"{{"tenderId":"{id}","mode":"minimal_risk"}}"#));
    let error = client.dispatch_resume(&dispatch, &stop, "on we go", by()).await.unwrap_err();
    assert_eq!((error.code(), error.sent_state()), (Code::IllegalTransition, Sent::NotSent));
    let help = client.dispatch_request_intervention(&dispatch, "roadside_service", "it stands", by()).await.unwrap();
    let help = text(&help, "/commandId");
    let waiting = client.command_status(&dispatch, &help).await.unwrap();
    assert_eq!((text(&waiting, "/state"), waiting.boolean("/irreversible")), ("acknowledged".into(), Some(true)));
    // No answer by its expiry is a no.
    bench.post("/clock", r#"{"advanceS":301}"#);
    until(&client, &dispatch, &help, "expired").await;
    client.close().await;
}
