mod attention;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use gladhand_documents::error::Code;
use gladhand_documents::model::sdk::{InboxOutcome, Sync};
use gladhand_documents::model::wire::TenderState;
use gladhand_protocol::tender::history;

use super::*;
use crate::clock::{Clock as _, SharedClock, TestClock};

pub(super) struct Bench {
    pub(super) dir: tempfile::TempDir,
    pub(super) clock: TestClock,
}

impl Bench {
    pub(super) fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap(), clock: TestClock::at("2026-02-20T08:00:00Z".parse().unwrap()) }
    }

    pub(super) fn path(&self) -> PathBuf {
        self.dir.path().join("journal.db")
    }

    pub(super) fn shared_clock(&self) -> SharedClock {
        Arc::new(self.clock.clone())
    }

    pub(super) fn store(&self) -> sqlite::SqliteStore {
        self.open().unwrap()
    }

    pub(super) fn open(&self) -> Result<sqlite::SqliteStore> {
        sqlite::SqliteStore::open(&self.path(), "sandbox", "acme", Arc::new(self.clock.clone()))
    }

    /// A connection past the store, which can keep the seals.
    fn raw(&self) -> rusqlite::Connection {
        let connection = rusqlite::Connection::open(self.path()).unwrap();
        sqlite::teach(&connection).unwrap();
        connection
    }

    pub(super) fn intent(&self, owner: &str, tender: &str) -> NewIntent {
        NewIntent {
            operation: "tenders.create",
            operation_id: format!("{tender}/1"),
            tender_id: Some(tender.to_owned()),
            carrier: "aurora".to_owned(),
            origin: "https://carrier.test".to_owned(),
            method: "POST",
            path: "/v1/tenders".to_owned(),
            key: "k".repeat(43),
            body: Document::parse(format!(r#"{{"tenderId":"{tender}","amount":1250.00}}"#)).unwrap(),
            prefer: None,
            resend_until: self.clock.now(),
            owner: owner.to_owned(),
        }
    }
}

pub(super) fn tender(id: &str, load: &str, again: bool) -> NewTender {
    NewTender {
        tender_id: id.to_owned(),
        load_id: load.to_owned(),
        carrier: "aurora".to_owned(),
        attempt: 1,
        revision: 1,
        again,
    }
}

pub(super) fn owner(name: &str) -> Owner {
    Owner { id: name.to_owned(), ..Owner::here() }
}

pub(super) fn event(tender: &str, sequence: u64, kind: &str) -> Incoming {
    event_with(tender, sequence, kind, "")
}

fn event_with(tender: &str, sequence: u64, kind: &str, extra: &str) -> Incoming {
    Incoming::parse(
        format!(
            r#"{{"specversion":"1.0","id":"e-{tender}-{sequence}","source":"https://carrier.test/tenders/{tender}","type":"gladhand.{kind}.v1","subject":"L-1","time":"2026-02-20T08:00:00Z","recordedtime":"2026-02-20T08:00:00Z","sequence":"{sequence:020}","partitionkey":"{tender}","data":{{"loadId":"L-1","tenderId":"{tender}","eventSequence":{sequence},"status":"x","sourceSystem":"c"{extra}}}}}"#
        )
        .as_bytes(),
    )
    .unwrap()
}

pub(super) fn opened(opened: Opened) -> Intent {
    match opened {
        Opened::New(new) => new.1,
        Opened::Existing(row) => panic!("{} is there already", row.tender_id),
    }
}

#[test]
fn a_load_is_held_once_and_released_by_the_carrier_only() {
    let bench = Bench::new();
    let (mut one, mut two) = (bench.store(), bench.store());
    one.register(&owner("a")).unwrap();
    let intent = opened(one.open_tender(&tender("t-1", "L-1", false), &bench.intent("a", "t-1")).unwrap());
    // A second process joins, also under another tender id.
    let Opened::Existing(same) = two.open_tender(&tender("t-2", "L-1", false), &bench.intent("b", "t-2")).unwrap()
    else {
        panic!("two tenders hold one load")
    };
    assert_eq!(same.tender_id, "t-1");
    assert_eq!(
        two.open_tender(&tender("t-2", "L-1", true), &bench.intent("b", "t-2")).unwrap_err().code(),
        Code::LoadHeld
    );
    let effect =
        Effect::State { state: TenderState::Rejected, code: "capacity_committed".to_owned(), text: String::new() };
    assert!(one.close_intent(intent.id, intent.fence, &Outcome::of("refused"), &effect).unwrap());
    assert!(!one.close_intent(intent.id, intent.fence, &Outcome::of("refused"), &effect).unwrap(), "closed once");
    assert!(one.tender("t-1").unwrap().unwrap().released());
    opened(two.open_tender(&tender("t-2", "L-1", true), &bench.intent("b", "t-2")).unwrap());
    let report = one.verify().unwrap();
    assert!(report.intact);
    assert_eq!((report.entries, report.unresolved), (3, 1));
    let entries = one.entries(0, 10).unwrap();
    assert_eq!(entries.iter().map(|e| e.kind.as_str()).collect::<Vec<_>>(), ["INTENT", "OUTCOME", "INTENT"]);
    assert_eq!(entries[0].body.number("/content/amount"), Some("1250.00"), "the exact bytes are journaled");
}

#[test]
fn what_was_never_executed_leaves_the_load_free() {
    let bench = Bench::new();
    let mut store = bench.store();
    let intent = opened(store.open_tender(&tender("t-1", "L-1", false), &bench.intent("a", "t-1")).unwrap());
    store.close_intent(intent.id, intent.fence, &Outcome::of("not_executed"), &Effect::Never).unwrap();
    assert!(store.tender("t-1").unwrap().is_none());
    opened(store.open_tender(&tender("t-1", "L-1", false), &bench.intent("a", "t-1")).unwrap());

    // A tender that the carrier has spoken of was executed, whatever a gateway said of the request.
    let intent = store.open_intents(None).unwrap().remove(0);
    store.accept(&event("t-1", 1, "tender.received"), "aurora", "feed").unwrap();
    store.close_intent(intent.id, intent.fence, &Outcome::of("not_executed"), &Effect::Never).unwrap();
    assert_eq!(store.holder("L-1").unwrap().unwrap().state(), TenderState::Pending);
}

#[test]
fn what_was_never_executed_stays_for_the_withdrawal_that_is_on_its_way() {
    let bench = Bench::new();
    let mut store = bench.store();
    let create = opened(store.open_tender(&tender("t-1", "L-1", false), &bench.intent("a", "t-1")).unwrap());
    let withdrawal = NewIntent { operation: "tenders.withdraw", ..bench.intent("a", "t-1") };
    let OpenedIntent::New(withdrawal) = store.open_intent(&withdrawal).unwrap() else { panic!("it is the first") };
    store.close_intent(create.id, create.fence, &Outcome::of("not_executed"), &Effect::Never).unwrap();
    let row = store.tender("t-1").unwrap().unwrap();
    assert_eq!((row.state(), row.released()), (TenderState::Withdrawn, true));
    // The carrier's tombstone finds its tender.
    let answer = format!(
        r#"{{"schemaVersion":"1.0.0","tenderId":"t-1","loadId":"L-1","revision":1,"state":"withdrawn","lastSequence":0,"historyDigest":"{}","logEpoch":"e1"}}"#,
        history::hex(&history::start("t-1"))
    );
    let effect = Effect::Snapshot(Document::parse(answer).unwrap());
    assert!(store.close_intent(withdrawal.id, withdrawal.fence, &Outcome::of("answered"), &effect).unwrap());
    assert_eq!(store.unresolved().unwrap(), 0);
}

#[test]
fn a_withdrawal_of_what_is_gone_meanwhile_is_not_begun() {
    let bench = Bench::new();
    let mut store = bench.store();
    let create = opened(store.open_tender(&tender("t-1", "L-1", false), &bench.intent("a", "t-1")).unwrap());
    store.close_intent(create.id, create.fence, &Outcome::of("not_executed"), &Effect::Never).unwrap();
    // Its answer would have no tender to be about, and it would be sent for ever.
    let withdrawal = NewIntent { operation: "tenders.withdraw", ..bench.intent("b", "t-1") };
    assert_eq!(store.open_intent(&withdrawal).unwrap_err().code(), Code::TenderUnknown);
    assert_eq!(store.unresolved().unwrap(), 0);
}

#[test]
fn a_number_that_was_used_meanwhile_says_the_same_again() {
    let bench = Bench::new();
    let (mut one, mut two) = (bench.store(), bench.store());
    opened(one.open_tender(&tender("t-1", "L-1", false), &bench.intent("a", "t-1")).unwrap());
    let says = |owner: &str, reason: &str| NewIntent {
        operation: "tenders.withdraw",
        body: Document::parse(format!(r#"{{"reason":"{reason}"}}"#)).unwrap(),
        ..bench.intent(owner, "t-1")
    };
    // Both counted before either was journaled.
    let OpenedIntent::New(first) = one.open_intent(&says("a", "late")).unwrap() else { panic!("it is the first") };
    one.close_intent(first.id, first.fence, &Outcome::of("answered"), &Effect::None).unwrap();
    let OpenedIntent::New(second) = two.open_intent(&says("b", "changed")).unwrap() else { panic!("none is open") };
    assert_eq!((second.key, second.body), (first.key, first.body));
}

#[test]
fn a_delivered_load_is_tendered_to_nobody() {
    let bench = Bench::new();
    let mut store = bench.store();
    opened(store.open_tender(&tender("t-1", "L-1", false), &bench.intent("a", "t-1")).unwrap());
    let steps =
        ["tender.received", "tender.accepted", "dispatch.created", "shipment.departed_pickup", "shipment.delivered"];
    for (kind, sequence) in steps.into_iter().zip(1..) {
        store.accept(&event("t-1", sequence, kind), "aurora", "feed").unwrap();
    }
    let row = store.tender("t-1").unwrap().unwrap();
    assert_eq!((row.state(), row.held(), row.released()), (TenderState::Delivered, false, false));
    // Neither as the next attempt, nor to another carrier: a truck would come for freight that is gone.
    let again = store.open_tender(&tender("t-2", "L-1", true), &bench.intent("a", "t-2"));
    assert_eq!(again.unwrap_err().code(), Code::LoadHeld);
    let elsewhere = NewTender { carrier: "borealis".to_owned(), ..tender("t-3", "L-1", false) };
    let Opened::Existing(same) = store.open_tender(&elsewhere, &bench.intent("a", "t-3")).unwrap() else {
        panic!("a delivered load is tendered to another carrier")
    };
    assert_eq!(same.tender_id, "t-1");
}

#[test]
fn only_lapsed_leases_are_taken_over() {
    let bench = Bench::new();
    let (mut one, mut two) = (bench.store(), bench.store());
    one.register(&owner("a")).unwrap();
    two.register(&owner("b")).unwrap();
    let intent = opened(one.open_tender(&tender("t-1", "L-1", false), &bench.intent("a", "t-1")).unwrap());
    assert!(two.claim_lapsed("b").unwrap().is_empty(), "the owner lives");
    bench.clock.advance(LEASE / 2);
    one.beat("a").unwrap();
    bench.clock.advance(LEASE * 3 / 4);
    assert!(two.claim_lapsed("b").unwrap().is_empty(), "the owner's heart beats");
    bench.clock.advance(LEASE);
    let taken = two.claim_lapsed("b").unwrap();
    assert_eq!((taken.len(), taken[0].fence, taken[0].tainted), (1, 2, true));
    // The old owner wakes up: its fencing number is void.
    assert!(!one.holds(intent.id, intent.fence).unwrap());
    assert!(!one.close_intent(intent.id, intent.fence, &Outcome::of("answered"), &Effect::None).unwrap());
    assert!(two.close_intent(taken[0].id, taken[0].fence, &Outcome::of("recovered"), &Effect::None).unwrap());
}

#[test]
#[cfg(target_os = "linux")]
fn a_dead_process_loses_its_lease_at_once() {
    let bench = Bench::new();
    let mut store = bench.store();
    store.register(&Owner { started: "1".to_owned(), ..owner("dead") }).unwrap();
    opened(store.open_tender(&tender("t-1", "L-1", false), &bench.intent("dead", "t-1")).unwrap());
    assert_eq!(store.claim_lapsed("b").unwrap().len(), 1);
}

#[test]
fn events_apply_in_order_whatever_way_they_come() {
    let bench = Bench::new();
    let mut store = bench.store();
    opened(store.open_tender(&tender("t-1", "L-1", false), &bench.intent("a", "t-1")).unwrap());
    let mut accept = |event: &Incoming| store.accept(event, "aurora", "webhook").unwrap();
    let received = event("t-1", 1, "tender.received");
    let accepted = event("t-1", 2, "tender.accepted");
    let early = accept(&accepted);
    assert_eq!((early.outcome, early.tender.sync), (InboxOutcome::Parked, Sync::Gap));
    assert_eq!(accept(&accepted).outcome, InboxOutcome::Duplicate);
    let done = accept(&received);
    assert_eq!((done.outcome, done.tender.sync.clone()), (InboxOutcome::Stored, Sync::InSync));
    assert_eq!((done.tender.state(), done.tender.fold.last_sequence), (TenderState::Accepted, 2));
    assert_eq!(accept(&received).outcome, InboxOutcome::Duplicate);

    let reader = store.next_delivery("billing", "r1", 0).unwrap_err();
    assert_eq!(reader.code(), Code::ConsumerLeased, "a reader leases first");
    // The same sequence with other bytes freezes the tender, and what follows is recorded, not applied.
    let forged = event_with("t-1", 2, "tender.accepted", r#","capacityId":"x""#);
    let frozen = store.accept(&forged, "aurora", "webhook").unwrap();
    assert_eq!((frozen.outcome, frozen.tender.sync), (InboxOutcome::Quarantined, Sync::Diverged));
    let later = store.accept(&event("t-1", 3, "dispatch.created"), "aurora", "feed").unwrap();
    assert_eq!(later.tender.fold.last_sequence, 2);
    assert!(later.tender.held());
    assert_eq!(store.events("t-1", 0, 10).unwrap().len(), 2);
    assert!(store.verify().unwrap().intact);
}

#[test]
fn an_illegal_event_is_recorded_and_not_applied() {
    let bench = Bench::new();
    let mut store = bench.store();
    opened(store.open_tender(&tender("t-1", "L-1", false), &bench.intent("a", "t-1")).unwrap());
    store.accept(&event("t-1", 1, "tender.received"), "aurora", "feed").unwrap();
    let illegal = store.accept(&event("t-1", 2, "shipment.delivered"), "aurora", "feed").unwrap();
    assert_eq!((illegal.tender.state(), illegal.tender.sync), (TenderState::Pending, Sync::Diverged));
    assert_eq!(store.tender("t-9").unwrap().map(|t| t.tender_id), None);
    assert_eq!(
        store.accept(&event("t-9", 1, "tender.received"), "aurora", "feed").unwrap_err().code(),
        Code::TenderUnknown
    );
}

#[test]
fn a_late_event_of_a_released_tender_does_not_take_the_load_back() {
    let bench = Bench::new();
    let mut store = bench.store();
    opened(store.open_tender(&tender("t-1", "L-1", false), &bench.intent("a", "t-1")).unwrap());
    store.accept(&event("t-1", 1, "tender.received"), "aurora", "feed").unwrap();
    store.accept(&event("t-1", 2, "tender.rejected"), "aurora", "feed").unwrap();
    opened(store.open_tender(&tender("t-2", "L-1", true), &bench.intent("a", "t-2")).unwrap());
    // Not in sync any more, and stored all the same: the load is held, by the other tender.
    let late = store.accept(&event("t-1", 4, "shipment.status"), "aurora", "feed").unwrap();
    assert_eq!((late.outcome, late.tender.sync), (InboxOutcome::Parked, Sync::Gap));
    assert_eq!(store.holder("L-1").unwrap().unwrap().tender_id, "t-2");
}

#[test]
fn a_snapshot_ahead_is_a_gap_until_the_events_are_there() {
    let bench = Bench::new();
    let mut store = bench.store();
    opened(store.open_tender(&tender("t-1", "L-1", false), &bench.intent("a", "t-1")).unwrap());
    let (received, accepted) = (event("t-1", 1, "tender.received"), event("t-1", 2, "tender.accepted"));
    use gladhand_protocol::tender::history;
    let digest = history::extend(&history::extend(&history::start("t-1"), 1, &received.digest), 2, &accepted.digest);
    let snapshot = |digest: &[u8; 32]| {
        Document::parse(format!(
            r#"{{"tenderId":"t-1","loadId":"L-1","state":"accepted","lastSequence":2,"historyDigest":"{}"}}"#,
            history::hex(digest)
        ))
        .unwrap()
    };
    let row = store.snapshot("t-1", &snapshot(&digest)).unwrap();
    assert_eq!((row.state(), row.sync), (TenderState::Accepted, Sync::Gap));
    assert_eq!(store.gaps(i64::MAX).unwrap().len(), 1);
    store.accept(&received, "aurora", "pull").unwrap();
    let row = store.accept(&accepted, "aurora", "pull").unwrap().tender;
    assert_eq!((row.sync, row.fold.history_digest), (Sync::InSync, digest));
    // The same length with another digest is another history.
    let row = store.snapshot("t-1", &snapshot(&[7; 32])).unwrap();
    assert_eq!(row.sync, Sync::Diverged);
}

/// As many events of t-1 wait behind a gap as may.
fn crowd(bench: &Bench) {
    bench
        .raw()
        .execute_batch(
            "WITH RECURSIVE n(i) AS (SELECT 12 UNION ALL SELECT i + 1 FROM n WHERE i <= 1010)
             INSERT INTO inbox (source, sequence, digest, event_id, tender_id, carrier, status, safety, copies, bytes)
             SELECT 'https://carrier.test/tenders/t-1', i, x'00', 'w-' || i, 't-1', 'aurora', 'parked', 0, 1, x'00' FROM n",
        )
        .unwrap();
}

#[test]
fn no_crowd_of_waiting_events_hides_one_that_matters_to_safety() {
    let bench = Bench::new();
    let mut store = bench.store();
    opened(store.open_tender(&tender("t-1", "L-1", false), &bench.intent("a", "t-1")).unwrap());
    // What comes later is dropped, and pulled when the gap closes.
    crowd(&bench);
    let stored = || -> i64 {
        let raw = rusqlite::Connection::open(bench.path()).unwrap();
        raw.query_row("SELECT max(id) FROM inbox", [], |row| row.get(0)).unwrap()
    };
    let before = stored();
    store.accept(&event("t-1", 2000, "shipment.status"), "aurora", "webhook").unwrap();
    assert_eq!(stored(), before, "dropped");
    let extra = r#","controlMode":"minimal_risk""#;
    let stop = event_with("t-1", 2001, "control.mode_changed", extra);
    assert!(store.accept(&stop, "aurora", "webhook").unwrap().safety);
    let told = store.safety(before, 10).unwrap();
    assert_eq!(told.len(), 1, "the application hears of it at once");
    assert_eq!(told[0].1.as_bytes(), stop.document.as_bytes());
}

#[test]
fn a_consumer_gets_each_event_until_it_acknowledges() {
    let bench = Bench::new();
    let mut store = bench.store();
    store.register(&owner("a")).unwrap();
    opened(store.open_tender(&tender("t-1", "L-1", false), &bench.intent("a", "t-1")).unwrap());
    for (sequence, kind) in [(1, "tender.received"), (2, "tender.accepted"), (3, "dispatch.created")] {
        store.accept(&event("t-1", sequence, kind), "aurora", "feed").unwrap();
    }
    store.lease_consumer("billing", "a", "r1").unwrap();
    assert_eq!(store.lease_consumer("billing", "a", "r2").unwrap_err().code(), Code::ConsumerLeased);
    let first = store.next_delivery("billing", "r1", 0).unwrap().unwrap();
    let second = store.next_delivery("billing", "r1", first.token).unwrap().unwrap();
    let third = store.next_delivery("billing", "r1", second.token).unwrap().unwrap();
    assert_eq!(third.event.integer("/data/eventSequence"), Some(3));
    store.acknowledge("billing", "r1", first.token).unwrap();
    store.acknowledge("billing", "r1", third.token).unwrap();
    store.release_consumer("billing", "r1").unwrap();
    // The next reader gets what was not acknowledged, and only that.
    store.lease_consumer("billing", "a", "r2").unwrap();
    assert_eq!(store.next_delivery("billing", "r1", 0).unwrap_err().code(), Code::ConsumerLeased);
    assert_eq!(store.next_delivery("billing", "r2", 0).unwrap().unwrap().token, second.token);
    store.acknowledge("billing", "r2", second.token).unwrap();
    assert!(store.next_delivery("billing", "r2", 0).unwrap().is_none());
}

#[test]
fn a_cut_tail_is_seen() {
    let bench = Bench::new();
    let mut store = bench.store();
    opened(store.open_tender(&tender("t-1", "L-1", false), &bench.intent("a", "t-1")).unwrap());
    drop(store);
    for suffix in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(bench.dir.path().join(format!("journal.db{suffix}")));
    }
    assert_eq!(bench.open().unwrap_err().code(), Code::JournalTruncated);
}

#[test]
fn what_is_not_ours_is_refused() {
    let bench = Bench::new();
    let raw = rusqlite::Connection::open(bench.path()).unwrap();
    raw.execute("CREATE TABLE theirs (x)", []).unwrap();
    assert_eq!(bench.open().unwrap_err().code(), Code::JournalUnsupported);
    drop(raw);
    std::fs::write(bench.path(), [b'x'; 4096]).unwrap();
    assert_eq!(bench.open().unwrap_err().code(), Code::JournalUnsupported);

    let bench = Bench::new();
    drop(bench.store());
    let raw = rusqlite::Connection::open(bench.path()).unwrap();
    raw.pragma_update(None, "user_version", 99).unwrap();
    assert_eq!(bench.open().unwrap_err().code(), Code::JournalUnsupported);
    raw.pragma_update(None, "user_version", 2).unwrap();
    let other = sqlite::SqliteStore::open(&bench.path(), "production", "acme", Arc::new(bench.clock.clone()));
    assert_eq!(other.unwrap_err().code(), Code::ConfigInvalid);
}

#[test]
fn a_full_disk_sends_nothing() {
    let bench = Bench::new();
    let mut store = bench.store();
    store.limit_pages();
    let mut big = bench.intent("a", "t-1");
    big.body = Document::parse(format!(r#"{{"x":"{}"}}"#, "x".repeat(1 << 20))).unwrap();
    let error = store.open_tender(&tender("t-1", "L-1", false), &big).unwrap_err();
    assert_eq!(error.code(), Code::JournalUnwritable, "{error}");
    assert!(store.tender("t-1").unwrap().is_none(), "nothing of it stays");
    assert!(store.verify().unwrap().intact);
}

#[test]
fn command_numbers_rise_and_epochs_freeze() {
    let bench = Bench::new();
    let (mut one, mut two) = (bench.store(), bench.store());
    assert_eq!((one.next_command("d-1").unwrap(), two.next_command("d-1").unwrap()), (1, 2));
    assert!(!one.note_epoch("aurora", "e1").unwrap().frozen);
    one.set_cursor("aurora", "c9").unwrap();
    let changed = two.note_epoch("aurora", "e2").unwrap();
    assert!(changed.frozen && changed.epoch.as_deref() == Some("e1"));
    assert!(one.note_epoch("aurora", "e1").unwrap().frozen, "it stays frozen");
    one.thaw("aurora", "e2").unwrap();
    let thawed = one.carrier("aurora").unwrap();
    assert!(!thawed.frozen && thawed.cursor.is_none(), "a cursor of another epoch means nothing");
}

#[tokio::test]
async fn the_thread_serves_and_ends() {
    let bench = Bench::new();
    let journal = Journal::open(&bench.path(), "sandbox", "acme", Arc::new(bench.clock.clone())).await.unwrap();
    assert_eq!(journal.run(|store| store.next_command("d")).await.unwrap(), 1);
    let broken = Journal::open(Path::new(""), "sandbox", "acme", Arc::new(bench.clock.clone())).await;
    assert_eq!(broken.unwrap_err().code(), Code::ConfigMissing);
}
