//! The resource server's gate: every call is checked here before anything else happens to it.
//!
//! 1. a valid access token of this carrier, bound as the operation wants it (certificate or DPoP);
//! 2. the certificate of the connection is the one registered for the token's client (`cert_mismatch`);
//! 3. for DPoP: the proof fits method, address, token and body, with a nonce where required, and is used once.
//!
//! HTTP operations go through [`authenticate`]; gRPC routes are wrapped in [`grpc`], which leaves a [`Caller`] among the
//! request's extensions. Scopes and consent are checked by whoever knows what the call is about.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use gladhand_documents::error::Code;
use http::HeaderMap;
use http::header::{AUTHORIZATION, HeaderName, HeaderValue, WWW_AUTHENTICATE};
use http::request::Parts;

use crate::carrier::Carrier;
use crate::fingerprints::Presented;
use crate::oauth::clients::Consent;
use crate::oauth::keys::Claims;
use crate::oauth::proof::{self, Expected, Refusal};
use crate::peer::Peer;
use crate::problem::{Problem, Result};
use crate::security::{self, Security};

/// The environment of every sandbox, as discovery names it.
pub const ENVIRONMENT: &str = "sandbox";

const DPOP_NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

/// How the token of an operation is bound (contract 4.0, column "Token").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binding {
    /// No token: discovery.
    None,
    /// C: certificate-bound.
    Certificate,
    /// P: DPoP-bound, the proof binds the body.
    Proof,
    /// P with a server nonce: commands.
    ProofWithNonce,
}

/// Who calls, as the token and the certificate say.
#[derive(Clone, Debug)]
pub struct Caller {
    /// `client_id` of the token.
    pub client_id: String,
    /// The partner organisation.
    pub partner_id: String,
    /// The tenant it acts for.
    pub tenant: String,
    /// Scopes of the token.
    pub scopes: Vec<String>,
    /// What the data sharing agreement covers.
    pub consent: Consent,
    /// The certificate's identity, such as `spiffe://sandbox.gladhand.test/tms/acme`.
    pub uri: String,
    /// When the token ends, in Unix seconds.
    pub expires_at: u64,
}

impl Caller {
    /// Refuses with `scope_missing` unless the token has the scope.
    pub fn require(&self, scope: &str) -> Result<()> {
        if self.scopes.iter().any(|s| s == scope) {
            return Ok(());
        }
        let challenge = format!(r#"Bearer error="insufficient_scope", scope="{scope}""#);
        Err(Problem::new(Code::ScopeMissing, format!("the token lacks the scope {scope}"))
            .header(WWW_AUTHENTICATE, challenge))
    }

    /// The producer id, if the certificate is a vehicle gateway's.
    pub fn producer(&self) -> Option<&str> {
        self.uri.split_once("/gateway/").map(|(_, producer)| producer)
    }
}

/// Checks token, certificate and proof of a request.
pub fn authenticate(carrier: &Carrier, parts: &Parts, body: &[u8], binding: Binding) -> Result<Caller> {
    let peer = parts
        .extensions
        .get::<Peer>()
        .ok_or_else(|| Problem::new(Code::CertMismatch, "the connection has no client certificate"))?;
    let (scheme, token) = credentials(&parts.headers, binding)?;
    let now = carrier.clock.unix();
    let claims = carrier
        .oauth
        .keys
        .verify(&carrier.oauth.reveal(token), &carrier.origin, &carrier.origin, now)
        .and_then(|claims| {
            let revoked = || token_invalid("the access token was revoked").kind("revoked_token");
            if carrier.oauth.revoked(&claims.jti) { Err(revoked()) } else { Ok(claims) }
        })
        .map_err(|p| challenge(p, binding, "invalid_token"))?;
    let client = carrier.oauth.client(&claims.client_id).ok_or_else(|| {
        challenge(token_invalid("the client of the token is not registered"), binding, "invalid_token")
    })?;
    if !client.name.fits(peer) {
        return Err(Problem::new(
            Code::CertMismatch,
            "the certificate is not the one registered for the token's client",
        ));
    }
    match binding {
        Binding::None | Binding::Certificate => {
            bound_to_certificate(scheme, &claims, peer).map_err(|p| challenge(p, binding, "invalid_token"))?;
        }
        Binding::Proof | Binding::ProofWithNonce => {
            bound_to_proof(carrier, parts, body, token, scheme, &claims, binding, now)?;
        }
    }
    if claims.tenant != client.tenant {
        let detail = format!("{} does not act for the tenant {}", claims.client_id, claims.tenant);
        return Err(Problem::new(Code::TenantForbidden, detail));
    }
    if let Some(other) = claims.environment.as_deref().filter(|name| *name != ENVIRONMENT) {
        let detail = format!("the token is for the environment {other}, this is {ENVIRONMENT}");
        return Err(Problem::new(Code::EnvironmentMismatch, detail));
    }
    Ok(Caller {
        scopes: claims.scope.split_ascii_whitespace().map(str::to_owned).collect(),
        client_id: claims.client_id,
        partner_id: claims.partner_id,
        tenant: claims.tenant,
        consent: claims.consent,
        uri: client.name.as_str().to_owned(),
        expires_at: claims.exp,
    })
}

/// Middleware for gRPC routes: a certificate-bound token, or an answer with gRPC status 16 (UNAUTHENTICATED) whose
/// `gladhand-code` trailer is the code of the error table.
pub async fn grpc(State(carrier): State<Arc<Carrier>>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let presented = Presenter::of(&parts);
    match authenticate(&carrier, &parts, &[], Binding::Certificate) {
        Ok(caller) => {
            parts.extensions.insert(caller);
            let response = next.run(Request::from_parts(parts, body)).await;
            // What the services refuse themselves, such as a follower without consent.
            let code = response.headers().get("gladhand-code").and_then(|code| code.to_str().ok());
            if let Some(code) = code.and_then(Code::parse) {
                presented.note(&carrier.security, security::of_code(code), code);
            }
            response
        }
        Err(problem) => {
            presented.note(&carrier.security, problem.security_kind(), problem.code());
            let mut response = tonic::Status::unauthenticated(problem.detail()).into_http::<axum::body::Body>();
            let code = HeaderValue::from_static(problem.code().as_str());
            response.headers_mut().insert(HeaderName::from_static("gladhand-code"), code);
            response
        }
    }
}

/// Who a refused request came from, as far as it says.
#[derive(Clone, Debug)]
pub struct Presenter {
    client: Option<String>,
    fingerprint: Option<String>,
}

impl Presenter {
    /// From the head of the request.
    pub fn of(parts: &Parts) -> Self {
        let client = parts.extensions.get::<Presented>().and_then(|p| p.client_id.as_deref().map(str::to_owned));
        Self { client, fingerprint: parts.extensions.get::<Peer>().and_then(Peer::fingerprint) }
    }

