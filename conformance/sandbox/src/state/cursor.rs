//! Opaque cursors: a place in a commit-ordered list, tied to the list and to the log epoch it was handed out in. The feed
//! reaches back for thirty days (contract 4e).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gladhand_documents::error::Code;
use jiff::{SignedDuration, Timestamp};

use crate::problem::{Problem, Result};
use crate::state::Store;

/// How far back the feed reaches, in days.
const RETENTION_D: i64 = 30;

impl Store {
    /// A cursor of this place in a list of the store.
    pub fn cursor(&self, list: &str, place: usize) -> String {
        encode(list, &self.cursor_epoch(), place)
    }

    /// The cursor behind everything that reads see of the feed.
    pub fn head(&self) -> String {
        self.cursor("events", self.read().end())
    }

    /// The place that a cursor names, from the start of what is retained where there is none. Error: `cursor_expired`.
    pub fn place(&self, list: &str, cursor: Option<&str>) -> Result<usize> {
        let begin = if list == "events" { self.retained() } else { 0 };
        match cursor {
            None => Ok(begin),
            Some(text) => decode(list, &self.cursor_epoch(), text).and_then(|place| {
                if place < begin { Err(expired("the feed no longer reaches so far back")) } else { Ok(place) }
            }),
        }
    }

    /// Voids every cursor that was handed out; the log stays as it is.
    pub fn expire_cursors(&mut self) {
        self.cursors += 1;
    }

    fn cursor_epoch(&self) -> String {
        format!("{}.{}", self.log_epoch, self.cursors)
    }

    /// The first place of the feed that is not too old.
    fn retained(&self) -> usize {
        let oldest = self.now.saturating_sub(SignedDuration::from_hours(24 * RETENTION_D)).unwrap_or(Timestamp::MIN);
        self.feed.all().partition_point(|committed| committed.at < oldest)
    }
}

fn expired(detail: &str) -> Problem {
    Problem::new(Code::CursorExpired, detail)
}

/// The cursor of a place in `list`.
pub fn encode(list: &str, epoch: &str, place: usize) -> String {
    URL_SAFE_NO_PAD.encode(format!("{list}|{epoch}|{place}"))
}

/// The place that a cursor names; `cursor_expired` if it is of another list or of an epoch that is over.
pub fn decode(list: &str, epoch: &str, cursor: &str) -> Result<usize> {
    let expired = || expired("the cursor is not of this feed, or of an epoch that is over");
    let text = URL_SAFE_NO_PAD.decode(cursor).ok().and_then(|b| String::from_utf8(b).ok()).ok_or_else(expired)?;
    let mut parts = text.split('|');
    match (parts.next(), parts.next(), parts.next().and_then(|p| p.parse().ok()), parts.next()) {
        (Some(of), Some(at), Some(place), None) if of == list && at == epoch => Ok(place),
        _ => Err(expired()),
    }
}
