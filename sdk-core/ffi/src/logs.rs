//! What the core logs, on its way to the host's own log: in batches, through a bounded queue, and only if the host asked.
//!
//! The threads of the runtime have a subscriber of their own ([`attach`]); the host's threads have none, and no global one is
//! ever installed. While nobody listens its level is off, so that an event costs one look at a number. Only what Gladhand says
//! is told: what TLS and HTTP libraries log may quote a header.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt::{Debug, Write as _};
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use gladhand_documents::error::{Code, Error, Result};
use jiff::Timestamp;
use tracing::dispatcher::{DefaultGuard, Dispatch, set_default};
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record as SpanRecord};
use tracing::subscriber::{Interest, Subscriber};
use tracing::{Event, Metadata};

use crate::runtime;
use crate::task::{CancelToken, Task, spawn};

/// Records that wait for one listener at most; what comes when it is full is counted and told as lost.
pub const QUEUE: usize = 2048;
/// Records in one batch at most.
const BATCH: usize = 512;
/// For how long a batch gathers what comes together.
const GATHER: Duration = Duration::from_millis(10);

/// How grave a record is; the graver, the smaller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Level {
    /// Somebody has to act.
    Error = 1,
    /// Somebody should look.
    Warn,
    /// What happens in the course of things.
    Info,
    /// Every request, and why something is done again.
    Debug,
    /// Everything.
    Trace,
}

impl Level {
    const ALL: [Self; 5] = [Self::Error, Self::Warn, Self::Info, Self::Debug, Self::Trace];

    /// Its name: `error`, `warn`, `info`, `debug` or `trace`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }

    /// The level of this name; `info` where none is given.
    ///
    /// Error: `invalid_argument` for another name.
    pub fn parse(name: Option<&str>) -> Result<Self> {
        let Some(name) = name else { return Ok(Self::Info) };
        Self::ALL.into_iter().find(|level| level.as_str() == name).ok_or_else(|| {
            Error::new(Code::InvalidArgument, format!("level: {name} is none of error, warn, info, debug, trace"))
        })
    }

    fn of(level: tracing::Level) -> Self {
        match level {
            tracing::Level::ERROR => Self::Error,
            tracing::Level::WARN => Self::Warn,
            tracing::Level::INFO => Self::Info,
            tracing::Level::DEBUG => Self::Debug,
            tracing::Level::TRACE => Self::Trace,
        }
    }
}

/// One log record. Log-safe, as every message of the core is.
#[derive(Clone, Debug)]
pub struct LogRecord {
    /// When.
    pub at: Timestamp,
    /// How grave.
    pub level: Level,
    /// Which part of the core: `gladhand::tender`, `gladhand::security`, …
    pub target: &'static str,
    /// What happened.
    pub message: String,
    /// The facts, by name.
    pub fields: Vec<(&'static str, String)>,
    /// The trace of the call that it happened in, if that has one.
    pub trace_id: Option<String>,
}

impl LogRecord {
    /// The name of its logger, as hosts spell such names: `gladhand.tender`.
    pub fn logger(&self) -> String {
        self.target.replace("::", ".")
    }

    /// Message and facts in one line.
    pub fn line(&self) -> String {
        let mut line = self.message.clone();
        for (name, value) in &self.fields {
            let _ = write!(line, "{}{name}={value}", if line.is_empty() { "" } else { " " });
        }
        line
    }
}

/// What waits for one listener.
#[derive(Debug)]
struct Queue {
    level: AtomicU8,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    records: VecDeque<LogRecord>,
    lost: u64,
    waker: Option<Waker>,
    closed: bool,
}

/// Every listener of this process. Held for writing across a fork, so that no child inherits a queue that is locked.
static LISTENERS: RwLock<Vec<Arc<Queue>>> = RwLock::new(Vec::new());
/// The most talkative level that somebody asked for; 0 is off.
static LEVEL: AtomicU8 = AtomicU8::new(0);

fn listeners() -> RwLockReadGuard<'static, Vec<Arc<Queue>>> {
    LISTENERS.read().unwrap_or_else(PoisonError::into_inner)
}

/// Changes who listens to what.
fn change(how: impl FnOnce(&mut Vec<Arc<Queue>>)) {
    {
        let mut all = LISTENERS.write().unwrap_or_else(PoisonError::into_inner);
        how(&mut all);
        let most = all.iter().map(|queue| queue.level.load(Ordering::Relaxed)).max();
        LEVEL.store(most.unwrap_or(0), Ordering::Relaxed);
    }
    tracing::callsite::rebuild_interest_cache();
}

