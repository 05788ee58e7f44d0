//! Who may see what of a truck: its own load, on the road, and of it what the agreement covers.

#[rustfmt::skip]
#[path = "../src/telemetry/stub.rs"]
mod stub;
mod support;

use std::sync::Arc;
use std::time::Duration;

use gladhand::telemetry::{Context, Fault, FaultSeverity, Kinematics, Location, Record};
use gladhand::{Client, Code, Config, Follow, Gateway};
use gladhand_documents::telemetry::wire::follow_response::Message;
use gladhand_documents::telemetry::wire::{FollowRequest, FollowResponse, FollowUpdate};
use stub::telemetry_follow_service_client::TelemetryFollowServiceClient;
use support::road::{Trip, connector, dispatched_on, gateway, now_nanos};
use support::{Bench, soon, text};
use tokio_util::sync::CancellationToken;
use tonic::{Request, Streaming};

const LIMIT: Duration = Duration::from_secs(30);
const TRUCK: &str = "aurora-trk-0417";
const OTHER_TRUCK: &str = "aurora-trk-0418";

/// The second tenant.
async fn globex(bench: &Bench) -> Client {
    let config = Config::builder().file(bench.sandbox.dir().join("other.toml")).build().unwrap();
    Client::connect(config).await.unwrap()
}

/// A record of a trip, observed at this time; `number` is its event sequence and where it is.
fn record(trip: &Trip, number: u64, observed_unix_nanos: u64) -> Record {
    let context = Context {
        vehicle_id: trip.vehicle.clone(),
        load_id: trip.load.clone(),
        dispatch_id: trip.dispatch.clone(),
        ..Context::default()
    };
    Record {
        context: Arc::new(context),
        event_sequence: number,
        observed_unix_nanos,
        location: Some(Location { latitude_e7_deg: number as i32, ..Location::default() }),
        ..Record::default()
    }
}

async fn publish(gateway: &Gateway, records: impl IntoIterator<Item = Record>) {
    for record in records {
        gateway.publish(record).unwrap();
    }
    gateway.flush(LIMIT).await.unwrap();
}

/// Opens a follow call by hand, to see what comes over the wire.
async fn follow(bench: &Bench, load: &str, cursor: &str) -> Streaming<FollowResponse> {
    let (connector, _) = connector(bench, "gladhand.toml");
    let connection = connector.connect("telemetry:read").await.unwrap();
    let mut call = Request::new(FollowRequest { load_ids: vec![load.to_owned()], cursor: cursor.to_owned() });
    call.metadata_mut().insert("authorization", connection.authorization.to_str().unwrap().parse().unwrap());
    TelemetryFollowServiceClient::new(connection.channel).follow(call).await.unwrap().into_inner()
}

async fn update(stream: &mut Streaming<FollowResponse>) -> FollowUpdate {
    soon("an update", async {
        loop {
            if let Some(Message::Update(update)) = stream.message().await.unwrap().and_then(|answer| answer.message) {
                return update;
            }
        }
    })
    .await
}

fn event(update: &FollowUpdate) -> u64 {
    update.record.as_ref().unwrap().event_sequence
}

