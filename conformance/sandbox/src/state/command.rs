//! Commands: wishes of the TMS that the carrier's operations centre decides on (contract 4f). Never actuation.
//!
//! requested → acknowledged → granted | refused → executing → completed | failed; also expired and revoked.

use gladhand_documents::error::Code;
use gladhand_documents::json::Document;
use gladhand_documents::time::parse_instant;
use jiff::{SignedDuration, Timestamp};

use crate::clock::rfc3339;
use crate::object::Object;
use crate::problem::{Problem, Result};
use crate::state::Store;
use crate::state::policy::CommandDecision;
use crate::state::tender::{Key, Tender};
use crate::state::transitions::State as TenderState;

/// Business time from grant to execution, and from execution to completion.
const TO_EXECUTE: SignedDuration = SignedDuration::from_millis(200);
const TO_COMPLETE: SignedDuration = SignedDuration::from_millis(1_000);

/// How far a command got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum State {
    Acknowledged,
    Granted,
    Refused,
    Executing,
    Completed,
    Failed,
    Expired,
    Revoked,
}

impl State {
    /// As the contract writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Acknowledged => "acknowledged",
            Self::Granted => "granted",
            Self::Refused => "refused",
            Self::Executing => "executing",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
        }
    }

    /// The state of this name.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Granted, Self::Refused, Self::Executing, Self::Completed, Self::Failed, Self::Expired, Self::Revoked]
            .into_iter()
            .find(|state| state.as_str() == text)
    }

    /// Where it may go next.
    pub const fn next(self) -> &'static [Self] {
        match self {
            Self::Acknowledged => &[Self::Granted, Self::Refused, Self::Expired, Self::Revoked, Self::Failed],
            Self::Granted => &[Self::Executing, Self::Revoked, Self::Failed],
            Self::Executing => &[Self::Completed, Self::Failed],
            Self::Refused | Self::Completed | Self::Failed | Self::Expired | Self::Revoked => &[],
        }
    }
}

/// A command and what became of it.
#[derive(Clone, Debug)]
pub struct Command {
    /// Its id.
    pub id: String,
    /// Its type.
    pub kind: String,
    /// How far it got.
    pub state: State,
    sequence: u64,
    content: [u8; 32],
    requested_at: Timestamp,
    updated_at: Timestamp,
    expires_at: Timestamp,
    reason: Option<String>,
    outcome: Option<String>,
    next: Option<(Timestamp, State)>,
}

impl Command {
    /// When something happens to it by itself.
    pub fn deadline(&self) -> Option<Timestamp> {
        let expiry = (self.state == State::Acknowledged).then_some(self.expires_at);
        self.next.map(|(at, _)| at).into_iter().chain(expiry).min()
    }

    /// `CommandStatus`.
    pub fn status(&self, dispatch_id: &str, tender_id: &str) -> String {
        let status = Object::new()
            .text("schemaVersion", "1.0.0")
            .text("commandId", &self.id)
            .text("dispatchId", dispatch_id)
            .text("tenderId", tender_id)
            .text("type", &self.kind)
            .text("state", self.state.as_str())
            .text("requestedAt", &rfc3339(self.requested_at))
            .text("updatedAt", &rfc3339(self.updated_at))
            .text("expiresAt", &rfc3339(self.expires_at))
            .number("commandSequence", self.sequence)
            .text_if("reason", self.reason.as_deref())
            .text_if("outcome", self.outcome.as_deref());
        match inverse(&self.kind) {
            Some(inverse) => status.text("inverse", inverse).raw("irreversible", "false"),
            None => status.raw("irreversible", "true"),
        }
        .finish()
    }

    /// The plan goes on from when this step was due, so that pushing the clock far ahead runs all of it.
    fn enter(&mut self, state: State, now: Timestamp) {
        let due = self.next.filter(|(at, to)| *at <= now && *to == state).map_or(now, |(at, _)| at);
        self.state = state;
        self.updated_at = now;
        self.next = match state {
            State::Granted => Some((due.saturating_add(TO_EXECUTE).unwrap_or(due), State::Executing)),
            State::Executing => Some((due.saturating_add(TO_COMPLETE).unwrap_or(due), State::Completed)),
            _ => None,
        };
        match state {
            State::Completed => self.outcome = Some(outcome(&self.kind).to_owned()),
            State::Refused if self.reason.is_none() => {
                self.reason = Some("the operations centre does not find it safe now".to_owned());
            }
            State::Failed if self.reason.is_none() => self.reason = Some("the shipment has ended".to_owned()),
            _ => {}
        }
    }
}

