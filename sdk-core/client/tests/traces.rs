//! The host's trace reaches the carrier: judged by what the carrier saw.

mod support;

use gladhand::trace::{TraceContext, in_trace};
use gladhand::{Client, Code, Document};
use support::{Bench, express};

const STATE: &str = "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE";

fn context(trace: &str) -> Option<TraceContext> {
    TraceContext::parse(&format!("00-{trace}-00f067aa0ba902b7-01"), Some(STATE))
}

/// Every request that the carrier saw, tokens and discovery too, as path and `traceparent`.
fn seen(bench: &Bench) -> Vec<(String, Option<String>)> {
    let log = bench.control("/fingerprints?after=0", None);
    let requests = log.at("/requests").expect("requests");
    requests
        .items()
        .map(|request| Document::parse(request.raw()).unwrap())
        .map(|request| (request.text("/path").unwrap(), request.text("/traceparent")))
        .collect()
}

fn traces(requests: &[(String, Option<String>)], trace: &str) -> Vec<String> {
    requests.iter().filter_map(|(_, parent)| parent.clone()).filter(|parent| parent[3..35] == *trace).collect()
}

async fn connected() -> (Bench, Client) {
    let bench = Bench::start();
    let client = bench.client().await;
    (bench, client)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_request_of_a_call_is_in_its_trace_with_a_span_of_its_own() {
    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    let (bench, gh) = connected().await;
    in_trace(context(TRACE), gh.tender_create(bench.load("load-1"), express())).await.unwrap();
    let requests = seen(&bench);
    let parents = traces(&requests, TRACE);
    // What the background asks at the same time is in nobody's trace.
    let own = |path: &str| requests.iter().filter(|(asked, parent)| asked.contains(path) && parent.is_some()).count();
    assert!(own("/oauth") > 0 || own("/token") > 0, "the token of the call is the call's: {requests:?}");
    assert!(own("/v1/tenders") > 0, "{requests:?}");
    let mut spans: Vec<&str> = parents.iter().map(|parent| &parent[36..52]).collect();
    assert!(spans.iter().all(|span| *span != "00f067aa0ba902b7"));
    let many = spans.len();
    spans.sort_unstable();
    spans.dedup();
    assert_eq!(spans.len(), many, "a span twice");
    let state = bench.control("/state", None);
    let creates = state.at("/requests/latest").unwrap().items().map(|seen| Document::parse(seen.raw()).unwrap());
    let creates: Vec<Document> =
        creates.filter(|seen| seen.text("/operation").as_deref() == Some("tenders.create")).collect();
    assert_eq!(creates.len(), 1);
    assert_eq!(creates[0].text("/tracestate").as_deref(), Some(STATE));
    gh.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_at_the_same_time_do_not_mix_and_a_call_without_a_trace_has_none() {
    let (bench, gh) = connected().await;
    let ids: Vec<String> = (0..16_u32).map(|number| format!("{:032x}", 0xabc0_0000 + number)).collect();
    let calls = ids.iter().map(|id| {
        let gh = gh.clone();
        let call = format!("no-such-{id}");
        let context = context(id);
        tokio::spawn(async move { in_trace(context, gh.capacity_get("aurora", &call)).await })
    });
    for (id, call) in ids.iter().zip(calls.collect::<Vec<_>>()) {
        let error = call.await.unwrap().unwrap_err();
        assert_eq!(error.code(), Code::NotFound, "{error}");
        assert_eq!(error.trace_id(), Some(id.as_str()));
    }
    let lonely = gh.capacity_get("aurora", "no-such-lonely").await.unwrap_err();
    assert!(lonely.trace_id().is_some_and(|id| !ids.iter().any(|own| own == id)), "the carrier's own trace");
    for (path, parent) in seen(&bench).iter().filter(|(path, _)| path.contains("no-such-")) {
        match parent {
            Some(parent) => assert!(path.ends_with(&parent[3..35]), "{path} {parent}"),
            None => assert!(path.ends_with("lonely"), "{path}"),
        }
    }
    gh.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_below_the_contract_has_the_trace_of_its_call() {
    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
    let (bench, gh) = connected().await;
    let error = in_trace(context(TRACE), gh.tender_get("t-unknown")).await.unwrap_err();
    assert_eq!((error.code(), error.trace_id()), (Code::TenderUnknown, Some(TRACE)));
    drop(bench);
    let error = in_trace(context(TRACE), gh.capacity_get("aurora", "c-1")).await.unwrap_err();
    assert_eq!(error.trace_id(), Some(TRACE), "{error}");
    gh.close().await;
}
