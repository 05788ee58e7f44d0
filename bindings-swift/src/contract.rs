//! The contract by itself, as functions. Their names are Swift's business (`Sources/Gladhand/Contract.swift`).

use std::sync::Arc;

use gladhand_ffi::contract::{self, Scope};

use crate::client::HeaderRecord;
use crate::document::DocumentHandle;
use crate::failure::Failure;

/// Where a derived name is good.
#[derive(Clone, Debug, uniffi::Record)]
pub struct ScopeRecord {
    /// `environment` of the configuration.
    pub environment: String,
    /// `tenant` of the configuration.
    pub tenant: String,
    /// The carrier's name in the configuration.
    pub carrier: String,
}

impl ScopeRecord {
    fn scope(&self) -> Scope<'_> {
        Scope { environment: &self.environment, tenant: &self.tenant, carrier: &self.carrier }
    }
}

/// A webhook whose signature holds.
#[derive(Clone, Debug, uniffi::Record)]
pub struct VerifiedRecord {
    /// The webhook's id.
    pub id: String,
    /// The attempt's time, seconds since 1970.
    pub timestamp: i64,
    /// The name of the key that signed it.
    pub key_id: String,
}

/// The permanent id of a tender.
#[uniffi::export]
pub fn contract_tender_id(scope: ScopeRecord, load_id: String, attempt: i64) -> Result<String, Failure> {
    Ok(contract::tender_id(&scope.scope(), &load_id, attempt)?)
}

/// The idempotency key of a mutation.
#[uniffi::export]
pub fn contract_idempotency_key(
    scope: ScopeRecord,
    operation: String,
    operation_id: String,
) -> Result<String, Failure> {
    Ok(contract::idempotency_key(&scope.scope(), &operation, &operation_id)?)
}

/// SHA-256 of an event's bytes.
#[uniffi::export]
pub fn contract_event_digest(event: Vec<u8>) -> Result<String, Failure> {
    Ok(contract::event_digest(&event)?)
}

/// The digest of a tender's history before its first event.
#[uniffi::export]
pub fn contract_history_start(tender_id: String) -> Result<String, Failure> {
    Ok(contract::history_start(&tender_id)?)
}

/// The digest of a history after one more event.
#[uniffi::export]
pub fn contract_history_extend(previous: String, sequence: i64, event_digest: String) -> Result<String, Failure> {
    Ok(contract::history_extend(&previous, sequence, &event_digest)?)
}

/// Who signed a webhook.
#[uniffi::export]
pub fn contract_verify_webhook(
    headers: Vec<HeaderRecord>,
    body: Vec<u8>,
    keys: Vec<Arc<DocumentHandle>>,
    at: String,
) -> Result<VerifiedRecord, Failure> {
    let headers: Vec<_> = headers.into_iter().map(|header| (header.name, header.value)).collect();
    let keys: Vec<_> = keys.iter().map(|key| key.0.clone()).collect();
    let verified = contract::verify_webhook(&headers, &body, &keys, &at)?;
    Ok(VerifiedRecord { id: verified.id, timestamp: verified.timestamp, key_id: verified.key_id })
}

/// Where a tender may go from a state.
#[uniffi::export]
pub fn contract_next_states(state: String) -> Result<Vec<String>, Failure> {
    Ok(contract::next_states(&state)?)
}

/// The state of a tender after an event of a type.
#[uniffi::export]
pub fn contract_state_after(state: String, event_type: String) -> Result<String, Failure> {
    Ok(contract::state_after(&state, &event_type)?)
}

/// Whether a load fits an offer at an instant.
#[uniffi::export]
pub fn contract_explain(
    load: Arc<DocumentHandle>,
    offer: Arc<DocumentHandle>,
    at: String,
    assumed_tare_lbs: Option<i64>,
) -> Result<Arc<DocumentHandle>, Failure> {
    Ok(DocumentHandle::shared(contract::explain(&load.0, &offer.0, &at, assumed_tare_lbs)?))
}
