//! A tender as the application sees it (contract 4a): the document `Tender`.

use gladhand_documents::error::Result;
use gladhand_documents::json::{Document, quote};
use gladhand_documents::model::sdk::Tender;
use gladhand_documents::model::wire::TenderState;
use gladhand_documents::model::{self, Model as _};
use gladhand_documents::time::format_instant;
use gladhand_protocol::tender::{history, state};

use crate::journal::rows::{TenderRow, sequence_of};

/// The document.
pub(crate) fn view(row: &TenderRow, joined: bool) -> Result<Document> {
    let (now, ahead) = (row.state(), row.ahead());
    let member = |pointer: &str| ahead.and_then(|snapshot| snapshot.extract(pointer));
    let fold = &row.fold;
    let sequence = ahead.map_or(fold.last_sequence, sequence_of);
    let digest = ahead.and_then(|s| s.text("/historyDigest")).unwrap_or_else(|| history::hex(&fold.history_digest));
    let revision = row.revision();
    let mut out = format!(
        r#"{{"tenderId":{},"loadId":{},"carrier":{},"attempt":{},"revision":{revision},"state":{}"#,
        quote(&row.tender_id),
        quote(&row.load_id),
        quote(&row.carrier),
        row.attempt,
        quote(now.as_str()),
    );
    let mut add = |name: &str, raw: Option<String>| {
        if let Some(raw) = raw {
            out.extend([",\"", name, "\":", &raw]);
        }
    };
    add("briefState", state::brief(&now).map(quote));
    add("receipt", Some(quote(if row.proven { "proven" } else { "unproven" })));
    add("joined", Some(joined.to_string()));
    add("loadReleased", Some(row.released().to_string()));
    let decision = row.decision();
    add("decision", decision.as_ref().map(|d| d.as_str().to_owned()));
    add("reason", reason(row, &now, decision.as_ref()));
    add("dispatchId", row.dispatch_id().as_deref().map(quote));
    let mode =
        ahead.and_then(|s| s.text("/controlMode")).or_else(|| fold.control_mode.as_ref().map(ToString::to_string));
    add("controlMode", mode.as_deref().map(quote));
    let overlay =
        |pointer: &str, folded: &str| ahead.and_then(|s| s.text(pointer)).unwrap_or_else(|| folded.to_owned());
    add("cancellation", Some(quote(&overlay("/cancellation", fold.cancellation.as_str()))));
    add("amendment", Some(quote(&overlay("/amendment", fold.amendment.as_str()))));
    add("sync", Some(quote(row.sync.as_str())));
    add("lastSequence", Some(sequence.to_string()));
    add("historyDigest", Some(quote(&digest)));
    add("updatedAt", Some(quote(&format_instant(row.updated_at))));
    let exceptions = member("/exceptions").map_or_else(
        || {
            let open: Vec<&str> = fold.exceptions.iter().map(|(_, exception)| exception.as_str()).collect();
            format!("[{}]", open.join(","))
        },
        |list| list.as_str().to_owned(),
    );
    add("exceptions", Some(exceptions));
    out.push('}');
    let document = Document::parse(out)?;
    debug_assert!(model::validate(Tender::entity(), &document).is_ok(), "{}", document.as_str());
    Ok(document)
}

/// Why it was refused: the carrier's decision, or the answer that refused it.
fn reason(row: &TenderRow, now: &TenderState, decision: Option<&Document>) -> Option<String> {
    use TenderState as S;
    if !matches!(now, S::Rejected | S::Expired | S::Withdrawn | S::Cancelled | S::Aborted) {
        return None;
    }
    let (code, text) = match decision.and_then(|d| Some((d.text("/reasonCode")?, d.text("/reasonText")))) {
        Some(said) => said,
        None => row.local.as_ref().map(|local| (local.code.clone(), Some(local.text.clone())))?,
    };
    Some(match text.filter(|text| !text.is_empty()) {
        Some(text) => {
            let short: String = text.chars().take(2000).collect();
            format!(r#"{{"code":{},"text":{}}}"#, quote(&code), quote(&short))
        }
        None => format!(r#"{{"code":{}}}"#, quote(&code)),
    })
}
