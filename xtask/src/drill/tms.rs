//! The processes of the TMS: started, killed, waited for.

use std::fs::File;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use super::parties::Parties;
use super::{Range, put};
use crate::shell::{Result, Run};

/// Longer than a process itself tries.
const PATIENCE: Duration = Duration::from_secs(130);

/// One TMS: a journal, and the files of its processes.
#[derive(Debug)]
pub(super) struct Tms {
    program: PathBuf,
    config: PathBuf,
    controls: String,
    pub(super) folder: PathBuf,
    pub(super) processes: usize,
}

/// One process of it; ended with the value.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    log: PathBuf,
}

impl Tms {
    /// Writes down what each process has to do: three loads of its own, and two that all of them want.
    pub(super) fn new(range: &Range, parties: &Parties, folder: PathBuf, name: &str, processes: usize) -> Result<Self> {
        std::fs::create_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
        let tms = Self {
            program: range.tms.clone(),
            config: parties.config.clone(),
            controls: parties.controls(),
            folder,
            processes,
        };
        for process in 0..processes {
            let mut loads: Vec<String> = ["yes", "no", "wait"].map(|kind| format!("{name}-{kind}-{process}")).into();
            if process == 0 {
                loads.push(format!("{name}-stop-yes-{process}"));
            }
            if processes > 1 {
                loads.extend(["yes", "wait"].map(|kind| format!("{name}-{kind}-all")));
            }
            for load in &loads {
                tms.offer(parties, load)?;
            }
            put(&tms.folder.join(format!("loads-{process}")), &(loads.join("\n") + "\n"))?;
        }
        Ok(tms)
    }

    /// What the load's name says happens at the first carrier; the second accepts.
    fn offer(&self, parties: &Parties, load: &str) -> Result<()> {
        let kind = ["yes", "no", "wait"].into_iter().find(|kind| load.contains(&format!("-{kind}-"))).unwrap_or("yes");
        for (number, (carrier, capacity)) in super::parties::CARRIERS.iter().zip([kind, "yes"]).enumerate() {
            let content = parties.get(number, &format!("/load?loadId={load}&capacityId={capacity}"))?;
            put(&self.folder.join(format!("{load}.{number}.{carrier}.json")), &content.to_string())?;
        }
        Ok(())
    }

    /// The loads of a process.
    pub(super) fn loads(&self, process: usize) -> Result<Vec<String>> {
        let file = self.folder.join(format!("loads-{process}"));
        let text = std::fs::read_to_string(&file).map_err(|e| format!("{}: {e}", file.display()))?;
        Ok(text.lines().map(str::to_owned).collect())
    }

    pub(super) fn journal(&self) -> PathBuf {
        self.folder.join("journal.db")
    }

    /// Starts one process.
    pub(super) fn start(&self, process: usize, failpoint: Option<&str>, trace: Option<&Path>) -> Result<Process> {
        let log = self.folder.join(format!("log-{process}"));
        let output =
            File::options().create(true).append(true).open(&log).map_err(|e| format!("{}: {e}", log.display()))?;
        let mut command = Command::new(&self.program);
        command
            .arg("run")
            .env("GLADHAND_CONFIG", &self.config)
            .env("GLADHAND_JOURNAL_PATH", self.journal())
            .env("DRILL_FOLDER", &self.folder)
            .env("DRILL_PROCESS", process.to_string())
            .env("DRILL_CONTROLS", &self.controls)
            .stdin(Stdio::null())
            .stdout(output.try_clone().map_err(|e| e.to_string())?)
            .stderr(output);
        for (name, value) in
            [("GLADHAND_FAILPOINT", failpoint.map(Into::into)), ("GLADHAND_FAILPOINT_TRACE", trace.map(PathBuf::from))]
        {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        let child = command.spawn().map_err(|e| format!("{}: {e}", self.program.display()))?;
        Ok(Process { child, log })
    }

    /// Starts all of them, unharmed, and waits until each has come to rest.
    pub(super) fn rest(&self) -> Result<()> {
        let all = (0..self.processes).map(|process| self.start(process, None, None)).collect::<Result<Vec<_>>>()?;
        all.into_iter().try_for_each(Process::done)
    }

    /// The journal when nobody has it open (document `JournalReport`).
    pub(super) fn verify(&self) -> Result<serde_json::Value> {
        let report = Run::new(&self.program).arg("verify").arg(self.journal()).output()?;
        serde_json::from_str(&report).map_err(|e| format!("verify: {e}: {report}"))
    }
}

impl Process {
    /// Waits for its end, whatever it is.
    pub(super) fn ended(&mut self) -> Result<ExitStatus> {
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            if let Some(status) = self.child.try_wait().map_err(|e| e.to_string())? {
                return Ok(status);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Err(format!("a process did not end within {} s: {}", PATIENCE.as_secs(), self.last_words()))
    }

    /// Waits until it has come to rest by itself.
    pub(super) fn done(mut self) -> Result<()> {
        let status = self.ended()?;
        if status.success() { Ok(()) } else { Err(format!("a process ended with {status}: {}", self.last_words())) }
    }

    /// Waits until it has killed itself. `false`: it came to rest instead.
    pub(super) fn killed(mut self) -> Result<bool> {
        let status = self.ended()?;
        match status.signal() {
            Some(9) => Ok(true),
            _ if status.success() => Ok(false),
            _ => Err(format!("a process ended with {status}: {}", self.last_words())),
        }
    }

    pub(super) fn runs(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// SIGKILL, now.
    pub(super) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    fn last_words(&self) -> String {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().filter(|line| *line != "DONE").collect();
        lines[lines.len().saturating_sub(3)..].join(" | ")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}
