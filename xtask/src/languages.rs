//! The four languages: which of them this machine has, how each is built from its package, and how its programs start.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::node::{self, Node};
use crate::python::{self, Python};
use crate::shell::{Result, Run, find};
use crate::tally::{self, Tally};
use crate::{paths, swift};

/// A language of the SDK.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    Rust,
    Python,
    Node,
    Swift,
}

/// How packages are built.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Build {
    /// Swift in a root file system of its own, instead of the one on the PATH.
    pub(crate) swift_rootfs: bool,
    /// With what only tests have: `TESTING_…`, and the points at which crash tests kill the process.
    pub(crate) testing: bool,
}

/// What a test run needs to know.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Testing<'a> {
    /// The sandbox carrier's program.
    pub(crate) sandbox: &'a Path,
    /// Where carriers write down what must not be printed.
    pub(crate) canaries: &'a Path,
    /// Only tests whose name contains it.
    pub(crate) filter: Option<&'a str>,
}

/// A language whose package is built and installed.
#[derive(Debug)]
pub(crate) enum Prepared {
    Rust { with_testing: bool },
    Python(Python),
    Node(Node),
    Swift(Box<swift::Stage>),
}

impl Language {
    /// Every language, in the order in which they are shown.
    pub(crate) const ALL: [Self; 4] = [Self::Rust, Self::Python, Self::Node, Self::Swift];

    /// Its name on the command line.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Rust => "rust",
            Self::Python => "python",
            Self::Node => "node",
            Self::Swift => "swift",
        }
    }

    /// The languages that `--language` names: one that must be there, or with `all` each that is, the others named.
    pub(crate) fn choose(name: &str, build: Build) -> Result<Vec<Self>> {
        if name != "all" {
            let language = Self::ALL.into_iter().find(|language| language.name() == name);
            let language = language.ok_or_else(|| format!("{name} is none of rust, python, node, swift, all"))?;
            return match language.missing(build) {
                None => Ok(vec![language]),
                Some(why) => Err(format!("{name}: {why}")),
            };
        }
        Ok(Self::ALL
            .into_iter()
            .filter(|language| match language.missing(build) {
                None => true,
                Some(why) => {
                    println!("left out: {}: {why}", language.name());
                    false
                }
            })
            .collect())
    }

    /// Why it cannot be used on this machine, if it cannot.
    fn missing(self, build: Build) -> Option<&'static str> {
        match self {
            Self::Rust => None,
            Self::Python => find("python3").is_none().then_some("no python3 on the PATH"),
            Self::Node => find("npm").is_none().then_some("no npm on the PATH"),
            Self::Swift => (!build.swift_rootfs && swift::Toolchain::host().is_none())
                .then_some("no swift 6 on the PATH; --swift-rootfs makes one of its own"),
        }
    }

    /// Builds its package and installs it as a user would.
    pub(crate) fn prepare(self, build: Build, sandbox: &Path) -> Result<Prepared> {
        Ok(match self {
            Self::Rust => Prepared::Rust { with_testing: build.testing },
            Self::Python => {
                let python = python::ensure_venv(&paths::cache())?;
                python.install(&python.build_wheel(false, build.testing)?)?;
                Prepared::Python(python)
            }
            Self::Node => Prepared::Node(node::prepare(build.testing)?),
            Self::Swift => Prepared::Swift(Box::new(swift::prepare(build.swift_rootfs, build.testing, sandbox)?)),
        })
    }
}

impl Prepared {
    /// The command that runs the language's morning with these variables. Paths are those of this machine.
    pub(crate) fn morning(&self, variables: &[(&str, PathBuf)]) -> Result<Command> {
        let mut command = match self {
            Self::Rust { .. } => Command::new(cargo_binary("gladhand-morning")?),
            Self::Python(python) => {
                let (interpreter, own) = python.interpreter();
                let mut command = Command::new(interpreter);
                command.envs(own).arg(paths::root().join("bindings-python/demo/morning.py"));
                command
            }
            Self::Node(node) => node.command("demo/morning.mjs")?,
            Self::Swift(stage) => return swift::morning(stage, variables),
        };
        command.envs(variables.iter().map(|(name, value)| (*name, value)));
        Ok(command)
    }

    /// Where a carrier must put its files for the language's programs to see them.
    pub(crate) fn demo_folder(&self, language: Language) -> PathBuf {
        match self {
            Self::Swift(stage) => stage.outside("demo"),
            _ => paths::target().join("demo").join(language.name()),
        }
    }

    /// Runs the language's tests; gives the count and all that was printed.
    pub(crate) fn test(&self, testing: &Testing<'_>) -> Result<(Tally, String)> {
        let filter = testing.filter;
        let (name, succeeded, tally, output) = match self {
            Self::Rust { with_testing } => {
                let mut run = Run::new("cargo").args(["test", "--locked", "--workspace", "--no-fail-fast"]);
                // Both are libraries of another language's process: their tests run there.
                run = run.args(["--exclude", "gladhand-python", "--exclude", "gladhand-node"]);
                if *with_testing {
                    run = run.args(["--features", "gladhand-ffi/testing"]);
                }
                if let Some(filter) = filter {
                    run = run.arg(filter);
                }
                run = run.args(["--", "--nocapture"]);
                run = run.env("GLADHAND_SANDBOX", testing.sandbox).env("GLADHAND_CANARIES", testing.canaries);
                let (succeeded, output) = run.at(paths::root()).tee()?;
                ("rust", succeeded, tally::cargo(&output), output)
            }
            Self::Python(python) => {
                let (succeeded, output) = python.test(testing)?;
                ("python", succeeded, tally::pytest(&output), output)
            }
            Self::Node(node) => {
                let (succeeded, output) = node.test(testing)?;
                ("node", succeeded, tally::node(&output), output)
            }
            Self::Swift(stage) => {
                let (mut counts, output) = swift::test(stage, testing)?;
                if filter.is_none() {
                    let beside = swift::test_beside(stage)?;
                    counts.passed += beside.passed;
                    counts.failed += beside.failed;
                }
                let tally = Tally { passed: counts.passed as u64, failed: counts.failed as u64 };
                ("swift", counts.failed == 0, tally, output)
            }
        };
        let tally = if filter.is_some() && succeeded { tally } else { tally.judged(name, succeeded) };
        println!("{name}: {} passed, {} failed", tally.passed, tally.failed);
        Ok((tally, output))
    }
}

/// Builds a program of the workspace, in the development profile as everything that demo and tests run.
pub(crate) fn cargo_binary(package: &str) -> Result<PathBuf> {
    Run::new("cargo").args(["build", "--locked", "--quiet", "--package", package]).at(paths::root()).run()?;
    Ok(paths::target().join("debug").join(package))
}
