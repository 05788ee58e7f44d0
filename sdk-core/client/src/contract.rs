//! The contract by itself, for what a TMS does without a client: naming a tender before it is tendered, proving a history
//! equal, checking a webhook in front of the SDK, asking what may come next. Functions of their arguments: no client, no
//! clock, no journal, no network.
//!
//! ```
//! use gladhand::contract::{self, Scope};
//!
//! let scope = Scope { environment: "sandbox", tenant: "acme", carrier: "aurora" };
//! assert_eq!(contract::tender_id(&scope, "L-1", 1)?, "t-UCOQrql85mhO3xoxJBtSXE");
//! assert_eq!(contract::next_states("enroute")?, ["delivered", "aborted"]);
//! # Ok::<(), gladhand::Error>(())
//! ```

use gladhand_documents::error::{Code, Error, Result};
use gladhand_documents::json::Document;
use gladhand_documents::model::wire::{self, TenderState};
use gladhand_documents::model::{self, Model as _};
use gladhand_protocol::proof::webhook::{self, Headers, WebhookKey};
use gladhand_protocol::tender::state::{Step, allowed, illegal};
use gladhand_protocol::tender::{explain as eligibility, history, ids};
use jiff::Timestamp;

pub use gladhand_protocol::proof::webhook::Verified;
pub use gladhand_protocol::tender::ids::Scope;

/// The permanent id of a tender (contract 3a): `t-` and 22 characters, the same on every machine. `attempt` counts from 1;
/// only a released load is tendered again. Error: `invalid_argument` for an attempt of 0.
pub fn tender_id(scope: &Scope<'_>, load_id: &str, attempt: u32) -> Result<String> {
    if attempt == 0 {
        return Err(invalid("attempts count from 1".to_owned()));
    }
    Ok(ids::tender_id(scope, load_id, attempt))
}

/// The idempotency key of a mutation (contract 4c): 43 characters. `operation` is such as `tenders.create`, `operation_id`
/// what the contract's table has for it, such as the tender's id, `/` and the revision.
pub fn idempotency_key(scope: &Scope<'_>, operation: &str, operation_id: &str) -> String {
    ids::idempotency_key(scope, operation, operation_id)
}

/// SHA-256 of an event's bytes as they came, in lower-case hexadecimal: what enters a history (contract 4e).
pub fn event_digest(event: &[u8]) -> String {
    history::hex(&history::digest(event))
}

/// The digest of a tender's history before its first event (contract 4e): 64 hexadecimal digits.
pub fn history_start(tender_id: &str) -> String {
    history::hex(&history::start(tender_id))
}

/// The digest of a history after one more event (contract 4e), from the digest before it, the event's `sequence` (from 1)
/// and its [`event_digest`]. Both sides hold the same history if theirs are equal. Error: `invalid_argument` for a digest
/// that is not 64 hexadecimal digits and for a sequence of 0.
pub fn history_extend(previous: &str, sequence: u64, event_digest: &str) -> Result<String> {
    let digest = |name: &str, text: &str| {
        history::unhex(text).ok_or_else(|| invalid(format!("`{name}` is not 64 hexadecimal digits")))
    };
    if sequence == 0 {
        return Err(invalid("sequences count from 1".to_owned()));
    }
    let (previous, event) = (digest("previous", previous)?, digest("event_digest", event_digest)?);
    Ok(history::hex(&history::extend(&previous, sequence, &event)))
}

/// Verifies a webhook's signature (contract 4e): who signed these bytes, and when this attempt was made. `keys` are the
/// `WebhookKey`s that the carrier publishes; one of a form that this version does not know is passed over, and so is one
/// that is not good at the attempt's time. The attempt may be at most 300 seconds from `at`.
///
/// It does not say whether the event is new or in order: [`crate::Client::receive`] does. Errors:
/// `webhook_signature_missing`, `webhook_signature_invalid`; `clock_skew` for a genuine webhook of another time;
/// `schema_invalid` for a key that is none.
pub fn verify_webhook(headers: &[(String, String)], body: &[u8], keys: &[Document], at: Timestamp) -> Result<Verified> {
    let mut known = Vec::new();
    for key in keys {
        model::validate(wire::WebhookKey::entity(), key)?;
        known.extend(WebhookKey::read(key.root()).ok());
    }
    webhook::verify(Headers::find(headers)?, body, &known, at.as_second())
}

/// Where a tender may go from this state (contract 4b), in the order of the table; nowhere from a final one. Where the state
/// itself is in it, an event leads back to it. Error: `invalid_argument` for a state that this version does not know.
pub fn next_states(state: &str) -> Result<Vec<String>> {
    Ok(allowed(&known(state)?).iter().map(|state| state.as_str().to_owned()).collect())
}

