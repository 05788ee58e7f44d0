//! What a journal does with a file that is not as it was written: bits that flipped, rows that somebody changed, writes that a
//! power cut tore. Everything that was acknowledged is there, or a typed error says that it is not; never a wrong answer.
//!
//! `GLADHAND_DAMAGE=all` tries every byte and many more flips; CI tries some of each.

use std::path::Path;

use gladhand_documents::error::{Code, Error, Kind};

use super::sqlite::{SqliteStore, TABLES};
use super::tests::{Bench, event, opened, owner, tender};
use super::*;

const PAGE: usize = 4096;
/// A frame of the log: its header and a page.
const FRAME: usize = 24 + PAGE;

fn all() -> bool {
    std::env::var_os("GLADHAND_DAMAGE").is_some_and(|value| value == "all")
}

/// A journal with a row in every table.
fn full(bench: &Bench) -> SqliteStore {
    let mut store = bench.store();
    store.register(&owner("a")).unwrap();
    let one = opened(store.open_tender(&tender("t-1", "L-1", false), &bench.intent("a", "t-1")).unwrap());
    opened(store.open_tender(&tender("t-2", "L-2", false), &bench.intent("a", "t-2")).unwrap());
    assert!(store.close_intent(one.id, one.fence, &Outcome::of("answered"), &Effect::None).unwrap());
    for (sequence, kind) in [(1, "tender.received"), (2, "tender.accepted"), (3, "dispatch.created")] {
        store.accept(&event("t-1", sequence, kind), "aurora", "feed").unwrap();
    }
    store.lease_consumer("billing", "a", "r1").unwrap();
    let first = store.next_delivery("billing", "r1", 0).unwrap().unwrap();
    let second = store.next_delivery("billing", "r1", first.token).unwrap().unwrap();
    store.acknowledge("billing", "r1", second.token).unwrap();
    store.note_epoch("aurora", "e1").unwrap();
    store.set_cursor("aurora", "c9").unwrap();
    store.next_command("d-1").unwrap();
    let key = ScheduledKey {
        kid: "k1".to_owned(),
        algorithm: "ES256".to_owned(),
        jwk: "{}".to_owned(),
        published_ms: 0,
        began_ms: None,
        replaced_ms: None,
        removed_ms: None,
    };
    store.advance_keys("aurora", &[key], 0).unwrap();
    store
}

/// Everything that an application or the driver can be told, each part an answer or a failure.
fn told(store: &mut SqliteStore) -> Vec<(&'static str, Result<String>)> {
    let shown = |what: &dyn std::fmt::Debug| format!("{what:?}");
    vec![
        ("tender", store.tender("t-1").map(|t| shown(&t))),
        ("tenders", store.tenders(None).map(|t| shown(&t))),
        ("holder", store.holder("L-1").map(|t| shown(&t))),
        ("holder of the other", store.holder("L-2").map(|t| shown(&t))),
        ("intents", store.open_intents(None).map(|i| shown(&i))),
        ("content", store.content("tenders.create", "t-1/1").map(|c| shown(&c))),
        ("events", store.events("t-1", 0, 10).map(|e| shown(&e))),
        ("carrier", store.carrier("aurora").map(|c| shown(&c))),
        ("delivery", store.next_delivery("billing", "r1", 0).map(|d| shown(&d))),
        ("entries", store.entries(0, 100).map(|e| shown(&e))),
        ("command", store.next_command("d-1").map(|n| shown(&n))),
    ]
}

/// A copy of a journal's files in a folder of its own.
fn copied(from: &Bench, files: &[(&str, &[u8])]) -> Bench {
    let copy = Bench::new();
    for suffix in ["", "-wal", ".head"] {
        let name = format!("journal.db{suffix}");
        let given = files.iter().find(|(of, _)| *of == suffix).map(|(_, bytes)| bytes.to_vec());
        if let Some(bytes) = given.or_else(|| std::fs::read(from.dir.path().join(&name)).ok()) {
            std::fs::write(copy.dir.path().join(&name), bytes).unwrap();
        }
    }
    copy
}

fn bytes_of(bench: &Bench, suffix: &str) -> Vec<u8> {
    std::fs::read(bench.dir.path().join(format!("journal.db{suffix}"))).unwrap()
}

