//! After any sequence of operations, what the indexes answer is what a look at everything answers.

use std::time::Duration;

use gladhand_documents::json::Document;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::clock::{plus_seconds, rfc3339};
use crate::control::load;
use crate::state::Store;
use crate::state::command;
use crate::state::create::Submission;
use crate::state::decide::{By, Outcome};
use crate::state::hold::Wanted;
use crate::state::policy::{CommandDecision, Decision};
use crate::state::tender::{Key, Tender};
use crate::state::transitions::State;

const CAPACITIES: [&str; 3] = ["aurora-dal-hou-1", "aurora-dal-hou-pool", "aurora-chi-lax-1"];
const TENANTS: [&str; 2] = ["acme", "globex"];

/// A carrier, its clock, and dice that fall alike for the same seed.
struct Run {
    store: Store,
    now: Timestamp,
    dice: u64,
    made: u64,
}

impl Run {
    fn new(seed: u64) -> Self {
        let now = "2026-11-22T10:00:00Z".parse().unwrap();
        let mut store = Store::new("aurora", "https://aurora.test", now);
        let rule = &mut store.policy.standard;
        (rule.decision, rule.delay) = (Decision::Accept, Duration::from_secs(200));
        store.policy.commands.insert("hold_at_terminal".to_owned(), CommandDecision::Hold);
        Self { store, now, dice: seed, made: 0 }
    }

