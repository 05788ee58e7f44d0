//! What one carrier, one process or one moment must not do to another.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gladhand_protocol::tender::{history, ids};

use super::*;
use crate::dispatch::{CommandRequest, Requester};
use crate::journal::rows::{Effect, NewIntent, NewTender, Opened, Outcome};
use crate::journal::{Journal, Owner};

/// Two carriers of one client.
struct Two {
    clock: TestClock,
    borealis: Arc<Scripted>,
    client: Client,
    _dir: tempfile::TempDir,
}

impl Two {
    async fn new(aurora: Scripted, borealis: Scripted) -> Self {
        let borealis = Arc::new(borealis);
        let (clock, client, dir) = connect(Arc::new(aurora), borealis.clone()).await;
        Self { clock, borealis, client, _dir: dir }
    }

    async fn pass<T>(&self, step: Duration, future: impl Future<Output = T>) -> T {
        let ticking = async {
            for _ in 0..60_000 {
                tokio::time::sleep(Duration::from_millis(1)).await;
                self.clock.advance(step);
            }
        };
        tokio::select! {
            out = future => out,
            () = ticking => unreachable!("time passes for ever"),
        }
    }

    async fn create(&self, load_id: &str, carrier: &str) -> Document {
        let load = load().with_text("/loadId", load_id).unwrap();
        self.pass(SECOND / 20, self.client.tender_create(load, CreateOptions::new(carrier))).await.unwrap()
    }
}

pub(super) async fn connect(
    aurora: Arc<dyn Caller>,
    borealis: Arc<dyn Caller>,
) -> (TestClock, Client, tempfile::TempDir) {
    connect_with("", aurora, borealis).await
}

/// With further settings.
pub(super) async fn connect_with(
    extra: &str,
    aurora: Arc<dyn Caller>,
    borealis: Arc<dyn Caller>,
) -> (TestClock, Client, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let config = Config::from_toml(
        &format!(
            "{extra}environment = 'sandbox'\ntenant = 'acme'\njournal.path = 'journal.db'\n\
         identity = {{ certificate = 'c', private_key = 'k', trust = 't' }}\n\
         [carriers.aurora]\nbase_url = 'https://carrier.test'\nclient_id = 'tms'\nassertion_key = 'a'\n\
         [carriers.borealis]\nbase_url = 'https://other.test'\nclient_id = 'tms'\nassertion_key = 'a'\n"
        ),
        dir.path(),
    )
    .unwrap();
    let clock = TestClock::at("2026-02-20T08:00:00Z".parse().unwrap());
    let callers = [("aurora".to_owned(), aurora), ("borealis".to_owned(), borealis)].into();
    let client = Client::connect_simulated(config, Arc::new(clock.clone()), callers).await.unwrap();
    (clock, client, dir)
}

/// A tender's snapshot with one event behind it, which is never pulled here.
pub(super) fn taken(tender: &str, load: &str, state: &str, extra: &str) -> Result<Response> {
    let digest = history::hex(&history::start(tender));
    ok(
        200,
        &format!(
            r#"{{"schemaVersion":"1.0.0","tenderId":"{tender}","loadId":"{load}","revision":1,"state":"{state}","lastSequence":1,"historyDigest":"{digest}","logEpoch":"e1"{extra}}}"#
        ),
    )
}

fn event(base: &str, tender: &str, sequence: u64, kind: &str) -> String {
    format!(
        r#"{{"specversion":"1.0","id":"e-{sequence}","source":"{base}/tenders/{tender}","type":"gladhand.{kind}.v1","subject":"L-1","time":"2026-02-20T08:00:00Z","recordedtime":"2026-02-20T08:00:00Z","sequence":"{sequence:020}","partitionkey":"{tender}","data":{{"loadId":"L-1","tenderId":"{tender}","eventSequence":{sequence},"status":"x","sourceSystem":"c"}}}}"#
    )
}

