//! Commands in virtual time, over a carrier that answers as the test says.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use gladhand_documents::error::{Code, Result, Sent};
use gladhand_documents::json::Document;
use http::Method;

use super::{CommandRequest, Requester};
use crate::auth::{Request, Response};
use crate::tender::tests::{Bench, SECOND, lost, ok, problem, text};

const COMMANDS: &str = "/v1/dispatches/D-1/commands/";

fn dispatch(mode: &str) -> String {
    format!(
        r#"{{"schemaVersion":"1.0.0","dispatchId":"D-1","tenderId":"t-1","loadId":"L-1","dispatchRevision":7,"assignments":[{{"legId":"a","driveMode":"autonomous"}}],"controlMode":"{mode}"}}"#
    )
}

fn status(command: &Document, state: &str) -> Result<Response> {
    let text = |pointer: &str| text(command, pointer);
    ok(
        202,
        &format!(
            r#"{{"schemaVersion":"1.0.0","commandId":"{}","dispatchId":"D-1","type":"{}","state":"{state}","updatedAt":"2026-02-20T08:00:01Z"}}"#,
            text("/commandId"),
            text("/type"),
        ),
    )
}

fn by() -> Requester {
    Requester::new("ana@acme.test", "dispatcher")
}

/// A carrier that takes commands, and what it was asked for.
async fn taking() -> (Bench, Arc<Mutex<Vec<Document>>>) {
    let asked: Arc<Mutex<Vec<Document>>> = Arc::default();
    let wishes = asked.clone();
    let bench = Bench::new(move |request: &Request| match request.method {
        Method::PUT => {
            let command = Document::parse(request.body.as_ref().unwrap()).unwrap();
            let answer = status(&command, "acknowledged");
            wishes.lock().unwrap().push(command);
            answer
        }
        _ if request.path.contains("/commands/") => {
            let wishes = wishes.lock().unwrap();
            let wanted = |c: &&Document| request.path.ends_with(&text(c, "/commandId"));
            status(wishes.iter().find(wanted).unwrap(), "granted")
        }
        _ => ok(200, &dispatch("autonomous")),
    })
    .await;
    (bench, asked)
}

