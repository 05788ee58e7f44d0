//! Calls that carry a token: one per profile and scope, and a fresh proof on every attempt.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use gladhand_documents::error::{Code, Error, Kind, Result, Sent};
use gladhand_protocol::proof::challenge::{self, Challenge};
use gladhand_protocol::proof::dpop::Proof;
use gladhand_protocol::proof::htu;
use gladhand_protocol::proof::nonce::Nonces;
use gladhand_protocol::proof::signer::Signer;
use http::{HeaderValue, Method, StatusCode, header};
use tokio::sync::Mutex as Flight;
use url::Url;

use super::cache::{AccessToken, Fetched, TokenKey};
use super::call::{Caller, Profile, Request, Response};
use super::discovery::{self, Metadata};
use super::token_request::{Asker, not_a_header};
use super::{private_pem, problem, random};
use crate::clock::{SharedClock, within};
use crate::config::{CarrierConfig, ClientAuth};
use crate::failpoint;
use crate::identity::{Epochs, Generation, Material};
use crate::observe::{Activity, SecurityEvent, SecurityLog};
use crate::secret::Secret;
use crate::transport::{BoxFuture, HttpRequest, HttpResponse};

/// How long a process that is about to die at `after_send` waits to be sure that the carrier has the request.
const FAILPOINT_WAIT: Duration = Duration::from_secs(2);

/// A caller of one carrier. Clones share tokens, nonces and connections. Connects when it is first used.
#[derive(Clone)]
pub struct Authorized(Arc<Inner>);

struct Inner {
    carrier: CarrierConfig,
    clock: SharedClock,
    security: SecurityLog,
    signer: Option<Arc<dyn Signer>>,
    epochs: Epochs,
    metadata: Flight<Option<Known>>,
    // The two kinds of server have nonces of their own (RFC 9449 §8 and §9), even at one origin.
    token_nonces: Mutex<Nonces>,
    call_nonces: Mutex<Nonces>,
}

struct Known {
    metadata: Arc<Metadata>,
    until: Duration,
}

impl Authorized {
    /// A caller of this carrier over the real network.
    pub fn new(
        carrier: &CarrierConfig,
        material: Arc<Material>,
        clock: SharedClock,
        security: SecurityLog,
    ) -> Result<Self> {
        let generation = Generation::new(1, material, carrier, &clock, &security)?;
        Self::with_generation(carrier, generation, clock, security)
    }

    /// A caller of this carrier over the network of this generation.
    pub fn with_generation(
        carrier: &CarrierConfig,
        generation: Generation,
        clock: SharedClock,
        security: SecurityLog,
    ) -> Result<Self> {
        let signer = match &carrier.client_auth {
            ClientAuth::PrivateKeyJwt { assertion_key: key } => {
                private_pem::signers(key, &format!("carriers.{}.assertion_key", carrier.name))?.into_iter().next()
            }
            ClientAuth::TlsClientAuth => None,
        };
        let epochs = Epochs::new(generation, clock.clone());
        Ok(Self(Arc::new(Inner {
            carrier: carrier.clone(),
            clock,
            security,
            signer,
            epochs,
            metadata: Flight::default(),
            token_nonces: Mutex::default(),
            call_nonces: Mutex::default(),
        })))
    }

    /// The carrier's settings.
    pub fn carrier(&self) -> &CarrierConfig {
        &self.0.carrier
    }

    /// The clock that everything here runs on.
    pub fn clock(&self) -> &SharedClock {
        &self.0.clock
    }

    /// The credentials in use now. Keep what this returns for the whole of a call or stream.
    pub fn generation(&self) -> Arc<Generation> {
        self.0.epochs.current()
    }

    /// The generations of this carrier.
    pub fn epochs(&self) -> &Epochs {
        &self.0.epochs
    }

