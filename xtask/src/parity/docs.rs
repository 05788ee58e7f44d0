//! Which errors docs name: codes of the error table between backticks, as each language spells them (`tender_unknown`,
//! `tenderUnknown`).

use std::collections::BTreeSet;

use gladhand_documents::error::{Code, Kind};

/// What stands in a sentence that says what may go wrong, or that nothing can, in Python, Node and Swift.
const SAYING: [&str; 3] = ["raises", "rejects", "throws"];

/// Whether the docs say which errors there are, or that there are none.
pub(super) fn speaks_of_errors(doc: &str) -> bool {
    let words = doc.to_lowercase();
    SAYING.iter().any(|word| words.contains(word)) || codes(doc).next().is_some()
}

/// The codes that are named and are the operation's own. What any call may fail with is as good named as not.
pub(super) fn errors(doc: &str) -> BTreeSet<&'static str> {
    codes(doc).filter(|code| !is_anybodys(*code)).map(Code::as_str).collect()
}

fn codes(doc: &str) -> impl Iterator<Item = Code> {
    // DocC's links have two backticks.
    let doc = doc.replace("``", "`");
    let quoted: Vec<String> = doc.split('`').skip(1).step_by(2).map(|word| snake(word.trim())).collect();
    quoted.into_iter().filter_map(|word| Code::parse(word.rsplit('/').next()?))
}

/// A handle that is closed or forked, a journal that cannot be used, a defect.
fn is_anybodys(code: Code) -> bool {
    let of_handles = [Code::ClientClosed, Code::ForkedClient, Code::InternalPanic, Code::Cancelled];
    of_handles.contains(&code) || code.kind() == Kind::Journal
}

fn snake(name: &str) -> String {
    let mut out = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() {
            out.push('_');
        }
        out.push(letter.to_ascii_lowercase());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_found_in_the_spelling_of_each_language() {
        let expected: BTreeSet<&str> = ["tender_unknown", "not_found"].into();
        assert_eq!(errors("Raises `tender_unknown` and `not_found`; see `get` and `unknown_code`."), expected);
        assert_eq!(
            errors("- Throws: ``GladhandError`` with `tenderUnknown`, ``Code/notFound`` or `clientClosed`."),
            expected
        );
        assert!(errors("Raises `journal_busy`, such as any call.").is_empty());
        assert!(speaks_of_errors("Asks nobody. Raises nothing.") && speaks_of_errors("A second one gets `load_held`."));
        assert!(!speaks_of_errors("Asks nobody."));
    }
}
