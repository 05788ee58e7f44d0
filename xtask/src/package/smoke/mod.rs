//! `--smoke`: what was packed is installed into clean root file systems of Debian 12 and 13 without Rust, from the files alone, and
//! runs there: the README's ten lines, with `sandbox()`, and the demo's morning against the packaged carrier.
//!
//! [`python`], [`node`] and [`swift`] install; [`scene`] plays both parts. [`interpreters`]: the other Pythons of this machine.

mod interpreters;
mod node;
mod python;
mod scene;
mod swift;

use super::Release;
use super::platform::Platform;
use crate::paths;
use crate::shell::Result;
use crate::swift::rootfs::{self, Contents};

const BOOKWORM: Contents = Contents {
    name: "smoke-bookworm",
    suite: "bookworm",
    // The last is for the node that is brought along.
    packages: &["python3", "python3-venv", "libatomic1"],
    proof: &["usr/bin/python3.11", "usr/share/doc/libatomic1"],
};

const TRIXIE: Contents = Contents {
    name: "smoke-trixie",
    suite: "trixie",
    packages: &["python3", "python3-venv", "nodejs", "npm"],
    proof: &["usr/bin/python3.13", "usr/bin/node", "usr/bin/npm"],
};

/// Runs what was packed for this machine's platform.
pub(super) fn run(release: &Release, platform: Platform) -> Result<()> {
    if platform != Platform::host()? {
        return Err(format!("--smoke runs what was packed for this machine, and not for {}", platform.triple));
    }
    let (bookworm, trixie) = (rootfs::make(&paths::cache(), BOOKWORM)?, rootfs::make(&paths::cache(), TRIXIE)?);
    let runtime = node::runtime(&paths::cache())?;
    let mut steps = 0;
    println!("── smoke: Python 3.11 on Debian 12");
    steps += python::play(release, &bookworm)?;
    println!("── smoke: Python 3.13 on Debian 13");
    steps += python::play(release, &trixie)?;
    println!("── smoke: the wheels in every Python of this machine");
    steps += interpreters::play(release)?;
    // Debian 12 has Node 18, which is too old: node and npm from the registry, pinned by a lock file.
    println!("── smoke: the newest Node on Debian 12");
    steps += node::play(release, &bookworm, Some(&runtime))?;
    println!("── smoke: Debian's Node on Debian 13");
    steps += node::play(release, &trixie, None)?;
    println!("── smoke: Swift on Debian 13");
    steps += swift::play(release, platform, &rootfs::ensure(&paths::cache())?)?;
    println!("smoke: {steps} steps, none failed");
    Ok(())
}
