//! One tender: what was sent, where it stands, and what was recorded about it.

use gladhand_documents::json::Document;
use jiff::Timestamp;

use crate::clock::rfc3339;
use crate::object::Object;
use crate::state::dispatch::Dispatch;
use crate::state::documents::Filed;
use crate::state::history::History;
use crate::state::transitions::State;

/// A tender's name: ids are unique within a tenant only.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// The tenant.
    pub tenant: String,
    /// The tender.
    pub tender_id: String,
}

/// A counter offer that is open.
#[derive(Clone, Debug)]
pub struct Counter {
    /// Its id.
    pub id: String,
    /// Until when it holds.
    pub valid_until: Timestamp,
    /// Whether the carrier guarantees it: its slot is taken already.
    pub firm: bool,
    /// The rate it asks for, verbatim.
    pub rate: Option<Document>,
}

/// A change of an accepted tender that the TMS proposed and the carrier has not answered.
#[derive(Clone, Debug)]
pub struct Amendment {
    /// The revision that it would make.
    pub revision: u32,
    /// Its content.
    pub document: Document,
    /// SHA-256 of the body as sent.
    pub content: [u8; 32],
}

/// A tender as the carrier holds it.
#[derive(Clone, Debug)]
pub struct Tender {
    /// Its name.
    pub key: Key,
    /// The load.
    pub load_id: String,
    /// The capacity tendered against.
    pub capacity_id: Option<String>,
    /// Its revision.
    pub revision: u32,
    /// SHA-256 of the content of each revision, by revision; empty for a tombstone.
    pub contents: Vec<[u8; 32]>,
    /// The current content; none for a tombstone.
    pub document: Option<Document>,
    /// Where it stands.
    pub state: State,
    /// Overlay: who is in control.
    pub control_mode: String,
    /// Overlay: a cancellation after acceptance.
    pub cancellation: &'static str,
    /// Overlay: an amendment after acceptance.
    pub amendment: &'static str,
    /// The amendment that is open.
    pub proposed: Option<Amendment>,
    /// SHA-256 of the amendments that came to nothing: to repeat one is not to propose it again.
    pub void: Vec<[u8; 32]>,
    /// Overlay: open exceptions.
    pub exceptions: Vec<Document>,
    /// The decision.
    pub decision: Option<Document>,
    /// The open counter offer.
    pub counter: Option<Counter>,
    /// What was agreed, verbatim.
    pub accepted_rate: Option<Document>,
    /// The dispatch.
    pub dispatch: Option<Dispatch>,
    /// Papers.
    pub documents: Vec<Filed>,
    /// The TMS wants a decision by then.
    pub respond_by: Option<Timestamp>,
    /// When the carrier's system will decide; none where a human does.
    pub decide_at: Option<Timestamp>,
    /// Its log.
    pub history: History,
    /// The trace it came with.
    pub traceparent: Option<String>,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Whether the carrier has put it away: reads say so, and what became of it is kept (contract 4c).
    pub archived: bool,
}

impl Tender {
    /// A tender without content or log: the start of a real one, or a tombstone.
    pub fn new(key: Key, load_id: String, now: Timestamp) -> Self {
        Self {
            history: History::new(&key.tender_id),
            key,
            load_id,
            capacity_id: None,
            revision: 1,
            contents: Vec::new(),
            document: None,
            state: State::Pending,
            control_mode: "autonomous".to_owned(),
            cancellation: "none",
            amendment: "none",
            proposed: None,
            void: Vec::new(),
            exceptions: Vec::new(),
            decision: None,
            counter: None,
            accepted_rate: None,
            dispatch: None,
            documents: Vec::new(),
            respond_by: None,
            decide_at: None,
            traceparent: None,
            updated_at: now,
            archived: false,
        }
    }

    /// Whether it is a withdrawal that came before its tender (contract 4b, row 11).
    pub fn is_tombstone(&self) -> bool {
        self.document.is_none()
    }

    /// When something next happens to it by itself.
    pub fn deadline(&self) -> Option<Timestamp> {
        self.decision_deadlines().chain(self.command_deadlines()).min()
    }

    /// The rate offered in the tender, verbatim.
    pub fn offered_rate(&self) -> Option<Document> {
        self.document.as_ref()?.extract("/rate")
    }

    /// Its entity tag.
    pub fn tag(&self) -> String {
        format!("\"{}.{}\"", self.revision, self.history.last_sequence())
    }

    /// `TenderSnapshot`.
    pub fn snapshot(&self, log_epoch: &str) -> String {
        Object::new()
            .text("schemaVersion", "1.0.0")
            .text("tenderId", &self.key.tender_id)
            .text("loadId", &self.load_id)
            .text_if("capacityId", self.capacity_id.as_deref())
            .number("revision", self.revision.into())
            .text("state", self.state.as_str())
            .text("controlMode", &self.control_mode)
            .text("cancellation", self.cancellation)
            .text("amendment", self.amendment)
            .number_if("pendingRevision", self.proposed.as_ref().map(|a| a.revision.into()))
            .list("exceptions", self.exceptions.iter().map(Document::as_str))
            .document_if("decision", self.decision.as_ref())
            .text_if("dispatchId", self.dispatch.as_ref().map(|d| d.id.as_str()))
            .document_if("acceptedRate", self.accepted_rate.as_ref())
            .number("lastSequence", self.history.last_sequence())
            .text("historyDigest", &self.history.digest())
            .text("logEpoch", log_epoch)
            .text("updatedAt", &rfc3339(self.updated_at))
            .finish()
    }

    /// `TenderDigest` for reconciliation.
    pub fn digest_item(&self) -> String {
        Object::new()
            .text("tenderId", &self.key.tender_id)
            .text("loadId", &self.load_id)
            .number("revision", self.revision.into())
            .text("state", self.state.as_str())
            .number("lastSequence", self.history.last_sequence())
            .text("historyDigest", &self.history.digest())
            .document_if("acceptedRate", self.accepted_rate.as_ref())
            .finish()
    }
}
