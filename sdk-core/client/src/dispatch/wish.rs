//! What may be asked for, and by whom. Every type of contract 4f; what belongs to a type is checked before anything is sent.

use std::time::Duration;

use gladhand_documents::error::Result;
use gladhand_documents::json::{Document, quote};

/// Who asks for a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requester {
    /// The person or program.
    pub principal: String,
    /// Its role, such as `dispatcher`.
    pub role: String,
}

impl Requester {
    /// A principal in a role.
    pub fn new(principal: impl Into<String>, role: impl Into<String>) -> Self {
        Self { principal: principal.into(), role: role.into() }
    }
}

/// What is asked for.
#[derive(Clone, Debug)]
pub struct CommandRequest {
    /// `conditional_stop`, `resume`, `manual_intervention`, `route_change`, `hold_at_terminal`, `release` or
    /// `reschedule_stop`.
    pub kind: String,
    /// Why.
    pub reason: String,
    /// Who asks.
    pub requested_by: Requester,
    /// Members that belong to the type (document `CommandParams`).
    pub params: Option<Document>,
    /// How long it stays open; 5 minutes unless set, at most 15.
    pub expires_in: Option<Duration>,
    /// Seconds for which a hold lasts without renewal.
    pub lease_seconds: Option<u32>,
    /// The command's id; a random one unless set. Asking twice under one id asks once.
    pub command_id: Option<String>,
}

impl CommandRequest {
    /// A request without parameters.
    pub fn new(kind: impl Into<String>, reason: impl Into<String>, requested_by: Requester) -> Self {
        Self {
            kind: kind.into(),
            reason: reason.into(),
            requested_by,
            params: None,
            expires_in: None,
            lease_seconds: None,
            command_id: None,
        }
    }

    /// A stop at the next place that the carrier finds safe.
    pub fn stop_at_next_safe_location(reason: impl Into<String>, requested_by: Requester) -> Result<Self> {
        Self::new("conditional_stop", reason, requested_by).with("condition", "next_safe_location")
    }

    /// The end of the stop that was asked for under `command_ref`.
    pub fn resume(command_ref: &str, reason: impl Into<String>, requested_by: Requester) -> Result<Self> {
        Self::new("resume", reason, requested_by).with("commandRef", command_ref)
    }

    /// A hold at the terminal, which lapses after `lease_seconds` unless it is renewed. What the vehicle does then, the
    /// carrier publishes as `holdLapse`.
    pub fn hold(reason: impl Into<String>, requested_by: Requester, lease_seconds: u32) -> Self {
        Self { lease_seconds: Some(lease_seconds), ..Self::new("hold_at_terminal", reason, requested_by) }
    }

    /// Another lease, from now, for the hold that was asked for under `command_ref`.
    pub fn renew_hold(
        command_ref: &str,
        reason: impl Into<String>,
        requested_by: Requester,
        lease_seconds: u32,
    ) -> Result<Self> {
        Self::hold(reason, requested_by, lease_seconds).with("commandRef", command_ref)
    }

    /// The end of the hold that was asked for under `command_ref`.
    pub fn release(command_ref: &str, reason: impl Into<String>, requested_by: Requester) -> Result<Self> {
        Self::new("release", reason, requested_by).with("commandRef", command_ref)
    }

    /// A person: `human_takeover`, `transfer_hub` or `roadside_service`.
    pub fn intervention(kind: &str, reason: impl Into<String>, requested_by: Requester) -> Result<Self> {
        Self::new("manual_intervention", reason, requested_by).with("kind", kind)
    }

    /// A detour of the capacity's route, by its id.
    pub fn detour(detour_id: &str, reason: impl Into<String>, requested_by: Requester) -> Result<Self> {
        Self::new("route_change", reason, requested_by).with("detourId", detour_id)
    }

    fn with(self, name: &str, value: &str) -> Result<Self> {
        let params = Document::parse(format!("{{{}:{}}}", quote(name), quote(value)))?;
        Ok(Self { params: Some(params), ..self })
    }
}
