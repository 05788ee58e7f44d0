//! Tenders: the fold of each, and the index by which at most one holds a load (contract 4b).

use std::collections::BTreeMap;

use gladhand_documents::error::{Code, Error, Result};
use gladhand_documents::json::{Document, quote};
use gladhand_documents::model::sdk::Sync;
use gladhand_documents::model::wire::TenderState;
use gladhand_protocol::tender::fold::Fold;
use gladhand_protocol::tender::{history, state};
use jiff::Timestamp;
use rusqlite::{Row, params};

use super::tx::{Tx, time};
use super::{carriers, intents};
use crate::journal::rows::{
    Effect, Local, NewIntent, NewTender, Opened, Outcome, Override, RELEASED_BY_OPERATOR, TenderRow, sequence_of,
};

const COLUMNS: &str =
    "tender_id, load_id, carrier, attempt, sync, proven, fold, snapshot, local_state, local_code, local_text, updated,
    EXISTS (SELECT 1 FROM tenders other WHERE other.tenant = mine.tenant AND other.load_id = mine.load_id
            AND other.tender_id <> mine.tender_id AND (other.held = 1 OR other.state = 'delivered')), sound";

const DELIVERED: &str = "delivered";

type Raw = (String, String, String, u32, String, bool, Vec<u8>, Option<Vec<u8>>, [Option<String>; 3], i64, bool);

fn raw(row: &Row<'_>) -> rusqlite::Result<Raw> {
    Ok((
        row.get(0)?,
        row.get(1)?,
        row.get(2)?,
        row.get(3)?,
        row.get(4)?,
        row.get(5)?,
        row.get(6)?,
        row.get(7)?,
        [row.get(8)?, row.get(9)?, row.get(10)?],
        row.get(11)?,
        row.get(12)?,
    ))
}

fn row_of(tx: &Tx<'_>, raw: Raw) -> Result<TenderRow> {
    let (tender_id, load_id, carrier, attempt, sync, proven, fold, snapshot, local, updated, covered) = raw;
    let [state, code, text] = local;
    let (fold, snapshot) = tx.known.borrow_mut().read(&tender_id, &fold, snapshot.as_deref())?;
    Ok(TenderRow {
        fold,
        snapshot,
        local: state.map(|state| Local {
            state: TenderState::from(state.as_str()),
            code: code.unwrap_or_default(),
            text: text.unwrap_or_default(),
        }),
        sync: Sync::from(sync.as_str()),
        updated_at: time(updated),
        tender_id,
        load_id,
        carrier,
        attempt,
        proven,
        covered,
    })
}

fn one(tx: &Tx<'_>, condition: &str, values: impl rusqlite::Params) -> Result<Option<TenderRow>> {
    tx.find(&format!("SELECT {COLUMNS} FROM sound_tenders AS mine WHERE {condition} LIMIT 1"), values, raw)?
        .map(|raw| row_of(tx, raw))
        .transpose()
}

fn many(tx: &Tx<'_>, condition: &str, values: impl rusqlite::Params) -> Result<Vec<TenderRow>> {
    let rows = tx.all(&format!("SELECT {COLUMNS} FROM sound_tenders AS mine WHERE {condition}"), values, raw)?;
    rows.into_iter().map(|row| row_of(tx, row)).collect()
}

pub(super) fn get(tx: &Tx<'_>, id: &str) -> Result<Option<TenderRow>> {
    one(tx, "tender_id = ?1", [id])
}

pub(super) fn must(tx: &Tx<'_>, id: &str) -> Result<TenderRow> {
    get(tx, id)?
        .ok_or_else(|| Error::new(Code::TenderUnknown, format!("the journal has no tender {id}")).with_tender_id(id))
}

fn holder(tx: &Tx<'_>, load: &str) -> Result<Option<TenderRow>> {
    one(tx, "tenant = ?1 AND load_id = ?2 AND held = 1", [tx.tenant, load])
}

/// The id of [`holder`].
fn holder_id(tx: &Tx<'_>, load: &str) -> Result<Option<String>> {
    let sql = "SELECT tender_id, sound FROM sound_tenders WHERE tenant = ?1 AND load_id = ?2 AND held = 1";
    tx.find(sql, [tx.tenant, load], |row| row.get(0))
}

