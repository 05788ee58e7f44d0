//! One request for a token: client credentials (RFC 6749 §4.4) with a signed assertion (RFC 7523) or the certificate
//! (RFC 8705 §2.1), for one resource (RFC 8707), bound to the certificate or to the DPoP key and never to both, since
//! servers refuse that (A§0.2).

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use gladhand_documents::error::{Code, Error, Result};
use gladhand_protocol::proof::assertion::{ASSERTION_TYPE, Assertion};
use gladhand_protocol::proof::compact::MAX_TOKEN_BYTES;
use gladhand_protocol::proof::dpop::Proof;
use gladhand_protocol::proof::htu;
use gladhand_protocol::proof::nonce::Nonces;
use gladhand_protocol::proof::signer::Signer;
use gladhand_protocol::proof::token::{self, Binding, Expected};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use serde::Deserialize;
use serde_json::Value;
use url::Url;
use zeroize::Zeroizing;

use super::cache::{Fetched, TokenKey};
use super::call::Profile;
use super::discovery::{Metadata, shown};
use super::jwks::{RemoteKeys, Source};
use super::{random, retry_after, skew};
use crate::clock::Clock;
use crate::config::CarrierConfig;
use crate::failpoint;
use crate::identity::Generation;
use crate::observe::SecurityLog;
use crate::secret::Secret;
use crate::transport::{HttpRequest, HttpResponse, MAX_ANSWER_BYTES};

/// The life of a token whose answer does not say (`expires_in` is only recommended, RFC 6749 §5.1) and that is opaque.
const UNSAID_LIFETIME: Duration = Duration::from_secs(60);

/// The longest life that is believed.
const LONGEST_LIFETIME: Duration = Duration::from_secs(86_400);

/// What all requests of one carrier have in common.
pub(super) struct Asker<'a> {
    pub(super) carrier: &'a CarrierConfig,
    pub(super) generation: &'a Generation,
    pub(super) signer: Option<&'a dyn Signer>,
    pub(super) nonces: &'a Mutex<Nonces>,
    pub(super) keys: &'a RemoteKeys,
    pub(super) security: &'a SecurityLog,
    pub(super) clock: &'a dyn Clock,
}

#[derive(Deserialize)]
struct Answer {
    access_token: Option<Secret>,
    token_type: Option<String>,
    expires_in: Option<Value>,
    scope: Option<String>,
}

#[derive(Deserialize)]
struct Refusal {
    error: String,
    error_description: Option<String>,
}

