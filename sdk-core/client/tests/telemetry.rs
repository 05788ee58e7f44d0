//! A vehicle gateway and a TMS on the two sides of a real carrier, over the real network.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use gladhand::telemetry::{Context, Fault, FaultSeverity, Lane, Policies};
use gladhand::{Code, Config, Document, Follow, Gateway, GatewayOptions};
use gladhand_documents::model;
use support::road::{connector, dispatched, gateway, highway_minute};
use support::{Bench, express, soon, text};
use tokio::io::AsyncReadExt as _;
use tokio_util::sync::CancellationToken;

const LIMIT: Duration = Duration::from_secs(30);

/// Reads positions until this event sequence; gives how many were shown and how many skipped, and the last.
async fn until_event(follow: &Follow, event: &str) -> (i64, i64, Document) {
    soon(event, async {
        let (mut shown, mut skipped) = (0, 0);
        loop {
            let position = follow.next().await.unwrap().expect("the load goes on");
            model::validate(<model::sdk::Position as model::Model>::entity(), &position).unwrap();
            shown += 1;
            skipped += position.integer("/skipped").unwrap();
            if text(&position, "/eventSequence") == event {
                return (shown, skipped, position);
            }
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_highway_minute_reaches_the_dispatcher() {
    let bench = Bench::start();
    let client = bench.client().await;
    let trip = dispatched(&bench, &client, "L-1").await;
    let follow = client.telemetry_follow(std::slice::from_ref(&trip.load)).await.unwrap();
    let gateway = gateway(&bench).await;
    for record in highway_minute(&trip) {
        let admission = gateway.publish(record).unwrap();
        assert_eq!((admission.lane, admission.accepted), (Lane::Routine, true));
    }
    let (shown, skipped, last) = until_event(&follow, "600").await;
    assert_eq!(shown + skipped, 600, "{shown} shown, {skipped} skipped");
    assert_eq!(text(&last, "/vehicleId"), trip.vehicle);
    assert_eq!(text(&last, "/autonomyMode"), "autonomous_enroute");
    assert_eq!((last.number("/lat"), last.number("/lon")), (Some("37.7300975"), Some("-122.4718106")));
    assert_eq!((last.number("/speedMps"), last.number("/headingDeg")), (Some("11.445"), Some("2.97")));
    assert!(last.integer("/freshnessMs").unwrap() < 60_000, "{}", last.as_str());

    let counts = gateway.close(LIMIT).await.unwrap();
    assert_eq!((counts.produced, counts.acknowledged, counts.dropped, counts.pending), (600, 600, 0, 0));
    assert_eq!(gateway.publish(highway_minute(&trip).remove(0)).unwrap_err().code(), Code::ClientClosed);
    follow.close();
    assert!(soon("the end", follow.next()).await.unwrap().is_none());
    client.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_that_lost_its_state_gets_everything_and_says_so() {
    let bench = Bench::start();
    let client = bench.client().await;
    let trip = dispatched(&bench, &client, "L-1").await;
    let follow = client.telemetry_follow(std::slice::from_ref(&trip.load)).await.unwrap();
    let gateway = gateway(&bench).await;
    let records = highway_minute(&trip);
    for record in &records[..300] {
        gateway.publish(record.clone()).unwrap();
    }
    gateway.flush(LIMIT).await.unwrap();
    bench.post("/telemetry/lose-state", "{}");
    for record in &records[300..] {
        gateway.publish(record.clone()).unwrap();
    }
    until_event(&follow, "600").await;
    let counts = gateway.close(LIMIT).await.unwrap();
    assert_eq!((counts.acknowledged, counts.difference()), (600, 0));
    client.close().await;
}

/// A network that cuts the first connections after so many bytes from the gateway, each a little later than the one
/// before, and then leaves them alone.
async fn cutting_network(to: String) -> (String, Arc<AtomicUsize>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("https://{}", listener.local_addr().unwrap());
    let connections = Arc::new(AtomicUsize::new(0));
    let count = connections.clone();
    tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            let number = count.fetch_add(1, Ordering::SeqCst) as u64;
            let allowed = if number < 8 { 3000 + 1200 * number } else { u64::MAX };
            let to = to.clone();
            tokio::spawn(async move {
                let mut far = tokio::net::TcpStream::connect(to).await.unwrap();
                let (near_read, mut near_write) = near.split();
                let (mut far_read, mut far_write) = far.split();
                let mut near_read = near_read.take(allowed);
                tokio::select! {
                    _ = tokio::io::copy(&mut near_read, &mut far_write) => {}
                    _ = tokio::io::copy(&mut far_read, &mut near_write) => {}
                }
            });
        }
    });
    (address, connections)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_network_that_cuts_connections_loses_and_repeats_nothing() {
    let bench = Bench::start();
    let client = bench.client().await;
    let trip = dispatched(&bench, &client, "L-1").await;
    let follow = client.telemetry_follow(std::slice::from_ref(&trip.load)).await.unwrap();
    let to = bench.sandbox.url().strip_prefix("https://").unwrap().to_owned();
    let (address, connections) = cutting_network(to).await;
    let config = Config::builder()
        .file(bench.sandbox.gateway_config_path())
        .set("carriers.aurora.telemetry_url", address)
        .build()
        .unwrap();
    let gateway = Gateway::connect(&config, GatewayOptions::default()).await.unwrap();
    for (number, mut record) in highway_minute(&trip).into_iter().enumerate() {
        // Some of them in the safety lane, so that two lanes resume.
        let lane = if number % 50 == 49 { Lane::Safety } else { Lane::Routine };
        record.event_sequence = 0;
        gateway.publish_in(lane, record).unwrap();
    }
    let counts = gateway.close(LIMIT).await.unwrap();
    assert_eq!((counts.acknowledged, counts.dropped, counts.difference()), (600, 0, 0));
    assert!(connections.load(Ordering::SeqCst) > 2, "the network cut nothing");
    let state = bench.control("/state", None);
    let lanes = state.at("/telemetry/lanes").unwrap();
    let arrived: i64 =
        lanes.items().map(|lane| lane.get("records").unwrap().number().unwrap().parse::<i64>().unwrap()).sum();
    assert_eq!(arrived, 600, "{}", lanes.raw());
    assert_eq!(state.at("/telemetry/securityEvents").unwrap().len(), 0);
    // The newest record was a safety record, so it is the last that is shown.
    let (_, _, last) = until_event(&follow, "600").await;
    assert_eq!(last.boolean("/possibleDuplicate"), Some(false));
    client.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_sees_what_is_not_theirs() {
    let bench = Bench::start();
    let client = bench.client().await;
    let trip = dispatched(&bench, &client, "L-1").await;
    // Accepted and not dispatched: there is nothing to see yet.
    client.tender_create(bench.load("L-2"), express()).await.unwrap();
    let early = client.telemetry_follow(&["L-2".to_owned()]).await.unwrap_err();
    assert_eq!(early.code(), Code::TenantForbidden, "{early}");
    let unknown = client.telemetry_follow(&["L-9".to_owned()]).await.unwrap_err();
    assert_eq!(unknown.code(), Code::TenderUnknown);
    assert_eq!(client.telemetry_follow(&[]).await.unwrap_err().code(), Code::InvalidArgument);

    // Another tenant with credentials of its own, and a gateway with the wrong scope.
    let stop = CancellationToken::new();
    for (file, code) in [("other.toml", Code::TenantForbidden), ("gateway.toml", Code::TokenRequestRefused)] {
        let (connector, clock) = connector(&bench, file);
        let refused = Follow::open(vec![(connector, vec![trip.load.clone()])], clock, &stop).await.unwrap_err();
        assert_eq!(refused.code(), code, "{file}: {refused}");
    }
    client.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_foreign_vehicle_is_refused_and_declared() {
    let bench = Bench::start();
    let client = bench.client().await;
    let trip = dispatched(&bench, &client, "L-1").await;
    let gateway = gateway(&bench).await;
    let mut records = highway_minute(&trip);
    records.truncate(20);
    let foreign = Arc::new(Context { vehicle_id: "rival-trk-1".into(), ..(*records[0].context).clone() });
    for record in &mut records[..10] {
        record.context = foreign.clone();
    }
    for record in records.drain(..10) {
        gateway.publish(record).unwrap();
    }
    let counts = gateway.flush(LIMIT).await.unwrap();
    assert_eq!((counts.acknowledged, counts.dropped), (0, 10));
    for record in records {
        gateway.publish(record).unwrap();
    }
    let counts = gateway.close(LIMIT).await.unwrap();
    assert_eq!((counts.acknowledged, counts.dropped, counts.difference()), (10, 10, 0));
    client.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_newest_gateway_of_a_producer_wins() {
    let bench = Bench::start();
    let client = bench.client().await;
    let trip = dispatched(&bench, &client, "L-1").await;
    let records = highway_minute(&trip);
    let older = gateway(&bench).await;
    older.publish(records[0].clone()).unwrap();
    older.flush(LIMIT).await.unwrap();
    let newer = gateway(&bench).await;
    newer.publish(records[1].clone()).unwrap();
    newer.flush(LIMIT).await.unwrap();
    let refused = soon("the end of the older", async {
        loop {
            if let Err(error) = older.publish(records[2].clone()) {
                return error;
            }
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(refused.code(), Code::TelemetryRefused, "{refused}");
    assert!(!older.status().connected);
    assert_eq!(newer.close(LIMIT).await.unwrap().acknowledged, 1);
    client.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_waits_for_a_collector_that_is_away() {
    let bench = Bench::start();
    let client = bench.client().await;
    let trip = dispatched(&bench, &client, "L-1").await;
    // A port that nobody listens on.
    let nowhere = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("https://{}", nowhere.local_addr().unwrap());
    drop(nowhere);
    let away = Config::builder()
        .file(bench.sandbox.gateway_config_path())
        .set("carriers.aurora.telemetry_url", address)
        .build()
        .unwrap();
    let lonely = Gateway::connect(&away, GatewayOptions::default()).await.unwrap();
    let fault = Fault { severity: FaultSeverity::SAFETY_CRITICAL, active: true, ..Fault::default() };
    let mut record = highway_minute(&trip).remove(0);
    record.faults.push(fault);
    assert_eq!(lonely.publish(record.clone()).unwrap().lane, Lane::Safety);
    let error = lonely.flush(Duration::from_millis(50)).await.unwrap_err();
    assert_eq!(error.code(), Code::DeadlineExceeded);
    let status = lonely.status();
    assert_eq!((status.connected, status.conservation.pending), (false, 1));
    drop(lonely);

    // Without a section of its own there is no gateway, and a TMS's credentials make none.
    let tms = bench.config("other.db");
    let error = Gateway::connect(&tms, GatewayOptions::default()).await.unwrap_err();
    assert_eq!(error.code(), Code::ConfigMissing);
    let (credentials, clock) = connector(&bench, "gladhand.toml");
    let impostor = Gateway::with_connector(credentials, clock, "edge", Policies::default()).unwrap();
    impostor.publish(record).unwrap();
    let error = impostor.flush(LIMIT).await.unwrap_err();
    assert_eq!(error.code(), Code::TokenRequestRefused, "{error}");
    client.close().await;
}

/// Waits until the carrier has answered a request of this identity for a call like this.
async fn seen_with(bench: &Bench, fingerprint: &str, path: &str) {
    let seen = async {
        loop {
            let record = bench.control("/fingerprints", None);
            let requests = record.at("/requests").unwrap();
            let found = requests.items().any(|request| {
                let entry = Document::parse(request.raw()).unwrap();
                let path_of = entry.text("/path").unwrap_or_default();
                entry.text("/fingerprint").as_deref() == Some(fingerprint) && path_of.contains(path)
            });
            if found {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    soon(&format!("{fingerprint} at {path}"), seen).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn negative_n07_streams_open_again_with_each_new_identity_and_lose_nothing() {
    let bench = Bench::start();
    let client = bench.client().await;
    let trip = dispatched(&bench, &client, "L-1").await;
    let follow = client.telemetry_follow(std::slice::from_ref(&trip.load)).await.unwrap();
    let gateway = gateway(&bench).await;
    let records = highway_minute(&trip);
    for chunk in records.chunks(75) {
        for record in chunk {
            assert!(gateway.publish(record.clone()).unwrap().accepted);
        }
        // Both at once: the files are replaced, and nobody tells the program.
        let issue =
            |who: &str| text(&bench.control("/identity", Some(&format!(r#"{{"issue":"{who}"}}"#))), "/fingerprint");
        let (ours, theirs) = (issue("client"), issue("gateway"));
        tokio::join!(seen_with(&bench, &ours, "/Follow"), seen_with(&bench, &theirs, "/Stream"));
        assert_eq!(text(&client.connection_facts("aurora").await.unwrap(), "/ourFingerprint"), ours);
    }
    let (shown, skipped, _) = until_event(&follow, "600").await;
    assert_eq!(shown + skipped, 600, "{shown} shown, {skipped} skipped");
    let counts = gateway.close(LIMIT).await.unwrap();
    assert_eq!((counts.produced, counts.acknowledged, counts.dropped, counts.pending), (600, 600, 0, 0));
    assert_eq!(bench.control("/fingerprints", None).integer("/resumptions"), Some(0));
    follow.close();
    client.close().await;
}
