//! What the packages weigh and what loading them costs, beside other native packages. Ours are those that `cargo xtask package`
//! packed.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::folder;
use crate::package::checks::{files_below, glibc};
use crate::paths;
use crate::shell::{Result, Run, find};

/// Fresh processes for each figure.
const ROUNDS: &str = "41";

/// Python packages: name on the index, and the module that is imported.
const PYTHON: [(&str, &str); 4] =
    [("gladhand", "gladhand"), ("temporalio", "temporalio.client"), ("obstore", "obstore"), ("valkey-glide", "glide")];
const NODE: [&str; 2] = ["gladhand", "@temporalio/core-bridge"];

/// The longest that ours may take to load, in milliseconds.
const PROMISED: [(&str, f64); 2] = [("gladhand (Python)", 40.0), ("gladhand (Node)", 15.0)];

/// One row of the table.
struct Row {
    name: String,
    library: u64,
    packed: u64,
    floor: String,
    /// Loading the package and the library alone, in milliseconds, and what memory it takes, in kilobytes.
    figures: Vec<f64>,
}

impl Row {
    /// What is promised of our own packages and was not kept.
    fn late(&self) -> Option<String> {
        let promised = PROMISED.iter().find(|(name, _)| *name == self.name)?;
        let took = self.figures.first().copied().unwrap_or(f64::NAN);
        (took.is_nan() || took > promised.1)
            .then(|| format!("{} loads in {took:.1} ms, {} are promised", self.name, promised.1))
    }
}

pub(super) fn run() -> Result<()> {
    let out = paths::target().join("package/out");
    if !out.join("SHA256SUMS").exists() {
        return Err("run `cargo xtask package` first: its artefacts are measured".to_owned());
    }
    let mut rows = python(&out)?;
    rows.extend(node(&out)?);
    print!("{}", table(&rows));
    let late: Vec<String> = rows.iter().filter_map(Row::late).collect();
    if late.is_empty() { Ok(()) } else { Err(format!("not kept: {}", late.join("; "))) }
}

/// The Python packages, each in a folder of its own, all with one interpreter.
fn python(out: &Path) -> Result<Vec<Row>> {
    let place = super::package_venv()?;
    let (interpreter, wheels) = (place.join("bin/python"), place.join("wheels"));
    let pip = || Run::new(&interpreter).args(["-m", "pip", "--quiet", "--disable-pip-version-check"]);
    let requirements = folder().join("packages/requirements.txt");
    if !wheels.exists() {
        let download = ["download", "--require-hashes", "--only-binary", ":all:", "--dest"];
        pip().args(download).arg(&wheels).arg("--requirement").arg(&requirements).run()?;
    }
    let install = ["install", "--no-index", "--no-deps", "--find-links"];
    pip().args(install).arg(&wheels).arg("--requirement").arg(&requirements).run()?;
    let ours = wheel(out, "gladhand-").ok_or("no wheel was packed")?;
    pip().args(["install", "--no-index", "--no-deps", "--force-reinstall"]).arg(&ours).run()?;
    let site =
        Run::new(&interpreter).args(["-c", "import sysconfig; print(sysconfig.get_path('platlib'))"]).output()?;
    let mut rows = Vec::new();
    for (name, module) in PYTHON {
        let top = module.split('.').next().unwrap_or(module);
        let libraries = native(&Path::new(site.trim()).join(top), "so")?;
        let packed = if name == "gladhand" {
            Some(ours.clone())
        } else {
            wheel(&wheels, &format!("{}-", name.replace('-', "_")))
        };
        let largest = libraries.last().ok_or_else(|| format!("{name} has no library"))?;
        let script = folder().join("packages/measure.py");
        let measured = Run::new(&interpreter).arg(script).arg(module).arg(largest.1.as_path()).arg(ROUNDS).output()?;
        let shown = format!("{name} (Python)");
        rows.push(row(shown, &libraries, packed.as_deref(), &measured)?);
    }
    Ok(rows)
}

