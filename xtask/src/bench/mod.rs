//! `cargo xtask bench --suite NAME`: measurements beside what others would use instead, in one run. The programs alternate, so
//! that a machine that is busy is busy for all of them; what counts is the ratio of medians.
//!
//! * [`dpop`]: what a proof costs. * [`tender`]: what a tender costs, journal and all. * [`telemetry`]: what a record costs.
//! * [`calls`]: what a call costs Python and Node, and how late Node's event loop is.

mod calls;
mod dpop;
mod packages;
mod telemetry;
mod tender;

use std::path::PathBuf;

use crate::paths;
use crate::shell::{Result, Run, find};

/// Runs the suite that the arguments name.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--suite", "dpop"] => dpop::run(),
        ["--suite", "calls"] => calls::run(),
        ["--suite", "packages"] => packages::run(),
        ["--suite", "telemetry"] => telemetry::run(),
        ["--suite", "tender"] => tender::run(),
        _ => Err("usage: cargo xtask bench --suite calls|dpop|packages|telemetry|tender".to_owned()),
    }
}

/// Where the peers' programs are.
fn folder() -> PathBuf {
    paths::root().join("conformance/interop-bench")
}

/// A benchmark of a package, built for release.
fn benchmark(package: &str, name: &str) -> Run {
    Run::new("cargo").args(["bench", "--locked", "--quiet", "--package", package, "--bench", name]).at(paths::root())
}

/// The interpreter of a virtual environment of the cache with the pinned Python peers.
fn python() -> Result<PathBuf> {
    let place = paths::cache().join("bench-python");
    let interpreter = place.join("bin/python");
    if !interpreter.exists() {
        let host = find("python3").ok_or("Python 3.10 or newer is not on the PATH")?;
        Run::new(host).args(["-m", "venv"]).arg(&place).run()?;
    }
    Run::new(&interpreter)
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"])
        .arg(folder().join("requirements.txt"))
        .run()?;
    Ok(interpreter)
}

/// A virtual environment of the cache for packages that are measured, and not for what peers need.
fn package_venv() -> Result<PathBuf> {
    let place = paths::cache().join("bench-packages");
    if !place.join("bin/python").exists() {
        let host = find("python3").ok_or("Python 3.10 or newer is not on the PATH")?;
        Run::new(host).args(["-m", "venv"]).arg(&place).run()?;
    }
    Ok(place)
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_no_mean() {
        assert!((median(&[90.0, 1.0, 2.0]) - 2.0).abs() < f64::EPSILON);
        assert!(median(&[]).is_nan());
    }
}
