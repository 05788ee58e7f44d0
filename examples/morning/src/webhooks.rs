//! The TMS's own web server: hands each webhook, headers and raw bytes, to the inbox and answers as it says.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use gladhand::{Client, Code, Error, Result};

use crate::steps::text;

/// A running server and what became of each webhook.
pub(crate) struct Server {
    pub(crate) url: String,
    outcomes: Arc<Mutex<Vec<String>>>,
}

#[derive(Clone)]
struct Route {
    client: Client,
    outcomes: Arc<Mutex<Vec<String>>>,
}

/// Serves on a loopback port.
pub(crate) async fn serve(client: Client) -> Result<Server> {
    let broken = |e: std::io::Error| Error::new(Code::Connect, "the TMS's web server does not start").caused_by(&e);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.map_err(broken)?;
    let url = format!("http://{}/webhooks", listener.local_addr().map_err(broken)?);
    let outcomes = Arc::new(Mutex::new(Vec::new()));
    let route = Route { client, outcomes: Arc::clone(&outcomes) };
    let app = Router::new().route("/webhooks", axum::routing::any(receive)).with_state(route);
    tokio::spawn(async move { axum::serve(listener, app).await });
    Ok(Server { url, outcomes })
}

async fn receive(State(route): State<Route>, method: Method, headers: HeaderMap, body: Bytes) -> Response {
    if method == Method::OPTIONS {
        // The handshake of CloudEvents webhooks: we are who may be called.
        let origin = headers.get("webhook-request-origin").cloned();
        let mut answer = StatusCode::OK.into_response();
        if let Some(origin) = origin {
            answer.headers_mut().insert("webhook-allowed-origin", origin);
        }
        return answer;
    }
    let headers: Vec<(String, String)> =
        headers.iter().map(|(n, v)| (n.to_string(), v.to_str().unwrap_or_default().to_owned())).collect();
    let (outcome, status) = match route.client.receive(&headers, &body).await {
        Ok(receipt) => (text(&receipt, "/outcome"), 202),
        Err(error) => {
            (error.code().to_string(), if error.code().http_status() == 0 { 500 } else { error.code().http_status() })
        }
    };
    route.outcomes.lock().unwrap_or_else(PoisonError::into_inner).push(outcome);
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR).into_response()
}

impl Server {
    /// What became of the first `count` webhooks, waiting at most ten seconds for them.
    pub(crate) async fn outcomes(&self, count: usize) -> Vec<String> {
        for _ in 0..200 {
            let seen = self.outcomes.lock().unwrap_or_else(PoisonError::into_inner).clone();
            if seen.len() >= count {
                return seen;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        self.outcomes.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
