//! oidc-provider as authorization server: what it grants, to whom, bound to what, and what it was asked.

use std::collections::BTreeSet;
use std::time::Duration;

use gladhand::{Code, Error};
use serde_json::Value;

use crate::checks::Checks;
use crate::pki::AssertionKey;
use crate::world::{Node, OUR_URI, World};
use crate::{Outcome, Programs};

pub(crate) async fn run(programs: &Programs, checks: &mut Checks) -> Outcome {
    let world = World::start(&Node::of(programs)?).await?;
    let outcome = suite(&world, checks).await;
    world.stop().await;
    outcome
}

async fn suite(world: &World, checks: &mut Checks) -> Outcome {
    dpop_bound(world, checks).await?;
    certificate_bound(world, checks).await?;
    other_combinations(world, checks).await?;
    algorithms(world, checks).await?;
    refusals(world, checks).await?;
    refresh(world, checks).await?;
    never_both(world, checks).await
}

async fn dpop_bound(world: &World, checks: &mut Checks) -> Outcome {
    let subject = world.connect(world.by_assertion("jwt-dpop")).await.map_err(shown)?;
    let call = subject.tender("/v1/tenders", "{}").await;
    let Some(answer) = checks.works("private_key_jwt: a DPoP-bound token, used with a proof", call) else {
        return Ok(());
    };
    let claims = &answer["claims"];
    checks.equal("the token is bound to our DPoP key (cnf.jkt)", text(&claims["cnf"]["jkt"]), subject.key_thumbprint());
    checks.equal("the token is bound to nothing else", members(&claims["cnf"]), vec!["jkt".to_owned()]);
    checks.equal("its audience is the resource that was asked for", text(&claims["aud"]), world.resource.clone());
    let requests = world.token_requests("jwt-dpop").await?;
    let outcomes: Vec<String> = requests.iter().map(|request| text(&request["error"])).collect();
    checks.equal(
        "the nonce was asked for and brought: two requests",
        outcomes,
        vec!["use_dpop_nonce".into(), String::new()],
    );
    let assertions: Vec<&Value> = requests.iter().map(|request| &request["assertion"]["claims"]).collect();
    let jtis: BTreeSet<String> = assertions.iter().map(|claims| text(&claims["jti"])).collect();
    checks.equal("the assertion of the second request is a new one", jtis.len(), 2);
    let issuer = text(&claims["iss"]);
    let audiences = assertions.iter().all(|claims| claims["aud"] == issuer.as_str());
    checks.holds("the assertion's audience is the issuer, as one text", audiences, format!("{assertions:?}"));
    let short = assertions.iter().all(|claims| number(&claims["exp"]) - number(&claims["iat"]) <= 60);
    checks.holds("the assertion lives for at most a minute", short, format!("{assertions:?}"));
    let named = assertions.iter().all(|claims| claims["iss"] == "jwt-dpop" && claims["sub"] == "jwt-dpop");
    checks.holds("the assertion is of the client, by the client", named, format!("{assertions:?}"));
    let proofs: BTreeSet<String> = requests.iter().map(|request| text(&request["proof"]["claims"]["jti"])).collect();
    checks.equal("so is the proof", proofs.len(), 2);
    let ath = requests.iter().all(|request| request["proof"]["claims"].get("ath").is_none());
    checks.holds("a proof at the token endpoint names no token", ath, "there is an ath");
    Ok(())
}

async fn certificate_bound(world: &World, checks: &mut Checks) -> Outcome {
    for (client, what) in [("tls-bound", "tls_client_auth by URI"), ("jwt-bound", "private_key_jwt")] {
        let settings = match client {
            "tls-bound" => world.by_certificate(&world.ours, client),
            _ => world.by_assertion(client),
        };
        let subject = world.connect(settings).await.map_err(shown)?;
        let call = subject.read("/v1/capacity").await;
        let Some(answer) = checks.works(&format!("{what}: a certificate-bound token"), call) else { continue };
        let claims = &answer["claims"];
        let bound = text(&claims["cnf"]["x5t#S256"]);
        checks.equal("the token is bound to our certificate (cnf.x5t#S256)", bound.clone(), world.ours.thumbprint());
        checks.equal("OpenSSL sees that certificate on the connection", text(&answer["peer"]["x5t"]), bound);
        checks.equal("and its URI", answer["peer"]["uris"].clone(), serde_json::json!([OUR_URI]));
        checks.equal("the token is bound to nothing else", members(&claims["cnf"]), vec!["x5t#S256".to_owned()]);
    }
    Ok(())
}

async fn other_combinations(world: &World, checks: &mut Checks) -> Outcome {
    let subject = world.connect(world.by_certificate(&world.ours, "tls-dpop")).await.map_err(shown)?;
    let call = subject.tender("/v1/tenders", "{}").await;
    if let Some(answer) = checks.works("tls_client_auth: a DPoP-bound token", call) {
        let jkt = text(&answer["claims"]["cnf"]["jkt"]);
        checks.equal("it is bound to our DPoP key", jkt, subject.key_thumbprint());
    }
    let subject = world.connect(world.by_assertion("jwt-opaque")).await.map_err(shown)?;
    let call = subject.tender("/v1/tenders", "{}").await;
    if let Some(answer) = checks.works("a token that is no JWT, checked by introspection", call) {
        let jkt = text(&answer["claims"]["cnf"]["jkt"]);
        checks.equal("introspection says that it is bound to our DPoP key", jkt, subject.key_thumbprint());
    }
    Ok(())
}

