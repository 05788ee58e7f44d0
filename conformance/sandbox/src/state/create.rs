//! A tender arrives, or a new revision of one: the business layer of idempotency first, then every guard, then the log.

use gladhand_documents::error::Code;
use gladhand_documents::json::Document;
use gladhand_documents::time::parse_instant;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::api::headers::fits;
use crate::contract::Simulation;
use crate::problem::{Problem, Result};
use crate::state::decide::{By, Outcome};
use crate::state::policy::Decision;
use crate::state::tender::{Key, Tender};
use crate::state::transitions::State;
use crate::state::{Store, eligible};

/// A `LoadTender` as it came in, its structure already checked.
#[derive(Clone, Debug)]
pub struct Submission {
    /// The tender it names.
    pub key: Key,
    /// The document.
    pub document: Document,
    /// SHA-256 of the body as sent.
    pub content: [u8; 32],
    /// The trace it came with.
    pub traceparent: Option<String>,
    /// A rule of the document that is broken, to be recorded as the reason of a rejection.
    pub broken: Option<Problem>,
    /// `If-Match`, as it was sent.
    pub if_match: Option<String>,
}

impl Submission {
    /// The revision that it is.
    pub fn revision(&self) -> u32 {
        self.document.integer("/revision").and_then(|n| u32::try_from(n).ok()).unwrap_or(1)
    }

    /// The load it is for.
    pub fn load_id(&self) -> String {
        self.document.text("/loadId").unwrap_or_default()
    }

    fn capacity_id(&self) -> Option<String> {
        self.document.text("/capacityId")
    }

    fn hold(&self) -> Option<(String, String)> {
        self.capacity_id().zip(self.document.text("/holdId"))
    }
}

impl Store {
    /// Stores a tender. True if exactly this content was there already.
    ///
    /// A refusal of a well-formed tender is stored as well: a later read finds it `rejected`, with its events.
    pub fn create(&mut self, submission: Submission, now: Timestamp) -> Result<bool> {
        let key = submission.key.clone();
        if let Some(existing) = self.find(&key) {
            return same_content(existing, &submission).map_err(|p| self.about(p, &key));
        }
        if submission.revision() != 1 {
            let problem = Problem::new(Code::RevisionGap, "the first revision of a tender is 1");
            return Err(self.about(problem, &key));
        }
        if let Some(capacity) = submission.capacity_id() {
            self.policy.contracted(&capacity).map_err(|p| self.about(p, &key))?;
        }
        let verdict = self.guard(&submission, now);
        let mut tender = Tender::new(key.clone(), submission.load_id(), now);
        fill(&mut tender, &submission);
        self.tenders.put(tender);
        self.record(&key, "tender.received", now, |data| data);
        if self.simulation == Simulation::Later {
            self.record(&key, "shipment.platoon_planned", now, |data| data);
        }
        if let Err(problem) = verdict {
            let outcome = Outcome::reject(eligible::reason(problem.code()), Some(problem.detail().to_owned()));
            self.conclude(&key, outcome, &By::system(), now)?;
            return Err(self.about(problem, &key));
        }
        if let Some((capacity, hold)) = submission.hold() {
            self.bind_hold(&key, &capacity, &hold);
        }
        self.plan_decision(&key, now);
        Ok(false)
    }

    /// Stores a new revision of a tender that is not decided (contract 4b, row 8), or takes an amendment of one that was
    /// accepted. True if it was there already.
    pub fn revise(&mut self, submission: Submission, now: Timestamp) -> Result<bool> {
        let key = submission.key.clone();
        let tender = self.tender(&key)?;
        let wanted = submission.revision();
        if wanted <= tender.revision || tender.knows_amendment(&submission) {
            return same_content(tender, &submission).map_err(|p| self.about(p, &key));
        }
        if wanted != tender.revision + 1 {
            let problem = Problem::new(Code::RevisionGap, format!("the next revision is {}", tender.revision + 1));
            return Err(self.about(problem, &key));
        }
        if matches!(tender.state, State::Accepted | State::Dispatched | State::Enroute | State::Delivered) {
            return self.amend(submission, now);
        }
        self.guard_tag(tender, &submission).map_err(|p| self.about(p, &key))?;
        tender.state.to(State::Pending).map_err(|p| self.about(p, &key))?;
        if submission.load_id() != tender.load_id {
            let problem = Problem::violation(Code::SchemaInvalid, "/loadId", "load", "must not change");
            return Err(self.about(problem, &key));
        }
        self.guard(&submission, now).map_err(|p| self.about(p, &key))?;
        self.close_counter(&key);
        if let Some((capacity, hold)) = submission.hold() {
            self.bind_hold(&key, &capacity, &hold);
        }
        let tender = self.tender_mut(&key)?;
        tender.state = State::Pending;
        tender.revision = wanted;
        tender.decision = None;
        fill(tender, &submission);
        self.record(&key, "tender.revised", now, |data| data);
        self.plan_decision(&key, now);
        Ok(false)
    }

