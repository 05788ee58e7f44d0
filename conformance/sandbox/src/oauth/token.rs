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
use jsonwebtoken::jwk::JwkSet;
use serde_json::json;

use crate::canaries;
use crate::carrier::Carrier;
use crate::oauth::clients::Client;
use crate::oauth::keys::{Claims, Confirmation};
use crate::oauth::proof::{self, Expected, Refusal};
use crate::oauth::{assertion, merge};
use crate::peer::Peer;

const DPOP_NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

#[derive(Clone)]
struct Refused {
    status: StatusCode,
    error: &'static str,
    description: String,
    /// The kind of security fact, if it is one.
    kind: Option<&'static str>,
}

impl Refused {
    fn kind(self, kind: &'static str) -> Self {
        Self { kind: Some(kind), ..self }
    }
}

fn refused(error: &'static str, description: impl Into<String>) -> Refused {
    let unauthorized = error == "invalid_client";
    let status = if unauthorized { StatusCode::UNAUTHORIZED } else { StatusCode::BAD_REQUEST };
    Refused { status, error, description: description.into(), kind: unauthorized.then_some("invalid_client") }
}

/// Issues a token, or answers with an error of RFC 6749 §5.2.
pub async fn endpoint(
    State(carrier): State<Arc<Carrier>>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let form = form(&headers, &body);
    let answer = match &form {
        Ok(form) => {
            refresh_keys(&carrier, form).await;
            issue(&carrier, &peer, &headers, form)
        }
        Err(refused) => Err(refused.clone()),
    };
    carrier.requests.note_token(answer.is_ok());
    let (status, body) = match answer {
        Ok(body) => (StatusCode::OK, body),
        Err(Refused { status, error, description, kind }) => {
            if let Some(kind) = kind {
                let client = form.ok().and_then(|form| client_id(&form));
                carrier.security.note(kind, client, peer.fingerprint(), error);
            }
            (status, json!({"error": error, "error_description": description}))
        }
    };
    let mut response = (status, body.to_string()).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let nonce = carrier.oauth.server_nonce.offered(carrier.clock.unix());
    if let Some(nonce) = nonce.and_then(|nonce| HeaderValue::from_str(&nonce).ok()) {
        headers.insert(DPOP_NONCE, nonce);
    }
    response
}

