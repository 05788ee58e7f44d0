//! Calls, so many at a time: how long each took, and the processor time of this process and of the server meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};

use crate::Outcome;

/// How a clock tick of `/proc` is counted; Linux has reported hundredths to programs since before this century.
const TICKS_PER_SECOND: f64 = 100.0;

/// How much is measured.
#[derive(Clone, Copy)]
pub(crate) struct Plan {
    /// How many calls are under way at a time.
    pub(crate) concurrent: usize,
    /// How many calls are measured.
    pub(crate) calls: usize,
    /// The server's process id.
    pub(crate) server: u32,
}

impl Plan {
    /// Before anything is measured: connections, token and nonce are there, the statements prepared.
    fn warming(&self) -> usize {
        self.concurrent.max(8)
    }

    /// Every call of the run.
    pub(crate) fn total(&self) -> usize {
        self.warming() + self.calls
    }
}

/// Makes the calls of a plan; `call` gets the number of each. The line that the program prints.
pub(crate) async fn measure<F, C>(plan: Plan, call: F) -> Outcome<String>
where
    F: Fn(usize) -> C + Clone + Send + Sync + 'static,
    C: Future<Output = Outcome<()>> + Send + 'static,
{
    let warming = plan.warming();
    all(plan.concurrent, 0..warming, call.clone()).await?;
    let (server, own, start) = (server_seconds(plan.server)?, own_seconds(), Instant::now());
    let mut latencies = all(plan.concurrent, warming..plan.total(), call).await?;
    let (seconds, own, server) =
        (start.elapsed().as_secs_f64(), own_seconds() - own, server_seconds(plan.server)? - server);
    let mut line = percentiles(&mut latencies);
    let calls = plan.calls as f64;
    line["perSecond"] = json!(calls / seconds);
    line["clientUs"] = json!(own * 1e6 / calls);
    line["serverUs"] = json!(server * 1e6 / calls);
    Ok(line.to_string())
}

/// So many tasks, each of which takes the next number until there is none.
async fn all<F, C>(concurrent: usize, numbers: std::ops::Range<usize>, call: F) -> Outcome<Vec<Duration>>
where
    F: Fn(usize) -> C + Clone + Send + Sync + 'static,
    C: Future<Output = Outcome<()>> + Send + 'static,
{
    let next = Arc::new(AtomicUsize::new(numbers.start));
    let tasks: Vec<_> = (0..concurrent)
        .map(|_| {
            let (next, call, end) = (next.clone(), call.clone(), numbers.end);
            tokio::spawn(async move {
                let mut latencies = Vec::new();
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= end {
                        return Outcome::Ok(latencies);
                    }
                    let start = Instant::now();
                    call(number).await?;
                    latencies.push(start.elapsed());
                }
            })
        })
        .collect();
    let mut latencies = Vec::with_capacity(numbers.len());
    for task in tasks {
        latencies.extend(task.await??);
    }
    Ok(latencies)
}

/// Percentiles in microseconds.
pub(crate) fn percentiles(latencies: &mut [Duration]) -> Value {
    latencies.sort_unstable();
    let at = |share: f64| {
        let place = ((latencies.len() as f64 * share) as usize).min(latencies.len().saturating_sub(1));
        latencies.get(place).map_or(f64::NAN, |latency| latency.as_secs_f64() * 1e6)
    };
    json!({"p50": at(0.5), "p90": at(0.9), "p99": at(0.99)})
}

/// Processor time of this process, of all its threads.
pub(crate) fn own_seconds() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// Processor time of another process: `utime` and `stime` of `/proc/<pid>/stat` (proc(5)).
fn server_seconds(process: u32) -> Outcome<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The name in parentheses may have spaces.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |place: usize| fields.get(place).and_then(|text| text.parse::<f64>().ok()).ok_or("no such field");
    Ok((ticks(11)? + ticks(12)?) / TICKS_PER_SECOND)
}
