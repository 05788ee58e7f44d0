//! A gateway and a collector that misbehaves: whatever it does, every record is acknowledged or declared.

mod support;

use std::time::Duration;

use gladhand::telemetry::Lane;
use gladhand::{Config, Conservation, Document, Gateway, GatewayOptions};
use gladhand_sandbox::{Options, Sandbox};
use support::road::{Trip, gateway, highway_minute};
use support::{Bench, soon};

const LIMIT: Duration = Duration::from_secs(30);

fn trip() -> Trip {
    // The collector takes the records of a registered vehicle, whatever it carries.
    let vehicle = "aurora-trk-0417".to_owned();
    Trip { load: "L-1".to_owned(), vehicle, dispatch: String::new(), tender: String::new() }
}

fn publish(gateway: &Gateway, count: usize) {
    for mut record in highway_minute(&trip()).into_iter().take(count) {
        record.event_sequence = 0;
        gateway.publish(record).unwrap();
    }
}

/// Sums over the lanes, by the collector: arrived, declared, came again, delivered with a flag.
fn collected(bench: &Bench) -> [u64; 4] {
    let report = bench.control("/telemetry", None);
    let sum = |name: &str| {
        let lanes = report.at("/lanes").unwrap();
        lanes.items().map(|lane| lane.get(name).unwrap().number().unwrap().parse::<u64>().unwrap()).sum()
    };
    ["records", "declaredLost", "duplicates", "possibleDuplicates"].map(sum)
}

