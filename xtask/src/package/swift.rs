//! The Swift package, its static library for one platform, and the sandbox carrier as a bare program.

use std::path::{Path, PathBuf};

use super::build::Builder;
use super::papers::Papers;
use super::platform::Platform;
use super::{Release, copy, fresh, tarball, write};
use crate::paths;
use crate::shell::{Result, Run};
use crate::swift::release::with_pkg_config;

/// Packs the sources of the Swift package, and the library that they are linked with; returns the library's archive.
pub(super) fn package(release: &Release, builder: &Builder, papers: &Papers) -> Result<PathBuf> {
    sources(release)?;
    let built = builder.cargo("gladhand-swift", "libgladhand_swift.a")?;
    let folder = named(release, "swift", builder.platform)?;
    let library = folder.join("lib/libgladhand_swift.a");
    copy(&built, &library)?;
    // The standard library comes with symbols for debuggers that know no source of it.
    Run::new("strip").arg("-S").arg(&library).run()?;
    write(&folder.join("lib/pkgconfig/gladhand.pc"), description(release).as_bytes())?;
    put(&folder, papers)?;
    tarball(release, &folder, &folder_name(&folder))
}

/// Packs the sandbox carrier's program.
pub(super) fn sandbox(release: &Release, platform: Platform, program: &Path, papers: &Papers) -> Result<PathBuf> {
    let folder = named(release, "sandbox", platform)?;
    copy(program, &folder.join("bin/gladhand-sandbox"))?;
    put(&folder, papers)?;
    tarball(release, &folder, &folder_name(&folder))
}

/// The sources, without tests: what a repository of its own would have for `.package(url:)`.
fn sources(release: &Release) -> Result<PathBuf> {
    let folder = fresh(&release.work.join(format!("gladhand-swift-{}", release.version)))?;
    let from = paths::root().join("bindings-swift");
    let listed = Run::new("git").args(["ls-files", "Sources"]).at(&from).output()?;
    for path in listed.lines() {
        copy(&from.join(path), &folder.join(path))?;
    }
    let developed = super::read(&from.join("Package.swift"))?;
    write(&folder.join("Package.swift"), with_pkg_config(&developed)?.as_bytes())?;
    copy(&paths::root().join("LICENSE"), &folder.join("LICENSE"))?;
    tarball(release, &folder, &folder_name(&folder))
}

/// What `pkg-config` says to the linker, wherever the archive was unpacked.
fn description(release: &Release) -> String {
    format!(
        "prefix=${{pcfiledir}}/../..\nlibdir=${{prefix}}/lib\n\nName: gladhand\nDescription: The Gladhand core\nVersion: {}\n\
         Libs: -L${{libdir}} -lgladhand_swift -lm -ldl -lpthread\n",
        release.version
    )
}

fn named(release: &Release, what: &str, platform: Platform) -> Result<PathBuf> {
    fresh(&release.work.join(format!("gladhand-{what}-{}-{}", release.version, platform.triple)))
}

fn folder_name(folder: &Path) -> String {
    folder.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn put(folder: &Path, papers: &Papers) -> Result<()> {
    papers.files().into_iter().try_for_each(|(name, path)| copy(path, &folder.join(name)))
}
