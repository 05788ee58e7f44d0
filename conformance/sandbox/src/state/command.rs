//! Commands: wishes of the TMS that the carrier's operations centre decides on (contract 4f). Never actuation.
//!
//! requested → acknowledged → queued | granted | refused → executing → completed | failed; also expired and revoked. A hold is
//! executed until it is released, renewed by another, or until its lease lapses.

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

/// Business time from grant to execution, and from execution to completion.
const TO_EXECUTE: SignedDuration = SignedDuration::from_millis(200);
const TO_COMPLETE: SignedDuration = SignedDuration::from_millis(1_000);

/// How far a command got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum State {
    Acknowledged,
    Queued,
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
            Self::Queued => "queued",
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
        [Queued, Granted, Refused, Executing, Completed, Failed, Expired, Revoked]
            .into_iter()
            .find(|state| state.as_str() == text)
    }

    /// Where it may go next; `leased` is a hold, which ends when its lease lapses.
    pub const fn next(self, leased: bool) -> &'static [Self] {
        match self {
            Acknowledged => &[Queued, Granted, Refused, Expired, Revoked, Failed],
            Queued => &[Granted, Refused, Expired, Revoked, Failed],
            Granted => &[Executing, Revoked, Failed],
            Executing if leased => &[Completed, Failed, Expired],
            Executing => &[Completed, Failed],
            Refused | Completed | Failed | Expired | Revoked => &[],
        }
    }

    /// Whether the carrier has not decided yet.
    const fn is_undecided(self) -> bool {
        matches!(self, Acknowledged | Queued)
    }
}

use State::{Acknowledged, Completed, Executing, Expired, Failed, Granted, Queued, Refused, Revoked};

/// A command and what became of it.
#[derive(Clone, Debug)]
pub struct Command {
    /// Its id.
    pub id: String,
    /// Its type.
    pub kind: String,
    /// How far it got.
    pub state: State,
    /// Its place in the order of the dispatch's commands.
    pub sequence: u64,
    content: [u8; 32],
    requested_at: Timestamp,
    updated_at: Timestamp,
    expires_at: Timestamp,
    reason: Option<String>,
    outcome: Option<String>,
    /// How long a hold lasts without renewal.
    lease: Option<SignedDuration>,
    granted: bool,
    lease_until: Option<Timestamp>,
    /// The command that it undoes or renews.
    of: Option<String>,
    next: Option<(Timestamp, State)>,
    /// Who took it back and why, as it was said.
    revocation: Option<Document>,
}

impl Command {
    /// Who took it back and why.
    pub fn revocation(&self) -> Option<&Document> {
        self.revocation.as_ref()
    }

    /// Whether the carrier has granted it, whatever came of it.
    pub fn was_granted(&self) -> bool {
        self.granted
    }