/// The scope that a command of this type takes.
pub fn scope(kind: &str) -> &'static str {
    match kind {
        "conditional_stop" => "command:stop",
        "resume" => "command:resume",
        "manual_intervention" => "command:intervention",
        "hold_at_terminal" | "release" => "command:hold",
        _ => "command:route",
    }
}

fn inverse(kind: &str) -> Option<&'static str> {
    match kind {
        "conditional_stop" => Some("resume"),
        "resume" => Some("conditional_stop"),
        "hold_at_terminal" => Some("release"),
        "release" => Some("hold_at_terminal"),
        "route_change" => Some("route_change"),
        "reschedule_stop" => Some("reschedule_stop"),
        _ => None,
    }
}

fn outcome(kind: &str) -> &'static str {
    match kind {
        "conditional_stop" => "stopped at the next safe location: rest area, I-45, mile 219",
        "resume" => "under way again",
        "manual_intervention" => "a person is with the vehicle",
        "hold_at_terminal" => "held at the terminal",
        "release" => "released from the terminal",
        "reschedule_stop" => "the stop was rescheduled",
        _ => "the route was changed",
    }
}

impl Tender {
    /// The instants at which something happens to a command by itself.
    pub fn command_deadlines(&self) -> impl Iterator<Item = Timestamp> {
        self.dispatch.iter().flat_map(|d| d.commands.iter().filter_map(Command::deadline))
    }

    /// The status of a command.
    pub fn command_status(&self, command_id: &str) -> Option<String> {
        let dispatch = self.dispatch.as_ref()?;
        let command = dispatch.commands.iter().find(|c| c.id == command_id)?;
        Some(command.status(&dispatch.id, &self.key.tender_id))
    }

    /// The type of a command.
    pub fn command_kind(&self, command_id: &str) -> Option<String> {
        Some(self.command(command_id)?.kind.clone())
    }

    fn command(&self, command_id: &str) -> Option<&Command> {
        self.dispatch.as_ref()?.commands.iter().find(|c| c.id == command_id)
    }
}

impl Store {
    /// Takes a command. True if exactly this one was there already.
    pub fn request_command(
        &mut self,
        key: &Key,
        document: &Document,
        content: [u8; 32],
        now: Timestamp,
    ) -> Result<bool> {
        let id = document.text("/commandId").unwrap_or_default();
        let kind = document.text("/type").unwrap_or_default();
        let tender = self.tender(key)?;
        if let Some(known) = tender.command(&id) {
            if known.content == content {
                return Ok(true);
            }
            let problem = Problem::new(Code::RevisionContentConflict, "the command id was used with other content");
            return Err(self.about(problem, key));
        }
        self.guard_command(tender, document, &kind)?;
        let sequence = document.integer("/commandSequence").and_then(|n| u64::try_from(n).ok()).unwrap_or(0);
        let expires_at = document.text("/expiresAt").and_then(|t| parse_instant(&t).ok()).unwrap_or(now);
        let decision = self.policy.command(&kind);
        let command = Command {
            id: id.clone(),
            kind,
            state: State::Acknowledged,
            sequence,
            content,
            requested_at: now,
            updated_at: now,
            expires_at,
            reason: None,
            outcome: None,
            next: planned(decision, now),
        };
        if let Some(dispatch) = &mut self.tender_mut(key)?.dispatch {
            dispatch.commands.push(command);
        }
        self.record_command(key, &id, now);
        Ok(false)
    }

