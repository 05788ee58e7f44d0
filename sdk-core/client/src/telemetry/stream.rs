//! The gateway's stream: opens it, carries messages both ways, and opens it again.

use std::sync::Arc;
use std::time::Duration;

use gladhand_documents::error::{Code, Error, Result};
use gladhand_documents::telemetry::wire::stream_request::Message as Request;
use gladhand_documents::telemetry::wire::stream_response::Message as Response;
use gladhand_documents::telemetry::wire::{GoAwayReason, StreamRequest, StreamResponse};
use gladhand_protocol::telemetry::{Backoff, Setback};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::Streaming;

use super::connector::request;
use super::gateway::{Link, Shared};
use super::refusal;
use super::stub::telemetry_ingest_service_client::TelemetryIngestServiceClient;
use crate::auth::random;
use crate::clock::within;

const SCOPE: &str = "telemetry:write";
/// How long the collector may take to say Welcome.
const WELCOME: Duration = Duration::from_secs(15);
/// How often the gateway says how it is.
const HEARTBEAT: Duration = Duration::from_secs(5);
/// Messages on their way to the connection. Few: a safety record goes behind them.
const OUTGOING: usize = 2;

/// How a stream ended.
struct End {
    error: Error,
    /// The collector does not want this gateway back.
    for_good: bool,
    /// It had been open.
    was_open: bool,
    /// The identity was renewed: open it again at once, with the new one.
    renewed: bool,
}

impl End {
    fn new(error: Error, was_open: bool) -> Self {
        Self { error, for_good: false, was_open, renewed: false }
    }

    fn renewed() -> Self {
        let why = "the identity was renewed; the stream opens again";
        Self { renewed: true, ..Self::new(Error::new(Code::ConnectionLost, why), true) }
    }
}

/// Keeps a stream open until the gateway is closed.
pub(super) async fn drive(shared: Arc<Shared>) {
    let mut backoff = Backoff::default();
    let mut renewed = false;
    while !shared.stop.is_cancelled() {
        let end = tokio::select! {
            end = run(&shared) => end,
            () = shared.stop.cancelled() => break,
        };
        shared.sender().closed();
        let error = end.error;
        tracing::info!(target: "gladhand::telemetry", code = error.code().as_str(), peer = shared.connector.peer(), "stream ended");
        if end.was_open {
            backoff.succeeded();
            renewed = false;
        }
        let another_token = refusal::is_about_the_token(&error) && !renewed;
        let at_least = Duration::from_millis(error.retry_after_ms().unwrap_or(0));
        shared.progress.send_replace(Link { connected: false, error: Some(error), ended: end.for_good });
        if end.for_good {
            break;
        }
        if end.renewed {
            continue;
        }
        if another_token {
            // Once; after that the authorization server is not asked faster than the collector.
            renewed = true;
            shared.connector.forget(SCOPE).await;
            continue;
        }
        let wait = shared.clock.sleep(backoff.after_failure(random::share(), at_least));
        tokio::select! {
            () = wait => {}
            () = shared.stop.cancelled() => break,
        }
    }
    shared.sender().closed();
}

async fn run(shared: &Shared) -> End {
    match open(shared).await {
        Ok((outgoing, incoming, retired)) => {
            tokio::select! {
                end = carry(shared, &outgoing, incoming) => end,
                // Nothing is lost: what the collector has not acknowledged is sent again on the next stream.
                () = retired.cancelled() => End::renewed(),
            }
        }
        Err(error) => End::new(error, false),
    }
}

type Open = (mpsc::Sender<StreamRequest>, Streaming<StreamResponse>, CancellationToken);

async fn open(shared: &Shared) -> Result<Open> {
    let peer = shared.connector.peer();
    let connection = shared.connector.connect(SCOPE).await?;
    let hello = shared.sender().hello();
    let (outgoing, messages) = mpsc::channel(OUTGOING);
    let first = StreamRequest { message: Some(Request::Hello(hello)) };
    let refused = |_| Error::new(Code::ConnectionLost, "the stream ended as it began");
    outgoing.send(first).await.map_err(refused)?;
    let mut client = TelemetryIngestServiceClient::new(connection.channel);
    let call = client.stream(request(ReceiverStream::new(messages), connection.authorization));
    let begin = async {
        let mut incoming = call.await.map_err(|status| refusal::of_status(&status, &peer))?.into_inner();
        let first = incoming.message().await.map_err(|status| refusal::of_status(&status, &peer))?;
        Ok((first.and_then(|f| f.message), incoming))
    };
    let (first, incoming) = within(&*shared.clock, WELCOME, begin)
        .await
        .unwrap_or_else(|| Err(Error::new(Code::DeadlineExceeded, format!("{peer} does not say Welcome"))))?;
    let welcome = match first {
        Some(Response::Welcome(welcome)) => welcome,
        Some(Response::GoAway(end)) => return Err(refusal::of_go_away(&end, &peer)),
        _ => return Err(Error::new(Code::UnexpectedAnswer, format!("{peer} does not begin with Welcome"))),
    };
    let opened = shared.sender().opened(&welcome);
    let opened = opened.map_err(|setback| step_back(shared, &setback))?;
    tracing::info!(target: "gladhand::telemetry", peer, state = opened.state.as_str_name(), "stream open");
    shared.progress.send_replace(Link { connected: true, ..Link::default() });
    Ok((outgoing, incoming, connection.retired))
}

