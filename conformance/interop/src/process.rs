//! A peer as a process of its own that ends with this one, however this one ends.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

use crate::Outcome;

/// Runs the program given as arguments, and ends it when standard input ends: also when this process is killed.
const GUARD: &str = r#"
exec 3<&0
"$@" </dev/null 3<&- &
program=$!
(
  cat <&3 >/dev/null
  kill "$program"
  for _ in 1 2 3 4 5 6 7 8 9 10; do sleep 0.5; kill -0 "$program" || exit; done
  kill -9 "$program"
) >/dev/null 2>&1 &
exec 3<&-
wait "$program"
"#;

/// How long a peer may take to be ready: Keycloak makes its database, on a machine that may have other things to do.
const PATIENCE: Duration = Duration::from_secs(300);

/// A running peer.
pub(crate) struct Peer {
    name: String,
    child: Child,
    log: PathBuf,
    stdout: Option<BufReader<ChildStdout>>,
    // Closing it ends the peer.
    stdin: Option<ChildStdin>,
}

impl Peer {
    /// Starts a program that tells on its standard output when it is ready; what else it says is in `folder/NAME.log`.
    pub(crate) fn announcing(
        name: &str,
        folder: &Path,
        program: &Path,
        arguments: &[&str],
        variables: &[(&str, &str)],
    ) -> Outcome<Self> {
        Self::start(name, folder, program, arguments, variables, true)
    }

    /// Starts a program; what it says is in `folder/NAME.log`.
    pub(crate) fn silent(
        name: &str,
        folder: &Path,
        program: &Path,
        arguments: &[&str],
        variables: &[(&str, &str)],
    ) -> Outcome<Self> {
        Self::start(name, folder, program, arguments, variables, false)
    }

    fn start(
        name: &str,
        folder: &Path,
        program: &Path,
        arguments: &[&str],
        variables: &[(&str, &str)],
        announces: bool,
    ) -> Outcome<Self> {
        let log = folder.join(format!("{name}.log"));
        let file = File::create(&log).map_err(|error| format!("{}: {error}", log.display()))?;
        let mut command = Command::new("/bin/sh");
        command.arg("-c").arg(GUARD).arg("sh").arg(program).args(arguments).current_dir(folder);
        command.envs(variables.iter().copied()).kill_on_drop(false);
        let output =
            if announces { Stdio::piped() } else { file.try_clone().map_err(|error| error.to_string())?.into() };
        command.stdin(Stdio::piped()).stdout(output).stderr(file);
        let mut child = command.spawn().map_err(|error| format!("{name}: {error}"))?;
        let stdout = child.stdout.take().map(BufReader::new);
        let stdin = child.stdin.take();
        Ok(Self { name: name.to_owned(), child, log, stdout, stdin })
    }

    /// The first line that it prints, a JSON object of facts.
    pub(crate) async fn ready(&mut self) -> Outcome<Value> {
        let mut line = String::new();
        let Some(stdout) = self.stdout.as_mut() else { return Err(format!("{} has no output", self.name)) };
        let read = timeout(PATIENCE, stdout.read_line(&mut line)).await;
        match read.map(|read| read.map(|_| serde_json::from_str(&line))) {
            Ok(Ok(Ok(facts))) => Ok(facts),
            _ => Err(self.said("did not say that it is ready")),
        }
    }

    /// Waits until `is_ready` says so.
    pub(crate) async fn until<F: Future<Output = bool>>(&mut self, mut is_ready: impl FnMut() -> F) -> Outcome {
        let waiting = async {
            while !is_ready().await {
                if let Ok(Some(status)) = self.child.try_wait() {
                    return Err(format!("ended with {status}"));
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            Ok(())
        };
        match timeout(PATIENCE, waiting).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(why)) => Err(self.said(&why)),
            Err(_) => Err(self.said("was not ready in time")),
        }
    }

    /// What went wrong, with the end of the log.
    pub(crate) fn said(&self, why: &str) -> String {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        format!("{} {why}\n{}", self.name, lines[lines.len().saturating_sub(20)..].join("\n"))
    }

    /// Ends it and waits for that.
    pub(crate) async fn stop(mut self) {
        drop(self.stdin.take());
        let _ = timeout(Duration::from_secs(10), self.child.wait()).await;
    }
}