/// The state of a tender after an event of this type, such as `gladhand.tender.accepted.v1` (contract 4b). What moves
/// nothing leaves it where it is, an event type of a later version too (contract 5). Errors: `illegal_transition` with what
/// is allowed; `invalid_argument` for a state that this version does not know and for what is no event type.
pub fn state_after(state: &str, event_type: &str) -> Result<String> {
    let from = known(state)?;
    if !event_type.starts_with("gladhand.") {
        return Err(invalid(format!("`{event_type}` is no event type such as gladhand.tender.accepted.v1")));
    }
    let to = Step::of(event_type).from(&from).ok_or_else(|| illegal(&from, event_type))?;
    Ok(to.as_str().to_owned())
}

/// Whether a load fits an offer at a time, check by check (contract 3b to 3d): an `Eligibility`. What an empty vehicle
/// of unknown tare weighs is what the carrier publishes, in pounds; 35,000 unless given. [`crate::Client::explain`] is this
/// now, with what the offer's carrier publishes. Errors: `schema_invalid` for an offer that is none.
pub fn explain(load: &Document, offer: &Document, at: Timestamp, assumed_tare_lbs: Option<u32>) -> Result<Document> {
    let tare = assumed_tare_lbs.map_or(eligibility::ASSUMED_TARE_LBS, i64::from);
    eligibility::explain(load, offer, at, tare)
}

fn known(state: &str) -> Result<TenderState> {
    match TenderState::from(state) {
        TenderState::Unknown(_) => Err(invalid(format!("this version knows no state `{state}`"))),
        known => Ok(known),
    }
}

fn invalid(why: String) -> Error {
    Error::new(Code::InvalidArgument, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    // The vectors run in `gladhand-protocol`, and through these functions in Python, Node and Swift.

    #[test]
    fn what_cannot_be_meant_is_refused() {
        let scope = Scope { environment: "sandbox", tenant: "acme", carrier: "aurora" };
        let start = history_start("t-1");
        let digest = event_digest(b"{}");
        let refused = [
            tender_id(&scope, "L-1", 0),
            history_extend(&start, 0, &digest),
            history_extend(&start[1..], 1, &digest),
            history_extend(&start, 1, "{}"),
            next_states("parked").map(|states| states.concat()),
            state_after("parked", "gladhand.tender.accepted.v1"),
            state_after("pending", "tender.accepted"),
        ];
        for outcome in refused {
            assert_eq!(outcome.unwrap_err().code(), Code::InvalidArgument);
        }
        assert_eq!(history_extend(&start, 1, &digest).unwrap().len(), 64);
    }

    #[test]
    fn events_move_a_tender_by_the_table_alone() {
        let after = |state, event| state_after(state, event).map_err(|error| error.code());
        assert_eq!(after("pending", "gladhand.tender.accepted.v1"), Ok("accepted".to_owned()));
        assert_eq!(after("accepted", "gladhand.weather.noted.v1"), Ok("accepted".to_owned()));
        assert_eq!(after("delivered", "gladhand.tender.accepted.v1"), Err(Code::IllegalTransition));
        assert_eq!(next_states("delivered").unwrap(), [""; 0]);
    }

    #[test]
    fn a_key_is_good_for_its_time_and_a_form_of_later_is_passed_over() {
        let vectors = include_str!("../../../conformance/vectors/derivation.json");
        let vectors = Document::parse(vectors).unwrap();
        let case = vectors.extract("/webhooks/0").unwrap();
        let text = |name: &str| case.text(&format!("/{name}")).unwrap();
        let sent = case.integer("/timestamp").unwrap();
        let headers: Vec<(String, String)> = [
            ("webhook-id", text("id")),
            ("webhook-timestamp", sent.to_string()),
            ("webhook-signature", text("signature")),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        let body = text("body");
        let key = |id: &str, public: &str, more: &str| {
            Document::parse(format!(r#"{{"keyId":"{id}","publicKey":"{public}"{more}}}"#)).unwrap()
        };
        let at = Timestamp::from_second(sent).unwrap();
        let verify =
            |keys: &[Document]| verify_webhook(&headers, body.as_bytes(), keys, at).map_err(|error| error.code());
        let public = text("publicKey");
        let later = key("pq-1", "whpq_AAAA", "");
        let verified = verify(&[later.clone(), key("k-1", &public, "")]).unwrap();
        assert_eq!((verified.id, verified.timestamp, verified.key_id), (text("id"), sent, "k-1".to_owned()));
        assert_eq!(verify(&[later]), Err(Code::WebhookSignatureInvalid));
        let over = key("k-1", &public, r#","notAfter":"2020-01-01T00:00:00Z""#);
        assert_eq!(verify(&[over]), Err(Code::WebhookSignatureInvalid));
        assert_eq!(verify(&[Document::object()]), Err(Code::SchemaInvalid));
    }
}
