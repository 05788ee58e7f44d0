//! The trace that a call belongs to, on its way from the host to the requests of the call: a task-local of the task that works
//! for it. Background work belongs to nobody's trace; what a call leaves to it says so with [`resume`].
//!
//! It makes no spans: a span id is drawn for every request, so that a carrier's spans hang under the host's trace, and the log
//! (`gladhand::http`, level debug) says which request had which.

use std::future::Future;

use futures_util::FutureExt as _;
use gladhand_documents::error::{Error, Result};
use gladhand_documents::telemetry::SpanId;
pub use gladhand_protocol::trace::TraceContext;
use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::task::futures::TaskLocalFuture;

use crate::auth::random;

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

tokio::task_local! {
    static CURRENT: Option<TraceContext>;
}

/// The trace of the call for which this task is at work.
pub fn current() -> Option<TraceContext> {
    CURRENT.try_with(Clone::clone).ok().flatten()
}

/// Makes a call as part of this trace: every request of it carries `traceparent`, with a span id of its own, and `tracestate`;
/// and its error has the trace id, unless the carrier named one. Without a context it is a call of no trace.
///
/// ```
/// # async fn tell(gh: gladhand::Client) -> gladhand::Result<()> {
/// use gladhand::trace::{TraceContext, in_trace};
///
/// let context = TraceContext::parse("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", None);
/// let tender = in_trace(context, gh.tender_get("t-1")).await?;
/// # Ok(())
/// # }
/// ```
pub fn in_trace<T>(
    context: Option<TraceContext>,
    call: impl Future<Output = Result<T>>,
) -> impl Future<Output = Result<T>> {
    let of = context.clone();
    resume(context, call).map(move |outcome| outcome.map_err(|error| named(error, of.as_ref())))
}

/// The error of a call of this trace.
pub fn named(error: Error, context: Option<&TraceContext>) -> Error {
    match context {
        Some(context) if error.trace_id().is_none() => error.with_trace_id(context.trace_id().to_string()),
        _ => error,
    }
}

/// Goes on in the trace of whoever asked for this work, in another task.
pub(crate) fn resume<F: Future>(context: Option<TraceContext>, work: F) -> TaskLocalFuture<Option<TraceContext>, F> {
    CURRENT.scope(context, work)
}

/// Adds the trace's header fields to a request, with a span of its own; returns that. Nothing without a trace.
pub(crate) fn mark(headers: &mut HeaderMap) -> Option<SpanId> {
    let context = current()?;
    let span = random::bytes().ok().and_then(SpanId::new)?;
    let parent = HeaderValue::try_from(context.traceparent(span)).ok()?;
    headers.insert(TRACEPARENT, parent);
    match context.tracestate().and_then(|state| HeaderValue::from_str(state).ok()) {
        Some(state) => drop(headers.insert(TRACESTATE, state)),
        None => drop(headers.remove(TRACESTATE)),
    }
    Some(span)
}

#[cfg(test)]
mod tests {
    use gladhand_documents::error::Code;

    use super::*;

    fn context() -> Option<TraceContext> {
        TraceContext::parse("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", Some("rojo=1"))
    }

    #[tokio::test]
    async fn every_request_has_the_trace_and_a_span_of_its_own() {
        let marked = in_trace(context(), async {
            let (mut one, mut two) = (HeaderMap::new(), HeaderMap::new());
            assert_ne!(mark(&mut one), mark(&mut two));
            Ok([one, two])
        });
        for headers in marked.await.unwrap() {
            let parent = headers["traceparent"].to_str().unwrap();
            assert!(parent.starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-") && parent.ends_with("-01"));
            assert!(!parent.contains("00f067aa0ba902b7"));
            assert_eq!(headers["tracestate"], "rojo=1");
        }
        let mut none = HeaderMap::new();
        assert_eq!(mark(&mut none), None);
        assert!(none.is_empty());
    }

    #[tokio::test]
    async fn an_error_has_the_trace_unless_the_carrier_named_one() {
        let fails = |error: Error| in_trace(context(), async { Err(error) as Result<()> });
        let own = fails(Error::new(Code::Connect, "no")).await.unwrap_err();
        assert_eq!(own.trace_id(), Some("4bf92f3577b34da6a3ce929d0e0e4736"));
        let told = fails(Error::new(Code::NotFound, "no").with_trace_id("t")).await.unwrap_err();
        assert_eq!(told.trace_id(), Some("t"));
        let outside = in_trace(None, async { Err(Error::new(Code::Connect, "no")) as Result<()> });
        assert_eq!(outside.await.unwrap_err().trace_id(), None);
    }
}
