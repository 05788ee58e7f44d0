//! Many calls at once on one client: `cargo xtask bench --suite calls` runs this beside `waiting.py` and `waiting.mjs` of
//! `conformance/interop-bench`, which do the same. Prints calls a second and the processor time of a call.
//!
//! Arguments: how long the carrier takes (ms), how many calls at a time, how many in all.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use gladhand::{Client, Document, Sandbox};
use rustix::time::{ClockId, clock_gettime};

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

#[tokio::main(worker_threads = 2)]
async fn main() -> Outcome<()> {
    let numbers: Vec<usize> = std::env::args().filter_map(|argument| argument.parse().ok()).collect();
    // `cargo bench` of everything has no carrier to talk to.
    let [latency, concurrent, calls] = numbers[..] else {
        println!("run by `cargo xtask bench --suite calls`");
        return Ok(());
    };
    let carrier = Sandbox::start()?;
    let client = Client::connect(carrier.config()?).await?;
    let wish = r#"{"origin":{"lat":41.8781,"lon":-87.6298},"destination":{"lat":34.0522,"lon":-118.2437}}"#;
    let found = client.capacity_search(Document::parse(wish)?).await?;
    let capacity = found.text("/offers/0/offer/capacityId").ok_or("the sandbox has no capacity")?;
    carrier.control("/latency", Some(&Document::parse(format!(r#"{{"ms":{latency}}}"#))?))?;
    run(&client, &capacity, concurrent, concurrent).await?;
    let (start, processor) = (Instant::now(), own_seconds());
    run(&client, &capacity, concurrent, calls).await?;
    println!("calls a second\t{:.0}", calls as f64 / start.elapsed().as_secs_f64());
    println!("client CPU of a call, us\t{:.1}", (own_seconds() - processor) * 1e6 / calls as f64);
    client.close().await;
    Ok(())
}

/// So many tasks, each of which makes the next call until there is none.
async fn run(client: &Client, capacity: &str, concurrent: usize, calls: usize) -> Outcome<()> {
    let left = Arc::new(AtomicUsize::new(calls));
    let tasks: Vec<_> = (0..concurrent)
        .map(|_| {
            let (client, capacity, left) = (client.clone(), capacity.to_owned(), left.clone());
            tokio::spawn(async move {
                while left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok() {
                    client.capacity_get("aurora", &capacity).await?;
                }
                Outcome::Ok(())
            })
        })
        .collect();
    for task in tasks {
        task.await??;
    }
    Ok(())
}

/// Processor time of this process, of all its threads.
fn own_seconds() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}