impl Asker<'_> {
    /// Asks once, and once more if the server wants a nonce that it has just given (RFC 9449 §8).
    ///
    /// Codes: `token_request_refused`, `token_unavailable`, `token_type_downgraded`, `token_binding_mismatch`,
    /// `token_audience_mismatch`, `token_signature_invalid`, `issuer_mismatch`, `scope_missing`, `unexpected_answer`, and
    /// those of the transport.
    pub(super) async fn ask(&self, metadata: &Metadata, key: &TokenKey) -> Result<Fetched> {
        let endpoint = &metadata.token_endpoint;
        let mut challenged = false;
        loop {
            let call = failpoint::Call { operation: "oauth.token", mutates: false };
            failpoint::hit("before_send", call);
            let answer = failpoint::within(call, self.generation.http().send(self.request(endpoint, key)?)).await?;
            failpoint::hit("after_answer", call);
            let nonce = self.take_nonce(endpoint, &answer);
            if answer.status == StatusCode::OK {
                return self.accept(&answer, key, metadata).await;
            }
            let refusal: Option<Refusal> = serde_json::from_slice(&answer.body).ok();
            let wants_nonce = refusal.as_ref().is_some_and(|refusal| refusal.error == "use_dpop_nonce");
            if wants_nonce && nonce && key.profile == Profile::Dpop && !challenged {
                challenged = true;
                continue;
            }
            return Err(self.refused(&answer, refusal));
        }
    }

    /// A fresh assertion and a fresh proof on every attempt: both have a `jti` that is used up.
    fn request(&self, endpoint: &Url, key: &TokenKey) -> Result<HttpRequest> {
        let now = self.clock.now().as_second().saturating_add(self.carrier.clock_offset_s);
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "client_credentials")
            .append_pair("client_id", &self.carrier.client_id)
            .append_pair("scope", key.scope)
            .append_pair("resource", &self.carrier.resource);
        if let Some(signer) = self.signer {
            let jti = random::unique()?;
            let assertion = Assertion {
                client_id: &self.carrier.client_id,
                issuer: &self.carrier.issuer,
                jti: &jti,
                issued_at: now,
            };
            let assertion = Zeroizing::new(assertion.sign(signer)?);
            form.append_pair("client_assertion_type", ASSERTION_TYPE).append_pair("client_assertion", &assertion);
        }
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        if key.profile == Profile::Dpop {
            let mut nonces = self.nonces.lock().unwrap_or_else(PoisonError::into_inner);
            let proof = Proof {
                method: "POST",
                htu: &htu::normalise(endpoint),
                jti: &random::unique()?,
                issued_at: now,
                access_token: None,
                nonce: nonces.get(endpoint),
                body: None,
            };
            headers.insert("dpop", Secret::header(&proof.sign(self.generation.dpop())?).ok_or_else(not_a_header)?);
        }
        Ok(HttpRequest {
            method: Method::POST,
            url: endpoint.clone(),
            headers,
            body: Bytes::from(form.finish()),
            deadline: self.carrier.deadline,
            max_answer: MAX_ANSWER_BYTES,
        })
    }

    /// Every answer may bring the next nonce (RFC 9449 §8.2). Whether this one did.
    fn take_nonce(&self, endpoint: &Url, answer: &HttpResponse) -> bool {
        let Some(nonce) = answer.headers.get("dpop-nonce").and_then(|nonce| nonce.to_str().ok()) else { return false };
        self.nonces.lock().unwrap_or_else(PoisonError::into_inner).put(endpoint, nonce)
    }

    async fn accept(&self, answer: &HttpResponse, key: &TokenKey, metadata: &Metadata) -> Result<Fetched> {
        let unexpected = |why: &str| Error::new(Code::UnexpectedAnswer, format!("the token answer {why}"));
        // The metadata may be open to all; a token that is bound to our certificate cannot come from a server that did
        // not see it.
        let unseen = answer.facts.as_ref().is_some_and(|facts| !facts.client_auth_requested);
        if unseen && key.profile == Profile::CertificateBound {
            let why = format!("the token endpoint of `{}` did not ask for the client certificate", self.carrier.issuer);
            return Err(Error::new(Code::ClientAuthNotRequested, why));
        }
        // The parser's own message could quote the token.
        let body: Answer = serde_json::from_slice(&answer.body).map_err(|_| unexpected("is not of RFC 6749 §5.1"))?;
        let value = body.access_token.filter(|token| is_token68(token.expose()));
        let value = value.ok_or_else(|| unexpected("has no usable access_token"))?;

        let (wanted, binding) = match key.profile {
            Profile::Dpop => ("DPoP", Binding::Key(self.generation.dpop().thumbprint())),
            _ => ("Bearer", Binding::Certificate(self.generation.identity().facts().thumbprint())),
        };
        let token_type = body.token_type.ok_or_else(|| unexpected("has no token_type"))?;
        // Case does not matter (RFC 6749 §5.1); anything else does: Bearer for DPoP is a silent downgrade (A§0.3).
        if !token_type.eq_ignore_ascii_case(wanted) {
            let why = format!("asked for a {wanted} token and got `{}`", shown(&token_type));
            return Err(Error::new(Code::TokenTypeDowngraded, why));
        }
        if let Some(granted) = &body.scope {
            let missing = key.scope.split(' ').find(|scope| !granted.split(' ').any(|granted| granted == *scope));
            if let Some(scope) = missing {
                return Err(Error::new(Code::ScopeMissing, format!("scope `{scope}` was not granted")));
            }
        }
        let expected = Expected {
            issuer: &self.carrier.issuer,
            audience: &self.carrier.resource,
            binding,
            allow_rs256: self.carrier.allow_rs256,
        };
        let checked = token::check(value.expose(), expected)?;
        if let (Some(checked), Some(url)) = (&checked, &metadata.jwks_uri) {
            self.keys.check(checked, self.source(url)).await?;
        }
        let said = match &body.expires_in {
            Some(said) => {
                Some(seconds(said).ok_or_else(|| unexpected("has an expires_in that is no positive number"))?)
            }
            None => None,
        };
        // The shorter of what the answer and the token itself say.
        let own = checked.and_then(|checked| u64::try_from(checked.lifetime_s?).ok()).filter(|seconds| *seconds > 0);
        let lifetime = said.into_iter().chain(own.map(Duration::from_secs)).min().unwrap_or(UNSAID_LIFETIME);
        Ok(Fetched { value, lifetime: lifetime.min(LONGEST_LIFETIME) })
    }

    fn source<'a>(&'a self, url: &'a Url) -> Source<'a> {
        Source {
            issuer: &self.carrier.issuer,
            carrier: &self.carrier.name,
            url,
            network: self.generation.http(),
            clock: self.clock,
            deadline: self.carrier.deadline,
            security: self.security,
        }
    }

    fn refused(&self, answer: &HttpResponse, refusal: Option<Refusal>) -> Error {
        let status = answer.status.as_u16();
        let issuer = &self.carrier.issuer;
        let temporary = answer.status.is_server_error() || answer.status == StatusCode::TOO_MANY_REQUESTS;
        let error = match refusal {
            Some(refusal) if !temporary => {
                let description = refusal.error_description.as_deref().map(shown).unwrap_or_default();
                let why = format!("`{issuer}` answered {status} `{}` {description}", shown(&refusal.error));
                let error = Error::new(Code::TokenRequestRefused, why.trim_end());
                match skew::diagnosis(&answer.headers, self.clock.now()) {
                    Some(skew) => error.with_note(&skew),
                    None => error,
                }
            }
            _ if temporary => Error::new(Code::TokenUnavailable, format!("`{issuer}` answered {status}")),
            _ => Error::new(Code::UnexpectedAnswer, format!("`{issuer}` answered {status} to a token request")),
        };
        let error = error.with_status(status);
        match retry_after::milliseconds(&answer.headers, self.clock.now()) {
            Some(ms) => error.with_retry_after_ms(ms),
            None => error,
        }
    }
}

/// A number of seconds, or its text, which some servers send.
fn seconds(value: &Value) -> Option<Duration> {
    // Some write `300.0`. What no whole number holds is longer than anything that is believed.
    let whole = |seconds: f64| (seconds.is_finite() && seconds >= 1.0).then_some(seconds as u64);
    let seconds = value.as_u64().or_else(|| value.as_f64().and_then(whole)).or_else(|| value.as_str()?.parse().ok())?;
    (seconds > 0).then_some(Duration::from_secs(seconds))
}

/// `b64token` (RFC 6750 §2.1): what may stand in an `Authorization` header.
fn is_token68(text: &str) -> bool {
    let core = text.trim_end_matches('=');
    text.len() <= MAX_TOKEN_BYTES
        && !core.is_empty()
        && core.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~+/".contains(&b))
}

pub(super) fn not_a_header() -> Error {
    Error::new(Code::InternalPanic, "a proof cannot be sent as a header")
}
