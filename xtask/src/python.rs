//! The Python package: its tools in a virtual environment of the cache, the wheel, the tests against the installed wheel.
//!
//! The wheel is installed into a folder of the build output, never from the source folder: what was not packed is missing
//! there too.

use std::path::{Path, PathBuf};

use crate::languages::Testing;
use crate::shell::{Result, Run, find};
use crate::{npm, paths};

/// The virtual environment with the pinned tools, and where the wheel is installed.
#[derive(Debug)]
pub(crate) struct Python {
    venv: PathBuf,
    site: PathBuf,
    pyright: PathBuf,
}

/// A TMS to start from; its tests need PostgreSQL.
const EXAMPLE: &str = "examples/fastapi-tms";

fn package() -> PathBuf {
    paths::root().join("bindings-python")
}

/// Makes the virtual environment, unless there is one with the pinned tools of today.
pub(crate) fn ensure_venv(cache: &Path) -> Result<Python> {
    let requirements = package().join("requirements-dev.txt");
    let wanted = read(&requirements)?;
    let host = find("python3").or_else(|| find("python")).ok_or("Python 3.10 or newer is not on the PATH")?;
    let version = Run::new(&host).args(["-c", "import sys; print('%d.%d' % sys.version_info[:2])"]).output()?;
    let version = version.trim();
    let minor = version.strip_prefix("3.").and_then(|minor| minor.parse::<u32>().ok());
    if minor.is_none_or(|minor| minor < 10) {
        return Err(format!("Python 3.10 or newer is needed; {} is {version}", host.display()));
    }
    let venv = cache.join(format!("python-{version}"));
    let stamp = venv.join("gladhand-requirements.txt");
    if read(&stamp).ok().as_deref() != Some(wanted.as_str()) {
        Run::new(&host).args(["-m", "venv", "--clear"]).arg(&venv).run()?;
        Run::new(venv.join("bin/python"))
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"])
            .arg(&requirements)
            .run()?;
        std::fs::write(&stamp, wanted).map_err(|e| format!("{}: {e}", stamp.display()))?;
    }
    let pyright = npm::locked(&package().join("tools/pyright"), &cache.join("pyright"))?.join("pyright");
    Ok(Python { venv, site: paths::target().join("python/site"), pyright })
}

impl Python {
    /// A program of the virtual environment.
    fn tool(&self, name: &str) -> Run {
        Run::new(self.venv.join("bin").join(name)).at(package())
    }

    /// The interpreter, with the installed wheel on its path and nothing of the clone.
    pub(crate) fn interpreter(&self) -> (PathBuf, [(&'static str, PathBuf); 2]) {
        (self.venv.join("bin/python"), [("PYTHONPATH", self.site.clone()), ("PYTHONUNBUFFERED", "1".into())])
    }

    /// Builds the wheel and returns its path. `testing` makes the one that only tests need; it is never published.
    pub(crate) fn build_wheel(&self, release: bool, testing: bool) -> Result<PathBuf> {
        let out = paths::target().join("python/wheels");
        if out.exists() {
            std::fs::remove_dir_all(&out).map_err(|e| format!("{}: {e}", out.display()))?;
        }
        let mut build = self.tool("maturin").args(["build", "--locked", "--quiet"]).arg("--out").arg(&out);
        build = build.arg("--interpreter").arg(self.venv.join("bin/python"));
        if release {
            build = build.arg("--release");
        }
        if testing {
            build = build.args(["--features", "testing"]);
        }
        build.env("CARGO_TARGET_DIR", paths::target()).run()?;
        let built = std::fs::read_dir(&out).map_err(|e| format!("{}: {e}", out.display()))?;
        let mut wheels = built.filter_map(|entry| entry.ok().map(|entry| entry.path()));
        wheels.find(|path| path.extension().is_some_and(|e| e == "whl")).ok_or_else(|| "no wheel was built".to_owned())
    }

    /// Installs a wheel into a fresh folder of the build output.
    pub(crate) fn install(&self, wheel: &Path) -> Result<()> {
        if self.site.exists() {
            std::fs::remove_dir_all(&self.site).map_err(|e| format!("{}: {e}", self.site.display()))?;
        }
        self.tool("python")
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-index"])
            .arg("--target")
            .arg(&self.site)
            .arg(wheel)
            .run()
    }

    /// Runs the tests against the installed wheel; returns whether they passed, and what pytest said.
    pub(crate) fn test(&self, testing: &Testing<'_>) -> Result<(bool, String)> {
        match testing.filter {
            None => {
                let (succeeded, mut output) = self.pytest(testing).tee()?;
                let (passed, said) = self.test_example(testing)?;
                output.push_str(&said);
                Ok((succeeded && passed, output))
            }
            Some(filter) if EXAMPLE.ends_with(filter) => self.test_example(testing),
            Some(filter) => self.pytest(testing).args(["-k", filter]).tee(),
        }
    }

    /// Runs the example's tests, where there is the server that they start.
    fn test_example(&self, testing: &Testing<'_>) -> Result<(bool, String)> {
        if has_postgresql() {
            return self.pytest(testing).at(paths::root().join(EXAMPLE)).tee();
        }
        println!("left out: {EXAMPLE}: no initdb on the PATH or in /usr/lib/postgresql");
        Ok((true, String::new()))
    }

    /// pytest, with the installed wheel and what tests are told by variables.
    fn pytest(&self, testing: &Testing<'_>) -> Run {
        // Nothing is captured: what tests print is part of what is looked through for secrets.
        let run = self.tool("python").args(["-m", "pytest", "--verbose", "--capture=no", "-p", "no:cacheprovider"]);
        run.env("PYTHONPATH", &self.site)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("GLADHAND_SANDBOX", testing.sandbox)
            .env("GLADHAND_CANARIES", testing.canaries)
            .env("GLADHAND_VECTORS", paths::root().join("conformance/vectors"))
            .env("GLADHAND_README", paths::root().join("README.md"))
            .env("GLADHAND_PYRIGHT", &self.pyright)
            .env("GLADHAND_MYPY_CACHE", paths::target().join("python/mypy-typed"))
    }

    /// Format, lints and types of the package, its tests, its demo and its example; and that the synchronous half is up to
    /// date.
    pub(crate) fn lint(&self) -> Result<()> {
        self.tool("ruff").args(["format", "--check", "--quiet", "."]).run()?;
        self.tool("ruff").args(["check", "--quiet", "--no-cache", "."]).run()?;
        self.tool("python").args(["tools/make_sync.py", "--check"]).run()?;
        let cache = paths::target().join("python/mypy");
        self.tool("mypy").arg("--cache-dir").arg(cache).run()?;
        Run::new(&self.pyright).arg("--pythonpath").arg(self.venv.join("bin/python")).at(package()).run()?;
        let example = || paths::root().join(EXAMPLE);
        self.tool("ruff").args(["format", "--check", "--quiet", "--no-cache", "."]).at(example()).run()?;
        self.tool("ruff").args(["check", "--quiet", "--no-cache", "."]).at(example()).run()?;
        let mypy = self.tool("mypy").arg("--cache-dir").arg(paths::target().join("python/mypy-example"));
        mypy.env("MYPYPATH", package().join("python")).at(example()).run()
    }
}

/// Whether there is a PostgreSQL server to start. Debian keeps its programs away from the PATH.
fn has_postgresql() -> bool {
    let versions = || std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    find("initdb").is_some() || versions().any(|version| version.path().join("bin/initdb").is_file())
}

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))
}