    /// The value of an `Authorization` header with the certificate-bound token of this scope, for a gRPC stream of
    /// `generation`; ask again for every new stream.
    pub async fn authorization(&self, generation: &Arc<Generation>, scope: &'static str) -> Result<HeaderValue> {
        let key = TokenKey { profile: Profile::CertificateBound, scope };
        let token = self.token(generation, &key).await?;
        Secret::header(&format!("Bearer {}", token.value().expose())).ok_or_else(not_a_header)
    }

    /// Forgets the certificate-bound token of this scope: after a stream was refused as unauthenticated. Do it once, then
    /// give up.
    pub async fn forget_authorization(&self, generation: &Arc<Generation>, scope: &'static str) {
        let key = TokenKey { profile: Profile::CertificateBound, scope };
        if let Some(token) = generation.tokens().peek(&key) {
            generation.tokens().forget(&key, &token);
        }
    }

    pub(super) async fn token(&self, generation: &Arc<Generation>, key: &TokenKey) -> Result<Arc<AccessToken>> {
        let (inner, of, wanted) = (self.0.clone(), generation.clone(), key.clone());
        let fetch =
            move || -> BoxFuture<'static, Result<Fetched>> { Box::pin(async move { inner.ask(&of, &wanted).await }) };
        let token = generation.tokens().get(key, &self.0.clock, fetch).await;
        // Whatever became of the token request: the call itself has not left.
        token.map_err(|error| error.sent(Sent::NotSent))
    }

    /// Where the events of this carrier go.
    pub(crate) fn security(&self) -> &SecurityLog {
        &self.0.security
    }

    /// Records an event of this carrier.
    pub(crate) fn record(&self, event: SecurityEvent) {
        self.0.record(event);
    }

    async fn perform(&self, request: Request) -> Result<Response> {
        let inner = &*self.0;
        let generation = self.generation();
        generation.usable(&*inner.clock)?;
        let target = inner.target(&request)?;
        let key = TokenKey { profile: request.profile, scope: request.scope };
        let (mut challenged, mut renewed) = (false, false);
        loop {
            let token = match request.profile {
                Profile::Open => None,
                Profile::CertificateBound | Profile::Dpop => Some(self.token(&generation, &key).await?),
            };
            let with_nonce = inner.has_nonce(&target.url);
            let outgoing = inner.outgoing(&request, &target, &generation, token.as_deref())?;
            let answer = inner.send(&request, &generation, outgoing).await?;
            let fresh_nonce = inner.take_nonce(&target.url, &answer);
            if answer.status.is_success() {
                die(&request, "after_answer");
                if request.require_nonce && !with_nonce {
                    inner.record(
                        SecurityEvent::new(Activity::Downgrade)
                            .code(Code::UseDpopNonce)
                            .fact("operation", request.operation),
                    );
                }
                return Ok(Response { status: answer.status, headers: answer.headers, body: answer.body });
            }
            let challenges = challenges(&answer);
            match (reaction(&answer, &challenges), token) {
                // Exactly once per challenge, with a new proof and the same content.
                (Reaction::Nonce, Some(_)) if fresh_nonce && !challenged && request.profile == Profile::Dpop => {
                    challenged = true;
                }
                (Reaction::Token, Some(token)) if !renewed => {
                    renewed = true;
                    generation.tokens().forget(&key, &token);
                }
                _ => {
                    die(&request, "after_send");
                    die(&request, "after_answer");
                    let error = problem::error(request.operation, &answer, &challenges, inner.clock.now());
                    if let Some(activity) = activity(error.code()) {
                        inner.record(SecurityEvent::failed(activity, &error).fact("operation", request.operation));
                    }
                    return Err(error);
                }
            }
        }
    }
}

/// Where a call goes, and what its proof says of that.
struct Target {
    url: Url,
    htu: String,
}

/// What an answer asks of us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reaction {
    Nonce,
    Token,
    Nothing,
}

