//! Two carriers, as processes of their own, that trust the same client; and what the drill asks of their control interface.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{Range, put};
use crate::shell::Result;

/// The carriers, in the order in which even processes ask them.
pub(super) const CARRIERS: [&str; 2] = ["aurora", "borealis"];

/// A pair of carriers and the configuration of their client.
#[derive(Debug)]
pub(super) struct Parties {
    carriers: [Carrier; 2],
    pub(super) config: PathBuf,
}

#[derive(Debug)]
struct Carrier {
    child: Child,
    control: String,
}

impl Parties {
    /// Starts both and gives them something to sell: `yes` is accepted at once, `no` rejected, `wait` left to a human.
    pub(super) fn start(range: &Range, name: &str) -> Result<Self> {
        let folder = range.folder.join(name);
        let [first, second] = CARRIERS.map(|carrier| folder.join(carrier));
        let carriers = [
            Carrier::start(&range.sandbox, CARRIERS[0], &first, None)?,
            Carrier::start(&range.sandbox, CARRIERS[1], &second, Some(&first))?,
        ];
        let read =
            |carrier: &Path| std::fs::read_to_string(carrier.join("out.toml")).map_err(|e| format!("out.toml: {e}"));
        let other = read(&second)?;
        let section = other.find("[carriers.").map(|at| &other[at..]).ok_or("a configuration without carriers")?;
        let config = folder.join("gladhand.toml");
        put(&config, &format!("{}\n{section}", read(&first)?))?;
        let parties = Self { carriers, config };
        for number in 0..CARRIERS.len() {
            parties.stock(number)?;
        }
        Ok(parties)
    }

    fn stock(&self, number: usize) -> Result<()> {
        let now = self.get(number, "/state")?["now"].as_str().unwrap_or_default().to_owned();
        let start: Timestamp = now.parse().map_err(|e| format!("the carrier's now, {now}: {e}"))?;
        let end = start.saturating_add(SignedDuration::from_hours(10 * 24)).map_err(|e| e.to_string())?;
        for (id, decision) in [("yes", "accept"), ("no", "reject"), ("wait", "human")] {
            let offer = json!({
                "capacityId": id, "vehicleType": "tractor-std", "autonomyLevel": "L4",
                "availableWindow": {"start": now, "end": end.to_string()},
                "route": [{"from": {"lat": 32.7767, "lon": -96.797}, "to": {"lat": 29.7604, "lon": -95.3698}}],
                "constraints": {"maxWeightLbs": 80000, "hazmat": false},
                "rate": {"currency": "USD", "amount": 1250}, "quantity": 1_000_000,
            });
            self.post(number, "/capacity", &offer)?;
            self.post(number, "/policy", &json!({"capacityId": id, "decision": decision, "reasonCode": "equipment"}))?;
        }
        Ok(())
    }

    /// The addresses for the TMS, as it wants them.
    pub(super) fn controls(&self) -> String {
        let named = CARRIERS.iter().zip(&self.carriers).map(|(name, carrier)| format!("{name}={}", carrier.control));
        named.collect::<Vec<_>>().join(",")
    }

    /// Lets the first carrier play a profile.
    pub(super) fn profile(&self, name: &str) -> Result<()> {
        self.post(0, "/profile", &json!({"name": name})).map(drop)
    }

    /// Everything that a carrier's log ever took in, with the instant by the machine's clock.
    pub(super) fn ledger(&self, number: usize) -> Result<Vec<Value>> {
        let mut events = Vec::new();
        loop {
            let mut page = self.get(number, &format!("/ledger?after={}", events.len()))?;
            if page["lost"] != 0 {
                return Err(format!("the ledger of carrier {number} no longer reaches back to its start"));
            }
            match page["events"].take() {
                Value::Array(more) if !more.is_empty() => events.extend(more),
                _ => return Ok(events),
            }
        }
    }

    /// The state of every tender of a carrier.
    pub(super) fn tenders(&self, number: usize) -> Result<Vec<Value>> {
        Ok(self.get(number, "/state")?["tenders"].as_array().cloned().unwrap_or_default())
    }

    pub(super) fn get(&self, number: usize, path: &str) -> Result<Value> {
        exchange(&self.carriers[number].control, "GET", path, "")
    }

    pub(super) fn post(&self, number: usize, path: &str, body: &Value) -> Result<Value> {
        exchange(&self.carriers[number].control, "POST", path, &body.to_string())
    }
}

impl Carrier {
    fn start(program: &Path, name: &str, folder: &Path, authority: Option<&Path>) -> Result<Self> {
        std::fs::create_dir_all(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
        let mut command = Command::new(program);
        command.args(["--carrier", name, "--exit-with-parent", "--dir"]).arg(folder);
        command.arg("--config-out").arg(folder.join("out.toml"));
        if let Some(authority) = authority {
            command.arg("--ca-dir").arg(authority);
        }
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|e| format!("{}: {e}", program.display()))?;
        let mut line = String::new();
        let pipe = child.stdout.take().ok_or("the sandbox has no output")?;
        BufReader::new(pipe).read_line(&mut line).map_err(|e| e.to_string())?;
        let ready: Value = serde_json::from_str(&line).map_err(|e| format!("the sandbox's ready line: {e}: {line}"))?;
        let control = ready["control"].as_str().unwrap_or_default().to_owned();
        Ok(Self { child, control })
    }
}

impl Drop for Carrier {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One request of HTTP/1.1 with `Connection: close`, to loopback.
pub(super) fn exchange(control: &str, method: &str, path: &str, body: &str) -> Result<Value> {
    let failed = |e: &dyn std::fmt::Display| format!("control {path}: {e}");
    let address = control.strip_prefix("http://").unwrap_or(control);
    let mut stream = TcpStream::connect(address).map_err(|e| failed(&e))?;
    stream.set_read_timeout(Some(Duration::from_secs(20))).map_err(|e| failed(&e))?;
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut answer = Vec::new();
    stream.write_all(request.as_bytes()).and_then(|()| stream.read_to_end(&mut answer)).map_err(|e| failed(&e))?;
    let answer = String::from_utf8_lossy(&answer);
    let (head, content) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    if !head.starts_with("HTTP/1.1 2") {
        return Err(format!("control {path}: {} {content}", head.lines().next().unwrap_or_default()));
    }
    let content = if head.to_ascii_lowercase().contains("transfer-encoding: chunked") {
        dechunked(content)
    } else {
        content.to_owned()
    };
    serde_json::from_str(if content.is_empty() { "null" } else { &content }).map_err(|e| failed(&e))
}

fn dechunked(mut rest: &str) -> String {
    let mut out = String::new();
    while let Some((size, after)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size.trim(), 16).unwrap_or(0);
        let Some(chunk) = after.get(..size).filter(|_| size > 0) else { break };
        out.push_str(chunk);
        rest = after.get(size + 2..).unwrap_or_default();
    }
    out
}
