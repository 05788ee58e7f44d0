//! The npm package: its pinned tools, the tarball, and the tests and the demo against the installed tarball.
//!
//! The package is put together in the build output, packed, and installed from the tarball into a folder of its own; the
//! tests and the demo are copied beside it. What was not packed is missing there too.

mod example;
mod later;

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::languages::Testing;
use crate::paths;
use crate::shell::{Result, Run, find};

/// What the package is tested with: web frameworks, and tracing. No dependency of it, so they are put beside the installed one.
const BESIDE: [&str; 3] = ["@opentelemetry", "express", "fastify"];

/// The tests that run a second time with the newest Node: what hangs on the host more than on the carrier. The variable
/// `GLADHAND_NODE_NEWEST=all` makes it all of them, `none` none.
const WITH_NEWEST: [&str; 5] = ["bridge", "module", "process", "suite", "waiting"];

/// The installed package.
#[derive(Debug)]
pub(crate) struct Node {
    site: PathBuf,
    tarball: PathBuf,
}

fn package() -> PathBuf {
    paths::root().join("bindings-node")
}

/// Builds, packs and installs the package. `testing` makes the one that only tests need; it is never published.
pub(crate) fn prepare(testing: bool) -> Result<Node> {
    install()?;
    Node::install(&pack(&build(false, testing)?, &fresh(&paths::target().join("node/tarball"))?)?)
}

/// Installs the pinned tools, unless those of today are there.
pub(crate) fn install() -> Result<()> {
    install_in(&package(), &package())
}

/// Installs in one folder what the lock file of another says, unless it is there.
fn install_in(place: &Path, manifest: &Path) -> Result<()> {
    let stamp = place.join("node_modules/gladhand-lock.json");
    let wanted = read(&manifest.join("package-lock.json"))?;
    if read(&stamp).ok().as_deref() == Some(wanted.as_str()) {
        return Ok(());
    }
    if place != manifest {
        std::fs::create_dir_all(place).map_err(|e| format!("{}: {e}", place.display()))?;
        for name in ["package.json", "package-lock.json"] {
            copy(&manifest.join(name), &place.join(name))?;
        }
    }
    npm()?.args(["ci", "--no-audit", "--no-fund", "--loglevel=error"]).at(place).run()?;
    write(&stamp, &wanted)
}

