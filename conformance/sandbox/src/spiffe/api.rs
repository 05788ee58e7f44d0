//! The service `SpiffeWorkloadAPI` on a unix socket (SPIFFE Workload Endpoint §3, §4): plain HTTP/2, and callers that
//! send `workload.spiffe.io: true`, so that no server-side request forgery gets an identity.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use gladhand_documents::error::{Code, Error, Result};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::Status;
use tonic::server::{Grpc, ServerStreamingService};
use tower::ServiceExt as _;

use super::wire::Empty;
use super::{Agent, State};

/// Answers that may wait for a workload that does not read.
const ANSWERS: usize = 4;

/// Opens the socket of a role and serves it until `stop`; a socket that an earlier life left there is replaced.
pub fn serve(agent: Arc<Agent>, role: &'static str, path: &Path, stop: CancellationToken) -> Result<()> {
    let _ = std::fs::remove_file(path);
    let listener = UnixListener::bind(path)
        .map_err(|e| Error::new(Code::SandboxFailed, format!("cannot listen at `{}`", path.display())).caused_by(&e))?;
    tokio::spawn(accept(listener, Socket(path.to_owned()), router(agent, role), stop));
    Ok(())
}

/// Takes the socket's file away, however its server ends.
struct Socket(PathBuf);

impl Drop for Socket {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

async fn accept(listener: UnixListener, _socket: Socket, router: Router, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => drop(tokio::spawn(connection(stream, router.clone(), stop.clone()))),
                Err(error) => {
                    tracing::warn!(%error, "accept failed at the Workload API");
                    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                }
            },
        }
    }
}

async fn connection(stream: UnixStream, router: Router, stop: CancellationToken) {
    let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
        router.clone().oneshot(request.map(Body::new))
    });
    let builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
    tokio::select! {
        () = stop.cancelled() => {}
        ended = builder.serve_connection(TokioIo::new(stream), service) => {
            if let Err(error) = ended {
                tracing::debug!(%error, "a workload's connection ended");
            }
        }
    }
}

fn router(agent: Arc<Agent>, role: &'static str) -> Router {
    let svids = {
        let agent = agent.clone();
        move |state: &State| agent.svids(role, state)
    };
    let bundles = {
        let agent = agent.clone();
        move |state: &State| agent.bundles(state)
    };
    Router::new()
        .route("/SpiffeWorkloadAPI/FetchX509SVID", post(method(agent.clone(), svids)))
        .route("/SpiffeWorkloadAPI/FetchX509Bundles", post(method(agent, bundles)))
        .fallback(async || Status::unimplemented("this agent speaks X.509 only").into_http::<Body>())
}

type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// A method that answers at once and again with each change.
fn method<T: prost::Message + Default + 'static>(
    agent: Arc<Agent>,
    answer: impl Fn(&State) -> T + Clone + Send + Sync + 'static,
) -> impl Fn(Request) -> Boxed<Response> + Clone + Send + Sync {
    move |request| {
        let streaming = Streaming { agent: agent.clone(), answer: answer.clone() };
        Box::pin(async move {
            let mut grpc = Grpc::new(tonic_prost::ProstCodec::<T, Empty>::default());
            grpc.server_streaming(streaming, request).await.map(Body::new).into_response()
        })
    }
}

struct Streaming<F> {
    agent: Arc<Agent>,
    answer: F,
}

impl<T, F> ServerStreamingService<Empty> for Streaming<F>
where
    T: prost::Message + Default + 'static,
    F: Fn(&State) -> T + Clone + Send + Sync + 'static,
{
    type Response = T;
    type ResponseStream = ReceiverStream<Result<T, Status>>;
    type Future = Boxed<Result<tonic::Response<Self::ResponseStream>, Status>>;

    fn call(&mut self, request: tonic::Request<Empty>) -> Self::Future {
        let (agent, answer) = (self.agent.clone(), self.answer.clone());
        Box::pin(async move {
            if request.metadata().get("workload.spiffe.io").is_none_or(|value| value != "true") {
                return Err(Status::invalid_argument("the metadata workload.spiffe.io: true is missing"));
            }
            let mut watch = agent.watch();
            let (answers, stream) = mpsc::channel(ANSWERS);
            tokio::spawn(async move {
                loop {
                    let next = {
                        let state = watch.borrow_and_update();
                        match refusal(&state) {
                            Some(refusal) => Err(refusal),
                            None => Ok(answer(&state)),
                        }
                    };
                    let ends = next.is_err();
                    if answers.send(next).await.is_err() || ends {
                        return;
                    }
                    tokio::select! {
                        changed = watch.changed() => if changed.is_err() { return },
                        () = answers.closed() => return,
                    }
                }
            });
            Ok(tonic::Response::new(ReceiverStream::new(stream)))
        })
    }
}

/// How the agent lets the workload down, if it does.
fn refusal(state: &State) -> Option<Status> {
    if state.unavailable {
        return Some(Status::unavailable("the agent is not ready"));
    }
    state.withdrawn.then(|| Status::permission_denied("no identity issued"))
}
