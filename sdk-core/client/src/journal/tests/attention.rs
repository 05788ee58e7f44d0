//! What does not mend itself: gaps that stay, histories that differ, loads that two may hold; and what safety events were told.

use super::*;

/// The same sequence with other bytes: the tender's history differs from now on.
fn diverge(store: &mut sqlite::SqliteStore, tender: &str) {
    let forged = event_with(tender, 1, "tender.received", r#","capacityId":"x""#);
    assert_eq!(store.accept(&forged, "aurora", "webhook").unwrap().tender.sync, Sync::Diverged);
}

#[test]
fn a_released_tender_that_diverges_is_held_again() {
    let bench = Bench::new();
    let mut store = bench.store();
    opened(store.open_tender(&tender("t-1", "L-1", false), &bench.intent("a", "t-1")).unwrap());
    store.accept(&event("t-1", 1, "tender.received"), "aurora", "feed").unwrap();
    store.accept(&event("t-1", 2, "tender.rejected"), "aurora", "feed").unwrap();
    assert!(store.holder("L-1").unwrap().is_none());
    diverge(&mut store, "t-1");
    assert_eq!(store.holder("L-1").unwrap().unwrap().tender_id, "t-1");
    let again = store.open_tender(&tender("t-2", "L-1", true), &bench.intent("a", "t-2"));
    assert_eq!(again.unwrap_err().code(), Code::LoadHeld);
    let attention = store.attention(0).unwrap();
    assert_eq!((attention.diverged, attention.duplicates.len()), (vec!["t-1".to_owned()], 0));
    assert_eq!(attention.quarantined, 1);
}

#[test]
fn a_released_tender_that_diverges_while_another_holds_its_load_is_a_duplicate_and_holds_it_next() {
    let bench = Bench::new();
    let mut store = bench.store();
    opened(store.open_tender(&tender("t-1", "L-1", false), &bench.intent("a", "t-1")).unwrap());
    store.accept(&event("t-1", 1, "tender.received"), "aurora", "feed").unwrap();
    store.accept(&event("t-1", 2, "tender.rejected"), "aurora", "feed").unwrap();
    opened(store.open_tender(&tender("t-2", "L-1", true), &bench.intent("a", "t-2")).unwrap());
    store.accept(&event("t-2", 1, "tender.received"), "aurora", "feed").unwrap();
    assert_eq!(store.attention(0).unwrap(), Attention::default());
    diverge(&mut store, "t-1");
    assert_eq!(store.holder("L-1").unwrap().unwrap().tender_id, "t-2", "it stays with the one that has it");
    assert_eq!(store.attention(0).unwrap().duplicates, ["t-1"], "and somebody must look");
    // The other lets go: the load is not free, as nobody knows what the first carrier will do.
    store.accept(&event("t-2", 2, "tender.rejected"), "aurora", "feed").unwrap();
    assert_eq!(store.holder("L-1").unwrap().unwrap().tender_id, "t-1");
    let third = store.open_tender(&tender("t-3", "L-1", true), &bench.intent("a", "t-3"));
    assert_eq!(third.unwrap_err().code(), Code::LoadHeld);
    assert!(store.attention(0).unwrap().duplicates.is_empty());
}

#[test]
fn a_withdrawn_tender_that_comes_alive_is_a_duplicate() {
    let bench = Bench::new();
    let mut store = bench.store();
    let intent = opened(store.open_tender(&tender("t-1", "L-1", false), &bench.intent("a", "t-1")).unwrap());
    let unsent = Effect::State { state: TenderState::Withdrawn, code: "unsent".to_owned(), text: String::new() };
    store.close_intent(intent.id, intent.fence, &Outcome::of("tombstoned"), &unsent).unwrap();
    let next = opened(store.open_tender(&tender("t-2", "L-1", true), &bench.intent("a", "t-2")).unwrap());
    // The first create arrives after all, at a carrier that keeps no tombstones.
    store.accept(&event("t-1", 1, "tender.received"), "aurora", "feed").unwrap();
    assert_eq!(store.attention(0).unwrap().duplicates, ["t-1"]);
    store.close_intent(next.id, next.fence, &Outcome::of("not_executed"), &Effect::Never).unwrap();
    assert_eq!(store.holder("L-1").unwrap().unwrap().tender_id, "t-1");
}

#[test]
fn what_an_operator_released_is_no_duplicate_until_it_comes_alive() {
    let bench = Bench::new();
    let mut store = bench.store();
    opened(store.open_tender(&tender("t-1", "L-1", false), &bench.intent("a", "t-1")).unwrap());
    store.accept(&event("t-1", 1, "tender.received"), "aurora", "feed").unwrap();
    diverge(&mut store, "t-1");
    let by = Override { actor: "ana".to_owned(), reason: "telephoned".to_owned(), runbook: "RB-01".to_owned() };
    store.release("t-1", &by).unwrap();
    assert!(store.holder("L-1").unwrap().is_none());
    assert!(store.attention(0).unwrap().duplicates.is_empty());

    // Nothing was known of this one when it was released; now the carrier has it.
    opened(store.open_tender(&tender("t-2", "L-1", true), &bench.intent("a", "t-2")).unwrap());
    store.release("t-2", &by).unwrap();
    store.accept(&event("t-2", 1, "tender.received"), "aurora", "feed").unwrap();
    assert_eq!(store.attention(0).unwrap().duplicates, ["t-2"]);
}

#[test]
fn a_gap_is_stale_once_it_has_been_open_for_long() {
    let bench = Bench::new();
    let mut store = bench.store();
    opened(store.open_tender(&tender("t-1", "L-1", false), &bench.intent("a", "t-1")).unwrap());
    store.accept(&event("t-1", 2, "tender.accepted"), "aurora", "webhook").unwrap();
    let opened = bench.clock.now().as_millisecond();
    bench.clock.advance(std::time::Duration::from_secs(60));
    // What comes meanwhile does not begin the gap anew.
    store.accept(&event("t-1", 3, "shipment.status"), "aurora", "webhook").unwrap();
    assert!(store.attention(opened - 1).unwrap().stale_gaps.is_empty());
    let attention = store.attention(opened).unwrap();
    assert_eq!((attention.stale_gaps, attention.parked), (vec!["t-1".to_owned()], 2));
    store.accept(&event("t-1", 1, "tender.received"), "aurora", "pull").unwrap();
    assert_eq!(store.attention(i64::MAX).unwrap(), Attention::default());
}

#[test]
fn a_frozen_tender_goes_on_consuming_into_the_journal() {
    let bench = Bench::new();
    let mut store = bench.store();
    opened(store.open_tender(&tender("t-1", "L-1", false), &bench.intent("a", "t-1")).unwrap());
    store.accept(&event("t-1", 1, "tender.received"), "aurora", "feed").unwrap();
    // Sequenced, and illegal: a bug of the carrier's.
    store.accept(&event("t-1", 2, "shipment.delivered"), "aurora", "feed").unwrap();
    crowd(&bench);
    for sequence in [2_000, 3_000] {
        let late = store.accept(&event("t-1", sequence, "shipment.status"), "aurora", "feed").unwrap();
        assert_eq!(late.outcome, InboxOutcome::Stored, "however many came before");
    }
    let row = store.tender("t-1").unwrap().unwrap();
    assert_eq!((row.state(), row.fold.last_sequence, row.held()), (TenderState::Pending, 1, true));
    let entries = store.entries(0, 100).unwrap();
    let last = entries.last().unwrap();
    assert_eq!((last.body.integer("/sequence"), last.body.text("/status").unwrap()), (Some(3_000), "recorded".into()));
}

#[test]
fn safety_is_told_until_somebody_was_told() {
    let bench = Bench::new();
    let mut store = bench.store();
    assert_eq!(store.safety_told().unwrap(), 0);
    store.tell_safety(7).unwrap();
    store.tell_safety(5).unwrap();
    assert_eq!(bench.store().safety_told().unwrap(), 7, "another listener's earlier place takes nothing back");
}
