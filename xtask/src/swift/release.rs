//! What a release has for Swift beside the sources: the core as an artifact bundle (SE-0482, Swift 6.2 and newer), and the
//! manifests that name it, made from the one that is developed with. docs/swift-release.md says what of it has been run.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;
use sha2::{Digest, Sha256};

use super::{Result, staging};

/// The module of C declarations, which the bundle brings.
const MODULE: &str = "GladhandFFI";
/// What of `bindings-swift/Package.swift` a release has otherwise.
const SYSTEM_LIBRARY: &str = r#".systemLibrary(name: "GladhandFFI", pkgConfig: "gladhand")"#;
const CORE: &str = r#".target(name: "GladhandCore", dependencies: ["GladhandFFI"])"#;
/// What only the library of tests has.
const OF_TESTS: &[u8] = b"uniffi_gladhand_swift_testing";
/// What a program links beside the library; `gladhand.pc` says the same where there is no bundle.
const LINKED: &[&str] = &["m", "dl", "pthread"];

/// The core, built for a platform.
#[derive(Clone, Debug)]
pub(crate) struct Built {
    /// The platform as Rust and LLVM call it, such as `x86_64-unknown-linux-gnu`.
    pub(crate) triple: String,
    /// The static library.
    pub(crate) library: PathBuf,
}

/// Writes the bundle's archive and both manifests below `out`; gives their paths. `address` is where a release's files are
/// fetched from. An XCFramework of this release, made by `bindings-swift/apple.sh` into the same folder, is named as well.
pub(crate) fn package(workspace: &Path, out: &Path, built: &[Built], address: &str) -> Result<Vec<PathBuf>> {
    let bundle = out.join(format!("{MODULE}.artifactbundle.zip"));
    archive(&folder(workspace, out, built)?, &bundle)?;
    let framework = out.join(format!("{MODULE}.xcframework.zip"));
    let framework = framework.exists().then(|| checksum(&framework)).transpose()?;
    let remote = |name: &str, checksum: &str| {
        format!(".binaryTarget(name: \"{MODULE}\", url: \"{address}/{MODULE}.{name}.zip\", checksum: \"{checksum}\")")
    };
    let bundled = remote("artifactbundle", &checksum(&bundle)?);
    let framework = framework.map(|checksum| remote("xcframework", &checksum));
    let path = workspace.join("bindings-swift/Package.swift");
    let developed = fs::read_to_string(&path).map_err(|e| format!("{} cannot be read: {e}", path.display()))?;
    let mut written = vec![bundle];
    for (name, tools, linux) in
        [("Package.swift", "6.0", SYSTEM_LIBRARY), ("Package@swift-6.2.swift", "6.2", &*bundled)]
    {
        let path = out.join(name);
        let text = manifest(&developed, tools, linux, framework.as_deref())?;
        staging::write(&path, text.as_bytes(), 0o644)?;
        written.push(path);
    }
    Ok(written)
}

/// The bundle, unpacked: a folder for each platform, the header once, and the table of what is where.
fn folder(workspace: &Path, out: &Path, built: &[Built]) -> Result<PathBuf> {
    let folder = out.join(format!("{MODULE}.artifactbundle"));
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(|e| format!("{} cannot be removed: {e}", folder.display()))?;
    }
    let copy = |from: &Path, to: &str| {
        let bytes = fs::read(from).map_err(|e| format!("{} cannot be read: {e}", from.display()))?;
        staging::write(&folder.join(to), &bytes, 0o644)
    };
    copy(&workspace.join(format!("bindings-swift/Sources/{MODULE}/{MODULE}.h")), &format!("include/{MODULE}.h"))?;
    copy(&workspace.join("LICENSE"), "LICENSE")?;
    // Without `link`: the package manager links what the table names.
    let module = format!("module {MODULE} {{\n    header \"{MODULE}.h\"\n    export *\n}}\n");
    staging::write(&folder.join("include/module.modulemap"), module.as_bytes(), 0o644)?;
    for platform in built {
        let file = &platform.library;
        let bytes = fs::read(file).map_err(|e| format!("{} cannot be read: {e}", file.display()))?;
        if bytes.windows(OF_TESTS.len()).any(|part| part == OF_TESTS) {
            return Err(format!("{} is the library of the tests: it has TESTING_…", file.display()));
        }
        staging::write(&folder.join(library(&platform.triple)), &bytes, 0o644)?;
    }
    let table = serde_json::to_string_pretty(&table(built)).map_err(|e| e.to_string())? + "\n";
    staging::write(&folder.join("info.json"), table.as_bytes(), 0o644)?;
    Ok(folder)
}

fn library(triple: &str) -> String {
    format!("{triple}/libgladhand_swift.a")
}

/// The table of a bundle: what is where for which platform.
fn table(built: &[Built]) -> serde_json::Value {
    let variants: Vec<_> = built
        .iter()
        .map(|platform| {
            json!({
                "path": library(&platform.triple),
                "supportedTriples": [platform.triple],
                "staticLibraryMetadata": { "headerPaths": ["include"], "moduleMapPath": "include/module.modulemap" },
            })
        })
        .collect();
    let artifact = json!({ "type": "staticLibrary", "version": env!("CARGO_PKG_VERSION"), "variants": variants });
    json!({ "schemaVersion": "1.0", "artifacts": { MODULE: artifact } })
}