impl Inner {
    fn target(&self, request: &Request) -> Result<Target> {
        let below = |base: &Url| {
            htu::below(base, &request.path).ok_or_else(|| {
                Error::new(Code::InvalidArgument, format!("{}: the path is not usable", request.operation))
            })
        };
        let url = below(&self.carrier.base_url)?;
        let htu = match &self.carrier.htu_base {
            Some(base) => htu::normalise(&below(base)?),
            None => htu::normalise(&url),
        };
        Ok(Target { url, htu })
    }

    fn outgoing(
        &self,
        request: &Request,
        target: &Target,
        generation: &Generation,
        token: Option<&AccessToken>,
    ) -> Result<HttpRequest> {
        let mut headers = request.headers.clone();
        headers.entry(header::ACCEPT).or_insert(HeaderValue::from_static("application/json, application/problem+json"));
        if request.body.is_some() {
            headers.insert(header::CONTENT_TYPE, request.content_type.clone());
        }
        if let Some(token) = token.map(|token| token.value().expose()) {
            let scheme = if request.profile == Profile::Dpop { "DPoP" } else { "Bearer" };
            let value = Secret::header(&format!("{scheme} {token}")).ok_or_else(not_a_header)?;
            headers.insert(header::AUTHORIZATION, value);
            if request.profile == Profile::Dpop {
                let mut nonces = self.call_nonces.lock().unwrap_or_else(PoisonError::into_inner);
                let proof = Proof {
                    method: request.method.as_str(),
                    htu: &target.htu,
                    jti: &random::unique()?,
                    issued_at: self.clock.now().as_second(),
                    access_token: Some(token),
                    nonce: nonces.get(&target.url),
                    // No content, no claim: an empty body is none (RFC 9110 §6.4).
                    body: request.body.as_deref().filter(|body| !body.is_empty()),
                };
                headers.insert("dpop", Secret::header(&proof.sign(generation.dpop())?).ok_or_else(not_a_header)?);
            }
        }
        Ok(HttpRequest {
            method: request.method.clone(),
            url: target.url.clone(),
            headers,
            body: request.body.clone().unwrap_or_default(),
            deadline: request.deadline.unwrap_or(self.carrier.deadline),
            max_answer: request.max_answer,
        })
    }

    async fn send(&self, request: &Request, generation: &Generation, outgoing: HttpRequest) -> Result<HttpResponse> {
        die(request, "before_send");
        let sending = generation.http().send(outgoing);
        if !is_armed(request, "after_send") {
            return sending.await;
        }
        let answer = within(&*self.clock, FAILPOINT_WAIT, sending).await;
        match answer {
            // A challenge is not yet the carrier's: the attempt that counts follows.
            Some(Ok(answer)) if answer.status == StatusCode::UNAUTHORIZED => Ok(answer),
            other => {
                die(request, "after_send");
                other.unwrap_or_else(|| Err(Error::new(Code::DeadlineExceeded, "failpoint").sent(Sent::MaybeSent)))
            }
        }
    }

    fn has_nonce(&self, url: &Url) -> bool {
        self.call_nonces.lock().unwrap_or_else(PoisonError::into_inner).has(url)
    }

    /// Every answer may bring the next nonce (RFC 9449 §8.2 and §9). Whether this one did.
    fn take_nonce(&self, url: &Url, answer: &HttpResponse) -> bool {
        let Some(nonce) = answer.headers.get("dpop-nonce").and_then(|nonce| nonce.to_str().ok()) else { return false };
        self.call_nonces.lock().unwrap_or_else(PoisonError::into_inner).put(url, nonce)
    }