/// The tender that holds a load, or has delivered it: a delivered load is held no more, and is nobody else's either. Found by
/// two indexes: damage to one of them must not set a load free.
pub(super) fn taken(tx: &Tx<'_>, load: &str) -> Result<Option<TenderRow>> {
    let holder = holder(tx, load)?;
    let other = one(tx, "tenant = ?1 AND load_id = ?2 AND (state = ?3 OR +held = 1)", [tx.tenant, load, DELIVERED])?;
    Ok(holder.or(other))
}

pub(super) fn latest(tx: &Tx<'_>, carrier: &str, load: &str) -> Result<Option<TenderRow>> {
    one(tx, "tenant = ?1 AND load_id = ?2 AND carrier = ?3 ORDER BY attempt DESC", [tx.tenant, load, carrier])
}

pub(super) fn of_dispatch(tx: &Tx<'_>, dispatch: &str) -> Result<Vec<TenderRow>> {
    many(tx, "tenant = ?1 AND dispatch_id = ?2 ORDER BY updated DESC", [tx.tenant, dispatch])
}

pub(super) fn list(tx: &Tx<'_>, state: Option<&str>) -> Result<Vec<TenderRow>> {
    many(tx, "tenant = ?1 AND (?2 IS NULL OR state = ?2) ORDER BY row DESC", params![tx.tenant, state])
}

pub(super) fn gaps(tx: &Tx<'_>, before: i64) -> Result<Vec<TenderRow>> {
    many(tx, "tenant = ?1 AND gap_since IS NOT NULL AND gap_since <= ?2", params![tx.tenant, before])
}

pub(super) fn gap_since(tx: &Tx<'_>) -> Result<BTreeMap<String, Timestamp>> {
    let sql =
        "SELECT carrier, min(gap_since) FROM tenders WHERE tenant = ?1 AND gap_since IS NOT NULL GROUP BY carrier";
    let rows = tx.all(sql, [tx.tenant], |row| Ok((row.get(0)?, time(row.get(1)?))))?;
    Ok(rows.into_iter().collect())
}

/// Holds the load and journals the intent; or finds who holds it.
pub(super) fn open(tx: &mut Tx<'_>, tender: &NewTender, intent: &NewIntent) -> Result<Opened> {
    if let Some(taken) = taken(tx, &tender.load_id)? {
        if tender.again {
            return Err(Error::new(
                Code::LoadHeld,
                format!("load {} is not released by tender {} ({})", tender.load_id, taken.tender_id, taken.state()),
            )
            .with_tender_id(taken.tender_id));
        }
        return Ok(Opened::Existing(Box::new(taken)));
    }
    if let Some(same) = get(tx, &tender.tender_id)? {
        return Ok(Opened::Existing(Box::new(same)));
    }
    carriers::sendable(tx, &tender.carrier)?;
    let row = fresh(tx, tender);
    save(tx, &row)?;
    let intent = intents::insert(tx, intent)?;
    Ok(Opened::New(Box::new((row, intent))))
}

/// A tender of which the carrier has said nothing yet.
fn fresh(tx: &Tx<'_>, tender: &NewTender) -> TenderRow {
    TenderRow {
        tender_id: tender.tender_id.clone(),
        load_id: tender.load_id.clone(),
        carrier: tender.carrier.clone(),
        attempt: tender.attempt,
        fold: Fold::new(&tender.tender_id, tender.revision),
        snapshot: None,
        local: None,
        sync: Sync::InSync,
        proven: false,
        updated_at: tx.now,
        covered: false,
    }
}

/// Takes over a carrier's tender that this journal did not make.
pub(super) fn import(tx: &mut Tx<'_>, tender: &NewTender, told: &Document) -> Result<TenderRow> {
    if get(tx, &tender.tender_id)?.is_none() {
        save(tx, &fresh(tx, tender))?;
    }
    snapshot(tx, &tender.tender_id, told)
}

