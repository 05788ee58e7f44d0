//! Our certificate files and revocation lists are exchanged while sixteen callers call; Envoy says which certificate each
//! call came with.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::{OURS, World, fingerprint};
use crate::Outcome;
use crate::checks::Checks;
use crate::oidc_provider::shown;
use crate::subject::{Settings, Subject};

const CALLERS: usize = 16;
/// Few, for CI; the rotation suite asks for more.
pub(super) const FEW: usize = 3;
/// How long each certificate is in use.
pub(super) const BETWEEN: Duration = Duration::from_millis(2500);
/// How soon after its publication a new certificate must be on every call that starts (identity §6).
const SOON: Duration = Duration::from_secs(1);

/// One call: when it started and the certificate that Envoy saw, or what went wrong.
struct Call {
    started: Instant,
    outcome: Result<String, String>,
}

pub(super) async fn run(world: &World, rotations: usize, checks: &mut Checks) -> Outcome {
    let (certificate, key) = (world.folder.path().join("client.pem"), world.folder.path().join("client.key"));
    let first = world.authority.client(OURS)?;
    first.write(&certificate, &key)?;
    let list = world.folder.path().join("ours.crl");
    world.authority.write_crl(&[&world.revoked], &list)?;
    let settings = Settings::default()
        .set("identity.crl", list.display().to_string())
        .set("identity.certificate", certificate.display().to_string())
        .set("identity.private_key", key.display().to_string())
        .set("identity.trust", world.authority.pem())
        .peer("base_url", world.proxy.url("webpki"))
        .peer("client_id", "envoy")
        .peer("client_auth", "tls_client_auth");
    let subject = Arc::new(world.connect(settings).await?);
    let stop = Arc::new(AtomicBool::new(false));
    let mut callers = Vec::new();
    for _ in 0..CALLERS {
        callers.push(tokio::spawn(call_until(subject.clone(), stop.clone())));
    }
    let mut published = vec![(Instant::now(), first.fingerprint())];
    for _ in 0..rotations {
        tokio::time::sleep(BETWEEN).await;
        let next = world.authority.client(OURS)?;
        world.authority.write_crl(&[&world.revoked], &list)?;
        next.write(&certificate, &key)?;
        published.push((Instant::now(), next.fingerprint()));
    }
    tokio::time::sleep(BETWEEN).await;
    stop.store(true, Ordering::Relaxed);
    let mut calls = Vec::new();
    for caller in callers {
        calls.extend(caller.await.map_err(|error| error.to_string())?);
    }
    judge(&calls, &published, checks);
    let status: Value =
        serde_json::from_str(subject.client.identity_status().map_err(shown)?.as_str()).unwrap_or_default();
    let events = status["events"].as_array().into_iter().flatten();
    let loaded = events
        .filter(|event| event["event"] == "revocation_list_loaded")
        .filter_map(|event| event["succeeded"].as_u64());
    checks.equal("each revocation list was taken in", loaded.sum::<u64>(), rotations as u64 + 1);
    Ok(())
}

async fn call_until(subject: Arc<Subject>, stop: Arc<AtomicBool>) -> Vec<Call> {
    let mut calls = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let started = Instant::now();
        let outcome = subject.open("/echo").await.map(|seen| fingerprint(&seen)).map_err(shown);
        calls.push(Call { started, outcome });
        // Leaves the processor to the others: it is the rotation that is measured.
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    calls
}

fn judge(calls: &[Call], published: &[(Instant, String)], checks: &mut Checks) {
    let failures: Vec<&String> = calls.iter().filter_map(|call| call.outcome.as_ref().err()).collect();
    let (count, failed) = (calls.len(), failures.len());
    let rotations = published.len() - 1;
    let what = format!("{rotations} rotations of our certificate files under {CALLERS} callers: no call fails");
    checks.holds(
        &what,
        failures.is_empty(),
        format!("{failed} of {count}: {}", failures.first().map_or("", |why| why)),
    );
    checks.holds("there were calls enough to tell", count > 1000, count);
    let mut stale = 0;
    let mut slowest = Duration::ZERO;
    for call in calls {
        let Ok(seen) = &call.outcome else { continue };
        let last = published.iter().rev().find(|(at, _)| *at <= call.started);
        let Some((at, expected)) = last else { continue };
        if seen != expected {
            let age = call.started - *at;
            slowest = slowest.max(age);
            stale += usize::from(age >= SOON);
        }
    }
    let soon = SOON.as_millis();
    checks.equal(&format!("every call that starts {soon} ms after a publication has the new certificate"), stale, 0);
    checks.ok("the last call with an old certificate", format!("{} ms after the publication", slowest.as_millis()));
    let seen: std::collections::BTreeSet<&String> =
        calls.iter().filter_map(|call| call.outcome.as_ref().ok()).collect();
    checks.equal("Envoy saw each of the certificates", seen.len(), published.len());
}
