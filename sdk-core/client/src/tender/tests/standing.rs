//! What a carrier's answers say of the carrier: its version, its end, its epoch, its trouble.

use std::sync::atomic::{AtomicU32, Ordering};

use super::guards::{Silent, connect, connect_with, taken, tender_id};
use super::*;

fn with_headers(answer: Result<Response>, headers: &[(&'static str, &str)]) -> Result<Response> {
    let mut answer = answer?;
    for (name, value) in headers {
        answer.headers.insert(*name, value.parse().unwrap());
    }
    Ok(answer)
}

/// A whole offer, of no particular carrier.
const OFFER: &str = r#"{"capacityId":"c-1","vehicleType":"tractor-std","autonomyLevel":"L4","availableWindow":{"start":"2026-02-20T08:00:00Z","end":"2026-02-20T20:00:00Z"},"route":[{"from":{"lat":41.8781,"lon":-87.6298},"to":{"lat":34.0522,"lon":-118.2437}}],"constraints":{"maxWeightLbs":80000,"hazmat":false},"rate":{"currency":"USD","amount":1250.00}}"#;

async fn one(
    discovery: &str,
    extra: &str,
    script: impl Fn(&Request) -> Result<Response> + Send + Sync + 'static,
) -> Lone {
    let mut carrier = Scripted::new(script);
    carrier.discovery = discovery.to_owned();
    let carrier = Arc::new(carrier);
    let (clock, client, dir) = connect_with(extra, carrier.clone(), Arc::new(Silent)).await;
    Lone { clock, carrier, client, _dir: dir }
}

/// A client whose other carrier says nothing.
struct Lone {
    clock: TestClock,
    carrier: Arc<Scripted>,
    client: Client,
    _dir: tempfile::TempDir,
}

fn sample(metrics: &Document, name: &str, partner: &str) -> Option<f64> {
    let samples = metrics.at("/samples").unwrap();
    let found = samples.items().find(|sample| {
        sample.get("name").and_then(gladhand_documents::json::Value::text).as_deref() == Some(name)
            && sample.get("labels").and_then(|l| l.get("partner")?.text()).as_deref() == Some(partner)
    });
    found.map(|sample| sample.get("value").unwrap().number().unwrap().parse().unwrap())
}

#[tokio::test]
async fn a_webhook_key_of_a_new_form_costs_nothing_else() {
    let keys = r#""webhookKeys":[{"keyId":"pq-1","publicKey":"whpq_AAAA"},{"keyId":7,"jwk":{"kty":"AKP"}}]"#;
    let id = tender_id("aurora", "L-1");
    let bench =
        one(&DISCOVERY.replace(r#""webhookKeys":[]"#, keys), "", move |_| taken(&id, "L-1", "pending", "")).await;
    let tender = bench.client.tender_create(load(), CreateOptions::new("aurora")).await.unwrap();
    assert_eq!(text(&tender, "/state"), "pending");
}

#[tokio::test]
async fn a_log_epoch_counts_from_the_answer_that_brings_it() {
    let bench = one(DISCOVERY, "", |request| {
        if request.method != Method::POST {
            return unreachable();
        }
        let body = Document::parse(request.body.clone().unwrap()).unwrap();
        let answer = taken(&text(&body, "/tenderId"), &text(&body, "/loadId"), "pending", "")?;
        ok(200, &String::from_utf8_lossy(&answer.body).replace(r#""logEpoch":"e1""#, r#""logEpoch":"e2""#))
    })
    .await;
    bench.client.tender_create(load(), CreateOptions::new("aurora")).await.unwrap();
    let other = load().with_text("/loadId", "L-2").unwrap();
    let error = bench.client.tender_create(other, CreateOptions::new("aurora")).await.unwrap_err();
    assert_eq!((error.code(), error.sent_state()), (Code::EpochChanged, Sent::NotSent));
    assert_eq!(bench.carrier.asked(&Method::POST, "/v1/tenders").len(), 1);
}

#[tokio::test]
async fn a_carrier_of_another_major_is_refused_with_the_choices() {
    let other = r#""versions":[{"major":2,"minor":3,"status":"active"}]"#;
    let versions = r#""versions":[{"major":1,"minor":0,"status":"active"}]"#;
    let bench = one(&DISCOVERY.replace(versions, other), "", |_| unreachable()).await;
    let error = bench.client.tender_create(load(), CreateOptions::new("aurora")).await.unwrap_err();
    assert_eq!(error.code(), Code::UnsupportedVersion);
    assert!(error.message().contains("2.3"), "{error}");
    // And where it finds that out at the call.
    let bench = one(DISCOVERY, "", |_| {
        problem(Code::UnsupportedVersion, r#","versions":[{"major":3,"minor":1,"status":"active"}]"#)
    })
    .await;
    let error = bench.client.capacity_get("aurora", "c-1").await.unwrap_err();
    assert!(error.message().contains("3.1"), "{error}");
}

#[tokio::test]
async fn every_call_says_which_version_it_wants_and_the_journal_which_it_got() {
    let id = tender_id("aurora", "L-1");
    let bench = one(DISCOVERY, "", move |request| {
        assert_eq!(request.headers["accept-version"], "1.x; min=1.0");
        with_headers(taken(&id, "L-1", "pending", ""), &[("api-version", "1.4.2")])
    })
    .await;
    bench.client.tender_create(load(), CreateOptions::new("aurora")).await.unwrap();
    let export = bench.client.journal_export().await.unwrap();
    let outcome = export.iter().find(|entry| text(entry, "/kind") == "OUTCOME").unwrap();
    assert_eq!(text(outcome, "/body/version"), "1.4.2");
}

const ENDING: &[(&str, &str)] = &[
    ("deprecation", "@1771574400"),
    ("sunset", "Sat, 21 Mar 2026 08:00:00 GMT"),
    ("link", r#"<https://carrier.test/v2>; rel="successor-version""#),
];

#[tokio::test]
async fn what_ends_is_shown_and_refused_where_that_is_asked_for() {
    for (extra, refused) in [("", false), ("deny_deprecated_days = 28\n", false), ("deny_deprecated_days = 29\n", true)]
    {
        let bench = one(DISCOVERY, extra, |_| with_headers(ok(200, OFFER), ENDING)).await;
        bench.client.capacity_get("aurora", "c-1").await.unwrap();
        // Twenty-nine days before its end, but for a second.
        bench.clock.advance(SECOND);
        let again = bench.client.capacity_get("aurora", "c-1").await;
        assert_eq!(again.err().map(|error| error.code()), refused.then_some(Code::VersionSunset), "{extra}");
        assert_eq!(bench.carrier.asked(&Method::GET, "/v1/capacity/c-1").len(), if refused { 1 } else { 2 });
        let metrics = bench.client.metrics().await.unwrap();
        let sunset = sample(&metrics, "gladhand_contract_sunset_timestamp_seconds", "aurora");
        assert_eq!(sunset, Some(1_774_080_000.0), "2026-03-21T08:00:00Z");
    }
    let bench = one(DISCOVERY, "", |_| with_headers(ok(200, OFFER), ENDING)).await;
    bench.client.capacity_get("aurora", "c-1").await.unwrap();
    let (clock, client) = (bench.clock.clone(), bench.client.clone());
    let health = waited(&clock, client.health()).await.unwrap();
    let aurora = health.extract("/carriers/0/deprecations/0").unwrap();
    assert_eq!(
        (text(&aurora, "/route"), text(&aurora, "/sunsetAt")),
        ("capacity.get".into(), "2026-03-21T08:00:00Z".into())
    );
    assert_eq!(text(&aurora, "/successor"), "https://carrier.test/v2");
}

/// Lets time pass until the future is done.
async fn waited<T>(clock: &TestClock, future: impl Future<Output = T>) -> T {
    let ticking = async {
        for _ in 0..60_000 {
            tokio::time::sleep(Duration::from_millis(1)).await;
            clock.advance(SECOND / 20);
        }
    };
    tokio::select! {
        out = future => out,
        () = ticking => unreachable!("time passes for ever"),
    }
}

#[tokio::test]
async fn a_carrier_that_answers_503_is_spared_until_a_probe_gets_through() {
    let bench = one(DISCOVERY, "", |_| problem(Code::CapacityBackpressure, "")).await;
    let get = || bench.client.capacity_get("aurora", "c-1");
    for _ in 0..10 {
        get().await.unwrap_err();
    }
    let asked = || bench.carrier.asked(&Method::GET, "/v1/capacity").len();
    let before = asked();
    let error = get().await.unwrap_err();
    assert_eq!((error.code(), error.sent_state()), (Code::BreakerOpen, Sent::NotSent));
    assert!(error.retry_after_ms().is_some_and(|ms| ms > 0 && ms <= 2000), "{:?}", error.retry_after_ms());
    assert_eq!(asked(), before);
    let metrics = bench.client.metrics().await.unwrap();
    assert!(sample(&metrics, "gladhand_backpressure_ratio", "aurora").is_some_and(|ratio| ratio > 0.9));

    *bench.carrier.script.lock().unwrap() = Box::new(|_| ok(200, OFFER));
    bench.clock.advance(SECOND * 2);
    get().await.unwrap();
    get().await.unwrap();
    let metrics = bench.client.metrics().await.unwrap();
    assert_eq!(sample(&metrics, "gladhand_backpressure_ratio", "aurora"), Some(0.0));
}

#[tokio::test]
async fn every_series_is_there_from_the_start_and_an_unknown_outcome_ages() {
    let bench = one(DISCOVERY, "", |request| if request.method == Method::POST { lost() } else { unreachable() }).await;
    let series =
        ["gladhand_backpressure_ratio", "gladhand_event_gap_age_seconds", "gladhand_tender_unknown_age_seconds"];
    let metrics = bench.client.metrics().await.unwrap();
    for name in series {
        assert_eq!(sample(&metrics, name, "aurora"), Some(0.0), "{name}");
        assert_eq!(sample(&metrics, name, "borealis"), Some(0.0), "{name}");
    }
    assert_eq!(sample(&metrics, "gladhand_retry_budget", "aurora"), Some(500.0));
    let created = waited(&bench.clock, bench.client.tender_create(load(), CreateOptions::new("aurora"))).await.unwrap();
    assert_eq!(text(&created, "/receipt"), "unproven");
    bench.clock.advance(SECOND * 130);
    let metrics = bench.client.metrics().await.unwrap();
    assert!(sample(&metrics, "gladhand_tender_unknown_age_seconds", "aurora").is_some_and(|age| age >= 130.0));
    assert_eq!(sample(&metrics, "gladhand_tender_unknown_age_seconds", "borealis"), Some(0.0));
    assert!(!metrics.as_str().contains("L-1") && !metrics.as_str().contains(&text(&created, "/tenderId")));
}

/// Counts how often it is asked for anything.
#[derive(Debug, Default)]
struct Counted(AtomicU32);

impl Caller for Counted {
    fn call(&self, _request: Request) -> BoxFuture<'_, Result<Response>> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Box::pin(std::future::ready(ok(200, DISCOVERY)))
    }
}

#[tokio::test]
async fn health_asks_all_carriers_at_once() {
    let counted = Arc::new(Counted::default());
    let (clock, client, _dir) = connect(Arc::new(Silent), counted.clone()).await;
    let asked = async {
        while counted.0.load(Ordering::SeqCst) == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    // Virtual time stands still: the silent one's turn never ends.
    tokio::select! {
        _ = client.health() => unreachable!("one carrier says nothing"),
        asked = tokio::time::timeout(Duration::from_secs(20), asked) => asked.expect("borealis waits for aurora"),
    }
    let health = waited(&clock, client.health()).await.unwrap();
    assert_eq!(
        (text(&health, "/status"), text(&health, "/carriers/0/code")),
        ("degraded".into(), "deadline_exceeded".into())
    );
}

#[tokio::test]
async fn an_offer_is_judged_by_the_tare_that_its_carrier_publishes() {
    let page = format!(r#"{{"schemaVersion":"1.0.0","offers":[{OFFER}]}}"#);
    let heavy = DISCOVERY.replace(r#""logEpoch":"e1""#, r#""logEpoch":"e1","assumedTareLbs":45000"#);
    let bench = one(&heavy, "", move |_| ok(200, &page)).await;
    let offer = Document::parse(OFFER).unwrap();
    let weight = || {
        let verdict = bench.client.explain(&load(), &offer).unwrap();
        let checks = verdict.at("/checks").unwrap();
        let check =
            checks.items().find(|check| check.get("code").unwrap().text().as_deref() == Some("weight_exceeded"));
        check.unwrap().get("result").unwrap().text().unwrap().into_owned()
    };
    assert_eq!(weight(), "eligible", "38,000 lb and 35,000 lb of a tractor that nobody knows");
    let request =
        Document::parse(r#"{"origin":{"lat":41.8,"lon":-87.6},"destination":{"lat":34.0,"lon":-118.2}}"#).unwrap();
    waited(&bench.clock, bench.client.capacity_search(request)).await.unwrap();
    assert_eq!(weight(), "ineligible", "38,000 lb and 45,000 lb are more than 80,000 lb");
}

#[tokio::test]
async fn express_waits_only_where_a_machine_decides() {
    for (sla, prefer) in
        [("", Some("wait=10")), (r#""decisionSlaSeconds":10,"#, Some("wait=10")), (r#""decisionSlaSeconds":11,"#, None)]
    {
        let id = tender_id("aurora", "L-1");
        let seen = Arc::new(Mutex::new(None));
        let note = seen.clone();
        let bench = one(&DISCOVERY.replace(r#""limits""#, &format!(r#"{sla}"limits""#)), "", move |request| {
            let prefer = request.headers.get("prefer").map(|value| value.to_str().unwrap().to_owned());
            note.lock().unwrap().get_or_insert((prefer, request.deadline));
            taken(&id, "L-1", "pending", "")
        })
        .await;
        let express = load().with_text("/mode", "express").unwrap();
        let options = CreateOptions::new("aurora").wait(SECOND * 10);
        bench.client.tender_create(express, options).await.unwrap();
        let seen = seen.lock().unwrap().take().unwrap();
        assert_eq!(seen, (prefer.map(str::to_owned), prefer.map(|_| SECOND * 15)), "{sla}");
    }
    assert_eq!(crate::carrier::patience(SECOND * 60), SECOND * 72, "a fifth, where that is more");
}

#[tokio::test]
async fn the_driver_waits_as_long_as_it_is_told() {
    let bench = Bench::new(|request| if request.method == Method::POST { lost() } else { unreachable() }).await;
    bench.create().await.unwrap();
    let (times, clock) = (Arc::new(Mutex::new(Vec::new())), bench.clock.clone());
    let note = times.clone();
    bench.script(move |_| {
        note.lock().unwrap().push(clock.now());
        problem(Code::Maintenance, "").map_err(|error| error.with_retry_after_ms(90_000))
    });
    bench
        .pass(SECOND / 4, async {
            while times.lock().unwrap().len() < 3 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        })
        .await;
    let times = times.lock().unwrap();
    let waits: Vec<i64> = times.windows(2).map(|pair| pair[1].duration_since(pair[0]).as_secs()).collect();
    assert!(waits.iter().all(|wait| *wait >= 90), "{waits:?}");
}

#[tokio::test]
async fn a_withdrawal_is_not_repeated_when_its_key_may_be_forgotten() {
    let id = tender_id("aurora", "L-1");
    let hours = DISCOVERY.replace(r#""retentionHours":168"#, r#""retentionHours":10"#);
    let name = id.clone();
    let bench = one(&hours, "", move |request| {
        let state = if request.path.contains("/withdrawals/") { "withdrawn" } else { "pending" };
        if request.method == Method::POST { taken(&name, "L-1", state, "") } else { unreachable() }
    })
    .await;
    bench.client.tender_create(load(), CreateOptions::new("aurora")).await.unwrap();
    bench.client.tender_withdraw(&id, "covered").await.unwrap();
    let export = bench.client.journal_export().await.unwrap();
    let withdrawal = export.iter().find(|entry| text(entry, "/body/operation") == "tenders.withdraw").unwrap();
    assert_eq!(text(withdrawal, "/body/resendUntil"), "2026-02-20T16:00:00Z");
}