    /// When something happens to it by itself.
    pub fn deadline(&self) -> Option<Timestamp> {
        let expiry = self.state.is_undecided().then_some(self.expires_at);
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
            .text_if("outcome", self.outcome.as_deref())
            .text_if("leaseUntil", self.lease_until.map(rfc3339).as_deref());
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
        self.granted |= state == Granted;
        self.next = match state {
            Granted => Some((due.saturating_add(TO_EXECUTE).unwrap_or(due), Executing)),
            Executing => match self.lease {
                Some(lease) => Some((due.saturating_add(lease).unwrap_or(due), Expired)),
                None => Some((due.saturating_add(TO_COMPLETE).unwrap_or(due), Completed)),
            },
            _ => None,
        };
        if state == Executing {
            self.lease_until = self.lease.and(self.next).map(|(at, _)| at);
        }
        match state {
            Completed if self.outcome.is_none() => self.outcome = Some(outcome(&self.kind).to_owned()),
            Expired if self.lease_until.is_some() => self.outcome = Some("the lease has lapsed".to_owned()),
            Refused if self.reason.is_none() => {
                self.reason = Some("the operations centre does not find it safe now".to_owned());
            }
            Failed if self.reason.is_none() => self.reason = Some("the shipment has ended".to_owned()),
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

/// The type that undoes a type; none for what nothing undoes.
pub fn inverse(kind: &str) -> Option<&'static str> {
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
    /// The instants at which something happens to a command by itself: at once where the shipment has ended under it.
    pub fn command_deadlines(&self) -> impl Iterator<Item = Timestamp> {
        let ended = !self.state.is_live();
        let commands = self.dispatch.iter().flat_map(|d| &d.commands).filter(|c| !c.state.next(false).is_empty());
        commands.filter_map(move |command| if ended { Some(Timestamp::MIN) } else { command.deadline() })
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

    /// A command.
    pub fn command(&self, command_id: &str) -> Option<&Command> {
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
        self.guard_command(tender, document, &kind, now).map_err(|p| self.about(p, key))?;
        let approval = self.route_change(tender, document, &kind).map_err(|p| self.about(p, key))?;
        let sequence = document.integer("/commandSequence").and_then(|n| u64::try_from(n).ok()).unwrap_or(0);
        let expires_at = document.text("/expiresAt").and_then(|t| parse_instant(&t).ok()).unwrap_or(now);
        let next = if approval { Some((now, Queued)) } else { planned(self.policy.command(&kind), now) };
        let lease = document.integer("/leaseS").filter(|_| kind == "hold_at_terminal");
        let command = Command {
            id: id.clone(),
            kind,
            state: Acknowledged,
            sequence,
            content,
            requested_at: now,
            updated_at: now,
            expires_at,
            reason: None,
            outcome: None,
            lease: lease.map(SignedDuration::from_secs),
            granted: false,
            lease_until: None,
            of: document.text("/params/commandRef"),
            next,
            revocation: None,
        };
        if let Some(dispatch) = &mut self.tender_mut(key)?.dispatch {
            dispatch.commands.push(command);
        }
        self.record_command(key, &id, now);
        Ok(false)
    }

    /// Takes a command back for whoever says so. What was taken back before keeps what was said then.
    pub fn revoke_command(
        &mut self,
        key: &Key,
        command_id: &str,
        said: Option<Document>,
        now: Timestamp,
    ) -> Result<()> {
        self.step_command(key, command_id, Revoked, said, now)
    }

    /// Moves a command on; refused where the lifecycle has no such step.
    pub fn move_command(&mut self, key: &Key, command_id: &str, to: State, now: Timestamp) -> Result<()> {
        self.step_command(key, command_id, to, None, now)
    }

    fn step_command(
        &mut self,
        key: &Key,
        command_id: &str,
        to: State,
        said: Option<Document>,
        now: Timestamp,
    ) -> Result<()> {
        let unknown = || Problem::new(Code::NotFound, format!("there is no command {command_id}"));
        let tender = self.tender_mut(key)?;
        let commands = tender.dispatch.as_mut().map(|d| &mut d.commands).ok_or_else(unknown)?;
        let command = commands.iter_mut().find(|c| c.id == command_id).ok_or_else(unknown)?;
        if command.state == to {
            return Ok(());
        }
        let next = command.state.next(command.lease.is_some());
        if !next.contains(&to) {
            let allowed: Vec<&str> = next.iter().map(|s| s.as_str()).collect();
            let from = command.state.as_str();
            return Err(Problem::new(Code::IllegalTransition, format!("the command is {from}"))
                .with("from", from)
                .with("attempted", to.as_str())
                .with("allowed", serde_json::json!(allowed)));
        }
        if let Some(said) = said {
            command.reason = said.text("/reason");
            command.revocation = Some(said);
        }
        command.enter(to, now);
        let (kind, of) = (command.kind.clone(), command.of.clone());
        self.record_command(key, command_id, now);
        self.take_effect(key, &kind, of.as_deref(), to, now);
        Ok(())
    }

    /// What a command does to the dispatch: a changed route or stop makes a new revision of it, a hold that is released or
    /// renewed has done its work.
    fn take_effect(&mut self, key: &Key, kind: &str, of: Option<&str>, state: State, now: Timestamp) {
        let Some(dispatch) = self.tenders.get_mut(key).and_then(|t| t.dispatch.as_mut()) else { return };
        if state == Completed && matches!(kind, "route_change" | "reschedule_stop") {
            dispatch.revision += 1;
        }
        if state != Executing || !matches!(kind, "hold_at_terminal" | "release") {
            return;
        }
        let held = |c: &&mut Command| Some(c.id.as_str()) == of && c.lease.is_some() && c.state == Executing;
        let Some(hold) = dispatch.commands.iter_mut().find(held) else { return };
        hold.outcome = Some(if kind == "release" { "released" } else { "renewed" }.to_owned());
        hold.enter(Completed, now);
        let id = hold.id.clone();
        self.record_command(key, &id, now);
    }

    /// Lets a change of policy reach the commands that wait for it.
    pub fn replan_commands(&mut self, now: Timestamp) {
        let dispatched = self.tenders.all().filter(|tender| tender.dispatch.is_some());
        for key in dispatched.map(|tender| tender.key.clone()).collect::<Vec<Key>>() {
            let dispatch = self.tenders.get_mut(&key).and_then(|tender| tender.dispatch.as_mut());
            for command in dispatch.into_iter().flat_map(|dispatch| &mut dispatch.commands) {
                // What waits for somebody's approval goes on waiting for it.
                let queued = command.next.is_some_and(|(_, to)| to == Queued);
                if command.state == Acknowledged && !queued {
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

    /// The step that was due first.
    fn due_command(&mut self, now: Timestamp) -> Option<(Key, String, State)> {
        let due = self.tenders.due(now);
        let steps = due.iter().filter_map(|key| self.tenders.get(key)).flat_map(|tender| {
            let commands = tender.dispatch.iter().flat_map(|d| &d.commands);
            commands.filter(|c| !c.state.next(false).is_empty()).filter_map(move |command| {
                let (at, to) = match command.next {
                    _ if !tender.state.is_live() => (now, Failed),
                    _ if command.state.is_undecided() && command.expires_at <= now => (command.expires_at, Expired),
                    Some((at, to)) if at <= now => (at, to),
                    _ => return None,
                };
                Some((at, tender, command, to))
            })
        });
        let (_, tender, command, to) = steps.min_by_key(|(at, ..)| *at)?;
        Some((tender.key.clone(), command.id.clone(), to))
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
        CommandDecision::Grant => Some((now, Granted)),
        CommandDecision::Refuse => Some((now, Refused)),
        CommandDecision::Hold => None,
    }
}
