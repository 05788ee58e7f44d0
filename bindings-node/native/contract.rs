//! The contract by itself, as functions. Their names and options are the TypeScript half's business (`src/contract.ts`).

use gladhand_ffi::contract::{self, Scope};
use napi::bindgen_prelude::{ClassInstance, Uint8Array};
use napi::{Env, Result};
use napi_derive::napi;

use crate::document::Document;
use crate::error::raise;

/// Where a derived name is good.
#[napi(object)]
pub struct ScopeFields {
    /// `environment` of the configuration.
    pub environment: String,
    /// `tenant` of the configuration.
    pub tenant: String,
    /// The carrier's name in the configuration.
    pub carrier: String,
}

impl ScopeFields {
    fn scope(&self) -> Scope<'_> {
        Scope { environment: &self.environment, tenant: &self.tenant, carrier: &self.carrier }
    }
}

/// A webhook whose signature holds.
#[napi(object)]
pub struct Verified {
    /// The webhook's id.
    pub id: String,
    /// The attempt's time, seconds since 1970.
    pub timestamp: f64,
    /// The name of the key that signed it.
    pub key_id: String,
}

/// The permanent id of a tender.
#[napi]
pub fn tender_id(env: Env, scope: ScopeFields, load_id: String, attempt: f64) -> Result<String> {
    given(env, contract::tender_id(&scope.scope(), &load_id, whole(attempt)))
}

/// The idempotency key of a mutation.
#[napi]
pub fn idempotency_key(env: Env, scope: ScopeFields, operation: String, operation_id: String) -> Result<String> {
    given(env, contract::idempotency_key(&scope.scope(), &operation, &operation_id))
}

/// SHA-256 of an event's bytes.
#[napi]
pub fn event_digest(env: Env, event: Uint8Array) -> Result<String> {
    given(env, contract::event_digest(&event))
}

/// The digest of a tender's history before its first event.
#[napi]
pub fn history_start(env: Env, tender_id: String) -> Result<String> {
    given(env, contract::history_start(&tender_id))
}

/// The digest of a history after one more event.
#[napi]
pub fn history_extend(env: Env, previous: String, sequence: f64, event_digest: String) -> Result<String> {
    given(env, contract::history_extend(&previous, whole(sequence), &event_digest))
}

/// Who signed a webhook.
#[napi]
pub fn verify_webhook(
    env: Env,
    headers: Vec<(String, String)>,
    body: Uint8Array,
    keys: Vec<ClassInstance<Document>>,
    at: String,
) -> Result<Verified> {
    let keys: Vec<_> = keys.into_iter().map(|key| key.0.clone()).collect();
    let verified = given(env, contract::verify_webhook(&headers, &body, &keys, &at))?;
    Ok(Verified { id: verified.id, timestamp: verified.timestamp as f64, key_id: verified.key_id })
}

/// Where a tender may go from a state.
#[napi]
pub fn next_states(env: Env, state: String) -> Result<Vec<String>> {
    given(env, contract::next_states(&state))
}

/// The state of a tender after an event of a type.
#[napi]
pub fn state_after(env: Env, state: String, event_type: String) -> Result<String> {
    given(env, contract::state_after(&state, &event_type))
}

/// Whether a load fits an offer at an instant.
#[napi]
pub fn explain(
    env: Env,
    load: &Document,
    offer: &Document,
    at: String,
    assumed_tare_lbs: Option<f64>,
) -> Result<Document> {
    given(env, contract::explain(&load.0, &offer.0, &at, assumed_tare_lbs.map(whole))).map(Document)
}

fn given<T>(env: Env, outcome: gladhand_ffi::Result<T>) -> Result<T> {
    outcome.map_err(|error| raise(env, &error))
}

/// The whole number that a number is; one that is out of every range where it is none.
fn whole(number: f64) -> i64 {
    if number.fract() == 0.0 { number as i64 } else { i64::MIN }
}
