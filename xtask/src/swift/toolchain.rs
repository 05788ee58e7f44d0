//! Where `swift` is, and how a command is started there.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A Swift of at least 6.0.
#[derive(Clone, Debug)]
pub(crate) enum Toolchain {
    /// `swift` on the PATH.
    Host,
    /// `swift` in a root file system of its own.
    Rootfs(PathBuf),
}

impl Toolchain {
    /// The `swift` on the PATH, if it is 6.0 or newer.
    pub(crate) fn host() -> Option<Self> {
        let output = Command::new("swift").arg("--version").stderr(Stdio::null()).output().ok()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let version = text.split("Swift version ").nth(1)?;
        let major: u32 = version.split('.').next()?.trim().parse().ok()?;
        (output.status.success() && major >= 6).then_some(Self::Host)
    }

    /// The directory of this machine that is `/` to the toolchain's programs.
    pub(crate) fn root(&self) -> &Path {
        match self {
            Self::Host => Path::new("/"),
            Self::Rootfs(root) => root,
        }
    }

    /// A command that runs where the toolchain is, in a clean environment. `dir` and `program` are paths in there.
    pub(crate) fn command(&self, dir: &str, program: &str, args: &[&str], env: &[(&str, &str)]) -> Command {
        let mut command = match self {
            Self::Host => {
                let mut command = Command::new(program);
                command.current_dir(dir);
                for (name, value) in env {
                    command.env(name, value);
                }
                command
            }
            Self::Rootfs(root) => {
                let mut command = enter(root);
                command.args(["env", "-i", "--chdir", dir, "PATH=/usr/bin:/bin", "HOME=/root", "LANG=C.UTF-8"]);
                command.args(env.iter().map(|(name, value)| format!("{name}={value}")));
                command.arg(program);
                command
            }
        };
        command.args(args);
        command
    }
}

/// A command line that runs its further arguments in a root file system, with `/proc` there and in a mount namespace of
/// its own, so that nothing stays mounted.
pub(crate) fn enter(root: &Path) -> Command {
    let mut command = Command::new("unshare");
    command
        .args(["--mount", "--", "sh", "-c"])
        .arg(r#"mount -t proc proc "$0/proc" && exec chroot "$0" "$@""#)
        .arg(root);
    command
}
