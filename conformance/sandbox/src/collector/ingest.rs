//! The ingest service: reads a gateway's stream, answers it, and ends it when its right or its token ends.

use std::pin::Pin;
use std::time::Duration;

use futures_util::Stream;
use gladhand_documents::error::Code;
use gladhand_documents::telemetry::wire::stream_request::Message as Request;
use gladhand_documents::telemetry::wire::stream_response::Message as Response;
use gladhand_documents::telemetry::wire::{GoAway, GoAwayReason, StreamRequest, StreamResponse};
use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming};

use super::Collector;
use super::session::{Session, go_away, violation};
use super::stub::telemetry_ingest_service_server::TelemetryIngestService;
use crate::auth::Caller;

const SCOPE: &str = "telemetry:write";
/// How long a gateway may take to say Hello.
const HELLO: Duration = Duration::from_secs(10);
/// Answers that may wait for a gateway that does not read; then its frames are not read either.
const ANSWERS: usize = 64;

pub(super) struct IngestService(pub(super) Collector);

type Answer = Result<StreamResponse, Status>;

#[tonic::async_trait]
impl TelemetryIngestService for IngestService {
    type StreamStream = Pin<Box<dyn Stream<Item = Answer> + Send>>;

    async fn stream(
        &self,
        request: tonic::Request<Streaming<StreamRequest>>,
    ) -> Result<tonic::Response<Self::StreamStream>, Status> {
        let caller = caller(&request, SCOPE)?;
        let producer = caller
            .producer()
            .ok_or_else(|| status(Code::CertMismatch, "the certificate is not a vehicle gateway's"))?
            .to_owned();
        let expires = expiry(&caller, self.0.now());
        let (answers, stream) = mpsc::channel(ANSWERS);
        let collector = self.0.clone();
        let incoming = request.into_inner();
        tokio::spawn(async move {
            let end = tokio::select! {
                end = serve(collector, &caller.uri, &producer, incoming, &answers) => end,
                () = tokio::time::sleep(expires) => Some(go_away(GoAwayReason::TokenExpired, "the token has expired")),
                () = answers.closed() => None,
            };
            if let Some(end) = end {
                tracing::debug!(producer, ?end, "ingest stream ends");
                let _ = answers.send(response(Response::GoAway(end))).await;
            }
        });
        Ok(tonic::Response::new(Box::pin(ReceiverStream::new(stream))))
    }
}

/// Serves a stream until it ends; gives the farewell, if there is anyone to say it to.
async fn serve(
    collector: Collector,
    identity: &str,
    producer: &str,
    mut incoming: Streaming<StreamRequest>,
    answers: &mpsc::Sender<Answer>,
) -> Option<GoAway> {
    let hello = match tokio::time::timeout(HELLO, incoming.message()).await {
        Ok(Ok(Some(StreamRequest { message: Some(Request::Hello(hello)) }))) => hello,
        Ok(Ok(Some(_))) | Err(_) => return Some(violation("Hello comes first")),
        Ok(Ok(None) | Err(_)) => return None,
    };
    let (mut session, welcome) = match Session::open(collector, identity, producer, &hello) {
        Ok(opened) => opened,
        Err(end) => return Some(end),
    };
    tokio::select! {
        biased;
        end = session.lost() => return Some(end),
        () = session.welcome() => answers.send(response(Response::Welcome(welcome))).await.ok()?,
    }
    loop {
        let message = tokio::select! {
            biased;
            end = session.lost() => return Some(end),
            () = session.progress() => None,
            message = incoming.message(), if session.has_room() => Some(message),
        };
        let said = match message {
            None => session.ready(),
            Some(Ok(Some(StreamRequest { message: Some(message) }))) => session.handle(message),
            Some(Ok(Some(_))) => return Some(violation("a message that this collector does not know")),
            Some(Err(status)) if status.code() == tonic::Code::OutOfRange => return Some(session.flooded()),
            Some(Ok(None) | Err(_)) => return None,
        };
        match said {
            Ok(replies) => {
                for reply in replies {
                    answers.send(response(reply)).await.ok()?;
                }
            }
            Err(end) => return Some(end),
        }
    }
}

#[allow(clippy::unnecessary_wraps, reason = "what the stream carries")]
fn response(message: Response) -> Answer {
    Ok(StreamResponse { message: Some(message) })
}

/// Who calls, if it has the scope.
pub(super) fn caller<T>(request: &tonic::Request<T>, scope: &str) -> Result<Caller, Status> {
    let caller = request
        .extensions()
        .get::<Caller>()
        .ok_or_else(|| Status::unauthenticated("the call did not pass the gate of this carrier"))?;
    if !caller.scopes.iter().any(|s| s == scope) {
        return Err(status(Code::ScopeMissing, &format!("the token lacks the scope {scope}")));
    }
    Ok(caller.clone())
}

/// A refusal whose `gladhand-code` trailer is the code of the error table.
pub(super) fn status(code: Code, detail: &str) -> Status {
    let mut status = match code {
        Code::TokenExpired => Status::unauthenticated(detail),
        Code::SchemaInvalid => Status::invalid_argument(detail),
        _ => Status::permission_denied(detail),
    };
    status.metadata_mut().insert("gladhand-code", tonic::metadata::MetadataValue::from_static(code.as_str()));
    status
}

/// How long the token lasts.
pub(super) fn expiry(caller: &Caller, now: Timestamp) -> Duration {
    let left = i64::try_from(caller.expires_at).unwrap_or(i64::MAX).saturating_sub(now.as_second());
    Duration::from_secs(u64::try_from(left).unwrap_or(0))
}
