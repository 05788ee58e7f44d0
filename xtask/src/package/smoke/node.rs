//! The tarballs, installed by npm.

use std::path::{Path, PathBuf};

use super::scene::{HOME, Scene};
use crate::package::{Release, files, write};
use crate::paths;
use crate::shell::{Result, Run};

/// A node and an npm of their own, below the cache: those that the lock file names.
pub(super) fn runtime(cache: &Path) -> Result<PathBuf> {
    let place = cache.join("smoke-node");
    crate::npm::locked(&paths::root().join("xtask/packaging/node"), &place)?;
    Ok(place.join("node_modules"))
}

/// `runtime` is one to bring along; without it, the root file system has its own.
pub(super) fn play(release: &Release, root: &Path, runtime: Option<&Path>) -> Result<u64> {
    let scene = Scene::new(release, root)?;
    let (node, mut npm) = if let Some(runtime) = runtime {
        Run::new("cp")
            .args(["--recursive", "--no-target-directory"])
            .arg(runtime)
            .arg(scene.outside("runtime"))
            .run()?;
        let bin = std::fs::read_dir(scene.outside("runtime")).map_err(|e| e.to_string())?;
        let bin = bin.filter_map(std::result::Result::ok).map(|entry| entry.file_name().to_string_lossy().into_owned());
        let bin = bin.into_iter().find(|name| name.starts_with("node-")).ok_or("no node was installed")?;
        let node = format!("{HOME}/runtime/{bin}/bin/node");
        (node.clone(), vec![node, format!("{HOME}/runtime/npm/bin/npm-cli.js")])
    } else {
        ("/usr/bin/node".to_owned(), vec!["/usr/bin/npm".to_owned()])
    };
    println!("   node {}", scene.run(&node, &["--version"], &[])?.trim());
    write(&scene.outside("package.json"), b"{ \"private\": true }\n")?;
    let tarballs = files(&scene.outside("packed"))?;
    let tarballs = tarballs.iter().filter(|path| path.extension().is_some_and(|end| end == "tgz"));
    let tarballs = tarballs.filter_map(|path| Some(format!("./packed/{}", path.file_name()?.to_string_lossy())));
    npm.extend(["install", "--offline", "--no-audit", "--no-fund", "--loglevel=error"].map(str::to_owned));
    npm.extend(tarballs);
    let npm: Vec<&str> = npm.iter().map(String::as_str).collect();
    let folder = node.trim_end_matches("/node");
    let path = format!("{folder}:/usr/bin:/bin");
    scene.run(npm[0], &npm[1..], &[("PATH", &path)])?;
    scene.write_ten_lines("js", "ten_lines.mjs")?;
    let mut steps = scene.ten_lines(&node, &["ten_lines.mjs"], &[])?;
    scene.run(&node, &["--eval", "require('gladhand')"], &[])?;
    scene.bring("bindings-node/demo", "demo")?;
    // The carrier as npm's `bin` would start it, with this node.
    let carrier = [&node, "node_modules/gladhand-sandbox/program.js"];
    steps += scene.morning(&carrier, &node, &["demo/morning.mjs"])?;
    Ok(steps)
}
