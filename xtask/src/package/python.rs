//! The wheels and the source distribution.

use std::path::{Path, PathBuf};

use super::build::Builder;
use super::linked::checksums;
use super::papers::{BILL, Papers};
use super::{Release, copy, files, fresh, read};
use crate::paths;
use crate::shell::{Result, Run};

/// Builds the wheel of `gladhand`: for every CPython from 3.10 on, or for one interpreter that is named.
pub(super) fn wheel(
    release: &Release,
    builder: &Builder,
    interpreter: Option<&Path>,
    papers: &Papers,
) -> Result<PathBuf> {
    let folder = fresh(&release.work.join("wheel"))?;
    let platform = builder.platform;
    let mut build =
        builder.tool("maturin").args(["build", "--release", "--locked", "--quiet", "--target", platform.triple]);
    if platform.linux() {
        let compatibility = platform.wheel.trim_end_matches("_x86_64").trim_end_matches("_aarch64");
        build = build.args(["--zig", "--compatibility", compatibility]);
    }
    if let Some(interpreter) = interpreter {
        build = build.arg("--interpreter").arg(interpreter);
    }
    // maturin calls the C compiler by another name than cargo-zigbuild: in one folder, each would build anew what the other built.
    let target = paths::target().join("wheel");
    build.arg("--out").arg(&folder).env("CARGO_TARGET_DIR", target).at(package()).run()?;
    let wheel = only(&folder)?;
    script(builder).arg("add").arg(&wheel).args(additions("gladhand", papers)).run()?;
    keep(release, &wheel)
}

/// Builds the source distribution. It takes Rust to install it.
pub(super) fn sdist(release: &Release, builder: &Builder) -> Result<PathBuf> {
    let folder = fresh(&release.work.join("sdist"))?;
    builder.tool("maturin").args(["sdist", "--out"]).arg(&folder).at(package()).run()?;
    let sdist = only(&folder)?;
    // What is missing in it is found here, and not by who installs it: every crate, and the versions that we lock.
    Run::new("tar").args(["--extract", "--file"]).arg(&sdist).arg("--directory").arg(&folder).run()?;
    let source = folder.join(format!("gladhand-{}", release.version));
    let check = ["metadata", "--offline", "--format-version", "1", "--manifest-path"];
    Run::new("cargo").args(check).arg(source.join("bindings-python/Cargo.toml")).at(&source).output()?;
    let [packed, ours] = [source, paths::root()].map(|folder| read(&folder.join("Cargo.lock")));
    let (packed, ours) = (checksums(&packed?), checksums(&ours?));
    if let Some((name, version)) = packed.iter().find(|(id, sum)| ours.get(id) != Some(sum)).map(|(id, _)| id) {
        return Err(format!(
            "the source distribution would build with {name} {version}, which Cargo.lock does not name"
        ));
    }
    keep(release, &sdist)
}

/// Makes the wheel of the sandbox carrier.
pub(super) fn sandbox_wheel(release: &Release, builder: &Builder, program: &Path, papers: &Papers) -> Result<PathBuf> {
    let made = script(builder)
        .arg("sandbox")
        .arg(program)
        .args([release.version, builder.platform.wheel])
        .arg(&release.out)
        .args(additions("gladhand-sandbox", papers))
        .output()?;
    Ok(PathBuf::from(made.trim()))
}

/// The papers, by their places below the `.dist-info`.
fn additions(name: &str, papers: &Papers) -> Vec<String> {
    papers
        .files()
        .into_iter()
        .map(|(file, path)| {
            let place = if file == BILL { format!("sboms/{name}.cdx.json") } else { format!("licenses/{file}") };
            format!("{place}={}", path.display())
        })
        .collect()
}

fn script(builder: &Builder) -> Run {
    builder.tool("python").arg(package().join("tools/wheels.py"))
}

fn package() -> PathBuf {
    paths::root().join("bindings-python")
}

fn only(folder: &Path) -> Result<PathBuf> {
    files(folder)?.pop().ok_or_else(|| format!("nothing was built in {}", folder.display()))
}

fn keep(release: &Release, built: &Path) -> Result<PathBuf> {
    let path = release.out.join(built.file_name().unwrap_or_default());
    copy(built, &path)?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_extra_is_of_this_version() {
        let project = crate::package::read(&package().join("pyproject.toml")).unwrap();
        assert!(project.contains(concat!("sandbox = [\"gladhand-sandbox==", env!("CARGO_PKG_VERSION"), "\"]")));
    }
}