/// The npm packages.
fn node(out: &Path) -> Result<Vec<Row>> {
    let place = paths::cache().join("bench-packages-node");
    crate::npm::locked(&folder().join("packages"), &place)?;
    let npm = || Ok::<_, String>(Run::new(find("npm").ok_or("npm is not on the PATH")?).at(&place));
    let of = |start: &str| tarball(out, start).ok_or_else(|| format!("no {start} was packed"));
    let (root, addon) = (of("gladhand-0")?, of("gladhand-native-")?);
    let install = ["install", "--offline", "--no-save", "--no-audit", "--no-fund", "--silent"];
    npm()?.args(install).args([&root, &addon]).run()?;
    let peer = npm()?
        .args(["pack", "--silent", "--pack-destination", ".", "./node_modules/@temporalio/core-bridge"])
        .output()?;
    let mut rows = Vec::new();
    for name in NODE {
        let (below, packed) = if name == "gladhand" {
            (place.join("node_modules/@gladhand"), addon.clone())
        } else {
            (place.join("node_modules").join(name), place.join(peer.trim()))
        };
        let mut libraries = native(&below, "node")?;
        // The peer's tarball has one for each platform; this machine loads one.
        let here = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
        if libraries.len() > 1 {
            libraries.retain(|(_, path)| path.to_string_lossy().contains(&here));
        }
        let largest = libraries.last().ok_or_else(|| format!("{name} has no addon for this machine"))?;
        let script = folder().join("packages/measure.mjs");
        let measured =
            Run::new("node").arg(&script).arg(name).arg(largest.1.as_path()).arg(ROUNDS).at(&place).output()?;
        rows.push(row(format!("{name} (Node)"), &libraries, Some(&packed), &measured)?);
    }
    Ok(rows)
}

fn row(name: String, libraries: &[(u64, PathBuf)], packed: Option<&Path>, measured: &str) -> Result<Row> {
    let figures: Vec<f64> = measured.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    if figures.len() != 3 {
        return Err(format!("{name}: three figures were expected: {measured}"));
    }
    let packed = packed.and_then(|path| std::fs::metadata(path).ok()).map_or(0, |data| data.len());
    let floors = libraries.iter().map(|(_, path)| glibc(path)).collect::<Result<Vec<_>>>()?;
    let floor = floors.into_iter().flatten().max().map(|(major, minor)| format!("{major}.{minor}")).unwrap_or_default();
    Ok(Row { name, library: libraries.iter().map(|(size, _)| size).sum(), packed, floor, figures })
}

/// The native libraries below a folder, by size.
fn native(folder: &Path, extension: &str) -> Result<Vec<(u64, PathBuf)>> {
    let mut found = files_below(folder)?;
    found.retain(|(_, path)| path.extension().is_some_and(|end| end == extension));
    found.sort();
    Ok(found)
}

fn wheel(folder: &Path, start: &str) -> Option<PathBuf> {
    named(folder, start, ".whl")
}

fn tarball(folder: &Path, start: &str) -> Option<PathBuf> {
    named(folder, start, ".tgz")
}

fn named(folder: &Path, start: &str, end: &str) -> Option<PathBuf> {
    let entries = std::fs::read_dir(folder).ok()?;
    entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).find(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        name.starts_with(start) && name.ends_with(end)
    })
}

fn table(rows: &[Row]) -> String {
    let mut out = String::from(
        "\n| package | library, MB | packed, MB | glibc | import or require, ms | library alone, ms | memory, MB |\n\
         |---|---:|---:|---:|---:|---:|---:|\n",
    );
    let mega = |bytes: u64| bytes as f64 / 1e6;
    for row in rows {
        let [whole, alone, memory] = row.figures[..] else { continue };
        // Writing to a string cannot fail.
        let _ = writeln!(
            out,
            "| {} | {:.1} | {:.1} | {} | {whole:.1} | {alone:.1} | {:.1} |",
            row.name,
            mega(row.library),
            mega(row.packed),
            row.floor,
            memory / 1024.0
        );
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_has_its_figures() {
        let row = row("x".to_owned(), &[], None, "20.5 1.25 2048\n").unwrap();
        assert!(table(&[row]).ends_with("| x | 0.0 | 0.0 |  | 20.5 | 1.2 | 2.0 |\n"));
        let slow = super::row("gladhand (Node)".to_owned(), &[], None, "15.1 1 1").unwrap();
        assert_eq!(slow.late().as_deref(), Some("gladhand (Node) loads in 15.1 ms, 15 are promised"));
        assert!(super::row("x".to_owned(), &[], None, "no numbers").is_err());
    }
}
