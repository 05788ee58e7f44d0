//! Which errors docs name: codes of the error table between backticks, as each language spells them (`tender_unknown`,
//! `tenderUnknown`), and families by their class (`ConfigError`).

use std::collections::BTreeSet;

use gladhand_documents::error::{Code, Kind};

/// What stands in a sentence that says what may go wrong, or that nothing can, in Python, Node and Swift.
const SAYING: [&str; 3] = ["raises", "rejects", "throws"];

/// Whether the docs say which errors there are, or that there are none.
pub(super) fn speaks_of_errors(doc: &str) -> bool {
    let words = doc.to_lowercase();
    SAYING.iter().any(|word| words.contains(word))
}

/// The codes and families that are named.
pub(super) fn errors(doc: &str) -> BTreeSet<String> {
    let quoted = doc.split('`').skip(1).step_by(2).map(str::trim);
    let codes =
        quoted.filter_map(|word| Code::parse(&snake(word.rsplit('/').next()?)).map(|code| code.as_str().to_owned()));
    let families = Kind::ALL.iter().filter(|kind| doc.contains(&class(**kind))).map(|kind| class(*kind));
    codes.chain(families).collect()
}

/// `ConfigError` of `config`.
fn class(kind: Kind) -> String {
    let mut name: String = kind.as_str().split('_').map(|part| part[..1].to_ascii_uppercase() + &part[1..]).collect();
    name.push_str("Error");
    name
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
        let expected: BTreeSet<String> = ["tender_unknown", "not_found"].map(str::to_owned).into();
        assert_eq!(errors("Raises `tender_unknown` and `not_found`; see `get` and `unknown_code`."), expected);
        assert_eq!(errors("- Throws: ``GladhandError`` with `tenderUnknown` or `notFound`."), expected);
        assert_eq!(errors("Rejects with a ConfigError."), ["ConfigError".to_owned()].into());
        assert!(speaks_of_errors("Asks nobody. Raises nothing.") && !speaks_of_errors("Asks nobody."));
    }
}
