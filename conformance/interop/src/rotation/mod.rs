//! Everything rotates at once under load. First against the sandbox carrier, whose own record says which identity came with
//! each request: certificates, revocation lists, tokens, DPoP keys, the issuer's key set, while a vehicle's stream and a
//! follower's stay open; then SVIDs from a Workload API; then certificates and revocation lists against Envoy.
//! `GLADHAND_ROTATION_SECONDS` says how long each part lasts, 60 unless set.
//!
//! * [`load`]: the callers. * [`streams`]: a gateway that publishes and a dispatcher who follows. * [`record`]: what the
//!   carrier saw, and what it must have seen.

mod load;
mod record;
mod streams;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use gladhand::{Client, Config, Document, Sandbox};
use serde_json::Value;

use crate::checks::Checks;
use crate::oidc_provider::{shown, text};
use crate::{Outcome, Programs, envoy};
use load::Load;
use record::Record;
use streams::Streams;

/// Something rotates so often; each kind of certificate every second time.
const BETWEEN: Duration = Duration::from_millis(3200);
/// How often each kind must rotate.
const ENOUGH: u64 = 8;

/// A sandbox carrier and its control interface.
pub(crate) struct Stand {
    sandbox: Arc<Sandbox>,
}

impl Stand {
    async fn start(program: &Path, arguments: &[&str]) -> Outcome<Self> {
        let (program, extra) =
            (program.to_owned(), arguments.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>());
        let started = tokio::task::spawn_blocking(move || Sandbox::start_with(Some(&program), "aurora", &extra)).await;
        let sandbox = started.map_err(|error| error.to_string())?.map_err(shown)?;
        Ok(Self { sandbox: Arc::new(sandbox) })
    }

    /// `GET` without a body, `POST` with one.
    async fn control(&self, path: &str, body: &str) -> Outcome<Value> {
        let (sandbox, path, body) = (self.sandbox.clone(), path.to_owned(), body.to_owned());
        let answer = tokio::task::spawn_blocking(move || {
            let body = if body.is_empty() { None } else { Some(Document::parse(body)?) };
            sandbox.control(&path, body.as_ref())
        });
        let answer = answer.await.map_err(|error| error.to_string())?.map_err(shown)?;
        serde_json::from_str(answer.as_str()).map_err(|error| error.to_string())
    }

    fn file(&self, fact: &str) -> String {
        self.sandbox.fact(fact)
    }

    async fn client(&self) -> Outcome<Client> {
        let config = Config::builder().file(self.file("config")).build().map_err(shown)?;
        Client::connect(config).await.map_err(shown)
    }
}

pub(crate) async fn run(programs: &Programs, checks: &mut Checks) -> Outcome {
    let seconds = std::env::var("GLADHAND_ROTATION_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(60);
    let sandbox = programs.path("sandbox")?;
    files(&sandbox, Duration::from_secs(seconds), checks).await?;
    svids(&sandbox, Duration::from_secs(seconds), checks).await?;
    envoy::under_load(programs, Duration::from_secs(seconds), checks).await
}

/// Certificates in files, lists, tokens, DPoP keys and the key set.
async fn files(sandbox: &Path, lasting: Duration, checks: &mut Checks) -> Outcome {
    let stand = Stand::start(sandbox, &["--crl"]).await?;
    // Tokens of ten seconds renew themselves several times for each certificate.
    stand.control("/oauth", r#"{"lifetimeS":10}"#).await?;
    stand.control("/jwks", r#"{"announce":true,"maxAgeS":2}"#).await?;
    let client = stand.client().await?;
    let streams = Streams::open(&stand, &client).await?;
    let load = Load::start(&client, &stand);
    let mut record = Record::new("files");
    record.published("client", &first(&client)?);
    let until = Instant::now() + lasting;
    let (mut lists, mut key_sets, mut dpop) = (0_u64, 0_u64, 0_u64);
    for tick in 0_u64.. {
        if Instant::now() >= until {
            break;
        }
        stand.control("/crl", &format!(r#"{{"nextUpdateS":{}}}"#, 3600 + tick)).await?;
        lists += 1;
        // The key that caches know already begins to sign, and the next one is published.
        stand.control("/jwks", r#"{"rotate":true,"announce":true}"#).await?;
        key_sets += 1;
        if tick % 2 == 0 {
            let issued = stand.control("/identity", r#"{"issue":"client"}"#).await?;
            record.published("client", &text(&issued["fingerprint"]));
            let issued = stand.control("/identity", r#"{"issue":"gateway"}"#).await?;
            record.published("gateway", &text(&issued["fingerprint"]));
        } else {
            client.rotate().await.map_err(shown)?;
            dpop += 1;
        }
        record.watch(&stand, BETWEEN).await?;
    }
    let counts = load.stop().await;
    counts.judge("files", checks);
    streams.close(checks).await;
    record.read(&stand).await?;
    record.judge(checks);
    let status: Value = serde_json::from_str(client.identity_status().map_err(shown)?.as_str()).unwrap_or_default();
    let tokens = happened(&status, "token_obtained");
    for (what, times) in [
        ("certificates", record.publications("client")),
        ("revocation lists", lists.min(happened(&status, "revocation_list_loaded"))),
        ("tokens", tokens),
        ("DPoP keys", (record.dpop_keys() as u64).min(dpop + record.publications("client"))),
        ("the issuer's key set", key_sets),
    ] {
        checks.holds(&format!("{what} rotated at least {ENOUGH} times"), times >= ENOUGH, times);
    }
    client.close().await;
    Ok(())
}

/// SVIDs of a Workload API.
async fn svids(sandbox: &Path, lasting: Duration, checks: &mut Checks) -> Outcome {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let socket = folder.path().join("agent.sock").display().to_string();
    let stand = Stand::start(sandbox, &["--spiffe-socket", &socket, "--svid-lifetime", "600"]).await?;
    let client = stand.client().await?;
    let load = Load::start(&client, &stand);
    let mut record = Record::new("SVIDs");
    record.published("client", &first(&client)?);
    let until = Instant::now() + lasting;
    while Instant::now() < until {
        let agent = stand.control("/spiffe", r#"{"rotate":true}"#).await?;
        record.published("client", &svid(&agent)?);
        record.watch(&stand, 2 * BETWEEN).await?;
    }
    load.stop().await.judge("SVIDs", checks);
    record.read(&stand).await?;
    record.judge(checks);
    let times = record.publications("client");
    checks.holds(&format!("SVIDs rotated at least {ENOUGH} times"), times >= ENOUGH, times);
    client.close().await;
    Ok(())
}

/// The fingerprint of the identity that a client begins with.
fn first(client: &Client) -> Outcome<String> {
    let status = client.identity_status().map_err(shown)?;
    Ok(status.text("/generations/0/fingerprint").unwrap_or_default())
}

/// The fingerprint of the client's SVID.
fn svid(agent: &Value) -> Outcome<String> {
    let all = agent["svids"].as_array().into_iter().flatten();
    let ours =
        all.filter(|svid| text(&svid["spiffeId"]).contains("/tms/")).map(|svid| text(&svid["fingerprint"])).next();
    ours.ok_or_else(|| format!("the agent shows no SVID of ours: {agent}"))
}

fn happened(status: &Value, event: &str) -> u64 {
    let events = status["events"].as_array().into_iter().flatten();
    events.filter(|count| count["event"] == event).filter_map(|count| count["succeeded"].as_u64()).sum()
}
