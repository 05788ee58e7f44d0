//! The Swift package: its sources beside a program that depends on them, the library by way of `pkg-config`, and the sandbox
//! carrier's program on the `PATH`.

use std::path::Path;

use super::scene::{HOME, Scene};
use crate::package::platform::Platform;
use crate::package::{Release, write};
use crate::shell::{Result, Run};

/// The folder of the example that the demo plays.
const EXAMPLE: &str = "examples/swift-dispatch";

/// The program of the README's lines.
const MANIFEST: &str = r#"// swift-tools-version:6.0
import PackageDescription

let package = Package(
    name: "ten-lines",
    platforms: [.macOS(.v13)],
    dependencies: [.package(path: "../bindings-swift")],
    targets: [
        .executableTarget(
            name: "ten-lines", dependencies: [.product(name: "Gladhand", package: "bindings-swift")])
    ],
    swiftLanguageModes: [.v6]
)
"#;

pub(super) fn play(release: &Release, platform: Platform, root: &Path) -> Result<u64> {
    let scene = Scene::new(release, root)?;
    let (version, triple) = (release.version, platform.triple);
    for (archive, name) in [
        (format!("gladhand-swift-{version}"), "bindings-swift"),
        (format!("gladhand-swift-{version}-{triple}"), "library"),
        (format!("gladhand-sandbox-{version}-{triple}"), "sandbox"),
    ] {
        let packed = format!("packed/{archive}.tar.gz");
        scene.run("tar", &["--extract", "--gzip", "--file", &packed], &[])?;
        std::fs::rename(scene.outside(&archive), scene.outside(name)).map_err(|e| format!("{archive}: {e}"))?;
    }
    let pkg_config = format!("{HOME}/library/lib/pkgconfig");
    let path = format!("{HOME}/sandbox/bin:/usr/bin:/bin");
    let variables = [("PKG_CONFIG_PATH", pkg_config.as_str()), ("PATH", path.as_str())];
    let build = |folder: &str, product: &str| {
        let folder = format!("{HOME}/{folder}");
        scene.run("swift", &["build", "--package-path", &folder, "--product", product], &variables)
    };
    write(&scene.outside("ten-lines/Package.swift"), MANIFEST.as_bytes())?;
    scene.write_ten_lines("swift", "ten-lines/Sources/ten-lines/main.swift")?;
    build("ten-lines", "ten-lines")?;
    let mut steps = scene.ten_lines(&format!("{HOME}/ten-lines/.build/debug/ten-lines"), &[], &variables)?;
    let example = crate::paths::root().join(EXAMPLE);
    std::fs::create_dir_all(scene.outside("examples")).map_err(|e| e.to_string())?;
    Run::new("cp").arg("--recursive").arg(example).arg(scene.outside("examples")).run()?;
    build(EXAMPLE, "gladhand-morning")?;
    let carrier = format!("{HOME}/sandbox/bin/gladhand-sandbox");
    steps += scene.morning(&[&carrier], &format!("{HOME}/{EXAMPLE}/.build/debug/gladhand-morning"), &[])?;
    Ok(steps)
}
