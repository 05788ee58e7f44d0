//! The document vectors of `conformance/vectors/documents`: bytes, single-member changes, and what validation says. Beside
//! each valid one its neighbours of `versions.json`: the next minor version with more in it, the one before with less.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gladhand_documents::error::Code;
use gladhand_documents::json::{Document, Value, quote};
use gladhand_documents::model;
use sha2::{Digest as _, Sha256};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../conformance/vectors/documents")
}

fn text(value: Value<'_>, name: &str) -> String {
    value.get(name).and_then(Value::text).unwrap_or_else(|| panic!("the index lacks {name}")).into_owned()
}

#[test]
fn every_document_says_what_the_index_says() {
    let index = Document::parse(std::fs::read(folder().join("index.json")).unwrap()).unwrap();
    let mut seen = vec!["index.json".to_owned(), "versions.json".to_owned()];
    for vector in index.at("/vectors").unwrap().items() {
        let id = text(vector, "id");
        let bytes = bytes(vector, &mut seen);
        let entity = model::entity_named(&text(vector, "entity")).unwrap();
        let outcome = Document::parse(&bytes).and_then(|document| {
            assert_eq!(document.as_bytes(), bytes, "{id}: the bytes come back");
            model::validate(entity, &document).map(|()| document)
        });
        let Some(expected) = vector.get("error").and_then(Value::text) else {
            let document = outcome.unwrap_or_else(|error| panic!("{id}: {error} {:?}", error.violations()));
            vector.get("changes").into_iter().flat_map(Value::items).for_each(|change| changed(&id, &document, change));
            continue;
        };
        let error = outcome.map(|_| ()).expect_err(&id);
        assert_eq!(error.code(), Code::parse(&expected).unwrap(), "{id}: {error}");
        let found: Vec<_> = error.violations().iter().map(|v| (v.path.clone(), v.code.clone())).collect();
        let wanted: Vec<_> = vector
            .get("violations")
            .into_iter()
            .flat_map(Value::items)
            .map(|violation| (text(violation, "path"), text(violation, "code")))
            .collect();
        assert_eq!(found, wanted, "{id}");
    }
    for entry in std::fs::read_dir(folder()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(seen.contains(&name), "{name} is not in the index");
    }
}

/// The file of a vector, or its base with the edits.
fn bytes(vector: Value<'_>, seen: &mut Vec<String>) -> Vec<u8> {
    let name = if vector.get("base").is_some() { "base" } else { "file" };
    let file = text(vector, name);
    let bytes = std::fs::read(folder().join(&file)).unwrap();
    seen.push(file);
    let Some(edits) = vector.get("edit") else { return bytes };
    let mut document = String::from_utf8(bytes).unwrap();
    for edit in edits.items() {
        let (from, to) = (text(edit, "from"), text(edit, "to"));
        let times = edit.get("times").map_or(1, |times| times.raw().parse().unwrap());
        assert_eq!(document.matches(&from).count(), 1, "{from:?} stands there once");
        document = document.replace(&from, &to.repeat(times));
    }
    document.into_bytes()
}

/// A receiver of this version takes what the next one writes and what the one before wrote (contract 5), and every byte
/// of it comes back.
#[test]
fn the_versions_beside_this_one_are_valid_too() {
    let read = |name: &str| Document::parse(std::fs::read(folder().join(name)).unwrap()).unwrap();
    let (index, versions) = (read("index.json"), read("versions.json"));
    let mut missing: Vec<String> = index
        .at("/vectors")
        .unwrap()
        .items()
        .filter(|vector| vector.get("error").is_none())
        .flat_map(|vector| ["next", "previous"].map(|version| format!("{} {version}", text(vector, "file"))))
        .collect();
    for case in versions.at("/vectors").unwrap().items() {
        let (id, bytes) = (text(case, "id"), text(case, "text"));
        let source = std::fs::read(folder().join(text(case, "of"))).unwrap();
        let digest: String = Sha256::digest(&source).iter().fold(String::new(), |mut hex, byte| {
            write!(hex, "{byte:02x}").unwrap();
            hex
        });
        assert_eq!(digest, text(case, "sha256"), "{id} is of another text: run make_versions.py");
        let document = Document::parse(&bytes).unwrap();
        let entity = model::entity_named(&text(case, "entity")).unwrap();
        let found = model::violations(entity, &document);
        assert!(found.is_empty(), "{id}: {found:?}");
        assert_eq!(document.as_str(), bytes, "{id}");
        missing.retain(|name| *name != format!("{} {}", text(case, "of"), text(case, "version")));
    }
    assert!(missing.is_empty(), "run make_versions.py: {missing:?}");
}

/// Sets the member as the typed models do, by its lexeme.
fn changed(id: &str, document: &Document, change: Value<'_>) {
    let pointer = text(change, "pointer");
    let (kind, value) = change.get("set").and_then(|set| set.members().next()).unwrap();
    let raw = match kind {
        "text" | "choice" | "instant" => quote(&value.text().unwrap()),
        "decimal" => value.text().unwrap().into_owned(),
        _ => value.raw().to_owned(),
    };
    let expected = STANDARD.decode(text(change, "expected")).unwrap();
    let after = document.patch(&pointer, &raw).unwrap();
    assert_eq!(after.as_str(), String::from_utf8(expected).unwrap(), "{id}{pointer}");
}