/// Releases the load by an operator's word. Nothing of the tender's creation is sent again.
pub(super) fn release(tx: &mut Tx<'_>, id: &str, by: &Override) -> Result<TenderRow> {
    let mut row = must(tx, id)?;
    let entry = format!(
        r#"{{"action":"release_unproven","tenderId":{},"loadId":{},"carrier":{},"state":{},"sync":{},"proven":{},"actor":{},"reason":{},"runbook":{}}}"#,
        quote(id),
        quote(&row.load_id),
        quote(&row.carrier),
        quote(row.state().as_str()),
        quote(row.sync.as_str()),
        row.proven,
        quote(&by.actor),
        quote(&by.reason),
        quote(&by.runbook),
    );
    tx.append("OVERRIDE", Some(id), &entry)?;
    for intent in intents::all_open(tx, Some(id))?.into_iter().filter(|i| i.operation == "tenders.create") {
        intents::close(tx, intent.id, intent.fence, &Outcome::of("overridden"), &Effect::None)?;
    }
    row.local = Some(Local {
        state: TenderState::Withdrawn,
        code: RELEASED_BY_OPERATOR.to_owned(),
        text: format!("{}: {} ({})", by.actor, by.reason, by.runbook),
    });
    row.updated_at = tx.now;
    save(tx, &row)?;
    must(tx, id)
}

/// Writes a tender, with what follows from it: its state, whether it holds its load, since when it has a gap.
pub(super) fn save(tx: &Tx<'_>, row: &TenderRow) -> Result<()> {
    let fold = row.fold.to_json();
    tx.known.borrow_mut().keep(&row.tender_id, fold.as_bytes(), &row.fold, row.snapshot.as_ref());
    let snapshot = row.snapshot.as_ref().map(Document::as_bytes);
    let gap = (row.sync == Sync::Gap).then(|| tx.ms());
    let local = row.local.as_ref();
    // One that was released and fell out of sync later does not take the load back from the tender that has it now. It is
    // told as a duplicate, and holds the load as soon as the other lets go.
    let held = row.held() && holder_id(tx, &row.load_id)?.is_none_or(|holder| holder == row.tender_id);
    tx.execute(
        "INSERT INTO tenders (tender_id, tenant, load_id, carrier, attempt, state, held, sync, gap_since, proven,
             dispatch_id, fold, snapshot, local_state, local_code, local_text, updated, seal)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17,
             seal('tenders', ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17))
         ON CONFLICT (tender_id) DO UPDATE SET state = excluded.state, held = excluded.held, sync = excluded.sync,
             gap_since = CASE WHEN excluded.gap_since IS NULL THEN NULL ELSE coalesce(gap_since, excluded.gap_since) END,
             proven = excluded.proven, dispatch_id = excluded.dispatch_id, fold = excluded.fold,
             snapshot = excluded.snapshot, local_state = excluded.local_state, local_code = excluded.local_code,
             local_text = excluded.local_text, updated = excluded.updated,
             seal = seal('tenders', tender_id, tenant, load_id, carrier, attempt, ?6, ?7, ?8,
                 CASE WHEN ?9 IS NULL THEN NULL ELSE coalesce(gap_since, ?9) END,
                 ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)",
        params![
            row.tender_id,
            tx.tenant,
            row.load_id,
            row.carrier,
            row.attempt,
            row.state().as_str(),
            held,
            row.sync.as_str(),
            gap,
            row.proven,
            row.dispatch_id(),
            fold.as_bytes(),
            snapshot,
            local.map(|l| l.state.as_str()),
            local.map(|l| l.code.as_str()),
            local.map(|l| l.text.as_str()),
            tx.ms(),
        ],
    )?;
    if held { Ok(()) } else { pass_on(tx, &row.load_id) }
}

/// A load that nobody holds goes to a tender that would have held it had there not been another (contract 4b): only what the
/// carrier confirmed releases a load.
fn pass_on(tx: &Tx<'_>, load: &str) -> Result<()> {
    if holder_id(tx, load)?.is_some() {
        return Ok(());
    }
    let waiting = many(tx, "tenant = ?1 AND load_id = ?2 ORDER BY row", [tx.tenant, load])?;
    if let Some(next) = waiting.iter().find(|row| row.held()) {
        tx.execute("UPDATE tenders SET held = 1 WHERE tender_id = ?1", [&next.tender_id])?;
    }
    Ok(())
}

