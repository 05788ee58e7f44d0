//! What is in a segment file: entries, and what is left of damaged ones. Reading goes on behind every damage.

use gladhand_documents::telemetry::Context;

use super::entry::{self, HEADER, Header, MAGIC};
use super::segments::HEAD;

/// An entry, or what is left of one.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) header: Header,
    pub(super) offset: usize,
    /// Contexts and payload are what was written.
    pub(super) whole: bool,
    /// The contexts that a whole one brings along.
    pub(super) contexts: Vec<(u32, Context)>,
}

/// What a segment holds.
#[derive(Debug, Default)]
pub(super) struct Scan {
    pub(super) seen: Vec<Seen>,
    /// Bytes that are neither entries nor free, as (from, to).
    pub(super) damaged: Vec<(usize, usize)>,
    /// Where the next entry could go.
    pub(super) end: usize,
}

/// Reads a whole segment.
pub(super) fn scan(bytes: &[u8]) -> Scan {
    let used = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    let mut found = Scan { end: (HEAD as usize).min(bytes.len()), ..Scan::default() };
    let mut at = found.end;
    while at < used {
        if let Some(header) = Header::read(&bytes[at..]) {
            let next = (at + header.entry_bytes()).min(bytes.len());
            let contexts = header.body(&bytes[at..]).and_then(|(contexts, _)| entry::contexts(contexts));
            let whole = contexts.is_some();
            found.seen.push(Seen { header, offset: at, whole, contexts: contexts.unwrap_or_default() });
            if whole {
                at = next;
                found.end = at;
                continue;
            }
        }
        // An entry may begin anywhere behind the damage: its length may be what is damaged.
        let next = resume(bytes, at + 1).unwrap_or(used);
        found.damaged.push((at, next));
        at = next;
    }
    found
}

/// Where the next header is.
fn resume(bytes: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        at += bytes.get(at..)?.windows(MAGIC.len()).position(|window| window == MAGIC)?;
        if bytes.len() >= at + HEADER && Header::read(&bytes[at..]).is_some() {
            return Some(at);
        }
        at += 1;
    }
}
