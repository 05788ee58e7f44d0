//! `cargo xtask contract`: writes the published contract and everything that is generated from it; with `--check`, names
//! the files that differ from what the Rust types say.
//!
//! * [`schema`], [`openapi`], [`events`], [`catalogue`], [`errors`]: `conformance/contract/`.
//! * [`python`], [`typescript`], [`swift`]: the models and errors of the bindings.
//! * [`lifecycle`]: the state machine in `docs/tender.md`. * [`error_page`]: `docs/errors.md`.
//! * [`operations`]: the table of endpoints (contract 4.0). * [`names`]: how each language spells a name.
//! * [`check`]: what others say of the result: a linter, and a diff with what was published last.

mod catalogue;
pub(crate) mod check;
mod error_page;
mod errors;
mod events;
mod lifecycle;
mod names;
mod openapi;
mod operations;
mod python;
mod schema;
mod swift;
mod typescript;

use std::fs;
use std::path::{Path, PathBuf};

/// What went wrong, in a sentence that says what to do.
pub(crate) type Result<T, E = String> = std::result::Result<T, E>;

/// A generated file: its path below the repository's root, and its text.
pub(crate) type Output = (PathBuf, String);

/// Runs the verb below `root`, the repository's root. `args` is empty, `--check`, or `--publish`.
pub(crate) fn run(root: &Path, args: &[String]) -> Result<()> {
    let check = match args {
        [] => false,
        [flag] if flag == "--check" => true,
        [flag] if flag == "--publish" => return check::publish(root),
        _ => return Err(format!("usage: cargo xtask contract [--check | --publish], not {}", args.join(" "))),
    };
    let mut outputs = render();
    outputs.push(lifecycle::page(root)?);
    let stale: Vec<&Output> =
        outputs.iter().filter(|(path, text)| fs::read_to_string(root.join(path)).ok().as_ref() != Some(text)).collect();
    let orphans = orphans(root, &outputs)?;
    if check {
        let names: Vec<String> =
            stale.iter().map(|(path, _)| path).chain(&orphans).map(|path| path.display().to_string()).collect();
        if names.is_empty() {
            println!("contract: {} generated files are up to date", outputs.len());
            return Ok(());
        }
        return Err(format!("run `cargo xtask contract`: out of date: {}", names.join(", ")));
    }
    for (path, text) in &stale {
        let path = root.join(path);
        let folder = path.parent().unwrap_or(root);
        fs::create_dir_all(folder).map_err(|e| format!("{} cannot be made: {e}", folder.display()))?;
        fs::write(&path, text).map_err(|e| format!("{} cannot be written: {e}", path.display()))?;
    }
    for path in &orphans {
        fs::remove_file(root.join(path)).map_err(|e| format!("{} cannot be removed: {e}", path.display()))?;
    }
    println!("contract: {} files, {} written, {} removed", outputs.len(), stale.len(), orphans.len());
    Ok(())
}

/// Every file that is generated as a whole.
pub(crate) fn render() -> Vec<Output> {
    let mut outputs = schema::files();
    outputs.push(("conformance/contract/errors.json".into(), errors::json()));
    outputs.push(("conformance/contract/models.json".into(), catalogue::json()));
    outputs.push(("conformance/contract/openapi.json".into(), openapi::json()));
    outputs.push(("conformance/contract/asyncapi.json".into(), events::json()));
    outputs.push(("docs/errors.md".into(), error_page::page()));
    outputs.push(("bindings-python/python/gladhand/errors.py".into(), errors::python()));
    outputs.push(("bindings-python/python/gladhand/models.py".into(), python::models()));
    outputs.push(("bindings-node/src/errors.ts".into(), errors::typescript()));
    outputs.push(("bindings-node/src/models.ts".into(), typescript::models()));
    outputs.push(("bindings-swift/Sources/Gladhand/Models.generated.swift".into(), swift::models()));
    outputs
}

/// Schemas of entities that the table no longer has.
fn orphans(root: &Path, outputs: &[Output]) -> Result<Vec<PathBuf>> {
    let folder = PathBuf::from(schema::FOLDER);
    let Ok(entries) = fs::read_dir(root.join(&folder)) else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for entry in entries {
        let path = folder.join(entry.map_err(|e| format!("{} cannot be listed: {e}", folder.display()))?.file_name());
        if !outputs.iter().any(|(known, _)| *known == path) {
            found.push(path);
        }
    }
    Ok(found)
}

/// JSON as it is committed: indented, with a newline at the end.
fn pretty(value: &serde_json::Value) -> String {
    // A `Value` always serialises.
    serde_json::to_string_pretty(value).unwrap_or_default() + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_files_are_what_the_types_say() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a repository");
        run(root, &["--check".to_owned()]).expect("no drift");
    }
}