#[test]
fn a_row_that_somebody_changed_is_an_error_wherever_it_is_read_or_written() {
    let changes = [
        ("meta", "UPDATE meta SET value = 'production'"),
        ("entries", "UPDATE entries SET kind = 'OVERRIDE' WHERE idx = 1"),
        ("entries", "UPDATE entries SET body = CAST(replace(CAST(body AS TEXT), '1250.00', '9250.00') AS BLOB)"),
        ("owners", "UPDATE owners SET lease_until = lease_until + 1"),
        ("tenders", "UPDATE tenders SET held = 0"),
        ("tenders", "UPDATE tenders SET local_state = 'rejected'"),
        ("tenders", "UPDATE tenders SET fold = CAST(replace(CAST(fold AS TEXT), 'dispatched', 'rejected') AS BLOB)"),
        ("intents", "UPDATE intents SET body = CAST(replace(CAST(body AS TEXT), '1250.00', '9250.00') AS BLOB)"),
        ("intents", "UPDATE intents SET resend_until = resend_until + 3600000"),
        ("inbox", "UPDATE inbox SET status = 'recorded' WHERE sequence = 2"),
        ("deliveries", "UPDATE deliveries SET inbox_id = 3 WHERE position = 1"),
        ("consumers", "UPDATE consumers SET cursor = 3"),
        ("acks", "UPDATE acks SET position = 1"),
        ("carriers", "UPDATE carriers SET cursor = 'c1'"),
        ("dispatches", "UPDATE dispatches SET command_sequence = 7"),
        ("assertion_keys", "UPDATE assertion_keys SET published = 1"),
    ];
    for table in TABLES {
        assert!(changes.iter().any(|(of, _)| of == table), "no change of {table}");
    }
    let bench = Bench::new();
    drop(full(&bench));
    for (table, change) in changes {
        let copy = copied(&bench, &[]);
        // As another program would do it, which knows nothing of seals.
        let raw = rusqlite::Connection::open(copy.path()).unwrap();
        let kept: String = raw
            .query_row(
                "SELECT group_concat(sql, ';') FROM sqlite_schema WHERE name IN (?1 || '_changing', ?1 || '_changed')",
                [table],
                |row| row.get(0),
            )
            .unwrap();
        raw.execute_batch(&format!("DROP TRIGGER {table}_changing; DROP TRIGGER {table}_changed; {change}; {kept}"))
            .unwrap();
        drop(raw);
        let opened = copy.open();
        if table == "meta" {
            assert_eq!(opened.unwrap_err().code(), Code::JournalCorrupt, "{change}");
            continue;
        }
        // The last entry is looked at when the journal is opened.
        let Ok(mut store) = opened else {
            assert_eq!((table, opened.unwrap_err().code()), ("entries", Code::JournalCorrupt), "{change}");
            continue;
        };
        let report = store.verify().unwrap();
        assert!(!report.intact && report.damage.iter().any(|d| d.contains(table)), "{change}: {:?}", report.damage);
        assert!(!file::verify(&copy.path()).unwrap().boolean("/intact").unwrap(), "{change}");
        let met: Vec<Error> = told(&mut store)
            .into_iter()
            .map(|(_, answer)| answer.map(drop))
            .chain([
                store.claim_lapsed("b").map(drop),
                store.lease_consumer("billing", "b", "r2"),
                store.advance_keys("aurora", &[], 0).map(drop),
                store.beat("a"),
                store.next_command("d-1").map(drop),
            ])
            .filter_map(Result::err)
            .collect();
        assert!(met.iter().any(|error| error.code() == Code::JournalCorrupt), "{change}: {met:?}");
        assert!(
            met.iter().all(|error| error.message().contains(table) || error.code() == Code::ConsumerLeased),
            "{change}: {met:?}"
        );
        let told = |error: &Error| error.code() != Code::JournalCorrupt || error.remedy().contains("RB-19");
        assert!(met.iter().all(told), "it says what to do");
    }
}

#[test]
fn a_flipped_bit_is_harmless_or_it_is_seen() {
    let bench = Bench::new();
    drop(full(&bench));
    let whole = bytes_of(&bench, "");
    let reference: Vec<String> =
        told(&mut copied(&bench, &[]).store()).into_iter().map(|(_, answer)| answer.unwrap()).collect();
    // The same places every time.
    let mut place = 0x9E37_79B9_7F4A_7C15_u64;
    for _ in 0..if all() { 20_000 } else { 150 } {
        place = place.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let (at, bit) = ((place >> 33) as usize % whole.len(), (place >> 24) % 8);
        let mut flipped = whole.clone();
        flipped[at] ^= 1 << bit;
        let copy = copied(&bench, &[("", &flipped)]);
        let mut store = match copy.open() {
            Ok(store) => store,
            Err(error) => {
                assert!(matches!(error.kind(), Kind::Journal | Kind::Config), "byte {at}: {error}");
                continue;
            }
        };
        let intact = store.verify().is_ok_and(|report| report.intact);
        for ((what, answer), right) in told(&mut store).into_iter().zip(&reference) {
            match answer {
                Ok(answer) => assert!(!intact || answer == *right, "byte {at}: {what} changed, and nobody saw it"),
                // A consumer whose row an index no longer finds is refused as one that has no lease.
                Err(error) => assert!(
                    error.kind() == Kind::Journal || (error.code() == Code::ConsumerLeased && !intact),
                    "byte {at}: {what}: {error}"
                ),
            }
        }
        // Whatever is damaged: the load that is held is not given to somebody else.
        let second = store.open_tender(&tender("t-9", "L-2", false), &bench.intent("a", "t-9"));
        assert!(!matches!(second, Ok(Opened::New(_))), "byte {at}: a held load was free");
    }
}

