//! The gateway's side: `vehicle-gateway` as a process that is fed records line by line, killed, and started again on its
//! spool; and what happens to the spool's files while it is down.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::super::dice::Dice;
use crate::shell::Result;

/// How long a gateway may take to close.
const CLOSE: Duration = Duration::from_secs(60);
/// How often a feeding thread writes.
const TICK: Duration = Duration::from_millis(10);
const PAGE: u64 = 4096;

/// How gateways are started.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) program: PathBuf,
    pub(super) config: PathBuf,
    pub(super) state: PathBuf,
    pub(super) log: PathBuf,
    /// Recorded records, one JSON object a line.
    pub(super) recording: Arc<Vec<String>>,
    /// Records a second.
    pub(super) rate: u64,
}

/// A gateway that runs.
#[derive(Debug)]
pub(super) struct Gateway {
    child: Child,
    feeding: Arc<AtomicBool>,
    written: Arc<AtomicU64>,
    feeder: Option<JoinHandle<ChildStdin>>,
    last: Arc<Mutex<Value>>,
    reader: Option<JoinHandle<()>>,
}

impl Plan {
    pub(super) fn start(&self) -> Result<Gateway> {
        let log = fs::File::options().create(true).append(true).open(&self.log).map_err(|e| format!("log: {e}"))?;
        let mut child = Command::new(&self.program)
            .arg("--config")
            .arg(&self.config)
            .arg("--state")
            .arg(&self.state)
            .args(["--safety-every", "20", "--linger", "30000"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .map_err(|e| format!("{}: {e}", self.program.display()))?;
        let output = child.stdout.take().ok_or("the gateway has no output")?;
        let input = child.stdin.take().ok_or("the gateway has no input")?;
        let last = Arc::new(Mutex::new(Value::Null));
        let (kept, feeding, written) = (last.clone(), Arc::new(AtomicBool::new(true)), Arc::new(AtomicU64::new(0)));
        let reader = std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(std::result::Result::ok) {
                if let Ok(status) = serde_json::from_str(&line) {
                    *kept.lock().unwrap_or_else(PoisonError::into_inner) = status;
                }
            }
        });
        let feeder = feed(input, self.recording.clone(), self.rate, feeding.clone(), written.clone());
        Ok(Gateway { child, feeding, written, feeder: Some(feeder), last, reader: Some(reader) })
    }

    /// Damages the spool, whose gateway is down; says how.
    pub(super) fn damage(&self, dice: &mut Dice) -> Result<String> {
        let mut files = Vec::new();
        list(&self.state, &mut files).map_err(|e| format!("{}: {e}", self.state.display()))?;
        files.sort();
        if files.is_empty() {
            return Ok("nothing to damage".to_owned());
        }
        let path = &files[dice.below(files.len() as u64) as usize];
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        harm(path, dice).map(|how| format!("{how} of {name}")).map_err(|e| format!("{}: {e}", path.display()))
    }
}

impl Gateway {
    /// Whether it has not ended by itself.
    pub(super) fn runs(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Waits until it says that it is connected.
    pub(super) fn connected(&mut self) -> Result<()> {
        let until = Instant::now() + CLOSE;
        // A line that is older than the healing may still say so; the one after it is not.
        let mut seen = 0;
        let mut before = Value::Null;
        while seen < 2 {
            if !self.runs() || Instant::now() > until {
                return Err(format!("the gateway does not connect: {before}"));
            }
            let last = self.last.lock().unwrap_or_else(PoisonError::into_inner).clone();
            if last != before {
                seen = if last["connected"] == true { seen + 1 } else { 0 };
                before = last;
            }
            std::thread::sleep(TICK);
        }
        Ok(())
    }

    /// SIGKILL.
    pub(super) fn kill(mut self) {
        self.end();
    }

    /// Closes its input and waits: it sends what waits and ends in order. Gives its last status.
    pub(super) fn close(mut self) -> Result<Value> {
        self.feeding.store(false, Ordering::Relaxed);
        if let Some(input) = self.feeder.take() {
            drop(input.join());
        }
        let until = Instant::now() + CLOSE;
        while self.runs() {
            if Instant::now() > until {
                self.end();
                return Err("the gateway does not close".to_owned());
            }
            std::thread::sleep(TICK);
        }
        let status = self.child.wait().map_err(|e| e.to_string())?;
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if !status.success() || last["final"] != true {
            return Err(format!("the gateway ended with {status} and {last}"));
        }
        // What it was given, it says it published.
        let (given, published) = (self.written.load(Ordering::Relaxed), last["published"].as_u64().unwrap_or(0));
        if given != published {
            return Err(format!("the gateway was given {given} records and published {published}"));
        }
        Ok(last)
    }

    fn end(&mut self) {
        self.feeding.store(false, Ordering::Relaxed);
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(feeder) = self.feeder.take() {
            let _ = feeder.join();
        }
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.end();
    }
}

/// Feeds whole lines at the rate until told to stop or nobody reads; gives the pipe back.
fn feed(
    mut input: ChildStdin,
    recording: Arc<Vec<String>>,
    rate: u64,
    feeding: Arc<AtomicBool>,
    written: Arc<AtomicU64>,
) -> JoinHandle<ChildStdin> {
    std::thread::spawn(move || {
        let start = Instant::now();
        let mut lines = recording.iter().cycle();
        let mut fed = 0;
        while feeding.load(Ordering::Relaxed) {
            let due = start.elapsed().as_millis() as u64 * rate / 1000;
            while fed < due {
                let Some(line) = lines.next() else { return input };
                if writeln!(input, "{line}").is_err() {
                    return input;
                }
                fed += 1;
                written.store(fed, Ordering::Relaxed);
            }
            std::thread::sleep(TICK);
        }
        input
    })
}

fn list(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            list(&path, files)?;
        } else if fs::metadata(&path)?.len() > 0 {
            files.push(path);
        }
    }
    Ok(())
}

/// One bit, one page, or the end of a file.
fn harm(path: &Path, dice: &mut Dice) -> std::io::Result<String> {
    let length = fs::metadata(path)?.len();
    if dice.below(3) == 0 {
        let cut = (1 + dice.below(16 * 1024)).min(length);
        fs::OpenOptions::new().write(true).open(path)?.set_len(length - cut)?;
        return Ok(format!("the last {cut} bytes"));
    }
    let mut bytes = fs::read(path)?;
    let how = if dice.below(2) == 0 {
        let bit = dice.below(length * 8);
        bytes[(bit / 8) as usize] ^= 1 << (bit % 8);
        format!("bit {bit}")
    } else {
        let page = dice.below(length.div_ceil(PAGE)) * PAGE;
        let end = (page + PAGE).min(length);
        bytes[page as usize..end as usize].fill(0);
        format!("page {}", page / PAGE)
    };
    // In place: another process would find the file as the disk damaged it.
    fs::OpenOptions::new().write(true).open(path)?.write_all(&bytes)?;
    Ok(how)
}
