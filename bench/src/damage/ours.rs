//! The spool of a vehicle gateway.

use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use gladhand::telemetry::spool::{Backlog as _, Folder, Leases, Now, Sealed, Sender, Spool};
use gladhand_documents::telemetry::frame::{Epoch, checksum};
use gladhand_documents::telemetry::{Context, Lane, Record};
use gladhand_protocol::telemetry::{LANES, Policies};

use super::{FRAMES, Found, Outcome, Store};

pub(super) const STORE: Store = Store { name: "Gladhand's spool", fill, read };

const EPOCH: Epoch = [7; 16];
/// Sequences that may be used: what was not when the process went is declared too.
const LEASED: u64 = 4096;

fn context() -> Context {
    Context { vehicle_id: "aurora-trk-0417".into(), ..Context::default() }
}

fn now() -> Now {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Now { ms: 0, unix_ms: since.as_millis() as u64 }
}

fn open(folder: &Path) -> Outcome<(Spool, gladhand_protocol::telemetry::Recovered)> {
    let budgets = LANES.map(|lane| Policies::default().of(lane).budget_bytes as u64);
    Ok(Spool::open(Arc::new(Folder::open(folder)?), budgets, EPOCH)?)
}

fn fill(folder: &Path, frames: &[Vec<u8>]) -> Outcome<()> {
    let (mut spool, _) = open(folder)?;
    spool.lease(&Leases { lanes: [LEASED + 1; 4], events: LEASED + 1, contexts: 2 })?;
    for (first, payload) in (1..).zip(frames) {
        let sealed = Sealed {
            lane: Lane::Safety,
            first,
            count: 1,
            checksum: checksum(&EPOCH, Lane::Safety, first, 1, payload),
            events: (first, first),
            admitted_unix_ms: now().unix_ms,
            contexts: &[context().to_wire(1)],
            payload,
        };
        spool.append(&sealed, true).map_err(|why| format!("{why:?}"))?;
    }
    // It is not closed; the lock goes with the process, and copies have none.
    std::mem::forget(spool);
    Ok(())
}

fn read(folder: &Path) -> Outcome<Found> {
    let (mut spool, recovered) = open(folder)?;
    let mut found = Found::new();
    for frame in &recovered.lanes[0].frames {
        found.insert(frame.first as usize - 1, spool.read(Lane::Safety, frame.place)?);
    }
    let mut sender = Sender::resume("edge", Box::new(spool), recovered, [8; 16], Policies::default(), now());
    let counts = sender.conservation_of(Lane::Safety);
    let declared = FRAMES as u64 + counts.dropped - LEASED;
    if counts.difference() != 0 || found.len() as u64 + declared != FRAMES as u64 {
        return Err("not every loss is declared".into());
    }
    let record = Record { context: Arc::new(context()), ..Record::default() };
    match sender.admit(Lane::Safety, record, now())? {
        admission if admission.durable => Ok(found),
        _ => Err("it takes nothing more".into()),
    }
}
