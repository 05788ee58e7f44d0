//! Authorization server metadata (RFC 8414) and the published keys.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::CACHE_CONTROL;
use serde_json::{Value, json};

use crate::carrier::Carrier;
use crate::oauth::clients::{GATEWAY_SCOPES, TMS_SCOPES};
use crate::oauth::merge;

/// `GET /.well-known/oauth-authorization-server`.
pub async fn metadata(State(carrier): State<Arc<Carrier>>) -> Json<Value> {
    let issuer = &carrier.origin;
    let token_endpoint = format!("{issuer}/oauth/token");
    let scopes: Vec<&str> = TMS_SCOPES.iter().chain(GATEWAY_SCOPES).copied().collect();
    let mut metadata = json!({
        "issuer": issuer,
        "token_endpoint": token_endpoint,
        "jwks_uri": format!("{issuer}/oauth/jwks"),
        "response_types_supported": [],
        "grant_types_supported": ["client_credentials"],
        "scopes_supported": scopes,
        "token_endpoint_auth_methods_supported": ["private_key_jwt", "tls_client_auth"],
        "token_endpoint_auth_signing_alg_values_supported": ["ES256", "EdDSA", "PS256"],
        "dpop_signing_alg_values_supported": ["ES256", "EdDSA", "PS256"],
        "tls_client_certificate_bound_access_tokens": true,
        "mtls_endpoint_aliases": { "token_endpoint": token_endpoint },
    });
    merge(&mut metadata, &carrier.oauth.faults().metadata);
    Json(metadata)
}

/// `GET /oauth/jwks`.
pub async fn jwks(State(carrier): State<Arc<Carrier>>) -> Response {
    carrier.oauth.note_key_request();
    let keys = &carrier.oauth.keys;
    let max_age = format!("public, max-age={}", keys.max_age());
    ([(CACHE_CONTROL, max_age)], Json(keys.jwks())).into_response()
}
