//! Names that two runs of the same job derive alike (contract 3a, 4c): so a job that runs twice, or two replicas, name
//! the same tender and the same mutation.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

/// Where an operation takes place: part of every derived name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope<'a> {
    /// `environment` of the configuration.
    pub environment: &'a str,
    /// `tenant` of the configuration.
    pub tenant: &'a str,
    /// The carrier's name in the configuration.
    pub carrier: &'a str,
}

/// Feeds each field as UTF-8 behind a big-endian u32 length, so that no two lists of fields run together.
fn feed(hash: &mut Sha256, fields: &[&str]) {
    for field in fields {
        // A field longer than 4 GiB cannot occur: documents are limited to 4 MiB.
        hash.update(u32::try_from(field.len()).unwrap_or(u32::MAX).to_be_bytes());
        hash.update(field.as_bytes());
    }
}

fn derived(fields: &[&str], length: usize) -> String {
    let mut hash = Sha256::new();
    feed(&mut hash, fields);
    let mut text = URL_SAFE_NO_PAD.encode(hash.finalize());
    text.truncate(length);
    text
}

/// The permanent id of a tender: `t-` and 22 characters (contract 3a). `attempt` counts from 1.
pub fn tender_id(scope: &Scope<'_>, load_id: &str, attempt: u32) -> String {
    let attempt = attempt.to_string();
    format!("t-{}", derived(&[scope.environment, scope.tenant, scope.carrier, load_id, &attempt], 22))
}

/// The operation id of sending one revision of a tender (contract 4c).
pub fn create_operation_id(tender_id: &str, revision: u32) -> String {
    format!("{tender_id}/{revision}")
}

/// The id of a tender's n-th withdrawal, from 0: `w-` and 22 characters. A tombstone is a withdrawal.
pub fn withdrawal_id(tender_id: &str, number: u32) -> String {
    format!("w-{}", derived(&[tender_id, &number.to_string()], 22))
}

/// The operation id of answering a counter offer (contract 4c).
pub fn counter_operation_id(tender_id: &str, counter_id: &str) -> String {
    format!("{tender_id}/{counter_id}")
}

/// The id of a tender's n-th request to cancel, from 0: `x-` and 22 characters.
pub fn cancellation_id(tender_id: &str, number: u32) -> String {
    format!("x-{}", derived(&[tender_id, "cancellation", &number.to_string()], 22))
}

/// Which attempt at tendering a load has this id, if it is derived at all and no later than the `most`-th.
pub fn attempt_of(scope: &Scope<'_>, load_id: &str, tender: &str, most: u32) -> Option<u32> {
    (1..=most).find(|attempt| tender_id(scope, load_id, *attempt) == tender)
}

/// The idempotency key of a mutation: 43 characters of `A-Z a-z 0-9 - _` (contract 4c).
pub fn idempotency_key(scope: &Scope<'_>, operation: &str, operation_id: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(b"gladhand/1");
    feed(&mut hash, &[scope.environment, scope.tenant, scope.carrier, operation, operation_id]);
    let mut text = URL_SAFE_NO_PAD.encode(hash.finalize());
    text.truncate(43);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCOPE: Scope<'_> = Scope { environment: "sandbox", tenant: "acme", carrier: "aurora" };

    #[test]
    fn names_are_stable_and_distinct() {
        let first = tender_id(&SCOPE, "L-1", 1);
        assert_eq!(first, tender_id(&SCOPE, "L-1", 1));
        assert_eq!(first.len(), 24);
        assert_ne!(first, tender_id(&SCOPE, "L-1", 2));
        let moved = Scope { environment: "sandboxa", tenant: "cme", carrier: "aurora" };
        assert_ne!(first, tender_id(&moved, "L-1", 1), "fields never run together");
    }

    #[test]
    fn keys_have_the_contracts_shape() {
        let key = idempotency_key(&SCOPE, "tenders.create", &create_operation_id("t-x", 1));
        assert_eq!(key.len(), 43);
        assert!(key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
        assert_ne!(key, idempotency_key(&SCOPE, "tenders.withdraw", "t-x/1"));
        assert_ne!(withdrawal_id("t-x", 0), withdrawal_id("t-x", 1));
        assert_ne!(cancellation_id("t-x", 0)[2..], withdrawal_id("t-x", 0)[2..]);
    }

    #[test]
    fn an_attempt_is_known_by_its_id() {
        assert_eq!(attempt_of(&SCOPE, "L-1", &tender_id(&SCOPE, "L-1", 3), 8), Some(3));
        assert_eq!(attempt_of(&SCOPE, "L-1", "t-named-by-the-tms", 8), None);
    }
}
