//! The platforms that are published, and how each world names them.

use crate::shell::Result;

/// The oldest glibc that a release runs on: RHEL 8, Debian 10, Ubuntu 18.10.
pub(super) const GLIBC: &str = "2.28";

/// One platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Platform {
    /// What Rust calls it.
    pub(super) triple: &'static str,
    /// What the npm package calls it.
    pub(super) npm: &'static str,
    /// What a wheel calls it.
    pub(super) wheel: &'static str,
}

/// Every platform of a release. The npm package names them all as optional dependencies.
pub(super) const ALL: [Platform; 6] = [
    Platform { triple: "x86_64-unknown-linux-gnu", npm: "linux-x64-gnu", wheel: "manylinux_2_28_x86_64" },
    Platform { triple: "aarch64-unknown-linux-gnu", npm: "linux-arm64-gnu", wheel: "manylinux_2_28_aarch64" },
    Platform { triple: "x86_64-unknown-linux-musl", npm: "linux-x64-musl", wheel: "musllinux_1_2_x86_64" },
    Platform { triple: "aarch64-unknown-linux-musl", npm: "linux-arm64-musl", wheel: "musllinux_1_2_aarch64" },
    Platform { triple: "x86_64-apple-darwin", npm: "darwin-x64", wheel: "macosx_11_0_x86_64" },
    Platform { triple: "aarch64-apple-darwin", npm: "darwin-arm64", wheel: "macosx_11_0_arm64" },
];

impl Platform {
    pub(super) fn of(triple: &str) -> Result<Self> {
        let known = ALL.into_iter().find(|platform| platform.triple == triple);
        known.ok_or_else(|| format!("{triple} is none of {}", ALL.map(|platform| platform.triple).join(", ")))
    }

    /// That of this machine; `xtask` is a program of it.
    pub(super) fn host() -> Result<Self> {
        let (arch, rest) = match (std::env::consts::OS, cfg!(target_env = "musl")) {
            ("linux", false) => (std::env::consts::ARCH, "unknown-linux-gnu"),
            ("linux", true) => (std::env::consts::ARCH, "unknown-linux-musl"),
            ("macos", _) => (std::env::consts::ARCH, "apple-darwin"),
            (other, _) => return Err(format!("nothing is published for {other}")),
        };
        Self::of(&format!("{arch}-{rest}"))
    }

    pub(super) fn linux(self) -> bool {
        self.triple.contains("linux")
    }

    pub(super) fn gnu(self) -> bool {
        self.triple.ends_with("linux-gnu")
    }

    pub(super) fn musl(self) -> bool {
        self.triple.ends_with("linux-musl")
    }

    /// The file that cargo writes for a `cdylib`.
    pub(super) fn library(self, name: &str) -> String {
        format!("lib{name}.{}", if self.linux() { "so" } else { "dylib" })
    }

    /// `os`, `cpu` and `libc` of its npm packages.
    pub(super) fn npm_fields(self) -> (&'static str, &'static str, Option<&'static str>) {
        let os = if self.linux() { "linux" } else { "darwin" };
        let cpu = if self.triple.starts_with("x86_64") { "x64" } else { "arm64" };
        let libc = if self.gnu() {
            Some("glibc")
        } else if self.musl() {
            Some("musl")
        } else {
            None
        };
        (os, cpu, libc)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fit_together() {
        for platform in ALL {
            let (os, cpu, _) = platform.npm_fields();
            assert!(platform.npm.starts_with(&format!("{os}-{cpu}")), "{platform:?}");
            assert_eq!(platform.wheel.contains("manylinux"), platform.gnu(), "{platform:?}");
            assert_eq!(platform.wheel.contains("musllinux"), platform.musl(), "{platform:?}");
        }
        assert!(Platform::of("sparc-sun-solaris").is_err());
    }
}
