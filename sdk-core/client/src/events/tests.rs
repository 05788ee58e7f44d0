//! Events in virtual time, over a carrier that answers as the test says.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use gladhand_documents::error::Code;
use gladhand_documents::json::Document;
use gladhand_protocol::tender::event::Incoming;
use gladhand_protocol::tender::{history, ids};
use http::Method;

use super::accept;
use crate::auth::Request;
use crate::tender::tests::{Bench, SECOND, absent, ok, problem, snapshot, snapshot_of, text, unreachable};

fn tender_id() -> String {
    ids::tender_id(&ids::Scope { environment: "sandbox", tenant: "acme", carrier: "aurora" }, "L-1", 1)
}

fn event(id: &str, sequence: u64, kind: &str, extra: &str) -> String {
    format!(
        r#"{{"specversion":"1.0","id":"e-{sequence}","source":"https://carrier.test/tenders/{id}","type":"gladhand.{kind}.v1","subject":"L-1","time":"2026-02-20T08:00:00Z","recordedtime":"2026-02-20T08:00:00Z","sequence":"{sequence:020}","partitionkey":"{id}","data":{{"loadId":"L-1","tenderId":"{id}","eventSequence":{sequence},"status":"x","sourceSystem":"c"{extra}}}}}"#
    )
}

/// Half a minute of real time is for ever.
async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(30), future).await.expect("it never comes")
}

const STOP: &str = r#","controlMode":"minimal_risk""#;

/// A client with one pending tender, in sync.
async fn pending() -> (Bench, String) {
    let id = tender_id();
    let name = id.clone();
    let bench = Bench::new(move |request: &Request| match request.method {
        Method::POST => snapshot_of(&name, "pending", &[event(&name, 1, "tender.received", "")]),
        _ => unreachable(),
    })
    .await;
    let tasks = &bench.client.core().tasks;
    let others = tasks.len();
    bench.create().await.unwrap();
    // What is asked for behind the answer is not what these tests count.
    bench.so(Duration::from_millis(50), || tasks.len() <= others).await;
    bench.comes(&event(&id, 1, "tender.received", "")).await;
    (bench, id)
}

impl Bench {
    async fn comes(&self, text: &str) {
        let event = Incoming::parse(text.as_bytes()).unwrap();
        accept(self.client.core(), event, "aurora", "webhook").await.unwrap();
    }

    /// Lets time pass until something is so.
    async fn so(&self, step: Duration, done: impl Fn() -> bool) {
        self.pass(step, async {
            while !done() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        })
        .await;
    }
}

/// Events with the digest behind the last of them, as the history of a tender serves them.
fn page(id: &str, events: &[String], last: u64, digest: &[u8; 32]) -> String {
    format!(
        r#"{{"events":[{}],"lastSequence":{last},"historyDigest":"{}","logEpoch":"e1","tenderId":"{id}"}}"#,
        events.join(","),
        history::hex(digest)
    )
}

fn digest(id: &str, events: &[String]) -> [u8; 32] {
    events.iter().zip(1..).fold(history::start(id), |digest, (event, sequence)| {
        history::extend(&digest, sequence, &history::digest(event.as_bytes()))
    })
}

#[tokio::test]
async fn a_gap_is_pulled_after_five_seconds_page_by_page() {
    let (bench, id) = pending().await;
    let all: Vec<String> = ["tender.received", "tender.accepted", "dispatch.created", "shipment.status"]
        .iter()
        .zip(1..)
        .map(|(kind, sequence)| event(&id, sequence, kind, ""))
        .collect();
    let end = digest(&id, &all);
    let (name, history) = (id.clone(), all.clone());
    bench.script(move |request: &Request| match request.path.rsplit_once("/events?after=") {
        // A carrier that serves one event at a time.
        Some((_, after)) => {
            let after: usize = after.parse().unwrap();
            ok(200, &page(&name, &history[after..(after + 1).min(4)], 4, &end))
        }
        None => unreachable(),
    });
    let pulls = || bench.asked(&Method::GET, &format!("/v1/tenders/{id}/events")).len();
    let before = pulls();
    bench.comes(&all[3]).await;
    bench.clock.advance(Duration::from_millis(4_900));
    bench.pass(Duration::ZERO, tokio::time::sleep(Duration::from_millis(20))).await;
    assert_eq!(pulls(), before, "it may close by itself");
    let whole = bench.until(SECOND / 10, &id, |t| text(t, "/sync") == "in_sync").await;
    assert_eq!((text(&whole, "/state"), whole.integer("/lastSequence")), ("dispatched".into(), Some(4)));
    assert_eq!(pulls(), before + 2, "the fourth was there");
}