    /// A number below `n` (Knuth's MMIX generator).
    fn roll(&mut self, n: u64) -> u64 {
        self.dice = self.dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.dice >> 33) % n
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        let n = self.roll(from.len() as u64);
        from[usize::try_from(n).unwrap()].clone()
    }

    /// Any tender; none at the beginning.
    fn any(&mut self) -> Option<Key> {
        let keys: Vec<Key> = self.store.tenders().map(|t| t.key.clone()).collect();
        (!keys.is_empty()).then(|| self.pick(&keys))
    }

    fn create(&mut self) {
        let capacity = self.pick(&CAPACITIES);
        let load_id = format!("L-{}", self.roll(30));
        self.made += 1;
        // Two tenants may use one id.
        let key = Key { tenant: self.pick(&TENANTS).to_owned(), tender_id: format!("t-{}", self.made / 2) };
        let mode = self.pick(&["express", "standard", "standard"]);
        let offer = self.store.stock.get(capacity).unwrap();
        let document = load::document(&load_id, offer, self.now).unwrap().patch("/revision", "1").unwrap();
        let document = document.patch("/mode", &format!("\"{mode}\"")).unwrap();
        let document = if self.roll(3) == 0 { document.patch("/holdId", "\"h\"").unwrap() } else { document };
        let content = Sha256::digest(document.as_str()).into();
        let submission = Submission { key, document, content, traceparent: None, broken: None, if_match: None };
        if self.roll(4) == 0 {
            let _ = self.store.ingest(submission, self.now, SignedDuration::from_secs(30));
        } else {
            let _ = self.store.create(submission, self.now);
        }
    }

    fn hold(&mut self) {
        let (tenant, capacity_id) = (self.pick(&TENANTS), self.pick(&CAPACITIES));
        let hold_id = self.pick(&["h", "h1", "h2", "h3"]);
        let wanted = Wanted { tenant, client_id: "c", capacity_id, hold_id, current: true };
        let _ = match self.roll(3) {
            0 => self.store.release_hold(&wanted),
            _ => self.store.hold(&wanted, &Document::object(), [0; 32], self.now),
        };
    }

    fn command(&mut self, key: &Key) {
        let Some(dispatch) = self.store.find(key).and_then(|t| t.dispatch.clone()) else { return };
        self.made += 1;
        let kind = self.pick(&["conditional_stop", "hold_at_terminal", "manual_intervention"]);
        let document = json!({
            "commandId": format!("c-{}", self.made), "type": kind, "commandSequence": self.made,
            "expectedDispatchRevision": dispatch.revision, "expiresAt": rfc3339(plus_seconds(self.now, 600)),
        });
        let document = Document::parse(document.to_string()).unwrap();
        let _ = self.store.request_command(key, &document, [1; 32], self.now);
    }

    /// One operation of any kind, and some time.
    fn step(&mut self) {
        self.now = plus_seconds(self.now, i64::try_from(self.roll(40)).unwrap());
        self.store.tick(self.now, self.now);
        let now = self.now;
        let (kind, restored) = (self.roll(16), self.roll(7) == 0);
        let Some(key) = self.any().filter(|_| kind > 3) else { return self.create() };
        let store = &mut self.store;
        let _ = match kind {
            4 => return self.hold(),
            5 | 6 => return self.command(&key),
            7 => store.withdraw(&key, "L-1", "w", now),
            8 => store.conclude(&key, Outcome::Counter(None), &By::system(), now),
            9 => store.conclude(&key, Outcome::reject("rate", None), &By::system(), now),
            10 => store.archive(&key),
            11 if restored => {
                store.restore(5, now);
                Ok(())
            }
            _ => {
                let to = [State::Dispatched, State::Enroute, State::Delivered, State::Accepted, State::Cancelled];
                let to = self.pick(&to);
                self.store.progress(&key, to, "trk-1", now)
            }
        };
    }

    /// Compares every index with a scan.
    fn check(&mut self) {
        let now = self.now;
        let all: Vec<Tender> = self.store.tenders().cloned().collect();
        let keys = |these: Vec<&Tender>| these.iter().map(|t| t.key.clone()).collect::<Vec<_>>();
        let scan = |fits: &dyn Fn(&Tender) -> bool| keys(all.iter().filter(|t| fits(t)).collect());
        for tender in &all {
            let (tenant, load) = (tender.key.tenant.as_str(), tender.load_id.as_str());
            let same_load = scan(&|t| t.key.tenant == tenant && t.load_id == load);
            assert_eq!(keys(self.store.tenders.of_load(tenant, load).collect()), same_load);
            let first = all.iter().find(|t| t.key.tender_id == tender.key.tender_id).unwrap();
            assert_eq!(self.store.key_of(&tender.key.tender_id).unwrap(), first.key);
            if let Some(dispatch) = &tender.dispatch {
                assert_eq!(self.store.dispatched(tenant, &dispatch.id).unwrap().key, tender.key);
                let other = TENANTS.into_iter().find(|other| *other != tenant).unwrap();
                assert!(self.store.dispatched(other, &dispatch.id).is_none());
            }
        }
        for tenant in TENANTS {
            let mine: Vec<(usize, Key)> =
                self.store.tenders.of_tenant(tenant, 0).map(|(at, key)| (at, key.clone())).collect();
            let (places, names): (Vec<usize>, Vec<Key>) = mine.into_iter().unzip();
            assert_eq!(names, scan(&|t| t.key.tenant == tenant));
            if let Some(middle) = places.get(places.len() / 2) {
                assert_eq!(self.store.tenders.of_tenant(tenant, *middle).count(), places.len() - places.len() / 2);
            }
            let feed = self.store.feed.all().iter().enumerate().filter(|(_, c)| c.key.tenant == tenant);
            let feed: Vec<usize> = feed.map(|(place, _)| place).collect();
            assert_eq!(self.store.feed.of_tenant(tenant, 0).map(|(place, _)| place).collect::<Vec<_>>(), feed);
        }
        assert_eq!(self.store.tenders.deadline(), all.iter().filter_map(Tender::deadline).min());
        for ahead in [0, 60, 4000] {
            let until = plus_seconds(now, ahead);
            let due = scan(&|t| t.deadline().is_some_and(|at| at <= until));
            assert_eq!(self.store.tenders.due(until), due);
        }
        for capacity in self.store.stock.iter() {
            assert_eq!(capacity.holds.kept(), capacity.holds.scanned());
        }
    }
}

#[test]
fn indexes_and_scans_agree_whatever_happens() {
    let mut ends = std::collections::BTreeSet::new();
    for seed in 0..12 {
        let mut run = Run::new(seed);
        for _ in 0..150 {
            run.step();
            run.check();
        }
        ends.extend(run.store.tenders().map(|t| t.state.as_str()));
        let commands = run.store.tenders().flat_map(|t| t.dispatch.iter().flat_map(|d| &d.commands));
        ends.extend(commands.map(|c| match c.state {
            command::State::Completed => "command completed",
            command::State::Failed => "command failed",
            _ => "command",
        }));
    }
    // The dice went everywhere.
    for reached in ["pending", "rejected", "expired", "withdrawn", "enroute", "delivered", "cancelled"] {
        assert!(ends.contains(reached), "{reached} of {ends:?}");
    }
    assert!(ends.contains("command completed") && ends.contains("command failed"), "{ends:?}");
}
