//! The staged copy that Swift builds: the package, what its tests read, the library and the sandbox, as a user would have
//! them, at a path that stays the same so that builds stay warm. Only files that changed are written.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Result, Toolchain};

/// What the workspace gives to the stage, by its path in the workspace.
const COPIED: &[&str] = &["bindings-swift", "examples/swift-dispatch", "conformance/vectors", "conformance/contract"];
/// The staged packages that depend on `bindings-swift`.
const DEPENDENTS: &[&str] = &["examples/swift-dispatch", "ten-lines"];
/// The suffixes of what a Swift user gets; the Rust of the binding stays behind.
const SUFFIXES: &[&str] = &["swift", "h", "modulemap", "json", "jsonl", "gz", "toml", "md"];

/// A staged package.
#[derive(Clone, Debug)]
pub(crate) struct Stage {
    toolchain: Toolchain,
    /// The stage, as the toolchain's programs see it.
    home: String,
}

/// Copies package, library and sandbox to where the toolchain sees them. `scratch` is used with a toolchain of the host.
pub(crate) fn stage(
    workspace: &Path,
    toolchain: Toolchain,
    scratch: &Path,
    library: &Path,
    sandbox: Option<&Path>,
) -> Result<Stage> {
    let home = match &toolchain {
        Toolchain::Host => scratch.join("swift").to_string_lossy().into_owned(),
        Toolchain::Rootfs(_) => "/opt/gladhand".to_owned(),
    };
    let stage = Stage { toolchain, home };
    for tree in COPIED {
        let other_files = mirror(&workspace.join(tree), &stage.outside(tree))?;
        if other_files && *tree == "bindings-swift" {
            // A package that depends on this one by path does not notice files that come or go: make it plan again.
            for package in DEPENDENTS {
                let plan = stage.outside(package).join(".build/debug.yaml");
                if plan.exists() {
                    fs::remove_file(&plan).map_err(|e| format!("{} cannot be removed: {e}", plan.display()))?;
                }
            }
        }
    }
    if let Some(sandbox) = sandbox {
        copy(sandbox, &stage.outside("bin/gladhand-sandbox"))?;
    }
    let description = format!(
        "libdir={}\nName: gladhand\nDescription: The Gladhand core\nVersion: {}\n\
         Libs: -L${{libdir}} -lgladhand_swift -lm -ldl -lpthread\n",
        stage.inside("lib"),
        env!("CARGO_PKG_VERSION"),
    );
    write(&stage.outside("lib/gladhand.pc"), description.as_bytes(), 0o644)?;
    if copy(library, &stage.outside("lib/libgladhand_swift.a"))? {
        // The Swift package manager does not watch a system library: make it link again.
        for package in DEPENDENTS.iter().chain(&["bindings-swift"]) {
            unlink_products(&stage.outside(package).join(".build/debug"))?;
        }
    }
    Ok(stage)
}

impl Stage {
    /// A path of the stage as the toolchain's programs see it.
    pub(crate) fn inside(&self, path: &str) -> String {
        format!("{}/{path}", self.home)
    }

    /// The same path as this program sees it.
    pub(crate) fn outside(&self, path: &str) -> PathBuf {
        self.toolchain.root().join(self.inside(path).trim_start_matches('/'))
    }

    /// What the toolchain's programs call a file of this machine, if they see it.
    pub(crate) fn seen(&self, path: &Path) -> Option<String> {
        let below = path.strip_prefix(self.toolchain.root()).ok()?;
        Some(Path::new("/").join(below).to_string_lossy().into_owned())
    }

    /// The package directory, as the toolchain sees it.
    pub(crate) fn package(&self) -> String {
        self.inside("bindings-swift")
    }