    /// Whether `If-Match` names the tender as it is. Errors: `etag_mismatch`; `etag_required` where it is absent and this
    /// carrier insists on it.
    pub fn guard_tag(&self, tender: &Tender, submission: &Submission) -> Result<()> {
        match &submission.if_match {
            Some(listed) if fits(listed, &tender.tag()) => Ok(()),
            Some(_) => Err(Problem::new(Code::EtagMismatch, format!("the tender has the ETag {}", tender.tag()))),
            None if self.policy.tags_required => Err(Problem::new(Code::EtagRequired, "send If-Match with its ETag")),
            None => Ok(()),
        }
    }

    /// The guards that depend on time, on other tenders and on capacity.
    fn guard(&self, submission: &Submission, now: Timestamp) -> Result<()> {
        if let Some(broken) = &submission.broken {
            return Err(broken.clone());
        }
        eligible::in_time(&submission.document, now)?;
        let load_id = submission.load_id();
        let mut rivals = self.tenders.of_load(&submission.key.tenant, &load_id);
        let rival = rivals.find(|t| t.key != submission.key && t.state.is_live());
        if let Some(rival) = rival {
            let problem = Problem::new(Code::TenderConflict, "another tender covers this load");
            return Err(problem.with("existing", self.existing(rival)));
        }
        let Some(id) = submission.capacity_id() else { return Ok(()) };
        let unknown = || Problem::new(Code::CapacityUnknown, format!("there is no capacity {id}"));
        let capacity = self.stock.get(&id).ok_or_else(unknown)?;
        if let Some((_, hold)) = submission.hold() {
            self.check_hold(&submission.key, &id, &hold)?;
        } else if capacity.left() == 0 && !self.guaranteed(&submission.key, &id) {
            return Err(Problem::new(Code::CapacityCommitted, format!("the capacity {id} is taken")));
        }
        if capacity.window.1 <= now {
            return Err(Problem::new(Code::CapacityCommitted, format!("the offer of {id} has ended")));
        }
        eligible::fits(&submission.document, capacity, now)
    }

    /// Whether the tender's own counter offer has a slot of this capacity already.
    fn guaranteed(&self, key: &Key, capacity_id: &str) -> bool {
        self.find(key).is_some_and(|tender| {
            tender.capacity_id.as_deref() == Some(capacity_id) && tender.counter.as_ref().is_some_and(|c| c.firm)
        })
    }

    /// Sets when the system decides; an express tender that needs no thinking is decided in the same step.
    pub fn plan_decision(&mut self, key: &Key, now: Timestamp) {
        let Some(tender) = self.tenders.get_mut(key) else { return };
        let mode = tender.document.as_ref().and_then(|d| d.text("/mode")).unwrap_or_default();
        let rule = self.policy.rule(&mode, tender.capacity_id.as_deref());
        let delay = SignedDuration::try_from(rule.delay).unwrap_or(SignedDuration::ZERO);
        tender.decide_at = match rule.decision {
            Decision::Human => None,
            _ => now.checked_add(delay).ok(),
        };
        if mode == "express" {
            self.decide_due(now);
        }
    }

    /// Adds what ties a refusal to its tender.
    pub fn about(&self, problem: Problem, key: &Key) -> Problem {
        let problem = problem.with("tenderId", key.tender_id.as_str()).with("logEpoch", self.log_epoch.as_str());
        match self.find(key) {
            Some(tender) if problem.code() != Code::TenderConflict => problem.with("existing", self.existing(tender)),
            _ => problem,
        }
    }

    fn existing(&self, tender: &Tender) -> serde_json::Value {
        json!({
            "tenderId": tender.key.tender_id,
            "state": tender.state.as_str(),
            "location": format!("{}/v1/tenders/{}", self.origin, tender.key.tender_id),
        })
    }
}

/// Puts the content of a submission into its tender.
pub fn fill(tender: &mut Tender, submission: &Submission) {
    tender.respond_by = submission.document.text("/respondBy").and_then(|t| parse_instant(&t).ok());
    tender.capacity_id = submission.capacity_id();
    if tender.traceparent.is_none() {
        tender.traceparent.clone_from(&submission.traceparent);
    }
    tender.document = Some(submission.document.clone());
    tender.contents.push(submission.content);
}

/// Contract 4c, layer ii: the same content is answered as before, everything else is refused by its revision.
fn same_content(existing: &Tender, submission: &Submission) -> Result<bool> {
    if existing.is_tombstone() {
        return Err(Problem::new(Code::TenderWithdrawn, "the tender was withdrawn before it arrived"));
    }
    let wanted = submission.revision();
    if existing.knows_amendment(submission) {
        return Ok(true);
    }
    if let Some(open) = existing.proposed.as_ref().filter(|open| open.revision == wanted) {
        let problem = format!("revision {} is proposed with other content", open.revision);
        return Err(Problem::new(Code::RevisionContentConflict, problem));
    }
    if wanted > existing.revision {
        let next = existing.revision + 1;
        return Err(Problem::new(Code::RevisionGap, format!("revision {next} goes to /revisions/{next}")));
    }
    let known = wanted.checked_sub(1).and_then(|n| existing.contents.get(n as usize));
    if wanted < existing.revision {
        let problem = Problem::new(Code::StaleRevision, format!("revision {} is the current one", existing.revision));
        return Err(problem);
    }
    if known == Some(&submission.content) {
        return Ok(true);
    }
    Err(Problem::new(Code::RevisionContentConflict, format!("revision {wanted} has other content")))
}
