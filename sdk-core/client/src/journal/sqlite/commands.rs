//! Commands as the journal has them: what was asked for, how that ended, and the events about it (contract 4f).

use gladhand_documents::error::Result;
use gladhand_documents::json::Document;
use rusqlite::params;

use super::tx::Tx;
use crate::journal::rows::CommandRow;

type Raw = (Vec<u8>, String, Option<String>, Option<Vec<u8>>);

/// The commands of a dispatch, or the one of this id, the oldest first.
pub(super) fn of(tx: &Tx<'_>, dispatch: &str, command: Option<&str>) -> Result<Vec<CommandRow>> {
    // Operation ids are `<dispatch>/<command>`; `0` is what follows `/`.
    let (from, to) = match command {
        Some(id) => (format!("{dispatch}/{id}"), format!("{dispatch}/{id}\0")),
        None => (format!("{dispatch}/"), format!("{dispatch}0")),
    };
    let rows = tx.all(
        "SELECT intent.body, carrier, intent.tender_id, outcome.body, intent.sound, outcome.sound
         FROM sound_intents AS intent LEFT JOIN sound_entries AS outcome ON outcome.idx = intent.outcome
         WHERE operation = 'commands.request' AND operation_id >= ?1 AND operation_id < ?2 ORDER BY id",
        params![from, to],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)),
    )?;
    rows.into_iter().map(|raw| row_of(tx, dispatch, raw)).collect()
}

/// How a command was taken back: the latest that was not given up before it was sent.
pub(super) fn revocation(tx: &Tx<'_>, dispatch: &str, command: &str) -> Result<Option<Document>> {
    let rows: Vec<(Vec<u8>, Option<Vec<u8>>)> = tx.all(
        "SELECT intent.body, outcome.body, intent.sound, outcome.sound
         FROM sound_intents AS intent LEFT JOIN sound_entries AS outcome ON outcome.idx = intent.outcome
         WHERE operation = 'commands.revoke' AND operation_id = ?1 ORDER BY id DESC",
        [format!("{dispatch}/{command}/revocation")],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    for (said, outcome) in rows {
        let result = outcome.map(Document::parse).transpose()?.and_then(|outcome| outcome.text("/result"));
        if result.as_deref() != Some("not_executed") {
            return Document::parse(said).map(Some);
        }
    }
    Ok(None)
}

fn row_of(tx: &Tx<'_>, dispatch: &str, (body, carrier, tender_id, outcome): Raw) -> Result<CommandRow> {
    let command = Document::parse(body)?;
    let outcome = outcome.map(Document::parse).transpose()?;
    let text = |pointer: &str| outcome.as_ref().and_then(|outcome| outcome.text(pointer));
    let id = command.text("/commandId").unwrap_or_default();
    Ok(CommandRow {
        revocation: revocation(tx, dispatch, &id)?,
        events: tender_id.as_deref().map_or_else(|| Ok(Vec::new()), |tender| events(tx, tender, &id))?,
        result: text("/result"),
        code: text("/code"),
        answer: outcome.as_ref().and_then(|outcome| outcome.extract("/answer")).filter(|a| a.root().is_object()),
        command,
        carrier,
        tender_id,
    })
}

/// The carrier's events about a command, in the order of its log.
fn events(tx: &Tx<'_>, tender: &str, command: &str) -> Result<Vec<Document>> {
    let sql = "SELECT bytes, sound FROM sound_inbox WHERE tender_id = ?1 AND status <> 'quarantined' ORDER BY sequence";
    let rows: Vec<Vec<u8>> = tx.all(sql, [tender], |row| row.get(0))?;
    let all: Vec<Document> = rows.into_iter().map(Document::parse).collect::<Result<_>>()?;
    Ok(all.into_iter().filter(|event| event.text("/data/command/commandId").as_deref() == Some(command)).collect())
}
