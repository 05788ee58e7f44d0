//! What the fold and the inbox need of one CloudEvent (contract 4e). The bytes stay the carrier's.

use gladhand_documents::error::Result;
use gladhand_documents::json::Document;
use gladhand_documents::model::{self, Model as _, event::Event};

use super::history;
use super::state::Step;

/// One sequenced event.
#[derive(Clone, Debug)]
pub struct Incoming {
    /// The event, byte for byte.
    pub document: Document,
    /// SHA-256 of those bytes.
    pub digest: [u8; 32],
    /// `<base>/tenders/{tenderId}`.
    pub source: String,
    /// Unique per source.
    pub id: String,
    /// From 1, contiguous per source.
    pub sequence: u64,
    /// `gladhand.<…>.v1`.
    pub event_type: String,
    /// The tender.
    pub tender_id: String,
    /// The load.
    pub load_id: String,
}

impl Incoming {
    /// Reads an event. Errors: `malformed_json`, or `schema_invalid` where it is no event of the contract; source,
    /// partition key, subject and sequence that contradict the data are violations too.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        Self::of(Document::parse(bytes)?)
    }

    /// [`Incoming::parse`] of a document that is parsed already; its bytes are the event's.
    pub fn of(document: Document) -> Result<Self> {
        model::validate(Event::entity(), &document)?;
        let text = |pointer: &str| document.text(pointer).unwrap_or_default();
        let tender_id = text("/data/tenderId");
        let sequence: u64 = text("/sequence").parse().unwrap_or_default();
        Ok(Self {
            digest: history::digest(document.as_bytes()),
            source: text("/source"),
            id: text("/id"),
            sequence,
            event_type: text("/type"),
            tender_id,
            load_id: text("/subject"),
            document,
        })
    }

    /// What it does to the machine.
    pub fn step(&self) -> Step {
        Step::of(&self.event_type)
    }

    /// Whether the application must see it at once, before its turn (contract 4e, `onSafety`): an exception with a
    /// safety effect or of critical severity, or a change into a mode in which the vehicle is not under way by itself.
    pub fn safety(&self) -> bool {
        let exception = |member: &str| self.document.text(&format!("/data/exception/{member}")).unwrap_or_default();
        let kinds = ["minimal_risk_stop", "collision", "ads_fault", "odd_exit", "contact_lost", "law_enforcement"];
        let opened = self.step() == Step::ExceptionOpened
            && (exception("effect") == "safety"
                || matches!(exception("severity").as_str(), "critical" | "urgent")
                || kinds.contains(&exception("kind").as_str()));
        let mode = self.document.text("/data/controlMode").unwrap_or_default();
        let taken_over = self.event_type == "gladhand.control.mode_changed.v1"
            && matches!(mode.as_str(), "manual_override" | "minimal_risk" | "out_of_service");
        opened || taken_over
    }

    /// Whether the source is one of the carrier with this base address (contract 4e).
    pub fn from_base(&self, base: &str) -> bool {
        self.source.strip_prefix(base.trim_end_matches('/')).is_some_and(|rest| rest.starts_with("/tenders/"))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// An event of `t-1` as a carrier writes it; `extra` goes into the data.
    pub(crate) fn event(sequence: u64, kind: &str, extra: &str) -> Incoming {
        Incoming::parse(text(sequence, kind, extra).as_bytes()).unwrap()
    }

    pub(crate) fn text(sequence: u64, kind: &str, extra: &str) -> String {
        format!(
            r#"{{"specversion":"1.0","id":"e-{sequence}","source":"https://carrier.test/tenders/t-1","type":"gladhand.{kind}.v1","subject":"L-1","time":"2026-02-20T08:00:00Z","recordedtime":"2026-02-20T08:00:00Z","sequence":"{sequence:020}","partitionkey":"t-1","data":{{"loadId":"L-1","tenderId":"t-1","eventSequence":{sequence},"status":"pending","sourceSystem":"carrier"{extra}}}}}"#
        )
    }

    #[test]
    fn contradictions_are_refused() {
        let good = text(3, "tender.accepted", "");
        assert_eq!(Incoming::parse(good.as_bytes()).unwrap().sequence, 3);
        for (from, to) in [
            ("\"eventSequence\":3", "\"eventSequence\":4"),
            ("tenders/t-1", "tenders/t-2"),
            ("\"subject\":\"L-1\"", "\"subject\":\"L-2\""),
            ("\"partitionkey\":\"t-1\"", "\"partitionkey\":\"t-9\""),
        ] {
            assert!(Incoming::parse(good.replace(from, to).as_bytes()).is_err(), "{to}");
        }
    }

    #[test]
    fn the_source_must_lie_under_the_carriers_base() {
        let event = event(1, "tender.received", "");
        assert!(event.from_base("https://carrier.test") && event.from_base("https://carrier.test/"));
        assert!(!event.from_base("https://carrier.tes") && !event.from_base("https://carrier.test/tenders"));
    }

    #[test]
    fn safety_jumps_the_queue() {
        let exception = |effect: &str, severity: &str| {
            format!(
                r#","exception":{{"exceptionId":"x","kind":"weather","severity":"{severity}","openedAt":"2026-02-20T08:00:00Z","effect":"{effect}"}}"#
            )
        };
        assert!(event(2, "exception.opened", &exception("safety", "info")).safety());
        assert!(event(2, "exception.opened", &exception("delay", "critical")).safety());
        assert!(!event(2, "exception.opened", &exception("delay", "info")).safety());
        assert!(event(2, "control.mode_changed", r#","controlMode":"minimal_risk""#).safety());
    }
}
