//! The wheels in every CPython of this machine from 3.10 on: those on the `PATH`, and those of pyenv.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::package::Release;
use crate::paths;
use crate::shell::{Result, Run, find};

/// The versions that the wheel promises and that exist.
const MINORS: std::ops::RangeInclusive<u32> = 10..=14;

/// Runs `try-wheels.sh` with each; returns how many there were.
pub(super) fn play(release: &Release) -> Result<u64> {
    let script = paths::root().join("xtask/packaging/try-wheels.sh");
    let mut tried = 0;
    for minor in MINORS {
        let Some(python) = interpreter(minor) else {
            println!("   no CPython 3.{minor} here");
            continue;
        };
        let said = Run::new("sh").arg(&script).arg(&release.out).env("PYTHON", &python).output()?;
        println!("   CPython 3.{minor}: {}", said.trim());
        tried += 1;
    }
    Ok(tried)
}

fn interpreter(minor: u32) -> Option<PathBuf> {
    let name = format!("python3.{minor}");
    let pyenv = std::env::var_os("HOME").map(|home| Path::new(&home).join(".pyenv/versions"));
    let versions = pyenv.and_then(|folder| std::fs::read_dir(folder).ok());
    let of_pyenv = versions.into_iter().flatten().filter_map(std::result::Result::ok);
    let of_pyenv = of_pyenv.map(|entry| entry.path().join("bin").join(&name));
    find(&name).into_iter().chain(of_pyenv).find(|path| runs(path))
}

/// A name on the `PATH` may be a shim of a version that is not chosen.
fn runs(python: &Path) -> bool {
    let quiet = || Stdio::null();
    Command::new(python).arg("--version").stdout(quiet()).stderr(quiet()).status().is_ok_and(|status| status.success())
}
