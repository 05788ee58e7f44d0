//! The licences of all that is linked: one text that travels inside each artefact.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::linked::{Crate, Linked};
use crate::paths;
use crate::shell::{Result, Run};

/// The name of the text in every artefact.
pub(super) const FILE: &str = "THIRD-PARTY-LICENSES.txt";

/// What SQLite says of itself, in place of a licence.
const SQLITE: &str = "The author disclaims copyright to this source code. In place of a legal notice, here is a blessing:\n\n   \
     May you do good and not evil.\n   May you find forgiveness for yourself and forgive others.\n   \
     May you share freely, never taking more than you give.\n";

/// Folders of a source that are not linked.
const NOT_LINKED: [&str; 4] = ["tests", "test", "doc", "contrib"];

/// Every licence text that is asked for, with the crates that ask for it.
pub(super) fn text(linked: &Linked) -> Result<String> {
    let mut by_text: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut summary = String::new();
    let mut add = |of: &str, text: String| by_text.entry(text).or_default().push(of.to_owned());
    for known in linked.crates.values().filter(|known| known.checksum.is_some()) {
        let name = format!("{} {}", known.name, known.version);
        let from = known.repository.as_deref().unwrap_or("crates.io");
        // Writing to a string cannot fail.
        let _ = writeln!(summary, "  {name}: {} ({from})", known.license);
        for text in texts(known)? {
            add(&name, text);
        }
    }
    for bundled in &linked.bundled {
        let name = format!("{} {}, the C code in {}", bundled.name, bundled.version, bundled.of.0);
        let _ = writeln!(summary, "  {name}: {}", bundled.license);
        if bundled.name == "sqlite" {
            add(&name, SQLITE.to_owned());
        }
    }
    for (name, license, texts) in toolchain()? {
        let _ = writeln!(summary, "  {name}: {license}");
        for text in texts {
            add(&name, text);
        }
    }
    let mut out = format!(
        "Gladhand is licensed under Apache-2.0. It has the following linked into it; the licences of each follow below.\n\
         The source of each crate, as it was linked, is on crates.io, by its name and version.\n\n{summary}"
    );
    let mut texts: Vec<(String, Vec<String>)> = by_text.into_iter().collect();
    // The crates in order, whatever the texts are.
    texts.sort_by(|(_, one), (_, other)| one.cmp(other));
    for (text, names) in texts {
        let _ = write!(out, "\n{}\n{}\n\n{}\n", "=".repeat(80), names.join(", "), text.trim_end());
    }
    Ok(out)
}

/// The licence texts of a crate: its own files, or the text of its licence where the crate has none.
fn texts(known: &Crate) -> Result<Vec<String>> {
    let mut files = Vec::new();
    collect(&known.folder, if known.name.ends_with("-sys") { 3 } else { 0 }, &mut files)?;
    files.sort();
    if !files.is_empty() {
        return files.iter().map(|path| read(path)).collect();
    }
    let by = if known.authors.is_empty() { format!("the authors of {}", known.name) } else { known.authors.join(", ") };
    let choice = ["MIT", "MPL-2.0"].into_iter().find(|name| known.license.split(' ').any(|word| word == *name));
    let Some(name) = choice else {
        return Err(format!("{} {} ({}) brings no licence text", known.name, known.version, known.license));
    };
    let text = read(&paths::root().join(format!("xtask/packaging/{name}.txt")))?;
    Ok(vec![format!("Copyright (c) {by}\n\n{text}")])
}

/// The licence files of a folder, and of those below it down to a depth.
fn collect(folder: &Path, depth: usize, out: &mut Vec<PathBuf>) -> Result<()> {
    let entries = std::fs::read_dir(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    for entry in entries.filter_map(std::result::Result::ok) {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().to_ascii_lowercase();
        if path.is_dir() {
            if depth > 0 && !NOT_LINKED.contains(&name.as_str()) {
                collect(&path, depth - 1, out)?;
            }
        } else if is_licence(&name) {
            out.push(path);
        }
    }
    Ok(())
}

fn is_licence(name: &str) -> bool {
    let source = Path::new(name).extension().is_some_and(|end| end == "rs" || end == "json" || end == "html");
    !source
        && ["license", "licence", "copying", "copyright", "unlicense", "notice"]
            .iter()
            .any(|word| name.starts_with(word))
}

/// What the compiler links of its own.
fn toolchain() -> Result<Vec<(String, &'static str, Vec<String>)>> {
    let sysroot = Run::new("rustc").args(["--print", "sysroot"]).at(paths::root()).output()?;
    let version = Run::new("rustc").arg("--version").at(paths::root()).output()?;
    let version = version.split(' ').nth(1).unwrap_or_default();
    let folder = Path::new(sysroot.trim()).join("share/doc/rust/licenses");
    let texts =
        |names: &[&str]| names.iter().map(|name| read(&folder.join(format!("{name}.txt")))).collect::<Result<_>>();
    Ok(vec![
        (format!("Rust standard library {version}"), "MIT OR Apache-2.0", texts(&["MIT", "Apache-2.0"])?),
        (
            "compiler-rt and libunwind of LLVM".to_owned(),
            "Apache-2.0 WITH LLVM-exception",
            texts(&["Apache-2.0", "LLVM-exception"])?,
        ),
    ])
}

fn read(path: &Path) -> Result<String> {
    let bytes = std::fs::read(path).map_err(|e| format!("{}: {e}", path.display()))?;
    Ok(String::from_utf8_lossy(&bytes).replace("\r\n", "\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn licence_files_are_known_by_name() {
        for name in ["license", "license-mit", "copying", "licence.txt", "unlicense", "notice", "copyright"] {
            assert!(is_licence(name), "{name}");
        }
        for name in ["license.rs", "readme.md", "licenses.json", "src"] {
            assert!(!is_licence(name), "{name}");
        }
    }
}