/// A journal with four tenders, as a power cut leaves it: the log not merged. With the head as it was before the last one.
fn cut_off() -> (Bench, Vec<u8>) {
    let bench = Bench::new();
    let mut store = bench.store();
    let mut before = Vec::new();
    for n in 1..=4 {
        before = bytes_of(&bench, ".head");
        let id = format!("t-{n}");
        opened(store.open_tender(&tender(&id, &id, false), &bench.intent("a", &id)).unwrap());
    }
    let copy = copied(&bench, &[]);
    drop(store);
    (copy, before)
}

/// Opens it, and says which tenders are there.
fn there(bench: &Bench) -> Result<usize> {
    let mut store = bench.open()?;
    let report = store.verify()?;
    assert!(report.intact, "{:?}", report.damage);
    let there = store.tenders(None)?.len();
    assert_eq!(report.entries, there as u64);
    // It goes on.
    opened(store.open_tender(&tender("t-9", "L-9", false), &bench.intent("a", "t-9"))?);
    assert!(store.verify()?.intact);
    Ok(there)
}

#[test]
fn a_torn_end_of_the_log_loses_nothing_that_was_acknowledged_or_says_so() {
    let (bench, head_before) = cut_off();
    let log = bytes_of(&bench, "-wal");
    assert_eq!(there(&copied(&bench, &[])).unwrap(), 4);
    let last = log.len() - FRAME;
    let step = if all() { 1 } else { 97 };
    for cut in (last..log.len()).step_by(step).chain(last..last + 24) {
        let mut zeroed = log.clone();
        zeroed[cut..].fill(0);
        for torn in [&log[..cut], &zeroed[..]] {
            // Before it was acknowledged: the entry never was, the others are.
            assert_eq!(there(&copied(&bench, &[("-wal", torn), (".head", &head_before)])).unwrap(), 3, "byte {cut}");
            // After: the mirrored head knows of it.
            let lost = copied(&bench, &[("-wal", torn)]).open().unwrap_err();
            assert_eq!(lost.code(), Code::JournalTruncated, "byte {cut}: {lost}");
            assert!(lost.remedy().contains("reconcile"), "it says what to do");
        }
    }
    // All of it there, and only the head behind: a process that died in between.
    assert_eq!(there(&copied(&bench, &[(".head", &head_before)])).unwrap(), 4);
}

#[test]
fn a_torn_head_costs_one_slot_at_most() {
    let (bench, _) = cut_off();
    let head = bytes_of(&bench, ".head");
    let slots = (0..80).chain(PAGE..PAGE + 80);
    for at in slots.clone() {
        let mut torn = head.clone();
        torn[at] ^= 0x10;
        assert_eq!(there(&copied(&bench, &[(".head", &torn)])).unwrap(), 4, "byte {at}");
    }
    for length in slots {
        let opened = there(&copied(&bench, &[(".head", &head[..length])]));
        match opened {
            Ok(there) => assert_eq!(there, 4, "{length} bytes"),
            Err(error) => assert_eq!(error.code(), Code::JournalTruncated, "{length} bytes"),
        }
    }
    let both: Vec<u8> = head.iter().map(|byte| byte ^ 1).collect();
    assert_eq!(copied(&bench, &[(".head", &both)]).open().unwrap_err().code(), Code::JournalTruncated);
}

#[test]
fn a_torn_page_is_whole_in_the_log_and_a_cut_tail_is_seen() {
    // While the log is merged into the database a power cut tears a page: the log still has it.
    let (bench, _) = cut_off();
    let database = bytes_of(&bench, "");
    for at in (0..database.len()).step_by(if all() { 64 } else { PAGE / 2 }) {
        let mut torn = database.clone();
        let end = (at + 512).min(torn.len());
        torn[at..end].fill(0xA5);
        let copy = copied(&bench, &[("", &torn)]);
        match there(&copy) {
            Ok(there) => assert_eq!(there, 4, "byte {at}"),
            Err(error) => assert_eq!(error.kind(), Kind::Journal, "byte {at}: {error}"),
        }
    }
    // Merged, and then cut: nothing has it any more.
    let bench = Bench::new();
    drop(full(&bench));
    let whole = bytes_of(&bench, "");
    assert!(!Path::new(&bench.dir.path().join("journal.db-wal")).exists());
    for length in (0..whole.len()).step_by(if all() { 128 } else { PAGE / 2 }) {
        let copy = copied(&bench, &[("", &whole[..length])]);
        let seen = match copy.open() {
            Ok(mut store) => store.verify().map_or_else(|e| e.kind() == Kind::Journal, |report| !report.intact),
            Err(error) => error.kind() == Kind::Journal,
        };
        assert!(seen, "cut to {length} bytes");
    }
}
