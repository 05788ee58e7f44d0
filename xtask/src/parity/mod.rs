//! The parity gate: Python, Node and Swift offer the same operations, with the same parameters, of which the same may be left out,
//! and say the same of them: each operation is documented in each language, and the docs name the same errors.
//!
//! Each language says itself what it offers, as a manifest of one form:
//! * Python: the installed package is asked (`bindings-python/tools/manifest.py`).
//! * Node: the compiler reads the declarations that users get (`bindings-node/tools/manifest.mjs`).
//! * Swift: [`swift`] reads the sources; there is nothing to ask at run time.
//!
//! A binding has no default of its own: what may be left out has the core's. So "the same defaults" is "the same may be left out".
//! [`customs`] says what a language spells or does differently because that is its custom. [`docs`] reads errors out of docs.
//!
//! Differences of docs that are known stand in `known.txt`, to be mended one by one: what is not in it fails. No other difference may
//! stand there.

mod customs;
mod docs;
mod manifest;
mod swift;

use std::collections::BTreeSet;
use std::path::Path;

use manifest::{Manifest, Operation};

use crate::shell::{Result, Run};
use crate::tally::Tally;
use crate::{node, paths, python};

/// Where the known differences of docs are.
const KNOWN: &str = "xtask/src/parity/known.txt";

/// Runs the verb: `[--manifests FOLDER | --accept]`. The wheel and the npm package are those that `cargo xtask test` built.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let folder = match arguments {
        [] => None,
        [name, folder] if name == "--manifests" => Some(Path::new(folder)),
        [name] if name == "--accept" => return accept(&gather()?),
        _ => {
            return Err(
                "parity takes --manifests FOLDER, to write them there, or --accept, to note what docs lack".to_owned()
            );
        }
    };
    let manifests = gather()?;
    if let Some(folder) = folder {
        for manifest in &manifests {
            let path = folder.join(format!("{}.json", manifest.language));
            std::fs::create_dir_all(folder)
                .and_then(|()| std::fs::write(&path, manifest.to_json()))
                .map_err(|e| format!("{}: {e}", path.display()))?;
        }
    }
    let tally = judge(&manifests)?;
    if tally.failed == 0 { Ok(()) } else { Err("the languages differ".to_owned()) }
}

/// One more test, of the packages that were just built.
pub(crate) fn test() -> Result<Tally> {
    judge(&gather()?)
}

fn gather() -> Result<[Manifest; 3]> {
    let (interpreter, own) = python::ensure_venv(&paths::cache())?.interpreter();
    let mut ask = Run::new(interpreter).arg(paths::root().join("bindings-python/tools/manifest.py"));
    for (name, value) in own {
        ask = ask.env(name, value);
    }
    let python = Manifest::parse("python", &ask.output()?)?;
    let node = Manifest::parse("node", &node::manifest()?)?;
    let swift = swift::manifest(&paths::root().join("bindings-swift/Sources/Gladhand"))?;
    Ok([python, node, swift])
}

fn judge(manifests: &[Manifest]) -> Result<Tally> {
    let known = std::fs::read_to_string(paths::root().join(KNOWN)).map_err(|e| format!("{KNOWN}: {e}"))?;
    let (mut found, docs) = differences(manifests);
    let (listed, new): (Vec<_>, Vec<_>) = docs.into_iter().partition(|what| known.lines().any(|line| line == what));
    found.extend(new);
    for what in &found {
        println!("parity: {what}");
    }
    let of = |manifest: &Manifest| manifest.classes.values().map(std::collections::BTreeMap::len).sum::<usize>();
    let operations = manifests.iter().map(of).min().unwrap_or(0);
    let (many, docs) = (found.len(), listed.len());
    println!(
        "parity: {operations} operations in {} languages, {many} differences, {docs} known ones of docs",
        manifests.len()
    );
    // A manifest that says nothing agrees with everything.
    let good = found.is_empty() && operations > 0;
    Ok(Tally { passed: u64::from(good), failed: u64::from(!good) })
}

/// Notes the differences of docs of today.
fn accept(manifests: &[Manifest]) -> Result<()> {
    let (_, docs) = differences(manifests);
    let lines = docs.join("\n") + if docs.is_empty() { "" } else { "\n" };
    std::fs::write(paths::root().join(KNOWN), lines).map_err(|e| format!("{KNOWN}: {e}"))
}

