//! How many appends a second the journal makes durable, and how often it waits for the disk for them, at 1, 16 and 256 at a
//! time: `cargo bench -p gladhand --bench journal`. Waits are counted, not timed: two for each commit, SQLite's log and the
//! mirrored head. `GLADHAND_BENCH_DIR` says on which disk; the temporary folder otherwise. No test asserts on it.
// A bench reads the machine's clock.
#![allow(clippy::disallowed_methods)]

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use gladhand::Document;
use gladhand::clock::SystemClock;
use gladhand::journal::Journal;
use gladhand::journal::rows::{NewIntent, NewTender};

/// For how long each number of callers is measured.
const FOR: Duration = Duration::from_secs(5);

/// As large as a load of the contract's examples.
fn content(tender: &str) -> Document {
    Document::parse(format!(r#"{{"tenderId":"{tender}","text":"{}"}}"#, "x".repeat(2000))).expect("a document")
}

async fn append(journal: &Journal, id: String) {
    let tender = NewTender {
        tender_id: id.clone(),
        load_id: id.clone(),
        carrier: "aurora".to_owned(),
        attempt: 1,
        revision: 1,
        again: false,
    };
    let intent = NewIntent {
        operation: "tenders.create",
        operation_id: format!("{id}/1"),
        tender_id: Some(id.clone()),
        carrier: "aurora".to_owned(),
        origin: "https://carrier.test".to_owned(),
        method: "POST",
        path: "/v1/tenders".to_owned(),
        key: "k".repeat(43),
        body: content(&id),
        prefer: None,
        resend_until: jiff::Timestamp::MAX,
        owner: "bench".to_owned(),
    };
    journal.run(move |store| store.open_tender(&tender, &intent)).await.expect("an append");
}

async fn measure(callers: usize) {
    let place = std::env::var_os("GLADHAND_BENCH_DIR").map_or_else(std::env::temp_dir, PathBuf::from);
    let folder = tempfile::tempdir_in(place).expect("a folder");
    let path = folder.path().join("journal.db");
    let journal = Journal::open(&path, "bench", "acme", Arc::new(SystemClock::new())).await.expect("a journal");
    let (before, start) = (journal.commits(), Instant::now());
    let tasks: Vec<_> = (0..callers)
        .map(|caller| {
            let journal = journal.clone();
            tokio::spawn(async move {
                let mut done = 0_u64;
                while start.elapsed() < FOR {
                    append(&journal, format!("t-{caller}-{done}")).await;
                    done += 1;
                }
                done
            })
        })
        .collect();
    let mut appends = 0;
    for task in tasks {
        appends += task.await.expect("a caller");
    }
    let (seconds, commits) = (start.elapsed().as_secs_f64(), journal.commits() - before);
    println!(
        "{callers}\t{:.0} appends/s\t{:.1} appends/commit\t{:.3} waits for the disk/append",
        appends as f64 / seconds,
        appends as f64 / commits as f64,
        2.0 * commits as f64 / appends as f64
    );
}

#[tokio::main(worker_threads = 2)]
async fn main() {
    println!("at a time\tdurable\tgroup\twaits");
    for callers in [1, 16, 256] {
        measure(callers).await;
    }
}
