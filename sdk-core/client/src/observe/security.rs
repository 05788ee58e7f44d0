//! One security event (identity §5): what happened, to whom, how it ended, and never a token, proof, key or nonce.
//! Its document has the shape of OCSF 1.6: Authentication (class 3002) or Authorize Session (class 3003).

use std::fmt::Write as _;

use gladhand_documents::error::{Code, Error};
use gladhand_documents::json::{Document, quote};

use crate::trace;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Activity {
    /// A token was obtained or renewed.
    TokenObtained,
    /// A token was asked for and not given, or given and not usable.
    TokenNotObtained,
    /// A carrier refused a token or proof.
    CallNotAuthorized,
    /// A TLS handshake failed, on either side's account.
    HandshakeFailed,
    /// A new identity is in use.
    IdentityRotated,
    /// A new identity was not usable: the last good one stays.
    RotationFailed,
    /// The operator, or the Workload API, took an identity away.
    IdentityRevoked,
    /// A peer's certificate is revoked.
    PeerRevoked,
    /// A revocation list was taken in.
    RevocationListLoaded,
    /// Something ends soon, or has ended.
    ExpiryWarning,
    /// A token or certificate is bound to somebody else.
    BindingMismatch,
    /// A proof, assertion or webhook came twice.
    Replay,
    /// A peer offered less than was asked for: another token type, no nonce, no client authentication.
    Downgrade,
    /// A key of ours was published, began to sign, or was retired.
    KeySchedule,
    /// A peer's published keys were read, or could not be.
    KeySetRead,
    /// A webhook was refused.
    WebhookRefused,
    /// A carrier's feed held an event of a tender that was not sent to it.
    EventForeign,
    /// A carrier used the id or the sequence of an event again, for other bytes.
    SequenceReused,
}

/// Class, activity, severity and default outcome of OCSF.
struct Shape {
    name: &'static str,
    class: u32,
    activity: u32,
    severity: u32,
    success: bool,
}

impl Activity {
    /// Its name, in snake case.
    pub const fn as_str(self) -> &'static str {
        self.shape().name
    }

    const fn shape(self) -> Shape {
        let (name, class, activity, severity, success) = match self {
            // Authentication: 1 Logon, 3 Authentication Ticket, 99 Other. Severity: 1 informational to 5 critical.
            Self::TokenObtained => ("token_obtained", 3002, 3, 1, true),
            Self::TokenNotObtained => ("token_not_obtained", 3002, 3, 3, false),
            Self::CallNotAuthorized => ("call_not_authorized", 3003, 99, 3, false),
            Self::HandshakeFailed => ("handshake_failed", 3002, 1, 3, false),
            Self::IdentityRotated => ("identity_rotated", 3002, 99, 1, true),
            Self::RotationFailed => ("rotation_failed", 3002, 99, 4, false),
            Self::IdentityRevoked => ("identity_revoked", 3002, 99, 4, true),
            Self::PeerRevoked => ("peer_revoked", 3002, 1, 5, false),
            Self::RevocationListLoaded => ("revocation_list_loaded", 3002, 99, 1, true),
            Self::ExpiryWarning => ("expiry_warning", 3002, 99, 3, true),
            Self::BindingMismatch => ("binding_mismatch", 3003, 99, 5, false),
            Self::Replay => ("replay", 3002, 99, 5, false),
            Self::Downgrade => ("downgrade", 3002, 99, 4, false),
            Self::KeySchedule => ("key_schedule", 3002, 99, 1, true),
            Self::KeySetRead => ("key_set_read", 3002, 99, 1, true),
            Self::WebhookRefused => ("webhook_refused", 3002, 99, 4, false),
            Self::EventForeign => ("event_foreign", 3003, 99, 5, false),
            Self::SequenceReused => ("sequence_reused", 3003, 99, 5, false),
        };
        Shape { name, class, activity, severity, success }
    }
}

/// One event.
#[derive(Clone, Debug)]
pub struct SecurityEvent {
    activity: Activity,
    success: bool,
    code: Option<Code>,
    carrier: Option<String>,
    client_id: Option<String>,
    correlation: Option<String>,
    facts: Vec<(&'static str, String)>,
}

impl SecurityEvent {
    /// An event with the outcome that this activity usually has.
    pub fn new(activity: Activity) -> Self {
        Self {
            activity,
            success: activity.shape().success,
            code: None,
            carrier: None,
            client_id: None,
            correlation: None,
            facts: Vec::new(),
        }
    }

    /// An event of something that failed with this error. Of the error only the code and the request id are kept, or else the
    /// trace id, its own or that of the call.
    pub fn failed(activity: Activity, error: &Error) -> Self {
        let mut event = Self { success: false, ..Self::new(activity) }.code(error.code());
        if let Some(id) = error.request_id().or(error.trace_id()) {
            event = event.correlation(id);
        } else if let Some(context) = trace::current() {
            event = event.correlation(&context.trace_id().to_string());
        }
        event
    }

    /// The code of what went wrong.
    pub fn code(mut self, code: Code) -> Self {
        self.code = Some(code);
        self
    }

