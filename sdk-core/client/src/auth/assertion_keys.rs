//! The keys that sign client assertions (identity §4): read from the configuration, again whenever the file changes, and used
//! as the schedule says that all processes of the journal share ([`gladhand_protocol::proof::schedule`]).

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use gladhand_documents::error::{Code, Error, Result};
use gladhand_protocol::proof::schedule::{self, Change, RETENTION_MS, ScheduledKey};
use gladhand_protocol::proof::signer::Signer;
use sha2::{Digest as _, Sha256};
use tokio::sync::Mutex;

use super::private_pem;
use crate::clock::SharedClock;
use crate::config::PemSource;
use crate::journal::Journal;
use crate::observe::{Activity, Expiry, SecurityEvent, SecurityLog, Subject};

/// The assertion keys of one carrier.
pub(super) struct AssertionKeys {
    carrier: String,
    source: PemSource,
    lead: Duration,
    clock: SharedClock,
    security: SecurityLog,
    /// Where the schedule is shared. Without one it is this process's own.
    journal: OnceLock<Journal>,
    state: Mutex<State>,
}

struct State {
    /// SHA-256 of the PEM that was read last, usable or not.
    read: [u8; 32],
    signers: Vec<Arc<dyn Signer>>,
    keys: Vec<ScheduledKey>,
}

impl AssertionKeys {
    /// Reads the keys. Error: `certificate_unreadable`.
    pub(super) fn new(
        carrier: &str,
        source: &PemSource,
        lead: Duration,
        clock: SharedClock,
        security: SecurityLog,
    ) -> Result<Self> {
        let setting = setting(carrier);
        let text = private_pem::read(source, &setting)?;
        let signers = private_pem::parse(&text, source, &setting)?;
        private_pem::warn_if_open(source);
        let state = State { read: Sha256::digest(text.as_bytes()).into(), signers, keys: Vec::new() };
        Ok(Self {
            carrier: carrier.to_owned(),
            source: source.clone(),
            lead,
            clock,
            security,
            journal: OnceLock::new(),
            state: Mutex::new(state),
        })
    }

    /// Shares the schedule through this journal from now on.
    pub(super) fn share(&self, journal: Journal) {
        // A second one would be another client's: the first stays.
        let _ = self.journal.set(journal);
    }

    /// The key to sign with now.
    pub(super) async fn signer(&self) -> Result<Arc<dyn Signer>> {
        let mut state = self.state.lock().await;
        self.advance(&mut state).await;
        let kid = schedule::signing(&state.keys).map(|key| key.kid.as_str());
        let by_kid = |kid: &str| state.signers.iter().find(|signer| signer.jwk().thumbprint() == kid).cloned();
        kid.and_then(by_kid).ok_or_else(|| {
            let why = format!("`{}`: the key that the schedule names is not there", setting(&self.carrier));
            Error::new(Code::CertificateUnreadable, why)
        })
    }

    /// The schedule as it is now.
    pub(super) async fn schedule(&self) -> Vec<ScheduledKey> {
        let mut state = self.state.lock().await;
        self.advance(&mut state).await;
        state.keys.clone()
    }

    /// When replaced keys leave the published set.
    pub(super) fn expiries(&self) -> Vec<Expiry> {
        // Whoever advances it holds it for a moment; the next look tells.
        let Ok(state) = self.state.try_lock() else { return Vec::new() };
        let at = |ms: i64| jiff::Timestamp::from_millisecond(ms).ok();
        let leaving = state.keys.iter().filter_map(|key| Some((key, at(key.published_ms)?, at(key.leaves_ms()?)?)));
        leaving
            .map(|(key, from, until)| Expiry {
                subject: Subject::AssertionKey,
                id: key.kid.clone(),
                carrier: Some(self.carrier.clone()),
                from,
                until,
            })
            .collect()
    }

    /// Reads the file if it changed, and brings the schedule to now.
    async fn advance(&self, state: &mut State) {
        self.reload(state);
        let at_hand: Vec<ScheduledKey> = state.signers.iter().map(|signer| ScheduledKey::of(&**signer, 0)).collect();
        let lead_ms = i64::try_from(self.lead.as_millis()).unwrap_or(i64::MAX);
        let changes = match self.journal.get() {
            None => self.alone(state, &at_hand, lead_ms),
            Some(journal) => {
                let (carrier, keys) = (self.carrier.clone(), at_hand.clone());
                match journal.run(move |store| store.advance_keys(&carrier, &keys, lead_ms)).await {
                    Ok((keys, changes)) => {
                        state.keys = keys;
                        changes
                    }
                    // What was agreed on last still holds; a command must not fail for want of a disk.
                    Err(error) => {
                        tracing::warn!(target: "gladhand::security", carrier = self.carrier, code = error.code().as_str(), "the schedule of the assertion keys cannot be read");
                        self.alone(state, &at_hand, lead_ms)
                    }
                }
            }
        };
        for change in changes {
            self.tell(&change);
        }
    }

    fn alone(&self, state: &mut State, at_hand: &[ScheduledKey], lead_ms: i64) -> Vec<Change> {
        schedule::advance(&mut state.keys, at_hand, self.clock.now().as_millisecond(), lead_ms)
    }

    /// A file that is half written, or gone, keeps the keys that were read last.
    fn reload(&self, state: &mut State) {
        let PemSource::File(_) = &self.source else { return };
        let setting = setting(&self.carrier);
        let text = private_pem::read(&self.source, &setting);
        // A file that cannot be read has a content of its own, so that it is told once.
        let read: [u8; 32] = text.as_ref().map_or([0; 32], |text| Sha256::digest(text.as_bytes()).into());
        if read == state.read {
            return;
        }
        state.read = read;
        match text.and_then(|text| private_pem::parse(&text, &self.source, &setting)) {
            Ok(signers) => {
                state.signers = signers;
                private_pem::warn_if_open(&self.source);
            }
            Err(error) => {
                self.security.emit(&SecurityEvent::failed(Activity::KeySchedule, &error).carrier(&self.carrier));
            }
        }
    }

    fn tell(&self, change: &Change) {
        let event = SecurityEvent::new(Activity::KeySchedule)
            .carrier(&self.carrier)
            .fact("kid", &change.kid)
            .fact("step", change.step.as_str());
        self.security.emit(&event);
        if change.step == (schedule::Step::Began { early: true }) {
            tracing::warn!(
                target: "gladhand::security",
                carrier = self.carrier,
                kid = change.kid,
                retention_ms = RETENTION_MS,
                "an assertion key signs before it was published for long: append new keys, and leave the old one until it is replaced"
            );
        }
    }
}

fn setting(carrier: &str) -> String {
    format!("carriers.{carrier}.assertion_key")
}

impl fmt::Debug for AssertionKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AssertionKeys").field("carrier", &self.carrier).finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "assertion_keys_tests.rs"]
mod tests;
