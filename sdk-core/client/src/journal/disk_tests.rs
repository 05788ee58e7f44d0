//! Disks that do not take what is written: full, read-only. In processes of their own, under limits of the operating system.

use std::process::{Command, Output};

use gladhand_documents::error::Code;

use super::tests::{Bench, opened, tender};
use super::*;

/// Names the journal to a child; without it the child's test is nothing.
const CHILD: &str = "GLADHAND_TEST_DISK";

fn child(test: &str, wrapper: &[&str], journal: &std::path::Path) -> Output {
    let (program, arguments) = wrapper.split_first().unwrap();
    Command::new(program)
        .args(arguments)
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", &format!("journal::disk_tests::{test}"), "--nocapture"])
        .env(CHILD, journal)
        .output()
        .unwrap()
}

fn lines(output: &Output, start: &str) -> Vec<String> {
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().filter_map(|line| line.strip_prefix(start)).map(str::to_owned).collect()
}

/// Appends until the disk takes no more, and says what was acknowledged.
fn fill(path: &std::path::Path) {
    let clock = std::sync::Arc::new(crate::clock::SystemClock::new());
    let mut store = sqlite::SqliteStore::open(path, "sandbox", "acme", clock).unwrap();
    let bench = Bench::new();
    let mut failures = 0;
    for n in 0.. {
        let id = format!("t-{n}");
        let mut intent = bench.intent("a", &id);
        intent.body = gladhand_documents::json::Document::parse(format!(r#"{{"x":"{}"}}"#, "x".repeat(3000))).unwrap();
        match store.open_tender(&tender(&id, &id, false), &intent) {
            Ok(_) => println!("\nACK {id}"),
            Err(error) => {
                println!("\nERR {} {}", error.code(), error.sent_state().as_str());
                failures += 1;
            }
        }
        if failures == 3 {
            break;
        }
    }
    // What is there can be read all the same.
    assert!(store.tender("t-0").unwrap().is_some());
}

#[test]
#[cfg(unix)]
fn a_full_disk_is_a_typed_error_and_keeps_what_was_acknowledged() {
    if let Some(path) = std::env::var_os(CHILD) {
        return fill(path.as_ref());
    }
    // A file may grow to one and a half megabytes; then every write fails, as on a disk that is full.
    let limited = ["/bin/sh", "-c", "trap '' XFSZ; ulimit -f 3000; exec \"$0\" \"$@\""];
    let bench = Bench::new();
    let output = child("a_full_disk_is_a_typed_error_and_keeps_what_was_acknowledged", &limited, &bench.path());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let (kept, failed) = (lines(&output, "ACK "), lines(&output, "ERR "));
    assert!(kept.len() > 10 && failed.len() == 3, "{kept:?} {failed:?}");
    assert!(failed.iter().all(|error| error.starts_with("journal_unwritable ")), "{failed:?}");
    // There is room again.
    let mut store = bench.store();
    for id in &kept {
        assert!(store.tender(id).unwrap().is_some(), "{id} was acknowledged");
    }
    let report = store.verify().unwrap();
    assert!(report.intact, "{:?}", report.damage);
    opened(store.open_tender(&tender("t-new", "L-new", false), &bench.intent("a", "t-new")).unwrap());
}

#[test]
#[cfg(target_os = "linux")]
fn a_read_only_folder_is_a_typed_error() {
    use std::os::unix::fs::PermissionsExt as _;
    if let Some(path) = std::env::var_os(CHILD) {
        let clock = std::sync::Arc::new(crate::clock::SystemClock::new());
        let error = sqlite::SqliteStore::open(path.as_ref(), "sandbox", "acme", clock).unwrap_err();
        assert!(error.remedy().contains("repair the folder"));
        println!("\nERR {}", error.code());
        return;
    }
    // The superuser may write everywhere, unless it gives that up.
    let humble = ["setpriv", "--bounding-set=-dac_override", "--inh-caps=-dac_override"];
    let plain = ["env"];
    for made in [false, true] {
        let bench = Bench::new();
        if made {
            let mut store = bench.store();
            opened(store.open_tender(&tender("t-1", "L-1", false), &bench.intent("a", "t-1")).unwrap());
        }
        let set = |mode| std::fs::set_permissions(bench.dir.path(), std::fs::Permissions::from_mode(mode)).unwrap();
        set(0o555);
        let mighty = std::fs::write(bench.dir.path().join("probe"), b"").is_ok();
        let wrapper = if mighty { &humble[..] } else { &plain[..] };
        let output = child("a_read_only_folder_is_a_typed_error", wrapper, &bench.path());
        set(0o755);
        assert_eq!(lines(&output, "ERR "), [Code::JournalUnwritable.as_str()], "{output:?}");
        if made {
            let mut store = bench.store();
            assert!(store.tender("t-1").unwrap().is_some() && store.verify().unwrap().intact);
        }
    }
}
