//! A tender's history folded into its state and overlays (contract 4a, 4b). The fold of the same events is the same on
//! both sides; that is what the history digest proves.

use gladhand_documents::error::{Code, Error, Result};
use gladhand_documents::json::{Document, quote};
use gladhand_documents::model::dispatch::ControlMode;
use gladhand_documents::model::wire::{Amendment, Cancellation, TenderState};

use super::event::Incoming;
use super::history;
use super::state::Step;

/// State and overlays of one tender after `last_sequence` events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fold {
    /// The tender.
    pub tender_id: String,
    /// The state; `offer` until the carrier's first event.
    pub state: TenderState,
    /// The current revision.
    pub revision: u32,
    /// Who is in control of the vehicle, once the carrier said so.
    pub control_mode: Option<ControlMode>,
    /// Overlay: a cancellation after acceptance.
    pub cancellation: Cancellation,
    /// Overlay: an amendment after acceptance.
    pub amendment: Amendment,
    /// Overlay: open exceptions by id, as the carrier wrote them.
    pub exceptions: Vec<(String, Document)>,
    /// The carrier's decision, as it wrote it.
    pub decision: Option<Document>,
    /// The dispatch.
    pub dispatch_id: Option<String>,
    /// The last sequence folded; 0 for none.
    pub last_sequence: u64,
    /// The digest of the history up to there.
    pub history_digest: [u8; 32],
    /// When the last event occurred, as the carrier wrote it.
    pub occurred_at: Option<String>,
}

impl Fold {
    /// A tender of which the carrier has said nothing yet.
    pub fn new(tender_id: &str, revision: u32) -> Self {
        Self {
            tender_id: tender_id.to_owned(),
            state: TenderState::Offer,
            revision,
            control_mode: None,
            cancellation: Cancellation::None,
            amendment: Amendment::None,
            exceptions: Vec::new(),
            decision: None,
            dispatch_id: None,
            last_sequence: 0,
            history_digest: history::start(tender_id),
            occurred_at: None,
        }
    }

    /// Folds the next event.
    ///
    /// Errors: `event_illegal` where table 4b has no such transition, or where a decision contradicts the event that
    /// carries it; the fold is then unchanged and the tender has diverged. `history_diverged` for an event that is not
    /// the next one, which the caller should have parked.
    pub fn apply(&mut self, event: &Incoming) -> Result<()> {
        if event.tender_id != self.tender_id || event.sequence != self.last_sequence + 1 {
            return Err(Error::new(
                Code::HistoryDiverged,
                format!("sequence {} does not follow {}", event.sequence, self.last_sequence),
            )
            .with_tender_id(&self.tender_id));
        }
        let step = event.step();
        let Some(to) = step.from(&self.state) else {
            return Err(self.illegal(event, &format!("the state is {}", self.state)));
        };
        self.check_decision(event, step)?;
        self.state = to;
        self.overlay(event, step);
        self.last_sequence = event.sequence;
        self.history_digest = history::extend(&self.history_digest, event.sequence, &event.digest);
        self.occurred_at = event.document.text("/time");
        Ok(())
    }

    fn illegal(&self, event: &Incoming, why: &str) -> Error {
        Error::new(
            Code::EventIllegal,
            format!("{} at sequence {} is not legal: {why}", event.event_type, event.sequence),
        )
        .with_tender_id(&self.tender_id)
    }

    /// A decision must say what its event says: an unknown outcome is never an acceptance (contract 3a).
    fn check_decision(&self, event: &Incoming, step: Step) -> Result<()> {
        let Some(outcome) = event.document.text("/data/decision/outcome") else { return Ok(()) };
        let expected = match step {
            Step::Accepted => "accepted",
            Step::Rejected => "rejected",
            Step::Countered => "countered",
            _ => return Ok(()),
        };
        if outcome == expected { Ok(()) } else { Err(self.illegal(event, &format!("its decision says {outcome}"))) }
    }

