//! `cargo xtask package`: everything that is published, for one platform: built, checked and put into one folder.
//!
//! The order: [`build`] compiles with the tools of [`tools`]; [`papers`] writes licences and bills of materials of what is
//! [`linked`]; [`python`], [`npm`] and [`swift`] pack; [`checks`] looks at what was packed and [`ledger`] compares its sizes;
//! `SHA256SUMS` closes the folder. [`smoke`] then installs all of it where no Rust is.

mod build;
pub(crate) mod checks;
mod ledger;
mod licences;
mod linked;
mod npm;
mod papers;
mod platform;
mod python;
mod sbom;
mod smoke;
mod swift;
mod tools;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::paths;
use crate::shell::{Result, Run};
use build::Builder;
use platform::Platform;

const USAGE: &str =
    "usage: cargo xtask package [--out DIR] [--target TRIPLE] [--interpreter PYTHON] [--smoke] [--ledger]

  --out          where the artefacts go; target/package/out
  --target       another platform than this one's, by its Rust name
  --interpreter  a wheel for this interpreter alone, such as a free-threaded one, and nothing else
  --smoke        installs what was packed into clean Debian 12 and 13 root file systems, and runs it there (needs root)
  --ledger       writes the sizes to the ledger instead of comparing them with it";

/// What a run was asked for.
#[derive(Debug)]
struct Asked {
    out: PathBuf,
    platform: Platform,
    interpreter: Option<PathBuf>,
    smoke: bool,
    ledger: bool,
}

/// What every part of a release has in common.
#[derive(Debug)]
struct Release {
    version: &'static str,
    /// When its source was committed, in UTC.
    at: String,
    out: PathBuf,
    /// Where things lie that are no artefact.
    work: PathBuf,
}

/// Runs the verb.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let asked = asked(arguments)?;
    let release = Release {
        version: env!("CARGO_PKG_VERSION"),
        at: committed()?,
        out: fresh(&asked.out)?,
        work: fresh(&paths::target().join("package/work"))?,
    };
    let builder = Builder::new(asked.platform, tools::ensure(&paths::cache())?);
    let known = linked::Known::read()?;
    let linked = |package| known.linked(package, asked.platform.triple);
    if let Some(interpreter) = &asked.interpreter {
        let papers = papers::write(&release, &builder, "gladhand-python", &linked("gladhand-python")?)?;
        let wheel = python::wheel(&release, &builder, Some(interpreter), &papers)?;
        checks::run(&release, asked.platform, &[checks::unpacked(&release, &wheel)?])?;
        return sums(&release.out);
    }
    let papers = |package| papers::write(&release, &builder, package, &linked(package)?);
    let (of_python, of_node) = (papers("gladhand-python")?, papers("gladhand-node")?);
    let (of_swift, of_sandbox) = (papers("gladhand-swift")?, papers("gladhand-sandbox")?);
    println!("── the sandbox carrier");
    let program = builder.cargo("gladhand-sandbox", "gladhand-sandbox")?;
    let mut packed = vec![python::sandbox_wheel(&release, &builder, &program, &of_sandbox)?];
    packed.push(npm::sandbox(&release, asked.platform, &program, &of_sandbox)?);
    packed.push(swift::sandbox(&release, asked.platform, &program, &of_sandbox)?);
    println!("── Python");
    packed.push(python::wheel(&release, &builder, None, &of_python)?);
    python::sdist(&release, &builder)?;
    println!("── Node");
    packed.push(npm::package(&release, &builder, &of_node)?);
    println!("── Swift");
    packed.push(swift::package(&release, &builder, &of_swift)?);
    println!("── checks");
    let unpacked = packed.iter().map(|path| checks::unpacked(&release, path)).collect::<Result<Vec<_>>>()?;
    let found = checks::run(&release, asked.platform, &unpacked)?;
    ledger::sizes(asked.platform, &found, asked.ledger)?;
    sums(&release.out)?;
    if asked.smoke {
        smoke::run(&release, asked.platform)?;
    }
    Ok(())
}

