//! The TMS's side: where the trucks of some loads are.

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

use super::connector::{Connector, request};
use super::stub::telemetry_follow_service_client::TelemetryFollowServiceClient;
use super::{position, refusal};
use crate::auth::random;
use crate::clock::{SharedClock, within};

const SCOPE: &str = "telemetry:read";
/// How long the collector may take to answer.
const ANSWER: Duration = Duration::from_secs(15);
/// The collector says something every 5 s; after this long without a word the connection is not believed any more.
const SILENCE: Duration = Duration::from_secs(20);
/// Positions that wait before only the newest of each load is kept.
const CAPACITY: usize = 64;

/// Follows loads until it is dropped or closed, or until all of them have ended. Reconnects by itself.
pub struct Follow {
    shared: Arc<Shared>,
}

struct Shared {
    connector: Arc<dyn Connector>,
    clock: SharedClock,
    state: Mutex<State>,
    changed: Notify,
    stop: CancellationToken,
}

struct State {
    loads: Vec<String>,
    cursor: String,
    latest: Latest,
    server: ServerClock,
    /// Records without a location, per load, since the last position.
    unlocated: std::collections::HashMap<String, u64>,
    end: Option<Option<Error>>,
}

impl Follow {
    /// Follows these loads. Waits for the collector's first answer, so that a refusal is an error here; an outage is not,
    /// it is outwaited.
    ///
    /// Errors: `invalid_argument` without a load; `tenant_forbidden`, `scope_missing`, `data_sharing_denied` and other
    /// refusals of the collector. Needs a Tokio runtime.
    pub async fn open(connector: Arc<dyn Connector>, clock: SharedClock, load_ids: Vec<String>) -> Result<Self> {
        if load_ids.is_empty() || load_ids.iter().any(String::is_empty) {
            return Err(Error::new(Code::InvalidArgument, "name at least one load to follow"));
        }
        let shared = Arc::new(Shared {
            connector,
            clock,
            state: Mutex::new(State {
                loads: load_ids,
                cursor: String::new(),
                latest: Latest::new(CAPACITY),
                server: ServerClock::default(),
                unlocated: std::collections::HashMap::new(),
                end: None,
            }),
            changed: Notify::new(),
            stop: CancellationToken::new(),
        });
        let (first, answered) = oneshot::channel();
        let follow = Self { shared: shared.clone() };
        tokio::spawn(async move {
            let end = tokio::select! {
                end = drive(&shared, first) => end,
                () = shared.stop.cancelled() => None,
            };
            shared.state().end = Some(end);
            shared.changed.notify_one();
        });
        match answered.await {
            Ok(Err(error)) if error.retry() == Retry::Never => Err(error),
            _ => Ok(follow),
        }
    }

    /// The next position, as the document `Position`; nothing once all loads have ended or this was closed. If the caller
    /// is slower than its trucks, it gets the newest position of each load, and `skipped` counts what was left out.
    ///
    /// Errors: a refusal of the collector, once; after it nothing.
    pub async fn next(&self) -> Result<Option<Document>> {
        loop {
            let changed = self.shared.changed.notified();
            {
                let mut state = self.shared.state();
                if let Some(position) = state.take(self.shared.now_nanos())? {
                    return Ok(Some(position));
                }
                match &mut state.end {
                    Some(Some(_)) => return state.end.replace(None).flatten().map_or(Ok(None), Err),
                    Some(None) => {
                        // Another waiter may be here too.
                        self.shared.changed.notify_one();
                        return Ok(None);
                    }
                    None => {}
                }
            }
            changed.await;
        }
    }

    /// Ends it; whoever waits for a position gets nothing.
    pub fn close(&self) {
        self.shared.stop.cancel();
    }
}

impl Drop for Follow {
    fn drop(&mut self) {
        self.shared.stop.cancel();
    }
}

impl fmt::Debug for Follow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Follow").field("loads", &self.shared.state().loads).finish_non_exhaustive()
    }
}

impl Shared {
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
async fn drive(shared: &Shared, first: oneshot::Sender<Result<()>>) -> Option<Error> {
    let mut first: First = Some(first);
    let mut backoff = Backoff::default();
    let mut renewed = false;
    loop {
        let mut was_open = false;
        let error = match run(shared, &mut first, &mut was_open).await {
            Ok(()) => return None,
            Err(error) => error,
        };
        if was_open {
            backoff.succeeded();
            renewed = false;
        }
        if refusal::is_about_the_token(&error) && !renewed {
            renewed = true;
            shared.connector.forget(SCOPE).await;
            continue;
        }
        tracing::info!(target: "gladhand::telemetry", code = error.code().as_str(), peer = shared.connector.peer(), "follow ended");
        let refused = error.retry() == Retry::Never;
        let at_least = Duration::from_millis(error.retry_after_ms().unwrap_or(0));
        if let Some(first) = first.take() {
            let _ = first.send(Err(error.clone()));
        }
        if refused {
            return Some(error);
        }
        shared.clock.sleep(backoff.after_failure(random::share(), at_least)).await;
    }
}

/// One stream; succeeds when all loads have ended.
async fn run(shared: &Shared, first: &mut First, was_open: &mut bool) -> Result<()> {
    let peer = shared.connector.peer();
    let connection = shared.connector.connect(SCOPE).await?;
    let (load_ids, cursor) = {
        let state = shared.state();
        (state.loads.clone(), state.cursor.clone())
    };
    let mut client = TelemetryFollowServiceClient::new(connection.channel);
    let call = client.follow(request(FollowRequest { load_ids, cursor }, connection.authorization));
    let silent = || Error::new(Code::DeadlineExceeded, format!("{peer} says nothing"));
    let answer = within(&*shared.clock, ANSWER, call).await.ok_or_else(silent)?;
    let mut incoming: Streaming<FollowResponse> =
        answer.map_err(|status| refusal::of_status(&status, &peer))?.into_inner();
    loop {
        let message = within(&*shared.clock, SILENCE, incoming.message()).await.ok_or_else(silent)?;
        let message = message.map_err(|status| refusal::of_status(&status, &peer))?;
        let Some(FollowResponse { message }) = message else {
            return if shared.state().loads.is_empty() {
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
            shared.hear(message);
        }
        if shared.state().loads.is_empty() {
            return Ok(());
        }
    }
}

impl Shared {
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
