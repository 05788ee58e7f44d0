//! A sandbox carrier as a process of its own, ended when the demo is done with it.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::shell::Result;

/// A running carrier and where it put the client's credentials.
#[derive(Debug)]
pub(crate) struct Carrier {
    child: Child,
    pub(crate) url: String,
    pub(crate) control: String,
    pub(crate) config: PathBuf,
    pub(crate) gateway_config: PathBuf,
    pub(crate) folder: PathBuf,
}

impl Carrier {
    /// Starts it with `folder` for keys, configuration and, next to them, the client's journal.
    pub(crate) fn start(program: &Path, folder: &Path) -> Result<Self> {
        std::fs::create_dir_all(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
        Self::started_by(Command::new(program), folder)
    }

    /// Starts it by a command of its own, which sees `folder`, where keys and configuration are to be.
    pub(crate) fn started_by(mut command: Command, folder: &Path) -> Result<Self> {
        let mut child = command
            .arg("--dir")
            .arg(folder)
            .args(["--carrier", "aurora", "--exit-with-parent"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|e| format!("{command:?}: {e}"))?;
        let mut line = String::new();
        let pipe = child.stdout.take().ok_or("the sandbox has no output")?;
        BufReader::new(pipe).read_line(&mut line).map_err(|e| e.to_string())?;
        let ready: serde_json::Value =
            serde_json::from_str(&line).map_err(|e| format!("the sandbox's ready line: {e}: {line}"))?;
        let fact = |name: &str| ready[name].as_str().unwrap_or_default().to_owned();
        Ok(Self {
            child,
            url: fact("url"),
            control: fact("control"),
            config: fact("config").into(),
            gateway_config: fact("gatewayConfig").into(),
            folder: folder.to_owned(),
        })
    }

    /// Its process id.
    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Carrier {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