/// An archive whose bytes follow from the content alone.
fn archive(folder: &Path, to: &Path) -> Result<()> {
    const SCRIPT: &str = "
import pathlib, sys, zipfile
folder, to = map(pathlib.Path, sys.argv[1:])
with zipfile.ZipFile(to, 'w', zipfile.ZIP_DEFLATED, compresslevel=9) as out:
    for path in sorted(path for path in folder.rglob('*') if path.is_file()):
        name = zipfile.ZipInfo(str(path.relative_to(folder.parent)))
        name.external_attr, name.compress_type = 0o100644 << 16, zipfile.ZIP_DEFLATED
        out.writestr(name, path.read_bytes())
";
    let status = Command::new("python3").args(["-c", SCRIPT]).arg(folder).arg(to).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{} cannot be packed: python3 ended with {status}", folder.display())),
        Err(e) => Err(format!("python3 does not start: {e}")),
    }
}

/// What `swift package compute-checksum` says: SHA-256, hexadecimal.
fn checksum(path: &Path) -> Result<String> {
    let bytes = fs::read(path).map_err(|e| format!("{} cannot be read: {e}", path.display()))?;
    Ok(hex::encode(Sha256::digest(&bytes)))
}

/// The manifest of a release that finds the core by `pkg-config`.
pub(crate) fn with_pkg_config(developed: &str) -> Result<String> {
    manifest(developed, "6.0", SYSTEM_LIBRARY, None)
}

/// The manifest of a release: without what only tests have, and with the core where a release has it.
fn manifest(developed: &str, tools: &str, linux: &str, apple: Option<&str>) -> Result<String> {
    let mut out = String::new();
    let mut lines = developed.lines().skip(1).peekable();
    let of_tests = |line: &str| line.contains("\"Tests/") || line.contains(".testTarget(");
    while let Some(line) = lines.next() {
        let comment = line.trim_start().starts_with("//") && lines.peek().is_some_and(|next| of_tests(next));
        if !comment && !of_tests(line) {
            out.push_str(line);
            out.push('\n');
        }
    }
    let parts = [SYSTEM_LIBRARY, CORE, "import PackageDescription\n"];
    if let Some(part) = parts.iter().find(|part| out.matches(**part).count() != 1) {
        return Err(format!("Package.swift does not have once: {part}"));
    }
    let core = match apple {
        None => format!("let core: Target = {linux}\n"),
        Some(apple) => {
            format!("#if os(Linux)\nlet core: Target = {linux}\n#else\nlet core: Target = {apple}\n#endif\n")
        }
    };
    if linux != SYSTEM_LIBRARY {
        let libraries = LINKED.iter().map(|name| format!(".linkedLibrary(\"{name}\", .when(platforms: [.linux]))"));
        let libraries = libraries.collect::<Vec<_>>().join(", ");
        let linking = format!("{}, linkerSettings: [{libraries}])", &CORE[..CORE.len() - 1]);
        out = out.replace(CORE, &linking);
    }
    out = out.replace(SYSTEM_LIBRARY, "core").replace(parts[2], &format!("{}\n{core}", parts[2]));
    Ok(format!("// swift-tools-version:{tools}\n{out}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn developed() -> String {
        fs::read_to_string(crate::paths::root().join("bindings-swift/Package.swift")).unwrap()
    }

    #[test]
    fn a_release_has_no_tests_and_its_core_where_it_is() {
        let old = manifest(&developed(), "6.0", SYSTEM_LIBRARY, None).unwrap();
        assert!(old.starts_with("// swift-tools-version:6.0\n"), "{old}");
        assert!(old.contains("pkgConfig: \"gladhand\"") && old.contains("name: \"GladhandTesting\""), "{old}");
        assert!(!old.contains("Tests") && !old.contains("crash-probe") && !old.contains("TestingFFI"), "{old}");
        let new = manifest(&developed(), "6.2", ".binaryTarget(bundle)", Some(".binaryTarget(framework)")).unwrap();
        assert!(new.contains("#if os(Linux)\nlet core: Target = .binaryTarget(bundle)\n#else"), "{new}");
        assert!(
            new.contains(".linkedLibrary(\"m\", .when(platforms: [.linux]))") && !new.contains("pkgConfig"),
            "{new}"
        );
    }

    #[test]
    fn the_table_names_what_is_there() {
        let out = std::env::temp_dir().join(format!("gladhand-bundle-{}", std::process::id()));
        let library = out.join("lib.a");
        staging::write(&library, b"!<arch>\n", 0o644).unwrap();
        let triple = "x86_64-unknown-linux-gnu".to_owned();
        let built = [Built { triple, library }];
        let written = package(&crate::paths::root(), &out, &built, "https://example.com/0.1.0").unwrap();
        assert_eq!(written.len(), 3);
        let folder = out.join("GladhandFFI.artifactbundle");
        let table: serde_json::Value = serde_json::from_slice(&fs::read(folder.join("info.json")).unwrap()).unwrap();
        let artifact = &table["artifacts"]["GladhandFFI"];
        assert_eq!((artifact["type"].as_str(), table["schemaVersion"].as_str()), (Some("staticLibrary"), Some("1.0")));
        for variant in artifact["variants"].as_array().unwrap() {
            let headers = &variant["staticLibraryMetadata"];
            for path in [&variant["path"], &headers["moduleMapPath"], &headers["headerPaths"][0]] {
                assert!(folder.join(path.as_str().unwrap()).exists(), "{path}");
            }
        }
        let newest = fs::read_to_string(&written[2]).unwrap();
        assert!(newest.contains(&checksum(&written[0]).unwrap()), "{newest}");
        staging::write(&built[0].library, b"uniffi_gladhand_swift_testing_fn_func_testing_echo", 0o644).unwrap();
        let refused = package(&crate::paths::root(), &out, &built, "https://example.com/0.1.0").unwrap_err();
        assert!(refused.contains("TESTING_"), "{refused}");
        fs::remove_dir_all(&out).unwrap();
    }
}
