//! Decisions: accept, reject, counter; by the system, by a human, or by the clock (contract 4b, rows 3 to 10).

use gladhand_documents::error::Code;
use gladhand_documents::json::Document;
use gladhand_documents::time::parse_instant;
use jiff::Timestamp;

use crate::clock::{plus_seconds, rfc3339};
use crate::object::Object;
use crate::problem::{Problem, Result};
use crate::random;
use crate::state::Store;
use crate::state::policy::Decision;
use crate::state::tender::{Counter, Key, Tender};
use crate::state::transitions::State;

/// How long after `respondBy` a tender without decision expires, in seconds (contract 4b, row 10).
const GRACE_S: i64 = 30;
/// How long a counter offer holds, in seconds, unless it says otherwise.
const COUNTER_S: i64 = 900;

/// What is decided.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// The carrier takes the load.
    Accept,
    /// The carrier does not; with reason code and words.
    Reject(String, Option<String>),
    /// The carrier would, on other terms.
    Counter(Option<Document>),
}

impl Outcome {
    /// A rejection.
    pub fn reject(code: &str, text: Option<String>) -> Self {
        Self::Reject(code.to_owned(), text)
    }
}

/// Who decides.
#[derive(Clone, Debug)]
pub struct By {
    kind: &'static str,
    id: String,
}

impl By {
    /// The carrier's rules.
    pub fn system() -> Self {
        Self { kind: "system", id: "rules".to_owned() }
    }

    /// A person.
    pub fn human(id: &str) -> Self {
        Self { kind: "human", id: id.to_owned() }
    }
}

impl Tender {
    /// The instants at which the clock or the system decides about it.
    pub fn decision_deadlines(&self) -> impl Iterator<Item = Timestamp> {
        let pending = self.state == State::Pending;
        let decide = self.decide_at.filter(|_| pending);
        let expire = self.respond_by.filter(|_| pending).map(expires);
        let counter = self.counter.as_ref().filter(|_| self.state == State::Countered).map(|c| c.valid_until);
        [decide, expire, counter].into_iter().flatten()
    }
}

fn expires(respond_by: Timestamp) -> Timestamp {
    plus_seconds(respond_by, GRACE_S)
}

impl Store {
    /// Commits a decision. An acceptance whose capacity is gone by now becomes a rejection (`capacity_gone`).
    pub fn conclude(&mut self, key: &Key, outcome: Outcome, by: &By, now: Timestamp) -> Result<()> {
        match outcome {
            Outcome::Accept => self.accept(key, by, now),
            Outcome::Reject(code, text) => self.reject(key, &code, text.as_deref(), by, now),
            Outcome::Counter(counter) => self.counter(key, counter, by, now),
        }
    }

    fn accept(&mut self, key: &Key, by: &By, now: Timestamp) -> Result<()> {
        let tender = self.tender(key)?;
        tender.state.to(State::Accepted).map_err(|p| self.about(p, key))?;
        if tender.state == State::Pending && tender.respond_by.is_some_and(|until| now > until) {
            let problem = Problem::new(Code::RespondByPast, "respondBy has passed; the tender expires");
            return Err(self.about(problem, key));
        }
        let agreed = match &tender.counter {
            Some(counter) => counter.rate.clone().or_else(|| tender.offered_rate()),
            None => tender.offered_rate(),
        };
        let guaranteed = tender.counter.as_ref().is_some_and(|counter| counter.firm);
        if let Some(capacity) = tender.capacity_id.clone()
            && !guaranteed
            && !self.take_slot(key, &capacity)
        {
            return self.reject(key, "capacity_gone", Some("the capacity was taken meanwhile"), by, now);
        }
        let reference = format!("PRO-{:07}", self.feed.len() + 1);
        let tender = self.tender_mut(key)?;
        let decision = decision(tender, "accepted", by, now).text("carrierLoadRef", &reference).document();
        tender.state = State::Accepted;
        tender.counter = None;
        tender.decide_at = None;
        tender.accepted_rate = agreed.as_ref().and_then(money);
        tender.decision = Some(decision.clone());
        let rate = tender.accepted_rate.clone();
        self.record(key, "tender.accepted", now, |data| {
            data.raw("decision", decision.as_str()).document_if("acceptedRate", rate.as_ref())
        });
        Ok(())
    }

    fn reject(&mut self, key: &Key, code: &str, text: Option<&str>, by: &By, now: Timestamp) -> Result<()> {
        self.tender(key)?.state.to(State::Rejected).map_err(|p| self.about(p, key))?;
        self.close_counter(key);
        let tender = self.tender_mut(key)?;
        let decision =
            decision(tender, "rejected", by, now).text("reasonCode", code).text_if("reasonText", text).document();
        tender.state = State::Rejected;
        tender.decide_at = None;
        tender.decision = Some(decision.clone());
        self.record(key, "tender.rejected", now, |data| data.raw("decision", decision.as_str()));
        Ok(())
    }