async fn carry(
    shared: &Shared,
    outgoing: &mpsc::Sender<StreamRequest>,
    mut incoming: Streaming<StreamResponse>,
) -> End {
    let peer = shared.connector.peer();
    let lost = |error: Error| End::new(error, true);
    let mut heartbeat = shared.clock.sleep(HEARTBEAT);
    let mut waiting: Option<Request> = None;
    loop {
        let now = shared.now_ms();
        let due = {
            let mut sender = shared.sender();
            let due = match sender.poll(now) {
                Ok(due) => due,
                Err(error) => return lost(error),
            };
            if waiting.is_none() {
                waiting = sender.next(now);
            }
            due
        };
        let timer = shared.clock.sleep(due.map_or(HEARTBEAT, Duration::from_millis));
        tokio::select! {
            biased;
            message = incoming.message() => {
                let message = match message {
                    Ok(Some(StreamResponse { message: Some(message) })) => message,
                    Ok(Some(_)) => continue,
                    Ok(None) => return lost(Error::new(Code::ConnectionLost, format!("{peer} closed the stream"))),
                    Err(status) => return lost(refusal::of_status(&status, &peer)),
                };
                if let Err(end) = answer(shared, message, &peer) {
                    return end;
                }
            }
            permit = outgoing.reserve(), if waiting.is_some() => match permit {
                Ok(permit) => permit.send(StreamRequest { message: waiting.take() }),
                Err(_) => return lost(Error::new(Code::ConnectionLost, format!("{peer} stopped reading"))),
            },
            () = shared.wake.notified() => {}
            () = &mut heartbeat => {
                heartbeat = shared.clock.sleep(HEARTBEAT);
                let status = shared.sender().heartbeat(now);
                // Only if there is room: it reports how things are, and must not wait for them to be well.
                let _ = outgoing.try_send(StreamRequest { message: Some(Request::Heartbeat(status)) });
            }
            () = timer => {}
        }
    }
}

fn answer(shared: &Shared, message: Response, peer: &str) -> Result<(), End> {
    let step = |setback: Setback| End::new(step_back(shared, &setback), true);
    match message {
        Response::Ack(ack) => {
            let taken = shared.sender().acknowledged(&ack);
            taken.map_err(step)?;
            shared.progress.send_modify(|_| {});
            Ok(())
        }
        Response::Credit(credit) => {
            shared.sender().credited(&credit);
            Ok(())
        }
        Response::Nack(nack) => {
            tracing::warn!(target: "gladhand::telemetry", reason = nack.reason().as_str_name(), detail = nack.detail, "frame refused");
            let taken = shared.sender().refused(&nack);
            taken.map_err(step)?;
            shared.progress.send_modify(|_| {});
            Ok(())
        }
        Response::GoAway(end) => {
            let mut error = End::new(refusal::of_go_away(&end, peer), true);
            error.for_good = end.reason() == GoAwayReason::Superseded;
            Err(error)
        }
        Response::Welcome(_) => {
            Err(End::new(Error::new(Code::UnexpectedAnswer, format!("{peer} said Welcome twice")), true))
        }
    }
}

/// What to do about a setback before the next stream.
fn step_back(shared: &Shared, setback: &Setback) -> Error {
    match setback {
        Setback::UnknownAcknowledgement => match random::bytes() {
            Ok(epoch) => {
                shared.sender().restart(epoch);
                Error::new(Code::ConnectionLost, "the collector knows another backlog; a new epoch begins")
            }
            Err(error) => error,
        },
        Setback::Stuck(why) => {
            Error::new(Code::ConnectionLost, format!("the collector refuses again and again: {why}"))
        }
    }
}