/// Every difference, in words: those of what is offered, and those of docs.
fn differences(manifests: &[Manifest]) -> (Vec<String>, Vec<String>) {
    let (mut found, mut docs) = (Vec::new(), Vec::new());
    let all: BTreeSet<(&str, &str)> = manifests
        .iter()
        .flat_map(|manifest| &manifest.classes)
        .flat_map(|(class, operations)| operations.keys().map(move |name| (class.as_str(), name.as_str())))
        .collect();
    for (class, name) in all {
        let place = format!("{class}.{name}");
        let mut having: Vec<(&Manifest, &Operation)> = Vec::new();
        for manifest in manifests {
            match manifest.classes.get(class).and_then(|operations| operations.get(name)) {
                Some(operation) => having.push((manifest, operation)),
                None => found.push(format!("{}: {place} is missing", manifest.language)),
            }
        }
        found.extend(parameters(&place, &having));
        docs.extend(documented(&place, &having));
    }
    (found, docs)
}

fn parameters(place: &str, having: &[(&Manifest, &Operation)]) -> Vec<String> {
    let mut found = Vec::new();
    let all: BTreeSet<&String> = having.iter().flat_map(|(_, operation)| operation.parameters.keys()).collect();
    for parameter in all {
        let given = |(_, operation): &(&Manifest, &Operation)| operation.parameters.get(parameter).cloned();
        let optional = having.iter().filter_map(given).flatten().count();
        for (manifest, operation) in having {
            match operation.parameters.get(parameter) {
                None => found.push(format!("{}: {place} has no {parameter}", manifest.language)),
                Some(default) if default.is_some() != (optional * 2 > having.len()) => {
                    let how = if default.is_some() {
                        "may be left out, elsewhere not"
                    } else {
                        "must be given, elsewhere not"
                    };
                    found.push(format!("{}: {place}: {parameter} {how}", manifest.language));
                }
                Some(Some(default)) if !customs::is_no_value(default) => {
                    found.push(format!(
                        "{}: {place}: {parameter} has a default of its own, {default}",
                        manifest.language
                    ));
                }
                Some(_) => {}
            }
        }
    }
    found
}

fn documented(place: &str, having: &[(&Manifest, &Operation)]) -> Vec<String> {
    let mut found = Vec::new();
    let named: Vec<BTreeSet<&str>> = having.iter().map(|(_, operation)| docs::errors(&operation.doc)).collect();
    let all: BTreeSet<&str> = named.iter().flatten().copied().collect();
    for ((manifest, operation), own) in having.iter().zip(&named) {
        if operation.doc.trim().is_empty() {
            found.push(format!("{}: {place} is not documented", manifest.language));
        } else if !docs::speaks_of_errors(&operation.doc) {
            found.push(format!("{}: {place} says nothing of errors, not even that there are none", manifest.language));
        }
        let missing: Vec<&str> = all.iter().copied().filter(|code| !own.contains(code)).collect();
        if !missing.is_empty() {
            found.push(format!("{}: {place} does not name {}", manifest.language, missing.join(", ")));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(language: &'static str, text: &str) -> Manifest {
        Manifest::parse(language, text).unwrap()
    }

    const SAME: &str =
        r#"{"Tenders":{"get":{"parameters":{"tenderId":null},"doc":"A tender. Throws `tender_unknown`."}}}"#;

    #[test]
    fn equal_languages_do_not_differ_and_each_difference_is_seen() {
        let (offered, docs) = differences(&[of("python", SAME), of("node", SAME), of("swift", SAME)]);
        assert!(offered.is_empty() && docs.is_empty());
        for (other, expected) in [
            (r#"{"Tenders":{}}"#.to_owned(), "swift: Tenders.get is missing"),
            (SAME.replace("get", "list"), "swift: Tenders.get is missing"),
            (SAME.replace(r#""tenderId":null"#, ""), "swift: Tenders.get has no tenderId"),
            (SAME.replace("null", r#""nil""#), "swift: Tenders.get: tenderId may be left out, elsewhere not"),
            (SAME.replace("A tender. Throws `tender_unknown`.", ""), "swift: Tenders.get is not documented"),
            (
                SAME.replace(" Throws `tender_unknown`.", ""),
                "swift: Tenders.get says nothing of errors, not even that there are none",
            ),
            (SAME.replace("tender_unknown", "not_found"), "swift: Tenders.get does not name tender_unknown"),
        ] {
            let (mut found, docs) = differences(&[of("python", SAME), of("node", SAME), of("swift", &other)]);
            found.extend(docs);
            assert!(found.iter().any(|what| what == expected), "{expected}: {found:?}");
        }
        let defaults = SAME.replace("null", r#""5""#);
        let (found, _) = differences(&[of("python", &defaults), of("node", &defaults)]);
        assert!(found[0].contains("has a default of its own, 5"), "{found:?}");
    }
}
