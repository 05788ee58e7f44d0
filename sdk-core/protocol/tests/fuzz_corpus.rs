//! The corpus of `fuzz/` through the same functions that `cargo fuzz` calls, with the stable compiler: an input that once
//! broke a parser never does so again. The document vectors are its seeds.

#[path = "../../../fuzz/src/lib.rs"]
#[allow(unreachable_pub)]
mod fuzz;

use std::path::{Path, PathBuf};

type Target = fn(&[u8]);

fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

fn files(folder: &Path) -> Vec<Vec<u8>> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    entries.map(|entry| std::fs::read(entry.unwrap().path()).unwrap()).collect()
}

#[test]
fn every_input_of_the_corpus() {
    let targets: [(&str, Target); 11] = [
        ("document", fuzz::document),
        ("entities", fuzz::entities),
        ("money", fuzz::money),
        ("instants", fuzz::instants),
        ("event", fuzz::event),
        ("webhook", fuzz::webhook),
        ("patch", fuzz::patch),
        ("problem", fuzz::problem),
        ("explain", fuzz::explain),
        ("batch", fuzz::batch),
        ("frame", fuzz::frame),
    ];
    for (name, target) in targets {
        let inputs = files(&root("fuzz/corpus").join(name));
        assert!(!inputs.is_empty(), "{name} has no corpus");
        for input in &inputs {
            target(input);
        }
    }
}

#[test]
fn every_document_vector_as_every_entity() {
    let documents = files(&root("conformance/vectors/documents"));
    // The index and the versions are larger than any document of the contract.
    for document in documents.iter().filter(|document| document.len() < 20_000) {
        fuzz::document(document);
        fuzz::event(document);
        fuzz::problem(document);
        for entity in 0..gladhand_documents::model::all().len() {
            fuzz::entities(&[&[entity as u8], document.as_slice()].concat());
        }
        for (pointer, raw) in [("/a/b", "1.50"), ("/schemaVersion", "\"2.0.0\""), ("/rate/amount", "0.10"), ("", "[1]")]
        {
            fuzz::patch(&[document.as_slice(), b"\0", pointer.as_bytes(), b"\0", raw.as_bytes()].concat());
        }
    }
}