/// Builds the addon and the TypeScript, and puts the package together; returns its folder.
pub(crate) fn build(release: bool, testing: bool) -> Result<PathBuf> {
    let mut cargo = Run::new("cargo").args(["build", "--locked", "--quiet", "--package", "gladhand-node"]);
    if release {
        cargo = cargo.arg("--release");
    }
    if testing {
        cargo = cargo.args(["--features", "testing"]);
    }
    cargo.env("CARGO_TARGET_DIR", paths::target()).at(paths::root()).run()?;

    let folder = fresh(&paths::target().join("node/package"))?;
    put_together(&folder)?;
    let profile = if release { "release" } else { "debug" };
    let library = format!("{}gladhand_node{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    copy(&paths::target().join(profile).join(library), &folder.join(format!("gladhand.{}.node", platform()?)))?;
    Ok(folder)
}

/// Puts the package together in a folder, all but the addon.
pub(crate) fn put_together(folder: &Path) -> Result<()> {
    tool("tsc").args(["--project", "tsconfig.json", "--outDir"]).arg(folder.join("dist")).run()?;
    later::models(&folder.join("dist"))?;
    copy(&package().join("package.json"), &folder.join("package.json"))?;
    copy(&package().join("README.md"), &folder.join("README.md"))?;
    copy(&paths::root().join("LICENSE"), &folder.join("LICENSE"))
}

/// Packs the folder of a package; returns the tarball.
pub(crate) fn pack(folder: &Path, out: &Path) -> Result<PathBuf> {
    let name = npm()?.args(["pack", "--silent", "--pack-destination"]).arg(out).at(folder).output()?;
    let path = out.join(name.trim());
    if path.is_file() { Ok(path) } else { Err(format!("npm packed {}, which is not there", path.display())) }
}

/// Formatting and strict types of the package, its tests and its demo; formatting of the example.
pub(crate) fn lint() -> Result<()> {
    install()?;
    tool("tsc").args(["--project", "tsconfig.json", "--noEmit"]).run()?;
    tool("tsc").args(["--project", "test/tsconfig.json"]).run()?;
    tool("prettier").args(["--check", "--log-level", "warn", "."]).run()?;
    let check = tool("prettier").args(["--check", "--log-level", "warn", "src", "test", "--config"]);
    check.arg(package().join(".prettierrc.json")).at(paths::root().join("examples/fastify-tms")).run()
}

/// What the built package offers, as the compiler reads its declarations.
pub(crate) fn manifest() -> Result<String> {
    install()?;
    let built = paths::target().join("node/package");
    Run::new("node").arg("tools/manifest.mjs").arg(built).at(package()).output()
}

impl Node {
    /// Installs a tarball into a fresh folder, with the tests and the demo beside it.
    pub(crate) fn install(tarball: &Path) -> Result<Self> {
        let site = fresh(&paths::target().join("node/site"))?;
        write(&site.join("package.json"), "{ \"private\": true }\n")?;
        npm()?
            .args(["install", "--offline", "--no-audit", "--no-fund", "--no-package-lock", "--loglevel=error"])
            .arg(tarball)
            .at(&site)
            .run()?;
        for name in BESIDE {
            let link = site.join("node_modules").join(name);
            std::os::unix::fs::symlink(package().join("node_modules").join(name), &link)
                .map_err(|e| format!("{}: {e}", link.display()))?;
        }
        Ok(Self { site, tarball: tarball.to_owned() })
    }

    /// Node with a program of the package, such as `demo/morning.mjs`, beside the installed package.
    pub(crate) fn command(&self, program: &str) -> Result<Command> {
        self.bring("demo")?;
        let mut command = Command::new("node");
        command.arg(self.site.join(program)).current_dir(&self.site);
        Ok(command)
    }

    /// Runs the tests against the installed package, some of them a second time with the newest Node; returns whether they passed,
    /// and what node said.
    pub(crate) fn test(&self, testing: &Testing<'_>) -> Result<(bool, String)> {
        let mut files = self.bring("test")?;
        files.retain(|path| path.to_string_lossy().ends_with(".test.mjs"));
        let (mut passed, mut said) = self.run_tests(Path::new("node"), &files, testing)?;
        match std::env::var("GLADHAND_NODE_NEWEST").as_deref() {
            Ok("all") => {}
            Ok("none") => files.clear(),
            _ => files.retain(|path| {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                WITH_NEWEST.iter().any(|start| name.starts_with(start))
            }),
        }
        if let Some(newest) = newest()?.filter(|_| !files.is_empty()) {
            println!("\n── the newest node: {} ─", Run::new(&newest).arg("--version").output()?.trim());
            let (second, more) = self.run_tests(&newest, &files, testing)?;
            passed &= second;
            said.push_str(&more);
        }
        let (example, more) = example::test(&self.site.join("node_modules/gladhand"), testing)?;
        said.push_str(&more);
        Ok((passed && example, said))
    }

    fn run_tests(&self, node: &Path, files: &[PathBuf], testing: &Testing<'_>) -> Result<(bool, String)> {
        // The limit is for a whole file as well: an endurance run takes as many times as long.
        let longer = |name| std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(1_u64);
        let rounds = longer("GLADHAND_SIGKILL_ROUNDS").max(longer("GLADHAND_LEAK_ROUNDS")).max(1);
        let limit = format!("--test-timeout={}", 300_000 * rounds);
        let mut run = Run::new(node).args(["--test", "--test-concurrency=2", &limit, "--test-reporter=spec"]);
        if let Some(filter) = testing.filter {
            run = run.arg(format!("--test-name-pattern={filter}"));
        }
        run.args(files)
            .env("GLADHAND_SANDBOX", testing.sandbox)
            .env("GLADHAND_CANARIES", testing.canaries)
            .env("GLADHAND_VECTORS", paths::root().join("conformance/vectors"))
            .env("GLADHAND_README", paths::root().join("README.md"))
            .env("GLADHAND_TOOLS", package().join("node_modules"))
            .env("GLADHAND_TYPES", package().join("types"))
            .env("GLADHAND_TARBALL", &self.tarball)
            .at(&self.site)
            .tee()
    }

    /// Copies a flat folder of the package beside the installed one; returns the files.
    fn bring(&self, name: &str) -> Result<Vec<PathBuf>> {
        bring(&package().join(name), &fresh(&self.site.join(name))?)
    }
}

/// Copies the files of a flat folder; returns them.
fn bring(from: &Path, to: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(from).map_err(|e| format!("{}: {e}", from.display()))?;
    let mut files = Vec::new();
    for entry in entries.filter_map(std::result::Result::ok).filter(|entry| entry.path().is_file()) {
        let path = to.join(entry.file_name());
        copy(&entry.path(), &path)?;
        files.push(path);
    }
    files.sort();
    Ok(files)
}

/// The newest Node, in the cache, as its lock file says; none where npm has none for this platform.
fn newest() -> Result<Option<PathBuf>> {
    let place = paths::cache().join("node-newest");
    install_in(&place, &package().join("newest"))?;
    let node = place.join("node_modules/.bin/node");
    Ok(node.exists().then_some(node))
}

/// The platform as `src/native.ts` names it.
fn platform() -> Result<String> {
    let arch = match std::env::consts::ARCH {
        "x86_64" => "x64",
        "aarch64" => "arm64",
        other => return Err(format!("the npm package knows no name for the architecture {other}")),
    };
    Ok(match std::env::consts::OS {
        "linux" if cfg!(target_env = "musl") => format!("linux-{arch}-musl"),
        "linux" => format!("linux-{arch}-gnu"),
        "macos" => format!("darwin-{arch}"),
        "windows" => format!("win32-{arch}"),
        other => return Err(format!("the npm package knows no name for the system {other}")),
    })
}

fn npm() -> Result<Run> {
    Ok(Run::new(find("npm").ok_or("Node 20 or newer, with npm, is not on the PATH")?))
}

/// One of the pinned tools.
fn tool(name: &str) -> Run {
    Run::new(package().join("node_modules/.bin").join(name)).at(package())
}

fn fresh(folder: &Path) -> Result<PathBuf> {
    let failed = |e: std::io::Error| format!("{}: {e}", folder.display());
    if folder.exists() {
        std::fs::remove_dir_all(folder).map_err(failed)?;
    }
    std::fs::create_dir_all(folder).map_err(failed)?;
    Ok(folder.to_owned())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    std::fs::copy(from, to).map(drop).map_err(|e| format!("{}: {e}", from.display()))
}

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))
}

fn write(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text).map_err(|e| format!("{}: {e}", path.display()))
}
