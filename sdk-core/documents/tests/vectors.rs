//! The document vectors of `conformance/vectors/documents`: bytes, single-member changes, and what validation says.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gladhand_documents::error::Code;
use gladhand_documents::json::{Document, Value, quote};
use gladhand_documents::model;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../conformance/vectors/documents")
}

fn text(value: Value<'_>, name: &str) -> String {
    value.get(name).and_then(Value::text).unwrap_or_else(|| panic!("the index lacks {name}")).into_owned()
}

#[test]
fn every_document_says_what_the_index_says() {
    let index = Document::parse(std::fs::read(folder().join("index.json")).unwrap()).unwrap();
    let mut seen = vec!["index.json".to_owned()];
    for vector in index.at("/vectors").unwrap().items() {
        let (id, file) = (text(vector, "id"), text(vector, "file"));
        let bytes = std::fs::read(folder().join(&file)).unwrap();
        seen.push(file);
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