#[tokio::test]
async fn a_gap_that_stays_open_for_a_minute_is_an_alarm() {
    let (bench, id) = pending().await;
    bench.comes(&event(&id, 3, "shipment.status", "")).await;
    let pulls = || bench.asked(&Method::GET, &format!("/v1/tenders/{id}/events")).len();
    let before = pulls();
    let attention = async || {
        let before = crate::clock::Clock::now(&bench.clock).as_millisecond() - 60_000;
        bench.client.core().journal.run(move |store| store.attention(before)).await.unwrap()
    };
    bench.clock.advance(Duration::from_secs(59));
    assert!(attention().await.stale_gaps.is_empty());
    bench.clock.advance(Duration::from_secs(2));
    let alarming = attention().await;
    assert_eq!((alarming.stale_gaps, alarming.parked), (vec![id.clone()], 1));
    // It was asked for all the time, in growing intervals.
    bench.so(SECOND, || pulls() > before).await;
}

#[tokio::test]
async fn an_expired_cursor_is_outlived_by_digests() {
    let (bench, id) = pending().await;
    let all = vec![event(&id, 1, "tender.received", ""), event(&id, 2, "tender.accepted", "")];
    let end = digest(&id, &all);
    let name = id.clone();
    let history = page(&id, &all, 2, &end);
    bench.script(move |request: &Request| match request.path.as_str() {
        "/v1/events" => problem(Code::CursorExpired, ""),
        path if path.starts_with("/v1/events?cursor=") => ok(200, r#"{"events":[],"cursor":"c7","logEpoch":"e1"}"#),
        "/v1/reconciliation/digests" => ok(
            200,
            &format!(
                r#"{{"asOf":"c7","logEpoch":"e1","items":[{{"tenderId":"{name}","loadId":"L-1","revision":1,"state":"accepted","lastSequence":2,"historyDigest":"{}"}}]}}"#,
                history::hex(&end)
            ),
        ),
        path if path.contains("/events?after=") => ok(200, &history),
        _ => absent(&name),
    });
    let mut reader = bench.client.events("billing").await.unwrap();
    let told = bench.pass(SECOND / 10, async { (reader.next().await, reader.next().await) }).await;
    assert_eq!(text(&told.0.unwrap().unwrap().event, "/type"), "gladhand.tender.received.v1");
    assert_eq!(text(&told.1.unwrap().unwrap().event, "/type"), "gladhand.tender.accepted.v1");
    bench.so(SECOND / 10, || !bench.asked(&Method::GET, "/v1/events?cursor=c7").is_empty()).await;
}

#[tokio::test]
async fn an_older_snapshot_takes_nothing_back() {
    let (bench, id) = pending().await;
    bench.comes(&event(&id, 2, "tender.accepted", "")).await;
    // A replica that lags: it has not heard of the acceptance.
    let name = id.clone();
    bench.script(
        move |request: &Request| {
            if request.path.contains("/events") { unreachable() } else { snapshot(&name, "pending", 1) }
        },
    );
    let read = bench.client.tender_get(&id).await.unwrap();
    assert_eq!((text(&read, "/state"), read.integer("/lastSequence")), ("accepted".into(), Some(2)));
}

#[tokio::test]
async fn safety_is_told_though_nobody_listened_when_it_came() {
    let (bench, id) = pending().await;
    // Behind a gap, and stored before anybody asked.
    bench.comes(&event(&id, 3, "control.mode_changed", STOP)).await;
    let gh = &bench.client;
    let mut listener = gh.safety().await.unwrap();
    let told = soon(listener.next()).await.unwrap().unwrap();
    assert_eq!(text(&told, "/sequence"), format!("{:020}", 3));
    // The program dies while it handles it: it was not told.
    drop(listener);
    let mut listener = gh.safety().await.unwrap();
    assert_eq!(soon(listener.next()).await.unwrap().unwrap(), told, "again, until it was handled");
    bench.comes(&event(&id, 5, "control.mode_changed", STOP)).await;
    let next = soon(listener.next()).await.unwrap().unwrap();
    assert_eq!(text(&next, "/sequence"), format!("{:020}", 5));
    // Given, and not arrived: the caller had stopped waiting.
    listener.give_back();
    assert_eq!(soon(listener.next()).await.unwrap().unwrap(), next);
    drop(listener);
    let mut listener = gh.safety().await.unwrap();
    assert_eq!(soon(listener.next()).await.unwrap().unwrap(), next, "the first is told, the second is not");
}

#[tokio::test]
async fn every_listener_is_told() {
    let (bench, id) = pending().await;
    let (mut one, mut two) = (bench.client.safety().await.unwrap(), bench.client.safety().await.unwrap());
    bench.comes(&event(&id, 2, "control.mode_changed", STOP)).await;
    bench.comes(&event(&id, 3, "control.mode_changed", STOP)).await;
    for _ in 0..2 {
        assert!(soon(one.next()).await.unwrap().is_some());
    }
    for sequence in [2, 3] {
        let told = soon(two.next()).await.unwrap().unwrap();
        assert_eq!(text(&told, "/sequence"), format!("{sequence:020}"), "the other's pace takes nothing away");
    }
}

#[tokio::test]
async fn a_failure_of_the_journal_does_not_end_the_safety_stream() {
    let (bench, id) = pending().await;
    bench.comes(&event(&id, 2, "control.mode_changed", STOP)).await;
    let raw = rusqlite::Connection::open(bench.dir.path().join("journal.db")).unwrap();
    raw.busy_timeout(Duration::from_secs(5)).unwrap();
    // As damage does it: past what seals the rows.
    raw.execute_batch("DROP TRIGGER inbox_changing; DROP TRIGGER inbox_changed;").unwrap();
    let bytes: Vec<u8> = raw.query_row("SELECT bytes FROM inbox WHERE sequence = 2", [], |row| row.get(0)).unwrap();
    raw.execute("UPDATE inbox SET bytes = x'7b' WHERE sequence = 2", []).unwrap();
    let mut listener = bench.client.safety().await.unwrap();
    // Nothing comes, and nothing ends: the row cannot be read.
    let waited = bench.pass(SECOND, tokio::time::timeout(Duration::from_millis(50), listener.next())).await;
    assert!(waited.is_err(), "{waited:?}");
    raw.execute("UPDATE inbox SET bytes = ?1 WHERE sequence = 2", [bytes]).unwrap();
    let told = bench.pass(SECOND, listener.next()).await.unwrap().unwrap();
    assert_eq!(text(&told, "/sequence"), format!("{:020}", 2));
}

#[tokio::test]
async fn a_delivery_that_reached_nobody_comes_again() {
    let (bench, id) = pending().await;
    for (kind, sequence) in [("tender.accepted", 2), ("shipment.status", 3)] {
        bench.comes(&event(&id, sequence, kind, "")).await;
    }
    let mut reader = bench.client.events("billing").await.unwrap();
    let first = soon(reader.next()).await.unwrap().unwrap();
    let second = soon(reader.next()).await.unwrap().unwrap();
    let acknowledger = reader.acknowledger();
    acknowledger.ack(first.token).await.unwrap();
    // The second was given out just when its caller stopped waiting.
    acknowledger.give_back(second.token);
    let again = soon(reader.next()).await.unwrap().unwrap();
    assert_eq!((again.token, &again.event), (second.token, &second.event));
    let third = soon(reader.next()).await.unwrap().unwrap();
    assert_eq!(text(&third.event, "/sequence"), format!("{:020}", 3), "and then it goes on");
    for token in [second.token, third.token] {
        acknowledger.ack(token).await.unwrap();
    }
    drop(reader);
    bench.comes(&event(&id, 4, "shipment.status", "")).await;
    let mut reader = bench.client.events("billing").await.unwrap();
    let next = soon(reader.next()).await.unwrap().unwrap();
    assert_eq!(text(&next.event, "/sequence"), format!("{:020}", 4), "what is acknowledged never comes again");
}

#[tokio::test]
async fn a_late_acknowledgement_counts_until_another_reader_has_the_consumer() {
    let (bench, id) = pending().await;
    for (kind, sequence) in [("tender.accepted", 2), ("shipment.status", 3)] {
        bench.comes(&event(&id, sequence, kind, "")).await;
    }
    let mut reader = bench.client.events("billing").await.unwrap();
    let (first, late) = (soon(reader.next()).await.unwrap().unwrap(), reader.acknowledger());
    drop(reader);
    late.ack(first.token).await.unwrap();
    let mut reader = bench.client.events("billing").await.unwrap();
    let second = soon(reader.next()).await.unwrap().unwrap();
    assert_eq!(text(&second.event, "/sequence"), format!("{:020}", 2), "the first is done with");
    let late = reader.acknowledger();
    // Somebody still has the reader; the consumer is free all the same.
    late.release();
    let mut other = bench.client.events("billing").await.unwrap();
    assert_eq!(soon(other.next()).await.unwrap().unwrap().token, second.token, "at once, to the next reader");
    assert_eq!(late.ack(second.token).await.unwrap_err().code(), Code::ConsumerLeased, "it is the other's now");
    assert_eq!(reader.next().await.unwrap_err().code(), Code::ConsumerLeased);
}

#[tokio::test]
async fn dropping_a_wait_loses_nothing() {
    let (bench, id) = pending().await;
    let mut reader = bench.client.events("billing").await.unwrap();
    let seen: Arc<Mutex<Vec<Document>>> = Arc::default();
    for (kind, sequence) in [("tender.received", 1), ("tender.accepted", 2), ("shipment.status", 3)] {
        bench.comes(&event(&id, sequence, kind, "")).await;
        // Polled a few times and dropped wherever it stands, then waited for.
        for polls in 0..4 {
            let mut next = Box::pin(reader.next());
            for _ in 0..polls {
                if let Some(Ok(Some(delivery))) = futures_util::FutureExt::now_or_never(next.as_mut()) {
                    seen.lock().unwrap().push(delivery.event);
                    break;
                }
                tokio::task::yield_now().await;
            }
        }
    }
    while seen.lock().unwrap().len() < 3 {
        let event = soon(reader.next()).await.unwrap().unwrap().event;
        seen.lock().unwrap().push(event);
    }
    let order: Vec<String> = seen.lock().unwrap().iter().map(|event| text(event, "/sequence")).collect();
    assert_eq!(order, [1, 2, 3].map(|sequence| format!("{sequence:020}")));
}
