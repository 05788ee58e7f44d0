//! Writes that share a commit: each atomic by itself, all durable together or none.

use std::sync::mpsc;

use gladhand_documents::error::{Code, Error, Sent};

use super::chain::Mirror;
use super::tests::{Bench, opened, tender};
use super::*;

#[test]
fn a_write_that_fails_leaves_the_others_of_its_group() {
    let bench = Bench::new();
    let (mut one, mut two) = (bench.store(), bench.store());
    let before = one.commits();
    one.group(true);
    opened(one.open_tender(&tender("t-1", "L-1", false), &bench.intent("a", "t-1")).unwrap());
    assert!(one.pending());
    let held = one.open_tender(&tender("t-1b", "L-1", true), &bench.intent("a", "t-1b")).unwrap_err();
    assert_eq!(held.code(), Code::LoadHeld);
    opened(one.open_tender(&tender("t-2", "L-2", false), &bench.intent("a", "t-2")).unwrap());
    assert_eq!(one.holder("L-1").unwrap().unwrap().tender_id, "t-1", "the group sees what it wrote");
    assert!(two.tender("t-1").unwrap().is_none(), "nobody else does before the commit");
    one.commit().unwrap();
    assert!(!one.pending());
    assert_eq!(one.commits() - before, 1);
    one.settle().unwrap();
    assert!(two.tender("t-1").unwrap().is_some() && two.tender("t-2").unwrap().is_some());
    let report = two.verify().unwrap();
    assert_eq!((report.intact, report.entries, report.unresolved), (true, 2, 2), "{:?}", report.damage);
}

#[tokio::test]
async fn what_waits_together_waits_for_the_disk_once() {
    const CALLERS: usize = 64;
    let bench = Bench::new();
    let journal = Journal::open(&bench.path(), "sandbox", "acme", bench.shared_clock()).await.unwrap();
    // The thread is kept at its first piece of work until all others wait behind it.
    let (release, held) = mpsc::channel::<()>();
    let first = journal.run(move |_| {
        let _ = held.recv();
        Ok(())
    });
    let appends = (0..CALLERS).map(|n| {
        let (tender, intent) =
            (tender(&format!("t-{n}"), &format!("L-{n}"), false), bench.intent("a", &format!("t-{n}")));
        journal.run(move |store| store.open_tender(&tender, &intent))
    });
    let all = futures_util::future::join_all(appends);
    let before = journal.commits();
    let (_, all, ()) = tokio::join!(first, all, async { release.send(()).unwrap() });
    assert!(all.iter().all(Result::is_ok));
    assert_eq!(journal.run(|store| Ok(store.commits())).await.unwrap() - before, 1);
    let report = journal.run(|store| store.verify()).await.unwrap();
    assert_eq!((report.intact, report.entries), (true, CALLERS as u64));
}

#[tokio::test]
async fn a_commit_that_fails_is_the_failure_of_all_that_wrote() {
    let bench = Bench::new();
    drop(bench.store());
    let mut store = bench.store();
    store.spoil_head();
    let (answers, heard) = mpsc::channel();
    store.group(true);
    for n in [1, 2] {
        let id = format!("t-{n}");
        let done = store.open_tender(&tender(&id, &id, false), &bench.intent("a", &id));
        answers.send(done.map(drop)).unwrap();
    }
    let committed = store.commit();
    let error = committed.clone().unwrap_err();
    // Both entries are durable; only the mirrored head is not. So it is said: maybe, and by whom it will be done.
    assert_eq!((error.code(), error.sent_state()), (Code::JournalUnwritable, Sent::MaybeSent), "{error}");
    for _ in 0..2 {
        assert!(heard.recv().unwrap().is_ok(), "each by itself had done its work");
    }
    assert_eq!(bench.store().open_intents(None).unwrap().len(), 2);
}

#[test]
fn what_is_in_the_journal_without_its_head_goes_nowhere_until_the_head_is_written() {
    let bench = Bench::new();
    let mut store = bench.store();
    store.spoil_head();
    let told = store.open_tender(&tender("t-1", "L-1", false), &bench.intent("a", "t-1")).unwrap_err();
    assert_eq!((told.code(), told.sent_state()), (Code::JournalUnwritable, Sent::MaybeSent), "{told}");
    // It is there: the load is held, and the driver finds the intent. But it may not be sent, and nothing else is written.
    let intent = store.open_intents(None).unwrap().remove(0);
    assert_eq!(store.holder("L-1").unwrap().unwrap().tender_id, "t-1");
    assert_eq!(store.holds(intent.id, intent.fence).unwrap_err().code(), Code::JournalUnwritable);
    let next = store.open_tender(&tender("t-2", "L-2", false), &bench.intent("a", "t-2")).unwrap_err();
    assert_eq!((next.code(), next.sent_state()), (Code::JournalUnwritable, Sent::NotSent), "{next}");
    assert!(store.tender("t-2").unwrap().is_none());
    store.mend_head(Mirror::open(&bench.dir.path().join("journal.db.head")).unwrap());
    assert!(store.holds(intent.id, intent.fence).unwrap(), "now it may go");
    let report = store.verify().unwrap();
    assert_eq!((report.intact, report.entries), (true, 1));
    drop(store);
    assert!(bench.open().is_ok());
}

