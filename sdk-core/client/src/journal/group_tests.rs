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
    one.group();
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
    store.group();
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
