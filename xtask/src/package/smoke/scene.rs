//! One root file system as a stage: what was packed is put there, the README's lines are run, and the morning is played.

use std::path::{Path, PathBuf};

use crate::demo;
use crate::demo::carrier::Carrier;
use crate::package::{Release, copy, files, fresh, write};
use crate::paths;
use crate::shell::Result;
use crate::swift::Toolchain;

/// Where everything lies, as programs of the root file system see it.
pub(super) const HOME: &str = "/opt/gladhand-smoke";

/// A root file system with what was packed, and nothing else of ours.
#[derive(Debug)]
pub(super) struct Scene {
    place: Toolchain,
    root: PathBuf,
}

impl Scene {
    /// An empty stage with the artefacts below `packed`. There is no Rust.
    pub(super) fn new(release: &Release, root: &Path) -> Result<Self> {
        let scene = Self { place: Toolchain::Rootfs(root.to_owned()), root: root.to_owned() };
        fresh(&scene.outside(""))?;
        for path in files(&release.out)? {
            copy(&path, &scene.outside("packed").join(path.file_name().unwrap_or_default()))?;
        }
        for program in ["cargo", "rustc"] {
            if scene.run("sh", &["-c", &format!("command -v {program}")], &[]).is_ok() {
                return Err(format!("{} has {program}", root.display()));
            }
        }
        Ok(scene)
    }

    /// A file of the stage as this program sees it.
    pub(super) fn outside(&self, path: &str) -> PathBuf {
        self.root.join(HOME.trim_start_matches('/')).join(path)
    }

    /// Files of the clone that a program on the stage needs.
    pub(super) fn bring(&self, from: &str, to: &str) -> Result<()> {
        files(&paths::root().join(from))?
            .iter()
            .try_for_each(|path| copy(path, &self.outside(to).join(path.file_name().unwrap_or_default())))
    }

    /// Runs a program in the stage's folder and returns what it printed.
    pub(super) fn run(&self, program: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Result<String> {
        let output = self.place.command(HOME, program, arguments, variables).output();
        let output = output.map_err(|e| format!("{program}: {e}"))?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        if output.status.success() {
            return Ok(text);
        }
        Err(format!("{program} {arguments:?}: {}\n{text}{}", output.status, String::from_utf8_lossy(&output.stderr)))
    }

    /// Writes the README's lines of a language into a file, runs them, and expects equal histories at the end.
    pub(super) fn ten_lines(&self, program: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Result<u64> {
        let said = self.run(program, arguments, variables)?;
        said.lines().for_each(|line| println!("   {line}"));
        if said.lines().any(|line| line == "0 differences") {
            return Ok(1);
        }
        Err("the README's lines did not end with equal histories".to_owned())
    }

    /// Plays the morning against the packaged carrier; returns how many steps it had.
    pub(super) fn morning(&self, carrier: &[&str], program: &str, arguments: &[&str]) -> Result<u64> {
        let minute = paths::root().join("conformance/vectors/telemetry/highway_minute.jsonl.gz");
        copy(&minute, &self.outside("highway_minute.jsonl.gz"))?;
        let command = self.place.command(HOME, carrier[0], &carrier[1..], &[]);
        let carrier = Carrier::started_by(command, &Path::new(HOME).join("carrier"))?;
        let (config, gateway) = (carrier.config.display().to_string(), carrier.gateway_config.display().to_string());
        let minute = format!("{HOME}/highway_minute.jsonl.gz");
        let variables = [
            ("GLADHAND_CONFIG", config.as_str()),
            ("GLADHAND_SANDBOX_CONTROL", &carrier.control),
            ("GLADHAND_GATEWAY_CONFIG", &gateway),
            ("GLADHAND_HIGHWAY_MINUTE", &minute),
        ];
        let count = demo::play(&mut self.place.command(HOME, program, arguments, &variables))?;
        if count.failed > 0 || count.steps == 0 {
            return Err(format!("the morning had {} steps, {} failed", count.steps, count.failed));
        }
        Ok(count.steps)
    }

    /// The README's lines of a language.
    pub(super) fn write_ten_lines(&self, language: &str, to: &str) -> Result<()> {
        let readme = crate::package::read(&paths::root().join("README.md"))?;
        let block =
            crate::swift::readme::block(&readme, language).ok_or_else(|| format!("README.md has no {language}"))?;
        write(&self.outside(to), block.as_bytes())
    }
}
