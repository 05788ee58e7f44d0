//! `conformance/vectors/transitions.json`: the table of contract 4b, written by hand, against the state machine.

use std::collections::BTreeSet;
use std::path::Path;

use gladhand_documents::json::{Document, Value};
use gladhand_documents::model::wire::TenderState;
use gladhand_protocol::tender::state::{Step, terminal};

fn table() -> Document {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../conformance/vectors/transitions.json");
    Document::parse(std::fs::read(path).unwrap()).unwrap()
}

fn text(value: Value<'_>, name: &str) -> String {
    value.get(name).and_then(Value::text).unwrap_or_else(|| panic!("{name} is missing")).into_owned()
}

fn texts(value: Value<'_>, name: &str) -> Vec<String> {
    value.get(name).unwrap().items().map(|item| item.text().unwrap().into_owned()).collect()
}

fn step(line: Value<'_>) -> Step {
    let step = Step::of(&format!("gladhand.{}.v1", text(line, "event")));
    assert_ne!(step, Step::Note, "{} moves something", text(line, "event"));
    step
}

/// Each step from each state ends where the table says, or nowhere.
#[test]
fn every_step_from_every_state() {
    let table = table();
    let lines = |pointer: &str| table.at(pointer).unwrap().items().collect::<Vec<_>>();
    let mut seen = BTreeSet::new();
    for from in texts(table.root(), "states") {
        let state = TenderState::from(from.as_str());
        for candidate in Step::ALL {
            let moved = lines("/moves")
                .into_iter()
                .find(|line| step(*line) == *candidate && texts(*line, "from").contains(&from))
                .map(|line| text(line, "to"));
            let stays = lines("/stays")
                .into_iter()
                .any(|line| step(line) == *candidate && texts(line, "in").contains(&from))
                .then(|| from.clone());
            // Exceptions and notes attach to whatever the carrier has, and move nothing (row 19).
            let overlay = matches!(candidate, Step::ExceptionOpened | Step::ExceptionCleared | Step::Note);
            let expected = moved.or(stays).or_else(|| (overlay && from != "offer").then(|| from.clone()));
            let found = candidate.from(&state).map(|to| to.as_str().to_owned());
            assert_eq!(found, expected, "{candidate:?} from {from}");
            seen.insert(format!("{candidate:?}"));
        }
    }
    assert_eq!(seen.len(), Step::ALL.len());
}

/// All 144 pairs: a step that moves leads from one state to another exactly where the cell names a row.
#[test]
fn the_whole_matrix() {
    let table = table();
    let states = texts(table.root(), "states");
    assert_eq!(states.len(), 12);
    let stays: Vec<(Step, String)> = table
        .at("/stays")
        .unwrap()
        .items()
        .flat_map(|line| texts(line, "in").into_iter().map(move |state| (step(line), state)))
        .collect();
    let mut legal = 0;
    for line in table.at("/matrix").unwrap().items() {
        let (from, cells) = (text(line, "from"), texts(line, "to"));
        assert_eq!(cells.len(), states.len());
        let state = TenderState::from(from.as_str());
        assert!(!matches!(state, TenderState::Unknown(_)), "{from}");
        for (to, cell) in states.iter().zip(&cells) {
            let reached = Step::ALL.iter().any(|step| {
                let overlay = matches!(step, Step::ExceptionOpened | Step::ExceptionCleared | Step::Note);
                !overlay
                    && !stays.contains(&(*step, from.clone()))
                    && step.from(&state).is_some_and(|end| end.as_str() == to)
            });
            assert_eq!(reached, cell != "-", "{from} to {to}: {cell}");
            legal += usize::from(reached);
        }
        assert_eq!(cells.iter().all(|cell| cell == "-"), terminal(&state), "{from}");
    }
    assert_eq!(legal, 20);
}
