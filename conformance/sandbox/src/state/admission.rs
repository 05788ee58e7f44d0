//! What a command is checked against before the operations centre sees it (contract 4f).

use gladhand_documents::error::Code;
use gladhand_documents::json::{Document, Value};
use gladhand_documents::time::parse_instant;
use jiff::Timestamp;
use serde_json::json;

use crate::problem::{Problem, Result};
use crate::state::Store;
use crate::state::command::{self, Command};
use crate::state::tender::Tender;
use crate::state::transitions::State;

/// So far ahead of ours the clock of the one who asks may be, in seconds.
const SKEW_S: i64 = 300;

impl Store {
    /// The guards of every command. Errors: `illegal_transition`, `clock_skew`, `stale_dispatch`, `command_out_of_order`.
    pub fn guard_command(&self, tender: &Tender, document: &Document, kind: &str, now: Timestamp) -> Result<()> {
        let Some(dispatch) = &tender.dispatch else { return Err(self.unknown(&tender.key)) };
        if !matches!(tender.state, State::Dispatched | State::Enroute) {
            return Err(tender.state.illegal(kind));
        }
        let restricted = ["manual_override", "minimal_risk", "out_of_service"];
        if restricted.contains(&tender.control_mode.as_str()) && kind != "manual_intervention" {
            let problem = Problem::new(Code::IllegalTransition, "in this control mode only an intervention is taken");
            return Err(problem
                .with("from", tender.control_mode.as_str())
                .with("attempted", kind)
                .with("allowed", json!(["manual_intervention"])));
        }
        // Skew does not stop a stop, nor keep a person away (identity §3).
        let issued = document.text("/issuedAt").and_then(|t| parse_instant(&t).ok()).unwrap_or(now);
        let ahead = issued.duration_since(now).as_secs();
        if ahead > SKEW_S && !matches!(kind, "conditional_stop" | "manual_intervention") {
            let detail = format!("issuedAt is {ahead} s ahead of the carrier's clock");
            return Err(Problem::new(Code::ClockSkew, detail).with("offsetS", ahead));
        }
        if document.integer("/expectedDispatchRevision") != Some(dispatch.revision.into()) {
            let detail = format!("the dispatch has revision {}", dispatch.revision);
            return Err(Problem::new(Code::StaleDispatch, detail));
        }
        let sequence = document.integer("/commandSequence").and_then(|n| u64::try_from(n).ok()).unwrap_or(0);
        let last = dispatch.commands.iter().filter(|c| c.was_granted()).map(|c| c.sequence).max();
        if last.is_some_and(|last| sequence <= last) {
            let detail = format!("command {} was granted already", last.unwrap_or(0));
            return Err(Problem::new(Code::CommandOutOfOrder, detail));
        }
        refers(dispatch.commands.as_slice(), document, kind)
    }

    /// Whether a change of route needs somebody's approval. Error: `detour_not_permitted` for a detour that the capacity
    /// does not list, and for any where it permits none (contract 3c: an empty list).
    pub fn route_change(&self, tender: &Tender, document: &Document, kind: &str) -> Result<bool> {
        if kind != "route_change" {
            return Ok(false);
        }
        let capacity = tender.capacity_id.as_deref().and_then(|id| self.stock.get(id));
        let route = capacity.and_then(|c| c.document.at("/route"));
        let lists: Vec<Value<'_>> =
            route.into_iter().flat_map(Value::items).filter_map(|s| s.get("permittedDetours")).collect();
        let refused = |detail: &str| {
            let pointer = if document.at("/params/detourId").is_some() { "/params/detourId" } else { "/params" };
            Problem::violation(Code::DetourNotPermitted, pointer, "detour_not_permitted", detail)
        };
        match document.text("/params/detourId") {
            Some(wanted) => {
                let mut detours = lists.iter().flat_map(|list| list.items());
                let detour = detours.find(|d| d.get("detourId").and_then(Value::text).as_deref() == Some(&wanted));
                let detour = detour.ok_or_else(|| refused("is no detour that the capacity permits"))?;
                Ok(detour.get("needsApproval").and_then(Value::boolean).unwrap_or(false))
            }
            None if !lists.is_empty() && lists.iter().all(|list| list.is_empty()) => {
                Err(refused("asks for another route, and the capacity permits none"))
            }
            None => Ok(true),
        }
    }
}

/// What a command undoes or renews must be there.
fn refers(commands: &[Command], document: &Document, kind: &str) -> Result<()> {
    let Some(of) = document.text("/params/commandRef") else { return Ok(()) };
    let fits = |c: &&Command| c.id == of && (command::inverse(kind) == Some(c.kind.as_str()) || c.kind == kind);
    if commands.iter().any(|c| fits(&c)) {
        return Ok(());
    }
    let message = "must name a command of this dispatch that this one undoes or renews";
    Err(Problem::violation(Code::SchemaInvalid, "/params/commandRef", "reference", message))
}