    fn guard_command(&self, tender: &Tender, document: &Document, kind: &str) -> Result<()> {
        let key = &tender.key;
        let Some(dispatch) = &tender.dispatch else { return Err(self.unknown(key)) };
        if !matches!(tender.state, TenderState::Dispatched | TenderState::Enroute) {
            return Err(self.about(tender.state.illegal(kind), key));
        }
        let restricted = ["manual_override", "minimal_risk", "out_of_service"];
        if restricted.contains(&tender.control_mode.as_str()) && kind != "manual_intervention" {
            let problem = Problem::new(Code::IllegalTransition, "in this control mode only an intervention is taken")
                .with("from", tender.control_mode.as_str())
                .with("attempted", kind)
                .with("allowed", serde_json::json!(["manual_intervention"]));
            return Err(self.about(problem, key));
        }
        if document.integer("/expectedDispatchRevision") != Some(dispatch.revision.into()) {
            let detail = format!("the dispatch has revision {}", dispatch.revision);
            return Err(self.about(Problem::new(Code::StaleDispatch, detail), key));
        }
        let sequence = document.integer("/commandSequence").unwrap_or(0);
        let granted = |c: &&Command| !matches!(c.state, State::Acknowledged | State::Refused | State::Expired);
        let last = dispatch.commands.iter().filter(granted).map(|c| c.sequence as i64).max();
        if last.is_some_and(|last| sequence <= last) {
            let detail = format!("command {} was granted already", last.unwrap_or(0));
            return Err(self.about(Problem::new(Code::CommandOutOfOrder, detail), key));
        }
        Ok(())
    }

    /// Moves a command on; refused where the lifecycle has no such step.
    pub fn move_command(&mut self, key: &Key, command_id: &str, to: State, now: Timestamp) -> Result<()> {
        let unknown = || Problem::new(Code::NotFound, format!("there is no command {command_id}"));
        let tender = self.tender_mut(key)?;
        let commands = tender.dispatch.as_mut().map(|d| &mut d.commands).ok_or_else(unknown)?;
        let command = commands.iter_mut().find(|c| c.id == command_id).ok_or_else(unknown)?;
        if command.state == to {
            return Ok(());
        }
        if !command.state.next().contains(&to) {
            let allowed: Vec<&str> = command.state.next().iter().map(|s| s.as_str()).collect();
            let from = command.state.as_str();
            return Err(Problem::new(Code::IllegalTransition, format!("the command is {from}"))
                .with("from", from)
                .with("attempted", to.as_str())
                .with("allowed", serde_json::json!(allowed)));
        }
        command.enter(to, now);
        self.record_command(key, command_id, now);
        Ok(())
    }

    /// Lets a change of policy reach the commands that wait for it.
    pub fn replan_commands(&mut self, now: Timestamp) {
        for tender in self.tenders.values_mut() {
            for command in tender.dispatch.iter_mut().flat_map(|d| &mut d.commands) {
                if command.state == State::Acknowledged {
                    command.next = planned(self.policy.command(&command.kind), now);
                }
            }
        }
    }

    /// Steps that are due: the plan, the expiry, and the end of a shipment under a running command.
    pub fn step_commands(&mut self, now: Timestamp) {
        while let Some((key, id, to)) = self.due_command(now) {
            if self.move_command(&key, &id, to, now).is_err() {
                return;
            }
        }
    }

    fn due_command(&self, now: Timestamp) -> Option<(Key, String, State)> {
        self.tenders.values().find_map(|tender| {
            let commands = tender.dispatch.iter().flat_map(|d| &d.commands);
            commands.filter(|c| !c.state.next().is_empty()).find_map(|command| {
                let to = match command.next {
                    _ if !tender.state.is_live() => State::Failed,
                    _ if command.state == State::Acknowledged && command.expires_at <= now => State::Expired,
                    Some((at, to)) if at <= now => to,
                    _ => return None,
                };
                Some((tender.key.clone(), command.id.clone(), to))
            })
        })
    }

    fn record_command(&mut self, key: &Key, command_id: &str, now: Timestamp) {
        let Some(tender) = self.tenders.get(key) else { return };
        let Some((status, command)) = tender.command_status(command_id).zip(tender.command(command_id)) else { return };
        let kind = format!("command.{}", command.state.as_str());
        self.record(key, &kind, now, |data| data.raw("command", &status));
    }
}

fn planned(decision: CommandDecision, now: Timestamp) -> Option<(Timestamp, State)> {
    match decision {
        CommandDecision::Grant => Some((now, State::Granted)),
        CommandDecision::Refuse => Some((now, State::Refused)),
        CommandDecision::Hold => None,
    }
}
