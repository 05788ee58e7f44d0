//! Swift: the toolchain (on the PATH, or in a root file system of its own), the generated sources, and the package built
//! and tested from a staged copy.
//!
//! The order of a test run: [`build_library`], [`generated::check`], [`Toolchain::host`] or [`rootfs::ensure`],
//! [`stage`], [`test`], [`test_beside`]. A demo ends with [`run`] instead.

pub(crate) mod codes;
pub(crate) mod generated;
mod mistakes;
pub(crate) mod readme;
pub(crate) mod release;
pub(crate) mod rootfs;
pub(crate) mod staging;
mod steps;
mod symbols;
mod toolchain;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::languages::Testing;

pub(crate) use staging::{Stage, stage};
pub(crate) use steps::{lint, morning, prepare, write_generated, write_release};
pub(crate) use toolchain::Toolchain;

/// What went wrong, in a sentence that says what to do.
pub(crate) type Result<T, E = String> = std::result::Result<T, E>;

/// How many tests ran.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Tests that passed.
    pub(crate) passed: usize,
    /// Tests that failed or were skipped.
    pub(crate) failed: usize,
}

/// Builds the static library that a Swift program links; gives its path.
/// `testing` is for tests: `TESTING_…`, and failpoints that kill the process; a product never has it.
pub(crate) fn build_library(workspace: &Path, release: bool, testing: bool) -> Result<PathBuf> {
    let (package, library) = if testing {
        ("gladhand-swift-testing", "libgladhand_swift_testing.a")
    } else {
        ("gladhand-swift", "libgladhand_swift.a")
    };
    cargo_build(workspace, package, release, &[])?;
    Ok(target_dir(workspace, release).join(library))
}

/// Builds the package's tests in the stage and runs them, output passed through; gives the count. `filter` takes those
/// whose name contains it.
pub(crate) fn test(stage: &Stage, testing: &Testing<'_>) -> Result<(Counts, String)> {
    let filter = testing.filter;
    let pattern = filter.map(|filter| format!("(?i){filter}"));
    let arguments: Vec<&str> =
        ["test"].into_iter().chain(pattern.iter().flat_map(|pattern| ["--filter", pattern])).collect();
    // The toolchain sees its own root only: what carriers write down there is brought out afterwards.
    let (canaries, seen) = (stage.outside("canaries.txt"), stage.inside("canaries.txt"));
    staging::write(&canaries, b"", 0o644)?;
    let mut env = vec![("GLADHAND_CANARIES", seen.as_str())];
    let asked = ["GLADHAND_SIGKILL_ROUNDS", "GLADHAND_LEAK_CALLS"].map(|name| (name, std::env::var(name).ok()));
    env.extend(asked.iter().filter_map(|(name, value)| value.as_deref().map(|value| (*name, value))));
    let output = stage
        .command_with(&stage.package(), "swift", &arguments, &env)
        .output()
        .map_err(|e| format!("swift does not start: {e}"))?;
    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.push_str(&String::from_utf8_lossy(&output.stderr));
    print!("{text}");
    bring_out(&canaries, testing.canaries)?;
    let counts = count(&text);
    if counts.passed + counts.failed == 0 && filter.is_none() {
        return Err("the Swift package did not build, or has no tests: see the compiler's output above".to_owned());
    }
    if !output.status.success() && counts.failed == 0 {
        return Err(format!("swift test ended with {} after {} tests", output.status, counts.passed));
    }
    Ok((counts, text))
}

/// What is tested beside the package's own tests, on what these have built: what the compiler must refuse, what the package
/// says of itself, the READMEs' programs, and the example.
pub(crate) fn test_beside(stage: &Stage) -> Result<Counts> {
    let mut all = Counts::default();
    for test in [mistakes::test, symbols::test, readme::test, board] {
        let counts = test(stage)?;
        all.passed += counts.passed;
        all.failed += counts.failed;
    }
    Ok(all)
}

/// The example's own tests, against carriers of their own.
fn board(stage: &Stage) -> Result<Counts> {
    let output = stage
        .command(&stage.inside("examples/swift-dispatch"), "swift", &["test"])
        .output()
        .map_err(|e| format!("swift does not start: {e}"))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let counts = count(&text);
    print!("{text}");
    if !output.status.success() && counts.failed == 0 {
        eprint!("{}", String::from_utf8_lossy(&output.stderr));
        return Err("the tests of examples/swift-dispatch did not build or did not end".to_owned());
    }
    Ok(counts)
}

/// Where the modules of a staged package are once it is built, for a compiler that runs in the package.
const MODULES: &[&str] =
    &["-I", ".build/debug/Modules", "-Xcc", "-fmodule-map-file=Sources/GladhandFFI/module.modulemap"];

/// Appends one file to another.
fn bring_out(from: &Path, to: &Path) -> Result<()> {
    let append = || {
        let mut to = std::fs::OpenOptions::new().append(true).open(to)?;
        std::io::copy(&mut std::fs::File::open(from)?, &mut to)
    };
    append().map(|_| ()).map_err(|e| format!("{}: {e}", from.display()))
}

/// Builds an executable of a staged package (`bindings-swift` or `examples/…`), without running it.
pub(crate) fn build_executable(stage: &Stage, package: &str, executable: &str) -> Result<()> {
    let output = stage
        .command(&stage.inside(package), "swift", &["build", "--product", executable])
        .stderr(Stdio::inherit())
        .output()
        .map_err(|e| format!("swift does not start: {e}"))?;
    if output.status.success() {
        return Ok(());
    }
    // The compiler's messages are on standard output.
    print!("{}", String::from_utf8_lossy(&output.stdout));
    Err(format!("`swift build --product {executable}` failed in {package}"))
}

/// The command that runs a built executable, for the caller to give pipes and wait for. Paths in `args` and `env` are
/// those the program sees: [`Stage::inside`].
pub(crate) fn run(stage: &Stage, package: &str, executable: &str, args: &[&str], env: &[(&str, &str)]) -> Command {
    let program = format!("{}/.build/debug/{executable}", stage.inside(package));
    stage.command_with(&stage.inside(package), &program, args, env)
}

fn count(output: &str) -> Counts {
    let mut counts = Counts::default();
    for line in output.lines().filter(|line| line.starts_with("Test Case ")) {
        if line.contains("' passed (") {
            counts.passed += 1;
        } else if line.contains("' failed (") || line.contains("' skipped (") {
            counts.failed += 1;
        }
    }
    counts
}

pub(crate) fn cargo_build(workspace: &Path, package: &str, release: bool, features: &[&str]) -> Result<()> {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(workspace).args(["build", "--locked", "--package", package]);
    if release {
        command.arg("--release");
    }
    if !features.is_empty() {
        command.arg("--features").arg(features.join(","));
    }
    let status = command.status().map_err(|e| format!("cargo does not start: {e}"))?;
    if status.success() { Ok(()) } else { Err(format!("`cargo build --package {package}` failed")) }
}

pub(crate) fn target_dir(workspace: &Path, release: bool) -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| workspace.join("target"), |dir| workspace.join(dir))
        .join(if release { "release" } else { "debug" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_cases_and_not_assertions() {
        let output = "Test Case 'A.one' started at now\nTest Case 'A.one' passed (0.1 seconds)\n\
                      x: error: A.two : 1 != 2\nx: error: A.two : 1 != 3\nTest Case 'A.two' failed (0.1 seconds)\n\
                      Test Case 'A.three' skipped (0.1 seconds)\n";
        assert_eq!(count(output), Counts { passed: 1, failed: 2 });
    }
}
