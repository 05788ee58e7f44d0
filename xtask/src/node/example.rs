//! The example `examples/fastify-tms`, as a user has it: compiled and tested beside the installed package.

use std::path::Path;

use super::{bring, copy, fresh, install_in};
use crate::languages::Testing;
use crate::paths;
use crate::shell::{Result, Run};

/// What its tests are called; a filter without it leaves them out.
const NAME: &str = "TMS";

/// Puts the example together, compiles it and runs its tests; whether they passed, and what they said.
pub(super) fn test(installed: &Path, testing: &Testing<'_>) -> Result<(bool, String)> {
    if testing.filter.is_some_and(|filter| !filter.contains(NAME)) {
        return Ok((true, String::new()));
    }
    println!("\n── examples/fastify-tms ─");
    let source = paths::root().join("examples/fastify-tms");
    let place = paths::target().join("node/fastify-tms");
    install_in(&place, &source)?;
    for name in ["src", "test"] {
        bring(&source.join(name), &fresh(&place.join(name))?)?;
    }
    for name in ["package.json", "tsconfig.json", "schema.sql", "README.md"] {
        copy(&source.join(name), &place.join(name))?;
    }
    let link = place.join("node_modules/gladhand");
    let _ = std::fs::remove_file(&link);
    std::os::unix::fs::symlink(installed, &link).map_err(|e| format!("{}: {e}", link.display()))?;
    Run::new(place.join("node_modules/.bin/tsc")).at(&place).run()?;
    Run::new("node")
        .args(["--test", "--test-timeout=120000", "--test-reporter=spec", "dist/test/tms.test.js"])
        .env("GLADHAND_SANDBOX", testing.sandbox)
        .env("GLADHAND_CANARIES", testing.canaries)
        .at(&place)
        .tee()
}
