//! The TMS's side: where the trucks of some loads are.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use gladhand_documents::error::{Code, Error, Result, Retry};
use gladhand_documents::json::Document;
use gladhand_documents::telemetry::wire::follow_response::Message;
use gladhand_documents::telemetry::wire::{FollowRequest, FollowResponse};
use gladhand_protocol::telemetry::{Backoff, Latest, Seen, ServerClock};
use tokio::sync::{Notify, oneshot};
use tokio_util::sync::CancellationToken;
use tonic::Streaming;

use super::connector::{Connection, Connector, request};
use super::stub::telemetry_follow_service_client::TelemetryFollowServiceClient;
use super::{position, refusal};
use crate::auth::random;
use crate::clock::{SharedClock, within};
use crate::trace;

const SCOPE: &str = "telemetry:read";
/// How long the collector may take to answer.
const ANSWER: Duration = Duration::from_secs(15);
/// The collector says something every 5 s; after this long without a word the connection is not believed any more.
const SILENCE: Duration = Duration::from_secs(20);
/// Positions that wait before only the newest of each load is kept.
const CAPACITY: usize = 64;

/// Follows loads until it is dropped or closed, or until all of them have ended. Reconnects by itself, to each carrier
/// apart.
pub struct Follow {
    legs: Vec<Arc<Leg>>,
    changed: Arc<Notify>,
    stop: CancellationToken,
}

/// The stream from one carrier.
struct Leg {
    connector: Arc<dyn Connector>,
    clock: SharedClock,
    state: Mutex<State>,
    changed: Arc<Notify>,
}

struct State {
    loads: Vec<String>,
    cursor: String,
    latest: Latest,
    server: ServerClock,
    /// Records without a location, per load, since the last position.
    unlocated: HashMap<String, u64>,
    end: End,
}

/// How a leg ended.
#[derive(Debug, Default)]
enum End {
    #[default]
    NotYet,
    /// Refused, and not reported yet.
    Refused(Error),
    Over,
}

impl Follow {
    /// Follows these loads, each at the carrier behind its connector. Waits for the first answers, so that a refusal is an
    /// error here; an outage is not, it is outwaited. Ends with `stop` too.
    ///
    /// Errors: `invalid_argument` without a load; `tenant_forbidden`, `scope_missing`, `data_sharing_denied` and other
    /// refusals of the collector. Needs a Tokio runtime.
    pub async fn open(
        carriers: Vec<(Arc<dyn Connector>, Vec<String>)>,
        clock: SharedClock,
        stop: &CancellationToken,
    ) -> Result<Self> {
        if carriers.is_empty()
            || carriers.iter().any(|(_, loads)| loads.is_empty() || loads.iter().any(String::is_empty))
        {
            return Err(Error::new(Code::InvalidArgument, "name at least one load to follow"));
        }
        let changed = Arc::new(Notify::new());
        let mut follow = Self { legs: Vec::new(), changed, stop: stop.child_token() };
        let mut answers = Vec::new();
        for (connector, loads) in carriers {
            let state = State {
                loads,
                cursor: String::new(),
                latest: Latest::new(CAPACITY),
                server: ServerClock::default(),
                unlocated: HashMap::new(),
                end: End::NotYet,
            };
            let changed = follow.changed.clone();
            let leg = Arc::new(Leg { connector, clock: clock.clone(), state: Mutex::new(state), changed });
            let (first, answer) = oneshot::channel();
            answers.push(answer);
            follow.legs.push(leg.clone());
            let stop = follow.stop.clone();
            // The stream is that of the call that opens it, also when it has to be opened again.
            tokio::spawn(trace::resume(trace::current(), async move {
                let end = tokio::select! {
                    refusal = drive(&leg, first) => refusal.map_or(End::Over, End::Refused),
                    () = stop.cancelled() => End::Over,
                };
                leg.state().end = end;
                leg.changed.notify_one();
            }));
        }
        for answer in answers {
            match answer.await {
                Ok(Err(error)) if error.retry() == Retry::Never => return Err(error),
                _ => {}
            }
        }
        Ok(follow)
    }

    /// The next position, as the document `Position`; nothing once all loads have ended or this was closed. If the caller
    /// is slower than its trucks, it gets the newest position of each load, and `skipped` counts what was left out.
    ///
    /// Errors: a refusal, once per carrier; the other carriers' positions go on.
    pub async fn next(&self) -> Result<Option<Document>> {
        loop {
            let changed = self.changed.notified();
            let mut ended = 0;
            for leg in &self.legs {
                let now = leg.now_nanos();
                let mut state = leg.state();
                if let Some(position) = state.take(now)? {
                    return Ok(Some(position));
                }
                match std::mem::take(&mut state.end) {
                    End::NotYet => {}
                    End::Refused(error) => {
                        state.end = End::Over;
                        return Err(error);
                    }
                    End::Over => {
                        state.end = End::Over;
                        ended += 1;
                    }
                }
            }
            if ended == self.legs.len() {
                // Another waiter may be here too.
                self.changed.notify_one();
                return Ok(None);
            }
            changed.await;
        }
    }