async fn next_event(follow: &Follow) -> String {
    text(&soon("a position", follow.next()).await.unwrap().unwrap(), "/eventSequence")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_trucks_next_load_is_the_next_tenants() {
    let bench = Bench::start();
    let (acme, globex) = (bench.client().await, globex(&bench).await);
    let first = dispatched_on(&bench, &acme, "L-1", TRUCK).await;
    let ours = acme.telemetry_follow(&["L-1".to_owned()]).await.unwrap();
    let gateway = gateway(&bench).await;
    publish(&gateway, [record(&first, 1, now_nanos())]).await;
    bench.post("/progress", &format!(r#"{{"tenderId":"{}","to":"enroute"}}"#, first.tender));
    bench.post("/progress", &format!(r#"{{"tenderId":"{}","to":"delivered"}}"#, first.tender));
    // The same truck goes on with the load of another tenant, which is nobody else's to see.
    let second = dispatched_on(&bench, &globex, "G-1", TRUCK).await;
    assert_eq!(second.vehicle, first.vehicle);
    let theirs = globex.telemetry_follow(&["G-1".to_owned()]).await.unwrap();
    publish(&gateway, [record(&second, 2, now_nanos())]).await;
    assert_eq!(next_event(&theirs).await, "2");
    let stop = CancellationToken::new();
    for (file, load) in [("gladhand.toml", "G-1"), ("other.toml", "L-1")] {
        let (connector, clock) = connector(&bench, file);
        let refused = Follow::open(vec![(connector, vec![load.to_owned()])], clock, &stop).await.unwrap_err();
        assert_eq!(refused.code(), Code::TenantForbidden, "{file} {load}: {refused}");
    }
    // Nor does the truck's next load reach the one who still follows the last: what comes next is of his own.
    publish(&gateway, [record(&first, 3, now_nanos())]).await;
    assert_eq!((next_event(&ours).await, next_event(&ours).await), ("1".to_owned(), "3".to_owned()));
    acme.close().await;
    globex.close().await;
}

/// Load ids are each TMS's own, so two tenants may use the same one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_tenants_loads_of_one_name_are_two_loads() {
    let bench = Bench::start();
    let (acme, globex) = (bench.client().await, globex(&bench).await);
    let ours = dispatched_on(&bench, &acme, "L-1", TRUCK).await;
    let theirs = dispatched_on(&bench, &globex, "L-1", OTHER_TRUCK).await;
    let load = ["L-1".to_owned()];
    let (we, they) = (acme.telemetry_follow(&load).await.unwrap(), globex.telemetry_follow(&load).await.unwrap());
    let gateway = gateway(&bench).await;
    for number in [10, 20, 30] {
        let now = now_nanos();
        // Theirs is a moment newer: that makes ours no older.
        publish(&gateway, [record(&theirs, number + 1, now + 1000), record(&ours, number, now)]).await;
    }
    for number in [10, 20, 30] {
        let (ours, theirs) = (soon("ours", we.next()).await.unwrap(), soon("theirs", they.next()).await.unwrap());
        let (ours, theirs) = (ours.unwrap(), theirs.unwrap());
        assert_eq!((text(&ours, "/eventSequence"), text(&ours, "/vehicleId")), (number.to_string(), TRUCK.to_owned()));
        assert_eq!(text(&theirs, "/eventSequence"), (number + 1).to_string());
        assert_eq!((ours.integer("/skipped"), theirs.integer("/skipped")), (Some(0), Some(0)));
    }
    acme.close().await;
    globex.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_from_before_the_dispatch_nothing_an_hour_after_delivery_and_only_what_was_agreed() {
    let bench = Bench::start();
    let acme = bench.client().await;
    let before = now_nanos();
    let trip = dispatched_on(&bench, &acme, "L-1", TRUCK).await;
    let gateway = gateway(&bench).await;
    let mut stream = follow(&bench, "L-1", "").await;
    let mut told = record(&trip, 2, now_nanos());
    told.faults = vec![Fault { severity: FaultSeverity::WARNING, active: true, ..Fault::default() }];
    told.kinematics =
        Some(Kinematics { speed_mmps: 5, accel_lateral_mmps2: 6, yaw_rate_mdegps: 7, ..Kinematics::default() });
    publish(&gateway, [record(&trip, 1, before), told]).await;
    let shown = update(&mut stream).await;
    assert_eq!(event(&shown), 2, "one from before the dispatch was shown");
    let seen = shown.record.unwrap();
    assert!(seen.faults.is_empty() && seen.sensors.is_empty() && seen.sensor_health.is_empty());
    assert_eq!(seen.kinematics, Some(Kinematics { speed_mmps: 5, ..Kinematics::default() }));

    bench.post("/progress", &format!(r#"{{"tenderId":"{}","to":"enroute"}}"#, trip.tender));
    bench.post("/progress", &format!(r#"{{"tenderId":"{}","to":"delivered"}}"#, trip.tender));
    let minutes = |minutes: u64| now_nanos() + minutes * 60_000_000_000;
    publish(&gateway, [record(&trip, 3, minutes(59))]).await;
    publish(&gateway, [record(&trip, 4, minutes(61))]).await;
    assert_eq!(event(&update(&mut stream).await), 3);
    // A new call gets what may be seen of the latest: nothing any more.
    publish(&gateway, [record(&trip, 5, minutes(62))]).await;
    let mut again = follow(&bench, "L-1", "").await;
    let first = soon("a sign of life", again.message()).await.unwrap().unwrap();
    assert!(matches!(first.message, Some(Message::Heartbeat(_))), "{first:?}");
    acme.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cursor_resumes_and_a_slow_reader_is_told_what_it_missed() {
    let bench = Bench::start();
    let acme = bench.client().await;
    let trip = dispatched_on(&bench, &acme, "L-1", TRUCK).await;
    let gateway = gateway(&bench).await;
    let start = now_nanos();
    let some = |from: u64, to: u64| (from..=to).map(|n| record(&trip, n, start + n)).collect::<Vec<_>>();
    let mut stream = follow(&bench, "L-1", "").await;
    publish(&gateway, some(1, 3)).await;
    let mut last = update(&mut stream).await;
    while event(&last) < 3 {
        last = update(&mut stream).await;
    }
    let cursor = last.cursor;
    drop(stream);
    publish(&gateway, some(4, 10)).await;
    let mut stream = follow(&bench, "L-1", &cursor).await;
    let resumed = update(&mut stream).await;
    assert_eq!((event(&resumed), resumed.skipped, resumed.possible_duplicate), (10, 6, false));
    // Seen already: the cursor of the newest shows nothing again.
    let mut nothing = follow(&bench, "L-1", &resumed.cursor).await;
    let first = soon("a sign of life", nothing.message()).await.unwrap().unwrap();
    assert!(matches!(first.message, Some(Message::Heartbeat(_))), "{first:?}");

    // Nobody reads while a day's worth arrives.
    for from in (11..=20_000).step_by(2000) {
        publish(&gateway, some(from, (from + 1999).min(20_000))).await;
    }
    let (mut shown, mut skipped, mut seen) = (0, 0, 10);
    while seen < 20_000 {
        let update = update(&mut stream).await;
        assert!(event(&update) > seen, "not in order");
        seen = event(&update);
        shown += 1;
        skipped += update.skipped;
    }
    assert_eq!(shown + skipped, 20_000 - 10);
    assert!(shown < 20_000 - 10, "nothing was skipped for a reader that did not read");
    acme.close().await;
}