fn issue(
    carrier: &Carrier,
    peer: &Peer,
    headers: &HeaderMap,
    form: &HashMap<String, String>,
) -> Result<serde_json::Value, Refused> {
    let field = |name: &str| form.get(name).map(String::as_str);
    if field("grant_type") != Some("client_credentials") {
        return Err(refused("unsupported_grant_type", "grant_type must be client_credentials"));
    }
    let client = authenticate(carrier, peer, form)?;
    if field("resource").is_some_and(|resource| resource.trim_end_matches('/') != carrier.origin) {
        return Err(refused("invalid_target", "resource must be the origin of the API"));
    }
    let scope = scope(&client, field("scope").unwrap_or_default())?;
    let (oauth, now) = (&carrier.oauth, carrier.clock.unix());
    let faults = oauth.faults();
    let cnf = if headers.contains_key("dpop") {
        let url = format!("{}/oauth/token", carrier.origin);
        let expected = Expected { method: "POST", url: &url, token: None, body: None, nonce_required: true };
        let jkt = proof::verify(headers, &expected, now, &oauth.server_nonce, &oauth.seen).map_err(|e| match e {
            Refusal::Nonce => refused("use_dpop_nonce", "repeat the request with the nonce of this answer"),
            Refusal::Replayed => refused("invalid_dpop_proof", "the jti of the proof was used before").kind("replay"),
            Refusal::Missing => refused("invalid_dpop_proof", "the proof is missing"),
            Refusal::Invalid(why) => refused("invalid_dpop_proof", why).kind("invalid_proof"),
        })?;
        Confirmation { jkt: Some(jkt), certificate: None }
    } else if peer.thumbprint.is_empty() {
        return Err(refused("invalid_request", "a certificate-bound token needs a client certificate"));
    } else {
        Confirmation { certificate: Some(peer.thumbprint.clone()), jkt: None }
    };
    let usual = if cnf.jkt.is_some() { "DPoP" } else { "Bearer" };
    let audience = if faults.wrong_audience { "https://elsewhere.invalid" } else { &carrier.origin };
    let claims = Claims {
        iss: carrier.origin.clone(),
        aud: audience.to_owned(),
        sub: client.id.clone(),
        client_id: client.id.clone(),
        scope: scope.clone(),
        partner_id: client.partner_id.clone(),
        tenant: client.tenant.clone(),
        environment: None,
        consent: client.consent.unwrap_or_else(|| *oauth.consent.lock().expect("consent")),
        iat: now,
        exp: now + faults.lifetime_s,
        jti: oauth.token_id(),
        cnf,
    };
    let mut claims = serde_json::to_value(&claims).unwrap_or_default();
    merge(&mut claims, &faults.claims);
    let token = oauth.keys.sign(&claims, faults.signature);
    let token = if faults.opaque { oauth.hide(token) } else { token };
    canaries::note("token", &token);
    let mut answer = json!({
        "access_token": token,
        "token_type": faults.token_type.as_deref().unwrap_or(usual),
        "expires_in": faults.lifetime_s,
        "scope": scope,
    });
    merge(&mut answer, &faults.response);
    Ok(answer)
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

fn client_id(form: &HashMap<String, String>) -> Option<String> {
    form.get("client_id").cloned().or_else(|| form.get("client_assertion").and_then(|a| subject(a)))
}

fn authenticate(carrier: &Carrier, peer: &Peer, form: &HashMap<String, String>) -> Result<Arc<Client>, Refused> {
    let id = client_id(form).ok_or_else(|| refused("invalid_client", "client_id is missing"))?;
    let client = carrier.oauth.client(&id).ok_or_else(|| refused("invalid_client", "the client is not registered"))?;
    if !client.name.fits(peer) {
        let why = "the certificate is not the one registered for this client";
        return Err(refused("invalid_client", why).kind("mismatch"));
    }
    if let Some(assertion) = form.get("client_assertion") {
        canaries::note("assertion", assertion);
        if form.get("client_assertion_type").map(String::as_str) != Some(assertion::TYPE) {
            return Err(refused("invalid_client", "client_assertion_type is not jwt-bearer"));
        }
        let (oauth, now) = (&carrier.oauth, carrier.clock.unix());
        let keys = oauth.assertion_keys(&client);
        assertion::verify(assertion, &client, &keys, &carrier.origin, now, &oauth.seen).map_err(|e| match e {
            assertion::Refusal::Invalid(why) => refused("invalid_client", why),
            assertion::Refusal::Replayed => refused("invalid_client", "the assertion was used before").kind("replay"),
        })?;
    }
    Ok(client)
}

/// A client that publishes its keys is asked for them when its assertion names one that is not known, once a second.
async fn refresh_keys(carrier: &Carrier, form: &HashMap<String, String>) {
    let Some(assertion) = form.get("client_assertion") else { return };
    let Some(client) = client_id(form).and_then(|id| carrier.oauth.client(&id)) else { return };
    let Some((address, asked)) = &client.published else { return };
    if assertion::known(assertion, &client.keys.lock().expect("a client's keys")) {
        return;
    }
    let now = carrier.clock.unix();
    if std::mem::replace(&mut *asked.lock().expect("a client's keys"), now) == now {
        return;
    }
    let answer =
        async { carrier.webhook_client.get(address.clone()).send().await?.error_for_status()?.json::<JwkSet>().await };
    match answer.await {
        Ok(keys) => *client.keys.lock().expect("a client's keys") = keys,
        Err(error) => tracing::warn!(%error, client = client.id, "the client's keys cannot be read"),
    }
}

/// `client_id` may be left out beside an assertion (RFC 7521 §4.2); the assertion is verified afterwards.
fn subject(assertion: &str) -> Option<String> {
    let claims = jsonwebtoken::dangerous::insecure_decode_claims::<serde_json::Value>(assertion).ok()?;
    claims.get("sub")?.as_str().map(str::to_owned)
}

fn scope(client: &Client, asked: &str) -> Result<String, Refused> {
    let asked: Vec<&str> = asked.split_ascii_whitespace().collect();
    if let Some(unknown) = asked.iter().find(|asked| !client.scopes.iter().any(|scope| scope == **asked)) {
        return Err(refused("invalid_scope", format!("the client may not ask for {unknown}")));
    }
    Ok(if asked.is_empty() { client.scopes.join(" ") } else { asked.join(" ") })
}
