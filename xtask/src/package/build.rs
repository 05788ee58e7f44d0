//! Compiling for a release: on Linux with Zig as compiler and linker of C, which targets an older system than this one, and without
//! a path of this machine in what comes out.

use std::path::{Path, PathBuf};

use super::platform::{GLIBC, Platform};
use crate::paths;
use crate::shell::{Result, Run};

/// What C code is compiled with, for size: without AES-GCM for AVX-512 (0.7 MB), which is faster than that for AVX only where
/// gigabytes are encrypted; without those of zstd's compressors that our one level never takes; and without tables for unwinding,
/// since nothing unwinds through C.
const C_FLAGS: &str = "-DMY_ASSEMBLER_IS_TOO_OLD_FOR_512AVX -DZSTD_EXCLUDE_GREEDY_BLOCK_COMPRESSOR \
                       -DZSTD_EXCLUDE_LAZY_BLOCK_COMPRESSOR -DZSTD_EXCLUDE_LAZY2_BLOCK_COMPRESSOR \
                       -DZSTD_EXCLUDE_BTLAZY2_BLOCK_COMPRESSOR -DZSTD_EXCLUDE_BTOPT_BLOCK_COMPRESSOR \
                       -DZSTD_EXCLUDE_BTULTRA_BLOCK_COMPRESSOR -fno-unwind-tables -fno-asynchronous-unwind-tables";

/// Builds for one platform.
#[derive(Debug)]
pub(super) struct Builder {
    pub(super) platform: Platform,
    tools: PathBuf,
}

impl Builder {
    pub(super) fn new(platform: Platform, tools: PathBuf) -> Self {
        Self { platform, tools }
    }

    /// A program of the pinned tools, with the environment of a release build.
    pub(super) fn tool(&self, name: &str) -> Run {
        self.environment(Run::new(self.tools.join(name)), true)
    }

    /// The variables of a release build. `shared` is a library, not a program.
    fn environment(&self, run: Run, shared: bool) -> Run {
        let variable = self.platform.triple.replace('-', "_");
        let home = cargo_home();
        let (sources, home) = (home.join("registry/src").display().to_string(), home.display().to_string());
        let root = paths::root().display().to_string();
        let mut flags = vec![
            format!("--remap-path-prefix={sources}=registry"),
            format!("--remap-path-prefix={home}=cargo"),
            format!("--remap-path-prefix={root}=gladhand"),
        ];
        if self.platform.musl() && shared {
            // A shared library of musl is loaded by a program that has its libc already.
            flags.push("-Ctarget-feature=-crt-static".to_owned());
        }
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = std::iter::once(self.tools.clone()).chain(std::env::split_paths(&path));
        let path = std::env::join_paths(path).unwrap_or_default();
        run.env("PATH", path)
            .env("CARGO_TARGET_DIR", paths::target())
            .env("CARGO_INCREMENTAL", "0")
            .env(&format!("CARGO_TARGET_{}_RUSTFLAGS", variable.to_ascii_uppercase()), flags.join(" "))
            .env(&format!("CFLAGS_{variable}"), format!("-ffile-prefix-map={sources}=registry {C_FLAGS}"))
            .at(paths::root())
    }

    /// Builds a package and returns the file of that name that cargo wrote.
    pub(super) fn cargo(&self, package: &str, file: &str) -> Result<PathBuf> {
        let triple = self.platform.triple;
        let build = if self.platform.linux() {
            let target = if self.platform.gnu() { format!("{triple}.{GLIBC}") } else { triple.to_owned() };
            Run::new(self.tools.join("cargo-zigbuild")).args(["zigbuild", "--target"]).arg(target)
        } else {
            Run::new("cargo").args(["build", "--target", triple])
        };
        let build = self.environment(build, package != "gladhand-sandbox");
        build.args(["--release", "--locked", "--quiet", "--package", package]).run()?;
        Ok(self.release_folder().join(file))
    }

    /// Where cargo puts what it built.
    pub(super) fn release_folder(&self) -> PathBuf {
        paths::target().join(self.platform.triple).join("release")
    }
}

/// Where cargo keeps the sources of crates.
pub(super) fn cargo_home() -> PathBuf {
    let home = std::env::var_os("HOME").map(|home| Path::new(&home).join(".cargo"));
    std::env::var_os("CARGO_HOME").map(PathBuf::from).or(home).unwrap_or_default()
}
