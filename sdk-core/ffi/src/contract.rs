//! The contract by itself, for every language: the functions of [`gladhand::contract`] with numbers and instants as any
//! language writes them. A number out of range is `invalid_argument`, and so is an instant that is none.

use gladhand::contract;
use gladhand_documents::error::{Code, Error, Result};
use gladhand_documents::json::Document;
use gladhand_documents::time::parse_instant;

use crate::task::guard;

pub use contract::{Scope, Verified};

/// The permanent id of a tender. `attempt` counts from 1.
pub fn tender_id(scope: &Scope<'_>, load_id: &str, attempt: i64) -> Result<String> {
    guard(|| contract::tender_id(scope, load_id, within("attempt", attempt)?))
}

/// The idempotency key of a mutation.
pub fn idempotency_key(scope: &Scope<'_>, operation: &str, operation_id: &str) -> Result<String> {
    guard(|| Ok(contract::idempotency_key(scope, operation, operation_id)))
}

/// SHA-256 of an event's bytes, in hexadecimal.
pub fn event_digest(event: &[u8]) -> Result<String> {
    guard(|| Ok(contract::event_digest(event)))
}

/// The digest of a tender's history before its first event.
pub fn history_start(tender_id: &str) -> Result<String> {
    guard(|| Ok(contract::history_start(tender_id)))
}

/// The digest of a history after one more event. `sequence` counts from 1.
pub fn history_extend(previous: &str, sequence: i64, event_digest: &str) -> Result<String> {
    guard(|| contract::history_extend(previous, within("sequence", sequence)?, event_digest))
}

/// Verifies a webhook's signature at an instant (RFC 3339); `keys` are WebhookKey documents.
pub fn verify_webhook(headers: &[(String, String)], body: &[u8], keys: &[Document], at: &str) -> Result<Verified> {
    guard(|| contract::verify_webhook(headers, body, keys, instant(at)?))
}

/// Where a tender may go from a state.
pub fn next_states(state: &str) -> Result<Vec<String>> {
    guard(|| contract::next_states(state))
}

/// The state of a tender after an event of a type.
pub fn state_after(state: &str, event_type: &str) -> Result<String> {
    guard(|| contract::state_after(state, event_type))
}

/// Whether a load fits an offer at an instant (RFC 3339): an Eligibility. The tare is in pounds.
pub fn explain(load: &Document, offer: &Document, at: &str, assumed_tare_lbs: Option<i64>) -> Result<Document> {
    guard(|| {
        let tare = assumed_tare_lbs.map(|pounds| within("assumed_tare_lbs", pounds)).transpose()?;
        contract::explain(load, offer, instant(at)?, tare)
    })
}

fn within<T: TryFrom<i64>>(name: &str, number: i64) -> Result<T> {
    T::try_from(number).map_err(|_| Error::new(Code::InvalidArgument, format!("`{name}` is out of range: {number}")))
}

fn instant(text: &str) -> Result<jiff::Timestamp> {
    parse_instant(text).map_err(|why| Error::new(Code::InvalidArgument, format!("`at` {why}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_instants_that_are_none_are_named() {
        let scope = Scope { environment: "sandbox", tenant: "acme", carrier: "aurora" };
        let start = history_start("t-1").unwrap();
        let empty = Document::object();
        let refused = [
            (tender_id(&scope, "L-1", -1).unwrap_err(), "attempt"),
            (tender_id(&scope, "L-1", 1 << 32).unwrap_err(), "attempt"),
            (history_extend(&start, -1, &start).unwrap_err(), "sequence"),
            (explain(&empty, &empty, "yesterday", None).unwrap_err(), "at"),
            (explain(&empty, &empty, "2026-02-20T08:00:00Z", Some(-1)).unwrap_err(), "assumed_tare_lbs"),
            (verify_webhook(&[], b"", &[], "1771594212").unwrap_err(), "at"),
        ];
        for (error, name) in refused {
            assert_eq!(error.code(), Code::InvalidArgument);
            assert!(error.message().contains(&format!("`{name}`")), "{error}");
        }
    }
}