#[tokio::test]
async fn every_type_goes_out_with_what_belongs_to_it() {
    let (bench, asked) = taking().await;
    let gh = &bench.client;
    let stop = gh.stop_at_next_safe_location("D-1", "debris", by()).await.unwrap();
    let stop = text(&stop, "/commandId");
    gh.dispatch_resume("D-1", &stop, "the road is clear", by()).await.unwrap();
    let hold = gh.dispatch_hold("D-1", "the dock is full", by(), 900).await.unwrap();
    let hold = text(&hold, "/commandId");
    gh.dispatch_renew_hold("D-1", &hold, "still full", by(), 600).await.unwrap();
    gh.dispatch_release("D-1", &hold, "the dock is free", by()).await.unwrap();
    gh.dispatch_request_intervention("D-1", "roadside_service", "a flat tyre", by()).await.unwrap();
    gh.dispatch_change_route("D-1", "det-2", "flood", by()).await.unwrap();
    let params = r#"{"stopId":"d","appointment":{"kind":"window","start":"2026-02-20T19:00:00-06:00","end":"2026-02-20T21:00:00-06:00","timeZone":"America/Chicago"}}"#;
    let reschedule = CommandRequest {
        params: Some(Document::parse(params).unwrap()),
        ..CommandRequest::new("reschedule_stop", "the shipper called", by())
    };
    gh.command_request("D-1", reschedule).await.unwrap();

    let asked = asked.lock().unwrap();
    let said: Vec<(String, String)> = asked
        .iter()
        .map(|c| (text(c, "/type"), c.extract("/params").map(|p| p.as_str().to_owned()).unwrap_or_default()))
        .collect();
    let expected = [
        ("conditional_stop", r#"{"condition":"next_safe_location"}"#.to_owned()),
        ("resume", format!(r#"{{"commandRef":"{stop}"}}"#)),
        ("hold_at_terminal", String::new()),
        ("hold_at_terminal", format!(r#"{{"commandRef":"{hold}"}}"#)),
        ("release", format!(r#"{{"commandRef":"{hold}"}}"#)),
        ("manual_intervention", r#"{"kind":"roadside_service"}"#.to_owned()),
        ("route_change", r#"{"detourId":"det-2"}"#.to_owned()),
        ("reschedule_stop", params.to_owned()),
    ];
    assert_eq!(said, expected.map(|(kind, params)| (kind.to_owned(), params)));
    for (command, number) in asked.iter().zip(1..) {
        assert_eq!(command.integer("/commandSequence"), Some(number), "numbered by the journal, strictly rising");
        assert_eq!(command.integer("/expectedDispatchRevision"), Some(7), "of the dispatch as it was just read");
        assert_eq!(text(command, "/requestedBy/principal"), "ana@acme.test");
        let leased = (text(command, "/type") == "hold_at_terminal").then(|| command.integer("/leaseS").unwrap());
        assert_eq!(leased.is_some(), command.integer("/leaseS").is_some());
    }
}

#[tokio::test]
async fn what_does_not_belong_to_a_type_is_named_and_not_sent() {
    let (bench, asked) = taking().await;
    let wish = |kind: &str, params: &str, lease_seconds| CommandRequest {
        params: (!params.is_empty()).then(|| Document::parse(params).unwrap()),
        lease_seconds,
        ..CommandRequest::new(kind, "because", by())
    };
    for (kind, params, lease, path) in [
        ("conditional_stop", "", None, "/params/condition"),
        ("conditional_stop", r#"{"condition":"soon"}"#, None, "/params/condition"),
        ("conditional_stop", r#"{"condition":"at_terminal"}"#, None, "/params/latestBy"),
        ("conditional_stop", r#"{"condition":"at_stop","latestBy":"2026-02-20T12:00:00Z"}"#, None, "/params/stopId"),
        ("conditional_stop", r#"{"condition":"if","latestBy":"2026-02-20T12:00:00Z"}"#, None, "/params/exceptionKind"),
        (
            "conditional_stop",
            r#"{"condition":"at_terminal","latestBy":"2026-02-20T07:00:00Z"}"#,
            None,
            "/params/latestBy",
        ),
        ("resume", "", None, "/params/commandRef"),
        ("release", "{}", None, "/params/commandRef"),
        ("manual_intervention", r#"{"kind":"a_miracle"}"#, None, "/params/kind"),
        ("route_change", "", None, "/params/detourId"),
        (
            "route_change",
            r#"{"detourId":"a","newSegments":[{"from":{"lat":1,"lon":1},"to":{"lat":2,"lon":2}}]}"#,
            None,
            "/params/detourId",
        ),
        ("reschedule_stop", r#"{"stopId":"d"}"#, None, "/params/appointment"),
        ("hold_at_terminal", "", None, "/leaseS"),
        ("hold_at_terminal", "", Some(0), "/leaseS"),
        ("resume", r#"{"commandRef":"c-1"}"#, Some(60), "/leaseS"),
        ("self_destruct", "", None, "/type"),
    ] {
        let error = bench.client.command_request("D-1", wish(kind, params, lease)).await.unwrap_err();
        assert_eq!((error.code(), error.sent_state()), (Code::SchemaInvalid, Sent::NotSent), "{kind} {params}");
        assert!(error.violations().iter().any(|v| v.path == path), "{kind} {params}: {:?}", error.violations());
    }
    let long = CommandRequest {
        expires_in: Some(Duration::from_secs(901)),
        ..CommandRequest::stop_at_next_safe_location("debris", by()).unwrap()
    };
    let error = bench.client.command_request("D-1", long).await.unwrap_err();
    assert_eq!(error.violations()[0].path, "/expiresAt");
    assert!(asked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn where_a_person_drives_only_a_person_is_asked_for() {
    for mode in ["manual_override", "minimal_risk", "out_of_service"] {
        let bench = Bench::new(move |request: &Request| match request.method {
            Method::PUT => status(&Document::parse(request.body.as_ref().unwrap()).unwrap(), "acknowledged"),
            _ => ok(200, &dispatch(mode)),
        })
        .await;
        let error = bench.client.stop_at_next_safe_location("D-1", "debris", by()).await.unwrap_err();
        assert_eq!((error.code(), error.sent_state()), (Code::IllegalTransition, Sent::NotSent), "{mode}");
        assert!(error.message().contains(mode), "{error}");
        assert!(bench.asked(&Method::PUT, COMMANDS).is_empty());
        bench.client.dispatch_request_intervention("D-1", "human_takeover", "it stands", by()).await.unwrap();
    }
}

#[tokio::test]
async fn asking_twice_under_one_id_asks_once() {
    let (bench, asked) = taking().await;
    let wish = |reason: &str| CommandRequest {
        command_id: Some("c-mine".to_owned()),
        ..CommandRequest::stop_at_next_safe_location(reason, by()).unwrap()
    };
    let first = bench.client.command_request("D-1", wish("debris")).await.unwrap();
    assert_eq!(text(&first, "/state"), "acknowledged");
    bench.clock.advance(SECOND);
    let again = bench.client.command_request("D-1", wish("debris")).await.unwrap();
    assert_eq!(text(&again, "/state"), "granted", "how far it got meanwhile");
    assert_eq!(asked.lock().unwrap().len(), 1);
    let error = bench.client.command_request("D-1", wish("a whim")).await.unwrap_err();
    assert_eq!((error.code(), error.sent_state()), (Code::RevisionContentConflict, Sent::NotSent));
    assert!(error.message().contains("reason"), "{error}");
}

#[tokio::test]
async fn the_journal_tells_who_asked_for_what_and_what_became_of_it() {
    let bench = Bench::new(|request: &Request| match request.method {
        Method::PUT => lost(),
        _ if request.path.contains("/commands/") => problem(Code::NotFound, ""),
        _ => ok(200, &dispatch("autonomous")),
    })
    .await;
    let wish = || CommandRequest {
        command_id: Some("c-1".to_owned()),
        ..CommandRequest::stop_at_next_safe_location("debris on the road", by()).unwrap()
    };
    let unproven = bench.pass(SECOND / 20, bench.client.command_request("D-1", wish())).await.unwrap();
    assert_eq!((text(&unproven, "/state"), text(&unproven, "/receipt")), ("requested".into(), "unproven".into()));
    assert_eq!((text(&unproven, "/inverse"), unproven.boolean("/irreversible")), ("resume".into(), Some(false)));
    let record = bench.client.command_records("D-1").await.unwrap().remove(0);
    assert_eq!((text(&record, "/state"), text(&record, "/receipt")), ("requested".into(), "unproven".into()));
    assert_eq!(text(&record, "/command/requestedBy/principal"), "ana@acme.test");
    assert_eq!(text(&record, "/command/reason"), "debris on the road");
    assert_eq!((text(&record, "/inverse"), record.boolean("/irreversible")), ("resume".into(), Some(false)));

    // Past its expiry it is read, and never sent again.
    bench.clock.advance(Duration::from_secs(301));
    // What was decided before the expiry may be on its way.
    tokio::time::sleep(Duration::from_millis(200)).await;
    let sent = bench.asked(&Method::PUT, COMMANDS).len();
    let record = bench
        .pass(SECOND, async {
            loop {
                let record = bench.client.command_records("D-1").await.unwrap().remove(0);
                if text(&record, "/receipt") == "not_sent" {
                    return record;
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        })
        .await;
    assert_eq!(text(&record, "/state"), "expired");
    assert_eq!(bench.asked(&Method::PUT, COMMANDS).len(), sent);
    let again = bench.client.command_request("D-1", wish()).await.unwrap();
    assert_eq!(text(&again, "/state"), "expired", "asked for under the same id, it stays what it was");
    assert_eq!(bench.asked(&Method::PUT, COMMANDS).len(), sent);
    gladhand_documents::model::validate(
        <gladhand_documents::model::sdk::CommandRecord as gladhand_documents::model::Model>::entity(),
        &record,
    )
    .unwrap();
}

#[tokio::test]
async fn a_refused_command_is_on_record_too() {
    let bench = Bench::new(|request: &Request| match request.method {
        Method::PUT => problem(Code::StaleDispatch, ""),
        _ => ok(200, &dispatch("autonomous")),
    })
    .await;
    let error = bench.client.dispatch_request_intervention("D-1", "transfer_hub", "a person", by()).await.unwrap_err();
    assert_eq!(error.code(), Code::StaleDispatch);
    let record = bench.client.command_records("D-1").await.unwrap().remove(0);
    assert_eq!((text(&record, "/state"), text(&record, "/receipt")), ("refused".into(), "refused".into()));
    assert_eq!((text(&record, "/code"), record.boolean("/irreversible")), ("stale_dispatch".into(), Some(true)));
    let other = bench.client.command_records("D-10").await.unwrap();
    assert!(other.is_empty(), "a dispatch whose id begins alike has commands of its own");
}
