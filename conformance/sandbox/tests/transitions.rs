//! `conformance/vectors/transitions.json`: the table of contract 4b, written by hand, against the carrier's own states.

use std::path::Path;

use gladhand_documents::error::Code;
use gladhand_documents::json::{Document, Value};
use gladhand_sandbox::state::transitions::State;

fn table() -> Document {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../vectors/transitions.json");
    Document::parse(std::fs::read(path).unwrap()).unwrap()
}

fn texts(value: Value<'_>, name: &str) -> Vec<String> {
    value.get(name).unwrap().items().map(|item| item.text().unwrap().into_owned()).collect()
}

/// All pairs: the carrier takes the step, or refuses it with `illegal_transition` and what is allowed instead. `offer` is no
/// state of the carrier's: what it has begins in `pending`, or as the tombstone of a withdrawal.
#[test]
fn the_whole_matrix() {
    let table = table();
    let states = texts(table.root(), "states");
    let mut pairs = 0;
    for line in table.at("/matrix").unwrap().items() {
        let (from, cells) = (line.get("from").unwrap().text().unwrap().into_owned(), texts(line, "to"));
        let Some(state) = State::parse(&from) else {
            assert_eq!(from, "offer");
            let born: Vec<_> = states.iter().zip(&cells).filter(|(_, cell)| *cell != "-").map(|(to, _)| to).collect();
            assert_eq!(born, ["pending", "withdrawn"]);
            continue;
        };
        let allowed: Vec<&String> =
            states.iter().zip(&cells).filter(|(_, cell)| *cell != "-").map(|(to, _)| to).collect();
        for to in &states {
            let Some(next) = State::parse(to) else {
                assert_eq!(to, "offer");
                assert!(!allowed.contains(&to), "nothing becomes an offer again");
                continue;
            };
            pairs += 1;
            let Err(problem) = state.to(next) else {
                assert!(allowed.contains(&to), "{from} to {to} is illegal");
                continue;
            };
            assert!(!allowed.contains(&to), "{from} to {to} is legal");
            assert_eq!(problem.code(), Code::IllegalTransition);
            let body = Document::parse(problem.answer("trace").body).unwrap();
            assert_eq!(body.text("/from").as_deref(), Some(from.as_str()));
            assert_eq!(body.text("/attempted").as_deref(), Some(to.as_str()));
            let named = texts(body.root(), "allowed");
            assert!(
                named.len() == allowed.len() && allowed.iter().all(|name| named.contains(name)),
                "{from}: {named:?}"
            );
        }
    }
    assert_eq!(pairs, 121);
}
