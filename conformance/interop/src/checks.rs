//! One line per check, and how many passed.

use std::fmt::{Debug, Display};
use std::process::ExitCode;

use gladhand::{Code, Error};

/// The checks of one suite.
pub(crate) struct Checks {
    name: String,
    passed: u32,
    failed: u32,
}

impl Checks {
    pub(crate) fn new(name: &str) -> Self {
        Self { name: name.to_owned(), passed: 0, failed: 0 }
    }

    pub(crate) fn ok(&mut self, what: &str, detail: impl Display) {
        self.passed += 1;
        let detail = detail.to_string();
        println!("ok    {what}{}{detail}", if detail.is_empty() { "" } else { ": " });
    }

    pub(crate) fn fail(&mut self, what: &str, why: impl Display) {
        self.failed += 1;
        println!("FAIL  {what}: {why}");
    }

    /// `held`, and otherwise what was seen instead.
    pub(crate) fn holds(&mut self, what: &str, held: bool, seen: impl Display) {
        if held { self.ok(what, "") } else { self.fail(what, seen) }
    }

    pub(crate) fn equal<T: PartialEq + Debug>(&mut self, what: &str, seen: T, expected: T) {
        if seen == expected { self.ok(what, "") } else { self.fail(what, format!("{seen:?}, expected {expected:?}")) }
    }

    /// A call that must succeed; its answer.
    pub(crate) fn works<T>(&mut self, what: &str, outcome: Result<T, Error>) -> Option<T> {
        match outcome {
            Ok(value) => {
                self.ok(what, "");
                Some(value)
            }
            Err(error) => {
                self.fail(what, format!("{}: {error}", error.code().as_str()));
                None
            }
        }
    }

    /// A call that must fail with one of these codes; shows which and why.
    pub(crate) fn refused<T>(&mut self, what: &str, outcome: Result<T, Error>, codes: &[Code]) {
        match outcome {
            Ok(_) => self.fail(what, "it succeeded"),
            Err(error) if codes.contains(&error.code()) => self.ok(what, format!("{error} ({:?})", error.sent_state())),
            Err(error) => self.fail(what, format!("the code is `{}`: {error}", error.code().as_str())),
        }
    }

    /// Prints the count.
    pub(crate) fn close(&self) -> ExitCode {
        println!("interop {}: {} passed, {} failed", self.name, self.passed, self.failed);
        if self.failed == 0 && self.passed > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}
