//! What memory a gateway and a follower take where they hold the most. Each in a process of its own, whose resident memory tells.

use std::path::Path;

use gladhand::Gateway;
use gladhand_documents::telemetry::wire::FollowUpdate;
use gladhand_documents::telemetry::{Lane, Record};
use gladhand_protocol::telemetry::{Latest, Policies, Seen};
use tokio::runtime::Runtime;

use crate::carrier::lonely;
use crate::safety::small;

/// A gateway with a spool, the carrier away, full of the smallest frames: safety records without a position.
pub fn spool(folder: &Path) {
    let runtime = Runtime::new().expect("a runtime");
    let _entered = runtime.enter();
    let mut policies = Policies::default();
    // How long the disk takes is not what is measured.
    policies.safety.sync_each = false;
    let gateway = lonely(Some(&folder.join("spool")), policies);
    let record = small();
    let before = resident();
    while gateway.status().conservation.dropped == 0 {
        (0..1000).for_each(|_| publish(&gateway, Lane::Safety, record.clone()));
    }
    let frames = gateway.status().conservation.pending;
    let more = resident() - before;
    let each = more as f64 / frames as f64;
    println!(
        "gateway with a spool of 16 MiB: {frames} frames on disk, {:.1} MB of memory, {each:.0} bytes per frame",
        mb(more)
    );
}

/// A gateway without a spool, the carrier away, full of routine and safety records.
pub fn memory(hour: &[Record]) {
    let runtime = Runtime::new().expect("a runtime");
    let _entered = runtime.enter();
    let gateway = lonely(None, Policies::default());
    let before = resident();
    for lane in [Lane::Routine, Lane::Operational, Lane::Diagnostic, Lane::Safety] {
        let dropped =
            || gateway.status().counts.iter().find(|counts| counts.lane == lane).map_or(0, |c| c.conservation.dropped);
        let mut records = hour.iter().cycle();
        while dropped() == 0 {
            let next = records.by_ref().take(1000).map(|record| Record { event_sequence: 0, ..record.clone() });
            next.for_each(|record| publish(&gateway, lane, record));
        }
    }
    let status = gateway.status();
    let (held, more) = (status.lanes.lanes.iter().map(|lane| lane.held_bytes).sum::<u64>(), resident() - before);
    println!(
        "gateway without a spool, 16 MiB: {} records, {:.1} MB by its own count, {:.1} MB of memory",
        status.conservation.pending,
        mb(held),
        mb(more),
    );
}

fn publish(gateway: &Gateway, lane: Lane, record: Record) {
    gateway.publish_in(lane, record).expect("published");
}

/// A follower of a thousand loads that nobody reads from.
pub fn follower(hour: &[Record]) {
    const LOADS: usize = 1000;
    let mut latest = Latest::new(64);
    let before = resident();
    for (place, record) in hour.iter().take(3 * LOADS).enumerate() {
        let mut record = record.to_wire();
        if let Some(correlation) = &mut record.correlation {
            correlation.load_id = format!("load-{}", place % LOADS);
        }
        let update = FollowUpdate { record: Some(record), cursor: place.to_string(), ..FollowUpdate::default() };
        latest.push(Seen { update, arrived_unix_nanos: 1 });
    }
    let more = resident() - before;
    let each = more as f64 / latest.len() as f64;
    println!(
        "follower of {LOADS} loads that is not read: {} updates, {:.1} MB of memory, {each:.0} bytes each",
        latest.len(),
        mb(more)
    );
}

/// Resident bytes of this process.
fn resident() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").expect("Linux");
    let pages: u64 = text.split(' ').nth(1).and_then(|pages| pages.parse().ok()).expect("pages");
    pages * 4096
}

fn mb(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
