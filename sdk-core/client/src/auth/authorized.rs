//! Calls that carry a token: one per profile and scope, and a fresh proof on every attempt.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use gladhand_documents::error::{Code, Error, Kind, Result, Sent};
use gladhand_protocol::proof::dpop::Proof;
use gladhand_protocol::proof::htu;
use gladhand_protocol::proof::nonce::Nonces;
use gladhand_protocol::proof::schedule::ScheduledKey;
use http::{HeaderValue, Method, StatusCode, header};
use tokio::sync::Mutex as Flight;
use url::Url;

use super::assertion_keys::AssertionKeys;
use super::cache::{AccessToken, Fetched, TokenKey};
use super::call::{Caller, Profile, Request, Response};
use super::discovery::{self, Metadata};
use super::jwks::RemoteKeys;
use super::reaction::{self, Reaction};
use super::token_request::{Asker, not_a_header};
use super::verifier::{self, JsonWebToken};
use super::{problem, random};
use crate::clock::{SharedClock, within};
use crate::config::{CarrierConfig, ClientAuth};
use crate::failpoint;
use crate::identity::{Epochs, Generation, Material};
use crate::journal::Journal;
use crate::observe::{Activity, Expiry, SecurityEvent, SecurityLog};
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
    assertions: Option<AssertionKeys>,
    epochs: Epochs,
    metadata: Flight<Option<Known>>,
    // The two kinds of server have nonces of their own (RFC 9449 §8 and §9), even at one origin.
    token_nonces: Mutex<Nonces>,
    call_nonces: Mutex<Nonces>,
    keys: RemoteKeys,
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
        let verifier = Arc::new(JsonWebToken);
        verifier::ready(&*verifier)?;
        let assertions = match &carrier.client_auth {
            ClientAuth::PrivateKeyJwt { assertion_key } => {
                let (lead, name) = (carrier.assertion_key_lead, &carrier.name);
                Some(AssertionKeys::new(name, assertion_key, lead, clock.clone(), security.clone())?)
            }
            ClientAuth::TlsClientAuth => None,
        };
        let epochs = Epochs::new(generation, clock.clone());
        Ok(Self(Arc::new(Inner {
            carrier: carrier.clone(),
            clock,
            security,
            assertions,
            epochs,
            metadata: Flight::default(),
            token_nonces: Mutex::default(),
            call_nonces: Mutex::default(),
            keys: RemoteKeys::new(verifier),
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

    /// Shares the schedule of the assertion keys with the other processes of this journal, from the next use on.
    pub(crate) fn share_schedule(&self, journal: &Journal) {
        if let Some(keys) = &self.0.assertions {
            keys.share(journal.clone());
        }
    }

    /// The assertion keys of this carrier: those that were, are and will be used. Reads the key file if it changed. Empty
    /// where the certificate authenticates.
    pub async fn assertion_keys(&self) -> Vec<ScheduledKey> {
        match &self.0.assertions {
            Some(keys) => keys.schedule().await,
            None => Vec::new(),
        }
    }

    /// When the tokens of the generation in use and the issuer's key set end, which are renewed by themselves before, and
    /// when replaced assertion keys leave our key set.
    pub fn expiries(&self) -> Vec<Expiry> {
        let inner = &*self.0;
        let mut all = self.generation().tokens().expiries(&inner.carrier.name, inner.clock.monotonic());
        all.extend(inner.assertions.iter().flat_map(AssertionKeys::expiries));
        all.extend(inner.keys.expiry(&inner.carrier.issuer, &inner.carrier.name));
        all
    }

    /// The value of an `Authorization` header with the certificate-bound token of this scope, for a gRPC stream of
    /// `generation`; ask again for every new stream.
    pub async fn authorization(&self, generation: &Arc<Generation>, scope: &'static str) -> Result<HeaderValue> {
        let key = TokenKey { profile: Profile::CertificateBound, scope };
        let token = self.token(generation, &key).await?;
        Secret::header(&format!("Bearer {}", token.value().expose())).ok_or_else(not_a_header)
    }

    /// Token and proof for a gRPC call of `generation` that wants possession proven: `POST` of the full method path, such as
    /// `/gladhand.telemetry.v1.Telemetry/Follow`, below the carrier's telemetry address (or `htu_base`). Good for one call
    /// or stream. There is no `gh_body`: a stream's content is not known when it begins. Error: `invalid_argument` for what
    /// is no method path.
    pub async fn grpc_proof(
        &self,
        generation: &Arc<Generation>,
        method: &str,
        scope: &'static str,
    ) -> Result<GrpcProof> {
        let inner = &*self.0;
        let wrong = || Error::new(Code::InvalidArgument, "a gRPC method is `/package.Service/Method`");
        if method.contains('?') {
            return Err(wrong());
        }
        let below = |base: &Url| htu::below(base, method).ok_or_else(wrong);
        let url = below(&inner.carrier.telemetry_url)?;
        let htu = htu::normalise(&inner.carrier.htu_base.as_ref().map_or_else(|| Ok(url.clone()), below)?);
        let token = self.token(generation, &TokenKey { profile: Profile::Dpop, scope }).await?;
        let token = token.value().expose();
        let dpop = inner.proof(generation, "POST", &htu, &url, token, None)?;
        let authorization = Secret::header(&format!("DPoP {token}")).ok_or_else(not_a_header)?;
        Ok(GrpcProof { authorization, dpop })
    }

    /// Takes over the `dpop-nonce` of a gRPC answer. `false` if the text is no nonce and was ignored.
    pub fn take_grpc_nonce(&self, nonce: &str) -> bool {
        self.0.nonces().put(&self.0.carrier.telemetry_url, nonce)
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
                failpoint::hit("after_answer", exchange(&request));
                if request.require_nonce && !with_nonce {
                    inner.record(
                        SecurityEvent::new(Activity::Downgrade)
                            .code(Code::UseDpopNonce)
                            .fact("operation", request.operation),
                    );
                }
                return Ok(Response { status: answer.status, headers: answer.headers, body: answer.body });
            }
            let challenges = reaction::challenges(&answer);
            match (reaction::to(&answer, &challenges, request.profile, generation.dpop().algorithm()), token) {
                // Exactly once per challenge, with a new proof and the same content.
                (Reaction::Nonce, Some(_)) if fresh_nonce && !challenged && request.profile == Profile::Dpop => {
                    challenged = true;
                }
                (Reaction::Token, Some(token)) if !renewed => {
                    renewed = true;
                    generation.tokens().forget(&key, &token);
                }
                _ => {
                    failpoint::hit("after_send", exchange(&request));
                    failpoint::hit("after_answer", exchange(&request));
                    let error = problem::error(request.operation, &answer, &challenges, inner.clock.now());
                    let error =
                        reaction::explained(error, &answer, &challenges, generation.dpop().algorithm(), &*inner.clock);
                    if let Some(activity) = reaction::activity(error.code()) {
                        inner.record(SecurityEvent::failed(activity, &error).fact("operation", request.operation));
                    }
                    return Err(error);
                }
            }
        }
    }
}

/// What a gRPC call carries: values of the metadata `authorization` and `dpop`, both marked sensitive.
#[derive(Clone, Debug)]
pub struct GrpcProof {
    /// The token.
    pub authorization: HeaderValue,
    /// The proof.
    pub dpop: HeaderValue,
}

/// Where a call goes, and what its proof says of that.
struct Target {
    url: Url,
    htu: String,
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
        // Ours alone, whatever the caller put there.
        headers.remove(header::AUTHORIZATION);
        headers.remove("dpop");
        headers.entry(header::ACCEPT).or_insert(HeaderValue::from_static("application/json, application/problem+json"));
        if request.body.is_some() {
            headers.insert(header::CONTENT_TYPE, request.content_type.clone());
        }
        if let Some(token) = token.map(|token| token.value().expose()) {
            let scheme = if request.profile == Profile::Dpop { "DPoP" } else { "Bearer" };
            let value = Secret::header(&format!("{scheme} {token}")).ok_or_else(not_a_header)?;
            headers.insert(header::AUTHORIZATION, value);
            if request.profile == Profile::Dpop {
                // No content, no claim: an empty body is none (RFC 9110 §6.4).
                let body = request.body.as_deref().filter(|body| !body.is_empty());
                let proof = self.proof(generation, request.method.as_str(), &target.htu, &target.url, token, body)?;
                headers.insert("dpop", proof);
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

    /// A proof for one attempt at the API.
    fn proof(
        &self,
        generation: &Generation,
        method: &str,
        htu: &str,
        url: &Url,
        token: &str,
        body: Option<&[u8]>,
    ) -> Result<HeaderValue> {
        // Signing takes longer than a lock should be held.
        let nonce = self.nonces().get(url).map(str::to_owned);
        let proof = Proof {
            method,
            htu,
            jti: &random::unique()?,
            issued_at: self.clock.now().as_second().saturating_add(self.carrier.clock_offset_s),
            access_token: Some(token),
            nonce: nonce.as_deref(),
            body,
        };
        Secret::header(&proof.sign(generation.dpop())?).ok_or_else(not_a_header)
    }

    fn nonces(&self) -> MutexGuard<'_, Nonces> {
        self.call_nonces.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn send(&self, request: &Request, generation: &Generation, outgoing: HttpRequest) -> Result<HttpResponse> {
        let call = exchange(request);
        failpoint::hit("before_send", call);
        let sending = failpoint::within(call, generation.http().send(outgoing));
        if !failpoint::armed("after_send", call) {
            return sending.await;
        }
        let answer = within(&*self.clock, FAILPOINT_WAIT, sending).await;
        match answer {
            // A challenge is not yet the carrier's: the attempt that counts follows.
            Some(Ok(answer)) if answer.status == StatusCode::UNAUTHORIZED => Ok(answer),
            other => {
                failpoint::hit("after_send", call);
                other.unwrap_or_else(|| Err(Error::new(Code::DeadlineExceeded, "failpoint").sent(Sent::MaybeSent)))
            }
        }
    }

    fn has_nonce(&self, url: &Url) -> bool {
        self.nonces().has(url)
    }

    /// Every answer may bring the next nonce (RFC 9449 §8.2 and §9). Whether this one did.
    fn take_nonce(&self, url: &Url, answer: &HttpResponse) -> bool {
        let Some(nonce) = answer.headers.get("dpop-nonce").and_then(|nonce| nonce.to_str().ok()) else { return false };
        self.nonces().put(url, nonce)
    }

    /// Asks for a token, after reading the metadata if it is unknown or old.
    async fn ask(&self, generation: &Generation, key: &TokenKey) -> Result<Fetched> {
        let outcome = async {
            let metadata = self.metadata(generation).await?;
            let signer = match &self.assertions {
                Some(keys) => Some(keys.signer().await?),
                None => None,
            };
            let asker = Asker {
                carrier: &self.carrier,
                generation,
                signer: signer.as_deref(),
                nonces: &self.token_nonces,
                keys: &self.keys,
                security: &self.security,
                clock: &*self.clock,
            };
            asker.ask(&metadata, key).await
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

/// The call as failpoints name it. Mutations are the calls of the contract that carry a proof (4.0).
fn exchange(request: &Request) -> failpoint::Call<'static> {
    let mutates = request.profile == Profile::Dpop && request.method != Method::GET;
    failpoint::Call { operation: request.operation, mutates }
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
