//! The log of one tender: numbered events, each one byte string that every path delivers verbatim, and the digest chain
//! over them (contract 4e).

use std::sync::Arc;

use axum::body::Bytes;
use sha2::{Digest as _, Sha256};

/// One event of a log.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// The CloudEvent's `id`; also its `webhook-id`.
    pub id: String,
    /// Its type.
    pub kind: String,
    /// The event as stored and delivered.
    pub bytes: Bytes,
    digest: [u8; 32],
}

/// A log with its digest chain.
#[derive(Clone, Debug)]
pub struct History {
    seed: [u8; 32],
    events: Vec<Arc<Recorded>>,
}

impl History {
    /// The empty log of a tender: its digest is h₀ = SHA-256(tenderId).
    pub fn new(tender_id: &str) -> Self {
        Self { seed: Sha256::digest(tender_id).into(), events: Vec::new() }
    }

    /// The last sequence; 0 for an empty log.
    pub fn last_sequence(&self) -> u64 {
        self.events.len() as u64
    }

    /// The digest up to `sequence`, in lower-case hexadecimal; `None` beyond the end.
    pub fn digest_at(&self, sequence: u64) -> Option<String> {
        let digest = match usize::try_from(sequence).ok()? {
            0 => &self.seed,
            n => &self.events.get(n - 1)?.digest,
        };
        Some(hex::encode(digest))
    }

    /// The digest of the whole log.
    pub fn digest(&self) -> String {
        self.digest_at(self.last_sequence()).unwrap_or_default()
    }

    /// Appends the event that has the next sequence: hₙ = SHA-256(hₙ₋₁ ‖ u64be(n) ‖ SHA-256(bytes)).
    pub fn append(&mut self, id: String, kind: String, bytes: Bytes) {
        let previous = self.events.last().map_or(self.seed, |last| last.digest);
        let sequence = self.last_sequence() + 1;
        let mut hash = Sha256::new();
        hash.update(previous);
        hash.update(sequence.to_be_bytes());
        hash.update(Sha256::digest(&bytes));
        self.events.push(Arc::new(Recorded { id, kind, bytes, digest: hash.finalize().into() }));
    }

    /// The event of this sequence.
    pub fn get(&self, sequence: u64) -> Option<&Recorded> {
        self.events.get(usize::try_from(sequence.checked_sub(1)?).ok()?).map(AsRef::as_ref)
    }

    /// The events after `sequence`.
    pub fn after(&self, sequence: u64) -> &[Arc<Recorded>] {
        let from = usize::try_from(sequence).unwrap_or(usize::MAX).min(self.events.len());
        &self.events[from..]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chain_is_the_one_of_the_contract() {
        let mut history = History::new("t-1");
        assert_eq!(history.digest(), hex::encode(Sha256::digest(b"t-1")));
        history.append("e1".into(), "a".into(), Bytes::from_static(b"{}"));
        let mut input = Sha256::digest(b"t-1").to_vec();
        input.extend([0, 0, 0, 0, 0, 0, 0, 1]);
        input.extend(Sha256::digest(b"{}"));
        assert_eq!(history.digest_at(1).unwrap(), hex::encode(Sha256::digest(&input)));
        assert_eq!(history.digest_at(2), None);
        assert_eq!(history.after(0).len(), 1);
        assert!(history.after(9).is_empty());
    }
}
