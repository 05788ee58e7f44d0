//! Intents: what was about to be sent, who holds it, and how it ended (contract 4c).

use gladhand_documents::error::Result;
use gladhand_documents::json::{Document, quote};
use gladhand_documents::time::format_instant;
use gladhand_protocol::tender::history;
use rusqlite::{Row, params};

use super::tx::{Tx, time};
use super::{carriers, owners, tenders};
use crate::journal::rows::{Effect, Intent, NewIntent, OpenedIntent, Outcome};

const COLUMNS: &str = "id, fence, operation, operation_id, tender_id, carrier, method, path, key, body, prefer, resend_until, tainted, owner, sound";

/// Operations whose ids count those that are finished.
const NUMBERED: [&str; 2] = ["tenders.withdraw", "tenders.request_cancel"];

fn read(row: &Row<'_>) -> rusqlite::Result<(Intent, Vec<u8>)> {
    let intent = Intent {
        id: row.get::<_, i64>(0)? as u64,
        fence: row.get::<_, i64>(1)? as u64,
        operation: row.get(2)?,
        operation_id: row.get(3)?,
        tender_id: row.get(4)?,
        carrier: row.get(5)?,
        method: row.get(6)?,
        path: row.get(7)?,
        key: row.get(8)?,
        body: Document::object(),
        prefer: row.get(10)?,
        resend_until: time(row.get(11)?),
        tainted: row.get(12)?,
        owner: row.get(13)?,
    };
    Ok((intent, row.get(9)?))
}

fn many(tx: &Tx<'_>, condition: &str, values: impl rusqlite::Params) -> Result<Vec<Intent>> {
    let sql = format!("SELECT {COLUMNS} FROM sound_intents WHERE outcome IS NULL AND {condition} ORDER BY id");
    let rows = tx.all(&sql, values, read)?;
    rows.into_iter().map(|(intent, body)| Ok(Intent { body: Document::parse(body)?, ..intent })).collect()
}

/// Appends the INTENT and returns it.
pub(super) fn insert(tx: &mut Tx<'_>, new: &NewIntent) -> Result<Intent> {
    let digest = history::digest(new.body.as_bytes());
    let entry = format!(
        r#"{{"operation":{},"operationId":{},"key":{},"method":{},"path":{},"contentType":"application/json","carrier":{},"origin":{},"version":"{}","sha256":{},"resendUntil":{},"owner":{},"content":{}}}"#,
        quote(new.operation),
        quote(&new.operation_id),
        quote(&new.key),
        quote(new.method),
        quote(&new.path),
        quote(&new.carrier),
        quote(&new.origin),
        gladhand_documents::model::SCHEMA_VERSION,
        quote(&history::hex(&digest)),
        quote(&format_instant(new.resend_until)),
        quote(&new.owner),
        new.body.as_str(),
    );
    let id = tx.append("INTENT", new.tender_id.as_deref(), &entry)?;
    tx.execute(
        "INSERT INTO intents (id, fence, owner, operation, operation_id, tender_id, carrier, method, path, key, body,
             prefer, resend_until, tainted, seal)
         VALUES (?1, 1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, 0,
             seal('intents', ?1, 1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, 0, NULL))",
        params![
            id as i64,
            new.owner,
            new.operation,
            new.operation_id,
            new.tender_id,
            new.carrier,
            new.method,
            new.path,
            new.key,
            new.body.as_bytes(),
            new.prefer,
            new.resend_until.as_millisecond(),
        ],
    )?;
    owners::ensure(tx, &new.owner)?;
    Ok(Intent {
        id,
        fence: 1,
        operation: new.operation.to_owned(),
        operation_id: new.operation_id.clone(),
        tender_id: new.tender_id.clone(),
        carrier: new.carrier.clone(),
        method: new.method.to_owned(),
        path: new.path.clone(),
        key: new.key.clone(),
        body: new.body.clone(),
        prefer: new.prefer.clone(),
        resend_until: new.resend_until,
        tainted: false,
        owner: new.owner.clone(),
    })
}

pub(super) fn open(tx: &mut Tx<'_>, new: &NewIntent) -> Result<OpenedIntent> {
    let same = many(
        tx,
        "carrier = ?1 AND operation = ?2 AND operation_id = ?3",
        [new.carrier.as_str(), new.operation, new.operation_id.as_str()],
    )?;
    if let Some(intent) = same.into_iter().next() {
        return Ok(OpenedIntent::Existing(Box::new(intent)));
    }
    // Its creation may have ended meanwhile as never sent: an answer about a tender that is none would find no place.
    if let Some(tender) = new.tender_id.as_deref().filter(|_| new.operation.starts_with("tenders.")) {
        tenders::must(tx, tender)?;
    }
    carriers::sendable(tx, &new.carrier)?;
    // Somebody else's of the same number came to its end after this number was counted: under one key one content is said, or
    // the carrier refuses for as long as it knows the key.
    let used = if NUMBERED.contains(&new.operation) { content(tx, new.operation, &new.operation_id)? } else { None };
    let intent = match used {
        Some(body) => insert(tx, &NewIntent { body, ..new.clone() })?,
        None => insert(tx, new)?,
    };
    Ok(OpenedIntent::New(Box::new(intent)))
}

