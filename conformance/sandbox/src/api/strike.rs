//! What a client sees of a fault, in place of an answer; and the authorization server, which faults strike as well.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use gladhand_documents::error::Code;
use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderValue, LOCATION};
use http::request::Parts;

use crate::api::headers::{decorate, identify, trace_id};
use crate::carrier::Carrier;
use crate::faults::{Fault, How, When};
use crate::problem::{Answer, Problem};
use crate::serve::Hangup;

/// Larger than any body that a client may read, in bytes.
const OVERSIZE: usize = 2 << 20;
/// How a slow answer trickles: a byte, and how long until the next.
const TRICKLE: Duration = Duration::from_millis(250);
/// Bytes of a slow answer; then the connection is dropped.
const TRICKLED: usize = 480;

/// Middleware of the authorization server: faults before and after it answers, and what every answer carries.
pub async fn authorization_server(State(carrier): State<Arc<Carrier>>, request: Request, next: Next) -> Response {
    let operation = match request.uri().path() {
        "/oauth/token" => "oauth.token",
        "/oauth/jwks" => "oauth.jwks",
        _ => "oauth.metadata",
    };
    let (parts, body) = request.into_parts();
    if let Some(fault) = carrier.faults.take(operation, When::Before) {
        return strike(&fault, &carrier, &parts).await;
    }
    let mut answer = next.run(Request::from_parts(parts.clone(), body)).await;
    if let Some(fault) = carrier.faults.take(operation, When::After) {
        return strike(&fault, &carrier, &parts).await;
    }
    identify(&mut answer, &carrier, &parts.headers);
    answer
}

/// Answers as the fault says, or does not.
pub async fn strike(fault: &Fault, carrier: &Carrier, parts: &Parts) -> Response {
    let trace_id = trace_id(&parts.headers);
    let refused = |code: Code, detail: &str| {
        let problem = Problem::new(code, detail);
        fault.retry_after_s.map_or(problem.clone(), |seconds| problem.retry_after(seconds)).answer(&trace_id)
    };
    let gateway = |status: StatusCode| {
        let mut answer = Answer::json(status, format!("<html><body>{status}</body></html>"));
        answer.headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html"));
        answer
    };
    let answer = match (fault.how, fault.when) {
        (How::Reset, _) => return hang_up(parts, Duration::ZERO).await,
        (How::Timeout, _) => return hang_up(parts, Duration::from_secs(120)).await,
        // Nothing comes any more, and nobody says that it is over: a peer whose machine is gone.
        (How::HalfOpen, _) => {
            if let Some(hangup) = parts.extensions.get::<Hangup>() {
                hangup.freeze.cancel();
            }
            return std::future::pending().await;
        }
        (How::SlowLoris, _) => return slowly(parts),
        (How::Internal, _) => Problem::new(Code::InternalServerError, "a fault was asked for").answer(&trace_id),
        (How::BadGateway, _) => {
            Problem::new(Code::BadGateway, "a part of the carrier does not answer").answer(&trace_id)
        }
        (How::GatewayTimeout, _) => {
            Problem::new(Code::Timeout, "a part of the carrier took too long").answer(&trace_id)
        }
        (How::Unavailable, When::Before) => {
            refused(Code::CapacityBackpressure, "the carrier is saturated; nothing was stored")
        }
        (How::Maintenance, _) => refused(Code::Maintenance, "the carrier is being worked on"),
        (How::RateLimited, _) => refused(Code::RateLimited, "too many requests"),
        (How::Unavailable, When::After) => gateway(StatusCode::SERVICE_UNAVAILABLE),
        (How::Gateway404, _) => gateway(StatusCode::NOT_FOUND),
        (How::Redirect, _) => gateway(StatusCode::from_u16(fault.status).unwrap_or(StatusCode::TEMPORARY_REDIRECT))
            .with(LOCATION, &fault.location),
        (How::Oversize, _) => Answer::json(StatusCode::OK, format!(r#"{{"x":"{}"}}"#, "x".repeat(OVERSIZE))),
        (How::Garbage, _) => Answer::json(StatusCode::OK, "<html>this is no JSON</html>"),
        (How::Duplicate, _) => Answer::json(StatusCode::OK, r#"{"issuer":"a","issuer":"b","keys":[],"keys":[]}"#),
    };
    decorate(answer, carrier, &parts.headers)
}

/// Drops the connection without an answer.
pub async fn hang_up(parts: &Parts, after: Duration) -> Response {
    tokio::time::sleep(after).await;
    if let Some(hangup) = parts.extensions.get::<Hangup>() {
        hangup.drop.cancel();
    }
    std::future::pending().await
}

/// An answer that never stops coming: a blank at a time, in front of JSON that does not come, for two minutes.
fn slowly(parts: &Parts) -> Response {
    let hangup = parts.extensions.get::<Hangup>().cloned();
    let bytes = futures_util::stream::unfold(0_usize, move |sent| {
        let hangup = hangup.clone();
        async move {
            if sent == TRICKLED {
                if let Some(hangup) = &hangup {
                    hangup.drop.cancel();
                }
                return std::future::pending().await;
            }
            tokio::time::sleep(TRICKLE).await;
            Some((Ok::<_, std::convert::Infallible>(Bytes::from_static(b" ")), sent + 1))
        }
    });
    let mut answer = Response::new(Body::from_stream(bytes));
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer
}