    /// Ends it; whoever waits for a position gets nothing.
    pub fn close(&self) {
        self.stop.cancel();
    }
}

impl Drop for Follow {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl fmt::Debug for Follow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let loads: Vec<String> = self.legs.iter().flat_map(|leg| leg.state().loads.clone()).collect();
        f.debug_struct("Follow").field("loads", &loads).finish_non_exhaustive()
    }
}

impl Leg {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now_nanos(&self) -> u64 {
        u64::try_from(self.clock.now().as_nanosecond()).unwrap_or(0)
    }
}

impl State {
    fn take(&mut self, now_nanos: u64) -> Result<Option<Document>> {
        while let Some(mut seen) = self.latest.pop() {
            let ids = seen.update.record.as_ref().and_then(|r| r.correlation.as_ref());
            let load = ids.map(|c| c.load_id.clone()).unwrap_or_default();
            seen.update.skipped += self.unlocated.remove(&load).unwrap_or(0);
            if let Some(position) = position::document(&seen, &self.server, now_nanos)? {
                return Ok(Some(position));
            }
            self.unlocated.insert(load, seen.update.skipped + 1);
        }
        Ok(None)
    }
}

type First = Option<oneshot::Sender<Result<()>>>;

/// Keeps a stream open until all loads have ended, or until it is refused; gives the refusal.
async fn drive(leg: &Leg, first: oneshot::Sender<Result<()>>) -> Option<Error> {
    let mut first: First = Some(first);
    let mut backoff = Backoff::default();
    let mut renewed = false;
    loop {
        let mut was_open = false;
        let error = match run(leg, &mut first, &mut was_open).await {
            Ok(Turn::Over) => return None,
            // At once, where it left off, with the new identity.
            Ok(Turn::Renewed) => {
                backoff.succeeded();
                continue;
            }
            Err(error) => error,
        };
        if was_open {
            backoff.succeeded();
            renewed = false;
        }
        if refusal::is_about_the_token(&error) && !renewed {
            renewed = true;
            leg.connector.forget(SCOPE).await;
            continue;
        }
        tracing::info!(target: "gladhand::telemetry", code = error.code().as_str(), peer = leg.connector.peer(), "follow ended");
        let refused = error.retry() == Retry::Never;
        let at_least = Duration::from_millis(error.retry_after_ms().unwrap_or(0));
        if let Some(first) = first.take() {
            let _ = first.send(Err(error.clone()));
        }
        if refused {
            return Some(error);
        }
        leg.clock.sleep(backoff.after_failure(random::share(), at_least)).await;
    }
}

/// How a stream ended well.
enum Turn {
    /// All loads have ended.
    Over,
    /// The identity was renewed.
    Renewed,
}

/// One stream.
async fn run(leg: &Leg, first: &mut First, was_open: &mut bool) -> Result<Turn> {
    let connection = leg.connector.connect(SCOPE).await?;
    let retired = connection.retired.clone();
    tokio::select! {
        outcome = listen(leg, connection, first, was_open) => outcome.map(|()| Turn::Over),
        () = retired.cancelled() => Ok(Turn::Renewed),
    }
}

async fn listen(leg: &Leg, connection: Connection, first: &mut First, was_open: &mut bool) -> Result<()> {
    let peer = leg.connector.peer();
    let (load_ids, cursor) = {
        let state = leg.state();
        (state.loads.clone(), state.cursor.clone())
    };
    let mut client = TelemetryFollowServiceClient::new(connection.channel);
    let call = client.follow(request(FollowRequest { load_ids, cursor }, connection.authorization));
    let silent = || Error::new(Code::DeadlineExceeded, format!("{peer} says nothing"));
    let answer = within(&*leg.clock, ANSWER, call).await.ok_or_else(silent)?;
    let mut incoming: Streaming<FollowResponse> =
        answer.map_err(|status| refusal::of_status(&status, &peer))?.into_inner();
    loop {
        let message = within(&*leg.clock, SILENCE, incoming.message()).await.ok_or_else(silent)?;
        let message = message.map_err(|status| refusal::of_status(&status, &peer))?;
        let Some(FollowResponse { message }) = message else {
            return if leg.state().loads.is_empty() {
                Ok(())
            } else {
                Err(Error::new(Code::ConnectionLost, format!("{peer} closed the stream")))
            };
        };
        *was_open = true;
        if let Some(first) = first.take() {
            let _ = first.send(Ok(()));
        }
        if let Some(message) = message {
            leg.hear(message);
        }
        if leg.state().loads.is_empty() {
            return Ok(());
        }
    }
}

impl Leg {
    fn hear(&self, message: Message) {
        let now = self.now_nanos();
        let mut state = self.state();
        match message {
            Message::Update(update) => {
                state.server.observe(update.server_time_unix_nanos, now);
                state.cursor.clone_from(&update.cursor);
                state.latest.push(Seen { update, arrived_unix_nanos: now });
                drop(state);
                self.changed.notify_one();
            }
            Message::Heartbeat(heartbeat) => state.server.observe(heartbeat.server_time_unix_nanos, now),
            Message::Ended(ended) => state.loads.retain(|load| *load != ended.load_id),
        }
    }
}