/// The owners, other than this one, that hold open intents and are gone.
pub(super) fn lapsed(tx: &Tx<'_>, owner: &str) -> Result<Vec<String>> {
    let sql = "SELECT DISTINCT owner, sound FROM sound_intents WHERE outcome IS NULL AND owner <> ?1";
    let names: Vec<String> = tx.all(sql, [owner], |row| row.get(0))?;
    owners::lapsed(tx, &names)
}

/// Takes over what the dead left. It may have been sent: it is tainted.
pub(super) fn claim(tx: &Tx<'_>, owner: &str) -> Result<Vec<Intent>> {
    let mut out = Vec::new();
    for gone in lapsed(tx, owner)? {
        out.extend(many(tx, "owner = ?1", [gone.as_str()])?);
        tx.execute(
            "UPDATE intents SET owner = ?2, fence = fence + 1, tainted = 1 WHERE outcome IS NULL AND owner = ?1",
            [gone.as_str(), owner],
        )?;
    }
    for intent in &mut out {
        intent.fence += 1;
        intent.tainted = true;
        owner.clone_into(&mut intent.owner);
    }
    if !out.is_empty() {
        owners::beat(tx, owner)?;
    }
    Ok(out)
}

pub(super) fn all_open(tx: &Tx<'_>, tender: Option<&str>) -> Result<Vec<Intent>> {
    many(tx, "(?1 IS NULL OR tender_id = ?1)", [tender])
}

pub(super) fn holds(tx: &Tx<'_>, id: u64, fence: u64) -> Result<bool> {
    tx.one(
        "SELECT count(sound) > 0 FROM sound_intents WHERE id = ?1 AND fence = ?2 AND outcome IS NULL",
        params![id as i64, fence as i64],
        |row| row.get(0),
    )
}

pub(super) fn taint(tx: &Tx<'_>, id: u64, fence: u64) -> Result<()> {
    tx.execute("UPDATE intents SET tainted = 1 WHERE id = ?1 AND fence = ?2", params![id as i64, fence as i64])?;
    Ok(())
}

pub(super) fn close(tx: &mut Tx<'_>, id: u64, fence: u64, outcome: &Outcome, effect: &Effect) -> Result<bool> {
    let found: Option<(String, String, Option<String>)> = tx.find("SELECT operation, operation_id, tender_id, sound FROM sound_intents WHERE id = ?1 AND fence = ?2 AND outcome IS NULL",
            params![id as i64, fence as i64],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let Some((operation, operation_id, tender)) = found else { return Ok(false) };
    let optional = |text: Option<&str>| text.map_or_else(|| "null".to_owned(), quote);
    let body = format!(
        r#"{{"intent":{id},"operation":{},"operationId":{},"result":{},"status":{},"code":{},"requestId":{},"version":{},"answer":{}}}"#,
        quote(&operation),
        quote(&operation_id),
        quote(outcome.result),
        outcome.status.map_or_else(|| "null".to_owned(), |status| status.to_string()),
        optional(outcome.code.as_deref()),
        optional(outcome.request_id.as_deref()),
        optional(outcome.version.as_deref()),
        outcome.answer.as_ref().map_or("null", Document::as_str),
    );
    let index = tx.append("OUTCOME", tender.as_deref(), &body)?;
    tx.execute(
        "UPDATE intents SET outcome = ?2, seal = seal('intents', id, fence, owner, operation, operation_id, tender_id, carrier,
             method, path, key, body, prefer, resend_until, tainted, ?2)
         WHERE id = ?1",
        params![id as i64, index as i64],
    )?;
    if let Some(tender) = tender {
        tenders::effect(tx, &tender, effect)?;
    }
    Ok(true)
}

pub(super) fn count(tx: &Tx<'_>, tender: &str, operation: &str) -> Result<u32> {
    tx.one(
        "SELECT count(sound) FROM sound_intents WHERE tender_id = ?1 AND operation = ?2 AND outcome IS NOT NULL",
        [tender, operation],
        |row| row.get(0),
    )
}

pub(super) fn content(tx: &Tx<'_>, operation: &str, operation_id: &str) -> Result<Option<Document>> {
    let found: Option<Vec<u8>> = tx.find(
        "SELECT body, sound FROM sound_intents WHERE operation = ?1 AND operation_id = ?2 ORDER BY id DESC LIMIT 1",
        [operation, operation_id],
        |row| row.get(0),
    )?;
    found.map(Document::parse).transpose()
}
