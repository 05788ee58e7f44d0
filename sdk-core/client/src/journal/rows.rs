//! What the journal takes and gives.

use std::path::Path;

use gladhand_documents::error::Result;
use gladhand_documents::json::{Document, quote};
use gladhand_documents::model::sdk::{InboxOutcome, Sync};
use gladhand_documents::model::wire::TenderState;
use gladhand_documents::time::format_instant;
use gladhand_protocol::tender::fold::Fold;
use gladhand_protocol::tender::{history, state};
use jiff::Timestamp;

/// A tender that is about to be sent.
#[derive(Clone, Debug)]
pub struct NewTender {
    /// Its id.
    pub tender_id: String,
    /// The load that it will hold.
    pub load_id: String,
    /// The carrier's name in the configuration.
    pub carrier: String,
    /// From 1.
    pub attempt: u32,
    /// Its revision.
    pub revision: u32,
    /// Whether a released predecessor at the same carrier is expected (`tender_again`); otherwise it is returned.
    pub again: bool,
}

/// A mutation that is about to be sent.
#[derive(Clone, Debug)]
pub struct NewIntent {
    /// The operation's name, such as `tenders.create`.
    pub operation: &'static str,
    /// Unique for the operation (contract 4c).
    pub operation_id: String,
    /// The tender that it concerns.
    pub tender_id: Option<String>,
    /// The carrier's name in the configuration.
    pub carrier: String,
    /// The carrier's base address.
    pub origin: String,
    /// HTTP method.
    pub method: &'static str,
    /// Path below the base address.
    pub path: String,
    /// The idempotency key.
    pub key: String,
    /// The exact content.
    pub body: Document,
    /// The `Prefer` header, where a wait is asked for.
    pub prefer: Option<String>,
    /// Until when it may be sent again.
    pub resend_until: Timestamp,
    /// The process that sends it.
    pub owner: String,
}

/// A mutation in the journal.
#[derive(Clone, Debug)]
pub struct Intent {
    /// The index of its INTENT entry.
    pub id: u64,
    /// Rises each time another process takes it over.
    pub fence: u64,
    /// The operation's name.
    pub operation: String,
    /// Its operation id.
    pub operation_id: String,
    /// The tender that it concerns.
    pub tender_id: Option<String>,
    /// The carrier's name.
    pub carrier: String,
    /// HTTP method.
    pub method: String,
    /// Path below the base address.
    pub path: String,
    /// The idempotency key.
    pub key: String,
    /// The exact content, checked against its digest.
    pub body: Document,
    /// The `Prefer` header.
    pub prefer: Option<String>,
    /// Until when it may be sent again.
    pub resend_until: Timestamp,
    /// Whether an attempt ended without proof. Always true for one taken over from a dead process.
    pub tainted: bool,
    /// The process that holds it.
    pub owner: String,
}

/// What [`super::Store::open_tender`] found.
#[derive(Clone, Debug)]
pub enum Opened {
    /// The load is ours to tender; the intent is on disk.
    New(Box<(TenderRow, Intent)>),
    /// This tender is there already.
    Existing(Box<TenderRow>),
}

/// What [`super::Store::open_intent`] found.
#[derive(Clone, Debug)]
pub enum OpenedIntent {
    /// The intent is on disk.
    New(Box<Intent>),
    /// The same operation is open already, with these bytes.
    Existing(Box<Intent>),
}

/// How an intent ended.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// `answered`, `refused`, `not_executed`, `recovered`, `tombstoned`, `lapsed`, `remote_lost` or `overridden`.
    pub result: &'static str,
    /// HTTP status, where there was an answer.
    pub status: Option<u16>,
    /// Error code, where there was one.
    pub code: Option<String>,
    /// The carrier's request id.
    pub request_id: Option<String>,
    /// The contract's version that the carrier answered by (contract 5).
    pub version: Option<String>,
    /// The answer's document.
    pub answer: Option<Document>,
}

impl Outcome {
    /// An outcome without further detail.
    pub fn of(result: &'static str) -> Self {
        Self { result, status: None, code: None, request_id: None, version: None, answer: None }
    }
}