    /// What the toolchain compiles for, as it calls it.
    pub(crate) fn target(&self) -> Result<String> {
        let output = self
            .command(&self.home, "swift", &["-print-target-info"])
            .output()
            .map_err(|e| format!("swift does not start: {e}"))?;
        let information: serde_json::Value =
            serde_json::from_slice(&output.stdout).map_err(|e| format!("swift -print-target-info: {e}"))?;
        let triple = information.pointer("/target/triple").and_then(serde_json::Value::as_str);
        triple.map(str::to_owned).ok_or_else(|| "swift -print-target-info names no target".to_owned())
    }

    /// A command that runs in the stage.
    pub(crate) fn command(&self, dir: &str, program: &str, args: &[&str]) -> Command {
        self.command_with(dir, program, args, &[])
    }

    /// A command that runs in the stage, with variables of its own.
    pub(crate) fn command_with(&self, dir: &str, program: &str, args: &[&str], env: &[(&str, &str)]) -> Command {
        let (pkg_config, sandbox) = (self.inside("lib"), self.inside("bin/gladhand-sandbox"));
        let mut all = vec![("PKG_CONFIG_PATH", pkg_config.as_str()), ("GLADHAND_SANDBOX", sandbox.as_str())];
        all.extend_from_slice(env);
        self.toolchain.command(dir, program, args, &all)
    }
}

/// Makes `to` the same as `from`: changed files written, vanished ones removed, `.build` left alone. Says whether a file came
/// or went.
fn mirror(from: &Path, to: &Path) -> Result<bool> {
    let mut wanted = BTreeSet::new();
    let mut other_files = false;
    if from.exists() {
        for entry in entries(from)? {
            let name = entry.file_name();
            let (source, target) = (entry.path(), to.join(&name));
            if source.is_dir() {
                if name != ".build" && name != "target" {
                    other_files |= mirror(&source, &target)?;
                    wanted.insert(name);
                }
            } else if source.extension().is_some_and(|suffix| SUFFIXES.iter().any(|known| suffix == *known)) {
                other_files |= !target.exists();
                copy(&source, &target)?;
                wanted.insert(name);
            }
        }
    }
    if to.exists() {
        for entry in entries(to)? {
            let name = entry.file_name();
            if wanted.contains(&name) || name == ".build" || name == "Package.resolved" {
                continue;
            }
            other_files = true;
            let path = entry.path();
            let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
            removed.map_err(|e| format!("{} cannot be removed: {e}", path.display()))?;
        }
    }
    Ok(other_files)
}

fn entries(dir: &Path) -> Result<Vec<fs::DirEntry>> {
    fs::read_dir(dir).and_then(Iterator::collect).map_err(|e| format!("{} cannot be listed: {e}", dir.display()))
}

/// Copies a file if it differs; says whether it did.
fn copy(from: &Path, to: &Path) -> Result<bool> {
    let bytes = fs::read(from).map_err(|e| format!("{} cannot be read: {e}", from.display()))?;
    let mode = fs::metadata(from).map_or(0o644, |meta| meta.permissions().mode() & 0o777);
    write(to, &bytes, mode)
}

pub(super) fn write(to: &Path, bytes: &[u8], mode: u32) -> Result<bool> {
    if fs::read(to).is_ok_and(|old| old == bytes) {
        return Ok(false);
    }
    let cannot = |e: std::io::Error| format!("{} cannot be written: {e}", to.display());
    if let Some(dir) = to.parent() {
        fs::create_dir_all(dir).map_err(cannot)?;
    }
    // Removed first: a program that still runs keeps its old file.
    let _ = fs::remove_file(to);
    fs::write(to, bytes).map_err(cannot)?;
    fs::set_permissions(to, fs::Permissions::from_mode(mode)).map_err(cannot)?;
    Ok(true)
}

fn unlink_products(dir: &Path) -> Result<()> {
    // `.build/debug` is a relative symbolic link, so it resolves on both sides of a root file system.
    if !dir.exists() {
        return Ok(());
    }
    for entry in entries(dir)? {
        let path = entry.path();
        let executable = fs::metadata(&path).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0);
        if executable {
            fs::remove_file(&path).map_err(|e| format!("{} cannot be removed: {e}", path.display()))?;
        }
    }
    Ok(())
}
