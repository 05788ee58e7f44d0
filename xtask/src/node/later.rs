//! The models of the npm package, executed when the first of them is asked for: that takes as long as all the rest of `require`.
//!
//! Done to what the compiler wrote, since TypeScript has no words for it: `models.js` becomes names that load `models-all.js`.

use std::collections::BTreeSet;
use std::path::Path;

use crate::shell::Result;

const HEAD: &str = "'use strict';
// Every model by its name; all are executed when the first of them is asked for.
Object.defineProperty(exports, '__esModule', { value: true });
let all;
const get = (name) => ({ enumerable: true, get: () => (all ??= require('./models-all.js'))[name] });
";

/// Splits `models.js` of a built package.
pub(super) fn models(dist: &Path) -> Result<()> {
    let (names, all) = (dist.join("models.js"), dist.join("models-all.js"));
    let source = super::read(&names)?;
    let exported = exported(&source);
    if exported.is_empty() {
        return Err(format!("{} exports nothing", names.display()));
    }
    super::write(&all, &source)?;
    super::write(&names, &facade(&exported))
}

/// The names that a CommonJS module of the compiler exports.
fn exported(source: &str) -> BTreeSet<&str> {
    let named = source.split("exports.").skip(1).filter_map(|rest| {
        let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '$'))?;
        rest[end..].trim_start().starts_with('=').then_some(&rest[..end])
    });
    named.collect()
}

fn facade(names: &BTreeSet<&str>) -> String {
    let list: Vec<&str> = names.iter().copied().collect();
    let quoted: Vec<String> = list.iter().map(|name| format!("'{name}'")).collect();
    format!(
        "{HEAD}for (const name of [{}]) Object.defineProperty(exports, name, get(name));\n\
         // Never run: what tells `import` the names.\n0 && (module.exports = {{ {} }});\n",
        quoted.join(", "),
        list.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_are_assigned() {
        let source = "exports.A = exports.B_1 = void 0;\nfoo(exports.C);\nclass A {}\nexports.A = A;\n";
        let names = exported(source);
        assert_eq!(names, BTreeSet::from(["A", "B_1"]));
        let facade = facade(&names);
        assert!(facade.contains("['A', 'B_1']") && facade.contains("{ A, B_1 }"), "{facade}");
    }
}