/// Both servers check the proofs: oidc-provider at the token endpoint, oauth4webapi at the call.
async fn algorithms(world: &World, checks: &mut Checks) -> Outcome {
    for algorithm in ["ES256", "EdDSA", "PS256"] {
        let settings = world.by_assertion("jwt-dpop").peer("dpop_algorithm", algorithm);
        let subject = world.connect(settings).await.map_err(shown)?;
        let call = subject.tender("/v1/tenders", "{}").await;
        let Some(answer) = checks.works(&format!("proofs by {algorithm}"), call) else { continue };
        let (header, jkt) = (&answer["proof"]["header"], text(&answer["claims"]["cnf"]["jkt"]));
        checks.equal(&format!("{algorithm} it is"), text(&header["alg"]), algorithm.to_owned());
        checks.equal(&format!("{algorithm}: the token is bound to that key"), jkt, subject.key_thumbprint());
    }
    Ok(())
}

async fn refusals(world: &World, checks: &mut Checks) -> Outcome {
    let subject = world.connect(world.by_assertion("nobody")).await.map_err(shown)?;
    let call = subject.tender("/v1/tenders", "{}").await;
    checks.refused("a client that is not registered", call, &[Code::TokenRequestRefused]);

    let foreign = AssertionKey::new()?;
    let settings = world.by_assertion("jwt-dpop").peer("assertion_key", foreign.private());
    let subject = world.connect(settings).await.map_err(shown)?;
    let call = subject.tender("/v1/tenders", "{}").await;
    checks.refused("an assertion by a key that is not registered", call, &[Code::TokenRequestRefused]);

    let other = world.authority.client("spiffe://interop.gladhand.test/tms/other")?;
    let subject = world.connect(world.by_certificate(&other, "tls-bound")).await.map_err(shown)?;
    let call = subject.read("/v1/capacity").await;
    checks.refused("a certificate of another name", call, &[Code::TokenRequestRefused]);

    let subject = world.connect(world.by_certificate(&world.revoked, "tls-bound")).await.map_err(shown)?;
    let call = subject.read("/v1/capacity").await;
    // Node closes the connection without an alert: there is no better code to be had, but there must be one of these.
    let codes = [Code::ClientCertificateRefused, Code::ConnectionLost, Code::Connect];
    checks.refused("a certificate that the server's CRL revokes", call, &codes);

    let subject = world.connect(world.by_assertion("jwt-unbound")).await.map_err(shown)?;
    let call = subject.read("/v1/capacity").await;
    checks.refused("a token that is bound to nothing is not used", call, &[Code::TokenBindingMismatch]);

    let subject = world.connect(world.by_certificate(&world.ours, "tls-bound")).await.map_err(shown)?;
    let call = subject.tender("/v1/tenders", "{}").await;
    checks.refused("a client that may only have the other binding", call, &[Code::TokenRequestRefused]);
    Ok(())
}

/// Tokens of five seconds, calls for eleven: the token changes and no call fails.
async fn refresh(world: &World, checks: &mut Checks) -> Outcome {
    let subject = world.connect(world.by_assertion("jwt-short")).await.map_err(shown)?;
    let (mut tokens, mut failures, mut calls) = (BTreeSet::new(), Vec::new(), 0_u32);
    for _ in 0..44 {
        calls += 1;
        match subject.tender("/v1/tenders", "{}").await {
            Ok(answer) => drop(tokens.insert(text(&answer["claims"]["jti"]))),
            Err(error) => failures.push(shown(error)),
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    checks.holds(
        "no call fails while its token is renewed",
        failures.is_empty(),
        failures.first().cloned().unwrap_or_default(),
    );
    checks.holds(
        "tokens of five seconds were renewed, and not for every call",
        (2..=5).contains(&tokens.len()),
        format!("{} tokens for {calls} calls", tokens.len()),
    );
    Ok(())
}

/// What the server saw of every token request of this suite.
async fn never_both(world: &World, checks: &mut Checks) -> Outcome {
    let requests = world.token_requests("").await?;
    let both: Vec<&Value> = requests
        .iter()
        .filter(|request| request["status"] == 200 && request["token_type"] == "Bearer" && request["proof"].is_object())
        .collect();
    checks.holds("no token was asked for with both bindings at once", both.is_empty(), format!("{both:?}"));
    let proofs = requests.iter().filter(|request| request["proof"].is_object());
    let without_key = proofs.filter(|request| request["proof"]["header"]["jwk"].get("d").is_some()).count();
    checks.equal("no proof shows a private key", without_key, 0);
    Ok(())
}

pub(crate) fn shown(error: Error) -> String {
    format!("{}: {error}", error.code().as_str())
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn number(value: &Value) -> i64 {
    value.as_i64().unwrap_or(i64::MAX / 2)
}

fn members(value: &Value) -> Vec<String> {
    value.as_object().map(|members| members.keys().cloned().collect()).unwrap_or_default()
}
