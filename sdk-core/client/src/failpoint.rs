//! Named points at which crash tests kill the process by SIGKILL, as a power cut would: around every write of the journal
//! and every exchange with a carrier. Compiled in only with the cargo feature `failpoints`; never in a release.
//!
//! `GLADHAND_FAILPOINT=after_send` kills at the first mutation that gets there, `after_send@tenders.get` at the first such
//! call, `after_commit@acknowledge#3` at the third such write. `GLADHAND_FAILPOINT_TRACE` names a file to which every point
//! is appended that the process reaches for the first time: what there is to kill at, whatever is added later.
//!
//! Of a write, named as [`Write`]:
//! * `before_commit`: written, and not yet committed. * `after_commit`: committed; the mirrored head is not written yet.
//! * `after_head`: it is, where the write has one that must be, and nobody who waits was told.
//!
//! Of an exchange, named as its operation:
//! * `before_send`: no byte has left. * `mid_body`: half of the content has.
//! * `after_send`: the carrier has the request; the answer is never seen.
//! * `after_head`: the head of the answer is here. * `after_answer`: all of it is, and nowhere written.
//! * `before_outcome`: what the answer proves is known, and the outcome not yet given to the journal.

/// The points of a write.
#[cfg(feature = "failpoints")]
pub const OF_WRITES: &[&str] = &["before_commit", "after_commit", "after_head"];
/// The points of an exchange.
#[cfg(feature = "failpoints")]
pub const OF_EXCHANGES: &[&str] =
    &["before_send", "mid_body", "after_send", "after_head", "after_answer", "before_outcome"];

macro_rules! writes {
    ($($name:ident $text:literal;)+) => {
        /// Every kind of write that the journal does.
        #[allow(missing_docs, reason = "each is the method of the store that its name says")]
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Write { $($name),+ }

        impl Write {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// Its name: that of the method of the store.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text),+ }
            }
        }
    };
}

writes! {
    // Entry INTENT.
    OpenTender "open_tender";
    OpenIntent "open_intent";
    // Entry OUTCOME.
    Close "close_intent";
    // Entry SNAPSHOT.
    Snapshot "snapshot";
    Diverge "diverge";
    Import "import";
    // Entry OVERRIDE.
    Override "release";
    // Entry EVENT_IN.
    Accept "accept";
    // No entry.
    Register "register";
    Unregister "unregister";
    Beat "beat";
    Claim "claim_lapsed";
    Taint "taint";
    Lease "lease_consumer";
    Release "release_consumer";
    Acknowledge "acknowledge";
    Cursor "set_cursor";
    Told "tell_safety";
    Epoch "note_epoch";
    Thaw "thaw";
    Command "next_command";
    Keys "advance_keys";
}

/// An exchange with a carrier.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call<'a> {
    /// Its operation.
    pub(crate) operation: &'a str,
    /// Whether it changes something: what a point without a name is for.
    pub(crate) mutates: bool,
}

#[cfg(feature = "failpoints")]
pub(crate) use armed::{armed, die_soon, half, hit, journal, reached, within};
#[cfg(not(feature = "failpoints"))]
pub(crate) use nothing::{armed, hit, journal, reached, within};

/// Without the feature, points are nothing.
#[cfg(not(feature = "failpoints"))]
mod nothing {
    use super::{Call, Write};

    #[inline]
    pub(crate) fn hit(_point: &str, _call: Call<'_>) {}
    #[inline]
    pub(crate) fn armed(_point: &str, _call: Call<'_>) -> bool {
        false
    }
    #[inline]
    pub(crate) fn journal(_point: &str, _writes: &[Write]) {}
    #[inline]
    pub(crate) fn reached(_point: &str) {}
    #[inline]
    pub(crate) async fn within<F: Future>(_call: Call<'static>, exchange: F) -> F::Output {
        exchange.await
    }
}

#[cfg(feature = "failpoints")]
mod armed {
    use std::collections::HashSet;
    use std::io::Write as _;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::sync::{Mutex, OnceLock, PoisonError};
    use std::time::Duration;

    use bytes::Bytes;

    use super::{Call, Write};

    tokio::task_local! {
        static CALL: Call<'static>;
    }

    /// Dies if the point is armed for this exchange.
    pub(crate) fn hit(point: &str, call: Call<'_>) {
        note(point, call.operation);
        if armed(point, call) {
            count_and_kill();
        }
    }

    /// Whether the point is armed for this exchange.
    pub(crate) fn armed(point: &str, call: Call<'_>) -> bool {
        armed_point().is_some_and(|armed| armed.matches(point, call.operation, call.mutates))
    }

    /// Dies if the point is armed for one of these writes.
    pub(crate) fn journal(point: &str, writes: &[Write]) {
        for write in writes {
            note(point, write.as_str());
            if armed_point().is_some_and(|armed| armed.matches(point, write.as_str(), false)) {
                count_and_kill();
            }
        }
    }

