//! The trace of a call, in what the call leaves to the background.

use super::*;
use crate::trace::{self, TraceContext, in_trace};

/// Methods of requests, each with the trace that it was made in.
type Seen = Arc<Mutex<Vec<(Method, Option<String>)>>>;

#[tokio::test]
async fn what_a_call_leaves_open_is_resolved_in_its_trace() {
    let seen = Seen::default();
    let log = seen.clone();
    let bench = Bench::new(move |request| {
        let trace = trace::current().map(|context| context.trace_id().to_string());
        log.lock().unwrap().push((request.method.clone(), trace));
        if request.method == Method::POST { lost() } else { unreachable() }
    })
    .await;
    let context = TraceContext::parse("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", None);
    let created = in_trace(context, Box::pin(bench.create())).await.unwrap();
    assert_eq!(text(&created, "/receipt"), "unproven");
    let foreground = seen.lock().unwrap().len();
    bench
        .pass(SECOND, async {
            while seen.lock().unwrap().len() < foreground + 3 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        })
        .await;
    for (method, trace) in &*seen.lock().unwrap() {
        assert_eq!(trace.as_deref(), Some("4bf92f3577b34da6a3ce929d0e0e4736"), "{method}");
    }
}
