//! What the package offers, by the compiler's own symbol graph: every public symbol says what it is, every call that throws
//! says what, the codes named there are those of the error table, and every type may go from task to task.

use std::collections::BTreeSet;

use gladhand_documents::error::Code;
use serde_json::Value;

use super::codes::camel;
use super::{Counts, Result, Stage};

const MODULES: &[&str] = &["Gladhand", "GladhandTesting"];
const THROWS: &str = "- Throws:";
/// Types that stay where they are: nobody has a value of the first, the second is one loop's own, the third XCTest's.
const STAYING: &[&str] = &["Contract", "Pull.Iterator", "SandboxTestCase"];

/// Looks at each module; one test.
pub(crate) fn test(stage: &Stage) -> Result<Counts> {
    let (mut seen, mut found) = (0, Vec::new());
    for module in MODULES {
        let graph: Value = serde_json::from_str(&graph(stage, module)?).map_err(|e| format!("{module}: {e}"))?;
        let symbols = graph["symbols"].as_array().ok_or_else(|| format!("{module}: a graph without symbols"))?;
        seen += symbols.len();
        found.extend(symbols.iter().flat_map(wrong));
        found.extend(staying(symbols, &graph["relationships"]));
    }
    println!("symbols: {seen} public ones, {} without what they must say", found.len());
    for what in &found {
        println!("symbols: {what}");
    }
    let good = found.is_empty() && seen > 0;
    Ok(Counts { passed: usize::from(good), failed: usize::from(!good) })
}

/// The symbol graph of a module that was built.
fn graph(stage: &Stage, module: &str) -> Result<String> {
    let folder = stage.outside("symbols");
    std::fs::create_dir_all(&folder).map_err(|e| format!("{} cannot be made: {e}", folder.display()))?;
    let (target, out) = (stage.target()?, stage.inside("symbols"));
    let mut arguments = vec!["symbolgraph-extract", "-module-name", module, "-target", &target, "-output-dir", &out];
    arguments.extend(["-minimum-access-level", "public", "-skip-synthesized-members"]);
    arguments.extend(super::MODULES);
    let output = stage
        .command(&stage.package(), "swift", &arguments)
        .output()
        .map_err(|e| format!("swift does not start: {e}"))?;
    if !output.status.success() {
        return Err(format!("swift symbolgraph-extract failed:\n{}", String::from_utf8_lossy(&output.stderr)));
    }
    let path = folder.join(format!("{module}.symbols.json"));
    std::fs::read_to_string(&path).map_err(|e| format!("{} cannot be read: {e}", path.display()))
}

/// The texts of a list, or of a member of each of its elements.
fn words(list: &Value, member: &str, between: &str) -> String {
    let texts = list.as_array().into_iter().flatten();
    texts.filter_map(|part| part.get(member).unwrap_or(part).as_str()).collect::<Vec<_>>().join(between)
}

/// Types that are not `Sendable`.
fn staying(symbols: &[Value], relationships: &Value) -> Vec<String> {
    let sent: BTreeSet<&str> = relationships
        .as_array()
        .into_iter()
        .flatten()
        .filter(|link| link["kind"] == "conformsTo" && link["targetFallback"] == "Swift.Sendable")
        .filter_map(|link| link["source"].as_str())
        .collect();
    let kinds = ["swift.struct", "swift.class", "swift.enum"];
    let types = symbols.iter().filter(|symbol| kinds.iter().any(|kind| symbol["kind"]["identifier"] == *kind));
    types
        .filter(|symbol| !symbol["identifier"]["precise"].as_str().is_some_and(|name| sent.contains(name)))
        .map(|symbol| words(&symbol["pathComponents"], "", "."))
        .filter(|name| !STAYING.contains(&&**name))
        .map(|name| format!("{name} is not Sendable"))
        .collect()
}

/// What a symbol does not say.
fn wrong(symbol: &Value) -> Vec<String> {
    let name = words(&symbol["pathComponents"], "", ".");
    let document = words(&symbol["docComment"]["lines"], "text", "\n");
    let declaration = words(&symbol["declarationFragments"], "spelling", "");
    // What a property wrapper adds beside its property, such as `$current`, has no place for words.
    if document.trim().is_empty() && !name.contains(".$") {
        return vec![format!("{name} has no doc comment")];
    }
    let throws = declaration.split(|letter: char| !letter.is_alphanumeric()).any(|word| word == "throws");
    match document.split_once(THROWS) {
        None if throws => vec![format!("{name} throws and does not say what (`{THROWS}`)")],
        None => Vec::new(),
        Some((_, said)) => codes(said)
            .filter(|code| !known(code))
            .map(|code| format!("{name} throws `{code}`, which is no code"))
            .collect(),
    }
}

/// What stands in single backticks: double ones are links.
fn codes(text: &str) -> impl Iterator<Item = &str> {
    text.split("``").step_by(2).flat_map(|plain| plain.split('`').skip(1).step_by(2))
}

/// A code of the table, or a word of the language.
fn known(word: &str) -> bool {
    word == "CancellationError" || Code::ALL.iter().any(|code| camel(code.as_str()) == word)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn symbol(declaration: &str, lines: &[&str]) -> Value {
        let lines: Vec<Value> = lines.iter().map(|line| json!({ "text": line })).collect();
        json!({
            "pathComponents": ["Tenders", "get(_:)"],
            "declarationFragments": [{ "spelling": declaration }],
            "docComment": { "lines": lines },
        })
    }

    #[test]
    fn what_is_not_sendable_is_seen() {
        let of = |name: &str| {
            let precise = json!({ "precise": format!("s:{name}") });
            json!({ "kind": { "identifier": "swift.struct" }, "identifier": precise, "pathComponents": [name] })
        };
        let link = |source: &str, target: &str| json!({ "kind": "conformsTo", "source": format!("s:{source}"), "target": "x", "targetFallback": target });
        let links = json!([link("Tender", "Swift.Sendable"), link("Offer", "Swift.Hashable")]);
        let symbols = [of("Tender"), of("Offer"), of("Contract")];
        assert_eq!(staying(&symbols, &links), ["Offer is not Sendable"]);
    }

    #[test]
    fn what_is_not_said_is_seen() {
        let good = ["A tender.", "", "- Throws: ``GladhandError`` with `tenderUnknown`;", "  `CancellationError`."];
        assert!(wrong(&symbol("func get() async throws", &good)).is_empty());
        assert!(wrong(&symbol("func get()", &["A tender."])).is_empty());
        assert_eq!(wrong(&symbol("func get()", &[])), ["Tenders.get(_:) has no doc comment"]);
        assert_eq!(wrong(&symbol("func get() throws", &["A tender."])).len(), 1);
        let misspelt = ["A tender.", "- Throws: ``GladhandError`` with `tenderUnknwon`."];
        assert_eq!(
            wrong(&symbol("func get() throws", &misspelt)),
            ["Tenders.get(_:) throws `tenderUnknwon`, which is no code"]
        );
    }
}
