//! Root file systems of Debian, unpacked below a cache directory: one with Debian's own `swiftlang`, for machines without
//! Swift, and those in which `package --smoke` installs what was packed.
//!
//! Needs Linux and root (`chroot`, a mount namespace). The README's commands never do; CI and `--swift-rootfs` may.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::Result;
use super::toolchain::enter;

/// What a root file system is made of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Contents {
    /// Its folder below the cache.
    pub(crate) name: &'static str,
    /// The release of Debian.
    pub(crate) suite: &'static str,
    /// What is installed.
    pub(crate) packages: &'static [&'static str],
    /// What a complete one has.
    pub(crate) proof: &'static [&'static str],
}

const SWIFT: Contents = Contents {
    name: "swift-rootfs",
    suite: "trixie",
    packages: &["swiftlang", "libc6-dev", "libstdc++-14-dev", "g++", "ca-certificates", "pkg-config"],
    proof: &["usr/bin/swift", "usr/bin/g++", "usr/bin/pkg-config", "usr/include/c++/14"],
};

/// The root file system with Swift.
pub(crate) fn ensure(cache: &Path) -> Result<PathBuf> {
    make(cache, SWIFT)
}

/// A root file system below `cache`, made if it is not there. Repeats what was left undone; costs nothing when done.
pub(crate) fn make(cache: &Path, contents: Contents) -> Result<PathBuf> {
    let Contents { name, suite, packages, proof } = contents;
    let root = cache.join(name);
    if !cfg!(target_os = "linux") {
        return Err("a root file system needs Linux; for Swift, put a `swift` 6 on the PATH instead".to_owned());
    }
    if !is_root()? {
        return Err(
            "a root file system needs root (chroot and a mount namespace); for Swift, put a `swift` 6 on the PATH \
                    instead"
                .to_owned(),
        );
    }
    need("unshare", "util-linux")?;
    if complete(&root, proof) {
        return Ok(root);
    }
    if !on_path("debootstrap") {
        eprintln!("installing debootstrap");
        need("apt-get", "debootstrap, by hand: this machine has no apt-get to install it with. Package:")?;
        step(Command::new("apt-get").arg("update"), "apt-get update")?;
        let install = ["install", "--yes", "--no-install-recommends", "debootstrap"];
        step(Command::new("apt-get").args(install), "apt-get install debootstrap")?;
    }
    // Under another name until it is whole, so that an interrupted run is never taken for a finished one.
    let partial = cache.join(format!("{name}.partial"));
    if partial.exists() {
        fs::remove_dir_all(&partial).map_err(|e| format!("{} cannot be removed: {e}", partial.display()))?;
    }
    fs::create_dir_all(cache).map_err(|e| format!("{} cannot be made: {e}", cache.display()))?;
    eprintln!("making a root file system of Debian {suite} in {} (once)", root.display());
    let options = ["--variant=minbase", "--include=ca-certificates", suite];
    step(Command::new("debootstrap").args(options).arg(&partial), "debootstrap")?;
    let mut install = enter(&partial);
    install.env("DEBIAN_FRONTEND", "noninteractive");
    install.args(["apt-get", "install", "--yes", "--no-install-recommends"]).args(packages);
    step(&mut install, "apt-get install in the root file system")?;
    if !complete(&partial, proof) {
        return Err(format!("the root file system lacks one of {proof:?}; remove {} and repeat", partial.display()));
    }
    if root.exists() {
        fs::remove_dir_all(&root).map_err(|e| format!("{} cannot be removed: {e}", root.display()))?;
    }
    fs::rename(&partial, &root).map_err(|e| format!("{} cannot be renamed: {e}", partial.display()))?;
    Ok(root)
}

fn complete(root: &Path, proof: &[&str]) -> bool {
    // Links of the root file system are absolute in there, so they are not followed from here.
    proof.iter().all(|path| root.join(path).symlink_metadata().is_ok())
}

fn is_root() -> Result<bool> {
    let output = Command::new("id").arg("-u").output().map_err(|e| format!("`id` does not start: {e}"))?;
    Ok(output.stdout.trim_ascii() == b"0")
}

fn on_path(program: &str) -> bool {
    let found = std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|dir| dir.join(program).is_file()));
    found || Path::new("/usr/sbin").join(program).is_file()
}

fn need(program: &str, package: &str) -> Result<()> {
    if on_path(program) { Ok(()) } else { Err(format!("`{program}` is missing; install {package}")) }
}

fn step(command: &mut Command, what: &str) -> Result<()> {
    let output = command.stdin(Stdio::null()).output().map_err(|e| format!("{what} does not start: {e}"))?;
    if output.status.success() {
        return Ok(());
    }
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    let tail: Vec<&str> = text.lines().rev().take(15).collect();
    Err(format!("{what} failed ({}):\n{}", output.status, tail.into_iter().rev().collect::<Vec<_>>().join("\n")))
}
