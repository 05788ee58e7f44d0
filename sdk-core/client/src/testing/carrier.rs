//! Authorization server and API in one, with knobs for misbehaviour. It checks what a resource server checks, with an
//! implementation of JOSE that is not ours.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::token_keys::TokenKeys;
use super::{Ca, Reply, Seen, Server, Tls};

/// Status, header fields and body of an answer.
pub(crate) type Fixed = (u16, Vec<(&'static str, String)>, String);

/// How it behaves. The default is well.
#[derive(Clone, Default)]
pub(crate) struct Knobs {
    /// Answer with this token type.
    pub(crate) token_type: Option<&'static str>,
    /// Issue tokens for this audience.
    pub(crate) audience: Option<&'static str>,
    /// Name this issuer in the metadata.
    pub(crate) issuer: Option<&'static str>,
    /// Bind tokens to this thumbprint.
    pub(crate) binding: Option<&'static str>,
    /// Grant this scope.
    pub(crate) scope: Option<&'static str>,
    /// Want a nonce at the token endpoint; a new one each time it is asked for.
    pub(crate) token_nonce: Nonce,
    /// Want a nonce at the API.
    pub(crate) call_nonce: Nonce,
    /// Find every token expired, the first this many times.
    pub(crate) expire: usize,
    /// Sign tokens thus.
    pub(crate) signed: Signed,
    /// Publish these keys, and name the address in the metadata.
    pub(crate) published: Published,
    /// Answer with this `expires_in`; JSON, or nothing for no such member.
    pub(crate) expires_in: Option<&'static str>,
    /// Give no nonce of its own accord.
    pub(crate) silent: bool,
    /// Put both members into `cnf`.
    pub(crate) both_bindings: bool,
    /// Answer thus, whatever is asked at this path.
    pub(crate) fixed: HashMap<String, Fixed>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Nonce {
    #[default]
    None,
    Wanted,
    /// Never content with any.
    Never,
    /// Each is good once: the next comes with the answer.
    Rotating,
    /// Another one than before.
    Replaced,
}

/// How tokens are signed.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Signed {
    /// With the published key.
    #[default]
    Well,
    /// With another key under the published name.
    ByAnother,
    /// With a key that is published as soon as the set is read again.
    ByTheNext,
    /// Not at all (`alg` `none`).
    Not,
    /// By HMAC with the public key as secret.
    ByPublicKey,
    /// With the published key, and a header that points to another one.
    WithPointers(&'static str),
}

/// Which keys are published.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Published {
    #[default]
    Key,
    /// The key among others of its name.
    Decoys,
    /// No key.
    Empty,
    /// No set, and no word of one in the metadata.
    Nothing,
}

#[derive(Default)]
struct State {
    knobs: Knobs,
    keys: TokenKeys,
    issued: usize,
    /// Counts the nonces that rotate.
    nonce: usize,
    jtis: HashSet<String>,
    /// What a check did not like, with the request it was about.
    complaints: Vec<String>,
}

pub(crate) struct Carrier {
    pub(crate) server: Server,
    state: Arc<Mutex<State>>,
}

impl Carrier {
    pub(crate) async fn start(ca: &Ca, knobs: Knobs) -> Self {
        Self::start_with(Tls::of(ca), knobs).await
    }

    pub(crate) async fn start_with(tls: Tls, knobs: Knobs) -> Self {
        let state = Arc::new(Mutex::new(State { knobs, ..State::default() }));
        let shared = state.clone();
        let server = Server::start(tls, move |seen| answer(&mut shared.lock().unwrap(), seen)).await;
        Self { server, state }
    }

    pub(crate) fn origin(&self) -> String {
        self.server.url.origin().ascii_serialization()
    }

    pub(crate) fn turn(&self, change: impl FnOnce(&mut Knobs)) {
        change(&mut self.state().knobs);
    }

    /// Panics with what the checks did not like.
    pub(crate) fn is_content(&self) {
        assert_eq!(self.state().complaints, Vec::<String>::new());
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

fn answer(state: &mut State, seen: &Seen) -> Reply {
    if let Some((status, headers, body)) = state.knobs.fixed.get(&seen.path) {
        return Reply::Answer(*status, headers.clone(), body.clone());
    }
    let origin = format!("https://{}", seen.authority);
    match seen.path.as_str() {
        "/.well-known/oauth-authorization-server" => {
            let issuer = state.knobs.issuer.map_or(origin.clone(), str::to_owned);
            let mut metadata = json!({"issuer": issuer, "token_endpoint": format!("{origin}/oauth/token")});
            if state.knobs.published != Published::Nothing {
                metadata["jwks_uri"] = format!("{origin}/oauth/jwks").into();
            }
            ok(metadata)
        }
        "/oauth/jwks" => ok(state.keys.set(&state.knobs)),
        "/oauth/token" => token(state, seen, &origin),
        _ => call(state, seen, &origin),
    }
}

fn token(state: &mut State, seen: &Seen, origin: &str) -> Reply {
    let form: HashMap<String, String> = url::form_urlencoded::parse(&seen.body).into_owned().collect();
    if let Some(assertion) = form.get("client_assertion") {
        let claims = payload(assertion);
        check(state, claims["aud"] == origin, "aud of the assertion");
        check(state, claims["iss"] == "tms-acme" && claims["sub"] == "tms-acme", "iss and sub of the assertion");
        used_once(state, &claims["jti"]);
    }
    check(state, form["grant_type"] == "client_credentials", "grant_type");
    let mut cnf = match seen.header("dpop") {
        None => json!({"x5t#S256": state.knobs.binding.unwrap_or(&seen.client)}),
        Some(proof) => {
            let (thumbprint, claims) = verify(state, proof, "POST", &format!("{origin}/oauth/token"));
            if let Some(challenge) = wants(state, state.knobs.token_nonce, &claims, "as-nonce-1") {
                return refuse_with(challenge, 400, &json!({"error": "use_dpop_nonce"}), "application/json");
            }
            json!({"jkt": state.knobs.binding.map_or(thumbprint, str::to_owned)})
        }
    };
    let token_type = if seen.header("dpop").is_some() { "DPoP" } else { "Bearer" };
    state.issued += 1;
    if state.knobs.both_bindings {
        cnf["x5t#S256"] = seen.client.as_str().into();
        cnf["jkt"].is_null().then(|| cnf["jkt"] = "of-somebody".into());
    }
    let claims =
        json!({"iss": origin, "aud": state.knobs.audience.unwrap_or(&form["resource"]), "cnf": cnf, "n": state.issued});
    let jwt = state.keys.sign(state.knobs.signed, &claims);
    let scope = state.knobs.scope.unwrap_or(&form["scope"]);
    let mut answer =
        json!({"access_token": jwt, "token_type": state.knobs.token_type.unwrap_or(token_type), "scope": scope});
    match state.knobs.expires_in {
        None => answer["expires_in"] = 300.into(),
        Some("") => {}
        Some(said) => answer["expires_in"] = serde_json::from_str(said).unwrap(),
    }
    ok(answer)
}

fn call(state: &mut State, seen: &Seen, origin: &str) -> Reply {
    let authorization = seen.header("authorization").unwrap_or_default();
    let bare = seen.path.split('?').next().unwrap();
    if let Some(token) = authorization.strip_prefix("DPoP ") {
        let proof = seen.header("dpop").unwrap();
        check(state, seen.headers.get_all("dpop").iter().count() == 1, "one proof");
        let (_, claims) = verify(state, proof, seen.method.as_str(), &format!("{origin}{bare}"));
        check(state, claims["ath"] == hash(token.as_bytes()), "ath");
        let body = if seen.body.is_empty() { Value::Null } else { hash(&seen.body).into() };
        check(state, claims["gh_body"] == body, "gh_body");
        if let Some(mut challenge) = wants(state, state.knobs.call_nonce, &claims, "rs-nonce-1") {
            challenge.push(("www-authenticate", r#"DPoP error="use_dpop_nonce", algs="ES256""#.to_owned()));
            return refuse_with(challenge, 401, &json!({"code": "use_dpop_nonce"}), "application/problem+json");
        }
    } else {
        check(state, seen.header("dpop").is_none(), "no proof with a certificate-bound token");
        // Only where the knobs leave the binding alone.
        if let Some(token) = authorization.strip_prefix("Bearer ").filter(|_| state.knobs.binding.is_none()) {
            let bound = payload(token)["cnf"]["x5t#S256"].clone();
            check(state, bound.is_null() || bound == seen.client, "a token of another certificate on this connection");
        }
    }
    if state.knobs.expire > 0 {
        state.knobs.expire -= 1;
        return refuse_with(vec![], 401, &json!({"code": "token_expired"}), "application/problem+json");
    }
    let mut headers = vec![("x-request-id", "r-1".to_owned())];
    if seen.header("dpop").is_some() && !state.knobs.silent {
        let nonce = match state.knobs.call_nonce {
            Nonce::Rotating => {
                state.nonce += 1;
                format!("rs-nonce-{}", state.nonce)
            }
            Nonce::Replaced => "rs-nonce-1-new".to_owned(),
            _ => "rs-nonce-1".to_owned(),
        };
        headers.push(("dpop-nonce", nonce));
    }
    Reply::Answer(200, headers, r#"{"ok":true}"#.to_owned())
}

/// Thumbprint and claims of a proof whose signature holds.
fn verify(state: &mut State, proof: &str, method: &str, htu: &str) -> (String, Value) {
    let header = jsonwebtoken::decode_header(proof).unwrap();
    let jwk = header.jwk.unwrap();
    assert!(matches!(header.alg, Algorithm::ES256 | Algorithm::EdDSA | Algorithm::PS256));
    let mut rules = Validation::new(header.alg);
    rules.required_spec_claims.clear();
    (rules.validate_exp, rules.validate_aud) = (false, false);
    let claims = jsonwebtoken::decode::<Value>(proof, &DecodingKey::from_jwk(&jwk).unwrap(), &rules).unwrap().claims;
    check(state, header.typ.as_deref() == Some("dpop+jwt"), "typ");
    check(state, claims["htm"] == method && claims["htu"] == htu, &format!("htm and htu: {claims}"));
    used_once(state, &claims["jti"]);
    (jwk.thumbprint(jsonwebtoken::jwk::ThumbprintHash::SHA256).unwrap(), claims)
}

fn wants(state: &mut State, nonce: Nonce, claims: &Value, first: &str) -> Option<Vec<(&'static str, String)>> {
    let current = match nonce {
        Nonce::Replaced => format!("{first}-new"),
        Nonce::Rotating => format!("rs-nonce-{}", state.nonce.max(1)),
        _ => first.to_owned(),
    };
    let content = match nonce {
        Nonce::None => true,
        Nonce::Never => false,
        Nonce::Rotating => {
            state.nonce = state.nonce.max(1);
            claims["nonce"] == current
        }
        Nonce::Wanted | Nonce::Replaced => claims["nonce"] == current,
    };
    (!content).then(|| vec![("dpop-nonce", current)])
}

fn used_once(state: &mut State, jti: &Value) {
    let fresh = jti.as_str().is_some_and(|jti| jti.len() >= 16 && state.jtis.insert(jti.to_owned()));
    check(state, fresh, "a jti is used once");
}

fn check(state: &mut State, holds: bool, what: &str) {
    if !holds {
        state.complaints.push(what.to_owned());
    }
}

pub(crate) fn payload(jwt: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(jwt.split('.').nth(1).unwrap()).unwrap()).unwrap()
}

fn hash(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(bytes))
}

fn ok(body: Value) -> Reply {
    Reply::Answer(200, vec![("content-type", "application/json".to_owned())], body.to_string())
}

fn refuse_with(mut headers: Vec<(&'static str, String)>, status: u16, body: &Value, media: &str) -> Reply {
    headers.push(("content-type", media.to_owned()));
    Reply::Answer(status, headers, body.to_string())
}
