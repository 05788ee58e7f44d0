//! What `demo` and `test` ask of Swift, from the shelf of this module: one call each.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Result, Stage, Toolchain, build_executable, build_library, generated, rootfs, run, stage};
use crate::paths;

/// The package of the demo's program, and the program.
const EXAMPLE: &str = "examples/swift-dispatch";
const MORNING: &str = "gladhand-morning";

/// Builds the library, checks that the generated sources are its own, and stages the package where a toolchain is.
pub(crate) fn prepare(in_rootfs: bool, testing: bool, sandbox: &Path) -> Result<Stage> {
    let toolchain = if in_rootfs {
        Toolchain::Rootfs(rootfs::ensure(&paths::cache())?)
    } else {
        Toolchain::host().ok_or("no swift 6 on the PATH; --swift-rootfs makes one of its own")?
    };
    let library = build_library(&paths::root(), false, testing)?;
    stage(&paths::root(), toolchain, &paths::target(), &library, Some(sandbox))
}

/// The demo's program with variables; paths below the toolchain's root are given as it sees them.
pub(crate) fn morning(stage: &Stage, variables: &[(&str, PathBuf)]) -> Result<Command> {
    build_executable(stage, EXAMPLE, MORNING)?;
    let seen: Vec<(&str, String)> = variables
        .iter()
        .map(|(name, path)| (*name, stage.seen(path).unwrap_or_else(|| path.to_string_lossy().into_owned())))
        .collect();
    let pairs: Vec<(&str, &str)> = seen.iter().map(|(name, value)| (*name, value.as_str())).collect();
    Ok(run(stage, EXAMPLE, MORNING, &[], &pairs))
}

/// Checks that the generated sources are those of the library.
pub(crate) fn lint() -> Result<()> {
    generated::check(&paths::root(), &build_library(&paths::root(), false, true)?)
}

/// Writes the generated sources into the package.
pub(crate) fn write_generated() -> Result<()> {
    generated::write(&paths::root(), &build_library(&paths::root(), false, true)?)
}