/// What an outcome does to its tender, in the same transaction.
#[derive(Clone, Debug)]
pub enum Effect {
    /// Nothing.
    None,
    /// The carrier's snapshot.
    Snapshot(Document),
    /// A state that the carrier confirmed without a snapshot, and why.
    State {
        /// The state.
        state: TenderState,
        /// A code of the contract, or `unsent`.
        code: String,
        /// In words.
        text: String,
    },
    /// Nothing was ever executed: the tender never was, and the load is free.
    Never,
    /// The carrier acknowledged it once and lost it: freeze.
    Diverged(String),
    /// The first, and another tender of the carrier's comes into the journal in the same step: it has the load.
    Covered(Box<Effect>, Box<(NewTender, Document)>),
}

/// An operator's decision to release a load without the carrier's word (contract 4b).
#[derive(Clone, Debug)]
pub struct Override {
    /// Who decided.
    pub actor: String,
    /// Why.
    pub reason: String,
    /// By which runbook, such as `RB-01`.
    pub runbook: String,
}

/// What a released tender's [`Local`] says.
pub const RELEASED_BY_OPERATOR: &str = "released_by_operator";

/// A tender as the journal holds it.
#[derive(Clone, Debug)]
pub struct TenderRow {
    /// Its id.
    pub tender_id: String,
    /// The load.
    pub load_id: String,
    /// The carrier's name.
    pub carrier: String,
    /// From 1.
    pub attempt: u32,
    /// The fold of the events applied.
    pub fold: Fold,
    /// The carrier's latest snapshot.
    pub snapshot: Option<Document>,
    /// What the carrier confirmed without events, and why.
    pub local: Option<Local>,
    /// Whether the histories agree.
    pub sync: Sync,
    /// Whether the carrier is known to have it.
    pub proven: bool,
    /// When it last changed here.
    pub updated_at: Timestamp,
    /// Whether another tender holds the load, or has delivered it.
    pub covered: bool,
}

/// A state that rests on an answer, not on events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Local {
    /// The state.
    pub state: TenderState,
    /// Why: a code.
    pub code: String,
    /// Why: in words.
    pub text: String,
}

impl TenderRow {
    /// The snapshot, if it is ahead of the events applied.
    pub fn ahead(&self) -> Option<&Document> {
        self.snapshot.as_ref().filter(|s| sequence_of(s) > self.fold.last_sequence)
    }

    /// The state: of the snapshot if it is ahead, of the answer if there are no events, else of the fold.
    pub fn state(&self) -> TenderState {
        if let Some(snapshot) = self.ahead() {
            return TenderState::from(snapshot.text("/state").unwrap_or_default().as_str());
        }
        match &self.local {
            Some(local) if self.fold.last_sequence == 0 => local.state.clone(),
            _ => self.fold.state.clone(),
        }
    }

    /// Whether it holds its load (contract 4b).
    pub fn held(&self) -> bool {
        !self.overridden() && state::held(&self.state(), self.sync == Sync::InSync)
    }

    /// Whether its load may go to somebody else: this tender lets it, and no other one has it.
    pub fn released(&self) -> bool {
        !self.covered && (self.overridden() || state::released(&self.state(), self.sync == Sync::InSync))
    }

    /// Whether an operator released the load without the carrier's word.
    pub fn overridden(&self) -> bool {
        self.local.as_ref().is_some_and(|local| local.code == RELEASED_BY_OPERATOR)
    }

    /// The revision that the carrier is known to hold.
    pub fn revision(&self) -> u32 {
        let told = self.ahead().and_then(|snapshot| snapshot.integer("/revision"));
        told.and_then(|revision| u32::try_from(revision).ok()).unwrap_or(self.fold.revision)
    }

    /// The carrier's decision.
    pub fn decision(&self) -> Option<Document> {
        self.ahead().and_then(|snapshot| snapshot.extract("/decision")).or_else(|| self.fold.decision.clone())
    }

    /// The dispatch.
    pub fn dispatch_id(&self) -> Option<String> {
        self.ahead().and_then(|s| s.text("/dispatchId")).or_else(|| self.fold.dispatch_id.clone())
    }
}

/// `lastSequence` of a snapshot.
pub fn sequence_of(snapshot: &Document) -> u64 {
    snapshot.number("/lastSequence").and_then(|n| n.parse().ok()).unwrap_or(0)
}

