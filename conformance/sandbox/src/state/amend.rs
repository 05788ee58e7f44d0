//! Amendments: the TMS proposes a change of a tender that was accepted, and the carrier confirms or declines it (contract
//! 4b, row 18). An overlay: the tender stays where it is, and its revision rises only with the confirmation.

use gladhand_documents::error::{Code, Violation};
use gladhand_documents::json::{Document, Value};
use jiff::Timestamp;

use crate::problem::{Problem, Result};
use crate::state::Store;
use crate::state::create::Submission;
use crate::state::tender::{Amendment, Key, Tender};
use crate::state::transitions::State;

impl Tender {
    /// Whether exactly this amendment is open, or came to nothing before.
    pub fn knows_amendment(&self, submission: &Submission) -> bool {
        let open = self.proposed.iter().any(|open| open.content == submission.content);
        open || self.void.contains(&submission.content)
    }
}

impl Store {
    /// Takes an amendment; its revision is the next one. `If-Match` says that the sender knows of the acceptance: without
    /// it this is a revision that came too late. Errors: `already_accepted`, `etag_mismatch`, `illegal_transition` for a
    /// delivered tender and for a change of what is released, `revision_content_conflict`, and what refuses a create.
    pub fn amend(&mut self, submission: Submission, now: Timestamp) -> Result<bool> {
        let key = submission.key.clone();
        let refused = self.guard_amendment(&submission, now).err();
        if let Some(problem) = refused {
            return Err(self.about(problem, &key));
        }
        let revision = submission.revision();
        let tender = self.tender_mut(&key)?;
        tender.amendment = "received";
        tender.proposed = Some(Amendment { revision, document: submission.document, content: submission.content });
        self.record(&key, "tender.amendment_received", now, |data| data.number("pendingRevision", revision.into()));
        Ok(false)
    }

    fn guard_amendment(&self, submission: &Submission, now: Timestamp) -> Result<()> {
        let tender = self.tender(&submission.key)?;
        if submission.if_match.is_none() {
            let detail = "the tender was accepted; propose an amendment: the same with If-Match";
            return Err(Problem::new(Code::AlreadyAccepted, detail));
        }
        self.guard_tag(tender, submission)?;
        if tender.state == State::Delivered {
            return Err(tender.state.illegal("amended"));
        }
        if tender.proposed.is_some() {
            return Err(Problem::new(Code::RevisionContentConflict, "another amendment is open"));
        }
        if let Some(broken) = &submission.broken {
            return Err(broken.clone());
        }
        if submission.load_id() != tender.load_id {
            return Err(Problem::violation(Code::SchemaInvalid, "/loadId", "load", "must not change"));
        }
        if submission.document.text("/capacityId") != tender.capacity_id {
            return Err(Problem::violation(Code::SchemaInvalid, "/capacityId", "capacity", "must not change"));
        }
        released(tender, &submission.document)?;
        match tender.capacity_id.as_deref().and_then(|id| self.stock.get(id)) {
            Some(capacity) => crate::state::eligible::fits(&submission.document, capacity, now),
            None => Ok(()),
        }
    }

    /// The carrier answers: `confirmed` or `declined`; or, for the TMS, `withdrawn`.
    pub fn answer_amendment(&mut self, key: &Key, outcome: &'static str, now: Timestamp) -> Result<()> {
        let tender = self.tender(key)?;
        if tender.proposed.is_none() {
            return Err(self.about(tender.state.illegal("amended"), key));
        }
        if outcome != "confirmed" {
            self.void_amendment(key, outcome, now);
            return Ok(());
        }
        let tender = self.tender_mut(key)?;
        let Some(amendment) = tender.proposed.take() else { return Ok(()) };
        tender.amendment = "confirmed";
        tender.revision = amendment.revision;
        tender.contents.push(amendment.content);
        tender.accepted_rate = amendment.document.extract("/rate").as_ref().and_then(super::decide::money);
        tender.document = Some(amendment.document);
        if let Some(dispatch) = &mut tender.dispatch {
            dispatch.revision += 1;
        }
        let rate = tender.accepted_rate.clone();
        self.record(key, "tender.amendment_confirmed", now, |data| data.document_if("acceptedRate", rate.as_ref()));
        Ok(())
    }

    /// Ends an amendment that comes to nothing; its number is free again.
    pub fn void_amendment(&mut self, key: &Key, outcome: &'static str, now: Timestamp) {
        let Some(tender) = self.tenders.get_mut(key) else { return };
        let Some(amendment) = tender.proposed.take() else { return };
        tender.amendment = outcome;
        tender.void.push(amendment.content);
        let event = format!("tender.amendment_{outcome}");
        self.record(key, &event, now, |data| data.number("pendingRevision", amendment.revision.into()));
    }
}

/// Stops between which a leg is released do not change their place, their order or what happens there.
fn released(tender: &Tender, wanted: &Document) -> Result<()> {
    let (Some(dispatch), Some(now)) = (&tender.dispatch, &tender.document) else { return Ok(()) };
    for stop in 0..dispatch.released_stops() {
        let of = |document: &Document, member: &str| {
            document.at(&format!("/stops/{stop}/{member}")).map(|value: Value<'_>| value.raw().to_owned())
        };
        for member in ["stopId", "sequence", "type", "location"] {
            if of(now, member) != of(wanted, member) {
                let path = format!("/stops/{stop}/{member}");
                let message = "must not change: its leg is released".to_owned();
                let broken = Violation { path, code: "released_leg".to_owned(), message };
                return Err(tender.state.illegal("amended").violations(&[broken]));
            }
        }
    }
    Ok(())
}
