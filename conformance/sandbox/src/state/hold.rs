//! Holds: a slot of capacity that is kept for one tenant for a while (McLeod's lockMovement), released, used by a tender, or
//! lapsed by the carrier's clock.

use gladhand_documents::error::Code;
use gladhand_documents::json::{Document, quote};
use jiff::Timestamp;

use crate::clock::{plus_seconds, rfc3339};
use crate::object::Object;
use crate::problem::{Problem, Result};
use crate::state::Store;
use crate::state::capacity::Capacity;
use crate::state::tender::Key;

/// How long a hold lasts unless it says otherwise, and at most, in seconds.
const USUAL_S: i64 = 900;
const LONGEST_S: i64 = 3600;

/// What became of a hold.
#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    /// It keeps its slot; a tender that names it keeps it from lapsing for as long as it is undecided.
    Held(Option<Key>),
    /// Its tender was accepted and has the slot.
    Used,
    /// The tenant gave it back.
    Released,
    /// Its time was over.
    Lapsed,
}

/// A hold.
#[derive(Clone, Debug)]
pub struct Hold {
    tenant: String,
    id: String,
    by: String,
    until: Timestamp,
    /// SHA-256 of the body that asked for it.
    content: [u8; 32],
    state: State,
}

impl Hold {
    /// Whether it keeps a slot.
    pub fn keeps(&self) -> bool {
        matches!(self.state, State::Held(_))
    }
}

/// Who asks for a hold, and for which.
pub struct Wanted<'a> {
    /// The tenant.
    pub tenant: &'a str,
    /// The client.
    pub client_id: &'a str,
    /// The capacity.
    pub capacity_id: &'a str,
    /// The hold.
    pub hold_id: &'a str,
    /// Whether `If-Match` names the capacity as it is, or is absent.
    pub current: bool,
}

impl Store {
    /// Places a hold. True if exactly this one was there already. Errors: `capacity_unknown`, `capacity_committed`,
    /// `hold_expired` for an id that was released or has lapsed, `revision_content_conflict`, `lane_not_contracted`.
    pub fn hold(&mut self, wanted: &Wanted<'_>, body: &Document, content: [u8; 32], now: Timestamp) -> Result<bool> {
        let until = match body.text("/heldUntil") {
            None => plus_seconds(now, USUAL_S),
            Some(text) => text.parse::<Timestamp>().ok().filter(|until| *until > now).ok_or_else(|| {
                Problem::violation(Code::SchemaInvalid, "/heldUntil", "instant", "must be an instant ahead")
            })?,
        };
        self.policy.contracted(wanted.capacity_id)?;
        let capacity = self.stock.get_mut(wanted.capacity_id).ok_or_else(|| unknown(wanted.capacity_id))?;
        if let Some(known) = capacity.holds.iter().find(|h| h.tenant == wanted.tenant && h.id == wanted.hold_id) {
            return match known.state {
                _ if known.content != content => {
                    Err(Problem::new(Code::RevisionContentConflict, "the hold id was used with other content"))
                }
                State::Held(_) | State::Used => Ok(true),
                State::Released => Err(Problem::new(Code::HoldExpired, "the hold was released; place a new one")),
                State::Lapsed => Err(Problem::new(Code::HoldExpired, "the hold has lapsed; place a new one")),
            };
        }
        if capacity.left() == 0 || capacity.window.1 <= now {
            let detail = format!("the capacity {} is taken or over", wanted.capacity_id);
            return Err(Problem::new(Code::CapacityCommitted, detail));
        }
        if !wanted.current {
            return Err(Problem::new(Code::EtagMismatch, format!("the capacity has the ETag {}", capacity.tag())));
        }
        capacity.changes += 1;
        capacity.holds.push(Hold {
            tenant: wanted.tenant.to_owned(),
            id: wanted.hold_id.to_owned(),
            by: wanted.client_id.to_owned(),
            until: until.min(plus_seconds(now, LONGEST_S)),
            content,
            state: State::Held(None),
        });
        Ok(false)
    }

    /// Gives a hold back. True if it kept no slot any more. Errors: `not_found`, and `capacity_committed` for one that a
    /// tender has used.
    pub fn release_hold(&mut self, wanted: &Wanted<'_>) -> Result<bool> {
        let absent = || Problem::new(Code::NotFound, format!("there is no hold {}", wanted.hold_id));
        let capacity = self.stock.get_mut(wanted.capacity_id).ok_or_else(absent)?;
        let named = |h: &&mut Hold| h.tenant == wanted.tenant && h.id == wanted.hold_id;
        let hold = capacity.holds.iter_mut().find(named).ok_or_else(absent)?;
        match hold.state {
            State::Held(_) => {
                hold.state = State::Released;
                capacity.changes += 1;
                Ok(false)
            }
            State::Used => Err(Problem::new(Code::CapacityCommitted, "a tender has used the hold")),
            State::Released | State::Lapsed => Ok(true),
        }
    }

