//! The TMS of `cargo xtask drill crash`: tenders its loads, to the next carrier where one is refused or taken back, reads its
//! events and acknowledges them, and asks for a stop; whenever it is killed it is started again and goes on. Ends when every
//! load is settled, every intent has its outcome and every event was acknowledged.
//!
//! `drill_tms run`: with `GLADHAND_CONFIG` and `GLADHAND_JOURNAL_PATH`, and
//! * `DRILL_FOLDER`: its loads, `<load>.<place>.<carrier>.json`, and its files: what it saw, `seen-<process>`.
//! * `DRILL_PROCESS`: its number; `loads-<process>` names its loads. Odd ones ask the carriers in the other order.
//! * `DRILL_CONTROLS`: the control addresses, `carrier=http://…`, for the trucks that the carriers let go.
//!
//! `drill_tms points`: every write of the journal with its points. `drill_tms verify PATH`: a journal that nobody has open.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use gladhand::failpoint::{OF_EXCHANGES, OF_WRITES, Write};
use gladhand::{Client, Code, CommandRequest, Config, CreateOptions, Document, Error, Requester, Result, Sandbox};

/// How long it tries before it gives up: far longer than anything takes.
const PATIENCE: Duration = Duration::from_secs(100);
const GLANCE: Duration = Duration::from_millis(40);

#[tokio::main(worker_threads = 2)]
async fn main() -> std::process::ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words[..] {
        ["run"] => run().await,
        ["points"] => {
            points();
            Ok(())
        }
        ["verify", path] => {
            gladhand::journal::file::verify(Path::new(path)).map(|report| println!("{}", report.as_str()))
        }
        _ => Err(Error::new(Code::InvalidArgument, "usage: drill_tms run | points | verify PATH")),
    };
    match done {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:?} {}", error.causes().join(": "));
            std::process::ExitCode::FAILURE
        }
    }
}

fn points() {
    for write in Write::ALL {
        for point in OF_WRITES {
            println!("write {point}@{}", write.as_str());
        }
    }
    for point in OF_EXCHANGES {
        println!("exchange {point}");
    }
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_default()
}

fn text(document: &Document, pointer: &str) -> String {
    document.text(pointer).unwrap_or_default()
}

/// One load, and where it may go.
struct Load {
    id: String,
    /// Carrier and content, in the order in which they are asked.
    offers: Vec<(String, Document)>,
}

struct Tms {
    folder: PathBuf,
    process: usize,
    gh: Client,
    until: Instant,
    /// What it is at.
    doing: Mutex<String>,
}

#[allow(clippy::disallowed_methods, reason = "a program of its own: its patience runs on the machine's clock")]
async fn run() -> Result<()> {
    let gh = Client::connect(Config::load()?).await?;
    let folder = PathBuf::from(variable("DRILL_FOLDER"));
    let process = variable("DRILL_PROCESS").parse().unwrap_or(0);
    let tms = Tms { folder, process, gh, until: Instant::now() + PATIENCE, doing: Mutex::default() };
    let loads = tms.loads()?;
    let worked = AtomicBool::new(false);
    let work = async {
        for load in &loads {
            let tender = tms.settle(load).await?;
            tms.stop_truck(load, &tender).await?;
        }
        tms.resolved().await?;
        // From here on the journal knows all that the carriers had said: only now can everything have been seen.
        tms.now_at("waiting for events");
        worked.store(true, Ordering::Release);
        Ok(())
    };
    let mut seen = Seen::open(&tms.folder.join(format!("seen-{process}")))?;
    tokio::try_join!(work, tms.read(&mut seen, &loads, &worked))?;
    tms.gh.close().await;
    println!("DONE");
    Ok(())
}

impl Tms {
    fn loads(&self) -> Result<Vec<Load>> {
        let names = std::fs::read_to_string(self.folder.join(format!("loads-{}", self.process))).map_err(broken)?;
        let mut files: Vec<PathBuf> =
            std::fs::read_dir(&self.folder).map_err(broken)?.flatten().map(|entry| entry.path()).collect();
        files.sort();
        names
            .lines()
            .map(|id| {
                let mut offers = Vec::new();
                for file in &files {
                    let name = file.file_name().unwrap_or_default().to_string_lossy();
                    let parts: Vec<&str> = name.split('.').collect();
                    if let [load, _, carrier, "json"] = parts[..]
                        && load == id
                    {
                        offers.push((carrier.to_owned(), Document::parse(std::fs::read(file).map_err(broken)?)?));
                    }
                }
                if self.process % 2 == 1 {
                    offers.reverse();
                }
                Ok(Load { id: id.to_owned(), offers })
            })
            .collect()
    }

