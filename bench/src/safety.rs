//! How long a safety record takes: to the disk, and to the carrier's acknowledgement while the backlog of an hour drains; and what
//! a vehicle sends in an hour.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use gladhand::Gateway;
use gladhand_documents::telemetry::{Context, Lane, Record};
use gladhand_protocol::telemetry::Policies;
use tokio::runtime::{Builder, Runtime};

use crate::carrier::{Carrier, lonely};
use crate::link::{Link, ROUND_TRIP};
use crate::report::{millis, promise, quantile, reach};

/// What an entry of the spool takes, about.
const ENTRY: usize = 320;
const FILE: u64 = 1 << 20;
/// How often something looks for an acknowledgement.
const LOOK: Duration = Duration::from_micros(50);

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
}

/// A file whose blocks are there, and what one write and one sync of it take.
struct Bare {
    file: File,
    at: u64,
}

impl Bare {
    fn new(folder: &Path) -> Self {
        std::fs::create_dir_all(folder).expect("a folder");
        let path = folder.join("bare");
        std::fs::write(&path, vec![0; FILE as usize]).expect("a file");
        let file = OpenOptions::new().write(true).open(path).expect("a file");
        file.sync_all().expect("synced");
        Self { file, at: 0 }
    }

    fn sync(&mut self) -> Duration {
        let start = Instant::now();
        self.file.write_all_at(&[7; ENTRY], self.at).expect("written");
        self.file.sync_data().expect("synced");
        self.at = (self.at + ENTRY as u64) % (FILE - ENTRY as u64);
        start.elapsed()
    }
}

/// A safety record until it is on disk, in turns with a write and `fdatasync` of as many bytes.
pub fn admission(records: &[Record], folder: &Path) {
    const TURNS: usize = 3000;
    let runtime = runtime();
    let _entered = runtime.enter();
    let mut bare = Bare::new(folder);
    let gateway = lonely(Some(&folder.join("spool")), Policies::default());
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for record in fresh(records).cycle().take(TURNS) {
        theirs.push(bare.sync());
        let start = Instant::now();
        let admission = gateway.publish_in(Lane::Safety, record).expect("published");
        ours.push(start.elapsed());
        assert!(admission.durable);
    }
    println!("| durable admission of a safety record | p50, ms | p99, ms |\n|---|---:|---:|");
    println!("| gateway, published | {} | {} |", millis(quantile(&mut ours, 50)), millis(quantile(&mut ours, 99)));
    println!(
        "| write and fdatasync | {} | {} |\n",
        millis(quantile(&mut theirs, 50)),
        millis(quantile(&mut theirs, 99))
    );
    let ratio = quantile(&mut ours, 50).as_secs_f64() / quantile(&mut theirs, 50).as_secs_f64();
    promise("durable admission to one fdatasync, of medians", ratio, 1.3);
}

/// A safety record from the vehicle to the acknowledgement, while the hour drains: over loopback and over a slow link.
pub fn during_backlog(hour: &[Record], folder: &Path) {
    let runtime = runtime();
    let carrier = Carrier::start(folder);
    println!(
        "| safety record, published to acknowledged, while an hour drains | records | p50, ms | p99, ms |\n|---|---:|---:|---:|"
    );

    let mut bare = Bare::new(folder);
    let link = Link::start(carrier.port, false);
    let gateway = carrier.gateway(&runtime, &link, &folder.join("loopback"));
    let (mut took, mut syncs) = (Vec::new(), Vec::new());
    for _ in 0..40 {
        let before = || syncs.push(bare.sync());
        drain(&gateway, hour, Pace::AfterTheLast(Duration::from_millis(1)), before, &mut took);
        if took.len() >= 500 {
            break;
        }
    }
    drop(gateway);
    row("loopback", &mut took);
    row("one fdatasync, in turns with it", &mut syncs);

    let link = Link::start(carrier.port, true);
    let gateway = carrier.gateway(&runtime, &link, &folder.join("slow"));
    let mut slow = Vec::new();
    for _ in 0..8 {
        drain(&gateway, hour, Pace::Every(Duration::from_millis(100)), || {}, &mut slow);
    }
    row("1 Mbit/s, 200 ms, 2 % loss", &mut slow);
    println!();
    let limit = 2.0 * quantile(&mut syncs, 99).as_secs_f64() * 1e3 + 3.0;
    promise("loopback, p99 in ms", quantile(&mut took, 99).as_secs_f64() * 1e3, limit);
    let limit = 3.0 * ROUND_TRIP.as_secs_f64() * 1e3;
    promise("slow link, p99 in ms", quantile(&mut slow, 99).as_secs_f64() * 1e3, limit);
}

fn row(name: &str, took: &mut [Duration]) {
    println!("| {name} | {} | {} | {} |", took.len(), millis(quantile(took, 50)), millis(quantile(took, 99)));
}

