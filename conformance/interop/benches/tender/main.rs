//! What a tender costs: `cargo xtask bench --suite tender` starts this program once for each measurement, beside a Python
//! program that takes the same arguments and prints the same line (`conformance/interop-bench/tender.py`).
//!
//! * [`offer`]: what is tendered against. * [`ours`]: the client of this repository, journal and all; with and without a
//!   consumer of its events. * [`bare`]: reqwest with the same mTLS, token and proof for each
//!   call, and no memory of what it sent. * `disk`: what one wait for the disk costs, in the journal's folder.
//! * [`measure`]: calls, so many at a time; how long each took and what processor time went into them.
//!
//! Arguments are `key=value`: `client`, `folder` (of the sandbox), `base`, `control`, `load` (a file), `prefix`, `concurrent`,
//! `calls`, `server` (its process id), `journal` (a folder of this run's own).

mod bare;
mod measure;
mod offer;
mod ours;

use std::collections::HashMap;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use measure::{Plan, percentiles};

/// How often one wait for the disk is measured.
const SYNCS: u32 = 60;

type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// What every program is told.
struct Task {
    arguments: HashMap<String, String>,
}

impl Task {
    fn read() -> Self {
        let arguments: HashMap<String, String> = std::env::args()
            .filter_map(|argument| argument.split_once('=').map(|(key, value)| (key.to_owned(), value.to_owned())))
            .collect();
        Self { arguments }
    }

    fn get(&self, key: &str) -> Outcome<&str> {
        Ok(self.arguments.get(key).ok_or_else(|| format!("the argument {key}= is missing"))?)
    }

    fn plan(&self) -> Outcome<Plan> {
        Ok(Plan {
            concurrent: self.get("concurrent")?.parse()?,
            calls: self.get("calls")?.parse()?,
            server: self.get("server")?.parse()?,
        })
    }

    /// The loads of this run: those for warming up, then those that are measured.
    fn loads(&self, plan: &Plan) -> Outcome<Vec<String>> {
        let (prefix, load) = (self.get("prefix")?, std::fs::read_to_string(self.get("load")?)?);
        Ok((0..plan.total()).map(|number| load.replace("LOAD", &format!("{prefix}-{number}"))).collect())
    }
}

#[tokio::main(worker_threads = 2)]
async fn main() -> Outcome<()> {
    let task = Task::read();
    // `cargo bench` of everything has no carrier to talk to.
    let Some(client) = task.arguments.get("client") else {
        println!("run by `cargo xtask bench --suite tender`");
        return Ok(());
    };
    let line = match client.as_str() {
        "offer" => offer::publish(&task).await?,
        "ours" => ours::run(&task, false).await?,
        "followed" => ours::run(&task, true).await?,
        "bare" => bare::run(&task).await?,
        "disk" => disk(Path::new(task.get("journal")?))?,
        other => return Err(format!("client={other} is none of offer, ours, followed, bare, disk").into()),
    };
    println!("{line}");
    Ok(())
}

/// Appends a page, as SQLite's log does, and waits until it is on the disk.
fn disk(folder: &Path) -> Outcome<String> {
    let path = folder.join("disk");
    let mut file = OpenOptions::new().create(true).append(true).open(&path)?;
    let mut waits: Vec<Duration> = Vec::new();
    let processor = measure::own_seconds();
    for _ in 0..SYNCS {
        file.write_all(&[b'x'; 4096])?;
        let start = Instant::now();
        file.sync_data()?;
        waits.push(start.elapsed());
    }
    let processor = measure::own_seconds() - processor;
    std::fs::remove_file(path)?;
    let mut line = percentiles(&mut waits);
    line["clientUs"] = (processor * 1e6 / f64::from(SYNCS)).into();
    Ok(line.to_string())
}
