//! Named points of a call at which crash tests kill the process, as a power cut would: `GLADHAND_FAILPOINT=after_send`
//! kills at the first mutation that gets there, `after_send@tenders.create` only at that operation. Compiled in only with
//! the cargo feature `failpoints`; never in a release.
//!
//! * `before_send`: the intent is journaled, no byte has left.
//! * `after_send`: the carrier has the request; the answer is never seen.
//! * `after_answer`: the answer is here and nowhere written.

/// Dies by SIGKILL if the failpoint is armed for this operation.
#[cfg(feature = "failpoints")]
pub(crate) fn hit(name: &str, operation: &str) {
    if armed(name, operation) {
        kill();
    }
}

/// Without the feature `failpoints` this is nothing.
#[cfg(not(feature = "failpoints"))]
#[inline]
pub(crate) fn hit(_name: &str, _operation: &str) {}

/// Whether the failpoint is armed for this operation.
#[cfg(feature = "failpoints")]
pub(crate) fn armed(name: &str, operation: &str) -> bool {
    std::env::var("GLADHAND_FAILPOINT").is_ok_and(|armed| matches(&armed, name, operation))
}

/// Without the feature `failpoints` none is.
#[cfg(not(feature = "failpoints"))]
#[inline]
pub(crate) fn armed(_name: &str, _operation: &str) -> bool {
    false
}

#[cfg(feature = "failpoints")]
fn matches(armed: &str, name: &str, operation: &str) -> bool {
    match armed.split_once('@') {
        Some((point, only)) => point == name && only == operation,
        None => armed == name,
    }
}

/// SIGKILL, not `abort`: no handler of the host runs and nothing is flushed. The shell's own `kill` sends it, since the
/// standard library cannot and unsafe code is forbidden.
#[cfg(feature = "failpoints")]
fn kill() -> ! {
    let pid = std::process::id();
    let _ = std::process::Command::new("/bin/sh").arg("-c").arg(format!("kill -9 {pid}")).status();
    // The signal is on its way; nothing may happen in between.
    loop {
        std::thread::park();
    }
}

#[cfg(all(test, feature = "failpoints"))]
mod tests {
    use super::*;

    #[test]
    fn a_point_is_armed_for_all_or_for_one_operation() {
        assert!(matches("after_send", "after_send", "tenders.create"));
        assert!(matches("after_send@tenders.create", "after_send", "tenders.create"));
        assert!(!matches("after_send@tenders.withdraw", "after_send", "tenders.create"));
        assert!(!matches("before_send", "after_send", "tenders.create"));
    }

    #[test]
    fn it_dies_by_sigkill() {
        use std::os::unix::process::ExitStatusExt;
        if std::env::var_os("GLADHAND_TEST_DIE").is_some() {
            hit("before_send", "tenders.create");
            unreachable!("the failpoint was armed");
        }
        let status = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "failpoint::tests::it_dies_by_sigkill"])
            .env("GLADHAND_TEST_DIE", "1")
            .env("GLADHAND_FAILPOINT", "before_send@tenders.create")
            .stdout(std::process::Stdio::null())
            .status()
            .unwrap();
        assert_eq!(status.signal(), Some(9));
    }
}
