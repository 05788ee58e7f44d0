//! The generated Swift sources: written by [`write`], committed, and compared by [`check`].

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Result, cargo_build, codes, target_dir};

/// The generated files and where they are committed, relative to `bindings-swift`.
const BINDINGS: &[(&str, &str)] = &[
    ("GladhandCore.swift", "Sources/GladhandCore/GladhandCore.swift"),
    ("GladhandFFI.h", "Sources/GladhandFFI/GladhandFFI.h"),
];

/// Writes the generated sources into the package.
pub(crate) fn write(workspace: &Path, library: &Path) -> Result<()> {
    for (path, text) in generate(workspace, library)? {
        fs::write(&path, text).map_err(|e| format!("{} cannot be written: {e}", path.display()))?;
    }
    Ok(())
}

/// Compares the committed sources with what the library gives.
pub(crate) fn check(workspace: &Path, library: &Path) -> Result<()> {
    let drifted: Vec<String> = generate(workspace, library)?
        .into_iter()
        .filter(|(path, text)| fs::read_to_string(path).ok().as_ref() != Some(text))
        .map(|(path, _)| path.strip_prefix(workspace).unwrap_or(&path).display().to_string())
        .collect();
    if drifted.is_empty() {
        return Ok(());
    }
    Err(format!("generated Swift sources are out of date: {}", drifted.join(", ")))
}

fn generate(workspace: &Path, library: &Path) -> Result<Vec<(PathBuf, String)>> {
    let package = workspace.join("bindings-swift");
    cargo_build(workspace, "gladhand-uniffi-bindgen", false, &[])?;
    let out = target_dir(workspace, false).join("swift-bindings");
    fs::create_dir_all(&out).map_err(|e| format!("{} cannot be made: {e}", out.display()))?;
    let output = Command::new(target_dir(workspace, false).join("gladhand-uniffi-bindgen"))
        .current_dir(workspace)
        .args(["generate", "--no-format", "--language", "swift", "--out-dir"])
        .arg(&out)
        .arg(library)
        .output()
        .map_err(|e| format!("uniffi-bindgen does not start: {e}"))?;
    if !output.status.success() {
        return Err(format!("uniffi-bindgen failed:\n{}", String::from_utf8_lossy(&output.stderr)));
    }
    let mut files = vec![(package.join("Sources/Gladhand/ErrorCodes.generated.swift"), codes::swift())];
    for (name, path) in BINDINGS {
        let made = out.join(name);
        let text = fs::read_to_string(&made).map_err(|e| format!("{} cannot be read: {e}", made.display()))?;
        files.push((package.join(path), tidy(&text)));
    }
    Ok(files)
}

/// Without spaces at line ends, which the generator leaves and version control complains about.
fn tidy(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    lines.join("\n").trim_end().to_owned() + "\n"
}
