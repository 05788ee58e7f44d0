//! What the spool still has of sequences that are acknowledged: safety records for a while, others until their segment goes.

use std::collections::HashMap;
use std::sync::Arc;

use gladhand_documents::telemetry::{Context, Lane};
use gladhand_protocol::telemetry::{Held, Place, RecoveredFrame};

use super::recover::frame;
use super::scan::{Seen, scan};
use super::storage::read_all;
use super::store::{LaneIndex, Spool};

impl Spool {
    /// The whole entries of a lane that overlap these sequences of the present epoch. Reads the lane's segments: nothing in
    /// memory tells of what is acknowledged.
    pub(super) fn find_held(&self, lane: Lane, first: u64, last: u64) -> Held {
        let (index, mut frames) = (lane.index(), Vec::<RecoveredFrame>::new());
        let mut contexts: HashMap<u32, Arc<Context>> = HashMap::new();
        for (number, segment) in self.lanes[index].all() {
            // What cannot be read is not held.
            let Ok(bytes) = read_all(&*segment.file, segment.end) else { continue };
            for Seen { header, offset, whole, contexts: about } in scan(&bytes).seen {
                let shift = self.lease.shift(&header.epoch, index).filter(|shift| header.first > *shift);
                let (Some(shift), true) = (shift, whole && header.lane == lane && header.count > 0) else { continue };
                let begins = header.first - shift;
                if begins > last || begins.saturating_add(u64::from(header.count)) <= first {
                    continue;
                }
                let place = Place { segment: number, offset: offset as u32, bytes: header.entry_bytes() as u32 };
                frames.push(frame(&header, begins, &about, place, &self.lease));
                for (id, context) in about {
                    contexts.entry(id).or_insert_with(|| Arc::new(context));
                }
            }
        }
        Held { frames, contexts: contexts.into_iter().collect() }
    }
}
