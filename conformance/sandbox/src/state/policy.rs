//! How the carrier decides, until control says otherwise: express tenders are accepted at once, standard ones wait for
//! a human.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use gladhand_documents::error::Code;
use gladhand_documents::json::Document;
use serde::Deserialize;

use crate::problem::{Problem, Result};

/// What happens to a tender.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    /// The system accepts.
    Accept,
    /// The system rejects.
    Reject,
    /// The system makes a counter offer.
    Counter,
    /// A human decides, through control.
    Human,
}

/// A decision and what it needs.
#[derive(Clone, Debug)]
pub struct Rule {
    /// What is decided.
    pub decision: Decision,
    /// The reason of a rejection.
    pub reason_code: Option<String>,
    /// The same in words.
    pub reason_text: Option<String>,
    /// The counter offer; the rate of the capacity if absent.
    pub counter: Option<Document>,
    /// How long the system thinks, in business time.
    pub delay: Duration,
}

impl Rule {
    /// A decision at once.
    pub fn of(decision: Decision) -> Self {
        Self { decision, reason_code: None, reason_text: None, counter: None, delay: Duration::ZERO }
    }
}

/// What becomes of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CommandDecision {
    /// Granted, executed, completed.
    Grant,
    /// Refused.
    Refuse,
    /// Acknowledged, and nothing more until control says otherwise.
    Hold,
}

/// The carrier's rules.
pub struct Policy {
    /// What discovery publishes as `decisionSlaSeconds`.
    pub decision_sla_s: u64,
    /// The longest wait that `Prefer: wait=N` may ask for, in seconds; published in discovery.
    pub max_wait_s: u64,
    /// For `mode: express`.
    pub express: Rule,
    /// For `mode: standard`.
    pub standard: Rule,
    /// For tenders against one capacity; goes before the mode.
    pub by_capacity: HashMap<String, Rule>,
    /// Whether changes of what has a revision must say which one they mean (`If-Match`).
    pub tags_required: bool,
    /// Capacities whose lane the client has no contract for.
    pub uncontracted: HashSet<String>,
    /// For commands, by type.
    pub commands: HashMap<String, CommandDecision>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            decision_sla_s: 20,
            max_wait_s: 25,
            express: Rule::of(Decision::Accept),
            standard: Rule::of(Decision::Human),
            by_capacity: HashMap::new(),
            tags_required: false,
            uncontracted: HashSet::new(),
            commands: HashMap::new(),
        }
    }
}

impl Policy {
    /// The rule for a tender.
    pub fn rule(&self, mode: &str, capacity_id: Option<&str>) -> &Rule {
        let by_mode = if mode == "express" { &self.express } else { &self.standard };
        capacity_id.and_then(|id| self.by_capacity.get(id)).unwrap_or(by_mode)
    }

    /// Refuses with `lane_not_contracted` what the client has no contract for.
    pub fn contracted(&self, capacity_id: &str) -> Result<()> {
        if self.uncontracted.contains(capacity_id) {
            let detail = format!("the lane of {capacity_id} is not contracted");
            return Err(Problem::new(Code::LaneNotContracted, detail));
        }
        Ok(())
    }

    /// What becomes of a command of this type.
    pub fn command(&self, kind: &str) -> CommandDecision {
        self.commands.get(kind).copied().unwrap_or(CommandDecision::Grant)
    }
}
