//! The token endpoint: `POST /oauth/token`, client credentials.
//!
//! A `DPoP` header asks for a DPoP-bound token and needs a server nonce; without one the token is bound to the client's
//! certificate. The certificate must be the one registered for the client in either case.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Extension;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue};
use http::{HeaderMap, StatusCode};
use serde_json::json;

use crate::canaries;
use crate::carrier::Carrier;
use crate::oauth::assertion;
use crate::oauth::clients::Client;
use crate::oauth::keys::{Claims, Confirmation, LIFETIME_S};
use crate::oauth::proof::{self, Expected, Refusal};
use crate::random;
use crate::tls::Peer;

const DPOP_NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

struct Refused(StatusCode, &'static str, String);

fn refused(error: &'static str, description: impl Into<String>) -> Refused {
    let status = if error == "invalid_client" { StatusCode::UNAUTHORIZED } else { StatusCode::BAD_REQUEST };
    Refused(status, error, description.into())
}

/// Issues a token, or answers with an error of RFC 6749 §5.2.
pub async fn endpoint(
    State(carrier): State<Arc<Carrier>>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let answer = issue(&carrier, &peer, &headers, &body);
    carrier.requests.note_token(answer.is_ok());
    let (status, body) = match answer {
        Ok(body) => (StatusCode::OK, body),
        Err(Refused(status, error, description)) => (status, json!({"error": error, "error_description": description})),
    };
    let mut response = (status, body.to_string()).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let nonce = carrier.oauth.server_nonce.current(carrier.clock.unix());
    if let Ok(nonce) = HeaderValue::from_str(&nonce) {
        headers.insert(DPOP_NONCE, nonce);
    }
    response
}

fn issue(carrier: &Carrier, peer: &Peer, headers: &HeaderMap, body: &[u8]) -> Result<serde_json::Value, Refused> {
    let form = form(headers, body)?;
    let field = |name: &str| form.get(name).map(String::as_str);
    if field("grant_type") != Some("client_credentials") {
        return Err(refused("unsupported_grant_type", "grant_type must be client_credentials"));
    }
    let client = authenticate(carrier, peer, &form)?;
    if field("resource").is_some_and(|resource| resource.trim_end_matches('/') != carrier.origin) {
        return Err(refused("invalid_target", "resource must be the origin of the API"));
    }
    let scope = scope(client, field("scope").unwrap_or_default())?;
    let now = carrier.clock.unix();
    let cnf = if headers.contains_key("dpop") {
        let url = format!("{}/oauth/token", carrier.origin);
        let expected = Expected { method: "POST", url: &url, token: None, body: None, nonce_required: true };
        let oauth = &carrier.oauth;
        let jkt = proof::verify(headers, &expected, now, &oauth.server_nonce, &oauth.seen).map_err(|e| match e {
            Refusal::Nonce => refused("use_dpop_nonce", "repeat the request with the nonce of this answer"),
            Refusal::Replayed => refused("invalid_dpop_proof", "the jti of the proof was used before"),
            Refusal::Missing => refused("invalid_dpop_proof", "the proof is missing"),
            Refusal::Invalid(why) => refused("invalid_dpop_proof", why),
        })?;
        Confirmation { jkt: Some(jkt), certificate: None }
    } else {
        Confirmation { certificate: Some(peer.thumbprint.clone()), jkt: None }
    };
    let dpop = cnf.jkt.is_some() && !carrier.oauth.always_bearer();
    let audience = if carrier.oauth.wrong_audience() { "https://elsewhere.invalid" } else { &carrier.origin };
    let token = carrier.oauth.keys.sign(&Claims {
        iss: carrier.origin.clone(),
        aud: audience.to_owned(),
        sub: client.id.clone(),
        client_id: client.id.clone(),
        scope: scope.clone(),
        partner_id: client.partner_id.clone(),
        tenant: client.tenant.clone(),
        consent: *carrier.oauth.consent.lock().expect("consent"),
        iat: now,
        exp: now + LIFETIME_S,
        jti: random::id(""),
        cnf,
    });
    canaries::note("token", &token);
    Ok(json!({
        "access_token": token,
        "token_type": if dpop { "DPoP" } else { "Bearer" },
        "expires_in": LIFETIME_S,
        "scope": scope,
    }))
}

fn form(headers: &HeaderMap, body: &[u8]) -> Result<HashMap<String, String>, Refused> {
    let media = headers.get(CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    if !media.starts_with("application/x-www-form-urlencoded") {
        return Err(refused("invalid_request", "the body must be application/x-www-form-urlencoded"));
    }
    let mut form = HashMap::new();
    for (name, value) in url::form_urlencoded::parse(body) {
        if form.insert(name.clone().into_owned(), value.into_owned()).is_some() {
            return Err(refused("invalid_request", format!("the parameter {name} is repeated")));
        }
    }
    Ok(form)
}

fn authenticate<'a>(carrier: &'a Carrier, peer: &Peer, form: &HashMap<String, String>) -> Result<&'a Client, Refused> {
    let assertion = form.get("client_assertion");
    let named = form.get("client_id").cloned().or_else(|| assertion.and_then(|a| subject(a)));
    let id = named.ok_or_else(|| refused("invalid_client", "client_id is missing"))?;
    let client = carrier.oauth.client(&id).ok_or_else(|| refused("invalid_client", "the client is not registered"))?;
    if !peer.uris.contains(&client.uri) {
        return Err(refused("invalid_client", "the certificate is not the one registered for this client"));
    }
    if let Some(assertion) = assertion {
        canaries::note("assertion", assertion);
        if form.get("client_assertion_type").map(String::as_str) != Some(assertion::TYPE) {
            return Err(refused("invalid_client", "client_assertion_type is not jwt-bearer"));
        }
        let now = carrier.clock.unix();
        assertion::verify(assertion, client, &carrier.origin, now, &carrier.oauth.seen)
            .map_err(|why| refused("invalid_client", why))?;
    }
    Ok(client)
}

/// `client_id` may be left out beside an assertion (RFC 7521 §4.2); the assertion is verified afterwards.
fn subject(assertion: &str) -> Option<String> {
    let claims = jsonwebtoken::dangerous::insecure_decode_claims::<serde_json::Value>(assertion).ok()?;
    claims.get("sub")?.as_str().map(str::to_owned)
}

fn scope(client: &Client, asked: &str) -> Result<String, Refused> {
    let asked: Vec<&str> = asked.split_ascii_whitespace().collect();
    if let Some(unknown) = asked.iter().find(|scope| !client.scopes.contains(scope)) {
        return Err(refused("invalid_scope", format!("the client may not ask for {unknown}")));
    }
    Ok(if asked.is_empty() { client.scopes.join(" ") } else { asked.join(" ") })
}