    /// Asks for a token, after reading the metadata if it is unknown or old.
    async fn ask(&self, generation: &Generation, key: &TokenKey) -> Result<Fetched> {
        let outcome = async {
            let metadata = self.metadata(generation).await?;
            let asker = Asker {
                carrier: &self.carrier,
                generation,
                signer: self.signer.as_deref(),
                nonces: &self.token_nonces,
                clock: &*self.clock,
            };
            asker.ask(&metadata.token_endpoint, key).await
        };
        let outcome = outcome.await;
        let event = match &outcome {
            Ok(_) => SecurityEvent::new(Activity::TokenObtained),
            Err(error) if error.code() == Code::TokenTypeDowngraded => {
                SecurityEvent::failed(Activity::Downgrade, error)
            }
            Err(error) if error.code() == Code::TokenBindingMismatch => {
                SecurityEvent::failed(Activity::BindingMismatch, error)
            }
            Err(error) => SecurityEvent::failed(Activity::TokenNotObtained, error),
        };
        let event = event.fact("scope", key.scope).fact("profile", key.profile.as_str());
        self.record(event.fact("generation", generation.number()));
        outcome
    }

    async fn metadata(&self, generation: &Generation) -> Result<Arc<Metadata>> {
        let mut known = self.metadata.lock().await;
        let now = self.clock.monotonic();
        if let Some(known) = known.as_ref().filter(|known| now < known.until) {
            return Ok(known.metadata.clone());
        }
        match discovery::read(&self.carrier, generation.http(), &*self.clock).await {
            Ok(metadata) => {
                let metadata = Arc::new(metadata);
                *known = Some(Known { metadata: metadata.clone(), until: now + discovery::LIFETIME });
                Ok(metadata)
            }
            // Old metadata that was checked is better than none; a check that fails now is not ignored.
            Err(error) => match known.as_ref() {
                Some(known) if error.kind() != Kind::Security => Ok(known.metadata.clone()),
                _ => Err(error),
            },
        }
    }

    fn record(&self, event: SecurityEvent) {
        self.security.emit(&event.carrier(&self.carrier.name).client_id(&self.carrier.client_id));
    }
}

/// What a refused call means for the security log.
fn activity(code: Code) -> Option<Activity> {
    match code {
        Code::PopReplayed => Some(Activity::Replay),
        Code::CertMismatch => Some(Activity::BindingMismatch),
        Code::TokenExpired | Code::TokenInvalid | Code::PopInvalid | Code::PopMissing | Code::ScopeMissing => {
            Some(Activity::CallNotAuthorized)
        }
        _ => None,
    }
}

fn challenges(answer: &HttpResponse) -> Vec<Challenge> {
    let values = answer.headers.get_all(header::WWW_AUTHENTICATE).iter();
    values.filter_map(|value| value.to_str().ok()).flat_map(challenge::parse).collect()
}

fn reaction(answer: &HttpResponse, challenges: &[Challenge]) -> Reaction {
    if answer.status != StatusCode::UNAUTHORIZED {
        return Reaction::Nothing;
    }
    let said = challenges.iter().find_map(|challenge| challenge.parameter("error"));
    match (said, problem::read(answer).map(|(code, _)| code)) {
        (Some("use_dpop_nonce"), _) | (_, Some(Code::UseDpopNonce)) => Reaction::Nonce,
        (_, Some(Code::TokenExpired | Code::TokenInvalid)) | (Some("invalid_token"), None) => Reaction::Token,
        _ => Reaction::Nothing,
    }
}

/// Failpoints are for mutations: the calls of the contract that carry a proof (4.0).
fn is_armed(request: &Request, point: &str) -> bool {
    request.profile == Profile::Dpop && request.method != Method::GET && failpoint::armed(point, request.operation)
}

fn die(request: &Request, point: &str) {
    if is_armed(request, point) {
        failpoint::hit(point, request.operation);
    }
}

impl Caller for Authorized {
    fn call(&self, request: Request) -> BoxFuture<'_, Result<Response>> {
        Box::pin(self.perform(request))
    }
}

impl fmt::Debug for Authorized {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authorized").field("carrier", &self.0.carrier.name).finish_non_exhaustive()
    }
}