    fn overlay(&mut self, event: &Incoming, step: Step) {
        let document = &event.document;
        if let Some(mode) = document.text("/data/controlMode") {
            self.control_mode = Some(ControlMode::from(mode.as_str()));
        }
        if let Some(dispatch) = document.text("/data/dispatchId") {
            self.dispatch_id = Some(dispatch);
        }
        if let Some(decision) = document.extract("/data/decision") {
            self.decision = Some(decision);
        }
        match step {
            Step::Revised => {
                // Offers of older revisions are void, and with them the counter that answered one.
                self.revision += 1;
                self.decision = None;
            }
            Step::Released => self.dispatch_id = None,
            Step::CancelRequested => self.cancellation = Cancellation::Requested,
            Step::CancelConfirmed | Step::Cancelled => self.cancellation = Cancellation::Confirmed,
            Step::CancelDeclined => self.cancellation = Cancellation::Declined,
            Step::AmendmentReceived => self.amendment = Amendment::Received,
            Step::AmendmentConfirmed => {
                self.revision += 1;
                self.amendment = Amendment::Confirmed;
            }
            Step::AmendmentDeclined => self.amendment = Amendment::Declined,
            Step::AmendmentWithdrawn => self.amendment = Amendment::Withdrawn,
            Step::ExceptionOpened | Step::ExceptionCleared => self.exception(document, step),
            _ => {}
        }
    }

    fn exception(&mut self, document: &Document, step: Step) {
        let Some(exception) = document.extract("/data/exception") else { return };
        let Some(id) = exception.text("/exceptionId") else { return };
        self.exceptions.retain(|(known, _)| *known != id);
        if step == Step::ExceptionOpened {
            self.exceptions.push((id, exception));
        }
    }

    /// The fold as the journal keeps it, JSON.
    pub fn to_json(&self) -> String {
        let exceptions: Vec<&str> = self.exceptions.iter().map(|(_, document)| document.as_str()).collect();
        let optional = |text: Option<&str>| text.map_or_else(|| "null".to_owned(), quote);
        format!(
            r#"{{"tenderId":{},"state":{},"revision":{},"controlMode":{},"cancellation":{},"amendment":{},"exceptions":[{}],"decision":{},"dispatchId":{},"lastSequence":{},"historyDigest":{},"occurredAt":{}}}"#,
            quote(&self.tender_id),
            quote(self.state.as_str()),
            self.revision,
            optional(self.control_mode.as_ref().map(ControlMode::as_str)),
            quote(self.cancellation.as_str()),
            quote(self.amendment.as_str()),
            exceptions.join(","),
            self.decision.as_ref().map_or("null", Document::as_str),
            optional(self.dispatch_id.as_deref()),
            self.last_sequence,
            quote(&history::hex(&self.history_digest)),
            optional(self.occurred_at.as_deref()),
        )
    }