    /// Names the exchange for the points within it.
    pub(crate) async fn within<F: Future>(call: Call<'static>, exchange: F) -> F::Output {
        CALL.scope(call, exchange).await
    }

    /// [`hit`] of the exchange that this task is in.
    pub(crate) fn reached(point: &str) {
        if let Ok(call) = CALL.try_with(|call| *call) {
            hit(point, call);
        }
    }

    /// Half of the content if the process is to die when that has left.
    pub(crate) fn half(content: &Bytes) -> Option<Bytes> {
        let call = CALL.try_with(|call| *call).ok().filter(|_| !content.is_empty())?;
        note("mid_body", call.operation);
        armed("mid_body", call).then(|| content.slice(..content.len() / 2))
    }

    /// Dies once what was given to the network before has had the time to leave.
    pub(crate) fn die_soon() {
        tokio::spawn(async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            kill();
        });
    }

    #[derive(Debug)]
    struct Armed {
        point: String,
        only: Option<String>,
        left: AtomicU32,
    }

    impl Armed {
        fn parse(text: &str) -> Self {
            let (text, count) = match text.split_once('#') {
                Some((text, count)) => (text, count.parse().unwrap_or(1)),
                None => (text, 1),
            };
            let (point, only) = match text.split_once('@') {
                Some((point, only)) => (point, Some(only.to_owned())),
                None => (text, None),
            };
            Self { point: point.to_owned(), only, left: AtomicU32::new(count) }
        }

        fn matches(&self, point: &str, what: &str, mutates: bool) -> bool {
            self.point == point && self.only.as_deref().map_or(mutates, |only| only == what)
        }
    }

    fn armed_point() -> Option<&'static Armed> {
        static ARMED: OnceLock<Option<Armed>> = OnceLock::new();
        ARMED.get_or_init(|| std::env::var("GLADHAND_FAILPOINT").ok().map(|text| Armed::parse(&text))).as_ref()
    }

    fn count_and_kill() {
        let last = armed_point().is_none_or(|armed| armed.left.fetch_sub(1, Ordering::SeqCst) <= 1);
        if last {
            kill();
        }
    }

    /// Writes a point down that is reached for the first time.
    fn note(point: &str, what: &str) {
        static SEEN: Mutex<Option<HashSet<String>>> = Mutex::new(None);
        let Some(path) = std::env::var_os("GLADHAND_FAILPOINT_TRACE") else { return };
        let name = format!("{point}@{what}");
        let mut seen = SEEN.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.get_or_insert_default().insert(name.clone())
            && let Ok(mut file) = std::fs::OpenOptions::new().create(true).append(true).open(path)
        {
            let _ = file.write_all(format!("{name}\n").as_bytes());
        }
    }

    /// SIGKILL, not `abort`: no handler of the host runs and nothing is flushed. The shell's own `kill` sends it, since
    /// the standard library cannot and unsafe code is forbidden.
    fn kill() -> ! {
        let pid = std::process::id();
        let _ = std::process::Command::new("/bin/sh").arg("-c").arg(format!("kill -9 {pid}")).status();
        // The signal is on its way; nothing may happen in between.
        loop {
            std::thread::park();
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn a_point_is_armed_for_mutations_or_for_what_it_names() {
            assert!(Armed::parse("after_send").matches("after_send", "tenders.create", true));
            assert!(!Armed::parse("after_send").matches("after_send", "tenders.get", false));
            assert!(Armed::parse("after_send@tenders.get").matches("after_send", "tenders.get", false));
            assert!(!Armed::parse("after_send@tenders.withdraw").matches("after_send", "tenders.create", true));
            assert!(!Armed::parse("before_send").matches("after_send", "tenders.create", true));
            let third = Armed::parse("after_head@accept#3");
            assert!(third.matches("after_head", "accept", false));
            assert_eq!(third.left.load(Ordering::SeqCst), 3);
        }

        #[test]
        fn it_dies_by_sigkill() {
            use std::os::unix::process::ExitStatusExt;
            if std::env::var_os("GLADHAND_TEST_DIE").is_some() {
                hit("before_send", Call { operation: "tenders.create", mutates: true });
                unreachable!("the failpoint was armed");
            }
            let trace = tempfile::NamedTempFile::new().unwrap();
            let status = std::process::Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "failpoint::armed::tests::it_dies_by_sigkill"])
                .env("GLADHAND_TEST_DIE", "1")
                .env("GLADHAND_FAILPOINT", "before_send@tenders.create")
                .env("GLADHAND_FAILPOINT_TRACE", trace.path())
                .stdout(std::process::Stdio::null())
                .status()
                .unwrap();
            assert_eq!(status.signal(), Some(9));
            assert_eq!(std::fs::read_to_string(trace.path()).unwrap(), "before_send@tenders.create\n");
        }
    }
}