/// What became of an event.
#[derive(Clone, Debug)]
pub struct Accepted {
    /// Stored, duplicate, parked or quarantined.
    pub outcome: InboxOutcome,
    /// The tender after it.
    pub tender: TenderRow,
    /// Whether it is new and matters to safety.
    pub safety: bool,
}

/// An event for a consumer.
#[derive(Clone, Debug)]
pub struct Delivered {
    /// What to acknowledge it with.
    pub token: u64,
    /// The event, byte for byte.
    pub event: Document,
}

/// A command that was asked for, and what became of it.
#[derive(Clone, Debug)]
pub struct CommandRow {
    /// The exact content.
    pub command: Document,
    /// The carrier's name.
    pub carrier: String,
    /// The tender, where the journal has it.
    pub tender_id: Option<String>,
    /// How asking for it ended ([`Outcome::result`]); none while it is open.
    pub result: Option<String>,
    /// Error code, where there was one.
    pub code: Option<String>,
    /// The answer's document.
    pub answer: Option<Document>,
    /// The carrier's events about it, in order.
    pub events: Vec<Document>,
    /// How it was taken back, if the carrier may know of it.
    pub revocation: Option<Document>,
}

/// What needs somebody's attention, because it does not mend itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attention {
    /// Tenders whose history has had a gap for too long.
    pub stale_gaps: Vec<String>,
    /// Tenders whose history differs from the carrier's: frozen, their loads held.
    pub diverged: Vec<String>,
    /// Tenders that would hold their load again if another tender did not hold it: two carriers may come.
    pub duplicates: Vec<String>,
    /// Events that wait behind a gap.
    pub parked: u64,
    /// Events whose id or sequence was used with other bytes.
    pub quarantined: u64,
}

/// What is known of a carrier's log.
#[derive(Clone, Debug, Default)]
pub struct CarrierRow {
    /// How far the account's feed was read.
    pub cursor: Option<String>,
    /// The log epoch that all of it was read under.
    pub epoch: Option<String>,
    /// Whether the epoch changed and nothing may be sent until a full reconciliation.
    pub frozen: bool,
}

/// What verifying found.
#[derive(Clone, Debug)]
pub struct Report {
    /// Whether every row matches its digest and the chain is whole.
    pub intact: bool,
    /// Rows.
    pub entries: u64,
    /// Digest of the last row; zeros for none.
    pub head: [u8; 32],
    /// Intents without outcome.
    pub unresolved: u64,
    /// What is not as it was written, in words; the first twenty.
    pub damage: Vec<String>,
}

impl Report {
    /// Document `JournalReport`. `path`: where the journal lies.
    pub fn to_document(&self, path: &Path) -> Result<Document> {
        let damage: Vec<String> = self.damage.iter().map(|text| quote(&shortened(text))).collect();
        Document::parse(format!(
            r#"{{"intact":{},"entries":{},"head":{},"unresolved":{},"path":{},"damage":[{}]}}"#,
            self.intact,
            self.entries,
            quote(&history::hex(&self.head)),
            self.unresolved,
            quote(&path.display().to_string()),
            damage.join(","),
        ))
    }
}

/// At most as long as the document allows.
fn shortened(text: &str) -> String {
    text.chars().take(200).collect()
}

/// One row of the chain.
#[derive(Clone, Debug)]
pub struct Entry {
    /// From 1.
    pub index: u64,
    /// INTENT, OUTCOME, EVENT_IN, SNAPSHOT or OVERRIDE.
    pub kind: String,
    /// Wall clock.
    pub at: Timestamp,
    /// What it says.
    pub body: Document,
    /// Its digest.
    pub digest: [u8; 32],
    /// The digest of the row before it.
    pub previous: [u8; 32],
}

impl Entry {
    /// Document `JournalEntry`.
    pub fn to_document(&self) -> Result<Document> {
        Document::parse(format!(
            r#"{{"index":{},"kind":{},"at":{},"digest":{},"previous":{},"body":{}}}"#,
            self.index,
            quote(&self.kind),
            quote(&format_instant(self.at)),
            quote(&history::hex(&self.digest)),
            quote(&history::hex(&self.previous)),
            self.body.as_str(),
        ))
    }
}
