//! What happened, line by line, and its digest. No line has a random name in it, so that two runs of a seed can be compared.

use std::fmt::Write as _;
use std::time::Duration;

use sha2::{Digest as _, Sha256};

/// The lines of one run.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    lines: Vec<String>,
    hash: Sha256,
}

impl Trace {
    /// Adds a line.
    pub(crate) fn note(&mut self, at: Duration, line: &str) {
        let line = format!("{:>9.3} {line}", at.as_secs_f64());
        self.hash.update(line.as_bytes());
        self.hash.update(b"\n");
        self.lines.push(line);
    }

    /// SHA-256 of all lines, in hex.
    pub(crate) fn digest(&self) -> String {
        hex::encode(self.hash.clone().finalize())
    }

    /// All of it.
    pub(crate) fn text(&self) -> String {
        let mut out = String::new();
        for line in &self.lines {
            let _ = writeln!(out, "{line}");
        }
        out
    }
}
