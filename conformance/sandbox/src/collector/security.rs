//! What a SIEM would be told. Bounded: the newest are kept.

use std::collections::VecDeque;
use std::sync::Mutex;

use jiff::Timestamp;

const KEPT: usize = 1000;

/// Something that looks like an attack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecurityEvent {
    /// When.
    pub at: Timestamp,
    /// What: `producer_mismatch`, `sequence_reused`, `vehicle_unregistered`, `load_foreign`.
    pub kind: &'static str,
    /// Who: the certificate's identity.
    pub identity: String,
    /// In words; without secrets.
    pub detail: String,
}

#[derive(Debug, Default)]
pub(super) struct SecurityLog(Mutex<VecDeque<SecurityEvent>>);

impl SecurityLog {
    pub(super) fn raise(&self, at: Timestamp, kind: &'static str, identity: &str, detail: String) {
        tracing::warn!(kind, identity, detail, "security event");
        let mut events = self.0.lock().expect("the security log");
        if events.len() == KEPT {
            events.pop_front();
        }
        events.push_back(SecurityEvent { at, kind, identity: identity.to_owned(), detail });
    }

    pub(super) fn all(&self) -> Vec<SecurityEvent> {
        self.0.lock().expect("the security log").iter().cloned().collect()
    }
}