    /// The carrier that it concerns.
    pub fn carrier(mut self, name: &str) -> Self {
        self.carrier = Some(name.to_owned());
        self
    }

    /// The client id that it concerns.
    pub fn client_id(mut self, id: &str) -> Self {
        self.client_id = Some(id.to_owned());
        self
    }

    /// What ties it to other records: a request id or trace id.
    pub fn correlation(mut self, id: &str) -> Self {
        self.correlation = Some(id.to_owned());
        self
    }

    /// A further fact, such as a fingerprint, a generation or a scope. Never a secret.
    pub fn fact(mut self, name: &'static str, value: impl ToString) -> Self {
        self.facts.push((name, value.to_string()));
        self
    }

    /// What happened.
    pub fn activity(&self) -> Activity {
        self.activity
    }

    /// Whether it succeeded.
    pub fn succeeded(&self) -> bool {
        self.success
    }

    /// The code of what went wrong, if something did.
    pub fn error_code(&self) -> Option<Code> {
        self.code
    }

    /// The carrier, the client id and the further facts, in their order.
    pub fn facts(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let carrier = self.carrier.iter().map(|name| ("carrier", name.as_str()));
        let client = self.client_id.iter().map(|id| ("client_id", id.as_str()));
        carrier.chain(client).chain(self.facts.iter().map(|(name, value)| (*name, value.as_str())))
    }

    /// The event as an OCSF 1.6 document. `at`: when it happened. `uid`: unique.
    pub fn document(&self, at: jiff::Timestamp, uid: &str) -> Document {
        let shape = self.activity.shape();
        // A success that the caller turned into a failure is at least of medium severity.
        let severity = if self.success { shape.severity } else { shape.severity.max(3) };
        let (status_id, status) = if self.success { (1, "Success") } else { (2, "Failure") };
        let mut out = format!(
            r#"{{"class_uid":{},"category_uid":3,"activity_id":{},"type_uid":{},"severity_id":{severity},"status_id":{status_id},"status":"{status}","time":{},"message":{},"metadata":{{"version":"1.6.0","uid":{},"product":{{"name":"gladhand","vendor_name":"Gladhand","version":{}}}"#,
            shape.class,
            shape.activity,
            shape.class * 100 + shape.activity,
            at.as_millisecond(),
            quote(shape.name),
            quote(uid),
            quote(env!("CARGO_PKG_VERSION")),
        );
        if let Some(id) = &self.correlation {
            let _ = write!(out, r#","correlation_uid":{}"#, quote(id));
        }
        out.push('}');
        // `user` is required by both classes: the workload that acted.
        let _ =
            write!(out, r#","user":{{"type_id":3,"uid":{}}}"#, quote(self.client_id.as_deref().unwrap_or("gladhand")));
        if let Some(name) = &self.carrier {
            let _ = write!(out, r#","service":{{"name":{}}}"#, quote(name));
        }
        if let Some(code) = self.code {
            let _ = write!(out, r#","status_code":{},"status_detail":{}"#, quote(code.as_str()), quote(code.remedy()));
        }
        let facts: Vec<String> =
            self.facts.iter().map(|(name, value)| format!("{}:{}", quote(name), quote(value))).collect();
        let _ = write!(out, r#","unmapped":{{{}}}}}"#, facts.join(","));
        // Every part of it is quoted above.
        Document::parse(out).unwrap_or_else(|_| Document::parse("{}").expect("an empty object is a document"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_is_ocsf_1_6_with_every_required_member() {
        let error = Error::new(Code::PopReplayed, "canary").with_request_id("r-1");
        let event =
            SecurityEvent::failed(Activity::Replay, &error).carrier("aurora").client_id("tms").fact("jkt", "x\"y");
        let document = event.document("2026-02-20T08:00:00Z".parse().unwrap(), "u-1");
        for (pointer, expected) in [
            ("/class_uid", "3002"),
            ("/category_uid", "3"),
            ("/type_uid", "300299"),
            ("/severity_id", "5"),
            ("/status_id", "2"),
            ("/time", "1771574400000"),
        ] {
            assert_eq!(document.at(pointer).unwrap().raw(), expected, "{pointer}");
        }
        assert_eq!(document.text("/metadata/correlation_uid").unwrap(), "r-1");
        assert_eq!(document.text("/metadata/version").unwrap(), "1.6.0");
        assert_eq!(document.text("/unmapped/jkt").unwrap(), "x\"y");
        assert_eq!(document.text("/status_code").unwrap(), "pop_replayed");
        assert!(!document.as_str().contains("canary"), "an error's message stays out");
    }

    #[test]
    fn a_success_says_so() {
        let document = SecurityEvent::new(Activity::TokenObtained).document(jiff::Timestamp::UNIX_EPOCH, "u");
        assert_eq!(document.at("/status_id").unwrap().raw(), "1");
        assert_eq!(document.at("/type_uid").unwrap().raw(), "300203");
        assert_eq!(document.text("/user/uid").unwrap(), "gladhand");
    }
}