fn asked(arguments: &[String]) -> Result<Asked> {
    let mut asked = Asked {
        out: paths::target().join("package/out"),
        platform: Platform::host()?,
        interpreter: None,
        smoke: false,
        ledger: false,
    };
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let mut value = || rest.next().ok_or_else(|| format!("{argument} wants a value\n\n{USAGE}"));
        match argument.as_str() {
            "--out" => asked.out = absolute(value()?)?,
            "--target" => asked.platform = Platform::of(value()?)?,
            "--interpreter" => asked.interpreter = Some(value()?.into()),
            "--smoke" => asked.smoke = true,
            "--ledger" => asked.ledger = true,
            _ => return Err(USAGE.to_owned()),
        }
    }
    Ok(asked)
}

fn absolute(path: &str) -> Result<PathBuf> {
    std::path::absolute(path).map_err(|e| format!("{path}: {e}"))
}

/// When the commit was made that is packed: what is built from the same source has the same dates.
fn committed() -> Result<String> {
    let seconds = match std::env::var("SOURCE_DATE_EPOCH") {
        Ok(text) => text,
        Err(_) => Run::new("git").args(["log", "-1", "--format=%ct"]).at(paths::root()).output()?,
    };
    let at = seconds.trim().parse().ok().and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
    at.map(|at| at.to_string()).ok_or_else(|| format!("{seconds} is no time in seconds"))
}

/// The digests of everything in the folder, as `sha256sum --check` reads them.
fn sums(out: &Path) -> Result<()> {
    let mut text = String::new();
    let mut total = 0;
    for path in files(out)? {
        let content = std::fs::read(&path).map_err(|e| format!("{}: {e}", path.display()))?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        total += 1;
        println!("{:>10} bytes  {name}", content.len());
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}  {name}", hex::encode(Sha256::digest(&content)));
    }
    write(&out.join("SHA256SUMS"), text.as_bytes())?;
    println!("{total} artefacts and SHA256SUMS in {}", out.display());
    Ok(())
}

/// The files of a folder, by name.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let mut files: Vec<PathBuf> = entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
    files.retain(|path| path.is_file());
    files.sort();
    Ok(files)
}

/// An empty folder.
fn fresh(folder: &Path) -> Result<PathBuf> {
    let failed = |e: std::io::Error| format!("{}: {e}", folder.display());
    if folder.exists() {
        std::fs::remove_dir_all(folder).map_err(failed)?;
    }
    std::fs::create_dir_all(folder).map_err(failed)?;
    Ok(folder.to_owned())
}

/// Copies a file, and makes the folder for it.
fn copy(from: &Path, to: &Path) -> Result<()> {
    if let Some(folder) = to.parent() {
        std::fs::create_dir_all(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    }
    std::fs::copy(from, to).map(drop).map_err(|e| format!("{}: {e}", from.display()))
}

fn write(path: &Path, content: &[u8]) -> Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    }
    std::fs::write(path, content).map_err(|e| format!("{}: {e}", path.display()))
}

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))
}

/// Packs a folder with one date and one owner for everything, so that the same content is the same archive.
fn tarball(release: &Release, folder: &Path, name: &str) -> Result<PathBuf> {
    let path = release.out.join(format!("{name}.tar.gz"));
    let parent = folder.parent().ok_or("a folder has a parent")?;
    let inner = folder.file_name().unwrap_or_default();
    Run::new("tar")
        .args(["--create", "--sort=name", "--owner=0", "--group=0", "--numeric-owner", "--mode=u+rwX,go+rX,go-w"])
        .arg(format!("--mtime={}", release.at))
        .args(["--use-compress-program=gzip --best --no-name", "--file"])
        .arg(&path)
        .arg("--directory")
        .arg(parent)
        .arg(inner)
        .run()?;
    Ok(path)
}
