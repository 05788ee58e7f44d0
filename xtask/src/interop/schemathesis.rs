//! Schemathesis, in a virtual environment of the cache: the sandbox carrier must answer nothing that the published OpenAPI
//! does not say.

use super::{installed, once, sources};
use crate::languages::cargo_binary;
use crate::paths;
use crate::shell::{Result, Run, find};

pub(super) fn run() -> Result<()> {
    let python = find("python3").or_else(|| find("python")).ok_or("Python 3.11 or newer is not on the PATH")?;
    let (from, to) = (sources("schemathesis"), installed("schemathesis"));
    let (requirements, venv) = (from.join("requirements.txt"), to.join("venv"));
    once(&to, std::slice::from_ref(&requirements), || {
        Run::new(&python).args(["-m", "venv", "--clear"]).arg(&venv).run()?;
        Run::new(venv.join("bin/python"))
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"])
            .args(["--only-binary", ":all:", "--require-hashes", "--requirement"])
            .arg(&requirements)
            .run()
    })?;
    Run::new(venv.join("bin/python"))
        .arg(from.join("check.py"))
        .arg(cargo_binary("gladhand-sandbox")?)
        .arg(paths::root().join("conformance/contract/openapi.json"))
        .run()
}