    fn counter(&mut self, key: &Key, wanted: Option<Document>, by: &By, now: Timestamp) -> Result<()> {
        let tender = self.tender(key)?;
        tender.state.to(State::Countered).map_err(|p| self.about(p, key))?;
        let own_rate = || self.stock.get(tender.capacity_id.as_deref()?)?.document.extract("/rate");
        let wanted = wanted.unwrap_or_else(Document::object);
        let rate = wanted.extract("/rate").or_else(own_rate);
        let valid_until = wanted
            .text("/validUntil")
            .and_then(|t| parse_instant(&t).ok())
            .unwrap_or_else(|| plus_seconds(now, COUNTER_S));
        let id = wanted.text("/counterId").unwrap_or_else(|| random::id("ctr-"));
        // A guarantee is a slot that is taken before anyone is told of it (row 7).
        let firm = wanted.boolean("/firm") == Some(true);
        if firm
            && let Some(capacity) = tender.capacity_id.clone()
            && !self.take_slot(key, &capacity)
        {
            return self.reject(key, "capacity_gone", Some("the capacity was taken meanwhile"), by, now);
        }
        let mut offer = Object::new().text("counterId", &id);
        for (name, value) in wanted.root().members() {
            if !matches!(name, "counterId" | "rate" | "validUntil") {
                offer = offer.raw(name, value.raw());
            }
        }
        let offer = offer.document_if("rate", rate.as_ref()).text("validUntil", &rfc3339(valid_until)).document();
        let tender = self.tender_mut(key)?;
        let decision = decision(tender, "countered", by, now).raw("counter", offer.as_str()).document();
        tender.state = State::Countered;
        tender.decide_at = None;
        tender.counter = Some(Counter { id, valid_until, firm, rate });
        tender.decision = Some(decision.clone());
        self.record(key, "tender.countered", now, |data| data.raw("decision", decision.as_str()));
        Ok(())
    }

    /// The TMS takes a counter offer; the carrier commits, or rejects where the capacity is gone (row 7).
    pub fn accept_counter(&mut self, key: &Key, counter_id: &str, now: Timestamp) -> Result<()> {
        self.open_counter(key, counter_id, now)?;
        self.record(key, "tender.counter_accepted", now, |data| data.text("counterId", counter_id));
        self.accept(key, &By::system(), now)
    }

    /// The TMS declines a counter offer (row 9).
    pub fn decline_counter(&mut self, key: &Key, counter_id: &str, now: Timestamp) -> Result<()> {
        self.open_counter(key, counter_id, now)?;
        self.close_counter(key);
        self.tender_mut(key)?.state = State::Rejected;
        self.record(key, "tender.rejected", now, |data| data.text("by", "tms").text("counterId", counter_id));
        Ok(())
    }

    /// Ends a counter offer that nobody took, and gives the slot back that it guaranteed.
    pub fn close_counter(&mut self, key: &Key) {
        let Some(tender) = self.tenders.get_mut(key) else { return };
        let firm = tender.counter.take().is_some_and(|counter| counter.firm);
        if firm && let Some(capacity) = tender.capacity_id.clone() {
            self.stock.release(&capacity);
        }
    }

    fn open_counter(&self, key: &Key, counter_id: &str, now: Timestamp) -> Result<()> {
        let tender = self.tender(key)?;
        match &tender.counter {
            Some(counter) if counter.id == counter_id && counter.valid_until >= now => Ok(()),
            Some(counter) if counter.id == counter_id => {
                Err(self.about(Problem::new(Code::CounterExpired, "the counter offer has lapsed"), key))
            }
            Some(_) => Err(self.about(Problem::new(Code::CounterExpired, "another counter offer is open"), key)),
            None if tender.state == State::Expired => {
                Err(self.about(Problem::new(Code::CounterExpired, "the counter offer has lapsed"), key))
            }
            None => Err(self.about(tender.state.illegal("accepted"), key)),
        }
    }

    /// Decisions of the system that are due.
    pub fn decide_due(&mut self, now: Timestamp) {
        let due = |t: &&mut Tender| t.state == State::Pending && t.decide_at.is_some_and(|at| at <= now);
        for key in self.tenders.due(now) {
            let Some(tender) = self.tenders.get_mut(&key).filter(due) else { continue };
            tender.decide_at = None;
            let mode = tender.document.as_ref().and_then(|d| d.text("/mode")).unwrap_or_default();
            let rule = self.policy.rule(&mode, tender.capacity_id.as_deref());
            let outcome = match rule.decision {
                Decision::Human => continue,
                Decision::Accept => Outcome::Accept,
                Decision::Reject => {
                    let code = rule.reason_code.clone().unwrap_or_else(|| "other".to_owned());
                    Outcome::Reject(code, rule.reason_text.clone())
                }
                Decision::Counter => Outcome::Counter(rule.counter.clone()),
            };
            // Nothing to do about a refusal: the tender keeps its state and expires in time.
            if let Err(problem) = self.conclude(&key, outcome, &By::system(), now) {
                tracing::debug!(code = %problem.code(), "the planned decision is not possible any more");
            }
        }
    }

    /// Tenders whose time is over (rows 9 and 10).
    pub fn expire_due(&mut self, now: Timestamp) {
        let due = |t: &Tender| match t.state {
            State::Pending => t.respond_by.is_some_and(|until| now > expires(until)),
            State::Countered => t.counter.as_ref().is_some_and(|counter| now > counter.valid_until),
            _ => false,
        };
        for key in self.tenders.due(now) {
            if !self.find(&key).is_some_and(due) {
                continue;
            }
            self.close_counter(&key);
            if let Some(tender) = self.tenders.get_mut(&key) {
                tender.state = State::Expired;
            }
            self.record(&key, "tender.expired", now, |data| data);
        }
    }
}

fn decision(tender: &Tender, outcome: &str, by: &By, now: Timestamp) -> Object {
    Object::new()
        .text("schemaVersion", "1.0.0")
        .text("tenderId", &tender.key.tender_id)
        .number("revision", tender.revision.into())
        .text("outcome", outcome)
        .text("decidedAt", &rfc3339(now))
        .raw("decidedBy", &Object::new().text("kind", by.kind).text("id", &by.id).finish())
}

/// Currency and amount of a rate, the amount as the lexeme it came as.
pub fn money(rate: &Document) -> Option<Document> {
    let currency = rate.text("/currency")?;
    Some(Object::new().text("currency", &currency).raw("amount", rate.at("/amount")?.raw()).document())
}
