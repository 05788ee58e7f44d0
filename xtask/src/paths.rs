//! Where things lie: the clone, the caches outside it, the build output.

use std::path::PathBuf;

/// The root of the clone that `cargo xtask` was called in. Not of the one that this program was compiled in: clones that
/// share a build output may share the program.
pub(crate) fn root() -> PathBuf {
    let manifest =
        std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
    manifest.parent().map(PathBuf::from).unwrap_or_default()
}

/// Caches that outlive a clone: virtual environments, the Swift root file system, tools. `GLADHAND_CACHE`, or
/// `$XDG_CACHE_HOME/gladhand`, or `~/.cache/gladhand`.
pub(crate) fn cache() -> PathBuf {
    let of = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    of("GLADHAND_CACHE")
        .or_else(|| of("XDG_CACHE_HOME").map(|path| path.join("gladhand")))
        .or_else(|| of("HOME").map(|path| path.join(".cache/gladhand")))
        .unwrap_or_else(|| root().join("target/cache"))
}

/// Cargo's build output: `CARGO_TARGET_DIR`, or `target` in the clone.
pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}
