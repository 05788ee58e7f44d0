//! Trucks on the road: loads that are under way, gateways, the recorded minute.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::io::Read as _;
use std::path::PathBuf;
use std::sync::Arc;

use flate2::read::GzDecoder;
use gladhand::auth::Authorized;
use gladhand::clock::{Clock as _, SharedClock, SystemClock};
use gladhand::identity::Material;
use gladhand::observe::SecurityLog;
use gladhand::telemetry::{Connector, Context, Record, minute};
use gladhand::{Client, Config, Gateway, GatewayOptions};

use super::{Bench, express, text, until_state};

/// A load that is under way: the vehicle and the dispatch that carry it.
pub struct Trip {
    pub load: String,
    pub vehicle: String,
    pub dispatch: String,
    pub tender: String,
}

pub async fn dispatched(bench: &Bench, client: &Client, load: &str) -> Trip {
    dispatched_on(bench, client, load, "aurora-trk-0417").await
}

pub async fn dispatched_on(bench: &Bench, client: &Client, load: &str, vehicle: &str) -> Trip {
    let tender = client.tender_create(bench.load(load), express()).await.unwrap();
    let tender = text(&tender, "/tenderId");
    bench.post("/progress", &format!(r#"{{"tenderId":"{tender}","to":"dispatched","vehicleId":"{vehicle}"}}"#));
    let view = until_state(client, &tender, "dispatched").await;
    let dispatch = text(&view, "/dispatchId");
    let document = client.dispatch_get(&dispatch).await.unwrap();
    let vehicle = text(&document, "/assignments/0/tractorId");
    Trip { load: load.to_owned(), vehicle, dispatch, tender }
}

pub fn gateway_config(bench: &Bench) -> Config {
    Config::builder().file(bench.sandbox.gateway_config_path()).build().unwrap()
}

pub async fn gateway(bench: &Bench) -> Gateway {
    Gateway::connect(&gateway_config(bench), GatewayOptions::default()).await.unwrap()
}

/// The recorded minute as this trip's, ending now.
pub fn highway_minute(trip: &Trip) -> Vec<Record> {
    let path =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../conformance/vectors/telemetry/highway_minute.jsonl.gz");
    let mut lines = String::new();
    GzDecoder::new(std::fs::File::open(path).unwrap()).read_to_string(&mut lines).unwrap();
    let mut records = minute::parse(&lines).unwrap();
    let context = Arc::new(Context {
        vehicle_id: trip.vehicle.clone(),
        load_id: trip.load.clone(),
        dispatch_id: trip.dispatch.clone(),
        ..(*records[0].context).clone()
    });
    let last = records.last().unwrap().observed_unix_nanos;
    // A tenth of a second for the whole minute: it must lie after the dispatch.
    let now = now_nanos();
    for record in &mut records {
        record.context = context.clone();
        record.observed_unix_nanos = now - (last - record.observed_unix_nanos) / 600_000;
    }
    records
}

pub fn now_nanos() -> u64 {
    SystemClock::new().now().as_nanosecond() as u64
}

/// A connector with the credentials of another configuration of the sandbox.
pub fn connector(bench: &Bench, file: &str) -> (Arc<dyn Connector>, SharedClock) {
    let clock: SharedClock = Arc::new(SystemClock::new());
    let config = Config::builder().file(bench.sandbox.dir().join(file)).build().unwrap();
    let identity = Arc::new(Material::load(&config.identity, &*clock).unwrap());
    let carrier = config.carriers.values().next().unwrap();
    (Arc::new(Authorized::new(carrier, identity, clock.clone(), SecurityLog::new(clock.clone())).unwrap()), clock)
}
