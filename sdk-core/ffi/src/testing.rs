//! What only tests have: the feature `testing` is absent from every release. With these functions each language tests its
//! *bridge*: panics, cancellation, errors, streams and callbacks as such, apart from what the operations do.
//!
//! Bindings export them with the prefix `TESTING_`, each under the name it has here.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use gladhand_documents::error::{Code, Error, Result, Sent, Violation};
use gladhand_documents::json::Document;

use crate::stream::{Source, Stream};
use crate::task::{CancelToken, Task, guard, spawn};

/// Slow calls under way: each counts from its first step to its end, however it ends.
static UNDER_WAY: AtomicU64 = AtomicU64::new(0);
/// Slow calls that ended without reaching their end.
static CANCELLED: AtomicU64 = AtomicU64::new(0);

struct Probe {
    finished: bool,
}

impl Probe {
    fn begin() -> Self {
        UNDER_WAY.fetch_add(1, Ordering::SeqCst);
        Self { finished: false }
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        UNDER_WAY.fetch_sub(1, Ordering::SeqCst);
        if !self.finished {
            CANCELLED.fetch_add(1, Ordering::SeqCst);
        }
    }
}

/// Gives the number back: a call that needs no IO thread, and nothing else.
pub fn echo(value: i64) -> Result<i64> {
    guard(|| Ok(value))
}

/// Gives the number back by way of the runtime: the round trip of a call, and nothing else.
pub fn round_trip(value: i64, cancel: &CancelToken) -> Task<i64> {
    spawn(cancel, async move { Ok(value) })
}

/// Panics in a call that does not wait.
///
/// Error: `internal_panic`, always.
pub fn panic() -> Result<i64> {
    guard(|| panic!("TESTING_panic"))
}

/// Panics on the runtime.
///
/// Error: `internal_panic`, always.
pub fn panic_later(cancel: &CancelToken) -> Task<i64> {
    spawn(cancel, async { panic!("TESTING_panic_later") })
}

/// Answers after so many milliseconds; [`under_way`] and [`cancelled`] tell what became of it meanwhile.
pub fn slow(milliseconds: u64, cancel: &CancelToken) -> Task<i64> {
    spawn(cancel, async move {
        let mut probe = Probe::begin();
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
        probe.finished = true;
        Ok(0)
    })
}

/// Slow calls that have begun and have not ended.
pub fn under_way() -> u64 {
    UNDER_WAY.load(Ordering::SeqCst)
}

/// Slow calls that were cancelled under way, since the process began.
pub fn cancelled() -> u64 {
    CANCELLED.load(Ordering::SeqCst)
}

/// Logs so many records at level `info` on the runtime, as fast as it can.
pub fn log(count: u64, cancel: &CancelToken) -> Task<i64> {
    spawn(cancel, async move {
        for number in 0..count {
            tracing::info!(target: "gladhand::testing", number, "TESTING_log");
        }
        Ok(0)
    })
}

/// Every code of the error table.
pub fn codes() -> Vec<&'static str> {
    Code::ALL.iter().map(|code| code.as_str()).collect()
}

/// Fails with that code, every attribute filled: so much of an error must arrive in each language.
///
/// Errors: that one; `invalid_argument` for a code that is not in the table.
pub fn fail(code: &str) -> Result<i64> {
    guard(|| Err(error(code)))
}

/// [`fail`], on the runtime.
pub fn fail_later(code: &str, cancel: &CancelToken) -> Task<i64> {
    let code = code.to_owned();
    spawn(cancel, async move { Err(error(&code)) })
}

fn error(code: &str) -> Error {
    let Some(code) = Code::parse(code) else {
        return Error::new(Code::InvalidArgument, format!("code: {code} is not in the error table"));
    };
    let violation =
        Violation { path: "/stops/0".to_owned(), code: "required".to_owned(), message: "name one".to_owned() };
    Error::new(code, format!("TESTING_fail of {}", code.as_str()))
        .sent(Sent::MaybeSent)
        .with_status(418)
        .with_retry_after_ms(1_500)
        .with_problem(r#"{"title":"TESTING","status":418}"#)
        .with_violations(vec![violation])
        .with_request_id("request-1")
        .with_idempotency_key("key-1")
        .with_trace_id("4bf92f3577b34da6a3ce929d0e0e4736")
        .with_tender_id("tender-1")
        .caused_by(&std::io::Error::other("the cause below"))
}

/// Counts up to `count`, as documents `{"n":1}`, `{"n":2}` …, as fast as it is pulled.
#[derive(Debug)]
pub struct Storm {
    next: u64,
    count: u64,
}

impl Source for Storm {
    type Item = Document;

    async fn pull(&mut self) -> Result<Option<Document>> {
        if self.next > self.count {
            return Ok(None);
        }
        let document = Document::parse(format!(r#"{{"n":{}}}"#, self.next))?;
        self.next += 1;
        Ok(Some(document))
    }

    fn give_back(&mut self, _item: &Document) {
        self.next -= 1;
    }
}

/// A stream of so many documents: what a language makes loops and callbacks of, at its greatest speed.
pub fn storm(count: u64) -> Stream<Storm> {
    Stream::new(Storm { next: 1, count })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait<T: Send + 'static>(task: Task<T>) -> Result<T> {
        task.wait(|| Ok::<(), ()>(())).expect("the tick never fails")
    }

    #[test]
    fn every_code_arrives_with_all_its_attributes() {
        let token = CancelToken::new();
        for code in codes() {
            for error in [fail(code).unwrap_err(), wait(fail_later(code, &token)).unwrap_err()] {
                assert_eq!(error.code().as_str(), code);
                assert_eq!((error.http_status(), error.retry_after_ms()), (Some(418), Some(1_500)));
            }
        }
        assert_eq!(fail("no_such_code").unwrap_err().code(), Code::InvalidArgument);
    }

    #[test]
    fn a_cancelled_call_is_seen_to_end() {
        let token = CancelToken::new();
        let before = cancelled();
        let task = slow(600_000, &token);
        while under_way() == 0 {
            std::thread::yield_now();
        }
        token.cancel();
        assert_eq!(wait(task).unwrap_err().code(), Code::Cancelled);
        assert_eq!((under_way(), cancelled()), (0, before + 1));
    }

    #[test]
    fn panics_are_errors_and_the_next_call_works() {
        let token = CancelToken::new();
        assert_eq!(panic().unwrap_err().code(), Code::InternalPanic);
        assert_eq!(wait(panic_later(&token)).unwrap_err().code(), Code::InternalPanic);
        assert_eq!((echo(7).unwrap(), wait(round_trip(7, &token)).unwrap()), (7, 7));
    }

    #[test]
    fn a_storm_ends() {
        let (stream, token) = (storm(1_000), CancelToken::new());
        let mut seen = 0_i64;
        while let Some(document) = wait(stream.next(&token)).unwrap() {
            seen += 1;
            assert_eq!(document.integer("/n"), Some(seen));
        }
        assert_eq!(seen, 1_000);
    }
}