/// The journal as the next start finds it: after a power cut that took of the log what was behind `synced`, or of a process
/// that was killed. What is written to a file without a sync may be on disk or not: the head is taken as it is.
fn after(bench: &Bench, synced: Option<u64>) -> Bench {
    let other = Bench::new();
    for name in ["journal.db", "journal.db-wal", "journal.db.head"] {
        std::fs::copy(bench.dir.path().join(name), other.dir.path().join(name)).unwrap();
    }
    if let Some(length) = synced {
        let log = std::fs::OpenOptions::new().write(true).open(other.dir.path().join("journal.db-wal")).unwrap();
        log.set_len(length).unwrap();
    }
    other
}

#[test]
fn an_early_outcome_may_be_lost_in_a_power_cut_and_is_found_out_again() {
    let bench = Bench::new();
    let log = || std::fs::metadata(bench.dir.path().join("journal.db-wal")).unwrap().len();
    let mut store = bench.store();
    let intent = opened(store.open_tender(&tender("t-1", "L-1", false), &bench.intent("a", "t-1")).unwrap());
    let synced = log();
    store.group(false);
    assert!(store.close_intent(intent.id, intent.fence, &rows::Outcome::of("answered"), &Effect::None).unwrap());
    store.commit().unwrap();
    assert!(store.owes() && log() > synced, "it is written, and nobody waited for the disk");
    let found = |bench: &Bench| {
        let report = bench.store().verify().unwrap();
        assert!(report.intact, "{:?}", report.damage);
        (report.entries, report.unresolved)
    };
    assert_eq!(found(&after(&bench, Some(synced))), (1, 1), "a power cut: the intent is read back");
    assert_eq!(found(&after(&bench, None)), (2, 0), "a kill");
    // Another process builds on it, and waits for the disk: then both are there for good.
    let mut other = bench.store();
    opened(other.open_tender(&tender("t-2", "L-2", false), &bench.intent("b", "t-2")).unwrap());
    drop(other);
    let cut = after(&bench, Some(synced));
    assert_eq!(cut.open().unwrap_err().code(), Code::JournalTruncated, "what was told to be on disk is missing");
    assert_eq!(found(&after(&bench, None)), (3, 1));
}

#[test]
fn the_head_of_what_nobody_waited_for_is_written_after_its_log_is_on_disk() {
    let bench = Bench::new();
    let mut store = bench.store();
    let intent = opened(store.open_tender(&tender("t-1", "L-1", false), &bench.intent("a", "t-1")).unwrap());
    let head = || std::fs::read(bench.dir.path().join("journal.db.head")).unwrap();
    let before = head();
    store.group(false);
    store.close_intent(intent.id, intent.fence, &rows::Outcome::of("answered"), &Effect::None).unwrap();
    store.commit().unwrap();
    // Neither the commit nor a write that appends nothing, nor a heartbeat, may tell of it.
    store.group(true);
    store.next_command("d").unwrap();
    store.commit().unwrap();
    store.beat("a").unwrap();
    assert!(store.owes());
    assert_eq!(head(), before);
    store.settle().unwrap();
    assert!(!store.owes());
    assert_ne!(head(), before);
    assert_eq!(store.verify().unwrap().entries, 2);
}

#[tokio::test]
async fn what_waits_for_the_head_finds_all_of_it_on_disk() {
    let bench = Bench::new();
    let journal = Journal::open(&bench.path(), "sandbox", "acme", bench.shared_clock()).await.unwrap();
    let (tender, intent) = (tender("t-1", "L-1", false), bench.intent("a", "t-1"));
    let intent = opened(journal.run(move |store| store.open_tender(&tender, &intent)).await.unwrap());
    let closed = journal.run_early(move |store| {
        store.close_intent(intent.id, intent.fence, &rows::Outcome::of("answered"), &Effect::None)
    });
    assert!(closed.await.unwrap());
    journal.settled().await;
    let head = Mirror::open(&bench.dir.path().join("journal.db.head")).unwrap().lock().unwrap().read().unwrap();
    assert_eq!(head.unwrap().index, 2);
}

#[tokio::test]
async fn work_that_fails_answers_with_its_own_failure() {
    let bench = Bench::new();
    let journal = Journal::open(&bench.path(), "sandbox", "acme", bench.shared_clock()).await.unwrap();
    let broken = |store: &mut dyn Store| -> Result<()> {
        store.next_command("d")?;
        Err(Error::new(Code::InvalidArgument, "of its own"))
    };
    let (release, held) = mpsc::channel::<()>();
    let first = journal.run(move |_| {
        let _ = held.recv();
        Ok(())
    });
    let (own, read) = (journal.run(broken), journal.run(|store| store.next_command("d")));
    let (_, own, read, ()) = tokio::join!(first, own, read, async { release.send(()).unwrap() });
    assert_eq!(own.unwrap_err().code(), Code::InvalidArgument);
    assert_eq!(read.unwrap(), 2, "each write of a piece of work stands by itself, as it did before groups");
}
