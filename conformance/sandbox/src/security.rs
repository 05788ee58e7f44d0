//! What a carrier's security people would be told: refused handshakes, replays, mismatches, ended or foreign tokens.
//! Bounded: the newest are kept. `GET /security` shows it.

use std::collections::VecDeque;
use std::sync::Mutex;

use gladhand_documents::error::Code;
use rustls::{CertificateError, Error as TlsError};
use serde_json::{Value, json};

use crate::clock::Clock;

const KEPT: usize = 2000;

/// A security fact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// When, in Unix milliseconds.
    pub at: i64,
    /// What: see [`of_code`] and [`of_handshake`]; `header_stripped` for a `Client-Cert` of an untrusted hop.
    pub kind: &'static str,
    /// `client_id`, as far as the request names one.
    pub client: Option<String>,
    /// SHA-256 of the certificate, if there was one.
    pub fingerprint: Option<String>,
    /// The code of the refusal, or the reason of the TLS library.
    pub code: String,
}

/// The log of security facts.
#[derive(Debug, Default)]
pub struct Security(Mutex<Log>);

#[derive(Debug, Default)]
struct Log {
    facts: VecDeque<Fact>,
    /// Facts that are no longer kept.
    gone: u64,
}

impl Security {
    /// Notes a fact.
    pub fn note(&self, kind: &'static str, client: Option<String>, fingerprint: Option<String>, code: &str) {
        tracing::warn!(kind, client, fingerprint, code, "security fact");
        let mut log = self.0.lock().expect("the security log");
        if log.facts.len() == KEPT {
            log.facts.pop_front();
            log.gone += 1;
        }
        let at = Clock::default().wall().as_millisecond();
        log.facts.push_back(Fact { at, kind, client, fingerprint, code: code.to_owned() });
    }

    /// The facts from number `after` on, oldest first, as control shows them.
    pub fn to_json(&self, after: u64) -> Value {
        let log = self.0.lock().expect("the security log");
        let skip = usize::try_from(after.saturating_sub(log.gone)).unwrap_or(usize::MAX);
        let facts: Vec<Value> = log
            .facts
            .iter()
            .skip(skip)
            .map(|f| {
                json!({
                    "at": f.at, "kind": f.kind, "client": f.client, "fingerprint": f.fingerprint, "code": f.code,
                })
            })
            .collect();
        json!({ "facts": facts, "next": log.gone + log.facts.len() as u64 })
    }
}

/// The kind of a refused call; none for what is no security matter, such as a challenge for a nonce.
pub fn of_code(code: Code) -> Option<&'static str> {
    Some(match code {
        Code::PopReplayed => "replay",
        Code::CertMismatch => "mismatch",
        Code::TokenExpired => "expired",
        Code::TokenInvalid => "invalid_token",
        Code::PopInvalid | Code::PopMissing => "invalid_proof",
        Code::ScopeMissing => "scope",
        Code::DataSharingDenied => "consent",
        Code::TenantForbidden => "tenant",
        _ => return None,
    })
}

/// The kind of a refused client certificate.
pub fn of_handshake(error: &TlsError) -> &'static str {
    match error {
        TlsError::InvalidCertificate(error) => match error {
            CertificateError::Revoked => "revoked",
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => "expired",
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => "not_yet_valid",
            CertificateError::UnknownIssuer => "unknown_issuer",
            CertificateError::UnknownRevocationStatus => "revocation_unknown",
            _ => "certificate",
        },
        TlsError::NoCertificatesPresented => "no_certificate",
        _ => "handshake",
    }
}
