//! Tools of npm that are pinned by a lock file, in the cache outside the clone.

use std::path::{Path, PathBuf};

use crate::shell::{Result, Run, find};

/// Installs what the folder `from` locks into `to`, unless that is there; returns where its programs are.
pub(crate) fn locked(from: &Path, to: &Path) -> Result<PathBuf> {
    let lock = read(&from.join("package-lock.json"))?;
    if read(&to.join("package-lock.json")).ok().as_deref() != Some(lock.as_str()) {
        let npm = find("npm").ok_or("Node 20 or newer, with npm, is not on the PATH")?;
        write(&to.join("package.json"), &read(&from.join("package.json"))?)?;
        write(&to.join("package-lock.json"), &lock)?;
        let installed =
            Run::new(npm).args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]).at(to).run();
        if installed.is_err() {
            // The next run installs again.
            let _ = std::fs::remove_file(to.join("package-lock.json"));
            installed?;
        }
    }
    Ok(to.join("node_modules/.bin"))
}

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))
}

fn write(path: &Path, text: &str) -> Result<()> {
    let folder = path.parent().unwrap_or(path);
    std::fs::create_dir_all(folder).map_err(|e| format!("{} cannot be made: {e}", folder.display()))?;
    std::fs::write(path, text).map_err(|e| format!("{} cannot be written: {e}", path.display()))
}
