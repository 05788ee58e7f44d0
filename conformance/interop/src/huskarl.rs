//! huskarl as a differential oracle: its validator judges our calls as they were captured, and its own proofs say the same
//! as ours.

use std::collections::{BTreeSet, HashSet};
use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use huskarl_crypto_native::asymmetric::signer::{GenerateAlgorithm, PrivateKey};
use huskarl_resource_server::core::crypto::signer::AsymmetricJwsSignerSelector as _;
use huskarl_resource_server::core::dpop::{ResourceDPoP, ResourceServerDPoP as _};
use huskarl_resource_server::core::http::{HttpClient, HttpResponse, Idempotency};
use huskarl_resource_server::core::jwt::JtiUniquenessChecker;
use huskarl_resource_server::core::platform::MaybeSendBoxFuture;
use huskarl_resource_server::core::secrets::SecretString;
use huskarl_resource_server::core::{Error, RetryAdvice};
use huskarl_resource_server::validator::rfc9068::Rfc9068Validator;
use serde_json::{Value, json};

use crate::checks::Checks;
use crate::oidc_provider::{shown, text};
use crate::stranger::Stranger;
use crate::world::{Node, OUR_URI, World};
use crate::{Outcome, Programs};

const PATH: &str = "/v1/tenders/a%20b?x=1";

pub(crate) async fn run(programs: &Programs, checks: &mut Checks) -> Outcome {
    let world = World::start(&Node::of(programs)?).await?;
    let outcome = suite(&world, checks).await;
    world.stop().await;
    outcome
}

/// A call as it was captured at the resource server.
struct Captured {
    authorization: String,
    proof: Option<String>,
}

async fn suite(world: &World, checks: &mut Checks) -> Outcome {
    let validator = validator(world).await?;
    let url = format!("{}{PATH}", world.resource);
    let mut es256 = None;
    for algorithm in ["ES256", "EdDSA", "PS256"] {
        let settings = world.by_assertion("jwt-dpop").peer("dpop_algorithm", algorithm);
        let subject = world.connect(settings).await.map_err(shown)?;
        subject.tender(PATH, "{}").await.map_err(shown)?;
        let call = captured(world).await?;
        let judged = judge(&validator, &call, Method::POST, &url, Some(&world.ours.der)).await;
        checks.equal(&format!("huskarl takes our call with a proof by {algorithm}"), judged, Ok("jwt-dpop".to_owned()));
        let again = judge(&validator, &call, Method::POST, &url, Some(&world.ours.der)).await;
        checks.holds("and not a second time", again.is_err(), "it was taken");
        es256.get_or_insert((subject, call));
    }
    let Some((subject, call)) = es256 else { return Err("no call".to_owned()) };
    for (what, method, path) in
        [("by another method", Method::PUT, PATH), ("at another path", Method::POST, "/v1/other")]
    {
        subject.tender(PATH, "{}").await.map_err(shown)?;
        let fresh = captured(world).await?;
        let elsewhere = format!("{}{path}", world.resource);
        let judged = judge(&validator, &fresh, method, &elsewhere, Some(&world.ours.der)).await;
        checks.holds(&format!("huskarl refuses it {what}"), judged.is_err(), "it was taken");
    }
    same_meaning(&subject, world, &call, checks).await?;

    let subject = world.connect(world.by_certificate(&world.ours, "tls-bound")).await.map_err(shown)?;
    subject.read(PATH).await.map_err(shown)?;
    let call = captured(world).await?;
    let judged = judge(&validator, &call, Method::GET, &url, Some(&world.ours.der)).await;
    checks.equal("huskarl takes our certificate-bound call", judged, Ok("tls-bound".to_owned()));
    let other = world.authority.client(OUR_URI)?;
    let judged = judge(&validator, &call, Method::GET, &url, Some(&other.der)).await;
    checks.holds("and refuses it over another certificate", judged.is_err(), "it was taken");
    let judged = judge(&validator, &call, Method::GET, &url, None).await;
    checks.holds("and without one", judged.is_err(), "it was taken");
    Ok(())
}

