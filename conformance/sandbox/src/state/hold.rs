//! Holds: a slot of capacity that is kept for one tenant for a while (McLeod's lockMovement), released, used by a tender, or
//! lapsed by the carrier's clock.

use std::collections::{BTreeSet, HashMap};

use gladhand_documents::error::Code;
use gladhand_documents::json::{Document, quote};
use jiff::Timestamp;

use crate::clock::{plus_seconds, rfc3339};
use crate::object::Object;
use crate::problem::{Problem, Result};
use crate::state::Store;
use crate::state::book::Book;
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
    /// Whether it keeps its slot for an undecided tender, however late it is.
    fn is_awaited(&self, tenders: &Book) -> bool {
        matches!(&self.state, State::Held(Some(key)) if is_open(tenders, key))
    }
}

/// The holds on one capacity, past ones too: their ids are used up.
#[derive(Debug, Default)]
pub struct Holds {
    all: Vec<Hold>,
    /// By tenant and id.
    names: HashMap<(String, String), usize>,
    /// Those that keep a slot: no more than there were slots, however many there have been.
    keeping: BTreeSet<usize>,
}

impl Holds {
    fn add(&mut self, hold: Hold) {
        let place = self.all.len();
        self.names.insert((hold.tenant.clone(), hold.id.clone()), place);
        self.all.push(hold);
        self.keeping.insert(place);
    }

    fn place(&self, tenant: &str, id: &str) -> Option<usize> {
        self.names.get(&(tenant.to_owned(), id.to_owned())).copied()
    }

    fn named(&self, tenant: &str, id: &str) -> Option<&Hold> {
        self.all.get(self.place(tenant, id)?)
    }

    fn enter(&mut self, place: usize, state: State) {
        if matches!(state, State::Held(_)) {
            self.keeping.insert(place);
        } else {
            self.keeping.remove(&place);
        }
        self.all[place].state = state;
    }

    /// Those that keep a slot, with their places.
    fn keeping(&self) -> impl DoubleEndedIterator<Item = (usize, &Hold)> {
        self.keeping.iter().map(move |place| (*place, &self.all[*place]))
    }

    /// How many slots they keep.
    pub fn kept(&self) -> u32 {
        u32::try_from(self.keeping.len()).unwrap_or(u32::MAX)
    }

    /// The same, counted among all that there ever were.
    #[cfg(test)]
    pub(super) fn scanned(&self) -> u32 {
        let keeping = self.all.iter().filter(|h| matches!(h.state, State::Held(_)));
        u32::try_from(keeping.count()).unwrap_or(u32::MAX)
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
        if let Some(known) = capacity.holds.named(wanted.tenant, wanted.hold_id) {
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
        capacity.holds.add(Hold {
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
        let place = capacity.holds.place(wanted.tenant, wanted.hold_id).ok_or_else(absent)?;
        match capacity.holds.all[place].state {
            State::Held(_) => {
                capacity.holds.enter(place, State::Released);
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
        let hold = self.stock.get(capacity_id).and_then(|c| c.holds.named(&key.tenant, hold_id));
        let free = |tender: &Key| tender == key || !is_open(&self.tenders, tender);
        match hold.map(|hold| &hold.state) {
            Some(State::Held(tender)) if tender.as_ref().is_none_or(free) => Ok(()),
            Some(State::Lapsed) => Err(lapsed(format!("the hold {hold_id} has lapsed"))),
            Some(_) => Err(lapsed(format!("the hold {hold_id} was released or used"))),
            None => Err(lapsed(format!("there is no hold {hold_id} on {capacity_id}"))),
        }
    }

    /// Ties a hold to the tender that names it.
    pub fn bind_hold(&mut self, key: &Key, capacity_id: &str, hold_id: &str) {
        let Some(capacity) = self.stock.get_mut(capacity_id) else { return };
        if let Some(place) = capacity.holds.place(&key.tenant, hold_id) {
            capacity.holds.enter(place, State::Held(Some(key.clone())));
        }
    }

    /// Takes a slot for an accepted tender: that of its hold, or one that is left. False if there is none.
    pub fn take_slot(&mut self, key: &Key, capacity_id: &str) -> bool {
        if let Some(capacity) = self.stock.get_mut(capacity_id) {
            let own = capacity.holds.keeping().find(|(_, h)| h.state == State::Held(Some(key.clone())));
            if let Some(place) = own.map(|(place, _)| place) {
                capacity.holds.enter(place, State::Used);
            }
        }
        self.stock.commit(capacity_id)
    }

    /// Lets holds lapse whose time is over.
    pub fn lapse_holds(&mut self, now: Timestamp) -> bool {
        let mut lapsed = false;
        for capacity in self.stock.iter_mut() {
            let over = capacity.holds.keeping().filter(|(_, h)| h.until <= now && !h.is_awaited(&self.tenders));
            for place in over.map(|(place, _)| place).collect::<Vec<_>>() {
                capacity.holds.enter(place, State::Lapsed);
                capacity.changes += 1;
                lapsed = true;
            }
        }
        lapsed
    }

    /// When the next hold lapses that nothing keeps.
    pub fn hold_deadline(&self) -> Option<Timestamp> {
        let holds = self.stock.iter().flat_map(|c| c.holds.keeping());
        holds.filter(|(_, h)| !h.is_awaited(&self.tenders)).map(|(_, h)| h.until).min()
    }
}

fn is_open(tenders: &Book, key: &Key) -> bool {
    tenders.get(key).is_some_and(|t| t.state.is_undecided())
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
        let own = self.holds.keeping().rev().find(|(_, h)| h.tenant == tenant);
        let document = match own {
            Some((_, hold)) => document.patch("/hold", &hold.shown())?,
            None => document,
        };
        let status = match self.left() {
            0 if self.holds.kept() > 0 => "held",
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
