//! A local carrier in one line: starts the program `gladhand-sandbox`, waits for its ready line and ends it with the handle.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use gladhand_documents::error::{Code, Error, Result};
use gladhand_documents::json::Document;

use crate::config::Config;

/// The environment variable that names the program.
const PROGRAM_VARIABLE: &str = "GLADHAND_SANDBOX";
const PROGRAM: &str = "gladhand-sandbox";
/// Control answers at once; a sandbox that hangs must not hang its tests.
const CONTROL_DEADLINE: Duration = Duration::from_secs(10);

/// A running sandbox carrier; dropped, it ends.
#[derive(Debug)]
pub struct Sandbox {
    child: Mutex<Option<Child>>,
    ready: Document,
}

impl Sandbox {
    /// Starts the carrier `aurora` for the tenant `acme`, with a directory of its own for keys and configuration.
    ///
    /// The program is what `GLADHAND_SANDBOX` names, or `gladhand-sandbox` on the `PATH`.
    /// Errors: `sandbox_unavailable` if there is none; `sandbox_failed` if it ends before it is ready.
    pub fn start() -> Result<Self> {
        Self::start_with(None, "aurora", &[])
    }

    /// [`Sandbox::start`] with a program, the carrier's name, and further arguments of the program.
    pub fn start_with(program: Option<&Path>, carrier: &str, extra: &[String]) -> Result<Self> {
        Self::start_packaged(program, None, carrier, extra)
    }

    /// [`Sandbox::start_with`] for a language whose package manager installs the program: `packaged` is the one that it
    /// installed, taken ahead of the `PATH` and after `program` and `GLADHAND_SANDBOX`.
    pub fn start_packaged(
        program: Option<&Path>,
        packaged: Option<&Path>,
        carrier: &str,
        extra: &[String],
    ) -> Result<Self> {
        let named = program.map(Path::to_path_buf).or_else(|| std::env::var_os(PROGRAM_VARIABLE).map(PathBuf::from));
        let program = locate(named, packaged, &std::env::var_os("PATH").unwrap_or_default())?;
        let mut child = Command::new(&program)
            .args(["--carrier", carrier, "--exit-with-parent"])
            .args(extra)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|e| {
                Error::new(Code::SandboxUnavailable, format!("{} does not start", program.display())).caused_by(&e)
            })?;
        match read_ready_line(&mut child) {
            Ok(ready) => {
                drain(&mut child);
                Ok(Self { child: Mutex::new(Some(child)), ready })
            }
            Err(error) => {
                let _ = child.kill();
                let _ = child.wait();
                Err(error)
            }
        }
    }

    /// A carrier that somebody else started and ends, by its control address.
    pub fn attach(control: &str) -> Result<Self> {
        let ready = Document::object().with_text("/control", control)?;
        Ok(Self { child: Mutex::new(None), ready })
    }

    /// The ready line: `url`, `control`, `config`, `gatewayConfig`, `dir`, `pid`.
    pub fn ready(&self) -> &Document {
        &self.ready
    }

    /// A member of the ready line.
    pub fn fact(&self, name: &str) -> String {
        self.ready.text(&format!("/{name}")).unwrap_or_default()
    }

    /// Calls the control interface: `GET` without a body, `POST` with one.
    ///
    /// Errors: `sandbox_failed` if it does not answer; `invalid_argument` with its words if it refuses.
    pub fn control(&self, path: &str, body: Option<&Document>) -> Result<Document> {
        let base = self.fact("control");
        let address = base
            .strip_prefix("http://")
            .ok_or_else(|| Error::new(Code::SandboxFailed, "the ready line has no control address"))?;
        let (status, text) = exchange(address, path, body)
            .map_err(|e| Error::new(Code::SandboxFailed, format!("control {path} did not answer")).caused_by(&e))?;
        if status >= 300 {
            return Err(
                Error::new(Code::InvalidArgument, format!("control {path}: {status} {text}")).with_status(status)
            );
        }
        if text.trim().is_empty() { Ok(Document::object()) } else { Document::parse(text) }
    }

    /// The configuration that connects to this carrier.
    pub fn config(&self) -> Result<Config> {
        Config::from_file(self.fact("config"))
    }

    /// A load that fits the carrier's stock, or this offer of it, with dates ahead of the carrier's clock.
    pub fn load(&self, load_id: &str, offer: Option<&Document>) -> Result<Document> {
        let capacity = offer.and_then(|offer| offer.text("/capacityId")).unwrap_or_default();
        let query: String = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs([("loadId", load_id), ("capacityId", &capacity)])
            .finish();
        self.control(&format!("/load?{query}"), None)
    }

    /// Ends the carrier and waits for it.
    pub fn stop(&self) {
        let Some(mut child) = self.child.lock().unwrap_or_else(PoisonError::into_inner).take() else { return };
        // The end of its standard input ends it, and lets it remove the keys that it wrote; killing is for one that hangs.
        drop(child.stdin.take());
        for _ in 0..200 {
            if !matches!(child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ = child.kill();
        let _ = child.wait();
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The program: the one that somebody named, the packaged one, or the first on the search path.
fn locate(named: Option<PathBuf>, packaged: Option<&Path>, path: &OsStr) -> Result<PathBuf> {
    if let Some(chosen) = named.or_else(|| packaged.map(Path::to_path_buf)) {
        return if chosen.is_file() {
            Ok(chosen)
        } else {
            Err(Error::new(Code::SandboxUnavailable, format!("{} is no file", chosen.display())))
        };
    }
    std::env::split_paths(path).map(|folder| folder.join(PROGRAM)).find(|candidate| candidate.is_file()).ok_or_else(
        || Error::new(Code::SandboxUnavailable, format!("{PROGRAM} is neither installed as a package nor on the PATH")),
    )
}

fn read_ready_line(child: &mut Child) -> Result<Document> {
    let mut line = String::new();
    if let Some(stdout) = child.stdout.take() {
        let mut reader = BufReader::new(stdout);
        let _ = reader.read_line(&mut line);
        child.stdout = Some(reader.into_inner());
    }
    if line.is_empty() {
        let mut said = String::new();
        if let Some(mut stderr) = child.stderr.take() {
            let _ = stderr.read_to_string(&mut said);
        }
        return Err(Error::new(Code::SandboxFailed, format!("it ended before it was ready: {}", said.trim())));
    }
    Document::parse(line.trim())
}

/// Keeps both pipes empty, so that a talkative sandbox never blocks.
fn drain(child: &mut Child) {
    let pipes: [Option<Box<dyn Read + Send>>; 2] = [
        child.stdout.take().map(|p| Box::new(p) as Box<dyn Read + Send>),
        child.stderr.take().map(|p| Box::new(p) as Box<dyn Read + Send>),
    ];
    for mut pipe in pipes.into_iter().flatten() {
        let _ = std::thread::Builder::new().name("gladhand-sandbox".to_owned()).spawn(move || {
            let _ = std::io::copy(&mut pipe, &mut std::io::sink());
        });
    }
}

/// One request of HTTP/1.1 with `Connection: close`, to a loopback port that speaks nothing else.
fn exchange(address: &str, path: &str, body: Option<&Document>) -> std::io::Result<(u16, String)> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(CONTROL_DEADLINE))?;
    let method = if body.is_some() { "POST" } else { "GET" };
    let text = body.map_or("", Document::as_str);
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{text}",
        text.len()
    )?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let answer = String::from_utf8_lossy(&answer);
    let (head, rest) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head.split(' ').nth(1).and_then(|s| s.parse().ok()).unwrap_or(0);
    let chunked = head.to_ascii_lowercase().contains("transfer-encoding: chunked");
    Ok((status, if chunked { dechunk(rest) } else { rest.to_owned() }))
}

