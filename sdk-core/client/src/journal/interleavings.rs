//! Any interleaving of pushed and pulled, duplicated and reordered events folds to one state and one digest (contract 4e),
//! through the real store: all orders of six events, random ones of up to two hundred.

use std::sync::Arc;

use gladhand_documents::model::sdk::Sync;
use gladhand_documents::model::wire::TenderState;
use gladhand_protocol::tender::fold::Fold;

use super::sqlite::SqliteStore;
use super::*;
use crate::clock::{Clock as _, TestClock};

const LIFE: [&str; 6] = [
    "tender.received",
    "tender.accepted",
    "dispatch.created",
    "shipment.departed_pickup",
    "control.mode_changed",
    "shipment.delivered",
];

struct Bench {
    store: SqliteStore,
    clock: TestClock,
    /// What the application has seen so far.
    seen: u64,
    _dir: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        // Thousands of syncs: on a file system in memory where there is one.
        let memory = std::path::Path::new("/dev/shm");
        let dir = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap();
        let clock = TestClock::at("2026-02-20T08:00:00Z".parse().unwrap());
        let path = dir.path().join("journal.db");
        let mut store = SqliteStore::open(&path, "sandbox", "acme", Arc::new(clock.clone())).unwrap();
        store.register(&Owner { id: "a".to_owned(), ..Owner::here() }).unwrap();
        store.lease_consumer("app", "a", "r").unwrap();
        Self { store, clock, seen: 0, _dir: dir }
    }

    fn open(&mut self, id: &str) {
        let tender = NewTender {
            tender_id: id.to_owned(),
            load_id: format!("L-{id}"),
            carrier: "aurora".to_owned(),
            attempt: 1,
            revision: 1,
            again: false,
        };
        let intent = NewIntent {
            operation: "tenders.create",
            operation_id: format!("{id}/1"),
            tender_id: Some(id.to_owned()),
            carrier: "aurora".to_owned(),
            origin: "https://carrier.test".to_owned(),
            method: "POST",
            path: "/v1/tenders".to_owned(),
            key: "k".repeat(43),
            body: Document::object(),
            prefer: None,
            resend_until: self.clock.now(),
            owner: "a".to_owned(),
        };
        let Opened::New(new) = self.store.open_tender(&tender, &intent).unwrap() else {
            panic!("{id} is there already")
        };
        let answered = rows::Outcome::of("answered");
        self.store.close_intent(new.1.id, new.1.fence, &answered, &Effect::None).unwrap();
    }

    /// Takes events of `id` in this order, and checks what must hold after the last one.
    fn deliver(&mut self, id: &str, history: &[Incoming], order: &[usize]) {
        self.open(id);
        for (turn, place) in order.iter().enumerate() {
            let via = if turn.is_multiple_of(2) { "webhook" } else { "feed" };
            self.store.accept(&history[*place], "aurora", via).unwrap();
        }
        let mut expected = Fold::new(id, 1);
        for event in history {
            expected.apply(event).unwrap();
        }
        let row = self.store.tender(id).unwrap().unwrap();
        assert_eq!((&row.fold, &row.sync), (&expected, &Sync::InSync), "{order:?}");
        assert_eq!(row.state(), TenderState::Delivered);
        // The application sees each once, in order, whatever came how often.
        for event in history {
            let told = self.store.next_delivery("app", "r", self.seen).unwrap().unwrap();
            assert_eq!(told.event.as_bytes(), event.document.as_bytes(), "{order:?}");
            self.seen = told.token;
        }
        assert!(self.store.next_delivery("app", "r", self.seen).unwrap().is_none(), "{order:?}");
    }
}

/// A whole life of so many events.
fn history(id: &str, length: usize) -> Vec<Incoming> {
    let middle = vec!["shipment.status"; length - LIFE.len()];
    let kinds = [&LIFE[..5], &middle, &LIFE[5..]].concat();
    let write = |(place, kind): (usize, &&str)| {
        let sequence = place + 1;
        let text = format!(
            r#"{{"specversion":"1.0","id":"e-{id}-{sequence}","source":"https://carrier.test/tenders/{id}","type":"gladhand.{kind}.v1","subject":"L-{id}","time":"2026-02-20T08:00:00Z","recordedtime":"2026-02-20T08:00:00Z","sequence":"{sequence:020}","partitionkey":"{id}","data":{{"loadId":"L-{id}","tenderId":"{id}","dispatchId":"D-{id}","eventSequence":{sequence},"status":"x","sourceSystem":"c"}}}}"#
        );
        Incoming::parse(text.as_bytes()).unwrap()
    };
    kinds.iter().enumerate().map(write).collect()
}

/// Every order of these places.
fn orders(places: &[usize]) -> Vec<Vec<usize>> {
    if places.is_empty() {
        return vec![Vec::new()];
    }
    let first = |at: usize| {
        let rest = [&places[..at], &places[at + 1..]].concat();
        orders(&rest).into_iter().map(move |order| [vec![places[at]], order].concat())
    };
    (0..places.len()).flat_map(first).collect()
}

/// SplitMix64: the same numbers on every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) % limit as u64) as usize
    }
}

#[test]
fn all_orders_of_six_events_end_alike() {
    let mut bench = Bench::new();
    let all = orders(&[0, 1, 2, 3, 4, 5]);
    assert_eq!(all.iter().collect::<std::collections::HashSet<_>>().len(), 720);
    for (number, mut order) in all.into_iter().enumerate() {
        let id = format!("t-{number}");
        // Some come twice, each at another place.
        if number.is_multiple_of(3) {
            order.push(order[number % 6]);
            order.insert(number % 7, order[(number / 7) % 6]);
        }
        bench.deliver(&id, &history(&id, 6), &order);
    }
}

#[test]
fn random_orders_of_two_hundred_events_end_alike() {
    let mut bench = Bench::new();
    for seed in 0..3 {
        let mut numbers = Numbers(seed);
        let length = 50 + numbers.below(151);
        // Everything once, and up to as much again a second time.
        let mut order: Vec<usize> = (0..length).collect();
        order.extend((0..numbers.below(length)).map(|_| numbers.below(length)).collect::<Vec<_>>());
        for place in (1..order.len()).rev() {
            order.swap(place, numbers.below(place + 1));
        }
        let id = format!("t-{seed}");
        bench.deliver(&id, &history(&id, length), &order);
    }
}
