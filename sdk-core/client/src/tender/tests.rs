//! Bad days in virtual time, over a carrier that answers as the test says.
//!
//! * `standing`: what a carrier's answers say of the carrier.
//! * `guards`: what one carrier, one process or one moment must not do to another.
//! * `release`: the operator's override.

mod guards;
mod release;
mod standing;
mod trace;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use gladhand_documents::error::{Code, Error, Result, Sent};
use gladhand_documents::json::Document;
use http::{HeaderMap, Method, StatusCode};

use super::CreateOptions;
use crate::auth::{Caller, Request, Response};
use crate::clock::{Clock as _, TestClock};
use crate::transport::BoxFuture;
use crate::{Client, Config};

pub(crate) type Script = Box<dyn Fn(&Request) -> Result<Response> + Send + Sync>;

/// A carrier that does what it is told, and remembers what it was asked.
pub(crate) struct Scripted {
    pub(crate) discovery: String,
    script: Mutex<Script>,
    seen: Mutex<Vec<(Method, String, Option<String>)>>,
}

impl Scripted {
    pub(crate) fn new(script: impl Fn(&Request) -> Result<Response> + Send + Sync + 'static) -> Self {
        Self { discovery: DISCOVERY.to_owned(), script: Mutex::new(Box::new(script)), seen: Mutex::default() }
    }

    pub(crate) fn asked(&self, method: &Method, path: &str) -> Vec<Option<String>> {
        let seen = self.seen.lock().unwrap();
        seen.iter().filter(|(m, p, _)| m == method && p.starts_with(path)).map(|(_, _, key)| key.clone()).collect()
    }
}

impl std::fmt::Debug for Scripted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Scripted")
    }
}

impl Caller for Scripted {
    fn call(&self, request: Request) -> BoxFuture<'_, Result<Response>> {
        if request.operation == "discovery" {
            return Box::pin(std::future::ready(ok(200, &self.discovery)));
        }
        let key = request.headers.get("idempotency-key").and_then(|k| k.to_str().ok()).map(str::to_owned);
        self.seen.lock().unwrap().push((request.method.clone(), request.path.clone(), key));
        let answer = (self.script.lock().unwrap())(&request);
        Box::pin(std::future::ready(answer))
    }
}

pub(crate) const DISCOVERY: &str = r#"{"schemaVersion":"1.0.0","environment":"sandbox","carrier":{"scac":"AURR"},"versions":[{"major":1,"minor":0,"status":"active"}],"compatibilityWindowDays":365,"issuer":"https://carrier.test","resource":"https://carrier.test","idempotency":{"retentionHours":168},"webhookKeys":[],"limits":{"maxWaitSeconds":25,"maxBodyBytes":1048576},"features":[],"logEpoch":"e1"}"#;

#[allow(clippy::unnecessary_wraps, reason = "every answer of a script is a result")]
pub(crate) fn ok(status: u16, body: &str) -> Result<Response> {
    Ok(Response {
        status: StatusCode::from_u16(status).unwrap(),
        headers: HeaderMap::new(),
        body: bytes::Bytes::copy_from_slice(body.as_bytes()),
    })
}

