//! Running other programs: the command is shown when it fails, its output is passed through or returned.

use std::ffi::{OsStr, OsString};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A failure that a person can act on.
pub(crate) type Result<T> = std::result::Result<T, String>;

/// One program to run.
#[derive(Debug)]
pub(crate) struct Run {
    command: Command,
    shown: String,
}

impl Run {
    /// A program by name or path.
    pub(crate) fn new(program: impl AsRef<OsStr>) -> Self {
        Self { shown: program.as_ref().to_string_lossy().into_owned(), command: Command::new(program) }
    }

    /// One argument.
    pub(crate) fn arg(mut self, argument: impl Into<OsString>) -> Self {
        let argument = argument.into();
        self.shown.push(' ');
        self.shown.push_str(&argument.to_string_lossy());
        self.command.arg(argument);
        self
    }

    /// Several arguments.
    pub(crate) fn args<T: Into<OsString>>(self, arguments: impl IntoIterator<Item = T>) -> Self {
        arguments.into_iter().fold(self, Self::arg)
    }

    /// An environment variable.
    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// The working directory.
    pub(crate) fn at(mut self, folder: impl AsRef<Path>) -> Self {
        self.command.current_dir(folder);
        self
    }

    /// Runs it with its output on ours; an exit other than 0 is an error.
    pub(crate) fn run(mut self) -> Result<()> {
        let status = self.command.status().map_err(|e| format!("{}: {e}", self.shown))?;
        if status.success() { Ok(()) } else { Err(format!("{} ended with {status}", self.shown)) }
    }

    /// Runs it and returns what it wrote to standard output.
    pub(crate) fn output(mut self) -> Result<String> {
        let output = self.command.stderr(Stdio::inherit()).output().map_err(|e| format!("{}: {e}", self.shown))?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        if output.status.success() {
            Ok(text)
        } else {
            Err(format!("{} ended with {}\n{text}", self.shown, output.status))
        }
    }

    /// Runs it with its output shown line by line and returned whole, with whether it succeeded. For test runners: a
    /// failure there is counted, not thrown.
    pub(crate) fn tee(mut self) -> Result<(bool, String)> {
        let mut child = self
            .command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|e| format!("{}: {e}", self.shown))?;
        let errors = child.stderr.take().map(|pipe| std::thread::spawn(move || copy_lines(pipe, true)));
        let mut text = child.stdout.take().map(|pipe| copy_lines(pipe, false)).unwrap_or_default();
        if let Some(errors) = errors.and_then(|thread| thread.join().ok()) {
            text.push_str(&errors);
        }
        let status = child.wait().map_err(|e| format!("{}: {e}", self.shown))?;
        Ok((status.success(), text))
    }
}

fn copy_lines(pipe: impl Read, to_stderr: bool) -> String {
    let mut text = String::new();
    for line in BufReader::new(pipe).split(b'\n').map_while(std::result::Result::ok) {
        let line = String::from_utf8_lossy(&line);
        if to_stderr {
            eprintln!("{line}");
        } else {
            println!("{line}");
        }
        text.push_str(&line);
        text.push('\n');
    }
    text
}

/// Whether a program is on the `PATH`.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|candidate| candidate.is_file())
}