    /// Reads [`Fold::to_json`] back. Error: `journal_corrupt`.
    pub fn from_document(document: &Document) -> Result<Self> {
        let corrupt = || Error::new(Code::JournalCorrupt, "a stored tender cannot be read");
        let text = |pointer: &str| document.text(pointer);
        let number = |pointer: &str| document.number(pointer).and_then(|n| n.parse::<u64>().ok());
        let exceptions = document.at("/exceptions").ok_or_else(corrupt)?;
        Ok(Self {
            tender_id: text("/tenderId").ok_or_else(corrupt)?,
            state: TenderState::from(text("/state").ok_or_else(corrupt)?.as_str()),
            revision: number("/revision").and_then(|n| u32::try_from(n).ok()).ok_or_else(corrupt)?,
            control_mode: text("/controlMode").map(|mode| ControlMode::from(mode.as_str())),
            cancellation: Cancellation::from(text("/cancellation").ok_or_else(corrupt)?.as_str()),
            amendment: Amendment::from(text("/amendment").ok_or_else(corrupt)?.as_str()),
            exceptions: exceptions
                .items()
                .map(|item| {
                    let exception = Document::parse(item.raw())?;
                    Ok((exception.text("/exceptionId").ok_or_else(corrupt)?, exception))
                })
                .collect::<Result<_>>()?,
            decision: document.extract("/decision").filter(|decision| decision.root().is_object()),
            dispatch_id: text("/dispatchId"),
            last_sequence: number("/lastSequence").ok_or_else(corrupt)?,
            history_digest: text("/historyDigest").and_then(|t| history::unhex(&t)).ok_or_else(corrupt)?,
            occurred_at: text("/occurredAt"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::event::tests::event;
    use super::*;

    fn folded(kinds: &[(&str, &str)]) -> Result<Fold> {
        let mut fold = Fold::new("t-1", 1);
        for (place, (kind, extra)) in kinds.iter().enumerate() {
            fold.apply(&event(place as u64 + 1, kind, extra))?;
        }
        Ok(fold)
    }

    const ACCEPTED: &str = r#","decision":{"outcome":"accepted","rate":{"amount":1250.00}}"#;

    #[test]
    fn one_load_end_to_end() {
        let fold = folded(&[
            ("tender.received", ""),
            ("tender.accepted", ACCEPTED),
            ("dispatch.created", r#","dispatchId":"d-1""#),
            ("shipment.status", ""),
            ("shipment.departed_pickup", r#","controlMode":"autonomous""#),
            ("control.mode_changed", r#","controlMode":"manual_override""#),
            ("shipment.delivered", ""),
            ("pod.available", ""),
        ])
        .unwrap();
        assert_eq!(fold.state, TenderState::Delivered);
        assert_eq!(fold.control_mode, Some(ControlMode::ManualOverride), "an override never loses the place");
        assert_eq!(fold.dispatch_id.as_deref(), Some("d-1"));
        assert_eq!(fold.last_sequence, 8);
        let back = Fold::from_document(&Document::parse(fold.to_json()).unwrap()).unwrap();
        assert_eq!(back, fold);
        assert_eq!(back.decision.unwrap().number("/rate/amount"), Some("1250.00"), "lexemes survive the journal");
    }

    #[test]
    fn illegal_events_change_nothing() {
        let mut fold = folded(&[("tender.received", "")]).unwrap();
        let before = fold.clone();
        assert_eq!(fold.apply(&event(2, "shipment.delivered", "")).unwrap_err().code(), Code::EventIllegal);
        assert_eq!(fold.apply(&event(3, "tender.accepted", "")).unwrap_err().code(), Code::HistoryDiverged);
        let liar = event(2, "tender.accepted", r#","decision":{"outcome":"maybe"}"#);
        assert_eq!(fold.apply(&liar).unwrap_err().code(), Code::EventIllegal);
        assert_eq!(fold, before);
        assert!(folded(&[("tender.accepted", ACCEPTED)]).is_err(), "a log begins with tender.received");
        assert_eq!(folded(&[("tender.withdrawn", "")]).unwrap().state, TenderState::Withdrawn, "or with a tombstone");
    }

    #[test]
    fn overlays_open_and_clear() {
        let exception = |id: &str| {
            format!(
                r#","exception":{{"exceptionId":"{id}","kind":"weather","severity":"info","openedAt":"2026-02-20T08:00:00Z"}}"#
            )
        };
        let (a, b) = (exception("a"), exception("b"));
        let fold = folded(&[
            ("tender.received", ""),
            ("tender.accepted", ""),
            ("exception.opened", &a),
            ("exception.opened", &b),
            ("exception.updated", &a),
            ("exception.cleared", &b),
            ("tender.cancel_requested", ""),
            ("tender.cancel_declined", ""),
        ])
        .unwrap();
        assert_eq!(fold.exceptions.len(), 1);
        assert_eq!(fold.exceptions[0].0, "a");
        assert_eq!(fold.cancellation, Cancellation::Declined);
        assert_eq!(fold.state, TenderState::Accepted);
    }
}