fn dechunk(mut rest: &str) -> String {
    let mut out = String::new();
    while let Some((size, after)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size.trim(), 16).unwrap_or(0);
        let Some(chunk) = after.get(..size).filter(|_| size > 0) else { break };
        out.push_str(chunk);
        rest = after.get(size + 2..).unwrap_or("");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_program_is_a_clear_error() {
        let error = Sandbox::start_with(Some(Path::new("/nonexistent/gladhand-sandbox")), "aurora", &[]).unwrap_err();
        assert_eq!(error.code(), Code::SandboxUnavailable);
    }

    #[test]
    fn what_is_named_comes_before_what_is_packaged_and_that_before_the_path() {
        let folder = tempfile::tempdir().unwrap();
        let [named, packaged, on_path] = ["named", "packaged", PROGRAM].map(|name| folder.path().join(name));
        for program in [&named, &packaged, &on_path] {
            std::fs::write(program, "").unwrap();
        }
        let path = folder.path().as_os_str();
        assert_eq!(locate(Some(named.clone()), Some(&packaged), path).unwrap(), named);
        assert_eq!(locate(None, Some(&packaged), path).unwrap(), packaged);
        assert_eq!(locate(None, None, path).unwrap(), on_path);
        let error = locate(None, None, OsStr::new("/nonexistent")).unwrap_err();
        assert_eq!(error.code(), Code::SandboxUnavailable);
        assert!(error.code().remedy().contains("pip install gladhand-sandbox"), "{error}");
    }

    #[test]
    fn a_program_that_ends_at_once_is_a_clear_error() {
        let error = Sandbox::start_with(Some(Path::new("/bin/false")), "aurora", &[]).unwrap_err();
        assert_eq!(error.code(), Code::SandboxFailed);
    }

    #[test]
    fn chunks_are_joined() {
        assert_eq!(dechunk("3\r\n{\"a\r\n4\r\n\":1}\r\n0\r\n\r\n"), "{\"a\":1}");
    }
}