/// A proof of huskarl's client for the very same call, compared member by member with ours.
async fn same_meaning(
    subject: &crate::subject::Subject,
    world: &World,
    call: &Captured,
    checks: &mut Checks,
) -> Outcome {
    let key = PrivateKey::generate(GenerateAlgorithm::Es256, None).map_err(failed)?;
    let jkt = key.select_asymmetric_signer().await.public_key_jwk().thumbprint();
    let theirs = ResourceDPoP::builder().signer(key).build();
    let uri: Uri = format!("{}{PATH}", world.resource).parse().map_err(failed)?;
    let nonce = text(&part(call.proof.as_deref().unwrap_or_default(), 1)?["nonce"]);
    if !nonce.is_empty() {
        theirs.update_nonce(&uri, nonce);
    }
    let token = call.authorization.trim_start_matches("DPoP ");
    let proof = theirs.proof(&Method::POST, &uri, &SecretString::from(token), &jkt).await.map_err(failed)?;
    let proof = proof.ok_or("huskarl made no proof")?;
    let (ours, theirs) = (call.proof.as_deref().unwrap_or_default(), proof.expose_secret());
    let (our_header, their_header) = (part(ours, 0)?, part(theirs, 0)?);
    for member in ["typ", "alg"] {
        checks.equal(&format!("the proof's {member}"), &our_header[member], &their_header[member]);
    }
    checks.equal("the members of the header", names(&our_header), names(&their_header));
    // Theirs says `alg` and `use` too, which RFC 7517 leaves open.
    let (our_key, their_key) = (names(&our_header["jwk"]), names(&their_header["jwk"]));
    let public = !our_key.contains("d") && our_key.is_subset(&their_key);
    checks.holds("the members of the key are among theirs", public, format!("{our_key:?} {their_key:?}"));
    for member in ["kty", "crv"] {
        checks.equal(&format!("the key's {member}"), &our_header["jwk"][member], &their_header["jwk"][member]);
    }
    let (our_claims, their_claims) = (part(ours, 1)?, part(theirs, 1)?);
    for claim in ["htm", "htu", "ath", "nonce"] {
        checks.equal(&format!("the claim {claim}"), &our_claims[claim], &their_claims[claim]);
    }
    let mut own = names(&our_claims);
    checks.holds("ours has gh_body beside them", own.remove("gh_body"), &our_claims);
    checks.equal("and the same claims otherwise", own, names(&their_claims));
    checks.equal("the key that it names is the token's", subject.key_thumbprint(), thumbprint(&our_header["jwk"]));
    Ok(())
}

async fn validator(world: &World) -> Outcome<Rfc9068Validator> {
    let stranger =
        Stranger::new(&world.authority.client("spiffe://interop.gladhand.test/rs")?, &world.authority.pem())?;
    let metadata = format!("{}/.well-known/oauth-authorization-server", world.issuer);
    let (_, metadata) = stranger.send("GET", &metadata, &[], "").await?;
    Rfc9068Validator::builder()
        .issuer(world.issuer.clone())
        .audience(world.resource.clone())
        .jwks_uri(text(&metadata["jwks_uri"]).parse().map_err(failed)?)
        .jwks_source(Network(stranger))
        .dpop_jti_checker(Seen::default())
        .build()
        .await
        .map_err(failed)
}

/// The client that huskarl finds in a call, or why it refuses it.
async fn judge(
    validator: &Rfc9068Validator,
    call: &Captured,
    method: Method,
    url: &str,
    certificate: Option<&[u8]>,
) -> Outcome<String> {
    let mut headers = HeaderMap::new();
    headers.insert("authorization", HeaderValue::from_str(&call.authorization).map_err(failed)?);
    if let Some(proof) = &call.proof {
        headers.insert("dpop", HeaderValue::from_str(proof).map_err(failed)?);
    }
    let uri: Uri = url.parse().map_err(failed)?;
    let judged = validator.validate_request(&headers, &method, &uri, certificate).await;
    let request = judged.outcome.map_err(failed)?.ok_or("it saw no token")?;
    Ok(request.claims.client_id.clone())
}

/// The newest call that the resource server took.
async fn captured(world: &World) -> Outcome<Captured> {
    let all = world.of_resource("GET", "/captured").await?;
    let last = all.as_array().and_then(|all| all.last()).ok_or("nothing was captured")?;
    Ok(Captured { authorization: text(&last["authorization"]), proof: last["proof"].as_str().map(str::to_owned) })
}

fn part(jwt: &str, index: usize) -> Outcome<Value> {
    let part = jwt.split('.').nth(index).unwrap_or_default();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).map_err(failed)?).map_err(failed)
}

fn names(value: &Value) -> BTreeSet<String> {
    value.as_object().into_iter().flat_map(|members| members.keys().cloned()).collect()
}

/// RFC 7638 for a P-256 key.
fn thumbprint(jwk: &Value) -> String {
    use sha2::{Digest as _, Sha256};
    let canonical = json!({ "crv": jwk["crv"], "kty": jwk["kty"], "x": jwk["x"], "y": jwk["y"] });
    URL_SAFE_NO_PAD.encode(Sha256::digest(canonical.to_string()))
}

fn failed(error: impl std::fmt::Display) -> String {
    format!("huskarl: {error}")
}

/// huskarl's way to the authorization server's keys: mutual TLS, as everything here.
struct Network(Stranger);

impl HttpClient for Network {
    fn execute(
        &self,
        request: http::Request<Bytes>,
        _: Idempotency,
    ) -> MaybeSendBoxFuture<'_, Result<HttpResponse, Error>> {
        Box::pin(async move {
            let answer = self.0.send(request.method().as_str(), &request.uri().to_string(), &[], "").await;
            let (status, body) = answer.map_err(|why| Error::new(RetryAdvice::No, why))?;
            let status = StatusCode::from_u16(status).map_err(|why| Error::new(RetryAdvice::No, why))?;
            let mut headers = HeaderMap::new();
            headers.insert("content-type", HeaderValue::from_static("application/json"));
            Ok(HttpResponse { status, headers, body: Bytes::from(body.to_string()) })
        })
    }
}

/// The proofs that were seen.
#[derive(Debug, Default)]
struct Seen(Mutex<HashSet<String>>);

impl JtiUniquenessChecker for Seen {
    fn check_and_mark_seen(&self, jti: &str) -> MaybeSendBoxFuture<'_, Result<bool, Error>> {
        let seen = !self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(jti.to_owned());
        Box::pin(async move { Ok(seen) })
    }
}
