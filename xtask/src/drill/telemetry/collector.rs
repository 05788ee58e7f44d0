//! The collector's side: a sandbox carrier as a process of its own, with a folder and addresses that outlive it.

use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use super::super::parties::exchange;
use super::super::put;
use crate::shell::Result;

/// A collector, running or killed.
#[derive(Debug)]
pub(super) struct Collector {
    program: PathBuf,
    folder: PathBuf,
    pub(super) port: u16,
    control: u16,
    child: Option<Child>,
}

impl Collector {
    pub(super) fn start(program: &Path, folder: &Path) -> Result<Self> {
        std::fs::create_dir_all(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
        let [port, control] = free_ports()?;
        let (program, folder) = (program.to_owned(), folder.to_owned());
        let mut collector = Self { program, folder, port, control, child: None };
        collector.revive()?;
        Ok(collector)
    }

    /// Starts it, unless it runs.
    pub(super) fn revive(&mut self) -> Result<()> {
        if self.child.is_some() {
            return Ok(());
        }
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.folder.join("log"))
            .map_err(|e| format!("the collector's log: {e}"))?;
        let mut child = Command::new(&self.program)
            .arg("--exit-with-parent")
            .arg("--dir")
            .arg(self.folder.join("carrier"))
            .args(["--port", &self.port.to_string(), "--control-port", &self.control.to_string()])
            .arg("--delivered")
            .arg(self.delivered_path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .map_err(|e| format!("{}: {e}", self.program.display()))?;
        let mut line = String::new();
        let pipe = child.stdout.take().ok_or("the collector has no output")?;
        BufReader::new(pipe).read_line(&mut line).map_err(|e| e.to_string())?;
        if !line.contains("\"ready\":true") {
            let _ = child.kill();
            let _ = child.wait();
            return Err(format!("the collector does not start again; see {}", self.folder.join("log").display()));
        }
        self.child = Some(child);
        Ok(())
    }

    /// SIGKILL.
    pub(super) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    fn delivered_path(&self) -> PathBuf {
        self.folder.join("delivered")
    }

    /// What followers were given so far.
    pub(super) fn delivered(&self) -> Result<String> {
        std::fs::read_to_string(self.delivered_path()).map_err(|e| format!("delivered: {e}"))
    }

    /// Writes the gateway's configuration: its telemetry goes through the proxy. Gives its path.
    pub(super) fn gateway_config(&self, proxy: u16, spool_bytes: u64) -> Result<PathBuf> {
        let carrier = self.folder.join("carrier");
        let made = carrier.join("gateway.toml");
        let text = std::fs::read_to_string(&made).map_err(|e| format!("{}: {e}", made.display()))?;
        let text = text.replacen("\nscac = ", &format!("\ntelemetry_url = \"https://127.0.0.1:{proxy}\"\nscac = "), 1);
        let path = carrier.join("drill.toml");
        put(&path, &format!("{text}spool_bytes = {spool_bytes}\nlinger_ms = 200\n"))?;
        Ok(path)
    }

    pub(super) fn faults(&self, faults: &Value) -> Result<()> {
        self.post("/telemetry/faults", faults)
    }

    pub(super) fn lose(&self, what: &str) -> Result<()> {
        self.post("/telemetry/lose-state", &json!({ "what": what }))
    }

    pub(super) fn send_away(&self) -> Result<()> {
        self.post("/telemetry/go-away", &json!({}))
    }

    fn post(&self, path: &str, body: &Value) -> Result<()> {
        exchange(&format!("http://127.0.0.1:{}", self.control), "POST", path, &body.to_string()).map(drop)
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Two ports that nobody has at this moment.
fn free_ports() -> Result<[u16; 2]> {
    let failed = |e: std::io::Error| format!("no port: {e}");
    let listen = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    let (one, other) = (listen().map_err(failed)?, listen().map_err(failed)?);
    Ok([one.local_addr().map_err(failed)?.port(), other.local_addr().map_err(failed)?.port()])
}
