//! The tenders, and the indexes by which a request finds its own without looking at all of them: in the order in which they
//! were first stored, by tenant, load, id and dispatch, and by when the clock next does something to them.
//!
//! A tender is changed through [`Book::get_mut`], which notes it; when its next deadline falls is worked out anew before
//! anybody asks. Its load never changes, and which tender a dispatch belongs to is noted when it is made.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::Hash;

use jiff::Timestamp;

use crate::state::dispatch::Dispatch;
use crate::state::tender::{Key, Tender};

/// Tenders by a property that they may share, each list in the order of storing.
#[derive(Debug)]
struct Index<K>(HashMap<K, BTreeSet<usize>>);

impl<K> Default for Index<K> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Eq + Hash> Index<K> {
    fn add(&mut self, key: K, number: usize) {
        self.0.entry(key).or_default().insert(number);
    }

    fn remove(&mut self, key: &K, number: usize) {
        if let Some(numbers) = self.0.get_mut(key) {
            numbers.remove(&number);
            if numbers.is_empty() {
                self.0.remove(key);
            }
        }
    }

    fn numbers<'a>(&'a self, key: &K, first: usize) -> impl Iterator<Item = usize> + use<'a, K> {
        self.0.get(key).into_iter().flat_map(move |numbers| numbers.range(first..).copied())
    }
}

#[derive(Debug)]
struct Entry {
    tender: Tender,
    /// Its place in the order of storing.
    number: usize,
    /// Under which instant it is on the agenda.
    at: Option<Timestamp>,
}

/// All tenders.
#[derive(Debug, Default)]
pub struct Book {
    entries: BTreeMap<Key, Entry>,
    order: BTreeMap<usize, Key>,
    tenants: Index<String>,
    loads: Index<(String, String)>,
    ids: Index<String>,
    /// By tenant and dispatch; one that was released stays, and is not found at its tender.
    dispatches: HashMap<(String, String), Key>,
    agenda: BTreeSet<(Timestamp, usize)>,
    /// Tenders whose place on the agenda may be out of date.
    touched: BTreeSet<usize>,
    next: usize,
}

impl Book {
    /// The tender of this name.
    pub fn get(&self, key: &Key) -> Option<&Tender> {
        Some(&self.entries.get(key)?.tender)
    }

    /// The tender of this name, to change it.
    pub fn get_mut(&mut self, key: &Key) -> Option<&mut Tender> {
        let entry = self.entries.get_mut(key)?;
        self.touched.insert(entry.number);
        Some(&mut entry.tender)
    }

    /// Stores a tender, in place of the one of the same name if there is one.
    pub fn put(&mut self, tender: Tender) {
        if let Some(known) = self.get_mut(&tender.key) {
            *known = tender;
            return;
        }
        let (key, number) = (tender.key.clone(), self.next);
        self.next += 1;
        self.tenants.add(key.tenant.clone(), number);
        self.loads.add((key.tenant.clone(), tender.load_id.clone()), number);
        self.ids.add(key.tender_id.clone(), number);
        self.order.insert(number, key.clone());
        self.touched.insert(number);
        self.entries.insert(key, Entry { tender, number, at: None });
    }

    /// Forgets a tender.
    pub fn remove(&mut self, key: &Key) {
        let Some(Entry { tender, number, at }) = self.entries.remove(key) else { return };
        self.tenants.remove(&key.tenant, number);
        self.loads.remove(&(key.tenant.clone(), tender.load_id), number);
        self.ids.remove(&key.tender_id, number);
        self.order.remove(&number);
        self.touched.remove(&number);
        self.dispatches.retain(|_, of| of != key);
        if let Some(at) = at {
            self.agenda.remove(&(at, number));
        }
    }

    /// Gives a tender a dispatch.
    pub fn assign(&mut self, key: &Key, dispatch: Dispatch) {
        self.dispatches.insert((key.tenant.clone(), dispatch.id.clone()), key.clone());
        if let Some(tender) = self.get_mut(key) {
            tender.dispatch = Some(dispatch);
        }
    }

    /// Every tender, in the order in which they were first stored.
    pub fn all(&self) -> impl DoubleEndedIterator<Item = &Tender> {
        self.order.values().filter_map(move |key| self.get(key))
    }

    /// The names of a tenant's tenders from a place in the order of storing on, each with its place.
    pub fn of_tenant(&self, tenant: &str, first: usize) -> impl Iterator<Item = (usize, &Key)> {
        self.tenants
            .numbers(&tenant.to_owned(), first)
            .filter_map(move |number| Some((number, self.order.get(&number)?)))
    }

    /// A tenant's tenders for a load.
    pub fn of_load(&self, tenant: &str, load_id: &str) -> impl Iterator<Item = &Tender> {
        self.loads.numbers(&(tenant.to_owned(), load_id.to_owned()), 0).filter_map(move |number| self.numbered(number))
    }

    /// The first tender with this id, whichever tenant's.
    pub fn named(&self, tender_id: &str) -> Option<&Tender> {
        self.numbered(self.ids.numbers(&tender_id.to_owned(), 0).next()?)
    }

    /// The name of the tender that a tenant's dispatch belongs to, or once belonged to.
    pub fn dispatched(&self, tenant: &str, dispatch_id: &str) -> Option<&Key> {
        self.dispatches.get(&(tenant.to_owned(), dispatch_id.to_owned()))
    }

    /// The names of the tenders to which something happens by itself until `now`, in the order of storing.
    pub fn due(&mut self, now: Timestamp) -> Vec<Key> {
        self.settle();
        let due: BTreeSet<usize> = self.agenda.range(..=(now, usize::MAX)).map(|(_, number)| *number).collect();
        due.iter().filter_map(|number| self.order.get(number).cloned()).collect()
    }

    /// When something next happens to a tender by itself.
    pub fn deadline(&mut self) -> Option<Timestamp> {
        self.settle();
        self.agenda.first().map(|(at, _)| *at)
    }

    fn numbered(&self, number: usize) -> Option<&Tender> {
        self.get(self.order.get(&number)?)
    }

    /// Brings the agenda up to date.
    fn settle(&mut self) {
        while let Some(number) = self.touched.pop_first() {
            let Some(entry) = self.order.get(&number).and_then(|key| self.entries.get_mut(key)) else { continue };
            let at = entry.tender.deadline();
            if let Some(before) = std::mem::replace(&mut entry.at, at) {
                self.agenda.remove(&(before, number));
            }
            self.agenda.extend(at.map(|at| (at, number)));
        }
    }
}
