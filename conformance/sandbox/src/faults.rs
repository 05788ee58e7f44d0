//! Faults on request: the next calls of an operation fail before they are processed, or after they were.

use std::sync::Mutex;

use serde::Deserialize;

/// When a fault strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum When {
    /// After authentication, before anything is read or changed.
    Before,
    /// After the effect is committed, in place of the answer.
    After,
}

/// How a fault looks to the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum How {
    /// The connection is dropped without an answer.
    Reset,
    /// `internal`, as the carrier's own problem document.
    #[serde(rename = "500")]
    Internal,
    /// Before: `capacity_backpressure` with Retry-After, the carrier's own. After: a bare 503 of a gateway in between.
    #[serde(rename = "503")]
    Unavailable,
    /// `bad_gateway`, as the carrier's own problem document.
    #[serde(rename = "502")]
    BadGateway,
    /// `timeout`, as the carrier's own problem document.
    #[serde(rename = "504")]
    GatewayTimeout,
    /// `maintenance`, with Retry-After.
    Maintenance,
    /// `rate_limited`, with Retry-After.
    #[serde(rename = "429")]
    RateLimited,
    /// No answer for two minutes, then the connection is dropped.
    Timeout,
    /// No answer, and the connection is neither served nor closed any more: a half-open TCP connection.
    HalfOpen,
    /// A status of 200, then a blank every quarter of a second for two minutes, then the connection is dropped.
    SlowLoris,
    /// A bare 404 of a gateway in between.
    #[serde(rename = "gateway404")]
    Gateway404,
    /// A redirect to `location`, which nobody may follow.
    Redirect,
    /// 200 with two megabytes of JSON.
    Oversize,
    /// 200 with something that is no JSON.
    Garbage,
    /// 200 with an object that has a member twice.
    Duplicate,
}

/// A fault to come.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Fault {
    /// The operation, such as `tenders.create`, or `*`.
    pub operation: String,
    /// Before or after processing.
    pub when: When,
    /// What the client sees.
    pub how: How,
    /// How many calls it strikes.
    #[serde(default = "once")]
    pub times: u32,
    /// The Retry-After of a 503 or 429, in seconds; `null` for a carrier that says none, against the contract.
    #[serde(default = "one_second")]
    pub retry_after_s: Option<u64>,
    /// The status of a redirect.
    #[serde(default = "temporary")]
    pub status: u16,
    /// Where a redirect leads.
    #[serde(default)]
    pub location: String,
}

impl Fault {
    /// A fault that strikes one call.
    pub fn once(operation: &str, when: When, how: How) -> Self {
        Self {
            operation: operation.to_owned(),
            when,
            how,
            times: once(),
            retry_after_s: one_second(),
            status: temporary(),
            location: String::new(),
        }
    }
}

fn once() -> u32 {
    1
}

#[allow(clippy::unnecessary_wraps, reason = "the default of an Option, for serde")]
fn one_second() -> Option<u64> {
    Some(1)
}

fn temporary() -> u16 {
    307
}

/// The faults to come, oldest first.
#[derive(Default)]
pub struct Faults(Mutex<Vec<Fault>>);

impl Faults {
    /// Adds a fault; `times: 0` takes back those of its operation.
    pub fn add(&self, fault: Fault) {
        let mut faults = self.0.lock().expect("the faults");
        if fault.times == 0 {
            faults.retain(|f| f.operation != fault.operation && fault.operation != "*");
        } else {
            faults.push(fault);
        }
    }

    /// The fault that strikes this call, if any; it is used up by one. `*` is every operation of the contract, never
    /// the authorization server: those are named, `oauth.token`, `oauth.metadata`, `oauth.jwks`.
    pub fn take(&self, operation: &str, when: When) -> Option<Fault> {
        let mut faults = self.0.lock().expect("the faults");
        let any = !operation.starts_with("oauth.");
        let strikes = |f: &Fault| f.operation == operation || (any && f.operation == "*");
        let at = faults.iter().position(|f| f.when == when && strikes(f))?;
        let fault = faults[at].clone();
        faults[at].times -= 1;
        if faults[at].times == 0 {
            faults.remove(at);
        }
        Some(fault)
    }
}