/// When the next safety record is published.
#[derive(Clone, Copy)]
enum Pace {
    AfterTheLast(Duration),
    Every(Duration),
}

/// Publishes an hour at once, and safety records while it drains.
fn drain(gateway: &Gateway, hour: &[Record], pace: Pace, mut before: impl FnMut(), took: &mut Vec<Duration>) {
    let mut number = acknowledged(gateway);
    gateway.publish_batch(fresh(hour).collect()).expect("published");
    let mut under_way: VecDeque<(u64, Instant)> = VecDeque::new();
    let mut next = Instant::now();
    loop {
        let arrived = acknowledged(gateway);
        let now = Instant::now();
        while under_way.front().is_some_and(|(number, _)| *number <= arrived) {
            took.extend(under_way.pop_front().map(|(_, at)| now - at));
            if let Pace::AfterTheLast(pause) = pace {
                next = now + pause;
            }
        }
        let draining =
            gateway.status().counts.iter().any(|lane| lane.lane == Lane::Routine && lane.conservation.pending > 0);
        if !draining && under_way.is_empty() {
            return;
        }
        let may = matches!(pace, Pace::Every(_)) || under_way.is_empty();
        if draining && may && now >= next {
            before();
            let at = Instant::now();
            gateway.publish_in(Lane::Safety, fresh(hour).next().expect("a record")).expect("published");
            number += 1;
            under_way.push_back((number, at));
            if let Pace::Every(pause) = pace {
                next += pause;
            }
        }
        std::thread::sleep(LOOK);
    }
}

fn acknowledged(gateway: &Gateway) -> u64 {
    let counts = gateway.status().counts;
    counts.iter().filter(|lane| lane.lane == Lane::Safety).map(|lane| lane.conservation.acknowledged).sum()
}

/// Routine records, to be numbered by the gateway.
fn fresh(records: &[Record]) -> impl Iterator<Item = Record> + Clone {
    let routine = records.iter().filter(|record| !record.is_safety());
    routine.map(|record| Record { event_sequence: 0, ..record.clone() })
}

/// What goes up in an hour: the recorded minute at its own pace, with the default frames of a second.
pub fn uplink(minute: &[Record], folder: &Path) {
    let runtime = runtime();
    let carrier = Carrier::start(folder);
    let link = Link::start(carrier.port, false);
    let gateway = carrier.gateway(&runtime, &link, &folder.join("spool"));
    let (start, before) = (Instant::now(), link.up.load(Ordering::Relaxed));
    for (place, record) in fresh(minute).enumerate() {
        let due = start + Duration::from_millis(100) * place as u32;
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        gateway.publish(record).expect("published");
    }
    runtime.block_on(gateway.flush(Duration::from_secs(10))).expect("acknowledged");
    let bytes = link.up.load(Ordering::Relaxed) - before;
    let hourly = bytes as f64 * 3600.0 / start.elapsed().as_secs_f64() / 1e6;
    println!("TLS bytes up for one vehicle at 10 Hz, frames of a second: {hourly:.2} MB an hour ({bytes} in a minute)");
    promise("uplink, MB an hour", hourly, 1.0);
    let connection = before as f64 / 1e3;
    println!("beside that, once per connection of the two: {:.1} kB", connection / 2.0);
}

/// How much a carrier takes: hour after hour over mutual TLS, decoded, deduplicated and on disk before it is acknowledged.
pub fn collector(hour: &[Record], folder: &Path) {
    const HOURS: usize = 40;
    let runtime = runtime();
    let carrier = Carrier::start(folder);
    let link = Link::start(carrier.port, false);
    let gateway = carrier.gateway(&runtime, &link, &folder.join("spool"));
    let (start, before) = (Instant::now(), carrier.processor());
    let mut records = 0;
    for _ in 0..HOURS {
        records += gateway.publish_batch(fresh(hour).collect()).expect("published").accepted;
        runtime.block_on(gateway.flush(Duration::from_secs(60))).expect("acknowledged");
    }
    let (wall, processor) = (start.elapsed(), carrier.processor() - before);
    let thousands = |time: Duration| records as f64 / time.as_secs_f64() / 1e3;
    println!(
        "collector over mutual TLS: {:.0} thousand records per second of its processor time ({:.0} thousand a second with the gateway on the same two cores)",
        thousands(processor),
        thousands(wall),
    );
    reach("collector over mutual TLS, thousand records per second of one core", thousands(processor), 1500.0);
}

/// A record that differs from the last one in its context alone: the smallest frame that a lane can hold.
pub fn small() -> Record {
    let context = Context { vehicle_id: "t".into(), ..Context::default() };
    Record { context: Arc::new(context), ..Record::default() }
}