/// Both sides count the same.
fn agree(bench: &Bench, counts: &Conservation) {
    assert_eq!((counts.difference(), counts.pending), (0, 0));
    assert_eq!(collected(bench)[..2], [counts.acknowledged, counts.dropped], "{counts:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_reason_to_refuse_a_frame() {
    let bench = Bench::start();
    let gateway = gateway(&bench).await;
    let mut dropped = 0;
    for (reason, is_final) in [
        ("checksum_mismatch", false),
        ("malformed", true),
        ("unauthorized", true),
        ("too_large", true),
        ("sequence_reused", true),
        ("out_of_order", false),
        ("context_unknown", false),
        ("over_credit", false),
    ] {
        bench.post("/telemetry/faults", &format!(r#"{{"nack":{{"reason":"{reason}","frames":1}}}}"#));
        publish(&gateway, 30);
        let counts = gateway.flush(LIMIT).await.unwrap();
        agree(&bench, &counts);
        assert_eq!(counts.dropped > dropped, is_final, "{reason}: {counts:?}");
        dropped = counts.dropped;
    }
    bench.post("/telemetry/faults", r#"{"corrupt":3}"#);
    publish(&gateway, 600);
    let counts = gateway.close(LIMIT).await.unwrap();
    assert_eq!(counts.dropped, dropped, "damage on the way costs nothing");
    agree(&bench, &counts);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_acknowledgements_no_credit_and_streams_that_are_sent_away() {
    let bench = Bench::start();
    let gateway = gateway(&bench).await;
    bench.post("/telemetry/faults", r#"{"ackDelayMs":300}"#);
    publish(&gateway, 300);
    gateway.flush(LIMIT).await.unwrap();
    bench.post("/telemetry/faults", r#"{"ackDelayMs":0,"starve":["routine"]}"#);
    bench.post("/telemetry/go-away", r#"{"retryAfterMs":1}"#);
    // More than the two frames that a starved lane begins with.
    for _ in 0..25 {
        publish(&gateway, 600);
    }
    let waits = gateway.flush(Duration::from_secs(2)).await;
    assert!(waits.is_err(), "it sent beyond its credit: {waits:?}");
    bench.post("/telemetry/faults", r#"{"refuse":true,"starve":[]}"#);
    bench.post("/telemetry/go-away", "{}");
    soon("the end of the stream", async {
        while gateway.status().connected {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    bench.post("/telemetry/faults", r#"{"refuse":false}"#);
    let counts = gateway.close(LIMIT).await.unwrap();
    assert_eq!((counts.produced, counts.dropped), (15_300, 0));
    agree(&bench, &counts);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_that_crashes_forgets_nothing_that_it_acknowledged() {
    let bench = Bench::start();
    let gateway = gateway(&bench).await;
    for _ in 0..5 {
        publish(&gateway, 600);
        bench.post("/telemetry/lose-state", r#"{"what":"memory"}"#);
    }
    let counts = gateway.close(LIMIT).await.unwrap();
    assert_eq!((counts.acknowledged, counts.dropped), (3000, 0));
    assert_eq!(collected(&bench)[3], 0, "nothing was lost, so nothing is in doubt");
    agree(&bench, &counts);
}

/// The process ends and another begins in its folder, at its address, under a gateway that goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_that_starts_again_goes_on_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let options = |port| Options {
        dir: Some(folder.path().join("carrier")),
        delivered: Some(folder.path().join("delivered")),
        port,
        ..Options::default()
    };
    let bench = Bench { sandbox: Sandbox::start(options(0)).unwrap() };
    let port: u16 = bench.sandbox.url().rsplit_once(':').unwrap().1.parse().unwrap();
    let gateway = gateway(&bench).await;
    publish(&gateway, 600);
    gateway.flush(LIMIT).await.unwrap();
    let before: Document = bench.control("/telemetry", None);
    drop(bench);
    publish(&gateway, 600);
    let bench = Bench { sandbox: Sandbox::start(options(port)).unwrap() };
    assert_eq!(bench.control("/telemetry", None).as_str(), before.as_str());
    // The new process knows none of the old one's tokens, so a flush could find the refusal of the last of them.
    soon("the rest", async {
        while gateway.status().conservation.pending > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    let counts = gateway.close(LIMIT).await.unwrap();
    assert_eq!((counts.acknowledged, counts.dropped), (1200, 0));
    agree(&bench, &counts);
    let told = std::fs::read_to_string(folder.path().join("delivered")).unwrap();
    let told: Vec<&str> = told.lines().filter(|line| line.ends_with(" 0")).collect();
    let mut sequences: Vec<u64> = told.iter().map(|line| line.split(' ').nth(4).unwrap().parse().unwrap()).collect();
    assert!(sequences.is_sorted());
    sequences.dedup();
    assert_eq!((sequences.len(), sequences.last()), (1200, Some(&1200)));
}

/// The collector asks: what the gateway's spool holds comes once more, and nobody follows it twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_once_more() {
    let bench = Bench::start();
    let folder = tempfile::tempdir().unwrap();
    let config = Config::from_file(bench.sandbox.gateway_config_path()).unwrap();
    let options = GatewayOptions { spool: Some(folder.path().join("spool")), ..GatewayOptions::default() };
    let gateway = Gateway::connect(&config, options).await.unwrap();
    let producer = config.gateway.as_ref().unwrap().producer.clone();
    for mut record in highway_minute(&trip()).into_iter().take(20) {
        record.event_sequence = 0;
        gateway.publish_in(Lane::Safety, record).unwrap();
    }
    publish(&gateway, 300);
    gateway.flush(LIMIT).await.unwrap();
    let ask = |lane: &str, last: u64| {
        let wanted = format!(r#"{{"producer":"{producer}","lane":"{lane}","firstSequence":3,"lastSequence":{last}}}"#);
        bench.post("/telemetry/replays", &wanted);
    };
    ask("safety", 20);
    ask("routine", 299);
    let answered = async {
        loop {
            let replays = bench.control("/telemetry/replays", None);
            let answers: Vec<_> = replays
                .at("/replays")
                .unwrap()
                .items()
                .map(|replay| replay.get("answered").unwrap().raw().to_owned())
                .collect();
            if answers == ["true", "true"] {
                return replays;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let replays = soon("the answers", answered).await;
    for (place, arrived) in ["[[3,20]]", "[[3,299]]"].into_iter().enumerate() {
        assert_eq!(replays.at(&format!("/replays/{place}/arrived")).unwrap().raw(), arrived);
        assert_eq!(replays.at(&format!("/replays/{place}/missing")).unwrap().raw(), "[]");
    }
    let counts = gateway.close(LIMIT).await.unwrap();
    agree(&bench, &counts);
    assert_eq!(collected(&bench), [320, 0, 0, 0], "nothing came again that nobody asked for");
}
