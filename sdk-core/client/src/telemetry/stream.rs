//! One of the gateway's two streams: opens it, carries messages both ways, and opens it again.

use std::sync::Arc;
use std::time::Duration;

use gladhand_documents::error::{Code, Error, Result};
use gladhand_documents::telemetry::frame::Epoch;
use gladhand_documents::telemetry::wire::stream_request::Message as Request;
use gladhand_documents::telemetry::wire::stream_response::Message as Response;
use gladhand_documents::telemetry::wire::{GoAwayReason, StreamRequest, StreamResponse};
use gladhand_protocol::telemetry::{Backoff, Setback, Stream};
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
    /// Open it again at once: the identity was renewed, or a new epoch has begun.
    again: bool,
}

impl End {
    fn new(error: Error, was_open: bool) -> Self {
        Self { error, for_good: false, was_open, again: false }
    }

    /// Nothing is wrong; the stream opens again at once.
    fn again(why: &str) -> Self {
        Self { again: true, ..Self::new(Error::new(Code::ConnectionLost, why), true) }
    }
}

/// Keeps a stream open until the gateway is closed.
pub(super) async fn drive(shared: Arc<Shared>, stream: Stream) {
    let mut backoff = Backoff::default();
    let mut renewed = false;
    loop {
        let end = tokio::select! {
            end = run(&shared, stream) => end,
            () = shared.stop.cancelled() => break,
            () = shared.ended.cancelled() => break,
        };
        shared.sender().closed(stream);
        let error = end.error;
        tracing::info!(target: "gladhand::telemetry", ?stream, code = error.code().as_str(), peer = shared.connector.peer(), "stream ended");
        if end.was_open {
            backoff.succeeded();
            renewed = false;
        }
        let another_token = refusal::is_about_the_token(&error) && !renewed;
        let at_least = Duration::from_millis(error.retry_after_ms().unwrap_or(0));
        // A token that is about to be replaced is nobody's error yet.
        shared.link(stream, Link { connected: false, error: (!another_token).then_some(error) });
        if end.for_good {
            // Whoever took one stream over takes both.
            shared.ended.cancel();
            break;
        }
        if end.again {
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
            () = shared.ended.cancelled() => break,
        }
    }
    shared.sender().closed(stream);
    shared.progress.send_modify(|links| links[stream as usize].connected = false);
}

async fn run(shared: &Shared, stream: Stream) -> End {
    match open(shared, stream).await {
        Ok(open) => {
            let retired = open.retired.clone();
            tokio::select! {
                end = carry(shared, stream, open) => end,
                // Nothing is lost: what the collector has not acknowledged is sent again on the next stream.
                () = retired.cancelled() => End::again("the identity was renewed; the stream opens again"),
            }
        }
        Err(error) => End::new(error, false),
    }
}

/// An open stream.
struct Open {
    outgoing: mpsc::Sender<StreamRequest>,
    incoming: Streaming<StreamResponse>,
    retired: CancellationToken,
    epoch: Epoch,
}

async fn open(shared: &Shared, stream: Stream) -> Result<Open> {
    let peer = shared.connector.peer();
    let connection = shared.connector.connect(SCOPE).await?;
    let (hello, epoch) = {
        let sender = shared.sender();
        (sender.hello(stream), *sender.epoch())
    };
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
    let opened = {
        let mut sender = shared.sender();
        if *sender.epoch() != epoch {
            return Err(Error::new(Code::ConnectionLost, "a new epoch began meanwhile"));
        }
        sender.opened(stream, &welcome, shared.now().ms)
    };
    let opened = opened.map_err(|setback| step_back(shared, &setback))?;
    tracing::info!(target: "gladhand::telemetry", ?stream, peer, state = opened.state.as_str_name(), "stream open");
    shared.link(stream, Link { connected: true, error: None });
    Ok(Open { outgoing, incoming, retired: connection.retired, epoch })
}

async fn carry(shared: &Shared, stream: Stream, open: Open) -> End {
    let Open { outgoing, mut incoming, epoch, .. } = open;
    let peer = shared.connector.peer();
    let lost = |error: Error| End::new(error, true);
    let mut heartbeat = shared.clock.sleep(HEARTBEAT);
    let mut waiting: Option<Request> = None;
    loop {
        {
            let mut sender = shared.sender();
            if *sender.epoch() != epoch {
                return End::again("a new epoch has begun; the stream opens again");
            }
            if waiting.is_none() {
                waiting = sender.next(stream, shared.now().ms);
            }
        }
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
            () = shared.woken(stream) => {}
            () = &mut heartbeat => {
                heartbeat = shared.clock.sleep(HEARTBEAT);
                let mut status = shared.sender().heartbeat(shared.now().ms);
                status.lanes.retain(|lane| Stream::of(lane.lane()) == stream);
                // Only if there is room: it reports how things are, and must not wait for them to be well.
                let _ = outgoing.try_send(StreamRequest { message: Some(Request::Heartbeat(status)) });
            }
        }
    }
}

fn answer(shared: &Shared, message: Response, peer: &str) -> Result<(), End> {
    let step = |setback: Setback| End::new(step_back(shared, &setback), true);
    match message {
        Response::Ack(ack) => {
            let taken = shared.sender().acknowledged(&ack, shared.now().ms);
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
        Response::Replay(wanted) => {
            tracing::info!(target: "gladhand::telemetry", ?wanted, peer, "the collector asks for records once more");
            shared.sender().replay(&wanted);
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
                // The other stream has to follow.
                shared.wake_all();
                Error::new(Code::ConnectionLost, "the collector knows another backlog; a new epoch begins")
            }
            Err(error) => error,
        },
        Setback::Stuck(why) => {
            Error::new(Code::ConnectionLost, format!("the collector refuses again and again: {why}"))
        }
    }
}
