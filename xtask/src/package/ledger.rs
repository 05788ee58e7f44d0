//! The ledger of a release, `xtask/packaging/ledger.json`: what every binary weighs, and which crates are linked. Both are compared
//! when something changes, so that nobody is surprised by a megabyte or a crate.

use std::path::PathBuf;

use serde_json::{Map, Value, json};

use super::checks::Found;
use super::platform::Platform;
use super::{read, write};
use crate::paths;
use crate::shell::Result;

/// How far a size may be off before somebody has to look, in thousandths.
const TOLERANCE: u64 = 30;

fn path() -> PathBuf {
    paths::root().join("xtask/packaging/ledger.json")
}

fn ledger() -> Result<Value> {
    serde_json::from_str(&read(&path())?).map_err(|e| format!("{}: {e}", path().display()))
}

/// Compares the sizes with those of the ledger, or writes them there.
pub(super) fn sizes(platform: Platform, found: &[Found], update: bool) -> Result<()> {
    let mut ledger = ledger()?;
    if update {
        let entries = found.iter().map(|one| (one.name.clone(), json!({ "binary": one.bytes, "packed": one.packed })));
        ledger["sizes"][platform.triple] = entries.collect::<Map<_, _>>().into();
        ledger["crates"] = crates(platform)?;
        let text = serde_json::to_string_pretty(&ledger).map_err(|e| e.to_string())? + "\n";
        return write(&path(), text.as_bytes());
    }
    let Some(known) = ledger["sizes"][platform.triple].as_object() else {
        println!("the ledger knows no sizes for {}", platform.triple);
        return Ok(());
    };
    let mut wrong = Vec::new();
    for one in found {
        for (what, bytes) in [("binary", one.bytes), ("packed", one.packed)] {
            let known = known.get(&one.name).and_then(|entry| entry[what].as_u64()).unwrap_or_default();
            if bytes.abs_diff(known) * 1000 > known * TOLERANCE {
                wrong.push(format!("{} ({what}): {bytes} bytes, {known} in the ledger", one.name));
            }
        }
    }
    if wrong.is_empty() {
        return Ok(());
    }
    Err(format!("sizes changed by more than {TOLERANCE}/1000; `--ledger` accepts them:\n{}", wrong.join("\n")))
}

/// The names of the crates that are linked into each package.
fn crates(platform: Platform) -> Result<Value> {
    let known = super::linked::Known::read()?;
    let mut all = Map::new();
    for package in ["gladhand-python", "gladhand-node", "gladhand-swift", "gladhand-sandbox"] {
        let linked = known.linked(package, platform.triple)?;
        let mut names: Vec<&str> = linked.crates.values().map(|one| one.name.as_str()).collect();
        names.dedup();
        all.insert(package.to_owned(), json!(names));
    }
    Ok(all.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ledger_names_the_crates_that_are_linked() {
        let platform = Platform::of("x86_64-unknown-linux-gnu").unwrap();
        let (linked, ledger) = (crates(platform).unwrap(), ledger().unwrap());
        for (package, names) in linked.as_object().unwrap() {
            let of = |value: &Value| -> std::collections::BTreeSet<String> {
                value.as_array().into_iter().flatten().filter_map(|name| name.as_str().map(str::to_owned)).collect()
            };
            let (now, known) = (of(names), of(&ledger["crates"][package]));
            let (new, gone): (Vec<_>, Vec<_>) = (now.difference(&known).collect(), known.difference(&now).collect());
            assert!(
                new.is_empty() && gone.is_empty(),
                "{package}: linked and not in the ledger: {new:?}; in it and no longer linked: {gone:?}; \
                 `cargo xtask package --ledger` accepts them"
            );
        }
    }
}