impl Queue {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, record: &LogRecord) {
        let mut state = self.state();
        if state.records.len() >= QUEUE {
            state.lost += 1;
            return;
        }
        state.records.push_back(record.clone());
        if let Some(waker) = state.waker.take() {
            waker.wake();
        }
    }

    fn take(&self) -> Vec<LogRecord> {
        // Not while a fork is under way.
        let _listeners = listeners();
        let mut state = self.state();
        let lost = std::mem::take(&mut state.lost);
        let many = state.records.len().min(BATCH);
        let taken = state.records.drain(..many);
        (lost > 0).then(|| told(lost)).into_iter().chain(taken).collect()
    }

    /// Ready once there is something, with whether a batch is full; nothing once it is closed and empty.
    fn poll(&self, context: &mut Context<'_>) -> Poll<Option<bool>> {
        let _listeners = listeners();
        let mut state = self.state();
        if !state.records.is_empty() || state.lost > 0 {
            return Poll::Ready(Some(state.records.len() >= BATCH || state.closed));
        }
        if state.closed {
            return Poll::Ready(None);
        }
        state.waker = Some(context.waker().clone());
        Poll::Pending
    }
}

fn told(lost: u64) -> LogRecord {
    LogRecord {
        at: Timestamp::now(),
        level: Level::Warn,
        target: "gladhand::logs",
        message: "log records were lost: they came faster than the host took them".to_owned(),
        fields: vec![("lost", lost.to_string())],
        trace_id: None,
    }
}

/// A listener: what the core logs at its level and graver, from when it is opened until it is closed or dropped.
#[derive(Debug)]
pub struct Logs(Arc<Queue>);

/// What a wait for records brought.
#[derive(Debug)]
pub enum Waited {
    /// These.
    Batch(Vec<LogRecord>),
    /// Nothing yet.
    Nothing,
    /// There will be no more.
    Ended,
}

impl Logs {
    /// Listens from now on.
    pub fn open(level: Level) -> Self {
        let queue = Arc::new(Queue { level: AtomicU8::new(level as u8), state: Mutex::default() });
        change(|all| all.push(queue.clone()));
        Self(queue)
    }

    /// Listens to another level; nothing where it is that one already.
    pub fn set_level(&self, level: Level) {
        if self.0.level.swap(level as u8, Ordering::Relaxed) != level as u8 {
            change(|_| {});
        }
    }

    /// The next records, at most 512 and gathered for some milliseconds; nothing once it is closed and all of them were taken.
    /// One listener asks at a time. Records that came while 2048 were waiting are told of by one that says how many they were.
    pub fn next(&self, cancel: &CancelToken) -> Task<Option<Vec<LogRecord>>> {
        let queue = self.0.clone();
        spawn(cancel, async move { Ok(batch(&queue).await) })
    }

    /// [`Logs::next`] for a thread that does nothing else.
    pub fn wait(&self, limit: Duration) -> Waited {
        let Ok(runtime) = runtime::get() else { return Waited::Ended };
        let waited = runtime.block_on(async { tokio::time::timeout(limit, batch(&self.0)).await });
        match waited {
            Ok(Some(records)) => Waited::Batch(records),
            Ok(None) => Waited::Ended,
            Err(_) => Waited::Nothing,
        }
    }

    /// Ends it. What waits is still given.
    pub fn close(&self) {
        // Dropped after that, it waits for nobody.
        if self.0.state().closed {
            return;
        }
        change(|all| all.retain(|queue| !Arc::ptr_eq(queue, &self.0)));
        let mut state = self.0.state();
        state.closed = true;
        if let Some(waker) = state.waker.take() {
            waker.wake();
        }
    }
}

impl Drop for Logs {
    fn drop(&mut self) {
        self.close();
    }
}

async fn batch(queue: &Queue) -> Option<Vec<LogRecord>> {
    let full = std::future::poll_fn(|context| queue.poll(context)).await?;
    if !full {
        tokio::time::sleep(GATHER).await;
    }
    Some(queue.take())
}

/// The subscriber of our own threads.
struct Bridge;