    /// Notes the refusal, if it is a security fact.
    pub fn note(&self, security: &Security, kind: Option<&'static str>, code: Code) {
        if let Some(kind) = kind {
            security.note(kind, self.client.clone(), self.fingerprint.clone(), code.as_str());
        }
    }
}

fn credentials(headers: &HeaderMap, binding: Binding) -> Result<(&str, &str)> {
    headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once(' '))
        .map(|(scheme, token)| (scheme, token.trim()))
        .ok_or_else(|| challenge(token_invalid("there is no access token"), binding, "invalid_token"))
}

fn bound_to_certificate(scheme: &str, claims: &Claims, peer: &Peer) -> Result<()> {
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(token_invalid("this operation takes a certificate-bound Bearer token"));
    }
    match &claims.cnf.certificate {
        Some(thumbprint) if *thumbprint == peer.thumbprint => Ok(()),
        Some(_) => Err(token_invalid("the token is bound to another certificate").kind("binding")),
        None => Err(token_invalid("the token is not bound to a certificate").kind("binding")),
    }
}

#[allow(clippy::too_many_arguments, reason = "one request, one token, one proof")]
fn bound_to_proof(
    carrier: &Carrier,
    parts: &Parts,
    body: &[u8],
    token: &str,
    scheme: &str,
    claims: &Claims,
    binding: Binding,
    now: u64,
) -> Result<()> {
    if !scheme.eq_ignore_ascii_case("dpop") {
        let problem = Problem::new(Code::PopMissing, "this operation takes a DPoP-bound token with a proof");
        return Err(challenge(problem, binding, "invalid_token"));
    }
    let url = format!("{}{}", carrier.authority(&parts.headers, &parts.uri), parts.uri.path());
    let expected = Expected {
        method: parts.method.as_str(),
        url: &url,
        token: Some(token),
        body: (!body.is_empty()).then_some(body),
        nonce_required: binding == Binding::ProofWithNonce,
    };
    let oauth = &carrier.oauth;
    let thumbprint =
        proof::verify(&parts.headers, &expected, now, &oauth.resource_nonce, &oauth.seen).map_err(|e| {
            let (code, detail, error) = match e {
                Refusal::Missing => (Code::PopMissing, "there is no DPoP proof".to_owned(), "invalid_dpop_proof"),
                Refusal::Invalid(why) => {
                    (Code::PopInvalid, format!("the proof is refused: {why}"), "invalid_dpop_proof")
                }
                Refusal::Nonce => (Code::UseDpopNonce, "a server nonce is required".to_owned(), "use_dpop_nonce"),
                Refusal::Replayed => {
                    (Code::PopReplayed, "the jti of the proof was used before".to_owned(), "invalid_dpop_proof")
                }
            };
            let problem = challenge(Problem::new(code, detail), binding, error);
            match oauth.resource_nonce.offered(now) {
                Some(nonce) => problem.header(DPOP_NONCE, nonce),
                None => problem,
            }
        })?;
    if claims.cnf.jkt.as_deref() != Some(thumbprint.as_str()) {
        return Err(challenge(
            token_invalid("the token is not bound to the key of the proof").kind("binding"),
            binding,
            "invalid_token",
        ));
    }
    Ok(())
}

fn token_invalid(detail: &str) -> Problem {
    Problem::new(Code::TokenInvalid, detail)
}

fn challenge(problem: Problem, binding: Binding, error: &str) -> Problem {
    let scheme = match binding {
        Binding::None | Binding::Certificate => "Bearer",
        Binding::Proof | Binding::ProofWithNonce => "DPoP",
    };
    let algorithms = if scheme == "DPoP" { r#", algs="ES256 EdDSA PS256""# } else { "" };
    problem.header(WWW_AUTHENTICATE, format!(r#"{scheme} error="{error}"{algorithms}"#))
}