    #[allow(clippy::disallowed_methods, reason = "see run")]
    fn patient(&self, what: &str) -> Result<()> {
        if Instant::now() < self.until {
            return Ok(());
        }
        let doing = self.doing.lock().unwrap_or_else(PoisonError::into_inner);
        let what = format!("{what}, while {doing}");
        Err(Error::new(Code::DeadlineExceeded, format!("{what}: not within {} s", PATIENCE.as_secs())))
    }

    fn now_at(&self, what: &str) {
        what.clone_into(&mut self.doing.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Tenders until one carrier has the load, or it is frozen. A tender that nobody decides is taken back.
    async fn settle(&self, load: &Load) -> Result<Document> {
        let (mut place, mut last) = (0, String::new());
        loop {
            self.patient(&format!("load {}: {last}", load.id))?;
            let (carrier, content) = &load.offers[place % load.offers.len()];
            let options = CreateOptions::new(carrier.clone()).wait(Duration::from_secs(2));
            self.now_at(&format!("tendering {}", load.id));
            let tendered = if place < load.offers.len() {
                self.gh.tender_create(content.clone(), options).await
            } else {
                self.gh.tender_again(content.clone(), options).await
            };
            let tender = match tendered {
                Ok(tender) => tender,
                // Another process has tendered it meanwhile: that one is joined.
                Err(error) if error.code() == Code::LoadHeld => {
                    self.mend(&error).await?;
                    place = 0;
                    continue;
                }
                Err(error) => {
                    last = format!("{error:?}");
                    self.mend(&error).await?;
                    continue;
                }
            };
            let tender = self.decided(&tender).await?;
            last = format!("{} at {}", text(&tender, "/state"), text(&tender, "/carrier"));
            if text(&tender, "/sync") == "diverged" {
                println!("FROZEN {}", load.id);
                return Ok(tender);
            }
            if tender.boolean("/loadReleased") == Some(true) {
                place += 1;
            } else {
                return Ok(tender);
            }
        }
    }

    /// What became of a tender: waits while it is unproven or out of step, withdraws it while it is pending.
    async fn decided(&self, tender: &Document) -> Result<Document> {
        let id = text(tender, "/tenderId");
        loop {
            self.patient(&format!("tender {id}"))?;
            self.now_at(&format!("reading {id}"));
            let now = match self.gh.tender_get(&id).await {
                Ok(now) => now,
                // It never was: the attempt is made anew.
                Err(error) if error.code() == Code::TenderUnknown => return Ok(released(tender)),
                Err(error) => return Err(error),
            };
            // A carrier that says 202 first and stores later has no events yet: nothing is decided.
            let stored = now.integer("/lastSequence") > Some(0);
            let settled = stored && text(&now, "/receipt") == "proven" && text(&now, "/sync") != "gap";
            match text(&now, "/state").as_str() {
                "pending" if settled => {
                    // Refused where the carrier was faster; then its decision is what counts.
                    self.now_at(&format!("withdrawing {id}"));
                    if let Err(error) = self.gh.tender_withdraw(&id, "nobody decided").await {
                        self.mend(&error).await?;
                    }
                }
                _ if settled || text(&now, "/sync") == "diverged" => return Ok(now),
                _ if now.boolean("/loadReleased") == Some(true) => return Ok(now),
                _ => tokio::time::sleep(GLANCE).await,
            }
        }
    }

    /// A carrier that restored from a backup is compared with before anything is sent to it again; the rest is waited for.
    async fn mend(&self, error: &Error) -> Result<()> {
        if error.code() == Code::EpochChanged {
            self.now_at("reconciling");
            self.gh.reconcile().await?;
        }
        tokio::time::sleep(GLANCE).await;
        Ok(())
    }

    /// For the loads whose name begins with `stop`: the carrier lets the truck go, and the TMS asks it to stop.
    async fn stop_truck(&self, load: &Load, tender: &Document) -> Result<()> {
        if !load.id.contains("stop") || text(tender, "/sync") == "diverged" {
            return Ok(());
        }
        let (id, carrier) = (text(tender, "/tenderId"), text(tender, "/carrier"));
        let controls = variable("DRILL_CONTROLS");
        let control = controls.split(',').find_map(|one| one.strip_prefix(&format!("{carrier}="))).unwrap_or_default();
        let to = Document::parse(format!(r#"{{"tenderId":"{id}","to":"dispatched"}}"#))?;
        loop {
            self.patient(&format!("a stop for {id}"))?;
            self.now_at(&format!("stopping {id}"));
            let now = self.gh.tender_get(&id).await?;
            let Some(dispatch) = now.text("/dispatchId") else {
                if text(&now, "/state") == "accepted" {
                    // Refused where it was dispatched before.
                    let _ = Sandbox::attach(control)?.control("/progress", Some(&to));
                }
                tokio::time::sleep(GLANCE).await;
                continue;
            };
            let mut request =
                CommandRequest::stop_at_next_safe_location("a drill", Requester::new("drill", "dispatcher"))?;
            request.command_id = Some(format!("c-{}", load.id));
            match self.gh.command_request(&dispatch, request).await {
                Ok(status) if text(&status, "/receipt") != "unproven" => return Ok(()),
                Ok(_) => tokio::time::sleep(GLANCE).await,
                // Asked for and answered before this process was started again.
                Err(_) if asked(&self.gh, &dispatch, &load.id).await => return Ok(()),
                Err(error) => self.mend(&error).await?,
            }
        }
    }

    /// Waits until every intent has its outcome.
    async fn resolved(&self) -> Result<()> {
        self.now_at("waiting for outcomes");
        loop {
            let report = self.gh.journal_verify().await?;
            if report.boolean("/intact") != Some(true) {
                return Err(Error::new(Code::JournalCorrupt, report.as_str()));
            }
            if report.integer("/unresolved") == Some(0) {
                return Ok(());
            }
            self.patient(&format!("unresolved: {}", report.as_str()))?;
            tokio::time::sleep(GLANCE).await;
        }
    }

    /// Reads the events of this process's consumer until all of every load's tenders were acknowledged.
    async fn read(&self, seen: &mut Seen, loads: &[Load], worked: &AtomicBool) -> Result<()> {
        let consumer = format!("app-{}", self.process);
        let mut reader = self.gh.events(&consumer).await?;
        loop {
            match tokio::time::timeout(GLANCE, reader.next()).await {
                Ok(Ok(Some(delivery))) => {
                    let of = |pointer: &str| text(&delivery.event, pointer);
                    let event = format!("{} {}", of("/partitionkey"), of("/sequence"));
                    seen.write(&format!("SEEN {event}"))?;
                    seen.known.insert(event.clone());
                    reader.ack(delivery.token).await?;
                    seen.write(&format!("ACKED {event}"))?;
                }
                Ok(Ok(None)) => return Ok(()),
                Ok(Err(error)) => return Err(error),
                Err(_) => {
                    if worked.load(Ordering::Acquire) && self.all_seen(seen, loads).await? {
                        return Ok(());
                    }
                    self.patient("the events")?;
                }
            }
        }
    }

    /// Whether every load is settled, and each event of its tenders was seen.
    async fn all_seen(&self, seen: &Seen, loads: &[Load]) -> Result<bool> {
        let tenders = self.gh.tender_list(None).await?;
        for load in loads {
            let of: Vec<&Document> = tenders.iter().filter(|tender| text(tender, "/loadId") == load.id).collect();
            let settled = of.iter().any(|tender| {
                let live = tender.boolean("/loadReleased") != Some(true) && text(tender, "/state") != "pending";
                text(tender, "/sync") == "diverged" || (live && text(tender, "/receipt") == "proven")
            });
            let steady = of.iter().all(|tender| text(tender, "/sync") != "gap");
            let whole = of.iter().filter(|tender| text(tender, "/sync") != "diverged").all(|tender| {
                let last = tender.integer("/lastSequence").unwrap_or(0);
                (1..=last).all(|n| seen.known.contains(&format!("{} {n:020}", text(tender, "/tenderId"))))
            });
            if !(settled && steady && whole) {
                return Ok(false);
            }
        }
        Ok(self.gh.journal_verify().await?.integer("/unresolved") == Some(0))
    }
}

/// A tender that was never executed reads as one that was released.
fn released(tender: &Document) -> Document {
    tender.patch("/loadReleased", "true").unwrap_or_else(|_| tender.clone())
}

/// Whether the carrier has the stop of a load.
async fn asked(gh: &Client, dispatch: &str, load: &str) -> bool {
    gh.command_status(dispatch, &format!("c-{load}")).await.is_ok()
}

/// What the application saw and acknowledged, in a file of its own, synced line by line.
struct Seen {
    file: File,
    known: BTreeSet<String>,
}

impl Seen {
    fn open(path: &Path) -> Result<Self> {
        let before = std::fs::read_to_string(path).unwrap_or_default();
        // Killed between its acknowledgement and this file, one never comes again; otherwise it does, before all is quiet.
        let known = before.lines().filter_map(|line| line.strip_prefix("SEEN ")).map(str::to_owned).collect();
        let mut file = OpenOptions::new().create(true).append(true).open(path).map_err(broken)?;
        if !before.is_empty() && !before.ends_with('\n') {
            file.write_all(b"\n").map_err(broken)?;
        }
        Ok(Self { file, known })
    }

    fn write(&mut self, line: &str) -> Result<()> {
        self.file.write_all(format!("{line}\n").as_bytes()).and_then(|()| self.file.sync_data()).map_err(broken)
    }
}

fn broken(error: std::io::Error) -> Error {
    Error::new(Code::InvalidArgument, "a file of the drill").caused_by(&error)
}
