//! How many calls a client may make in a minute; no limit until control sets one. Fixed windows of business time.

use std::collections::HashMap;
use std::sync::Mutex;

use gladhand_documents::error::Code;
use http::header::HeaderName;
use jiff::Timestamp;

use crate::problem::{Problem, Result};

const WINDOW_S: i64 = 60;

#[derive(Debug, Default)]
struct Inner {
    per_minute: Option<u32>,
    /// Calls of each client in the window that began at this second.
    window: i64,
    calls: HashMap<String, u32>,
}

/// The limit.
#[derive(Debug, Default)]
pub struct Limit(Mutex<Inner>);

impl Limit {
    /// Sets the limit or takes it off; counts from zero.
    pub fn set(&self, per_minute: Option<u32>) {
        *self.0.lock().expect("the limit") = Inner { per_minute, ..Inner::default() };
    }

    /// Counts a call. Error: `rate_limited` with Retry-After and what is left.
    pub fn take(&self, client_id: &str, now: Timestamp) -> Result<()> {
        let mut inner = self.0.lock().expect("the limit");
        let Some(limit) = inner.per_minute else { return Ok(()) };
        let window = now.as_second().div_euclid(WINDOW_S) * WINDOW_S;
        if window != inner.window {
            inner.window = window;
            inner.calls.clear();
        }
        let calls = inner.calls.entry(client_id.to_owned()).or_default();
        if *calls < limit {
            *calls += 1;
            return Ok(());
        }
        let reset = u64::try_from(window + WINDOW_S - now.as_second()).unwrap_or(1);
        Err(Problem::new(Code::RateLimited, format!("{limit} calls were made in this minute"))
            .retry_after(reset)
            .header(HeaderName::from_static("ratelimit-limit"), limit.to_string())
            .header(HeaderName::from_static("ratelimit-remaining"), "0")
            .header(HeaderName::from_static("ratelimit-reset"), reset.to_string()))
    }
}
