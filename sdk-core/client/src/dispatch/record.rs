//! Who asked for which command and why, and what became of it, from the journal alone (contract 4f): its INTENT, its OUTCOME
//! and the carrier's events. Asks nobody.

use gladhand_documents::error::Result;
use gladhand_documents::json::{Document, quote};
use gladhand_documents::model::dispatch::{CommandState, CommandType};
use gladhand_documents::time::parse_instant;
use gladhand_protocol::tender::command::{at, inverse, may};
use jiff::Timestamp;

use crate::core::Core;
use crate::journal::rows::CommandRow;

/// The records of a dispatch's commands, the oldest first (documents `CommandRecord`).
pub(crate) async fn records(core: &Core, dispatch_id: &str) -> Result<Vec<Document>> {
    core.open()?;
    let name = dispatch_id.to_owned();
    let rows = core.journal.run(move |store| store.commands(&name, None)).await?;
    rows.iter().map(|row| record(row, dispatch_id, core.clock.now())).collect()
}

fn record(row: &CommandRow, dispatch_id: &str, now: Timestamp) -> Result<Document> {
    let command = &row.command;
    let kind = CommandType::from(command.text("/type").unwrap_or_default().as_str());
    let answers = row.answer.iter().filter(|_| matches!(row.result.as_deref(), Some("answered" | "recovered")));
    let said = answers.cloned().chain(row.events.iter().filter_map(|event| event.extract("/data/command")));
    let (mut state, mut steps) = (CommandState::Requested, Vec::new());
    for status in said {
        let to = CommandState::from(status.text("/state").unwrap_or_default().as_str());
        // An answer and an event tell the same step; one that the lifecycle does not have is left to the journal.
        if may(&state, &to, kind == CommandType::HoldAtTerminal) {
            steps.push(step(&to, &status));
            state = to;
        }
    }
    let (state, receipt) = match row.result.as_deref() {
        Some("refused") => (CommandState::Refused, "refused"),
        Some("not_executed") => (CommandState::Failed, "not_sent"),
        Some("lapsed") => (CommandState::Expired, "not_sent"),
        // An event can be faster than the answer.
        None if steps.is_empty() => (state, "unproven"),
        _ => (state, "proven"),
    };
    let expires = command.text("/expiresAt").and_then(|at| parse_instant(&at).ok()).unwrap_or(Timestamp::MAX);
    let mut out = format!(
        r#"{{"commandId":{},"dispatchId":{},"carrier":{},"command":{},"state":{},"receipt":{},"history":[{}],"irreversible":{}"#,
        quote(&command.text("/commandId").unwrap_or_default()),
        quote(dispatch_id),
        quote(&row.carrier),
        command.as_str(),
        quote(at(&state, expires, now).as_str()),
        quote(receipt),
        steps.join(","),
        inverse(&kind).is_none(),
    );
    if let Some(said) = &row.revocation {
        out.extend([r#","revocation":"#, said.as_str()]);
    }
    let undone = inverse(&kind).map(|kind| kind.as_str().to_owned());
    for (name, value) in [("tenderId", &row.tender_id), ("code", &row.code), ("inverse", &undone)] {
        if let Some(value) = value {
            out.extend([",\"", name, "\":", &quote(value)]);
        }
    }
    Document::parse(out + "}")
}

fn step(state: &CommandState, status: &Document) -> String {
    let mut out = format!(r#"{{"state":{}"#, quote(state.as_str()));
    let reason = status.text("/reason").or_else(|| status.text("/outcome"));
    for (name, value) in [("at", status.text("/updatedAt")), ("reason", reason)] {
        if let Some(value) = value {
            out.extend([",\"", name, "\":", &quote(&value)]);
        }
    }
    out + "}"
}
