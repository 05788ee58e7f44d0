//! The authorization server under control: what it does wrong, its keys, its clients.

use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::extract::State;
use axum::routing::{get, post};
use axum::{Json, Router};
use gladhand_documents::error::Code;
use jsonwebtoken::Algorithm;
use jsonwebtoken::jwk::JwkSet;
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use super::{Answer, body};
use crate::carrier::Carrier;
use crate::oauth::clients::{Client, Consent, Name, TMS_SCOPES};
use crate::oauth::keys::{ALGORITHMS, Signature};
use crate::oauth::nonce::Mode;
use crate::oauth::{Faults, LIFETIME_S};
use crate::problem::Problem;

/// The routes.
pub fn router() -> Router<Arc<Carrier>> {
    Router::new().route("/oauth", post(oauth)).route("/jwks", post(jwks)).route("/clients", get(clients).post(client))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct OAuthSwitches {
    audience: Option<String>,
    token_type: Option<String>,
    consent: Option<Consent>,
    #[serde(default)]
    rotate_nonces: bool,
    server_nonce: Option<Mode>,
    resource_nonce: Option<Mode>,
    lifetime_s: Option<u64>,
    signature: Option<Signature>,
    opaque: Option<bool>,
    metadata: Option<Value>,
    response: Option<Value>,
    claims: Option<Value>,
    #[serde(default)]
    revoke_tokens: bool,
    #[serde(default)]
    reset: bool,
}

async fn oauth(State(carrier): State<Arc<Carrier>>, bytes: Bytes) -> Answer {
    let wanted: OAuthSwitches = body(&bytes)?;
    let oauth = &carrier.oauth;
    if wanted.reset {
        oauth.change(|faults| *faults = Faults::default());
        *oauth.consent.lock().expect("consent") = Consent::USUAL;
        oauth.server_nonce.set_mode(Mode::Normal);
        oauth.resource_nonce.set_mode(Mode::Normal);
    }
    oauth.change(|faults| {
        if let Some(audience) = wanted.audience {
            faults.wrong_audience = audience == "wrong";
        }
        if let Some(token_type) = wanted.token_type {
            faults.token_type = Some(token_type).filter(|token_type| token_type != "normal");
        }
        faults.lifetime_s = wanted.lifetime_s.unwrap_or(faults.lifetime_s);
        faults.signature = wanted.signature.unwrap_or(faults.signature);
        faults.opaque = wanted.opaque.unwrap_or(faults.opaque);
        let patches = [
            (&mut faults.metadata, wanted.metadata),
            (&mut faults.response, wanted.response),
            (&mut faults.claims, wanted.claims),
        ];
        for (patch, wanted) in patches {
            if let Some(wanted) = wanted.filter(Value::is_object) {
                *patch = wanted;
            }
        }
    });
    if let Some(consent) = wanted.consent {
        *oauth.consent.lock().expect("consent") = consent;
    }
    if let Some(mode) = wanted.server_nonce {
        oauth.server_nonce.set_mode(mode);
    }
    if let Some(mode) = wanted.resource_nonce {
        oauth.resource_nonce.set_mode(mode);
    }
    if wanted.rotate_nonces {
        oauth.server_nonce.rotate();
        oauth.resource_nonce.rotate();
    }
    if wanted.revoke_tokens {
        oauth.revoke_tokens();
    }
    Ok(Json(json!({ "lifetimeS": oauth.faults().lifetime_s, "usualLifetimeS": LIFETIME_S })))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Keys {
    #[serde(default)]
    rotate: bool,
    #[serde(default)]
    announce: bool,
    algorithm: Option<Algorithm>,
    #[serde(default)]
    retire: bool,
    decoys: Option<bool>,
    empty: Option<bool>,
    max_age_s: Option<u64>,
}

async fn jwks(State(carrier): State<Arc<Carrier>>, bytes: Bytes) -> Answer {
    let wanted: Keys = body(&bytes)?;
    let keys = &carrier.oauth.keys;
    let algorithm = wanted.algorithm.unwrap_or(Algorithm::ES256);
    if !ALGORITHMS.contains(&algorithm) {
        return Err(Problem::new(Code::SchemaInvalid, "algorithm is none of ES256, EdDSA, PS256").into());
    }
    let kid = wanted.rotate.then(|| keys.rotate(algorithm));
    let announced = wanted.announce.then(|| keys.announce(algorithm));
    if wanted.retire {
        keys.retire();
    }
    if let Some(on) = wanted.decoys {
        keys.set_decoys(on);
    }
    if let Some(on) = wanted.empty {
        keys.set_empty(on);
    }
    if let Some(seconds) = wanted.max_age_s {
        keys.set_max_age(seconds);
    }
    let published = keys.jwks().keys.len();
    Ok(Json(
        json!({ "kid": kid, "announced": announced, "published": published, "requests": carrier.oauth.key_requests() }),
    ))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Registration {
    client_id: String,
    #[serde(default)]
    remove: bool,
    partner_id: Option<String>,
    tenant: Option<String>,
    scopes: Option<Vec<String>>,
    consent: Option<Consent>,
    uri: Option<String>,
    dns: Option<String>,
    subject: Option<String>,
    jwks: Option<JwkSet>,
    jwks_uri: Option<String>,
}

/// Registers a client or changes a registered one: what is absent stays as it is.
async fn client(State(carrier): State<Arc<Carrier>>, bytes: Bytes) -> Answer {
    let wanted: Registration = body(&bytes)?;
    let oauth = &carrier.oauth;
    if wanted.remove {
        oauth.forget(&wanted.client_id);
        return Ok(Json(json!({})));
    }
    let known = oauth.client(&wanted.client_id);
    let id = wanted.client_id;
    let name = match (wanted.uri, wanted.dns, wanted.subject) {
        (Some(uri), None, None) => Some(Name::Uri(uri)),
        (None, Some(dns), None) => Some(Name::Dns(dns)),
        (None, None, Some(subject)) => Some(Name::Subject(subject)),
        (None, None, None) => None,
        _ => return Err(Problem::new(Code::SchemaInvalid, "a client has one of uri, dns and subject").into()),
    };
    let name = name.or_else(|| known.as_ref().map(|k| k.name.clone()));
    let name = name.ok_or_else(|| Problem::new(Code::SchemaInvalid, "a new client needs a uri, dns or subject"))?;
    let tenant = wanted.tenant.or_else(|| known.as_ref().map(|k| k.tenant.clone())).unwrap_or_else(|| id.clone());
    let partner_id = wanted.partner_id.or_else(|| known.as_ref().map(|k| k.partner_id.clone()));
    let keys = wanted.jwks.or_else(|| Some(known.as_ref()?.keys.lock().expect("a client's keys").clone()));
    let asked = wanted.jwks_uri.map(|uri| Url::parse(&uri)).transpose();
    let asked = asked.map_err(|e| Problem::new(Code::SchemaInvalid, format!("jwksUri: {e}")))?;
    let published = asked.or_else(|| known.as_ref()?.published.as_ref().map(|(uri, _)| uri.clone()));
    let scopes = wanted.scopes.or_else(|| known.as_ref().map(|k| k.scopes.clone()));
    oauth.register(Client {
        name,
        partner_id: partner_id.unwrap_or_else(|| tenant.clone()),
        tenant,
        scopes: scopes.unwrap_or_else(|| TMS_SCOPES.iter().map(|s| (*s).to_owned()).collect()),
        consent: wanted.consent.or_else(|| known.as_ref().and_then(|k| k.consent)),
        keys: Mutex::new(keys.unwrap_or(JwkSet { keys: Vec::new() })),
        published: published.map(|uri| (uri, Mutex::new(0))),
        id,
    });
    Ok(Json(json!({})))
}

async fn clients(State(carrier): State<Arc<Carrier>>) -> Json<Value> {
    let clients = carrier.oauth.clients();
    let client = |c: &Arc<Client>| {
        let keys = c.keys.lock().expect("a client's keys");
        let kids: Vec<_> = keys.keys.iter().map(|key| key.common.key_id.clone()).collect();
        json!({
            "clientId": c.id, "name": c.name.as_str(), "partnerId": c.partner_id, "tenant": c.tenant,
            "scopes": c.scopes, "consent": c.consent, "keys": kids,
            "jwksUri": c.published.as_ref().map(|(uri, _)| uri.as_str()),
        })
    };
    Json(json!({ "clients": clients.iter().map(client).collect::<Vec<_>>() }))
}
