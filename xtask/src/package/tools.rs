//! The pinned tools of a release, in a virtual environment of the cache: a linker for old systems (Zig), maturin, and a judge of
//! bills of materials.

use std::path::{Path, PathBuf};

use crate::paths;
use crate::shell::{Result, Run, find};

/// Where its programs are.
pub(super) fn ensure(cache: &Path) -> Result<PathBuf> {
    let requirements = paths::root().join("xtask/packaging/requirements.txt");
    let wanted = super::read(&requirements)?;
    let venv = cache.join("packaging");
    let stamp = venv.join("gladhand-requirements.txt");
    if super::read(&stamp).ok().as_deref() != Some(wanted.as_str()) {
        let host = find("python3").ok_or("Python 3.10 or newer is not on the PATH")?;
        Run::new(host).args(["-m", "venv", "--clear"]).arg(&venv).run()?;
        let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes"];
        Run::new(venv.join("bin/python")).args(install).arg("--requirement").arg(&requirements).run()?;
        super::write(&stamp, wanted.as_bytes())?;
    }
    Ok(venv.join("bin"))
}