    /// Checks that a tender may use the hold that it names. Error: `hold_expired`.
    pub fn check_hold(&self, key: &Key, capacity_id: &str, hold_id: &str) -> Result<()> {
        let lapsed = |detail: String| Problem::new(Code::HoldExpired, detail);
        let holds = self.stock.get(capacity_id).map(|c| c.holds.as_slice()).unwrap_or_default();
        let hold = holds.iter().find(|h| h.tenant == key.tenant && h.id == hold_id);
        match hold.map(|hold| &hold.state) {
            Some(State::Held(tender)) if tender.as_ref().is_none_or(|t| t == key || !self.is_open(t)) => Ok(()),
            Some(State::Lapsed) => Err(lapsed(format!("the hold {hold_id} has lapsed"))),
            Some(_) => Err(lapsed(format!("the hold {hold_id} was released or used"))),
            None => Err(lapsed(format!("there is no hold {hold_id} on {capacity_id}"))),
        }
    }

    /// Ties a hold to the tender that names it.
    pub fn bind_hold(&mut self, key: &Key, capacity_id: &str, hold_id: &str) {
        let holds = self.stock.get_mut(capacity_id).map(|c| c.holds.iter_mut());
        if let Some(hold) = holds.into_iter().flatten().find(|h| h.tenant == key.tenant && h.id == hold_id) {
            hold.state = State::Held(Some(key.clone()));
        }
    }

    /// Takes a slot for an accepted tender: that of its hold, or one that is left. False if there is none.
    pub fn take_slot(&mut self, key: &Key, capacity_id: &str) -> bool {
        let holds = self.stock.get_mut(capacity_id).map(|c| c.holds.iter_mut());
        let own = holds.into_iter().flatten().find(|h| h.state == State::Held(Some(key.clone())));
        if let Some(hold) = own {
            hold.state = State::Used;
        }
        self.stock.commit(capacity_id)
    }

    /// Lets holds lapse whose time is over.
    pub fn lapse_holds(&mut self, now: Timestamp) -> bool {
        let open: Vec<Key> = self.tenders().filter(|t| t.state.is_undecided()).map(|t| t.key.clone()).collect();
        let mut lapsed = false;
        for capacity in self.stock.iter_mut() {
            for hold in capacity.holds.iter_mut().filter(|h| h.until <= now) {
                let kept = |tender: &Option<Key>| tender.as_ref().is_some_and(|key| open.contains(key));
                if matches!(&hold.state, State::Held(tender) if !kept(tender)) {
                    hold.state = State::Lapsed;
                    capacity.changes += 1;
                    lapsed = true;
                }
            }
        }
        lapsed
    }

    /// When the next hold lapses that nothing keeps.
    pub fn hold_deadline(&self) -> Option<Timestamp> {
        let holds = self.stock.iter().flat_map(|c| &c.holds);
        let kept = |tender: &Option<Key>| tender.as_ref().is_some_and(|key| self.is_open(key));
        holds.filter(|h| matches!(&h.state, State::Held(tender) if !kept(tender))).map(|h| h.until).min()
    }

    fn is_open(&self, key: &Key) -> bool {
        self.find(key).is_some_and(|t| t.state.is_undecided())
    }
}

impl Capacity {
    /// The offer as `tenant` sees it: verbatim until a hold first changed it, with a higher revision and its own hold from
    /// then on.
    pub fn shown(&self, tenant: &str) -> Result<Document> {
        let document = self.document.clone();
        if self.changes == 0 {
            return Ok(document);
        }
        let revision = document.integer("/capacityRevision").unwrap_or(0) + i64::from(self.changes);
        let document = document.patch("/capacityRevision", &revision.to_string())?;
        let own = self.holds.iter().rev().find(|h| h.keeps() && h.tenant == tenant);
        let document = match own {
            Some(hold) => document.patch("/hold", &hold.shown())?,
            None => document,
        };
        let held = self.holds.iter().any(Hold::keeps);
        let status = match self.left() {
            0 if held => "held",
            0 => "committed",
            _ => "available",
        };
        Ok(document.patch("/status", &quote(status))?)
    }

    /// Its entity tag.
    pub fn tag(&self) -> String {
        let revision = self.document.integer("/capacityRevision").unwrap_or(0) + i64::from(self.changes);
        format!("\"{revision}\"")
    }
}

impl Hold {
    fn shown(&self) -> String {
        Object::new().text("holdId", &self.id).text("heldUntil", &rfc3339(self.until)).text("by", &self.by).finish()
    }
}

/// `capacity_unknown`.
pub fn unknown(id: &str) -> Problem {
    Problem::new(Code::CapacityUnknown, format!("there is no capacity {id}"))
}