pub(super) fn tender_id(carrier: &str, load: &str) -> String {
    ids::tender_id(&ids::Scope { environment: "sandbox", tenant: "acme", carrier }, load, 1)
}

#[tokio::test]
async fn a_carriers_feed_moves_no_load_of_another_carrier() {
    let id = tender_id("aurora", "L-1");
    let received = event("https://carrier.test", &id, 1, "tender.received");
    let digest = history::hex(&history::extend(&history::start(&id), 1, &history::digest(received.as_bytes())));
    let page = format!(r#"{{"events":[{received}],"lastSequence":1,"historyDigest":"{digest}","logEpoch":"e1"}}"#);
    let snapshot = format!(
        r#"{{"schemaVersion":"1.0.0","tenderId":"{id}","loadId":"L-1","revision":1,"state":"pending","lastSequence":1,"historyDigest":"{digest}","logEpoch":"e1"}}"#
    );
    let aurora = Scripted::new(move |request| match (&request.method, request.path.contains("/events?after")) {
        (_, true) => ok(200, &page),
        _ if request.path.starts_with("/v1/tenders") => ok(200, &snapshot),
        _ => unreachable(),
    });
    // Tender ids are derived: another carrier can compute them.
    let foreign = event("https://other.test", &id, 2, "tender.rejected");
    let feed = format!(r#"{{"events":[{foreign}],"cursor":"c","logEpoch":"e1"}}"#);
    let borealis = Scripted::new(move |_| ok(200, &feed));
    let bench = Two::new(aurora, borealis).await;
    let tender = bench.create("L-1", "aurora").await;
    assert_eq!((text(&tender, "/state"), text(&tender, "/sync")), ("pending".into(), "in_sync".into()));
    // Its history is fetched with it.
    let whole = bench.client.tender_get(&id).await.unwrap();
    assert_eq!((text(&whole, "/sync"), whole.integer("/lastSequence")), ("in_sync".into(), Some(1)));

    let _reader = bench.client.events("dispatch").await.unwrap();
    bench
        .pass(SECOND / 10, async {
            // The second page is asked for once the first is done with.
            while bench.borealis.asked(&Method::GET, "/v1/events?cursor=c").is_empty() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        })
        .await;
    let after = bench.client.tender_list(None).await.unwrap().remove(0);
    assert_eq!((text(&after, "/state"), after.boolean("/loadReleased")), ("pending".into(), Some(false)));
    assert_eq!(text(&after, "/sync"), "in_sync", "and its history is untouched");
}

#[tokio::test]
async fn a_command_for_a_dispatch_of_two_carriers_goes_to_neither() {
    let answer = |carrier: &'static str, load: &'static str| {
        Scripted::new(move |request| match request.method {
            Method::POST => taken(&tender_id(carrier, load), load, "dispatched", r#","dispatchId":"D-1""#),
            _ => unreachable(),
        })
    };
    let bench = Two::new(answer("aurora", "L-1"), answer("borealis", "L-2")).await;
    bench.create("L-1", "aurora").await;
    let by = || Requester::new("ana", "dispatcher");
    let stop = |name: &'static str| bench.client.stop_at_next_safe_location(name, "debris on the road", by());
    assert_eq!(stop("D-1").await.unwrap_err().code(), Code::Connect, "one carrier has it: it is asked");
    bench.create("L-2", "borealis").await;
    let error = stop("D-1").await.unwrap_err();
    assert_eq!(error.code(), Code::InvalidArgument, "{error}");
    assert!(error.message().contains("aurora") && error.message().contains("borealis"), "{error}");
    assert!(bench.borealis.asked(&Method::GET, "/v1/dispatches").is_empty(), "nobody stops the wrong truck");
}

#[tokio::test]
async fn what_a_living_process_is_sending_is_not_sent_by_another() {
    let bench = Bench::new(|_| unreachable()).await;
    let id = tender_id("aurora", "L-1");
    let name = id.clone();
    bench.script(move |request| match request.path.as_str() {
        path if path.contains("/withdrawals/") => snapshot(&name, "withdrawn", 2),
        path if path.contains("/events") => absent(&name),
        _ => snapshot(&name, "pending", 1),
    });
    bench.create().await.unwrap();

    // Another worker of this host is at the same withdrawal.
    let path = bench.dir.path().join("journal.db");
    let other = Journal::open(&path, "sandbox", "acme", Arc::new(bench.clock.clone())).await.unwrap();
    let worker = Owner { id: "worker-2".to_owned(), ..Owner::here() };
    let withdrawal = ids::withdrawal_id(&id, 0);
    let intent = NewIntent {
        operation: "tenders.withdraw",
        key: "k".repeat(43),
        path: format!("/v1/tenders/{id}/withdrawals/{withdrawal}"),
        body: Document::parse(format!(
            r#"{{"schemaVersion":"1.0.0","withdrawalId":"{withdrawal}","tenderId":"{id}","loadId":"L-1","reason":"covered"}}"#
        ))
        .unwrap(),
        operation_id: withdrawal,
        tender_id: Some(id.clone()),
        carrier: "aurora".to_owned(),
        origin: "https://carrier.test".to_owned(),
        method: "POST",
        prefer: None,
        resend_until: "2026-02-21T08:00:00Z".parse().unwrap(),
        owner: "worker-2".to_owned(),
    };
    other.run(move |store| store.register(&worker)).await.unwrap();
    other.run(move |store| store.open_intent(&intent)).await.unwrap();
    let alive = async {
        loop {
            other.run(|store| store.beat("worker-2")).await.unwrap();
            tokio::time::sleep(Duration::from_millis(1)).await;
            bench.clock.advance(SECOND / 20);
        }
    };
    let error = tokio::select! {
        withdrawn = bench.client.tender_withdraw(&id, "covered") => withdrawn.unwrap_err(),
        () = alive => unreachable!("it beats for ever"),
    };
    assert_eq!(error.sent_state(), Sent::MaybeSent);
    let withdrawals = format!("/v1/tenders/{id}/withdrawals/");
    assert!(bench.asked(&Method::POST, &withdrawals).is_empty(), "its lease is good");

    // It dies: its lease lapses, and this process sends.
    bench.until(SECOND / 10, &id, |t| text(t, "/state") == "withdrawn").await;
    assert!(!bench.asked(&Method::POST, &withdrawals).is_empty());
}

#[tokio::test]
async fn a_command_is_not_sent_again_after_its_expiry() {
    let dispatch = r#"{"schemaVersion":"1.0.0","dispatchId":"D-1","tenderId":"t-1","loadId":"L-1","dispatchRevision":1,"assignments":[{"legId":"a","driveMode":"autonomous"}],"controlMode":"autonomous"}"#;
    let bench = Bench::new(move |request| match request.method {
        Method::GET => ok(200, dispatch),
        _ => problem(Code::Maintenance, r#","retryAfterS":15"#).map_err(|error| error.with_retry_after_ms(15_000)),
    })
    .await;
    let wish = |seconds| CommandRequest {
        expires_in: Some(Duration::from_secs(seconds)),
        ..CommandRequest::stop_at_next_safe_location("debris", Requester::new("ana", "dispatcher")).unwrap()
    };
    let error = bench.pass(SECOND / 20, bench.client.command_request("D-1", wish(5))).await.unwrap_err();
    assert_eq!(error.code(), Code::Maintenance);
    assert_eq!(bench.asked(&Method::PUT, "/v1/dispatches/D-1/commands/").len(), 1, "late, it is another wish");
    bench.pass(SECOND / 20, bench.client.command_request("D-1", wish(300))).await.unwrap_err();
    assert_eq!(bench.asked(&Method::PUT, "/v1/dispatches/D-1/commands/").len(), 4, "in time it goes out three times");
}

#[tokio::test]
async fn a_tender_that_the_carrier_has_with_other_content_holds_its_load() {
    let id = tender_id("aurora", "L-1");
    let bench = Bench::new(move |request| match (&request.method, request.path.contains("/events")) {
        (&Method::POST, _) => problem(Code::RevisionContentConflict, ""),
        (_, true) => unreachable(),
        _ => snapshot(&id, "accepted", 2),
    })
    .await;
    let tender = bench.create().await.unwrap();
    assert_eq!((text(&tender, "/state"), tender.boolean("/loadReleased")), ("accepted".into(), Some(false)));
}

#[tokio::test]
async fn a_lost_tender_is_found_missing_though_its_events_never_came() {
    let id = tender_id("aurora", "L-1");
    let name = id.clone();
    let bench = Bench::new(move |request| match request.method {
        Method::POST => snapshot(&name, "pending", 1),
        _ => unreachable(),
    })
    .await;
    assert_eq!(text(&bench.create().await.unwrap(), "/receipt"), "proven");
    bench.script(|request| match request.path.as_str() {
        "/v1/reconciliation/digests" => ok(200, r#"{"asOf":"c","logEpoch":"e2","items":[]}"#),
        _ => unreachable(),
    });
    let report = bench.client.reconcile().await.unwrap();
    assert_eq!((text(&report, "/items/0/class"), report.integer("/differences")), ("REMOTE_LOST".into(), Some(1)));
    let frozen = bench.client.tender_list(None).await.unwrap().remove(0);
    assert_eq!((text(&frozen, "/sync"), frozen.boolean("/loadReleased")), ("diverged".into(), Some(false)));
}

#[tokio::test]
async fn a_tender_of_a_forgotten_carrier_stops_no_other() {
    let bench = Bench::new(|_| unreachable()).await;
    let id = tender_id("aurora", "L-1");
    let name = id.clone();
    bench.script(move |request| match request.path.as_str() {
        path if path.contains("/withdrawals/") => snapshot(&name, "withdrawn", 2),
        path if path.contains("/events") => absent(&name),
        _ => snapshot(&name, "pending", 1),
    });
    bench.create().await.unwrap();
    // Newer, and of a carrier that is no longer configured.
    let path = bench.dir.path().join("journal.db");
    let other = Journal::open(&path, "sandbox", "acme", Arc::new(bench.clock.clone())).await.unwrap();
    let forgotten = NewTender {
        tender_id: "t-9".to_owned(),
        load_id: "L-9".to_owned(),
        carrier: "gone".to_owned(),
        attempt: 1,
        revision: 1,
        again: false,
    };
    let intent = NewIntent {
        operation: "tenders.create",
        operation_id: ids::create_operation_id("t-9", 1),
        tender_id: Some("t-9".to_owned()),
        carrier: "gone".to_owned(),
        origin: "https://gone.test".to_owned(),
        method: "POST",
        path: "/v1/tenders".to_owned(),
        key: "k".repeat(43),
        body: load().with_text("/tenderId", "t-9").unwrap(),
        prefer: None,
        resend_until: "2026-02-20T08:10:00Z".parse().unwrap(),
        owner: "worker-2".to_owned(),
    };
    let snapshot = Document::parse(taken("t-9", "L-9", "pending", "").unwrap().body).unwrap();
    other
        .run(move |store| {
            let Opened::New(new) = store.open_tender(&forgotten, &intent)? else { unreachable!("it is new") };
            store.close_intent(new.1.id, new.1.fence, &Outcome::of("answered"), &Effect::Snapshot(snapshot))
        })
        .await
        .unwrap();
    // respondBy is 09:00; the grace ends 30 s later.
    bench.clock.advance(Duration::from_secs(3631));
    bench.until(SECOND, &id, |t| text(t, "/state") == "withdrawn").await;
}

/// Never answers: packets to it vanish.
#[derive(Debug)]
pub(super) struct Silent;

impl Caller for Silent {
    fn call(&self, _request: Request) -> BoxFuture<'_, Result<Response>> {
        Box::pin(std::future::pending())
    }
}

#[tokio::test]
async fn a_carrier_that_is_down_delays_no_webhook_of_another() {
    let id = tender_id("borealis", "L-1");
    let key = Ed25519KeyPair::generate().unwrap();
    let public = format!("whpk_{}", STANDARD.encode(key.public_key().as_ref()));
    let name = id.clone();
    let mut borealis = Scripted::new(move |request| match request.method {
        Method::POST => taken(&name, "L-1", "pending", ""),
        _ => unreachable(),
    });
    borealis.discovery =
        DISCOVERY.replace(r#""webhookKeys":[]"#, &format!(r#""webhookKeys":[{{"keyId":"k","publicKey":"{public}"}}]"#));
    let (clock, client, _dir) = connect(Arc::new(Silent), Arc::new(borealis)).await;
    client.tender_create(load(), CreateOptions::new("borealis")).await.unwrap();

    let body = event("https://other.test", &id, 1, "tender.received");
    let at = clock.now().as_second();
    let signature = key.sign(format!("m-1.{at}.{body}").as_bytes());
    let headers = [
        ("webhook-id", "m-1".to_owned()),
        ("webhook-timestamp", at.to_string()),
        ("webhook-signature", format!("v1a,{}", STANDARD.encode(signature.as_ref()))),
    ]
    .map(|(name, value)| (name.to_owned(), value));
    // Virtual time stands still: no deadline of the silent carrier ever ends.
    let received = tokio::time::timeout(Duration::from_secs(20), client.receive(&headers, body.as_bytes()));
    let receipt = received.await.expect("the webhook waits for the other carrier").unwrap();
    assert_eq!((text(&receipt, "/carrier"), text(&receipt, "/outcome")), ("borealis".into(), "stored".into()));
}

#[tokio::test]
async fn a_load_goes_to_another_carrier_only_once_it_is_released() {
    // Nobody knows whether aurora has it.
    let aurora = Scripted::new(|request| if request.method == Method::POST { lost() } else { unreachable() });
    let borealis = Scripted::new(|request| match request.method {
        Method::POST => taken(&tender_id("borealis", "L-1"), "L-1", "pending", ""),
        _ => unreachable(),
    });
    let (aurora, borealis) = (Arc::new(aurora), Arc::new(borealis));
    let (clock, client, dir) = connect(aurora.clone(), borealis.clone()).await;
    let bench = Two { clock, borealis, client, _dir: dir };
    let first = bench.create("L-1", "aurora").await;
    assert_eq!((first.boolean("/joined"), first.boolean("/loadReleased")), (Some(false), Some(false)));
    // Whatever carrier is named: what holds the load is the answer, and no second truck is asked for.
    for carrier in ["borealis", "aurora"] {
        let joined = bench.create("L-1", carrier).await;
        assert_eq!((text(&joined, "/carrier"), joined.boolean("/joined")), ("aurora".into(), Some(true)));
        assert_eq!(text(&joined, "/tenderId"), text(&first, "/tenderId"));
    }
    let again = bench.client.tender_again(load(), CreateOptions::new("borealis"));
    assert_eq!(bench.pass(SECOND / 20, again).await.unwrap_err().code(), Code::LoadHeld);
    assert!(bench.borealis.asked(&Method::POST, "/v1/tenders").is_empty());

    // It never arrived, is sent again, and refused.
    let id = text(&first, "/tenderId");
    *aurora.script.lock().unwrap() = Box::new(move |request| match request.method {
        Method::POST => problem(Code::WeightExceeded, ""),
        _ => absent(&id),
    });
    bench
        .pass(SECOND / 20, async {
            while bench.client.tender_list(None).await.unwrap()[0].boolean("/loadReleased") != Some(true) {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        })
        .await;
    let second = bench.create("L-1", "borealis").await;
    assert_eq!((text(&second, "/carrier"), second.boolean("/joined")), ("borealis".into(), Some(false)));
    assert_eq!(bench.borealis.asked(&Method::POST, "/v1/tenders").len(), 1);
}
