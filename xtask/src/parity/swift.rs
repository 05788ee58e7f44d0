//! What Swift offers, by its sources: public functions of the client's rooms, with the comments before them.

use std::path::Path;

use super::manifest::{Manifest, Operation};
use crate::shell::Result;

/// The types that are compared.
const TYPES: [&str; 13] = [
    "Client",
    "Capacity",
    "Dispatches",
    "Documents",
    "Gateway",
    "Identity",
    "Inbox",
    "Journal",
    "Reconcile",
    "Telemetry",
    "Tenders",
    "Webhooks",
    "Contract",
];
const OPENS: [&str; 4] = ["public struct ", "public final class ", "public enum ", "extension "];

/// Reads the folder's sources.
pub(super) fn manifest(folder: &Path) -> Result<Manifest> {
    let mut manifest = Manifest { language: "swift", classes: std::collections::BTreeMap::new() };
    let failed = |e: std::io::Error| format!("{}: {e}", folder.display());
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        paths.push(entry.map_err(failed)?.path());
    }
    paths.sort();
    for path in paths.iter().filter(|path| path.extension().is_some_and(|suffix| suffix == "swift")) {
        read(&std::fs::read_to_string(path).map_err(failed)?, &mut manifest);
    }
    Ok(manifest)
}

fn read(source: &str, manifest: &mut Manifest) {
    let (mut within, mut doc, mut at) = (None, String::new(), 0);
    for line in source.split_inclusive('\n') {
        let here = at;
        at += line.len();
        let text = line.trim();
        if let Some(of) = opened(line) {
            within = TYPES.contains(&of).then_some(of);
        } else if line.starts_with('}') {
            within = None;
        } else if let Some(words) = text.strip_prefix("///") {
            doc.push_str(words.trim_start());
            doc.push('\n');
            continue;
        } else if text.starts_with('@') {
            continue;
        } else if let (Some(class), Some(rest)) = (within, function(line)) {
            let name: String = rest.chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect();
            let parameters = inside(&source[here + line.len() - line.trim_start().len()..]);
            let parameters = split(parameters).into_iter().filter_map(parameter).collect();
            manifest.add(class, &name, Operation { parameters, doc: std::mem::take(&mut doc) });
        }
        doc.clear();
    }
}

fn opened(line: &str) -> Option<&str> {
    let rest = OPENS.iter().find_map(|start| line.strip_prefix(start))?;
    rest.split(|letter: char| !letter.is_alphanumeric()).next()
}

fn function(line: &str) -> Option<&str> {
    let rest = line.strip_prefix("    public ")?;
    rest.strip_prefix("func ").or_else(|| rest.strip_prefix("static func "))
}

/// What stands between the first bracket and the one that closes it.
fn inside(text: &str) -> &str {
    let Some(begin) = text.find('(') else { return "" };
    let mut depth = 0;
    for (at, letter) in text[begin..].char_indices() {
        match letter {
            '(' => depth += 1,
            ')' if depth == 1 => return &text[begin + 1..begin + at],
            ')' => depth -= 1,
            _ => {}
        }
    }
    ""
}

/// At the commas that are in no brackets.
fn split(parameters: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut begin) = (Vec::new(), 0_i32, 0);
    for (at, letter) in parameters.char_indices() {
        match letter {
            '(' | '[' | '<' => depth += 1,
            ')' | ']' => depth -= 1,
            // Not the arrow of a function's type.
            '>' if !parameters[..at].ends_with('-') => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&parameters[begin..at]);
                begin = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&parameters[begin..]);
    parts
}

/// `label name: Type = default`: the label, or the name where there is none.
fn parameter(text: &str) -> Option<(String, Option<String>)> {
    let (names, rest) = text.trim().split_once(':')?;
    let mut names = names.split_whitespace();
    let (first, second) = (names.next()?, names.next());
    let name = if first == "_" { second? } else { first };
    let default = rest.split_once(" = ").map(|(_, default)| default.trim().to_owned());
    Some((name.to_owned(), default))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_read_with_their_comments_and_parameters() {
        let source = "/// No operation.\npublic struct Other {\n    public func get() {}\n}\n\
                      /// Loads.\npublic struct Tenders: Sendable {\n    let handle: ClientHandle\n\n    /// Tenders a load.\n    ///\n    \
                      /// - Throws: `loadHeld`.\n    @discardableResult\n    public func create(\n        _ load: LoadTender, carrier: \
                      String, at: (Double, Double), wait: Duration? = nil\n    ) async throws -> Tender {\n        hidden(a: 1)\n    }\n\n    \
                      func hidden(a: Int) {}\n}\n";
        let mut manifest = Manifest { language: "swift", classes: std::collections::BTreeMap::new() };
        read(source, &mut manifest);
        assert_eq!(manifest.classes.keys().collect::<Vec<_>>(), ["Tenders"]);
        let operations = &manifest.classes["Tenders"];
        assert_eq!(operations.keys().collect::<Vec<_>>(), ["create"]);
        let create = &operations["create"];
        assert_eq!(create.doc, "Tenders a load.\n\n- Throws: `loadHeld`.");
        let parameters: Vec<_> =
            create.parameters.iter().map(|(name, default)| (name.as_str(), default.as_deref())).collect();
        assert_eq!(parameters, [("at", None), ("carrier", None), ("load", None), ("wait", Some("nil"))]);
    }
}
