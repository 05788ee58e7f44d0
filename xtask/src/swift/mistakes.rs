//! The mistakes that the compiler must refuse: `Tests/Mistakes`, each with the error that it must give beside it
//! (`// expected-error {{…}}`). The compiler itself compares them: a mistake that it takes fails, and so does any other error.

use super::{Counts, Result, Stage};

const FOLDER: &str = "Tests/Mistakes";

/// Compiles them against the package's module; each file is a test.
pub(crate) fn test(stage: &Stage) -> Result<Counts> {
    let folder = stage.outside(&format!("bindings-swift/{FOLDER}"));
    let entries = std::fs::read_dir(&folder).map_err(|e| format!("{} cannot be read: {e}", folder.display()))?;
    let mut names: Vec<String> =
        entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    let paths: Vec<String> = names.iter().map(|name| format!("{FOLDER}/{name}")).collect();
    let target = stage.target()?;
    let mut arguments =
        vec!["-frontend", "-typecheck", "-verify", "-verify-ignore-unknown", "-swift-version", "6", "-target", &target];
    arguments.extend(["-module-name", "Mistakes"]);
    arguments.extend(super::MODULES);
    arguments.extend(paths.iter().map(String::as_str));
    let output = stage
        .command(&stage.package(), "swiftc", &arguments)
        .output()
        .map_err(|e| format!("swiftc does not start: {e}"))?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let failed = paths.iter().filter(|path| said.contains(path.as_str())).count();
    if !output.status.success() {
        eprint!("{said}");
        if failed == 0 {
            return Err(format!("swiftc ended with {} on {FOLDER}", output.status));
        }
    }
    println!("mistakes: {} files, {failed} in which the compiler says something else", paths.len());
    Ok(Counts { passed: paths.len() - failed, failed })
}
