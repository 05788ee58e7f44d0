//! The npm packages: `gladhand` and `gladhand-sandbox`, each with one package per platform that has the binary.
//!
//! The packages of all platforms are optional dependencies of exactly this version, with `os`, `cpu` and `libc`: npm installs the
//! one that fits. They are published before the package that names them.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::build::Builder;
use super::papers::Papers;
use super::platform::{ALL, Platform};
use super::{Release, copy, fresh, read, write};
use crate::shell::Result;
use crate::{node, paths};

/// The scope of the packages of one platform.
const SCOPE: &str = "@gladhand";

/// Packs `gladhand` and its addon for one platform; returns the addon's tarball.
pub(super) fn package(release: &Release, builder: &Builder, papers: &Papers) -> Result<PathBuf> {
    let platform = builder.platform;
    let library = builder.cargo("gladhand-node", &platform.library("gladhand_node"))?;
    let root = fresh(&release.work.join("npm/gladhand"))?;
    node::install()?;
    node::put_together(&root)?;
    let mut manifest = manifest(&root)?;
    // What only the source folder needs.
    for unneeded in ["devDependencies", "scripts"] {
        manifest.remove(unneeded);
    }
    manifest.insert("files".to_owned(), json!(["dist", "README.md"]));
    manifest.insert("optionalDependencies".to_owned(), every_platform("native", release.version));
    manifest.insert("peerDependencies".to_owned(), json!({ "gladhand-sandbox": release.version }));
    manifest.insert("peerDependenciesMeta".to_owned(), json!({ "gladhand-sandbox": { "optional": true } }));
    pack(release, &root, manifest)?;
    let about = "The native core of Gladhand";
    one_platform(release, platform, "native", about, &library, "gladhand.node", papers)
}

/// Packs `gladhand-sandbox` and its program for one platform; returns the program's tarball.
pub(super) fn sandbox(release: &Release, platform: Platform, program: &Path, papers: &Papers) -> Result<PathBuf> {
    let root = fresh(&release.work.join("npm/gladhand-sandbox"))?;
    let sources = paths::root().join("conformance/sandbox/packages/node");
    for path in super::files(&sources)? {
        copy(&path, &root.join(path.file_name().unwrap_or_default()))?;
    }
    copy(&paths::root().join("LICENSE"), &root.join("LICENSE"))?;
    let mut manifest = manifest(&root)?;
    manifest.insert("version".to_owned(), json!(release.version));
    manifest.insert("optionalDependencies".to_owned(), every_platform("sandbox", release.version));
    pack(release, &root, manifest)?;
    let about = "The sandbox carrier of Gladhand";
    one_platform(release, platform, "sandbox", about, program, "gladhand-sandbox", papers)
}

/// Packs the package of a binary for one platform.
fn one_platform(
    release: &Release,
    platform: Platform,
    kind: &str,
    about: &str,
    binary: &Path,
    file: &str,
    papers: &Papers,
) -> Result<PathBuf> {
    let folder = fresh(&release.work.join("npm").join(kind))?;
    copy(binary, &folder.join(file))?;
    let mut files = vec![file];
    for (name, path) in papers.files() {
        copy(path, &folder.join(name))?;
        files.push(name);
    }
    let name = format!("{SCOPE}/{kind}-{}", platform.npm);
    write(&folder.join("README.md"), format!("# {name}\n\n{about} for {}.\n", platform.triple).as_bytes())?;
    let (os, cpu, libc) = platform.npm_fields();
    let mut manifest = Map::new();
    for (member, value) in [
        ("name", json!(name)),
        ("version", json!(release.version)),
        ("description", json!(format!("{about} for {}", platform.triple))),
        ("license", json!("Apache-2.0")),
        ("author", json!("The Gladhand authors")),
        ("os", json!([os])),
        ("cpu", json!([cpu])),
        ("files", json!(files)),
    ] {
        manifest.insert(member.to_owned(), value);
    }
    if let Some(libc) = libc {
        manifest.insert("libc".to_owned(), json!([libc]));
    }
    if Path::new(file).extension().is_some() {
        manifest.insert("main".to_owned(), json!(file));
    }
    pack(release, &folder, manifest)
}

fn every_platform(kind: &str, version: &str) -> Value {
    ALL.iter()
        .map(|platform| (format!("{SCOPE}/{kind}-{}", platform.npm), json!(version)))
        .collect::<Map<_, _>>()
        .into()
}

fn manifest(folder: &Path) -> Result<Map<String, Value>> {
    serde_json::from_str(&read(&folder.join("package.json"))?).map_err(|e| format!("package.json: {e}"))
}

fn pack(release: &Release, folder: &Path, manifest: Map<String, Value>) -> Result<PathBuf> {
    let stated = manifest.get("version").and_then(Value::as_str);
    if stated != Some(release.version) {
        return Err(format!("package.json says {stated:?}, Cargo.toml {}", release.version));
    }
    let text = serde_json::to_string_pretty(&manifest).map_err(|e| e.to_string())? + "\n";
    write(&folder.join("package.json"), text.as_bytes())?;
    node::pack(folder, &release.out)
}
