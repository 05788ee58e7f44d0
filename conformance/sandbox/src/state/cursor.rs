//! Opaque cursors: a place in a commit-ordered list, tied to the list and to the log epoch it was handed out in.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gladhand_documents::error::Code;

use crate::problem::{Problem, Result};

/// The cursor of a place in `list`.
pub fn encode(list: &str, epoch: &str, place: usize) -> String {
    URL_SAFE_NO_PAD.encode(format!("{list}|{epoch}|{place}"))
}

/// The place that a cursor names; `cursor_expired` if it is of another list or of an epoch that is over.
pub fn decode(list: &str, epoch: &str, cursor: &str) -> Result<usize> {
    let expired = || Problem::new(Code::CursorExpired, "the cursor is not of this feed, or of an epoch that is over");
    let text = URL_SAFE_NO_PAD.decode(cursor).ok().and_then(|b| String::from_utf8(b).ok()).ok_or_else(expired)?;
    let mut parts = text.split('|');
    match (parts.next(), parts.next(), parts.next().and_then(|p| p.parse().ok()), parts.next()) {
        (Some(of), Some(at), Some(place), None) if of == list && at == epoch => Ok(place),
        _ => Err(expired()),
    }
}
