//! The worst moment: the process dies by SIGKILL before the request left, after it left, after the answer came and before
//! it was written. It starts again, alone or beside another process of the same TMS on the same journal: exactly one
//! tender at the carrier, and the journal says what happened.
//!
//! `GLADHAND_SIGKILL_ROUNDS` repeats the matrix; once by default.

mod support;

use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Output, Stdio};

use gladhand::{Client, Config, Document};
use support::{Bench, express, soon, text, until_state};
use tokio::process::Command;

/// Names the load's file to a child; without it the child's test is nothing.
const LOAD: &str = "GLADHAND_TEST_SIGKILL_LOAD";

/// The TMS: tenders one load, and says how that ended.
#[tokio::test]
async fn tms() {
    let Ok(path) = std::env::var(LOAD) else { return };
    let load = Document::parse(std::fs::read(path).unwrap()).unwrap();
    let client = Client::connect(Config::load().unwrap()).await.unwrap();
    let tender = client.tender_create(load, express()).await.unwrap();
    let settled = until_state(&client, &text(&tender, "/tenderId"), "accepted").await;
    let journal = soon("the outcome", async {
        loop {
            let report = client.journal_verify().await.unwrap();
            if report.integer("/unresolved") == Some(0) {
                return report;
            }
            tokio::task::yield_now().await;
        }
    })
    .await;
    println!("\nSETTLED {}\nJOURNAL {}", settled.as_str(), journal.as_str());
    client.close().await;
}

async fn child(bench: &Bench, journal: &Path, load: &Path, failpoint: Option<&str>) -> Output {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "tms", "--nocapture"])
        .env(LOAD, load)
        .env("GLADHAND_CONFIG", bench.sandbox.config_path())
        .env("GLADHAND_JOURNAL_PATH", journal)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    if let Some(point) = failpoint {
        command.env("GLADHAND_FAILPOINT", point);
    }
    soon("the end of a process", command.output()).await.unwrap()
}

fn line(output: &Output, name: &str) -> Document {
    let out = String::from_utf8_lossy(&output.stdout);
    let found = out.lines().find_map(|line| line.strip_prefix(name));
    Document::parse(found.unwrap_or_else(|| panic!("{out}{}", String::from_utf8_lossy(&output.stderr)))).unwrap()
}

async fn die_and_rise(bench: &Bench, name: &str, point: &str, beside: bool) {
    let journal = bench.journal(&format!("{name}.db"));
    let load = bench.journal(&format!("{name}.json"));
    std::fs::write(&load, bench.load_for(name, "many").as_str()).unwrap();
    // This process is the second one of the TMS.
    let other = if beside { Some(Client::connect(bench.config(&format!("{name}.db"))).await.unwrap()) } else { None };

    let died = child(bench, &journal, &load, Some(&format!("{point}@tenders.create"))).await;
    assert_eq!(died.status.signal(), Some(9), "{point}: {}", String::from_utf8_lossy(&died.stderr));
    // `before_send` has nothing there; the others exactly one.
    let there = bench.creates(name);
    assert!(there <= 1 && (point == "before_send" || there == 1), "{point}: {there}");

    let rose = child(bench, &journal, &load, None).await;
    assert!(rose.status.success(), "{point}: {}", String::from_utf8_lossy(&rose.stderr));
    let settled = line(&rose, "SETTLED ");
    assert_eq!((text(&settled, "/receipt"), text(&settled, "/sync")), ("proven".into(), "in_sync".into()), "{point}");
    let report = line(&rose, "JOURNAL ");
    assert_eq!((report.boolean("/intact"), report.integer("/unresolved")), (Some(true), Some(0)), "{point}");
    assert_eq!(bench.creates(name), 1, "{point}, beside {beside}");

    let reader = match other {
        Some(other) => other,
        None => Client::connect(bench.config(&format!("{name}.db"))).await.unwrap(),
    };
    // The journal tells the story: meant once, ended once.
    let export = reader.journal_export().await.unwrap();
    let count = |kind: &str| export.iter().filter(|entry| text(entry, "/kind") == kind).count();
    assert_eq!((count("INTENT"), count("OUTCOME")), (1, 1), "{point}, beside {beside}");
    let outcome = export.iter().find(|entry| text(entry, "/kind") == "OUTCOME").unwrap();
    let result = text(outcome, "/body/result");
    assert!(result == "recovered" || (point == "before_send" && result == "answered"), "{point}: {result}");
    reader.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_any_moment_there_is_exactly_one_tender() {
    if std::env::var_os(LOAD).is_some() {
        return;
    }
    let rounds: u32 = std::env::var("GLADHAND_SIGKILL_ROUNDS").ok().and_then(|n| n.parse().ok()).unwrap_or(1);
    for round in 0..rounds {
        // A carrier of its own: nothing of an earlier round can help or harm.
        let bench = Bench::start();
        bench.offer("many", 1000);
        for point in ["before_send", "after_send", "after_answer"] {
            let alone = format!("L-{round}-{point}-alone");
            let beside = format!("L-{round}-{point}-beside");
            tokio::join!(die_and_rise(&bench, &alone, point, false), die_and_rise(&bench, &beside, point, true));
        }
    }
}