impl Bridge {
    fn wants(metadata: &Metadata<'_>) -> bool {
        let ours =
            metadata.target().strip_prefix("gladhand").is_some_and(|rest| rest.is_empty() || rest.starts_with("::"));
        ours && Level::of(*metadata.level()) as u8 <= LEVEL.load(Ordering::Relaxed)
    }
}

impl Subscriber for Bridge {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if Self::wants(metadata) { Interest::always() } else { Interest::never() }
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        Self::wants(metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(match LEVEL.load(Ordering::Relaxed) {
            0 => LevelFilter::OFF,
            1 => LevelFilter::ERROR,
            2 => LevelFilter::WARN,
            3 => LevelFilter::INFO,
            4 => LevelFilter::DEBUG,
            _ => LevelFilter::TRACE,
        })
    }

    fn event(&self, event: &Event<'_>) {
        let (metadata, mut facts) = (event.metadata(), Facts::default());
        event.record(&mut facts);
        let record = LogRecord {
            at: Timestamp::now(),
            level: Level::of(*metadata.level()),
            target: metadata.target(),
            message: facts.message,
            fields: facts.fields,
            trace_id: gladhand::trace::current().map(|context| context.trace_id().to_string()),
        };
        for queue in listeners().iter().filter(|queue| record.level as u8 <= queue.level.load(Ordering::Relaxed)) {
            queue.put(&record);
        }
    }

