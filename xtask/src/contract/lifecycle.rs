//! The parts of `docs/tender.md` that are printed from the table of the state machine: what a state is, the diagram, the
//! transitions. The rest of the page is written by hand and stays as it is.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use gladhand_documents::model::wire::TenderState;

use self::transitions::{Actor, Move, Origin, Row, STATES, TABLE};
use super::{Output, Result};

// The file itself, not its crate: that would bring the cryptography into every `cargo xtask`.
#[allow(dead_code, unreachable_pub)]
#[path = "../../../sdk-core/protocol/src/tender/transitions.rs"]
mod transitions;

const PAGE: &str = "docs/tender.md";

/// The page with its generated parts as the table says them now.
pub(super) fn page(root: &Path) -> Result<Output> {
    let mut text = fs::read_to_string(root.join(PAGE)).map_err(|e| format!("{PAGE} cannot be read: {e}"))?;
    for (name, part) in [("states", states()), ("diagram", diagram()), ("transitions", table())] {
        text = replaced(&text, name, &part)
            .ok_or_else(|| format!("{PAGE} has no `<!-- generated: {name} -->` … `<!-- end: {name} -->`"))?;
    }
    Ok((PAGE.into(), text))
}

/// The text with what stands between the two marks of `name` replaced.
fn replaced(text: &str, name: &str, part: &str) -> Option<String> {
    let (begin, end) = (format!("<!-- generated: {name} -->\n"), format!("<!-- end: {name} -->"));
    let (before, rest) = text.split_once(&begin)?;
    let (_, after) = rest.split_once(&end)?;
    Some(format!("{before}{begin}\n{part}\n{end}{after}"))
}

fn states() -> String {
    let mut out = String::from("| state | in the brief's seven | ends it | what is true |\n|---|---|---|---|\n");
    for row in STATES {
        let (brief, ends) = (row.brief.unwrap_or("—"), if row.terminal { "yes" } else { "" });
        // Writing to a string cannot fail.
        let _ = writeln!(out, "| `{}` | {brief} | {ends} | {} |", row.state, row.meaning);
    }
    out
}

/// What moves a tender, as a Mermaid diagram; overlays are left out. Each arrow has the numbers of its rows.
fn diagram() -> String {
    let mut arrows: Vec<(String, String, Vec<String>)> = Vec::new();
    for row in TABLE {
        for step in row.moves {
            let Some(to) = &step.to else { continue };
            for from in origins(&step.from) {
                let (ends, number) = ((from, to.to_string()), row.number.to_string());
                match arrows.iter_mut().find(|(from, to, _)| *from == ends.0 && *to == ends.1) {
                    Some((_, _, numbers)) if numbers.contains(&number) => {}
                    Some((_, _, numbers)) => numbers.push(number),
                    None => arrows.push((ends.0, ends.1, vec![number])),
                }
            }
        }
    }
    let mut out = String::from("```mermaid\nstateDiagram-v2\n");
    for (from, to, numbers) in arrows {
        let _ = writeln!(out, "    {from} --> {to}: {}", numbers.join(", "));
    }
    for row in STATES.iter().filter(|row| row.terminal) {
        let _ = writeln!(out, "    {} --> [*]", row.state);
    }
    out + "```\n"
}

fn origins(from: &Origin) -> Vec<String> {
    match from {
        Origin::Nothing => vec!["[*]".to_owned()],
        Origin::OneOf(states) => states.iter().map(TenderState::to_string).collect(),
        Origin::Known => Vec::new(),
    }
}

fn table() -> String {
    let mut out = String::from("| # | from → to | who | event | what must hold | X12 |\n|--:|---|:-:|---|---|---|\n");
    for Row { number, moves, guard, x12 } in TABLE {
        let mut cells = [String::new(), String::new(), String::new()];
        for step in *moves {
            for (cell, text) in cells.iter_mut().zip([way(step), who(step.by).to_owned(), format!("`{}`", step.event)])
            {
                if !cell.is_empty() {
                    cell.push_str("<br>");
                }
                cell.push_str(&text);
            }
        }
        let [ways, actors, events] = cells;
        let _ = writeln!(out, "| {number} | {ways} | {actors} | {events} | {guard} | {x12} |");
    }
    out
}

fn way(step: &Move) -> String {
    let from = match &step.from {
        Origin::Nothing => "∅".to_owned(),
        Origin::OneOf(_) => origins(&step.from).join(", "),
        Origin::Known => "any but offer".to_owned(),
    };
    let to = step.to.as_ref().map_or_else(|| "stays".to_owned(), TenderState::to_string);
    format!("{from} → {to}")
}

const fn who(actor: Actor) -> &'static str {
    match actor {
        Actor::Tms => "T",
        Actor::Carrier => "C",
        Actor::Clock => "K",
        Actor::Operator => "O",
    }
}

#[cfg(test)]
mod tests {
    use super::transitions::moves;
    use super::*;

    #[test]
    fn every_move_has_its_arrow_or_its_line() {
        let (diagram, table) = (diagram(), table());
        for step in moves() {
            assert!(table.contains(&format!("`{}`", step.event)), "{}", step.event);
            let Some(to) = &step.to else { continue };
            for from in origins(&step.from) {
                assert!(diagram.contains(&format!("    {from} --> {to}: ")), "{from} to {to}");
            }
        }
        assert!(diagram.contains("    pending --> rejected: 3, 5\n"), "{diagram}");
        assert_eq!(table.lines().count(), 22);
    }

    #[test]
    fn the_hand_written_part_stays() {
        let page = "a\n<!-- generated: x -->\nold\n<!-- end: x -->\nb\n";
        let once = replaced(page, "x", "new").expect("the marks");
        assert_eq!(once, "a\n<!-- generated: x -->\n\nnew\n<!-- end: x -->\nb\n");
        assert_eq!(replaced(&once, "x", "new").expect("the marks"), once);
        assert_eq!(replaced(page, "y", "new"), None);
    }
}