/// Gap or not, once events and snapshot are both known; a divergence stays until somebody decides.
pub(super) fn settle(row: &mut TenderRow) {
    if row.sync == Sync::Diverged {
        return;
    }
    row.sync = if row.ahead().is_some() { Sync::Gap } else { Sync::InSync };
    // Equal length must mean equal bytes.
    let other =
        row.snapshot.as_ref().filter(|s| sequence_of(s) == row.fold.last_sequence && row.fold.last_sequence > 0);
    if other.is_some_and(|s| s.text("/historyDigest") != Some(history::hex(&row.fold.history_digest))) {
        row.sync = Sync::Diverged;
    }
}

/// Takes a snapshot over that no other entry has.
pub(super) fn snapshot(tx: &mut Tx<'_>, id: &str, snapshot: &Document) -> Result<TenderRow> {
    let (row, news) = take(tx, id, snapshot)?;
    if news {
        tx.append("SNAPSHOT", Some(id), snapshot.as_str())?;
    }
    Ok(row)
}

/// Takes a snapshot over; whether it is news.
fn take(tx: &Tx<'_>, id: &str, snapshot: &Document) -> Result<(TenderRow, bool)> {
    let mut row = must(tx, id)?;
    if snapshot.text("/tenderId").as_deref() != Some(id) || snapshot.text("/loadId") != Some(row.load_id.clone()) {
        return Err(Error::new(Code::UnexpectedAnswer, "the snapshot is of another tender or load").with_tender_id(id));
    }
    row.proven = true;
    // Monotonic reads: an older snapshot is no news (contract 4e).
    let newest = row.snapshot.as_ref().map_or(0, sequence_of).max(row.fold.last_sequence);
    let news = sequence_of(snapshot) >= newest && row.snapshot.as_ref() != Some(snapshot);
    if news {
        let state = TenderState::from(snapshot.text("/state").unwrap_or_default().as_str());
        // A tombstone has a state and no events.
        if sequence_of(snapshot) == 0 && state::terminal(&state) && row.local.is_none() {
            row.local = Some(Local { code: state.as_str().to_owned(), state, text: String::new() });
        }
        row.snapshot = Some(snapshot.clone());
        settle(&mut row);
    }
    row.updated_at = tx.now;
    save(tx, &row)?;
    Ok((row, news))
}

/// Freezes a tender.
pub(super) fn diverge(tx: &mut Tx<'_>, id: &str, why: &str) -> Result<TenderRow> {
    let mut row = must(tx, id)?;
    row.sync = Sync::Diverged;
    row.updated_at = tx.now;
    let body = format!(r#"{{"tenderId":{},"diverged":{}}}"#, quote(id), quote(why));
    tx.append("SNAPSHOT", Some(id), &body)?;
    save(tx, &row)?;
    Ok(row)
}

/// What an outcome does to its tender.
pub(super) fn effect(tx: &mut Tx<'_>, id: &str, effect: &Effect) -> Result<()> {
    match effect {
        Effect::None => {}
        Effect::Snapshot(document) => {
            // The OUTCOME that this is the effect of has the document already.
            take(tx, id, document)?;
        }
        Effect::State { state, code, text } => {
            let mut row = must(tx, id)?;
            row.proven |= code != "unsent";
            if row.overridden() {
                return save(tx, &row);
            }
            row.local = Some(Local { state: state.clone(), code: code.clone(), text: text.clone() });
            row.updated_at = tx.now;
            save(tx, &row)?;
        }
        Effect::Never => {
            // What the carrier has spoken of was executed after all: it stays as the carrier told it, and holds its load.
            let known = get(tx, id)?;
            // A withdrawal of it is on its way: its answer must find what it is about.
            if let Some(mut row) = known.clone().filter(|row| !row.proven)
                && !intents::all_open(tx, Some(id))?.is_empty()
            {
                let text = "it was never sent, and was withdrawn meanwhile".to_owned();
                row.local = Some(Local { state: TenderState::Withdrawn, code: "unsent".to_owned(), text });
                row.updated_at = tx.now;
                return save(tx, &row);
            }
            tx.execute("DELETE FROM tenders WHERE tender_id = ?1 AND proven = 0", [id])?;
            if let Some(row) = known {
                pass_on(tx, &row.load_id)?;
            }
        }
        Effect::Diverged(why) => {
            diverge(tx, id, why)?;
        }
        Effect::Covered(own, other) => {
            self::effect(tx, id, own)?;
            import(tx, &other.0, &other.1)?;
        }
    }
    Ok(())
}
