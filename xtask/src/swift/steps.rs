//! What `demo` and `test` ask of Swift, from the shelf of this module: one call each.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::release::{self, Built};
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

/// `swift-release`: the artifact bundle and the manifests of a release (docs/swift-release.md).
pub(crate) fn write_release(arguments: &[String]) -> Result<()> {
    const USAGE: &str = "swift-release --out FOLDER --address URL --library TRIPLE=FILE …";
    let (mut out, mut address, mut built) = (None, None, Vec::new());
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let value = rest.next().ok_or(USAGE)?;
        match argument.as_str() {
            "--out" => out = Some(PathBuf::from(value)),
            "--address" => address = Some(value.trim_end_matches('/')),
            "--library" => {
                let (triple, library) = value.split_once('=').ok_or(USAGE)?;
                built.push(Built { triple: triple.to_owned(), library: library.into() });
            }
            _ => return Err(USAGE.to_owned()),
        }
    }
    let (Some(out), Some(address), false) = (out, address, built.is_empty()) else { return Err(USAGE.to_owned()) };
    for path in release::package(&paths::root(), &out, &built, address)? {
        println!("wrote {}", path.display());
    }
    Ok(())
}