    // The core has no spans.
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &SpanRecord<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

#[derive(Default)]
struct Facts {
    message: String,
    fields: Vec<(&'static str, String)>,
}

impl Visit for Facts {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.fields.push((field.name(), value.to_owned()));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let text = format!("{value:?}");
        if field.name() == "message" { self.message = text } else { self.fields.push((field.name(), text)) }
    }
}

thread_local! {
    static ATTACHED: RefCell<Option<DefaultGuard>> = const { RefCell::new(None) };
    static HELD: RefCell<Option<RwLockWriteGuard<'static, Vec<Arc<Queue>>>>> = const { RefCell::new(None) };
}

/// Lets what this thread of ours logs be heard, for as long as it lives. Threads that the core makes from it do likewise.
pub(crate) fn attach() {
    // For the whole life of the process and its children: making one takes locks that a fork could have left taken. And two of
    // them: one alone is taken by tracing-core for the global one, and asked for by what the present thread has, so that an
    // event which a thread of the host was the first to reach would be off for all.
    static DISPATCH: OnceLock<[Dispatch; 2]> = OnceLock::new();
    let [dispatch, _] = DISPATCH.get_or_init(|| [Dispatch::new(Bridge), Dispatch::new(Bridge)]);
    ATTACHED.with(|attached| attached.borrow_mut().replace(set_default(dispatch)));
}

static HOLDER: AtomicU32 = AtomicU32::new(0);

/// Before a fork: waits until no queue is being used, and keeps it so.
pub(crate) fn hold() {
    let all = LISTENERS.write().unwrap_or_else(PoisonError::into_inner);
    HOLDER.store(std::process::id(), Ordering::Relaxed);
    HELD.with(|held| held.borrow_mut().replace(all));
}

/// After a fork, on the thread that forked. The parent's listeners are none of its child's.
pub(crate) fn let_go() {
    let Some(mut all) = HELD.with(|held| held.borrow_mut().take()) else { return };
    if HOLDER.load(Ordering::Relaxed) != std::process::id() {
        for queue in all.drain(..) {
            let mut state = queue.state();
            state.records.clear();
            state.closed = true;
            // It belongs to a runtime whose threads are not here.
            std::mem::forget(state.waker.take());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Logs on the runtime, as the core does.
    fn say(what: impl FnOnce() + Send + 'static) {
        runtime::get().unwrap().block_on(async { tokio::spawn(async move { what() }).await.unwrap() });
    }

    fn next(logs: &Logs) -> Option<Vec<LogRecord>> {
        logs.next(&CancelToken::new()).wait(|| Ok::<(), ()>(())).unwrap().unwrap()
    }

    // Listeners are of the whole process, and so is its level: one test after the other.
    static TURN: Mutex<()> = Mutex::new(());

    fn turn() -> MutexGuard<'static, ()> {
        TURN.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn marked(records: &[LogRecord], mark: &str) -> Vec<LogRecord> {
        records
            .iter()
            .filter(|record| record.fields.iter().any(|field| *field == ("mark", mark.to_owned())))
            .cloned()
            .collect()
    }

    #[test]
    fn a_record_has_its_facts_and_the_trace_of_its_call() {
        let _turn = turn();
        let logs = Logs::open(Level::Info);
        let cancel = CancelToken::new().in_trace(Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"), None);
        let work = spawn(&cancel, async {
            tracing::warn!(target: "gladhand::tender", mark = "facts", error = %Code::Connect, number = 7, "not resolved yet");
            tracing::debug!(target: "gladhand::tender", mark = "facts", "too much");
            tracing::error!(target: "hyper::client", mark = "facts", "authorization: …");
            tracing::error!(target: "gladhandshake", mark = "facts", "somebody else's");
            Ok(())
        });
        work.wait(|| Ok::<(), ()>(())).unwrap().unwrap();
        let found = marked(&next(&logs).unwrap(), "facts");
        let [record] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!((record.level, record.target), (Level::Warn, "gladhand::tender"));
        assert_eq!(record.line(), "not resolved yet mark=facts error=connect number=7");
        assert_eq!(record.trace_id.as_deref(), Some("4bf92f3577b34da6a3ce929d0e0e4736"));
    }

    #[test]
    fn nobody_listens_nothing_is_on_and_each_listener_has_its_level() {
        let _turn = turn();
        let on = || {
            // A thread of the host comes by first.
            assert!(!tracing::enabled!(target: "gladhand::tender", tracing::Level::ERROR));
            let (send, receive) = std::sync::mpsc::channel();
            say(move || send.send(tracing::enabled!(target: "gladhand::tender", tracing::Level::ERROR)).unwrap());
            receive.recv().unwrap()
        };
        assert!(!on());
        let (errors, all) = (Logs::open(Level::Error), Logs::open(Level::Error));
        all.set_level(Level::Debug);
        assert!(on());
        say(|| tracing::debug!(target: "gladhand::tender", mark = "levels", "said"));
        assert_eq!(marked(&next(&all).unwrap(), "levels").len(), 1);
        assert!(errors.0.poll(&mut Context::from_waker(Waker::noop())).is_pending());
        drop((errors, all));
        assert!(!on());
    }

    #[test]
    fn a_storm_is_bounded_and_what_was_lost_is_told() {
        let _turn = turn();
        let logs = Logs::open(Level::Info);
        say(|| {
            for number in 0..3 * QUEUE {
                tracing::info!(target: "gladhand::testing", mark = "storm", number, "TESTING_log");
            }
        });
        logs.close();
        let (mut kept, mut lost) = (0, 0);
        while let Some(batch) = next(&logs) {
            assert!(batch.len() <= BATCH + 1);
            kept += marked(&batch, "storm").len();
            let told = batch.iter().filter(|record| record.target == "gladhand::logs");
            lost += told.map(|record| record.fields[0].1.parse::<usize>().unwrap()).sum::<usize>();
        }
        assert_eq!(kept + lost, 3 * QUEUE);
        assert!(kept <= QUEUE && lost >= 2 * QUEUE, "{kept} kept, {lost} lost");
    }

    #[test]
    fn a_listener_that_is_closed_gives_what_waits_and_ends() {
        let _turn = turn();
        let logs = Logs::open(Level::Info);
        assert!(matches!(logs.wait(Duration::from_millis(1)), Waited::Nothing));
        say(|| tracing::info!(target: "gladhand::tender", mark = "last", "said"));
        logs.close();
        let Waited::Batch(batch) = logs.wait(Duration::from_secs(10)) else { panic!("nothing") };
        assert_eq!(marked(&batch, "last").len(), 1);
        assert!(matches!(logs.wait(Duration::from_secs(10)), Waited::Ended));
    }

    #[test]
    fn after_a_fork_the_listeners_go_on() {
        let _turn = turn();
        let logs = Logs::open(Level::Info);
        hold();
        assert!(LISTENERS.try_read().is_err());
        let_go();
        say(|| tracing::info!(target: "gladhand::tender", mark = "fork", "said"));
        assert_eq!(marked(&next(&logs).unwrap(), "fork").len(), 1);
        assert_eq!(Level::parse(None).unwrap(), Level::Info);
        assert_eq!(Level::parse(Some("loud")).unwrap_err().code(), Code::InvalidArgument);
    }
}
