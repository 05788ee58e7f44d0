//! The wheels, installed by pip into a virtual environment.

use std::path::Path;

use super::scene::{HOME, Scene};
use crate::package::Release;
use crate::shell::Result;

pub(super) fn play(release: &Release, root: &Path) -> Result<u64> {
    let scene = Scene::new(release, root)?;
    scene.run("python3", &["-m", "venv", "venv"], &[])?;
    let python = format!("{HOME}/venv/bin/python");
    let install =
        ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-index", "--find-links", "packed"];
    // The extra brings the carrier along.
    scene.run(&python, &[&install[..], &["gladhand[sandbox]"]].concat(), &[])?;
    scene.write_ten_lines("python", "ten_lines.py")?;
    let mut steps = scene.ten_lines(&python, &["ten_lines.py"], &[])?;
    scene.bring("bindings-python/demo", "demo")?;
    steps += scene.morning(&[&format!("{HOME}/venv/bin/gladhand-sandbox")], &python, &["demo/morning.py"])?;
    Ok(steps)
}
