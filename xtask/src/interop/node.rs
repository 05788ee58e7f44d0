//! The Node peers: their packages by `npm ci` into the cache, their programs copied beside them, where Node looks for
//! packages.

use super::{Programs, installed, once, sources};
use crate::shell::{Result, Run, find};

pub(super) fn prepare() -> Result<Programs> {
    let node = find("node").ok_or("Node 20 or newer is not on the PATH")?;
    let npm = find("npm").ok_or("npm is not on the PATH")?;
    let (from, to) = (sources("node"), installed("node"));
    std::fs::create_dir_all(&to).map_err(|e| format!("{}: {e}", to.display()))?;
    let entries = std::fs::read_dir(&from).map_err(|e| format!("{}: {e}", from.display()))?;
    for entry in entries.filter_map(std::result::Result::ok).filter(|entry| entry.path().is_file()) {
        let path = entry.path();
        std::fs::copy(&path, to.join(entry.file_name())).map_err(|e| format!("{}: {e}", path.display()))?;
    }
    once(&to, &[from.join("package-lock.json")], || {
        Run::new(npm).args(["ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]).at(&to).run()
    })?;
    Ok(vec![("node", node), ("peers", to)])
}
