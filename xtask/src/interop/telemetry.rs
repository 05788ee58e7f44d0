//! Telemetry's schema and bytes by the protobuf implementations of others: buf lints the schema and guards it against the
//! published one, Google's protobuf for Python (upb) and protobufjs read the vectors.

use std::path::{Path, PathBuf};

use super::{installed, once, sources};
use crate::paths;
use crate::shell::{Result, Run, find};

/// The proto files, and the copy that was published last.
const PROTOS: &str = "sdk-core/documents/proto";
const PUBLISHED: &str = "conformance/contract/published/proto";
/// The files, below both.
const FILES: [&str; 3] = ["record.proto", "ingest.proto", "follow.proto"];
const PACKAGE: &str = "gladhand/telemetry/v1";

pub(super) fn run() -> Result<()> {
    let node = find("node").ok_or("Node 20 or newer is not on the PATH")?;
    let (from, to) = (sources("telemetry"), installed("telemetry"));
    let venv = to.join("venv");
    install(&from, &to, &venv)?;
    let root = paths::root();
    let (protos, vectors) = (root.join(PROTOS), root.join("conformance/vectors/telemetry"));
    let buf = || Run::new(to.join("node_modules/.bin/buf")).at(&to);
    buf().arg("lint").arg(&protos).run()?;
    println!("ok    buf lint");
    breaking(&buf, &protos, &root.join(PUBLISHED), &to)?;
    let descriptors = to.join("telemetry.binpb");
    buf().arg("build").arg(&protos).arg("--output").arg(&descriptors).run()?;
    Run::new(venv.join("bin/python")).arg("-B").arg(from.join("check.py")).arg(&descriptors).arg(&vectors).run()?;
    copy(&from.join("check.mjs"), &to.join("check.mjs"))?;
    Run::new(node).arg(to.join("check.mjs")).arg(&protos).arg(&vectors).run()
}

fn install(from: &Path, to: &Path, venv: &Path) -> Result<()> {
    let npm = find("npm").ok_or("npm is not on the PATH")?;
    let python = find("python3").or_else(|| find("python")).ok_or("Python 3.10 or newer is not on the PATH")?;
    let requirements = from.join("requirements.txt");
    once(to, &[from.join("package-lock.json"), requirements.clone()], || {
        for name in ["package.json", "package-lock.json"] {
            copy(&from.join(name), &to.join(name))?;
        }
        Run::new(npm).args(["ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]).at(to).run()?;
        Run::new(&python).args(["-m", "venv", "--clear"]).arg(venv).run()?;
        Run::new(venv.join("bin/python"))
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"])
            .args(["--only-binary", ":all:", "--require-hashes", "--requirement"])
            .arg(&requirements)
            .run()
    })
}

/// Nothing breaks those who hold to the published schema; and the guard does guard.
fn breaking(buf: &impl Fn() -> Run, protos: &Path, published: &Path, to: &Path) -> Result<()> {
    buf().arg("breaking").arg(protos).arg("--against").arg(published).run()?;
    println!("ok    buf breaking, against what was published last");
    let broken = to.join("broken");
    copy_protos(published, &broken)?;
    let file = broken.join(PACKAGE).join("ingest.proto");
    let text = std::fs::read_to_string(&file).map_err(|e| format!("{}: {e}", file.display()))?;
    let changed = text.replace("fixed32 checksum_crc32c = 5;", "uint32 checksum_crc32c = 5;");
    if changed == text {
        return Err("the published schema has no frame checksum to break".to_owned());
    }
    std::fs::write(&file, changed).map_err(|e| format!("{}: {e}", file.display()))?;
    match buf().arg("breaking").arg(&broken).arg("--against").arg(published).output() {
        Err(why) if why.contains("checksum_crc32c") => {
            println!("ok    a field of another type is noticed");
            Ok(())
        }
        _ => Err("buf let a field change its type".to_owned()),
    }
}

/// Takes the schema of today as the published one.
pub(crate) fn publish(root: &Path) -> Result<()> {
    copy_protos(&root.join(PROTOS), &root.join(PUBLISHED))
}

fn copy_protos(from: &Path, to: &Path) -> Result<()> {
    for name in FILES {
        copy(&from.join(PACKAGE).join(name), &to.join(PACKAGE).join(name))?;
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    let folder: PathBuf = to.parent().map(PathBuf::from).unwrap_or_default();
    std::fs::create_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    std::fs::copy(from, to).map(drop).map_err(|e| format!("{}: {e}", from.display()))
}