pub(crate) fn problem(code: Code, members: &str) -> Result<Response> {
    Err(Error::new(code, "said the carrier")
        .sent(Sent::Acknowledged)
        .with_status(code.http_status())
        .with_problem(format!(r#"{{"code":"{code}"{members}}}"#)))
}

pub(crate) fn lost() -> Result<Response> {
    Err(Error::new(Code::ConnectionLost, "reset").sent(Sent::MaybeSent))
}

pub(crate) fn unreachable() -> Result<Response> {
    Err(Error::new(Code::Connect, "no route"))
}

pub(crate) fn absent(tender: &str) -> Result<Response> {
    problem(Code::NotFound, &format!(r#","tenderId":"{tender}","logEpoch":"e1""#))
}

/// A tombstone has no events; anything else has at least one, which is never pulled here.
pub(crate) fn snapshot(tender: &str, state: &str, sequence: u64) -> Result<Response> {
    let digest = gladhand_protocol::tender::history::hex(&gladhand_protocol::tender::history::start(tender));
    ok(
        200,
        &format!(
            r#"{{"schemaVersion":"1.0.0","tenderId":"{tender}","loadId":"L-1","revision":1,"state":"{state}","lastSequence":{sequence},"historyDigest":"{digest}","logEpoch":"e1"}}"#
        ),
    )
}

/// A snapshot of a tender whose history is these events.
pub(crate) fn snapshot_of(tender: &str, state: &str, events: &[String]) -> Result<Response> {
    use gladhand_protocol::tender::history;
    let digest = events.iter().zip(1..).fold(history::start(tender), |digest, (event, sequence)| {
        history::extend(&digest, sequence, &history::digest(event.as_bytes()))
    });
    ok(
        200,
        &format!(
            r#"{{"schemaVersion":"1.0.0","tenderId":"{tender}","loadId":"L-1","revision":1,"state":"{state}","lastSequence":{},"historyDigest":"{}","logEpoch":"e1"}}"#,
            events.len(),
            history::hex(&digest)
        ),
    )
}

pub(crate) struct Bench {
    pub(crate) clock: TestClock,
    pub(crate) carrier: Arc<Scripted>,
    pub(crate) client: Client,
    pub(crate) dir: tempfile::TempDir,
}

impl Bench {
    pub(crate) async fn new(script: impl Fn(&Request) -> Result<Response> + Send + Sync + 'static) -> Self {
        Self::with(Scripted::new(script)).await
    }

    pub(crate) async fn with(carrier: Scripted) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let config = Config::from_toml(
            "environment = 'sandbox'\ntenant = 'acme'\njournal.path = 'journal.db'\n\
             identity = { certificate = 'c', private_key = 'k', trust = 't' }\n\
             [carriers.aurora]\nbase_url = 'https://carrier.test'\nclient_id = 'tms'\nassertion_key = 'a'\n",
            dir.path(),
        )
        .unwrap();
        let clock = TestClock::at("2026-02-20T08:00:00Z".parse().unwrap());
        let carrier = Arc::new(carrier);
        let callers: BTreeMap<String, Arc<dyn Caller>> = [("aurora".to_owned(), carrier.clone() as _)].into();
        let client = Client::connect_simulated(config, Arc::new(clock.clone()), callers).await.unwrap();
        Self { clock, carrier, client, dir }
    }

    pub(crate) fn script(&self, script: impl Fn(&Request) -> Result<Response> + Send + Sync + 'static) {
        *self.carrier.script.lock().unwrap() = Box::new(script);
    }

    /// Lets time pass in steps until the future is done.
    pub(crate) async fn pass<T>(&self, step: Duration, future: impl Future<Output = T>) -> T {
        let ticking = async {
            // A minute of real time is for ever.
            for _ in 0..60_000 {
                // The journal works on a thread of its own: real time must pass for it.
                tokio::time::sleep(Duration::from_millis(1)).await;
                self.clock.advance(step);
            }
        };
        tokio::select! {
            out = future => out,
            () = ticking => unreachable!("time passes for ever"),
        }
    }

    pub(crate) async fn create(&self) -> Result<Document> {
        self.pass(Duration::from_millis(50), self.client.tender_create(load(), CreateOptions::new("aurora"))).await
    }

    pub(crate) async fn until(&self, step: Duration, tender: &str, done: impl Fn(&Document) -> bool) -> Document {
        self.pass(step, async {
            loop {
                let list = self.client.tender_list(None).await.unwrap();
                let found = list.into_iter().find(|t| t.text("/tenderId").as_deref() == Some(tender)).unwrap();
                if done(&found) {
                    return found;
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        })
        .await
    }

    pub(crate) fn asked(&self, method: &Method, path: &str) -> Vec<Option<String>> {
        self.carrier.asked(method, path)
    }
}

pub(crate) fn load() -> Document {
    Document::parse(
        r#"{"loadId":"L-1","mode":"standard","respondBy":"2026-02-20T09:00:00Z","parties":[{"role":"bill_to","name":"Acme"}],
        "stops":[{"stopId":"p","sequence":1,"type":"pickup","location":{"name":"a","address":{},"timeZone":"America/Chicago"},"appointment":{"kind":"window","start":"2026-02-20T09:00:00-06:00","end":"2026-02-20T11:00:00-06:00","timeZone":"America/Chicago"}},
        {"stopId":"d","sequence":2,"type":"delivery","location":{"name":"b","address":{},"timeZone":"America/Chicago"},"appointment":{"kind":"window","start":"2026-02-20T19:00:00-06:00","end":"2026-02-20T21:00:00-06:00","timeZone":"America/Chicago"}}],
        "commodities":[{"lineId":"1","description":"Paper","quantity":20,"packaging":"PLT","weight":{"value":38000,"unit":"lb"},"pickupStopId":"p","deliveryStopId":"d"}],
        "references":[{"type":"PO","value":"1","scope":"load"}],"rate":{"currency":"USD","amount":1250.00},"equipmentRequired":{"trailerType":"van"}}"#,
    )
    .unwrap()
}

pub(crate) fn text(document: &Document, pointer: &str) -> String {
    document.text(pointer).unwrap_or_default()
}

pub(crate) const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn what_never_arrived_in_time_is_withdrawn_and_frees_the_load() {
    let bench = Bench::new(|request| if request.method == Method::POST { lost() } else { unreachable() }).await;
    let tender = bench.create().await.unwrap();
    let id = text(&tender, "/tenderId");
    assert_eq!((text(&tender, "/state"), text(&tender, "/receipt")), ("offer".into(), "unproven".into()));
    assert_eq!(tender.boolean("/loadReleased"), Some(false), "nobody knows: the load is held");
    let sent = bench.asked(&Method::POST, "/v1/tenders").len();

    // Ten minutes later the carrier is back, and has never seen it: too late to send it again.
    bench.clock.advance(Duration::from_secs(601));
    let name = id.clone();
    bench.script(move |request| match request.path.as_str() {
        path if path.contains("/withdrawals/") => snapshot(&name, "withdrawn", 0),
        path if path.contains("/events") => absent(&name),
        _ => absent(&name),
    });
    let done =
        bench.until(SECOND, &id, |t| text(t, "/state") == "withdrawn" && text(t, "/reason/code") == "unsent").await;
    assert_eq!(done.boolean("/loadReleased"), Some(true));
    let creates = bench.asked(&Method::POST, "/v1/tenders");
    assert_eq!(creates.iter().filter(|key| **key == creates[0]).count(), sent, "never sent again after its time");
    assert_eq!(bench.asked(&Method::POST, &format!("/v1/tenders/{id}/withdrawals/")).len(), 1);
}

#[tokio::test]
async fn what_is_absent_in_time_goes_out_again_under_its_key() {
    let bench = Bench::new(|request| if request.method == Method::POST { lost() } else { unreachable() }).await;
    let id = text(&bench.create().await.unwrap(), "/tenderId");
    let name = id.clone();
    bench.script(move |request| match (&request.method, request.path.contains("/events")) {
        (&Method::POST, _) => snapshot(&name, "pending", 1),
        _ => absent(&name),
    });
    let done = bench.until(SECOND / 10, &id, |t| text(t, "/receipt") == "proven").await;
    assert_eq!(text(&done, "/tenderId"), id);
    let keys = bench.asked(&Method::POST, "/v1/tenders");
    assert!(keys.len() >= 2 && keys.iter().all(|key| *key == keys[0] && key.is_some()), "{keys:?}");
}

#[tokio::test]
async fn a_definite_failure_is_an_error_and_frees_the_load() {
    let bench = Bench::new(|_| unreachable()).await;
    let error = bench.create().await.unwrap_err();
    assert_eq!((error.code(), error.sent_state()), (Code::Connect, Sent::NotSent));
    assert_eq!(error.idempotency_key().map(str::len), Some(43));
    assert_eq!(bench.asked(&Method::POST, "/v1/tenders").len(), 3, "three attempts");
    assert!(bench.client.tender_list(None).await.unwrap().is_empty());

    bench.script(|_| problem(Code::CapacityBackpressure, r#","retryAfterS":1"#));
    let error = bench.create().await.unwrap_err();
    assert_eq!((error.code(), error.sent_state()), (Code::CapacityBackpressure, Sent::Acknowledged));

    bench.script(|_| problem(Code::ScopeMissing, ""));
    assert_eq!(bench.create().await.unwrap_err().code(), Code::ScopeMissing);
    let journal = bench.client.journal_verify().await.unwrap();
    assert_eq!((journal.integer("/entries"), journal.integer("/unresolved")), (Some(6), Some(0)));
}

#[tokio::test]
async fn what_was_acknowledged_and_is_lost_is_frozen_and_never_resent() {
    let bench = Bench::new(|_| lost()).await;
    let id = text(&bench.create().await.unwrap(), "/tenderId");
    let name = id.clone();
    bench.script(
        move |request| if request.path.contains("/events") { absent(&name) } else { snapshot(&name, "pending", 1) },
    );
    bench.until(SECOND / 10, &id, |t| text(t, "/receipt") == "proven").await;
    let sent = bench.asked(&Method::POST, "/v1/tenders").len();
    let name = id.clone();
    bench.script(move |_| absent(&name));
    let lags = bench.client.tender_get(&id).await.unwrap();
    assert_eq!(text(&lags, "/sync"), "gap", "a read may lag behind");
    bench.clock.advance(SECOND * 60);
    let lost = bench.client.tender_get(&id).await.unwrap();
    assert_eq!((text(&lost, "/sync"), lost.boolean("/loadReleased")), ("diverged".into(), Some(false)));
    let joined = bench.create().await.unwrap();
    assert_eq!((text(&joined, "/tenderId"), joined.boolean("/joined")), (id, Some(true)));
    assert_eq!(bench.asked(&Method::POST, "/v1/tenders").len(), sent);
}

/// The read began before the answer came that proves the tender, and ends after it.
#[tokio::test]
async fn an_absence_that_an_answer_overtook_is_no_loss() {
    let bench = Bench::new(|_| lost()).await;
    let id = text(&bench.create().await.unwrap(), "/tenderId");
    let name = id.clone();
    bench.script(move |request| match request.method {
        Method::POST if request.path.contains("/withdrawals/") => snapshot(&name, "withdrawn", 0),
        _ => absent(&name),
    });
    bench.pass(SECOND / 10, bench.client.tender_withdraw(&id, "changed")).await.unwrap();
    let done = bench.until(SECOND / 10, &id, |t| text(t, "/receipt") == "proven").await;
    assert_eq!((text(&done, "/state"), text(&done, "/sync")), ("withdrawn".into(), "in_sync".into()));
    // The create is read back until the withdrawal is old, and nothing is taken for lost meanwhile.
    let name = id.clone();
    bench.script(move |_| snapshot(&name, "withdrawn", 0));
    bench
        .pass(SECOND / 10, async {
            while bench.client.journal_verify().await.unwrap().integer("/unresolved") != Some(0) {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        })
        .await;
    let done = bench.client.tender_get(&id).await.unwrap();
    assert_eq!((text(&done, "/sync"), done.boolean("/loadReleased")), ("in_sync".into(), Some(true)));
}

#[tokio::test]
async fn a_carrier_that_restored_and_lost_a_tender_is_sent_others_once_it_is_compared_with() {
    let bench = Bench::new(|_| lost()).await;
    let id = text(&bench.create().await.unwrap(), "/tenderId");
    let name = id.clone();
    bench.script(
        move |request| if request.path.contains("/events") { absent(&name) } else { snapshot(&name, "pending", 1) },
    );
    bench.until(SECOND / 10, &id, |t| text(t, "/receipt") == "proven").await;
    bench.script(move |request| match request.path.as_str() {
        path if path.starts_with("/v1/reconciliation/digests") => {
            ok(200, r#"{"items":[],"asOf":"c1","logEpoch":"e2"}"#)
        }
        _ => problem(Code::CapacityCommitted, ""),
    });
    let create = async || {
        let other = load().with_text("/loadId", "L-2").unwrap();
        bench.pass(SECOND / 10, bench.client.tender_create(other, CreateOptions::new("aurora"))).await
    };
    bench.client.core().epoch("aurora", "e2").await.unwrap();
    assert_eq!(create().await.unwrap_err().code(), Code::EpochChanged);
    let report = bench.pass(SECOND / 10, bench.client.reconcile()).await.unwrap();
    assert_eq!((text(&report, "/items/0/class"), report.integer("/differences")), ("REMOTE_LOST".into(), Some(1)));
    let frozen = bench.client.tender_list(None).await.unwrap().remove(0);
    assert_eq!((text(&frozen, "/sync"), frozen.boolean("/loadReleased")), ("diverged".into(), Some(false)));
    assert_eq!(text(&create().await.unwrap(), "/state"), "rejected", "it is sent, and answered");
}

#[tokio::test]
async fn an_answer_that_is_none_of_the_contract_proves_nothing() {
    let bench = Bench::new(|request| match request.method {
        Method::POST => ok(200, r#"{"welcome":"to the proxy"}"#),
        _ => Err(Error::new(Code::UnexpectedAnswer, "404 of a proxy").sent(Sent::MaybeSent).with_status(404)),
    })
    .await;
    let tender = bench.create().await.unwrap();
    assert_eq!((text(&tender, "/state"), text(&tender, "/receipt")), ("offer".into(), "unproven".into()));
    assert!(bench.clock.now() < "2026-02-20T08:05:00Z".parse().unwrap());
}

#[tokio::test]
async fn what_is_undecided_past_its_time_is_read_and_withdrawn() {
    let bench = Bench::new(|_| unreachable()).await;
    let id = gladhand_protocol::tender::ids::tender_id(
        &gladhand_protocol::tender::ids::Scope { environment: "sandbox", tenant: "acme", carrier: "aurora" },
        "L-1",
        1,
    );
    let name = id.clone();
    bench.script(move |request| match request.path.as_str() {
        path if path.contains("/withdrawals/") => snapshot(&name, "withdrawn", 2),
        path if path.contains("/events") => absent(&name),
        _ => snapshot(&name, "pending", 1),
    });
    let tender = bench.create().await.unwrap();
    assert_eq!((text(&tender, "/tenderId"), text(&tender, "/receipt")), (id.clone(), "proven".into()));
    let withdrawals = format!("/v1/tenders/{id}/withdrawals/");
    // respondBy is 09:00; the grace ends 30 s later.
    bench.clock.advance(Duration::from_secs(3600));
    bench.pass(SECOND / 10, tokio::time::sleep(Duration::from_millis(20))).await;
    assert!(bench.asked(&Method::POST, &withdrawals).is_empty(), "not before the grace is over");
    bench.until(SECOND, &id, |t| text(t, "/state") == "withdrawn").await;
    assert_eq!(bench.asked(&Method::POST, &withdrawals).len(), 1);
}
