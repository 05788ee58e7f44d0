//! oauth4webapi as validator of a resource server: our calls are taken; what was captured of them is of no use to others.

use serde_json::Value;

use crate::checks::Checks;
use crate::oidc_provider::{shown, text};
use crate::stranger::Stranger;
use crate::subject::Subject;
use crate::world::{Node, OUR_URI, World};
use crate::{Outcome, Programs};

pub(crate) async fn run(programs: &Programs, checks: &mut Checks) -> Outcome {
    let world = World::start(&Node::of(programs)?).await?;
    let outcome = suite(&world, checks).await;
    world.stop().await;
    outcome
}

async fn suite(world: &World, checks: &mut Checks) -> Outcome {
    let subject = world.connect(world.by_assertion("jwt-dpop")).await.map_err(shown)?;
    accepted(world, &subject, checks).await?;
    nonces(world, &subject, checks).await?;
    tampered(world, &subject, checks).await?;
    certificate_bound(world, checks).await
}

async fn accepted(world: &World, subject: &Subject, checks: &mut Checks) -> Outcome {
    for (what, path, body) in [
        ("a call with content", "/v1/tenders", r#"{"rate":1250.00}"#),
        ("a call without content", "/v1/tenders/1/withdraw", ""),
        ("a path with escapes, and a query that the proof leaves out", "/v1/tenders/a%20b%2Fc?x=1&y=%C3%A9", "{}"),
        ("a path that ends with a slash", "/v1/tenders/", "{}"),
        ("content that is no ASCII", "/v1/tenders", "{\"note\":\"Zürich → Genève\"}"),
    ] {
        let Some(answer) = checks.works(what, subject.tender(path, body).await) else { continue };
        let (proof, claims) = (&answer["proof"]["claims"], &answer["claims"]);
        let htu = format!("{}{}", world.resource, path.split('?').next().unwrap_or_default());
        checks.equal(&format!("{what}: htu"), text(&proof["htu"]), htu);
        checks.holds(
            &format!("{what}: gh_body exactly where there is content"),
            proof.get("gh_body").is_some() != body.is_empty(),
            proof,
        );
        checks.equal(&format!("{what}: HTTP/2"), text(&answer["http"]), "2.0".to_owned());
        checks.equal(&format!("{what}: the token's client"), text(&claims["client_id"]), "jwt-dpop".to_owned());
    }
    let mut calls = Vec::new();
    for _ in 0..64 {
        calls.push(subject.tender("/v1/tenders", "{}"));
    }
    let mut failures = Vec::new();
    for call in calls {
        if let Err(error) = call.await {
            failures.push(shown(error));
        }
    }
    checks.holds(
        "sixty-four calls, each with a proof of its own",
        failures.is_empty(),
        failures.first().cloned().unwrap_or_default(),
    );
    let refusals = world.of_resource("GET", "/refusals").await?;
    checks.equal("none of them was refused first", refusals, Value::Array(Vec::new()));
    Ok(())
}

async fn nonces(world: &World, subject: &Subject, checks: &mut Checks) -> Outcome {
    let call = subject.tender("/nonce/commands", "{}").await;
    if let Some(answer) = checks.works("the nonce of an earlier answer is used", call) {
        checks.holds("the proof has it", answer["proof"]["claims"]["nonce"].is_string(), &answer["proof"]);
    }
    world.of_resource("POST", "/nonce").await?;
    let call = subject.tender("/nonce/commands", "{}").await;
    checks.works("a nonce that is no longer valid is replaced once", call);
    let refusals = world.of_resource("GET", "/refusals").await?;
    let errors: Vec<String> =
        refusals.as_array().into_iter().flatten().map(|refusal| text(&refusal["error"])).collect();
    checks.equal("with one challenge", errors, vec!["use_dpop_nonce".to_owned()]);
    Ok(())
}

/// What a thief has: a token, a proof, and a certificate of the same authority.
async fn tampered(world: &World, subject: &Subject, checks: &mut Checks) -> Outcome {
    let body = r#"{"rate":1250.00}"#;
    let thief = Stranger::new(&world.authority.client(OUR_URI)?, &world.authority.pem())?;
    // A proof that the server has not used up: the store forgets what it saw, so that only what is tampered with counts.
    let capture = async || -> Outcome<(String, String)> {
        subject.tender("/v1/tenders", body).await.map_err(shown)?;
        let captured = world.of_resource("GET", "/captured").await?;
        let last = last(&captured);
        Ok((text(&last["authorization"]), text(&last["proof"])))
    };
    let url = format!("{}/v1/tenders", world.resource);

    let (token, proof) = capture().await?;
    let headers = [("authorization", token.as_str()), ("dpop", proof.as_str())];
    let (status, answer) = thief.send("POST", &url, &headers, body).await?;
    checks.equal(
        "a captured call sent again is refused",
        (status, text(&answer["error"])),
        (401, "pop_replayed".into()),
    );

    for (what, method, path, sent) in [
        ("to another address (htu)", "POST", "/v1/tenders/other", body),
        ("by another method (htm)", "PUT", "/v1/tenders", body),
        ("with other content (gh_body)", "POST", "/v1/tenders", r#"{"rate":1.00}"#),
    ] {
        let (token, proof) = capture().await?;
        world.of_resource("POST", "/forget").await?;
        let headers = [("authorization", token.as_str()), ("dpop", proof.as_str())];
        let (status, answer) = thief.send(method, &format!("{}{path}", world.resource), &headers, sent).await?;
        checks.equal(&format!("a captured call {what} is refused"), status, 401);
        checks.holds(&format!("{what}: not as a replay"), answer["error"] != "pop_replayed", &answer);
        // The same capture as it was is taken now: it was the change that was refused.
        let (status, answer) = thief.send("POST", &url, &headers, body).await?;
        checks.holds(&format!("{what}: and only because of that"), status == 200, &answer);
    }

    // Two tokens for one key: the proof for the one is no proof for the other.
    let (token, _) = capture().await?;
    subject.other_scope("/v1/tenders", body).await.map_err(shown)?;
    let proof = text(&last(&world.of_resource("GET", "/captured").await?)["proof"]);
    world.of_resource("POST", "/forget").await?;
    let headers = [("authorization", token.as_str()), ("dpop", proof.as_str())];
    let (status, answer) = thief.send("POST", &url, &headers, body).await?;
    let ath = status == 401 && text(&answer["why"]).contains("ath");
    checks.holds("a token with the proof for another token of the same key (ath) is refused", ath, &answer);

    // A proof of another call for another token: our other client's.
    let other = world.connect(world.by_assertion("jwt-short")).await.map_err(shown)?;
    other.tender("/v1/tenders", body).await.map_err(shown)?;
    let captured = world.of_resource("GET", "/captured").await?;
    let proof = text(&last(&captured)["proof"]);
    world.of_resource("POST", "/forget").await?;
    let (token, own) = capture().await?;
    let (status, answer) =
        thief.send("POST", &url, &[("authorization", token.as_str()), ("dpop", proof.as_str())], body).await?;
    checks.holds("a token with a proof by another key is refused", status == 401, &answer);
    let (status, answer) = thief.send("POST", &url, &[("authorization", token.as_str())], body).await?;
    checks.holds("a token without a proof is refused", status == 401, &answer);
    let bearer = token.replacen("DPoP", "Bearer", 1);
    let (status, answer) = thief.send("POST", &url, &[("authorization", bearer.as_str())], body).await?;
    checks.holds("a bound token as a bearer token is refused", status == 401, &answer);
    let mut broken = own.clone();
    broken.truncate(own.len() - 8);
    broken.push_str("AAAAAAAA");
    let headers = [("authorization", token.as_str()), ("dpop", broken.as_str())];
    let (status, answer) = thief.send("POST", &url, &headers, body).await?;
    checks.holds("a proof with another signature is refused", status == 401, &answer);
    let elsewhere =
        Stranger::new(&world.authority.client("spiffe://interop.gladhand.test/tms/other")?, &world.authority.pem())?;
    let (token, proof) = capture().await?;
    world.of_resource("POST", "/forget").await?;
    let headers = [("authorization", token.as_str()), ("dpop", proof.as_str())];
    let (status, answer) = elsewhere.send("POST", &url, &headers, body).await?;
    let seen = (status, text(&answer["error"]));
    checks.equal("token and proof over another client's certificate", seen, (401, "cert_mismatch".into()));
    Ok(())
}

async fn certificate_bound(world: &World, checks: &mut Checks) -> Outcome {
    let subject = world.connect(world.by_certificate(&world.ours, "tls-bound")).await.map_err(shown)?;
    checks.works("a certificate-bound call", subject.read("/v1/capacity?cursor=a%2Fb").await);
    let captured = world.of_resource("GET", "/captured").await?;
    let token = text(&last(&captured)["authorization"]);
    let thief = Stranger::new(&world.authority.client(OUR_URI)?, &world.authority.pem())?;
    let url = format!("{}/v1/capacity", world.resource);
    let (status, answer) = thief.send("GET", &url, &[("authorization", token.as_str())], "").await?;
    checks.holds("its token over another certificate of the same name is refused", status == 401, &answer);
    Ok(())
}

/// The newest of what was captured.
fn last(captured: &Value) -> Value {
    captured.as_array().and_then(|all| all.last()).cloned().unwrap_or_default()
}
